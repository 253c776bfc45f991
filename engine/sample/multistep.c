/* Linear multistep solvers: the prediction of noise is extrapolated through the steps before. DEIS (weights that fit the grid) and PNDM (weights of even
 * steps, with Runge-Kutta steps to begin with). Legend: a, s of a level are alpha and sigma, rho = s / a; e predictions of the noise, newest first. Every
 * update has the form x' = (a' / a) x + sum_j C_j e_j, which is DDIM when sum_j C_j = s' - (a' / a) s stands with the newest. */
#include <math.h>

#include "core/error.h"
#include "sample/coefficient.h"
#include "sample/families.h"

/* Adams-Bashforth weights of even steps, by how many predictions there are. */
static const double even_weights[4][4] = {
    {1}, {3.0 / 2, -1.0 / 2}, {23.0 / 12, -16.0 / 12, 5.0 / 12}, {55.0 / 24, -59.0 / 24, 37.0 / 24, -9.0 / 24}};

enum { MOST_ORDER = 4 };

static double ratio_of(const struct vt__level *l) { return l->sigma / l->alpha; }

/* What the transfer from level s to level t multiplies the prediction by, and (keep) the state. */
static double transfer(const struct vt__level *s, const struct vt__level *t, double *keep) {
    *keep = t->alpha / s->alpha;
    return t->sigma - *keep * s->sigma;
}

/* Asks the model at the state and makes the answer the newest of the ring. */
static void ask(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    vt__put_eval(p, VT__X, vt__plan_from(plan, i));
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_EPS);
}

static vt_status need_signal(const struct vt__plan *plan, const char *name) {
    if (plan->level[0].alpha > 0) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "solver: %s divides by alpha, which is 0 at the first level; start from a level with some signal", name);
}

static vt_status check_order(const struct vt__plan *plan, const char *name, int32_t least, int32_t most) {
    const int32_t order = plan->params->order;
    if (order == 0 || (order >= least && order <= most)) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "solver: %s has orders %d to %d, not %d", name, (int)least, (int)most, (int)order);
}

/* ---- DEIS (Zhang and Chen 2023) ---- */

/* The polynomial through the predictions of a step, in time, integrated over rho: C_j = a' * integral of L_j(t(rho)) d rho. */
struct through {
    const vt_schedule *schedule;
    double node[MOST_ORDER]; /* times of the predictions */
    int32_t n;
    int32_t is_linear; /* in rho itself: the target has no noise, where lambda is infinite */
};

static double lagrange(const struct through *c, int32_t j, double t) {
    double value = 1;
    for (int32_t m = 0; m < c->n; m++) {
        if (m != j) value *= (t - c->node[m]) / (c->node[j] - c->node[m]);
    }
    return value;
}

/* Adds one quadrature point: the place is lambda (d rho = -rho d lambda), or rho. */
static vt_status add_point(const struct through *c, double place, double weight, double *out) {
    double t;
    const double lambda = c->is_linear ? -log(place) : place;
    vt_status st = vt__schedule_find(c->schedule, lambda, &t);
    if (st != VT_OK) return st;
    if (!c->is_linear) weight *= -exp(-lambda);
    for (int32_t j = 0; j < c->n; j++) out[j] += weight * lagrange(c, j, t);
    return VT_OK;
}

/* 8 panels of 16 Gauss-Legendre points. In lambda the integrand is smooth even where time is a square root of rho, and 64 points leave less than 1e-12; in time
 * as many points leave 1e-6 on even steps. */
static vt_status integrate(const struct through *c, double from, double to, double *out) {
    enum { PANELS = 8 };
    const double half = (to - from) / (2 * PANELS);
    for (int32_t j = 0; j < c->n; j++) out[j] = 0;
    for (int32_t panel = 0; panel < PANELS; panel++) {
        const double middle = from + (2 * panel + 1) * half;
        for (int32_t i = 0; i < 16; i++) {
            vt_status st = add_point(c, middle + (i & 1 ? half : -half) * vt__gauss_point[i / 2], vt__gauss_weight[i / 2] * half, out);
            if (st != VT_OK) return st;
        }
    }
    return VT_OK;
}

static vt_status time_weights(const struct vt__plan *plan, int64_t i, int32_t n, double *out) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    struct through c = {.schedule = plan->schedule, .n = n, .is_linear = t->sigma == 0};
    for (int32_t j = 0; j < n; j++) c.node[j] = vt__plan_from(plan, i - j)->t;
    vt_status st = c.is_linear ? integrate(&c, ratio_of(s), 0, out) : integrate(&c, s->lambda, t->lambda, out);
    for (int32_t j = 0; st == VT_OK && j < n; j++) out[j] *= t->alpha;
    return st;
}

