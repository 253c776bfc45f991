/* Noise schedules: how much signal and noise a state has at a time. x = alpha x0 + sigma eps (+ shift y for residual shifting). Not here: which times a
 * solver visits (grid.h). */
#ifndef VENTURI_SAMPLE_SCHEDULE_H
#define VENTURI_SAMPLE_SCHEDULE_H

#include "venturi/types.h"

enum {
    VT__SCHEDULE_LINEAR,        /* discrete: betas from first to last */
    VT__SCHEDULE_SCALED_LINEAR, /* discrete: roots of betas from those of first to last */
    VT__SCHEDULE_COSINE,        /* discrete, betas at most 0.999 */
    VT__SCHEDULE_TABLE,         /* discrete: alpha^2 at each index */
    VT__SCHEDULE_VP,            /* continuous: beta linear in t in [0, 1] */
    VT__SCHEDULE_VP_COSINE,     /* continuous: alpha = cos(pi/2 (t + s) / (1 + s)) / cos(pi/2 s / (1 + s)) */
    VT__SCHEDULE_VE,            /* t is sigma, alpha 1 */
    VT__SCHEDULE_FLOW,          /* t in [0, 1]: alpha t, sigma 1 - t, after the shift */
    VT__SCHEDULE_RESSHIFT,      /* discrete: alpha 1 - eta, sigma kappa sqrt(eta), y's share eta */
    VT__SCHEDULE_N
};

enum { VT__TIME_NATURAL, VT__TIME_UNIT, VT__TIME_INDEX, VT__TIME_LOG_SIGMA };

/* A noise level. Public twin: vt_level. */
struct vt__level {
    double t;       /* the schedule's time: an index (real numbers lie between two, -1 is the data) or a continuous time */
    double time;    /* what the model is told */
    double alpha, sigma;
    double lambda;  /* log(alpha / sigma); infinite where one of them is 0 */
    double share;   /* of the degraded picture y in the state: residual shifting only */
};

struct vt__schedule_params {
    int32_t kind, time_form;
    int64_t n;                    /* indices of discrete kinds */
    double first, last;           /* betas; VE: least and greatest sigma; RESSHIFT: least noise and the last root of eta */
    double shift;                 /* FLOW: of noise times, s' = shift s / (1 + (shift - 1) s) */
    double kappa, power;          /* RESSHIFT */
    double log_snr_min;           /* discrete: indices of a lambda below it are left out; -infinity: none */
    int32_t from_noise;           /* FLOW: t is 0 at the data and 1 at the noise */
    const double *table;          /* TABLE: [n], in (0, 1], falling */
};

struct vt_schedule; /* vt_schedule: immutable, shareable */

vt_status vt__schedule_create(vt_context *ctx, const struct vt__schedule_params *params, vt_schedule **out);
vt_schedule *vt__schedule_retain(vt_schedule *s);
void vt__schedule_release(vt_schedule *s);
const struct vt__schedule_params *vt__schedule_params_of(const vt_schedule *s); /* n without what was left out; table not kept */
int vt__schedule_is_discrete(const vt_schedule *s);

/* INVALID for a time that the schedule does not have. */
vt_status vt__schedule_level(const vt_schedule *s, double t, struct vt__level *out);
/* The time at which log(alpha / sigma) is lambda. */
vt_status vt__schedule_find(const vt_schedule *s, double lambda, double *t);
/* d log(alpha) / dt at t. */
vt_status vt__schedule_slope(const vt_schedule *s, double t, double *out);
/* Times of most and of least noise. */
void vt__schedule_ends(const vt_schedule *s, double *noisy, double *clean);
/* t on a scale from 0 (data) to 1 (noise) that power spacings are made on, and back: (t + 1) / n of an index. */
double vt__schedule_unit(const vt_schedule *s, double t);
double vt__schedule_from_unit(const vt_schedule *s, double u);
/* The data itself: alpha 1, sigma 0. */
struct vt__level vt__schedule_data(const vt_schedule *s);

#endif
