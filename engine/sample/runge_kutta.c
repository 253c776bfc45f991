/* Runge-Kutta solvers. Every schedule's equation is dy / d rho = e in y = x / alpha and rho = sigma / alpha (rhoRK of DEIS, Zhang and Chen 2023); a rectified flow's is also
 * dx / d tau = v in data time tau, where alpha may be 0. Legend: K_j the slopes of the stages, a, b, c the tableau. */
#include <math.h>

#include "core/error.h"
#include "sample/families.h"

enum { MOST_STAGES = 6 };
enum { AT = VT__T, SLOPE = VT__P }; /* slots: the state of a stage; the slopes */

struct tableau {
    int32_t n;
    double c[MOST_STAGES], b[MOST_STAGES];
    double a[MOST_STAGES][MOST_STAGES - 1];
};

static const struct tableau tableaux[VT__RK_N] = {
    [VT__RK_EULER] = {1, {0}, {1}, {{0}}},
    [VT__RK_HEUN2] = {2, {0, 1}, {1.0 / 2, 1.0 / 2}, {{0}, {1}}},
    [VT__RK_KUTTA3] = {3, {0, 1.0 / 2, 1}, {1.0 / 6, 4.0 / 6, 1.0 / 6}, {{0}, {1.0 / 2}, {-1, 2}}},
    [VT__RK_RALSTON3] = {3, {0, 1.0 / 2, 3.0 / 4}, {2.0 / 9, 1.0 / 3, 4.0 / 9}, {{0}, {1.0 / 2}, {0, 3.0 / 4}}},
    [VT__RK_HEUN3] = {3, {0, 1.0 / 3, 2.0 / 3}, {1.0 / 4, 0, 3.0 / 4}, {{0}, {1.0 / 3}, {0, 2.0 / 3}}},
    [VT__RK_VAN_DER_HOUWEN3] = {3, {0, 8.0 / 15, 2.0 / 3}, {1.0 / 4, 0, 3.0 / 4}, {{0}, {8.0 / 15}, {1.0 / 4, 5.0 / 12}}},
    [VT__RK_SSP3] = {3, {0, 1, 1.0 / 2}, {1.0 / 6, 1.0 / 6, 2.0 / 3}, {{0}, {1}, {1.0 / 4, 1.0 / 4}}},
    [VT__RK_CLASSICAL4] = {4, {0, 1.0 / 2, 1.0 / 2, 1}, {1.0 / 6, 1.0 / 3, 1.0 / 3, 1.0 / 6}, {{0}, {1.0 / 2}, {0, 1.0 / 2}, {0, 0, 1}}},
    [VT__RK_DORMAND_PRINCE5] = {6,
                                {0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1},
                                {35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84},
                                {{0},
                                 {1.0 / 5},
                                 {3.0 / 40, 9.0 / 40},
                                 {44.0 / 45, -56.0 / 15, 32.0 / 9},
                                 {19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729},
                                 {9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656}}},
};

static int is_flow(const struct vt__plan *plan) { return vt__schedule_params_of(plan->schedule)->kind == VT__SCHEDULE_FLOW; }

vt_status vt__check_rk(const struct vt__plan *plan) {
    const struct vt__level *last = &plan->level[plan->n_levels - 1];
    const int32_t variant = plan->params->variant;
    if (variant < 0 || variant >= VT__RK_N) return vt__fail(VT_ERR_INVALID, "solver: Runge-Kutta has variants 0 to %d, not %d", VT__RK_N - 1, (int)variant);
    if (is_flow(plan)) return VT_OK;
    if (!(plan->level[0].alpha > 0)) return vt__fail(VT_ERR_INVALID, "solver: Runge-Kutta in sigma / alpha begins at a level without signal");
    if (last->sigma == 0 && plan->params->prediction != VT__FORM_EPS)
        return vt__fail(VT_ERR_INVALID, "solver: Runge-Kutta needs noise predictions at a level without noise; end at the schedule's least level");
    return VT_OK;
}

/* The level of a stage at a place on the axis, one of the step's own where it is that. */
static vt_status level_at(const struct vt__plan *plan, int64_t i, double c, struct vt__level *out) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    double time, lambda;
    if (c == 0 || c == 1) {
        *out = c == 0 ? *s : *t;
        return VT_OK;
    }
    if (is_flow(plan)) { /* alpha is data time */
        const double alpha = s->alpha + c * (t->alpha - s->alpha);
        lambda = log(alpha / (1 - alpha));
    } else {
        const double from = s->sigma / s->alpha, to = t->sigma / t->alpha;
        lambda = -log(from + c * (to - from));
    }
    vt_status st = vt__schedule_find(plan->schedule, lambda, &time);
    return st == VT_OK ? vt__schedule_level(plan->schedule, time, out) : st;
}

/* The state at a level, from that at the step's first and slopes with weights: y + length * sum_j w_j K_j on the axis, times alpha where the axis is sigma / alpha. */
static void put_state(const struct vt__plan *plan, int64_t i, struct vt__do *op, const struct vt__level *at, const double *w, int32_t n) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const double scale = is_flow(plan) ? t->alpha - s->alpha : at->alpha * (t->sigma / t->alpha - s->sigma / s->alpha);
    vt__add(op, VT__X, is_flow(plan) ? 1 : at->alpha / s->alpha);
    for (int32_t j = 0; j < n; j++) vt__add(op, SLOPE + j, scale * w[j]);
}

vt_status vt__compile_rk(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct tableau *rk = &tableaux[plan->params->variant];
    const int32_t form = is_flow(plan) ? VT__FORM_FLOW : VT__FORM_EPS;
    for (int32_t k = 0; k < rk->n; k++) {
        struct vt__level level;
        vt_status st = level_at(plan, i, rk->c[k], &level);
        if (st != VT_OK) return st;
        if (k > 0) put_state(plan, i, vt__put_combine(p, AT), &level, rk->a[k], k);
        vt__put_eval(p, k > 0 ? AT : VT__X, &level);
        vt__put_keep(p, plan, SLOPE + k, form);
    }
    put_state(plan, i, vt__put_update(p), vt__plan_to(plan, i), rk->b, rk->n);
    return VT_OK;
}
