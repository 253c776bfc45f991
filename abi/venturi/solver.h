/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Diffusion and flow: noise schedules, and a step machine that takes a batch from noise to data (or back) with the predictions of a model that the caller runs.
 * Between two predictions the caller may look, edit, save or stop. Not here: models, training.
 *
 * A state is x = alpha x0 + sigma eps. Coefficients are computed in float64, the state is float32 or float64. Every row of a batch has its own noise: a row's result
 * depends on its seed, its first state and its predictions, not on the batch it is in nor on the number of threads. */
#ifndef VENTURI_SOLVER_H
#define VENTURI_SOLVER_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- schedules ---- */

/* Travels as int32_t. */
enum {
    VT_SCHEDULE_LINEAR = 0,        /* indices 0 to n - 1; betas from first to last (0: 1e-4 and 0.02) */
    VT_SCHEDULE_SCALED_LINEAR = 1, /* the same of the betas' roots (0: 0.00085 and 0.012) */
    VT_SCHEDULE_COSINE = 2,        /* indices; betas of a squared cosine, at most 0.999 */
    VT_SCHEDULE_TABLE = 3,         /* indices; alpha^2 of each, falling */
    VT_SCHEDULE_VP = 4,            /* t in [0, 1]; beta(t) from first to last (0: 0.1 and 20) */
    VT_SCHEDULE_VP_COSINE = 5,     /* t in [0, 1] */
    VT_SCHEDULE_VE = 6,            /* t is sigma, alpha is 1; first and last: least and greatest (0: 0.002 and 80) */
    VT_SCHEDULE_FLOW = 7,          /* rectified flow: t in [0, 1] from noise to data, alpha t, sigma 1 - t */
    VT_SCHEDULE_RESSHIFT = 8       /* indices; first: least noise (0: 0.2), last: the last root of eta (0: 0.99); kappa, power */
};
/* What the model is told as time: the schedule's t; t on the scale from 0 at the data to 1; that times n, less 1 (DPM-Solver's); log(sigma) / 4 (EDM's). */
enum { VT_TIME_NATURAL = 0, VT_TIME_UNIT = 1, VT_TIME_INDEX = 2, VT_TIME_LOG_SIGMA = 3 };
enum { VT_SCHEDULE_FROM_NOISE = 1 }; /* FLOW: t is 0 at the data and 1 at the noise */

typedef struct vt_schedule_options {
    uint32_t struct_size;
    int32_t kind;
    uint32_t flags;
    int32_t time_form;
    int64_t n;          /* indices: 0: 1000, RESSHIFT 4; n of the table */
    const double *table; /* [n] alpha^2 */
    double first, last;
    double shift;       /* FLOW: noise time s becomes shift s / (1 + (shift - 1) s); 0: 1 */
    double kappa;       /* RESSHIFT: 0: 2 */
    double power;       /* RESSHIFT: 0: 0.3 */
    double log_snr_min; /* indices: those of a log(alpha / sigma) below it are left out, as DPM-Solver's code does below -5.1; 0: none */
} vt_schedule_options;

/* A noise level. */
typedef struct vt_level {
    double t;       /* the schedule's time; a real index lies between two, -1 is the data */
    double time;    /* what the model is told */
    double alpha, sigma;
    double log_snr; /* log(alpha / sigma) */
    double share;   /* of the degraded picture: residual shifting */
} vt_level;

/** A schedule. Immutable, any threads. Errors:  VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_schedule_create(vt_context *ctx, const vt_schedule_options *opt, vt_schedule **out);
VT_API vt_schedule *vt_schedule_retain(vt_schedule *schedule);
VT_API void vt_schedule_release(vt_schedule *schedule);
/** The levels of times t [n] into out [n]. Errors:  VT_ERR_INVALID (a time that the schedule does not have). */
VT_API VT_MUST_USE vt_status vt_schedule_levels(const vt_schedule *schedule, const double *t, int64_t n, vt_level *out);
/** The times at which log(alpha / sigma) is log_snr [n]. Errors:  VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_schedule_find(const vt_schedule *schedule, const double *log_snr, int64_t n, double *t);

/* ---- solvers ---- */

