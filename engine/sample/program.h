/* Solvers as programs. A kind of solver is one function that writes down one step: which evaluations it asks for, and which linear combinations of the
 * state, of predictions and of noise are the next state. The machine (solver.h) runs programs; it knows no solver by name.
 *
 * A new kind:
 *   1. a number in venturi/solver.h and its twin below, before VT__SOLVER_N;
 *   2. a function `vt_status vt__compile_NAME(const struct vt__plan *plan, int64_t i, struct vt__program *p)`, in the file of its family, declared below;
 *   3. its line in kinds.c: name, function, a check of its options, how its steps are grouped.
 * The function writes step i, from plan->level[plan->first[i]] to plan->level[plan->first[i + 1]]:
 *     vt__put_eval(p, VT__X, from);              the model is asked at the state
 *     vt__put_push(p, VT__P);                    P[k] becomes P[k + 1]; P[0] is to be written
 *     vt__put_keep(p, plan, VT__P, VT__FORM_X0); the prediction, as data, into P[0]
 *     op = vt__put_update(p);                    the next state (VT__X), zero so far
 *     vt__add(op, VT__X, c); vt__add(op, VT__P, d); ...
 * It is called for every class of rows (rows whose levels or roles differ) with that class's levels: which operations there are, and on which slots, may depend on i
 * and the options, and only coefficients on levels. A coefficient of exactly 0 takes its tensor out, whatever is in it. Steps before i have been run with the
 * same plan, so the number of predictions in a ring is a function of i; after an edit of the state that drops history plan->since says at which step it
 * began anew. Level i of a class that was shifted is the shifted one in plan->level.
 *
 * Slots are tensors like the state; those that no program mentions have no memory. */
#ifndef VENTURI_SAMPLE_PROGRAM_H
#define VENTURI_SAMPLE_PROGRAM_H

#include "sample/grid.h"
#include "sample/schedule.h"

enum { VT__RING = 6 };
enum {
    VT__X = 0,                  /* the state */
    VT__P,                      /* ring: P[0] newest */
    VT__Q = VT__P + VT__RING,   /* another ring */
    VT__T = VT__Q + VT__RING,   /* [6] temporary: within one step */
    VT__V = VT__T + 6,          /* [2] velocities: kept from step to step */
    VT__Z = VT__V + 2,          /* [2] normal noise, made by vt__put_noise */
    VT__Y = VT__Z + 2,          /* [2] the caller's tensors: degraded picture, source */
    VT__R = VT__Y + 2,          /* the last prediction as the model gave it, after guidance; until the next evaluation */
    VT__U,                      /* the unconditional prediction, where guidance asks for it */
    VT__SLOTS
};

/* What a prediction is, and what a solver wants it as. */
enum {
    VT__FORM_EPS,
    VT__FORM_X0,
    VT__FORM_V,        /* alpha eps - sigma x0 */
    VT__FORM_FLOW,     /* x0 - eps */
    VT__FORM_FLOW_BACK, /* eps - x0: flow of noise time */
    VT__FORM_SCORE,    /* -eps / sigma */
    VT__FORM_EDM,      /* raw network of EDM's preconditioning: x0 = c_skip x + c_out F */
    VT__FORM_RESIDUAL, /* y - x0 */
    VT__FORM_N
};

enum { VT__DO_EVAL, VT__DO_COMBINE, VT__DO_NOISE, VT__DO_PUSH, VT__DO_PASTE, VT__DO_KEEP, VT__DO_END }; /* the last two in callers' programs only */
enum {
    VT__IS_UPDATE = 1, /* COMBINE: the step's result, where momentum acts and hooks look (before_update) */
    VT__IS_DATA = 2,   /* COMBINE: a prediction of the data: thresholds act on it */
    VT__IS_CORRECTION = 4, /* COMBINE: a corrector's update of the same step */
    VT__IS_GUIDANCE = 8,  /* COMBINE into VT__R: the two predictions as one */
    VT__IS_FIXED = 16     /* NOISE: the row's same numbers at every step, never the caller's */
};

/* One operation. */
struct vt__do {
    int32_t code;
    int32_t slot;     /* written: COMBINE, NOISE (a Z slot); PUSH: VT__P or VT__Q; EVAL: the slot at which the model is asked */
    int32_t model;    /* EVAL: 0 the model, 1 the second one */
    int32_t extra;    /* EVAL: a slot that the model gets besides, -1: none */
    uint32_t flags;
    double from, to;  /* NOISE: where on the axis log(sigma / alpha) it belongs, for sources that are consistent in it. PASTE: the known picture's alpha and sigma */
    struct vt__level level;    /* EVAL: of the state that the model is asked at */
    double coef[VT__SLOTS];    /* COMBINE: of the row's own tensors */
    double routed[VT__SLOTS];  /* COMBINE: of the tensors of the row that the route names; all 0 without one */
};

