/* What is found out about a matrix, or a triangle, when a handle is made of it. */
#ifndef VENTURI_DISTANCE_MATRIX_H
#define VENTURI_DISTANCE_MATRIX_H

#include "distance/distance_internal.h"

typedef struct vt__survey {
    vt_context *ctx;
    const void *data;
    int type;          /* VT__DISTANCE_* */
    int64_t n, stride; /* stride 0: a packed triangle */
    int vouched;       /* the caller says that it is symmetric */
} vt__survey;

/* One pass over the data, parallel: refuses NaN and minus infinity with their place, and sets is_symmetric, has_diagonal, bound and far of `distance`. */
vt_status vt__matrix_examine(const vt__survey *survey, vt_distance *distance);

#endif