/* Travels as int32_t. */
enum {
    VT_SOLVER_DDIM = 0,
    VT_SOLVER_EULER = 1,
    VT_SOLVER_HEUN = 2,
    VT_SOLVER_DDPM = 3,
    VT_SOLVER_ANCESTRAL = 4,     /* eta 0: 1 */
    VT_SOLVER_LMS = 5,
    VT_SOLVER_DPM2 = 6,
    VT_SOLVER_DPM = 7,           /* DPM-Solver and DPM-Solver++, multistep; eta > 0: stochastic */
    VT_SOLVER_DPM_SINGLE = 8,
    VT_SOLVER_DPM_SDE = 9,       /* singlestep, stochastic; eta 0: 1 */
    VT_SOLVER_DPM_ADAPTIVE = 10,
    VT_SOLVER_DEIS = 11,
    VT_SOLVER_PNDM = 12,
    VT_SOLVER_UNIPC = 13,
    VT_SOLVER_USF = 14,
    VT_SOLVER_GHVB = 15,
    VT_SOLVER_RESSHIFT = 16,
    VT_SOLVER_FLOWTURBO = 17,
    VT_SOLVER_CONSISTENCY = 18,
    VT_SOLVER_DDCM = 19,
    VT_SOLVER_CUSTOM = 20,       /* a program of the caller's */
    VT_SOLVER_RK = 21            /* Runge-Kutta over the flow's own time */
};

/* What the model predicts. Travels as int32_t. */
enum {
    VT_PREDICT_EPS = 0,
    VT_PREDICT_X0 = 1,
    VT_PREDICT_V = 2,         /* alpha eps - sigma x0 */
    VT_PREDICT_FLOW = 3,      /* x0 - eps */
    VT_PREDICT_FLOW_BACK = 4, /* eps - x0 */
    VT_PREDICT_SCORE = 5,     /* -eps / sigma */
    VT_PREDICT_EDM = 6,       /* the raw network within EDM's preconditioning */
    VT_PREDICT_RESIDUAL = 7   /* y - x0: residual shifting */
};

/* Which levels are visited. Reference libraries differ by a step or an index: each convention has its name here. Travels as int32_t. */
enum {
    VT_SPACING_UNIFORM = 0,     /* n + 1 times evenly from start to end (DPM-Solver: time_uniform) */
    VT_SPACING_POWER = 1,       /* evenly in the power 1 / `power` of unit time, 0: 2 (DPM-Solver: time_quadratic) */
    VT_SPACING_LOG_SNR = 2,     /* evenly in log(alpha / sigma) */
    VT_SPACING_KARRAS = 3,      /* n values of sigma / alpha evenly in the power 1 / `power`, 0: 7; then the final level */
    VT_SPACING_EXPONENTIAL = 4, /* n levels evenly in log(alpha / sigma), then the final level */
    VT_SPACING_LINSPACE = 5,    /* round(linspace(0, T - 1, n + 1)) without 0, then the final level (diffusers: DPM-Solver classes) */
    VT_SPACING_LINSPACE_N = 6,  /* linspace(0, T - 1, n), sigma / alpha linear between indices, then the final level (diffusers: Euler, Heun) */
    VT_SPACING_LEADING = 7,     /* i (T / (n + 1)) + offset for i from 1 to n, then the final level (diffusers: DPM-Solver classes) */
    VT_SPACING_LEADING_N = 8,   /* i (T / n) + offset for i from 0 to n - 1, then the final level (diffusers: DDIM, PNDM) */
    VT_SPACING_TRAILING = 9,    /* round(T - i T / n) - 1, then the final level */
    VT_SPACING_RATIO = 10,      /* n + 1 levels evenly in the power 1 / `power` of sigma / alpha, 0: 7 */
    VT_SPACING_TIMES = 11,      /* values: n + 1 times */
    VT_SPACING_SIGMAS = 12,     /* values: n + 1 ratios sigma / alpha; the last may be 0 */
    VT_SPACING_LEVELS = 13      /* levels: n + 1 levels */
};
/* The last level of spacings that need one: the data (sigma 0), or the schedule's least noise. */
enum { VT_FINAL_DEFAULT = 0, VT_FINAL_ZERO = 1, VT_FINAL_LEAST = 2 };

