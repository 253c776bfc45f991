/* What solvers do to a whole row of a batch: thresholds by quantile, guidance at the conditional prediction's spread. */
#ifndef VENTURI_SAMPLE_ROW_H
#define VENTURI_SAMPLE_ROW_H

#include "venturi/types.h"

/* Quantile q in [0, 1] of v [n], n >= 1, between two values linearly; v is put into another order. */
double vt__quantile(double *v, int64_t n, double q);
/* x [n] of dtype f32 or f64: with s = max(quantile of |x|, floor), at most top where top > 0, x becomes x cut to [-s, s], over s. magnitudes [n]: scratch. */
void vt__row_threshold(void *x, int32_t dtype, int64_t n, double quantile, double floor, double top, double *magnitudes);
/* x [n] times share std(like) / std(x) + 1 - share (Lin et al. 2024, section 3.4). */
void vt__row_rescale(void *x, const void *like, int32_t dtype, int64_t n, double share);

#endif
