/* Sparse rows (CSR), as the room keeps them. */
#ifndef VENTURI_DISTANCE_SPARSE_H
#define VENTURI_DISTANCE_SPARSE_H

#include "distance/distance_internal.h"

typedef struct vt__sparse {
    vt_distance base;
    int32_t metric;
    int64_t dim; /* of the caller's rows; fewer where most columns are not used */
    int64_t *offsets; /* [n + 1] */
    int32_t *columns; /* [offsets[n]] ascending in a row */
    float *values;    /* [offsets[n]] finite and not zero */
    double *norms;    /* [n] sum of squares, of L1 sum of magnitudes; of a row's elements in order, like the sums that it is compared with */
    void (*sum)(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
} vt__sparse;

/* The handle of sparse rows, or NULL. */
const vt__sparse *vt__sparse_of(const vt_distance *distance);

#endif