/* Classifier-free guidance, and CFG++ (Chung et al. 2024), whose noise is the unconditional prediction's; the scale of the latter is between 0 and 1. */
enum { VT_GUIDANCE_NONE = 0, VT_GUIDANCE_CFG = 1, VT_GUIDANCE_CFG_PLUS = 2 };

/* Predictions that exponential solvers work with, and the form of second and higher orders. VT_FORM_TAYLOR: of true third order, where published code counts the
 * second derivative half. */
enum { VT_PREDICTION_DATA = 0, VT_PREDICTION_NOISE = 1 };
enum { VT_FORM_MIDPOINT = 0, VT_FORM_HEUN = 1, VT_FORM_TAYLOR = 2 };

enum {
    VT_SOLVER_LOWER_FINAL = 1,     /* the last steps are of lower order, however many steps there are */
    VT_SOLVER_NO_LOWER_FINAL = 2,  /* never; neither flag: with fewer than `lower_final` steps */
    VT_SOLVER_EULER_FINAL = 4,     /* the last step is of order 1 */
    VT_SOLVER_DENOISE = 8,         /* one more prediction at the last level, whose data is the result */
    VT_SOLVER_ROUND_TIMES = 16,    /* KARRAS, EXPONENTIAL: the model is told whole indices (diffusers) */
    VT_SOLVER_BROWNIAN = 128,      /* fresh noise is increments of one path for each element, over log(sigma / alpha): runs of other steps see the same path */
    VT_SOLVER_RAW_NOISE = 64,      /* DDIM, DDPM, EULER with thresholds: the noise is the model's own, not what cut data leaves (diffusers) */
    VT_SOLVER_CLASSICAL = 32       /* PNDM: the classical method on the equation scaled by time (the paper's FON) */
};

/* Variants of kinds that have several. DEIS: a polynomial in time, in sigma / alpha, or weights of even steps (iPNDM). PNDM: three Runge-Kutta steps first, one improved
 * Euler step (S-PNDM, order 2), or lower orders (GHVB does). UniPC: its B(h). RK: the tableau. Travels as int32_t. */
enum { VT_DEIS_TIME = 0, VT_DEIS_RATIO = 1, VT_DEIS_EVEN = 2 };
enum { VT_PNDM_RUNGE_KUTTA = 0, VT_PNDM_IMPROVED_EULER = 1, VT_PNDM_RAMP = 2 };
enum { VT_UNIPC_BH2 = 0, VT_UNIPC_BH1 = 1 };
/* Singlestep DPM-Solvers: how n evaluations are shared out: as the authors do, with lower orders where n is no multiple; as diffusers does; all of one order. */
enum { VT_SINGLE_MIXED = 0, VT_SINGLE_DIFFUSERS = 1, VT_SINGLE_EVEN = 2 };
enum { VT_DDPM_SMALL = 0, VT_DDPM_LARGE = 1 }; /* which of the two variances */
enum {
    VT_RK_HEUN2 = 0, VT_RK_EULER = 1, VT_RK_KUTTA3 = 2, VT_RK_RALSTON3 = 3, VT_RK_HEUN3 = 4, VT_RK_VAN_DER_HOUWEN3 = 5, VT_RK_SSP3 = 6, VT_RK_CLASSICAL4 = 7,
    VT_RK_DORMAND_PRINCE5 = 8
};
/* Whose indices PNDM has: the paper's, the authors' repository's (the model is told one index less than the level's), diffusers', or half steps at whole
 * indices of which the model is told the half (the time-shift sampler's repository). Travels as int32_t. */
enum { VT_PNDM_AS_PAPER = 0, VT_PNDM_AS_REPOSITORY = 1, VT_PNDM_AS_DIFFUSERS = 2, VT_PNDM_TRUNCATED = 3 };
/* Momentum: of the update's direction (heavy ball, or with Nesterov's look ahead), or of the predictions with weights that keep the order (generalised). */
enum { VT_MOMENTUM_NONE = 0, VT_MOMENTUM_HEAVY_BALL = 1, VT_MOMENTUM_NESTEROV = 2, VT_MOMENTUM_GENERALISED = 3 };