static void ratio_weights(const struct vt__plan *plan, int64_t i, int32_t n, double *out) {
    const struct vt__level *t = vt__plan_to(plan, i);
    double node[MOST_ORDER] = {0};
    for (int32_t j = 0; j < n; j++) node[j] = ratio_of(vt__plan_from(plan, i - j));
    vt__lagrange_integrals(node, n, node[0], ratio_of(t), NULL, NULL, out);
    for (int32_t j = 0; j < n; j++) out[j] *= t->alpha;
}

vt_status vt__check_deis(const struct vt__plan *plan) {
    const int32_t variant = plan->params->variant;
    if (variant < 0 || variant >= VT__DEIS_N) return vt__fail(VT_ERR_INVALID, "solver: DEIS has variants 0 to %d, not %d", VT__DEIS_N - 1, (int)variant);
    vt_status st = check_order(plan, "DEIS", 1, MOST_ORDER);
    return st == VT_OK ? need_signal(plan, "DEIS") : st;
}

/* What history allows; lower at the end only where that was asked for, as the paper's solvers have no such rule. */
static int32_t deis_order(const struct vt__plan *plan, int64_t i) {
    const int64_t history = vt__plan_history(plan, i) + 1, left = plan->n_steps - i;
    int64_t order = plan->params->order ? plan->params->order : MOST_ORDER;
    if (history < order) order = history;
    if (plan->params->n_lower_final < 0 && left < order) order = left;
    return (int32_t)order;
}

vt_status vt__compile_deis(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const int32_t order = deis_order(plan, i);
    double c[MOST_ORDER], keep;
    const double scale = transfer(s, t, &keep);
    vt_status st = VT_OK;
    switch (plan->params->variant) {
    case VT__DEIS_TIME: st = time_weights(plan, i, order, c); break;
    case VT__DEIS_RATIO: ratio_weights(plan, i, order, c); break;
    default:
        for (int32_t j = 0; j < order; j++) c[j] = scale * even_weights[order - 1][j];
    }
    if (st != VT_OK) return st;
    if (order == 1) c[0] = scale; /* the integral in closed form */
    ask(plan, i, p);
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__X, keep);
    for (int32_t j = 0; j < order; j++) vt__add(op, VT__P + j, c[j]);
    return VT_OK;
}

/* ---- PNDM (Liu et al. 2022) ---- */

/* Option 0 of the kind: whose indices. */
enum { AS_PAPER, AS_REPOSITORY, AS_DIFFUSERS, TRUNCATED, N_READINGS };

/* The transfer of one prediction over a step of `span` indices: x' = keep x + scale e. */
static vt_status move(const struct vt__plan *plan, const struct vt__level *s, const struct vt__level *t, double *keep, double *scale) {
    struct vt__level next;
    if (!(plan->params->option[VT__PNDM_CLASSICAL] > 0)) {
        *scale = transfer(s, t, keep);
        return VT_OK;
    }
    vt_status st = vt__schedule_level(plan->schedule, fmax(s->t - 1, -1), &next);
    if (st != VT_OK) return st;
    const double span = s->t - t->t, slope = transfer(s, &next, keep);
    *keep = 1 + span * (*keep - 1);
    *scale = span * slope;
    return VT_OK;
}

/* x' = transfer of e, a sum of slots with weights, from the state at level s to level t, into a slot. */
static vt_status put_move(const struct vt__plan *plan, struct vt__do *op, const struct vt__level *s, const struct vt__level *t, int32_t slot,
                          double weight) {
    double keep, scale;
    vt_status st = move(plan, s, t, &keep, &scale);
    if (st != VT_OK) return st;
    op->coef[VT__X] = keep;
    vt__add(op, slot, weight * scale);
    return VT_OK;
}

/* What the model is told at a level: the repository's states are one index above the model's. */
static struct vt__level told(const struct vt__plan *plan, const struct vt__level *l) {
    struct vt__level out = *l, below;
    if ((int)plan->params->option[VT__PNDM_READING] == AS_REPOSITORY && vt__schedule_level(plan->schedule, fmax(l->t - 1, 0), &below) == VT_OK) out.time = below.time;
    return out;
}

/* The two half-way levels of a Runge-Kutta step: where the second and where the third evaluation are. */
static vt_status halves(const struct vt__plan *plan, const struct vt__level *s, const struct vt__level *t, struct vt__level out[2], double *time) {
    const double middle = (s->t + t->t) / 2, half = floor((s->t - t->t) / 2);
    const int reading = (int)plan->params->option[VT__PNDM_READING];
    double at[2] = {middle, middle};
    vt_status st = VT_OK;
    if (reading == AS_REPOSITORY || reading == TRUNCATED) at[0] = at[1] = floor(middle);
    if (reading == AS_DIFFUSERS) at[0] = s->t - half, at[1] = t->t + half;
    for (int32_t k = 0; st == VT_OK && k < 2; k++) st = vt__schedule_level(plan->schedule, at[k], &out[k]);
    *time = out[1].time;
    if (st == VT_OK && (reading == AS_REPOSITORY || reading == TRUNCATED)) { /* the model is told the half itself */
        struct vt__level half_way;
        st = vt__schedule_level(plan->schedule, reading == TRUNCATED ? middle : fmax(middle - 1, 0), &half_way);
        *time = half_way.time;
    }
    return st;
}