enum { VT__MOST_OPS = 48 };
struct vt__program {
    int32_t n;
    int32_t is_full; /* an operation was refused: the compile function's bug */
    struct vt__do op[VT__MOST_OPS];
};

enum {
    VT__SOLVER_DDIM, VT__SOLVER_EULER, VT__SOLVER_HEUN, VT__SOLVER_DDPM, VT__SOLVER_ANCESTRAL, VT__SOLVER_LMS, VT__SOLVER_DPM2, VT__SOLVER_DPM, VT__SOLVER_DPM_SINGLE,
    VT__SOLVER_DPM_SDE, VT__SOLVER_DPM_ADAPTIVE, VT__SOLVER_DEIS, VT__SOLVER_PNDM, VT__SOLVER_UNIPC, VT__SOLVER_USF, VT__SOLVER_GHVB, VT__SOLVER_RESSHIFT,
    VT__SOLVER_FLOWTURBO, VT__SOLVER_CONSISTENCY, VT__SOLVER_DDCM, VT__SOLVER_CUSTOM, VT__SOLVER_RK, VT__SOLVER_N
};

/* What a kind may look at. Public twin: vt_solver_options. */
struct vt__solver_params {
    int32_t kind;
    int32_t prediction;      /* VT__FORM_* */
    int32_t algorithm;       /* VT__NOISE_PREDICTION ... below */
    int32_t order;           /* 0: the kind's own */
    int32_t form;            /* of order 2 and more: VT__MIDPOINT ... */
    int32_t variant;         /* of kinds that have several: DEIS, PNDM, UNIPC, GHVB, RK tableaux */
    int32_t n_lower_final;   /* with fewer steps than this the last ones are of lower order; 0: never; -1: always */
    int32_t euler_at_final;  /* the last step is of order 1 */
    int32_t denoise_to_zero; /* the last level's prediction of the data is the result */
    int32_t momentum;        /* VT__MOMENTUM_* */
    double beta;             /* of momentum, in (0, 1] */
    double eta;              /* share of noise that a stochastic solver puts back */
    double noise_scale;      /* factor of that noise */
    double sigma_data;       /* EDM */
    double churn, churn_min, churn_max; /* Karras' Algorithm 2: S_churn and its interval of sigma / alpha */
    int32_t is_raw_noise;    /* DDIM, DDPM: the direction is the model's own noise, not that of cut data */
    /* Thresholds of predicted data: clip > 0: to [-clip, clip]; quantile > 0: of each row's magnitudes, s = max(quantile, floor), at most top where top > 0; to [-s, s] / s. */
    double clip, quantile, quantile_floor, quantile_top;
    /* Guidance: prediction = unconditional + scale (conditional - unconditional), where sigma / alpha is in (from, to]; to 0: everywhere. */
    int32_t is_brownian;     /* noise is increments of a path, consistent between runs of other steps */
    int32_t is_hooked;       /* somebody looks at predictions: they are copied first */
    int32_t guidance;        /* VT__GUIDE_* */
    double guidance_scale, guidance_rescale, guidance_from, guidance_to;
    double r1, r2;           /* singlestep: inner places, 0: the kind's own */
    double option[8];        /* of single kinds; their comments say which is what */
    const char *steps;       /* FLOWTURBO: "HPPPR" */
    const void *table;       /* USF, CUSTOM: rows for each step */
    int64_t n_table;
    double atol, rtol;       /* adaptive kinds */
};
enum { VT__DATA_PREDICTION, VT__NOISE_PREDICTION };
enum { VT__MIDPOINT, VT__HEUN, VT__TAYLOR };
enum { VT__GUIDE_NONE, VT__GUIDE_CFG, VT__GUIDE_CFG_PLUS };
enum { VT__MOMENTUM_NONE, VT__MOMENTUM_HEAVY_BALL, VT__MOMENTUM_NESTEROV, VT__MOMENTUM_GENERALISED, VT__MOMENTUM_N };

/* What a step is compiled from: one class of rows. */
struct vt__plan {
    const vt_schedule *schedule;
    const struct vt__solver_params *params;
    const struct vt__level *level; /* [n_levels] */
    const int64_t *first;          /* [n_steps + 1] */
    int64_t n_levels, n_steps;
    int64_t since;                 /* first step whose predictions are still in the rings */
    int32_t role;                  /* of the rows, for kinds that treat rows differently (DDCM) */
    const void *table;             /* made by the kind's prepare function */
};