/* USF: how a derivative of the prediction is estimated, and a step. Travel as int32_t. */
enum { VT_RELAX_NONE = 0, VT_RELAX_BH2 = 1, VT_RELAX_BH1 = 2, VT_RELAX_EXP = 3, VT_RELAX_MINUS_EXP = 4, VT_RELAX_LINEAR = 5 };
enum { VT_CORRECT_NONE = 0, VT_CORRECT_PSEUDO = 1, VT_CORRECT_IMPLICIT = 2 };
/* What stands for the first prediction: the model's, no data at all, or the data's mean (extra tensor 0). */
enum { VT_FIRST_ASKED = 0, VT_FIRST_ZERO = 1, VT_FIRST_MEAN = 2 };
typedef struct vt_solver_derivative {
    int32_t n_points;
    int32_t back[4];    /* the prediction 1, 2 ... steps before the step's beginning; -1: that at its end, in a corrector */
    int32_t relaxation; /* VT_RELAX_*, of the first derivative */
    double coefficient; /* VT_RELAX_LINEAR */
} vt_solver_derivative;
typedef struct vt_solver_usf_step {
    int32_t prediction, order;          /* VT_PREDICTION_*; 1 to 4 */
    int32_t corrector, corrector_order; /* VT_CORRECT_*; 1 to 5; none in the last step */
    vt_solver_derivative derivative[3], corrector_derivative[4]; /* one less than the order */
} vt_solver_usf_step;

/* A program of the caller's (VT_SOLVER_CUSTOM). Slots are tensors like the state: X the state, P and Q rings of 6 (0 the newest), T 6 temporary ones within a step, V 2 that
 * are kept, Z 2 of noise, Y the 2 extra tensors, R the last prediction as the model gave it. A step begins with an evaluation and ends with VT_DO_END. Travel as int32_t. */
enum { VT_SLOT_X = 0, VT_SLOT_P = 1, VT_SLOT_Q = 7, VT_SLOT_T = 13, VT_SLOT_V = 19, VT_SLOT_Z = 21, VT_SLOT_Y = 23, VT_SLOT_R = 25, VT_SLOT_COUNT = 26 };
enum {
    VT_DO_EVAL = 0,    /* the model is asked at slot, whose level is level */
    VT_DO_COMBINE = 1, /* slot becomes the sum of coefficient[i] times slot i; a coefficient of 0 leaves its tensor out */
    VT_DO_NOISE = 2,   /* slot Z or Z + 1 becomes normal noise; from, to: its interval of log(sigma / alpha) */
    VT_DO_PUSH = 3,    /* ring P or Q: element i becomes i + 1, and 0 is to be written */
    VT_DO_KEEP = 5,    /* slot becomes the prediction of the last evaluation, as form (VT_PREDICT_*), after thresholds */
    VT_DO_END = 6
};
typedef struct vt_solver_op {
    int32_t code;   /* VT_DO_* */
    int32_t slot;
    int32_t form;   /* KEEP */
    int32_t model;  /* EVAL: 0, or 1 for the second model */
    int32_t is_update; /* COMBINE: 1 for the step's result, which momentum acts on */
    int32_t reserved;
    double from, to;
    vt_level level; /* EVAL */
    double coefficient[26];
} vt_solver_op;

