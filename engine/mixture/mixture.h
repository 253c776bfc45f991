/* Gaussian mixtures with diagonal covariances: a denoiser of which everything is known in closed form, so that a solver's result can be held against the
 * truth. Not here: solvers (engine/sample). */
#ifndef VENTURI_MIXTURE_MIXTURE_H
#define VENTURI_MIXTURE_MIXTURE_H

#include "venturi/types.h"

typedef struct vt_mixture vt_mixture;

/* Borrowed numbers of a mixture. */
typedef struct vt__mixture_params {
    const char *name;      /* NULL: "" */
    int64_t dim, n_modes;
    const double *weights; /* [n_modes] above 0; brought to a sum of 1 */
    const double *means;   /* [n_modes, dim] */
    const double *stds;    /* [n_modes, dim] above 0 */
    const int32_t *classes; /* [n_modes] from 0; NULL: there are no classes */
} vt__mixture_params;

vt_status vt__mixture_create(vt_context *ctx, const vt__mixture_params *params, vt_mixture **out);
/* From JSON text: a model { name, d, weights, means, stds, classes }, or { models: [model, ...] }, of which `name` is taken (NULL: the first).
 * Errors: FORMAT, LIMIT, NOT_FOUND (no model of this name), NOMEM. */
vt_status vt__mixture_parse(vt_context *ctx, const char *text, size_t size, const char *name, vt_mixture **out);
vt_status vt__mixture_open(vt_context *ctx, const char *path, const char *name, vt_mixture **out);
vt_mixture *vt__mixture_retain(vt_mixture *m);
void vt__mixture_release(vt_mixture *m);

vt_context *vt__mixture_context(const vt_mixture *m);
const char *vt__mixture_name(const vt_mixture *m);
int64_t vt__mixture_dim(const vt_mixture *m);
int64_t vt__mixture_modes(const vt_mixture *m);
int32_t vt__mixture_classes(const vt_mixture *m); /* 0: it has none */
double vt__mixture_weight(const vt_mixture *m, int64_t mode);
const double *vt__mixture_means(const vt_mixture *m); /* [n_modes, dim] borrowed */
const double *vt__mixture_stds(const vt_mixture *m);
int32_t vt__mixture_class_of(const vt_mixture *m, int64_t mode); /* -1: none */

/* What is asked: n rows of x, each at its level x = alpha x0 + sigma noise. */
typedef struct vt__mixture_rows {
    const double *x; /* [n, dim] */
    int64_t n;
    const double *alpha, *sigma; /* [n], or [1] with one_level */
    int one_level;
    const int32_t *classes; /* [n] class of each row, -1: all modes; NULL: all modes */
    double guidance;        /* prediction = without class + guidance (with class - without class); 1: just the class's */
} vt__mixture_rows;

enum {
    VT__MIXTURE_EPS = 0,
    VT__MIXTURE_X0 = 1,
    VT__MIXTURE_V = 2,    /* alpha eps - sigma x0 */
    VT__MIXTURE_FLOW = 3, /* x0 - eps: velocity towards the data where alpha + sigma = 1 */
    VT__MIXTURE_FLOW_BACK = 4,
    VT__MIXTURE_SCORE = 5
};

/* out [n, dim]. Errors: INVALID (level, class), NUMERIC (a row that is not finite, or too far off for the exponential), NOMEM. */
vt_status vt__mixture_predict(const vt_mixture *m, const vt__mixture_rows *rows, int32_t kind, double *out);
/* The same of float32 rows x into out, both [n, dim]; rows->x is not looked at. */
vt_status vt__mixture_predict_f32(const vt_mixture *m, const vt__mixture_rows *rows, const float *x, int32_t kind, float *out);
/* out [n]: log density of x at its level; guidance is not looked at. */
vt_status vt__mixture_log_density(const vt_mixture *m, const vt__mixture_rows *rows, double *out);
/* Where the probability flow takes each row from its level to (alpha, sigma), within about 1e-12 a coordinate. out [n, dim].
 * Errors: as predict; NUMERIC also where the integration does not get on; CANCELLED. */
vt_status vt__mixture_flow(const vt_mixture *m, const vt__mixture_rows *rows, double alpha, double sigma, const vt_cancel *cancel, double *out);
/* n draws from the data (label -1: from all modes; else of a class); rows first, first + 1, ... of the seed's sequence. modes [n] or NULL. */
vt_status vt__mixture_draw(const vt_mixture *m, uint64_t seed, int64_t first, int64_t n, int32_t label, double *out, int32_t *modes);

#endif
