/* DPM-Solver with steps of its own choice (Lu et al. 2022, Appendix C): each attempt makes a result of lower and one of higher order; their distance says whether it counts and how
 * long the next one is. All rows of a batch go together, so here, and only here, a row depends on the others. */
#include <math.h>

#include "core/error.h"
#include "sample/exponential.h"
#include "sample/solver_internal.h"

#define FIRST_STEP 0.05 /* in log(alpha / sigma) */
#define CAUTION 0.9
#define LAST_TIME 1e-5 /* nearer to the end in unit time is there */
#define LEAST_STEP 1e-10

enum { LOWER = VT__T + 1, HIGHER = VT__T + 2, BEFORE = VT__V };

vt_status vt__check_adaptive(const struct vt__plan *plan) {
    const struct vt__solver_params *o = plan->params;
    if (o->order != 0 && o->order != 2 && o->order != 3) return vt__fail(VT_ERR_INVALID, "solver: adaptive DPM-Solver of order %d, need 2 or 3", o->order);
    if (o->eta != 0 || o->denoise_to_zero) return vt__fail(VT_ERR_UNSUPPORTED, "solver: adaptive DPM-Solver has neither eta nor a last prediction");
    if (isinf(plan->level[0].lambda) || isinf(plan->level[plan->n_levels - 1].lambda) || !(plan->level[0].lambda < plan->level[plan->n_levels - 1].lambda))
        return vt__fail(VT_ERR_INVALID, "solver: adaptive DPM-Solver needs noise at both ends, and less at the last");
    return VT_OK;
}

static int32_t order_of(const struct vt__solver_params *o) { return o->order ? o->order : 2; }

/* A second-order result from the predictions at s and at s + r h. */
static void put_second(const struct vt__plan *plan, const struct vt__exponent *e, double r, int32_t slot, struct vt__program *p) {
    const double c = (plan->params->form == VT__MIDPOINT ? e->c[0] / 2 : e->c[1]) / r;
    struct vt__do *op = vt__put_combine(p, slot);
    vt__add(op, VT__X, e->keep);
    vt__add(op, VT__P, e->c[0] - c);
    vt__add(op, VT__P + 1, c);
}

static void put_third(const struct vt__plan *plan, const struct vt__exponent *e, double r1, double r2, struct vt__program *p) {
    struct vt__do *op = vt__put_combine(p, HIGHER);
    const int is_first_form = plan->params->form == VT__MIDPOINT;
    const double a = is_first_form ? 0 : (e->c[1] * r2 - 2 * e->c[2]) / (r2 - r1) / r1;
    const double b = is_first_form ? e->c[1] / r2 : (2 * e->c[2] - e->c[1] * r1) / (r2 - r1) / r2;
    vt__add(op, VT__X, e->keep);
    vt__add(op, VT__P, e->c[0] - a - b);
    vt__add(op, VT__P + 1, a);
    vt__add(op, VT__P + 2, b);
}

/* The levels are those of one attempt: its start, one or two inner ones, its end. */
vt_status vt__compile_adaptive(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__solver_params *o = plan->params;
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const int32_t form = o->algorithm == VT__DATA_PREDICTION ? VT__FORM_X0 : VT__FORM_EPS;
    const double h = t->lambda - s->lambda, r1 = (s[1].lambda - s->lambda) / h;
    struct vt__exponent e = vt__exponent_of(o, s, s + 1);
    vt__put_eval(p, VT__X, s);
    vt__put_keep(p, plan, VT__P, form);
    struct vt__do *op = vt__put_combine(p, VT__T);
    vt__add(op, VT__X, e.keep);
    vt__add(op, VT__P, e.c[0]);
    vt__put_eval(p, VT__T, s + 1);
    vt__put_keep(p, plan, VT__P + 1, form);
    const struct vt__exponent whole = vt__exponent_of(o, s, t);
    if (order_of(o) == 2) {
        op = vt__put_combine(p, LOWER);
        vt__add(op, VT__X, whole.keep);
        vt__add(op, VT__P, whole.c[0]);
        put_second(plan, &whole, r1, HIGHER, p);
        return VT_OK;
    }
    const double r2 = (s[2].lambda - s->lambda) / h;
    put_second(plan, &whole, r1, LOWER, p);
    e = vt__exponent_of(o, s, s + 2);
    op = vt__put_combine(p, VT__T);
    vt__add(op, VT__X, e.keep);
    vt__add(op, VT__P, e.c[0] - r2 / r1 * e.c[1]);
    vt__add(op, VT__P + 1, r2 / r1 * e.c[1]);
    vt__put_eval(p, VT__T, s + 2);
    vt__put_keep(p, plan, VT__P + 2, form);
    put_third(plan, &whole, r1, r2, p);
    return VT_OK;
}