typedef struct vt_solver_options {
    uint32_t struct_size;
    uint32_t flags;        /* VT_SOLVER_* above */
    int32_t kind;          /* VT_SOLVER_DDIM ... */
    int32_t prediction;    /* VT_PREDICT_* */
    int32_t spacing;       /* VT_SPACING_* */
    int32_t final;         /* VT_FINAL_* */
    int32_t dtype;         /* of the state: VT_DTYPE_F32 or VT_DTYPE_F64 */
    int32_t algorithm;     /* VT_PREDICTION_* */
    int32_t order;         /* 0: the kind's own */
    int32_t form;          /* VT_FORM_* */
    int32_t variant;       /* of kinds that have several */
    int32_t lower_final;   /* 0: 15 */
    int64_t n_steps;       /* 1 to 100000; 0: 20 */
    double start, end;     /* times at which it begins and ends; both 0: the schedule's ends */
    double power, offset;  /* of spacings */
    double sigma_min, sigma_max; /* KARRAS, EXPONENTIAL, RATIO: ends as sigma / alpha; 0: at start and end */
    const double *values;  /* [n_steps + 1] */
    const vt_level *levels; /* [n_steps + 1] */
    double eta;            /* share of fresh noise of stochastic solvers */
    double noise_scale;    /* factor of fresh noise; 0: 1 */
    double sigma_data;     /* EDM; 0: 0.5 */
    uint64_t seed;         /* a row that is given none has seed + its number */
    int32_t guidance;      /* VT_GUIDANCE_* */
    int32_t reserved;
    double guidance_scale; /* prediction = unconditional + scale (conditional - unconditional); 1: asks for the conditional one alone */
    double guidance_rescale; /* share, 0 to 1, in which the spread of each row is made the conditional prediction's (Lin et al. 2024) */
    double guidance_from, guidance_to; /* only where sigma / alpha is above from and at most to; to 0: everywhere */
    double clip;           /* predicted data is cut to [-clip, clip]; 0: not */
    double threshold;      /* dynamic thresholds: s = the quantile of each row's magnitudes; predicted data is cut to [-s, s] and divided by s; 0: not */
    double threshold_floor; /* least s; 0: 1 */
    double threshold_top;  /* greatest s; 0: none */
    double churn;          /* EULER, HEUN, DPM2: noise raised before each step, over all steps (Karras et al. 2022, Algorithm 2) */
    double atol, rtol;     /* DPM_ADAPTIVE; 0: 0.0078 and 0.05 */
    double churn_from, churn_to; /* where sigma / alpha is between; to 0: everywhere above from */
    int32_t momentum;      /* VT_MOMENTUM_* */
    int32_t reading;       /* VT_PNDM_AS_* */
    double beta;           /* of momentum and GHVB, in (0, 1]; 0: 1, the base method */
    const char *program;   /* FLOWTURBO: a letter for each step, H Heun, P pseudo-corrector, R refiner */
    const vt_solver_usf_step *usf; /* [n_steps] */
    int32_t plain_steps;   /* UNIPC: so many first steps are not corrected */
    int32_t first;         /* USF: VT_FIRST_* */
    const vt_solver_op *ops; /* [n_ops] CUSTOM: n_steps steps */
    int64_t n_ops;
} vt_solver_options;

/* What a solver asks for. Arrays are [n_rows], borrowed until the next call on the solver. */
typedef struct vt_solver_request {
    uint32_t struct_size;
    int32_t n_predictions;  /* to be supplied: 1; with guidance 2, the conditional one first */
    vt_tensor *x;           /* [n_rows, ...], borrowed: not to be written to. Retained, it stays as it is */
    vt_tensor *extra;       /* what the model gets besides, or NULL */
    int64_t n_rows;
    const double *time;     /* what the model is told */
    const double *alpha, *sigma, *log_snr;
    int64_t step, n_steps;  /* from 0 */
    int64_t n_evaluated;    /* requests that were answered before */
    int32_t model;          /* 0, or 1 for a second model (refiner) */
    int32_t reserved;
} vt_solver_request;

/** A solver over a schedule, which it keeps. One user at a time. Errors:  VT_ERR_INVALID, VT_ERR_UNSUPPORTED, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_solver_create(vt_context *ctx, vt_schedule *schedule, const vt_solver_options *opt, vt_solver **out);
VT_API vt_solver *vt_solver_retain(vt_solver *solver);
VT_API void vt_solver_release(vt_solver *solver);
/** Number of levels that it visits; 0 for NULL. */
VT_API int64_t vt_solver_level_count(const vt_solver *solver);
/** The levels, from the first on, into out [n], n at most their number. Errors:  VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_solver_levels(const vt_solver *solver, vt_level *out, int64_t n);

/**
 * Begins a batch.
 *
 * x      [rows, ...] at the first level, of the solver's type; copied.
 * seeds  [rows] of the rows' noise; NULL: from the options.
 * Errors:  VT_ERR_DTYPE, VT_ERR_SHAPE, VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_solver_begin(vt_solver *solver, vt_tensor *x, const uint64_t *seeds);
/** What is asked for now; the same until it is answered. Errors:  VT_ERR_STATE (before begin, after the last step). */
VT_API VT_MUST_USE vt_status vt_solver_next(vt_solver *solver, vt_solver_request *out);
/**
 * Answers: predictions [n], of the state's type and extents, dense; and goes on to the next request or the end.
 *
 * Errors:  VT_ERR_STATE, VT_ERR_INVALID, VT_ERR_SHAPE, VT_ERR_DTYPE, VT_ERR_NUMERIC (a prediction that is not finite: the message names step, time and row),
 *          VT_ERR_NOMEM. After an error the solver is where it was, and may be answered again.
 */
