/* Normal noise that belongs to an interval: increments of one Brownian path for each element of each row, so that two runs with steps of their own see the same path. */
#ifndef VENTURI_SAMPLE_BROWNIAN_H
#define VENTURI_SAMPLE_BROWNIAN_H

#include "venturi/types.h"

/* z [n], standard normal: the increment of the path of (seed, element first + i) from u to v, over its standard deviation. The axis is cut into 2^-11; times beyond 16 are
 * taken as 16. u and v that fall together give zeros. scratch [n]. */
void vt__brownian_normal(uint64_t seed, uint64_t first, double u, double v, double *z, double *scratch, int64_t n);

#endif
