/* What steps do with memory, as far as the order and the planning of memory must know. */
#ifndef VENTURI_PLAN_STEP_H
#define VENTURI_PLAN_STEP_H

#include "plan/program.h"

/* Does the step read the numbers of its input i? Some know nothing of it but extents and type. */
int vt__step_reads(const struct vt__step *s, int32_t i);

#endif