/* Slots of a step's predictions after the first, which is P[0]. */
enum { AT = VT__T, SECOND, THIRD, FOURTH };

static void ask_at(const struct vt__plan *plan, struct vt__program *p, struct vt__level level, double time, int32_t slot) {
    level.time = time;
    vt__put_eval(p, AT, &level);
    vt__put_keep(p, plan, slot, VT__FORM_EPS);
}

static vt_status runge_kutta(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    struct vt__level half[2];
    double time;
    vt_status st = halves(plan, s, t, half, &time);
    if (st == VT_OK) st = put_move(plan, vt__put_combine(p, AT), s, &half[0], VT__P, 1);
    ask_at(plan, p, half[0], time, SECOND);
    if (st == VT_OK) st = put_move(plan, vt__put_combine(p, AT), s, &half[1], SECOND, 1);
    ask_at(plan, p, half[1], time, THIRD);
    if (st == VT_OK) st = put_move(plan, vt__put_combine(p, AT), s, t, THIRD, 1);
    ask_at(plan, p, *t, told(plan, t).time, FOURTH);
    struct vt__do *op = vt__put_update(p);
    static const double weight[4] = {1.0 / 6, 2.0 / 6, 2.0 / 6, 1.0 / 6};
    for (int32_t k = 0; st == VT_OK && k < 4; k++) st = put_move(plan, op, s, t, k == 0 ? VT__P : AT + k, weight[k]);
    return st;
}

static vt_status improved_euler(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    vt_status st = put_move(plan, vt__put_combine(p, AT), s, t, VT__P, 1);
    ask_at(plan, p, *t, told(plan, t).time, SECOND);
    struct vt__do *op = vt__put_update(p);
    if (st == VT_OK) st = put_move(plan, op, s, t, VT__P, 0.5);
    return st == VT_OK ? put_move(plan, op, s, t, SECOND, 0.5) : st;
}

static int32_t pndm_order(const struct vt__plan *plan) {
    if (plan->params->order) return plan->params->order;
    return plan->params->variant == VT__PNDM_IMPROVED_EULER ? 2 : MOST_ORDER;
}

vt_status vt__check_pndm(const struct vt__plan *plan) {
    const struct vt__solver_params *o = plan->params;
    const int is_discrete = vt__schedule_is_discrete(plan->schedule);
    if (o->variant < 0 || o->variant >= VT__PNDM_N) return vt__fail(VT_ERR_INVALID, "solver: PNDM has variants 0 to %d, not %d", VT__PNDM_N - 1, (int)o->variant);
    if (!(o->option[VT__PNDM_READING] >= 0 && o->option[VT__PNDM_READING] < N_READINGS && o->option[VT__PNDM_READING] == floor(o->option[VT__PNDM_READING])))
        return vt__fail(VT_ERR_INVALID, "solver: PNDM's option 0 (indices) is 0 to %d, not %g", N_READINGS - 1, o->option[VT__PNDM_READING]);
    if (!is_discrete && (o->option[VT__PNDM_READING] > 0 || o->option[VT__PNDM_CLASSICAL] > 0))
        return vt__fail(VT_ERR_INVALID, "solver: PNDM's readings of indices and its classical form need a discrete schedule");
    vt_status st = check_order(plan, "PNDM", 1, MOST_ORDER);
    return st == VT_OK ? need_signal(plan, "PNDM") : st;
}

vt_status vt__compile_pndm(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i), at = told(plan, s);
    const int32_t wished = pndm_order(plan);
    const int64_t history = vt__plan_history(plan, i);
    vt_status st = VT_OK;
    vt__put_eval(p, VT__X, &at);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_EPS);
    if (t->sigma > 0) { /* these ask the model at level t */
        if (plan->params->variant == VT__PNDM_RUNGE_KUTTA && history < wished - 1) return runge_kutta(plan, i, p);
        if (plan->params->variant == VT__PNDM_IMPROVED_EULER && history == 0 && wished > 1) return improved_euler(plan, i, p);
    }
    const int32_t order = history + 1 < wished ? (int32_t)history + 1 : wished;
    struct vt__do *op = vt__put_update(p);
    for (int32_t j = 0; st == VT_OK && j < order; j++) st = put_move(plan, op, s, t, VT__P + j, even_weights[order - 1][j]);
    return st;
}
