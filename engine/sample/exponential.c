/* Solvers that are exact for the linear part of the diffusion equation: DPM-Solver's multistep families. Legend: h = lambda_t - lambda_s of a step
 * from level s to level t, m predictions of the data, e of the noise. */
#include <math.h>

#include "core/error.h"
#include "sample/coefficient.h"
#include "sample/exponential.h"

static struct vt__exponent of_data(const struct vt__level *s, const struct vt__level *t, double eta) {
    struct vt__exponent e = {0};
    if (t->sigma == 0) { /* h is infinite: x' = alpha_t m */
        e.c[0] = t->alpha;
        return e;
    }
    const double h = t->lambda - s->lambda, he = h * (1 + eta);
    e.keep = t->sigma / s->sigma * (eta != 0 ? exp(-eta * h) : 1);
    e.noise = eta != 0 ? t->sigma * sqrt(-expm1(-2 * eta * h)) : 0;
    e.c[0] = -t->alpha * expm1(-he);
    if (isinf(h)) return e;
    for (int32_t k = 1; k < 3; k++) e.c[k] = t->alpha * he * vt__phi(k + 1, -he);
    return e;
}

/* eta is 0 or 1: the published stochastic form doubles the prediction's part. */
static struct vt__exponent of_noise(const struct vt__level *s, const struct vt__level *t, double eta) {
    struct vt__exponent e = {.keep = t->alpha / s->alpha};
    if (t->sigma == 0) {
        e.c[0] = -t->alpha * s->sigma / s->alpha;
        return e;
    }
    const double h = t->lambda - s->lambda, scale = -t->sigma * (1 + eta);
    e.c[0] = scale * expm1(h);
    for (int32_t k = 1; k < 3; k++) e.c[k] = scale * h * vt__phi(k + 1, h);
    e.noise = eta != 0 ? t->sigma * sqrt(expm1(2 * h)) : 0;
    return e;
}

struct vt__exponent vt__exponent_of(const struct vt__solver_params *o, const struct vt__level *s, const struct vt__level *t) {
    return o->algorithm == VT__DATA_PREDICTION ? of_data(s, t, o->eta) : of_noise(s, t, o->eta);
}

/* Adds the derivatives' parts of a multistep update of order 2 or 3; f[0], f[1], f[2] are the ring's. */
static void add_history(const struct vt__plan *plan, int64_t i, int32_t order, const struct vt__exponent *e, struct vt__do *op) {
    const struct vt__level *t = vt__plan_to(plan, i), *s = vt__plan_from(plan, i), *s1 = vt__plan_from(plan, i - 1);
    const struct vt__solver_params *o = plan->params;
    const double h = t->lambda - s->lambda, r0 = (s->lambda - s1->lambda) / h;
    if (order == 2) {
        const double c = (o->form == VT__MIDPOINT ? e->c[0] / 2 : e->c[1]) / r0;
        vt__add(op, VT__P, c);
        vt__add(op, VT__P + 1, -c);
        return;
    }
    const double r1 = (s1->lambda - vt__plan_from(plan, i - 2)->lambda) / h;
    const double c2 = o->form == VT__TAYLOR ? 2 * e->c[2] : e->c[2]; /* D2 is h^2 f'' / 2 */
    /* D10 = (f0 - f1) / r0, D11 = (f1 - f2) / r1, D1 = D10 + r0 / (r0 + r1) (D10 - D11), D2 = (D10 - D11) / (r0 + r1) */
    const double d10 = e->c[1] * (1 + r0 / (r0 + r1)) + c2 / (r0 + r1), d11 = -(e->c[1] * r0 + c2) / (r0 + r1);
    vt__add(op, VT__P, d10 / r0);
    vt__add(op, VT__P + 1, d11 / r1 - d10 / r0);
    vt__add(op, VT__P + 2, -d11 / r1);
}

vt_status vt__compile_dpm(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__solver_params *o = plan->params;
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const int is_data = o->algorithm == VT__DATA_PREDICTION;
    const struct vt__exponent e = vt__exponent_of(o, s, t);
    const int32_t order = vt__plan_order(plan, i, o->order ? o->order : 2);
    vt__put_eval(p, VT__X, s);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, is_data ? VT__FORM_X0 : VT__FORM_EPS);
    if (e.noise != 0) vt__put_noise(p, VT__Z, s, t);
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__X, e.keep);
    vt__add(op, VT__P, e.c[0]);
    if (e.noise != 0) vt__add(op, VT__Z, e.noise * o->noise_scale);
    if (order > 1) add_history(plan, i, order, &e, op);
    return VT_OK;
}

vt_status vt__check_dpm(const struct vt__plan *plan) {
    const struct vt__solver_params *o = plan->params;
    if (o->order > 3) return vt__fail(VT_ERR_INVALID, "solver: DPM-Solver of order %d, need 1 to 3", o->order);
    if (o->algorithm == VT__NOISE_PREDICTION && o->eta != 0 && o->eta != 1)
        return vt__fail(VT_ERR_UNSUPPORTED, "solver: DPM-Solver of noise prediction with eta %g; 0 and 1 are known", o->eta);
    if (o->algorithm == VT__NOISE_PREDICTION && plan->level[0].alpha == 0)
        return vt__fail(VT_ERR_UNSUPPORTED, "solver: noise prediction cannot begin where alpha is 0");
    return VT_OK;
}
