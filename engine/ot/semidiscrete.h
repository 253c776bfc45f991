/* Semi-discrete optimal transport: which of n targets a point of a continuous source goes to, so that each target gets its share of the source and the
 * squared distances are least. The map is the gradient of u(x) = max_j <x, y_j> + h_j; the heights h are what is solved for. */
#ifndef VENTURI_OT_SEMIDISCRETE_H
#define VENTURI_OT_SEMIDISCRETE_H

#include "core/watch.h"
#include "venturi/types.h"

typedef struct vt_ot vt_ot;

typedef struct vt__ot_params {
    int uniform;       /* the source is uniform on [0, 1]^dim; else standard normal */
    int64_t n_samples; /* points of the source an iteration, at first */
    int64_t max_iter;
    int32_t patience;  /* iterations without a smaller error before the points are doubled and the rate takes 0.8 of itself */
    int32_t n_doublings;
    double rate;       /* of Adam, in units of the targets' spread */
    double tolerance;  /* length of the error vector: masses of the cells less the targets' shares */
    uint64_t seed;
    vt__watch watch;
} vt__ot_params;

typedef struct vt__ot_report {
    int64_t n_iter, n_samples; /* iterations; points of the last one */
    double error;              /* length of (masses - shares), the mean of the last iterations' points */
    int64_t n_empty;           /* cells without any of these points */
    int converged;             /* error below the tolerance, and no cell empty */
} vt__ot_report;

/* targets [n, dim], masses [n] above 0 (NULL: equal), both copied. Heights begin as those of n points of equal power: h_j = -|y_j|^2 / 2. */
vt_status vt__ot_create(vt_context *ctx, const double *targets, int64_t n, int64_t dim, const double *masses, vt_ot **out);
vt_ot *vt__ot_retain(vt_ot *ot);
void vt__ot_release(vt_ot *ot);
int64_t vt__ot_count(const vt_ot *ot);
int64_t vt__ot_dim(const vt_ot *ot);
const double *vt__ot_targets(const vt_ot *ot);
const double *vt__ot_heights(const vt_ot *ot); /* [n] mean 0 */
vt_status vt__ot_set_heights(vt_ot *ot, const double *heights);

/* Goes on from the heights that are there. Errors: CANCELLED (the heights stay as they were), NOMEM. */
vt_status vt__ot_solve(vt_ot *ot, const vt__ot_params *params, vt__ot_report *report);
/* The k targets of largest <x, y_j> + h_j of each row of x [n, dim], largest first, ties to the smaller number: out [n, k]. Errors: NUMERIC, NOMEM. */
vt_status vt__ot_map(const vt_ot *ot, const double *x, int64_t n, int32_t k, int32_t *out);

#endif
