/* Classical integrators of the probability-flow equation dy / drho = eps, y = x / alpha, rho = sigma / alpha: Euler with and without fresh noise (DDIM, DDPM, ancestral),
 * Heun (on rectified flow over its own time), a slope at the middle, linear multistep. */
#include <math.h>

#include "core/error.h"
#include "sample/coefficient.h"
#include "sample/program.h"

static double ratio_of(const struct vt__level *l) { return l->alpha > 0 ? l->sigma / l->alpha : (double)INFINITY; }

/* The level of a schedule where log(alpha / sigma) is lambda. */
static vt_status level_of(const struct vt__plan *plan, double lambda, struct vt__level *out) {
    double t;
    vt_status st = vt__schedule_find(plan->schedule, lambda, &t);
    return st == VT_OK ? vt__schedule_level(plan->schedule, t, out) : st;
}

/* Karras et al. 2022, Algorithm 2: noise is raised from s to `raised` before a step. */
static vt_status put_churn(const struct vt__plan *plan, const struct vt__level *s, struct vt__program *p, struct vt__level *raised) {
    const struct vt__solver_params *o = plan->params;
    const double rho = ratio_of(s), most = sqrt(2.0) - 1;
    *raised = *s;
    if (!(o->churn > 0) || rho < o->churn_min || (o->churn_max > 0 && rho > o->churn_max)) return VT_OK;
    const double higher = rho * (1 + fmin(o->churn / (double)plan->n_steps, most));
    vt_status st = level_of(plan, -log(higher), raised);
    if (st != VT_OK) return st;
    vt__put_noise(p, VT__Z, raised, s);
    struct vt__do *op = vt__put_combine(p, VT__X);
    vt__add(op, VT__X, raised->alpha / s->alpha);
    vt__add(op, VT__Z, raised->alpha * sqrt(higher * higher - rho * rho) * o->noise_scale);
    return VT_OK;
}

/* How much of the noise at t is fresh: standard deviation at alpha 1, at most all of it. */
static double fresh(const struct vt__level *s, const struct vt__level *t, double eta) {
    const double from = ratio_of(s), to = ratio_of(t), share = isinf(from) ? 1 : fmax(1 - to * to / (from * from), 0);
    return fmin(to, eta * to * sqrt(share));
}

/* x' = alpha_t m + kept e + noise z, as x and m, or with the model's own e. */
static void put_posterior(const struct vt__plan *plan, const struct vt__level *s, const struct vt__level *t, double up, double noise, struct vt__program *p) {
    const double kept = sqrt(fmax(t->sigma * t->sigma - up * up, 0));
    const int is_own = plan->params->is_raw_noise;
    if (noise != 0) vt__put_noise(p, VT__Z, s, t);
    struct vt__do *op = vt__put_update(p);
    if (is_own) vt__add_prediction(p, plan, op, VT__FORM_EPS, kept);
    else vt__add(op, VT__X, kept / s->sigma);
    vt__add(op, VT__P, is_own ? t->alpha : t->alpha - s->alpha * kept / s->sigma);
    if (s->share != 0 || t->share != 0) vt__add(op, VT__Y, t->share - (is_own ? 0 : s->share * kept / s->sigma));
    if (noise != 0) vt__add(op, VT__Z, noise * plan->params->noise_scale);
}

vt_status vt__compile_ddim(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *t = vt__plan_to(plan, i);
    struct vt__level s;
    vt_status st = put_churn(plan, vt__plan_from(plan, i), p, &s);
    if (st != VT_OK) return st;
    const double up = plan->params->eta != 0 ? t->alpha * fresh(&s, t, plan->params->eta) : 0;
    vt__put_eval(p, VT__X, &s);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    put_posterior(plan, &s, t, up, up, p);
    return VT_OK;
}

/* Ho et al. 2020. variant 1: the larger of the two variances. */
vt_status vt__compile_ddpm(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const double up = t->alpha * fresh(s, t, 1), from = ratio_of(s), to = ratio_of(t);
    const double large = s->alpha * sqrt(fmax(from * from - to * to, 0));
    vt__put_eval(p, VT__X, s);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    put_posterior(plan, s, t, up, t->sigma == 0 ? 0 : plan->params->variant == 1 ? large : up, p);
    return VT_OK;
}

