/* Points of a continuous source, a function of seed and position. */
#ifndef VENTURI_OT_SOURCE_H
#define VENTURI_OT_SOURCE_H

#include "venturi/types.h"

enum { VT__OT_SPREAD_DIM = 8 }; /* up to here points are spread evenly, beyond drawn at random */

/* out [n, dim]: points first to first + n - 1. */
void vt__ot_source(int uniform, uint64_t seed, uint64_t first, int64_t n, int64_t dim, double *out);

#endif