/* An attempt's levels are one step of `order` of them. */
int64_t vt__orders_adaptive(const struct vt__solver_params *o, int64_t n, int32_t *order) {
    (void)n;
    order[0] = order_of(o);
    return 1;
}

/* ---- attempts ---- */

static vt_status plan_attempt(vt_solver *s) {
    const int32_t order = order_of(&s->params);
    struct vt__level *level = s->classes[0].level;
    const double from = level[0].lambda;
    for (int32_t k = 1; k <= order; k++) {
        double t;
        vt_status st = vt__schedule_find(s->schedule, from + s->attempt.h * k / order, &t);
        if (st == VT_OK) st = vt__schedule_level(s->schedule, t, &level[k]);
        if (st != VT_OK) return st;
    }
    return VT_OK;
}

vt_status vt__adaptive_begin(vt_solver *s) {
    struct vt__level *level = s->classes[0].level;
    const int32_t order = order_of(&s->params);
    s->attempt = (struct vt__attempt){level[order].lambda, fmin(FIRST_STEP, level[order].lambda - level[0].lambda), vt__schedule_unit(s->schedule, level[order].t)};
    vt_status st = VT_OK;
    if (!s->slot[BEFORE]) st = vt__tensor_create(s->ctx, &vt__backend_cpu, &s->desc, &s->slot[BEFORE]);
    if (st == VT_OK) st = vt__tensor_read(s->slot[VT__X], vt__tensor_to_view(s->slot[BEFORE]).data, (size_t)(s->n_rows * s->row_size) * vt__dtype_size(s->dtype));
    return st == VT_OK ? plan_attempt(s) : st;
}

static double element(const vt_tensor *t, int64_t i) {
    const void *data = vt__tensor_to_view(t).data;
    return t->dtype == VT_DTYPE_F32 ? (double)((const float *)data)[i] : ((const double *)data)[i];
}

/* The largest over the rows of the root mean square of (higher - lower) / max(atol, rtol max(|lower|, |before|)). */
static double measure(const vt_solver *s) {
    double worst = 0;
    for (int64_t r = 0; r < s->n_rows; r++) {
        double sum = 0;
        for (int64_t i = r * s->row_size; i < (r + 1) * s->row_size; i++) {
            const double low = element(s->slot[LOWER], i), size = fmax(fabs(low), fabs(element(s->slot[BEFORE], i)));
            const double d = (element(s->slot[HIGHER], i) - low) / fmax(s->params.atol, s->params.rtol * size);
            sum += d * d;
        }
        worst = fmax(worst, sqrt(sum / (double)s->row_size));
    }
    return worst;
}

static void swap_slots(vt_solver *s, int32_t a, int32_t b) {
    vt_tensor *held = s->slot[a];
    s->slot[a] = s->slot[b];
    s->slot[b] = held;
}

vt_status vt__adaptive_decide(vt_solver *s, int *is_end) {
    const int32_t order = order_of(&s->params);
    const double e = measure(s);
    struct vt__level *level = s->classes[0].level;
    *is_end = 0;
    if (e <= 1) {
        swap_slots(s, VT__X, HIGHER);
        swap_slots(s, BEFORE, LOWER);
        level[0] = level[order];
        if (fabs(vt__schedule_unit(s->schedule, level[0].t) - s->attempt.unit_end) <= LAST_TIME) return *is_end = 1, VT_OK;
    }
    s->attempt.h = fmin(CAUTION * s->attempt.h * pow(e, -1.0 / order), s->attempt.lambda_end - level[0].lambda);
    if (!(s->attempt.h > LEAST_STEP)) return vt__fail(VT_ERR_NUMERIC, "solver: the step at log(alpha / sigma) %g has shrunk to %g", level[0].lambda, s->attempt.h);
    return plan_attempt(s);
}