VT_API VT_MUST_USE vt_status vt_solver_step(vt_solver *solver, vt_tensor *const *predictions, int32_t n);
/** 1 when all steps are done. */
VT_API int32_t vt_solver_is_done(const vt_solver *solver);
/** The state, borrowed; NULL before begin. */
VT_API vt_tensor *vt_solver_state(const vt_solver *solver);
/**
 * Another state: x [rows, ...] of the same extents, a copy is taken. Between steps, not between the evaluations of one.
 *
 * flags   VT_SOLVER_KEEP_HISTORY: predictions that came before still count; else multistep kinds begin anew with order 1.
 * Errors:  VT_ERR_STATE, VT_ERR_SHAPE, VT_ERR_INVALID.
 */
enum { VT_SOLVER_KEEP_HISTORY = 1 };
VT_API VT_MUST_USE vt_status vt_solver_set_state(vt_solver *solver, vt_tensor *x, uint32_t flags);
/**
 * A picture of which parts are known: where mask is 1 the state after each step is that of known at the step's level, with noise that a row keeps for the whole run; where it
 * is 0 the solver's; between, in shares. Both of the state's extents and type, dense, held. NULL: none. Between steps.
 *
 * Errors:  VT_ERR_STATE, VT_ERR_SHAPE, VT_ERR_INVALID, VT_ERR_UNSUPPORTED (adaptive kinds).
 */
VT_API VT_MUST_USE vt_status vt_solver_set_mask(vt_solver *solver, vt_tensor *mask, vt_tensor *known);
/** A run that is under way as bytes. Noise, masks and extra tensors that the caller gave are not in it. Errors:  VT_ERR_STATE (before begin), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_solver_save(const vt_solver *solver, vt_buffer **out);
/** The run of such bytes, in a solver with the options of the one that was saved. Afterwards noise, masks and extra tensors are given anew.
 *
 * Errors:  VT_ERR_FORMAT (damaged), VT_ERR_STATE (of another solver), VT_ERR_NOMEM; the first two leave the solver as it was or not begun. */
VT_API VT_MUST_USE vt_status vt_solver_restore(vt_solver *solver, const void *data, size_t size);
/** The caller's noise in place of the rows' own: [draws, rows, ...], in the order of use. NULL: the rows' own again. After begin. Errors:  VT_ERR_STATE, VT_ERR_SHAPE. */
VT_API VT_MUST_USE vt_status vt_solver_set_noise(vt_solver *solver, vt_tensor *noise);
/** Tensor k, 0 or 1, that a kind reads besides the state (degraded picture, source); held. NULL: none. Errors:  VT_ERR_INVALID, VT_ERR_DTYPE. */
VT_API VT_MUST_USE vt_status vt_solver_set_extra(vt_solver *solver, int32_t k, vt_tensor *tensor);

/* What a hook is told of. Its tensor may be looked at and written to during the call: where the model is about to be asked; the prediction after guidance; predicted data
 * after thresholds; the state before its update; the state after a step. Travels as int32_t. */
enum { VT_HOOK_BEFORE_EVAL = 0, VT_HOOK_AFTER_GUIDANCE = 1, VT_HOOK_AFTER_DATA = 2, VT_HOOK_BEFORE_UPDATE = 3, VT_HOOK_AFTER_STEP = 4 };
typedef struct vt_solver_event {
    uint32_t struct_size;
    int32_t point;       /* VT_HOOK_* */
    int64_t step;        /* from 0 */
    int64_t n_evaluated;
    vt_tensor *tensor;   /* borrowed for the call */
} vt_solver_event;
/* Anything but VT_OK ends the call on the solver with that status. The solver must not be used from within. */
typedef vt_status (*vt_solver_hook_fn)(void *user, const vt_solver_event *event);
/** Sets the hook; NULL: none. Not while a batch is under way. Errors:  VT_ERR_STATE. */
VT_API VT_MUST_USE vt_status vt_solver_set_hook(vt_solver *solver, vt_solver_hook_fn hook, void *user);

/* ---- rows of their own ---- */