/* Predictions of steps before i that step i can use: those since the last drop of history. */
static inline int64_t vt__plan_history(const struct vt__plan *plan, int64_t i) { return i - plan->since; }
static inline const struct vt__level *vt__plan_from(const struct vt__plan *plan, int64_t i) { return plan->level + plan->first[i]; }
static inline const struct vt__level *vt__plan_to(const struct vt__plan *plan, int64_t i) { return plan->level + plan->first[i + 1]; }
/* The order that step i may have, of `order` wished for: what history and the last steps allow. */
int32_t vt__plan_order(const struct vt__plan *plan, int64_t i, int32_t order);

/* Each appends an operation; what is not mentioned is 0. Behind the last place they set is_full and answer a place that nobody reads. */
struct vt__do *vt__put_eval(struct vt__program *p, int32_t slot, const struct vt__level *level);
struct vt__do *vt__put_combine(struct vt__program *p, int32_t slot);
struct vt__do *vt__put_update(struct vt__program *p); /* COMBINE into VT__X, flagged */
void vt__put_push(struct vt__program *p, int32_t ring);
/* Normal noise into slot Z + k, of the interval between two levels. */
void vt__put_noise(struct vt__program *p, int32_t slot, const struct vt__level *from, const struct vt__level *to);
static inline void vt__add(struct vt__do *op, int32_t slot, double c) { op->coef[slot] += c; }

/* The prediction of the evaluation before, in a form, into a slot. Where thresholds are on, data is cut and every other form made of the cut data. */
void vt__put_keep(struct vt__program *p, const struct vt__plan *plan, int32_t slot, int32_t form);
/* Adds c times the prediction of the evaluation before in a form, without storing it. */
void vt__add_prediction(struct vt__program *p, const struct vt__plan *plan, struct vt__do *op, int32_t form, double c);
/* c = {of x, of the prediction, of y}: a prediction of form `given` at a level as `wanted`. Where sigma or alpha is 0 and the form is not to be had, NaN. */
void vt__form_convert(const struct vt__level *level, double sigma_data, int32_t given, int32_t wanted, double c[3]);

static inline int vt__params_cut(const struct vt__solver_params *o) { return o->clip > 0 || o->quantile > 0; }
/* What every program gets besides: guidance behind each evaluation, and at the last step the prediction that ends in data. */
vt_status vt__program_finish(const struct vt__plan *plan, int64_t i, struct vt__program *p);

/* A caller's operation (VT__SOLVER_CUSTOM): params->table is [n_table] of them, each step ends with END. Public twin: vt_solver_op. */
struct vt__custom {
    int32_t code, slot, form, model, is_update, reserved;
    double from, to;
    struct vt__level level;
    double coefficient[VT__U];
};

/* A kind. */
struct vt__solver_kind {
    const char *name;
    vt_status (*compile)(const struct vt__plan *plan, int64_t i, struct vt__program *p);
    vt_status (*check)(const struct vt__plan *plan); /* options and grid, once; NULL: nothing to check */
    /* Kinds whose steps have inner levels (first[i + 1] - first[i] of them): how n evaluations are shared out, into order [n]; answers the number of steps. */
    int64_t (*orders)(const struct vt__solver_params *o, int64_t n, int32_t *order);
    int32_t is_adaptive; /* its one step is tried again and again until it has come to the end */
};
/* NULL: no such kind here. */
const struct vt__solver_kind *vt__solver_kind_get(int32_t kind);

/* exponential.c, singlestep.c; further families are declared in families.h */
vt_status vt__compile_dpm(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__check_dpm(const struct vt__plan *plan);
vt_status vt__compile_single(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__check_single(const struct vt__plan *plan);
int64_t vt__orders_single(const struct vt__solver_params *o, int64_t n, int32_t *order);
/* custom.c */
vt_status vt__compile_custom(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__check_custom(const struct vt__plan *plan);
/* adaptive.c */
vt_status vt__compile_adaptive(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__check_adaptive(const struct vt__plan *plan);
int64_t vt__orders_adaptive(const struct vt__solver_params *o, int64_t n, int32_t *order);
/* classical.c */
vt_status vt__compile_ddim(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__compile_ddpm(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__compile_heun(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__compile_dpm2(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__compile_lms(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__check_lms(const struct vt__plan *plan);
vt_status vt__compile_ancestral(const struct vt__plan *plan, int64_t i, struct vt__program *p);
vt_status vt__compile_dpm_sde(const struct vt__plan *plan, int64_t i, struct vt__program *p);

#endif
