/* What steps cost, by their extents. */
#ifndef VENTURI_PLAN_COST_H
#define VENTURI_PLAN_COST_H

#include "plan/program.h"

/* Additions and multiplications, about: exact for products, an operation an element for the rest. */
double vt__step_flops(const struct vt__program *p, const struct vt__step *s);
/* Bytes that it reads and writes. */
double vt__step_bytes(const struct vt__program *p, const struct vt__step *s);

#endif