/* ---- several evaluations a step ---- */

/* Place on the axis that is integrated over: rho, or rectified flow's alpha. */
static double place_of(const struct vt__level *l, int is_flow) { return is_flow ? l->alpha / (l->alpha + l->sigma) : ratio_of(l); }

/* Euler's step, or Heun's, from s to t. The slopes are eps in y, or the velocity x0 - eps in x; Q[0] and Q[1] hold them. */
static void put_slopes(const struct vt__plan *plan, const struct vt__level *s, const struct vt__level *t, int32_t n, int is_flow, struct vt__program *p) {
    const double h = place_of(t, is_flow) - place_of(s, is_flow), keep = is_flow ? 1 : t->alpha / s->alpha, scale = is_flow ? h : t->alpha * h;
    const int32_t form = is_flow ? VT__FORM_FLOW : VT__FORM_EPS;
    vt__put_eval(p, VT__X, s);
    vt__put_keep(p, plan, VT__Q, form);
    if (n == 2) {
        struct vt__do *op = vt__put_combine(p, VT__T);
        vt__add(op, VT__X, keep);
        vt__add(op, VT__Q, scale);
        vt__put_eval(p, VT__T, t);
        vt__put_keep(p, plan, VT__Q + 1, form);
    }
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__X, keep);
    for (int32_t j = 0; j < n; j++) vt__add(op, VT__Q + j, scale / n);
}

static int is_flow(const struct vt__plan *plan) { return vt__schedule_params_of(plan->schedule)->kind == VT__SCHEDULE_FLOW; }

/* Heun's method over rho (Karras et al. 2022), on rectified flow over its time. Steps to no noise at all are Euler's, but of a flow that says where it goes. */
vt_status vt__compile_heun(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *t = vt__plan_to(plan, i);
    struct vt__level s;
    vt_status st = put_churn(plan, vt__plan_from(plan, i), p, &s);
    if (st != VT_OK) return st;
    const int flows = is_flow(plan) && (plan->params->prediction == VT__FORM_FLOW || plan->params->prediction == VT__FORM_FLOW_BACK);
    put_slopes(plan, &s, t, t->sigma == 0 && !flows ? 1 : 2, is_flow(plan), p);
    return VT_OK;
}

/* k-diffusion's "dpm_2": a slope at the geometric middle. */
vt_status vt__compile_dpm2(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *t = vt__plan_to(plan, i);
    struct vt__level s, middle;
    vt_status st = put_churn(plan, vt__plan_from(plan, i), p, &s);
    if (st != VT_OK) return st;
    if (t->sigma == 0) return put_slopes(plan, &s, t, 1, 0, p), VT_OK;
    st = level_of(plan, (s.lambda + t->lambda) / 2, &middle);
    if (st != VT_OK) return st;
    vt__put_eval(p, VT__X, &s);
    struct vt__do *op = vt__put_combine(p, VT__T);
    vt__add(op, VT__X, middle.alpha / s.alpha);
    vt__add_prediction(p, plan, op, VT__FORM_EPS, middle.alpha * (ratio_of(&middle) - ratio_of(&s)));
    vt__put_eval(p, VT__T, &middle);
    op = vt__put_update(p);
    vt__add(op, VT__X, t->alpha / s.alpha);
    vt__add_prediction(p, plan, op, VT__FORM_EPS, t->alpha * (ratio_of(t) - ratio_of(&s)));
    return VT_OK;
}

/* Adams-Bashforth on the grid's own rho: integrals of Lagrange polynomials. Order 4 unless told. */
vt_status vt__compile_lms(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const int64_t most = plan->params->order ? plan->params->order : 4, history = vt__plan_history(plan, i) + 1;
    const int32_t n = (int32_t)(most < history ? most : history);
    double node[VT__RING], c[VT__RING];
    for (int32_t j = 0; j < n; j++) node[j] = ratio_of(vt__plan_from(plan, i - j));
    vt__lagrange_integrals(node, n, node[0], ratio_of(t), NULL, NULL, c);
    vt__put_eval(p, VT__X, s);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_EPS);
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__X, t->alpha / s->alpha);
    for (int32_t j = 0; j < n; j++) vt__add(op, VT__P + j, t->alpha * c[j]);
    return VT_OK;
}

