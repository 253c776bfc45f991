/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Semi-discrete optimal transport: a map from a continuous source (standard normal noise) to n given targets, which gives each target its share of the source
 * at the least total squared distance. It is the gradient of u(x) = max_j <x, y_j> + h_j; solving finds the heights h. All numbers are float64. */
#ifndef VENTURI_OT_H
#define VENTURI_OT_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_ot vt_ot;

/** A map onto targets [n, dim] with masses [n] above 0 (NULL: equal ones), both copied. Until it is solved a point goes to the nearest target. Errors: VT_ERR_INVALID,
 *  VT_ERR_SHAPE, VT_ERR_LIMIT (more than 2^28 numbers), VT_ERR_NOMEM. Threads: one user at a time while solving; else shareable. */
VT_API VT_MUST_USE vt_status vt_ot_create(vt_context *ctx, const double *targets, int64_t n, int64_t dim, const double *masses, vt_ot **out);
VT_API vt_ot *vt_ot_retain(vt_ot *ot);
VT_API void vt_ot_release(vt_ot *ot);
/** Targets and dimensions; 0 for NULL. */
VT_API int64_t vt_ot_count(const vt_ot *ot);
VT_API int64_t vt_ot_dim(const vt_ot *ot);
/** The heights, [n] with mean 0: read into caller's memory, or set (to any numbers up to 1e200; their mean is taken off). Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_ot_get_heights(const vt_ot *ot, double *out);
VT_API VT_MUST_USE vt_status vt_ot_set_heights(vt_ot *ot, const double *heights);

enum {
    VT_OT_NORMAL = 0, /* the source is standard normal */
    VT_OT_UNIFORM = 1 /* uniform on [0, 1]^dim */
};

typedef struct vt_ot_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int32_t source;       /* VT_OT_* */
    int32_t patience;     /* iterations a round; 0: 50 */
    int32_t n_doublings;  /* how often the points may be doubled, when a round brings nothing; 0: 3; -1: never */
    int32_t reserved;     /* must be 0 */
    int64_t n_samples;    /* points of the source an iteration; 0: 10 a target, 4096 at least */
    int64_t max_iter;     /* 0: 10000 */
    double rate;          /* of Adam, in units of the targets' spread; takes 0.8 of itself each round; 0: 0.1 */
    double tolerance;     /* length of the vector of masses less shares that is good enough, if no cell is empty; 0: 8e-4 */
    uint64_t seed;
    vt_cancel *cancel;    /* may be NULL */
    vt_progress_fn progress;
    void *progress_user;
} vt_ot_options;

typedef struct vt_ot_report {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t converged;    /* 1: within the tolerance and no cell empty; 0: rounds brought no more, or max_iter */
    int64_t n_iter;
    int64_t n_samples;    /* points of the last iteration */
    int64_t n_empty;      /* targets that none of the points went to, when it was measured */
    double error;         /* as the tolerance */
} vt_ot_report;

/**
 * Finds the heights, going on from those that are there, by Monte Carlo: each iteration measures the cells by new points and moves the heights by Adam; what
 * counts is the average over a round. Points of up to 8 dimensions are spread evenly, of more drawn at random.
 *
 * report  may be NULL.
 * The same options give the same heights on any number of threads. Not converging is no failure. Errors: VT_ERR_INVALID, VT_ERR_LIMIT (more than 2^24 points),
 * VT_ERR_CANCELLED (the heights are as before), VT_ERR_NOMEM.
 * Cost:    O(n_samples n dim) an iteration.    Source: Gu et al. 2013; An et al. 2020.
 */
VT_API VT_MUST_USE vt_status vt_ot_solve(vt_ot *ot, const vt_ot_options *opt, vt_ot_report *report);
/** The k targets of largest <x, y> + h for each row of x [n_rows, dim], largest first, ties to the lower index: out [n_rows, k]; the first is where the row goes.
 *  Errors: VT_ERR_INVALID (k), VT_ERR_NUMERIC (a row that is not finite), VT_ERR_NOMEM. Cost: O(n_rows n dim). */
VT_API VT_MUST_USE vt_status vt_ot_map(const vt_ot *ot, const double *x, int64_t n_rows, int32_t k, int32_t *out);

#ifdef __cplusplus
}
#endif
#endif