/* Rows of DDCM (InfEdit). A target or mutual row names its source, a source row its mutual row (or its target, where there is none). */
enum { VT_ROLE_SOURCE = 0, VT_ROLE_TARGET = 1, VT_ROLE_MUTUAL = 2 };
/** Roles and partners of the rows [n_rows], after begin. Errors:  VT_ERR_STATE, VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_solver_set_route(vt_solver *solver, const int32_t *role, const int64_t *partner);

/**
 * Gives rows levels of their own: the present step begins (end 0) or ends (end 1) at the level of times[row] of the schedule. NULL: where the grid has it.
 *
 * Before the step's first prediction is supplied. Errors:  VT_ERR_STATE (afterwards), VT_ERR_INVALID, VT_ERR_UNSUPPORTED (kinds whose steps have inner levels, or which
 * ask at the end of a step), VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_solver_set_times(vt_solver *solver, int32_t end, const double *times, int64_t n);

enum { VT_TIME_SHIFT_TARGET = 1 }; /* the end of the step is shifted and its beginning is not (the authors' repository) */
typedef struct vt_time_shift_options {
    uint32_t struct_size;
    uint32_t flags;
    double window;        /* in the schedule's time: half of it to each side; 0: no shift */
    double cutoff;        /* no shifts at and below */
    double data_variance; /* of clean data; 0: sigma^2 alone is compared */
} vt_time_shift_options;
/**
 * Time-shift sampling: a row whose variance over its elements is that of another time within the window is taken to be at that time. Before each step's prediction; the
 * first step is left alone.
 *
 * out  [n_rows] times at which the rows are now (with the flag: will be); may be NULL.
 * Errors:  those of vt_solver_set_times; VT_ERR_SHAPE (rows of one element).
 */
VT_API VT_MUST_USE vt_status vt_solver_time_shift(vt_solver *solver, const vt_time_shift_options *opt, double *out, int64_t n);

/* Predicts at a request: out [request->n_predictions], new references. Anything but VT_OK ends the run with that status. */
typedef vt_status (*vt_solver_model_fn)(void *user, const vt_solver_request *request, vt_tensor **out);
/** Steps to the end with a model. cancel: polled before each prediction, may be NULL. Errors:  those of vt_solver_step, the model's, VT_ERR_CANCELLED. */
VT_API VT_MUST_USE vt_status vt_solver_run(vt_solver *solver, vt_solver_model_fn model, void *user, const vt_cancel *cancel);
/* A graph as the model of a solver: user of vt_graph_model. Borrowed for the run. Its inputs are the state [rows, ...], what the model is told as time [rows] (f32 or f64) and, where
 * it has three, `given`; its one result is the prediction, of the state's type and extents. A graph has the one number of rows that it was captured with. */
typedef struct vt_graph_denoiser {
    uint32_t struct_size;
    uint32_t reserved; /* must be 0 */
    vt_graph *graph;
    vt_tensor *given;  /* its third input (classes, a condition); NULL: it has two */
    vt_tensor *plain;  /* the third input of the second prediction, where guidance asks for two: no class, an empty condition */
} vt_graph_denoiser;
/**
 * Answers a solver's request: vt_solver_run(solver, vt_graph_model, &denoiser, cancel), with the bits of the function that was captured.
 *
 * Errors:  VT_ERR_INVALID (inputs and results of other numbers, no `plain`), VT_ERR_SHAPE (another number of rows among them), VT_ERR_DTYPE, VT_ERR_UNSUPPORTED (a second model; a
 *          graph that writes to an input), those of vt_graph_run.
 */
VT_API VT_MUST_USE vt_status vt_graph_model(void *denoiser, const vt_solver_request *request, vt_tensor **out);

/* ---- numbers for programs ---- */

/** phi_k(z): phi_0 = e^z, phi_{k+1}(z) = (phi_k(z) - 1/k!) / z; k from 0 to 8, full precision for small z too. NaN for another k. */
VT_API double vt_solver_phi(int32_t k, double z);
/** out [n]: integrals from a to b of the Lagrange polynomials of n nodes, 1 to 8, that differ. Errors:  VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_solver_lagrange(const double *nodes, int32_t n, double a, double b, double *out);

#ifdef __cplusplus
}
#endif
#endif