vt_status vt__check_lms(const struct vt__plan *plan) {
    if (plan->params->order <= VT__RING) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "solver: linear multistep of order %d, need 1 to %d", plan->params->order, (int)VT__RING);
}

/* ---- fresh noise ---- */

/* Where a step of which a part is fresh noise leads without it. */
static vt_status below(const struct vt__plan *plan, const struct vt__level *s, const struct vt__level *t, double up, struct vt__level *out) {
    (void)s;
    const double to = ratio_of(t), down = sqrt(fmax(to * to - up * up, 0));
    if (down > 0) return level_of(plan, -log(down), out);
    *out = vt__schedule_data(plan->schedule);
    return VT_OK;
}

/* x' = alpha_t (y of an exponential step of data prediction m from s to ratio `down`) into op; m is in slot. */
static void add_exponential(struct vt__do *op, const struct vt__level *s, const struct vt__level *t, double down, int32_t slot, double share) {
    const double shrink = down / ratio_of(s);
    vt__add(op, VT__X, share * t->alpha / s->alpha * shrink);
    vt__add(op, slot, share * t->alpha * (1 - shrink));
}

/* Euler, or with order 2 DPM-Solver++(2S), to a lower level, and fresh noise up to the level of the grid. */
vt_status vt__compile_ancestral(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const double up = fresh(s, t, plan->params->eta), to = ratio_of(t), down = sqrt(fmax(to * to - up * up, 0));
    vt__put_eval(p, VT__X, s);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    if (plan->params->order == 2 && down > 0) {
        struct vt__level lower, middle;
        vt_status st = below(plan, s, t, up, &lower);
        if (st == VT_OK) st = level_of(plan, (s->lambda + lower.lambda) / 2, &middle);
        if (st != VT_OK) return st;
        struct vt__do *inner = vt__put_combine(p, VT__T);
        add_exponential(inner, s, &middle, ratio_of(&middle), VT__P, 1);
        vt__put_eval(p, VT__T, &middle);
        vt__put_push(p, VT__P);
        vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    }
    if (up > 0) vt__put_noise(p, VT__Z, s, t);
    struct vt__do *op = vt__put_update(p);
    add_exponential(op, s, t, down, VT__P, 1);
    if (up > 0) vt__add(op, VT__Z, t->alpha * up * plan->params->noise_scale);
    return VT_OK;
}

/* k-diffusion's "dpmpp_sde": two ancestral exponential steps from s, the second on both predictions. */
vt_status vt__compile_dpm_sde(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__solver_params *o = plan->params;
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const double r = o->r1 > 0 ? o->r1 : 0.5, share = 1 / (2 * r);
    vt__put_eval(p, VT__X, s);
    vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    if (t->sigma == 0) {
        struct vt__do *op = vt__put_update(p);
        vt__add(op, VT__P, t->alpha);
        return VT_OK;
    }
    struct vt__level middle;
    vt_status st = level_of(plan, s->lambda + r * (t->lambda - s->lambda), &middle);
    if (st != VT_OK) return st;
    const double up1 = fresh(s, &middle, o->eta), to1 = ratio_of(&middle), up = fresh(s, t, o->eta), to = ratio_of(t);
    const double down1 = sqrt(fmax(to1 * to1 - up1 * up1, 0)), down = sqrt(fmax(to * to - up * up, 0));
    if (up1 > 0) vt__put_noise(p, VT__Z, s, &middle);
    struct vt__do *op = vt__put_combine(p, VT__T);
    add_exponential(op, s, &middle, down1, VT__P, 1);
    if (up1 > 0) vt__add(op, VT__Z, middle.alpha * up1 * o->noise_scale);
    vt__put_eval(p, VT__T, &middle);
    vt__put_keep(p, plan, VT__P + 1, VT__FORM_X0);
    if (up > 0) vt__put_noise(p, VT__Z, s, t);
    op = vt__put_update(p);
    add_exponential(op, s, t, down, VT__P, 1 - share);
    add_exponential(op, s, t, down, VT__P + 1, share);
    if (up > 0) vt__add(op, VT__Z, t->alpha * up * o->noise_scale);
    return VT_OK;
}
