/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Mixtures: Gaussian mixtures with diagonal covariances, a denoiser without weights of which everything is known: every kind of prediction, the log density, and where
 * the probability flow ends. What a solver or a schedule does can be held against them.
 *
 * A state is x = alpha x0 + sigma noise; a level is the pair (alpha, sigma), so that every schedule can be asked about. All numbers are float64.
 *
 *     vt_mixture_open(ctx, "params.json", "gmm2d", &m);      vt_mixture_predict(m, &rows, VT_PREDICT_EPS, eps);
 *     vt_mixture_solve(m, &rows, 1, 0, NULL, x_end); */
#ifndef VENTURI_MIXTURE_H
#define VENTURI_MIXTURE_H

#include "venturi/solver.h"
#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_mixture vt_mixture;

typedef struct vt_mixture_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int64_t dim, n_modes;
    const double *weights;  /* [n_modes] above 0; brought to a sum of 1 */
    const double *means;    /* [n_modes, dim] */
    const double *stds;     /* [n_modes, dim] standard deviations, above 0 */
    const int32_t *classes; /* [n_modes] class of each mode, from 0; NULL: there are no classes */
    const char *name;       /* NULL: "" */
} vt_mixture_options;

/** A mixture of these numbers, which are copied. Errors: VT_ERR_INVALID (a number, its mode named), VT_ERR_SHAPE, VT_ERR_LIMIT (more than 2^26 means),
 *  VT_ERR_NOMEM. Threads: immutable and shareable. */
VT_API VT_MUST_USE vt_status vt_mixture_create(vt_context *ctx, const vt_mixture_options *opt, vt_mixture **out);
/** From JSON: { "name", "d", "weights", "means", "stds", "classes" } or { "models": [ such, ... ] }, of which the one called name is taken (NULL: the first).
 *  Errors: VT_ERR_FORMAT, VT_ERR_LIMIT, VT_ERR_NOT_FOUND (no such file, no model of this name), VT_ERR_IO, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_mixture_open(vt_context *ctx, const char *path, const char *name, vt_mixture **out);
/** The same from text in memory. */
VT_API VT_MUST_USE vt_status vt_mixture_parse(vt_context *ctx, const char *text, size_t size, const char *name, vt_mixture **out);
VT_API vt_mixture *vt_mixture_retain(vt_mixture *mixture);
VT_API void vt_mixture_release(vt_mixture *mixture);

/** Dimensions, modes and classes (the largest class and one; 0: there are none) and name (borrowed); 0 and "" for NULL. */
VT_API int64_t vt_mixture_dim(const vt_mixture *mixture);
VT_API int64_t vt_mixture_n_modes(const vt_mixture *mixture);
VT_API int32_t vt_mixture_n_classes(const vt_mixture *mixture);
VT_API const char *vt_mixture_name(const vt_mixture *mixture);
/** One mode: its share of 1, its class (-1: none), mean and std [dim], caller's memory, may be NULL. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_mixture_mode(const vt_mixture *mixture, int64_t mode, double *weight, int32_t *label, double *mean, double *std);

enum {
    VT_MIXTURE_ONE_LEVEL = 1 /* alpha and sigma are one number each, for all rows */
};

/* Rows that are asked about; borrowed for the call. */
typedef struct vt_mixture_rows {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_MIXTURE_ONE_LEVEL */
    int64_t n;
    const double *x;     /* [n, dim] */
    const double *alpha; /* [n] or [1], with sigma not both 0 */
    const double *sigma;
    const int32_t *classes; /* [n], -1: all modes; NULL: all modes */
    double guidance;        /* of rows with a class: plain + guidance (with class - plain); 0: 1, the class's prediction itself */
} vt_mixture_rows;

/**
 * What a perfectly trained network would say.
 *
 * kind  VT_PREDICT_* of solver.h, less EDM and RESIDUAL
 * out   [n, dim] caller's memory; undefined on failure.
 *
 * A row's numbers depend on that row alone. Errors: VT_ERR_INVALID (level, class), VT_ERR_UNSUPPORTED (kind), VT_ERR_NUMERIC (a row that is not finite, or too far from all modes), VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_mixture_predict(const vt_mixture *mixture, const vt_mixture_rows *rows, int32_t kind, double *out);
/* A mixture as the model of a solver: user of vt_mixture_model. Borrowed for the run. */
typedef struct vt_mixture_denoiser {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    int32_t prediction;   /* VT_PREDICT_* as in the solver's options */
    const vt_mixture *mixture;
    const int32_t *classes; /* [rows], -1: all modes; NULL: all modes */
    double guidance;        /* as in vt_mixture_rows, of requests for one prediction; one for two gets the class's and the plain one */
} vt_mixture_denoiser;
/**
 * Answers a solver's request: vt_solver_run(solver, vt_mixture_model, &denoiser, cancel). Rows are the states' elements, as many as the mixture has dimensions; float32 states are
 * computed with in float64.
 *
 * Errors:  those of vt_mixture_predict, VT_ERR_SHAPE, VT_ERR_DTYPE.
 */
VT_API VT_MUST_USE vt_status vt_mixture_model(void *denoiser, const vt_solver_request *request, vt_tensor **out);

/** Log density of each row at its level, out [n]. Errors: as vt_mixture_predict; guidance other than 0 and 1 is VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_mixture_log_density(const vt_mixture *mixture, const vt_mixture_rows *rows, double *out);
/**
 * Where the probability flow takes each row from its level to (alpha, sigma), either way: the exact solution of the equation that solvers approximate, with an
 * error of about 1e-12.
 *
 * cancel  may be NULL.   out  [n, dim].
 * Errors:  as vt_mixture_predict; VT_ERR_NUMERIC also where steps of 1e-12 are too long, VT_ERR_CANCELLED.
 * Cost:    some thousand predictions a row.
 */
VT_API VT_MUST_USE vt_status vt_mixture_solve(const vt_mixture *mixture, const vt_mixture_rows *rows, double alpha, double sigma, const vt_cancel *cancel, double *out);
/** n clean draws, numbers first, first + 1, ... of the seed's sequence, of one class (-1: of all modes). out [n, dim]; modes [n] where each came from, or NULL.
 *  Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_mixture_draw(const vt_mixture *mixture, uint64_t seed, int64_t first, int64_t n, int32_t label, double *out, int32_t *modes);

#ifdef __cplusplus
}
#endif
#endif
