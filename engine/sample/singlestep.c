/* DPM-Solver's singlestep family: one to three evaluations within a step, at levels of the grid. Legend as in exponential.c. */
#include "core/error.h"
#include "sample/exponential.h"

/* Orders of the steps that spend n evaluations: variant 0 as the authors, 1 as diffusers, 2 all of the same order. */
int64_t vt__orders_single(const struct vt__solver_params *o, int64_t n, int32_t *order) {
    const int32_t p = o->order ? o->order : 2;
    const int64_t whole = n / p, rest = n % p;
    int64_t k = 0;
    if (p == 1 || o->variant == 2) {
        for (; k < whole; k++) order[k] = p;
        return k;
    }
    /* Does the last step of order p make way for lower ones? diffusers does so when asked for lower orders at the end. */
    const int is_split = rest == 0 && (o->variant == 1 ? o->n_lower_final < 0 : p == 3);
    for (; k < whole - is_split; k++) order[k] = p;
    if (is_split) {
        if (p == 3) order[k++] = 2;
        else order[k++] = 1;
        order[k++] = 1;
    } else if (rest) {
        order[k++] = (int32_t)rest;
    }
    return k;
}

vt_status vt__check_single(const struct vt__plan *plan) {
    const struct vt__solver_params *o = plan->params;
    if (o->order > 3 || o->variant < 0 || o->variant > 2)
        return vt__fail(VT_ERR_INVALID, "solver: singlestep of order %d, variant %d, need 1 to 3 and 0 to 2", o->order, o->variant);
    if (o->eta != 0) return vt__fail(VT_ERR_UNSUPPORTED, "solver: singlestep DPM-Solver has no eta; dpm_sde has");
    return VT_OK;
}

/* The state at an inner level, into T: order 1, and with `second` a part of the difference of the two predictions so far. */
static void put_inner(const struct vt__plan *plan, const struct vt__level *s, const struct vt__level *inner, double second, struct vt__program *p) {
    const struct vt__exponent e = vt__exponent_of(plan->params, s, inner);
    struct vt__do *op = vt__put_combine(p, VT__T);
    vt__add(op, VT__X, e.keep);
    vt__add(op, VT__P, e.c[0]);
    if (second == 0) return;
    const double c = second * (plan->params->variant == 1 && plan->params->form == VT__MIDPOINT ? e.c[0] / 2 : e.c[1]);
    vt__add(op, VT__P, -c);
    vt__add(op, VT__P + 1, c);
}

static void add_difference(struct vt__do *op, int32_t slot, double c) {
    vt__add(op, slot, c);
    vt__add(op, VT__P, -c);
}

vt_status vt__compile_single(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__solver_params *o = plan->params;
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const int32_t form = o->algorithm == VT__DATA_PREDICTION ? VT__FORM_X0 : VT__FORM_EPS;
    const int32_t order = t->sigma == 0 ? 1 : (int32_t)(t - s);
    const struct vt__exponent e = vt__exponent_of(o, s, t);
    const double h = t->lambda - s->lambda, r1 = order > 1 ? (s[1].lambda - s->lambda) / h : 0, r2 = order > 2 ? (s[2].lambda - s->lambda) / h : 0;
    vt__put_eval(p, VT__X, s);
    vt__put_keep(p, plan, VT__P, form);
    if (order > 1) {
        put_inner(plan, s, s + 1, 0, p);
        vt__put_eval(p, VT__T, s + 1);
        vt__put_keep(p, plan, VT__P + 1, form);
    }
    if (order > 2) {
        put_inner(plan, s, s + 2, r2 / r1, p);
        vt__put_eval(p, VT__T, s + 2);
        vt__put_keep(p, plan, VT__P + 2, form);
    }
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__X, e.keep);
    vt__add(op, VT__P, e.c[0]);
    if (order == 2) add_difference(op, VT__P + 1, (o->form == VT__MIDPOINT ? e.c[0] / 2 : e.c[1]) / r1);
    if (order == 3 && o->form == VT__MIDPOINT) add_difference(op, VT__P + 2, e.c[1] / r2);
    if (order == 3 && o->form != VT__MIDPOINT) {
        /* D1 = (r2 D10 - r1 D11) / (r2 - r1), D2 = 2 (D11 - D10) / (r2 - r1), D1k the difference over r */
        add_difference(op, VT__P + 1, (e.c[1] * r2 - 2 * e.c[2]) / (r2 - r1) / r1);
        add_difference(op, VT__P + 2, (2 * e.c[2] - e.c[1] * r1) / (r2 - r1) / r2);
    }
    return VT_OK;
}
