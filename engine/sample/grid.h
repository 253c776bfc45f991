/* The levels that a solver visits: outer steps, and within a step the levels of its inner evaluations. */
#ifndef VENTURI_SAMPLE_GRID_H
#define VENTURI_SAMPLE_GRID_H

#include "sample/schedule.h"

/* How levels are spaced. Those with integer times are the reference libraries', which differ by one step or one index: each is named after what it does. */
enum {
    VT__SPACING_UNIFORM,   /* n + 1 times from start to end, evenly (DPM-Solver "time_uniform") */
    VT__SPACING_POWER,     /* evenly in unit time to the power 1 / `power` ("time_quadratic" at 2) */
    VT__SPACING_LOG_SNR,   /* evenly in log(alpha / sigma) */
    VT__SPACING_KARRAS,    /* n values of sigma / alpha, evenly to the power 1 / rho; then the final level */
    VT__SPACING_EXPONENTIAL, /* n levels evenly in log(alpha / sigma); then the final level (diffusers "lu lambdas", k-diffusion "exponential") */
    VT__SPACING_LINSPACE,  /* n indices round(linspace(0, T - 1, n + 1)) without index 0; then the final level (diffusers, DPM-Solver classes) */
    VT__SPACING_LINSPACE_N, /* n real indices linspace(0, T - 1, n), 0 among them; then the final level (diffusers, Euler and Heun classes) */
    VT__SPACING_LEADING,   /* i (T / (n + 1)) + offset, i = 1..n; then the final level (diffusers, DPM-Solver classes) */
    VT__SPACING_LEADING_N, /* i (T / n) + offset, i = 0..n-1; then the final level (diffusers, DDIM and PNDM) */
    VT__SPACING_TRAILING,  /* round(T - i T / n) - 1; then the final level */
    VT__SPACING_RATIO,     /* evenly to the power 1 / `power` in sigma / alpha, n + 1 levels ("rho" phases of DEIS) */
    VT__SPACING_TIMES,     /* times given, all levels */
    VT__SPACING_SIGMAS,    /* values of sigma / alpha given, all levels; 0: the data */
    VT__SPACING_LEVELS,    /* levels given whole */
    VT__SPACING_N
};

enum { VT__FINAL_DEFAULT, VT__FINAL_ZERO, VT__FINAL_LEAST, VT__FINAL_NONE }; /* LEAST: the schedule's own least noisy level */

struct vt__grid_params {
    int32_t spacing, final;
    int64_t n;              /* steps */
    double start, end;      /* times; NaN: the schedule's ends */
    double power;           /* POWER, RATIO; Karras' rho */
    double offset;          /* LEADING */
    double sigma_min, sigma_max; /* KARRAS, EXPONENTIAL: sigma / alpha; 0: at the ends */
    const double *values;   /* TIMES, SIGMAS */
    const struct vt__level *levels; /* LEVELS */
    int64_t n_values;       /* of values or levels: n + 1 */
    int32_t is_rounded;     /* KARRAS, EXPONENTIAL: the model is told whole indices, as diffusers does */
};

struct vt__grid {
    struct vt__level *level; /* [n_levels], from noise to data, or the other way for inversion */
    int64_t n_levels;
    int64_t *first;          /* [n_steps + 1]: level at which an outer step begins; first[n_steps] is the last level */
    int64_t n_steps;
};

/* order [n_orders]: levels of each outer step, their sum is params->n; NULL: 1 each. With LOG_SNR the outer steps are even and the levels within each;
 * otherwise the levels are those of n steps. */
vt_status vt__grid_create(vt_context *ctx, const vt_schedule *s, const struct vt__grid_params *params, const int32_t *order, int64_t n_orders,
                          struct vt__grid *out);
void vt__grid_free(vt_context *ctx, struct vt__grid *grid);
vt_status vt__grid_copy(vt_context *ctx, const struct vt__grid *grid, struct vt__grid *out);

#endif
