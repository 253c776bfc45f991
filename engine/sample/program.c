#include "sample/program.h"

#include <math.h>

#include "core/error.h"

static struct vt__do *append(struct vt__program *p, int32_t code, int32_t slot) {
    if (p->n == VT__MOST_OPS) {
        p->is_full = 1;
        p->n--;
    }
    struct vt__do *op = &p->op[p->n++];
    *op = (struct vt__do){.code = code, .slot = slot, .extra = -1};
    return op;
}

struct vt__do *vt__put_eval(struct vt__program *p, int32_t slot, const struct vt__level *level) {
    struct vt__do *op = append(p, VT__DO_EVAL, slot);
    op->level = *level;
    return op;
}

struct vt__do *vt__put_combine(struct vt__program *p, int32_t slot) { return append(p, VT__DO_COMBINE, slot); }

struct vt__do *vt__put_update(struct vt__program *p) {
    struct vt__do *op = append(p, VT__DO_COMBINE, VT__X);
    op->flags = VT__IS_UPDATE;
    return op;
}

void vt__put_push(struct vt__program *p, int32_t ring) { append(p, VT__DO_PUSH, ring); }

void vt__put_noise(struct vt__program *p, int32_t slot, const struct vt__level *from, const struct vt__level *to) {
    struct vt__do *op = append(p, VT__DO_NOISE, slot);
    op->from = -from->lambda;
    op->to = -to->lambda;
}

/* The last evaluation: a program that keeps a prediction before it has asked for one is wrong. */
static const struct vt__do *last_eval(struct vt__program *p) {
    for (int32_t i = p->n - 1; i >= 0; i--) {
        if (p->op[i].code == VT__DO_EVAL) return &p->op[i];
    }
    p->is_full = 1;
    return NULL;
}

/* x0 = c[0] x + c[1] prediction + c[2] y. */
static void to_data(const struct vt__level *l, double sigma_data, int32_t given, double c[3]) {
    const double a = l->alpha, s = l->sigma, square = a * a + s * s;
    c[2] = given == VT__FORM_RESIDUAL || given == VT__FORM_X0 ? 0 : -l->share / a;
    switch (given) {
    case VT__FORM_X0: c[0] = 0, c[1] = 1; break;
    case VT__FORM_EPS: c[0] = 1 / a, c[1] = -s / a; break;
    case VT__FORM_SCORE: c[0] = 1 / a, c[1] = s * s / a; break;
    case VT__FORM_V: c[0] = a / square, c[1] = -s / square, c[2] = 0; break;
    case VT__FORM_FLOW: c[0] = 1 / (a + s), c[1] = s / (a + s), c[2] = 0; break;
    case VT__FORM_FLOW_BACK: c[0] = 1 / (a + s), c[1] = -s / (a + s), c[2] = 0; break;
    case VT__FORM_RESIDUAL: c[0] = 0, c[1] = -1, c[2] = 1; break;
    default: { /* EDM, of y = x / alpha at noise sigma / alpha */
        const double d = sigma_data, r = s / a;
        c[0] = d * d / (r * r + d * d) / a, c[1] = r * d / sqrt(r * r + d * d), c[2] = 0;
    }
    }
}

/* eps = c[0] x + c[1] prediction + c[2] y. */
static void to_noise(const struct vt__level *l, double sigma_data, int32_t given, double c[3]) {
    const double a = l->alpha, s = l->sigma, square = a * a + s * s;
    c[2] = 0;
    switch (given) {
    case VT__FORM_EPS: c[0] = 0, c[1] = 1; break;
    case VT__FORM_SCORE: c[0] = 0, c[1] = -s; break;
    case VT__FORM_V: c[0] = s / square, c[1] = a / square; break;
    case VT__FORM_FLOW: c[0] = 1 / (a + s), c[1] = -a / (a + s); break;
    case VT__FORM_FLOW_BACK: c[0] = 1 / (a + s), c[1] = a / (a + s); break;
    default:
        to_data(l, sigma_data, given, c);
        c[0] = (1 - a * c[0]) / s, c[1] = -a * c[1] / s, c[2] = -(l->share + a * c[2]) / s;
    }
}

void vt__form_convert(const struct vt__level *l, double sigma_data, int32_t given, int32_t wanted, double c[3]) {
    double x0[3], eps[3];
    if (given == wanted) {
        c[0] = c[2] = 0, c[1] = 1;
        return;
    }
    to_data(l, sigma_data, given, x0);
    to_noise(l, sigma_data, given, eps);
    for (int32_t i = 0; i < 3; i++) {
        switch (wanted) {
        case VT__FORM_X0: c[i] = x0[i]; break;
        case VT__FORM_EPS: c[i] = eps[i]; break;
        case VT__FORM_V: c[i] = l->alpha * eps[i] - l->sigma * x0[i]; break;
        case VT__FORM_FLOW: c[i] = x0[i] - eps[i]; break;
        case VT__FORM_FLOW_BACK: c[i] = eps[i] - x0[i]; break;
        case VT__FORM_SCORE: c[i] = -eps[i] / l->sigma; break;
        case VT__FORM_RESIDUAL: c[i] = (i == 2) - x0[i]; break;
        default: c[i] = (double)NAN;
        }
    }
}

static void add_form(struct vt__program *p, const struct vt__plan *plan, struct vt__do *op, int32_t form, double scale) {
    double c[3];
    const struct vt__do *eval = last_eval(p);
    if (!eval) return;
    vt__form_convert(&eval->level, plan->params->sigma_data, plan->params->prediction, form, c);
    if (c[0] != 0) vt__add(op, eval->slot, scale * c[0]);
    if (c[1] != 0) vt__add(op, VT__R, scale * c[1]);
    if (c[2] != 0) vt__add(op, VT__Y, scale * c[2]);
}

/* Cut data goes through the last temporary slot; other forms are made of it. */
void vt__put_keep(struct vt__program *p, const struct vt__plan *plan, int32_t slot, int32_t form) {
    const int is_cut = vt__params_cut(plan->params);
    struct vt__do *op = vt__put_combine(p, is_cut && form != VT__FORM_X0 ? VT__V - 1 : slot);
    op->flags = is_cut || form == VT__FORM_X0 ? VT__IS_DATA : 0;
    add_form(p, plan, op, is_cut ? VT__FORM_X0 : form, 1);
    const struct vt__do *eval = last_eval(p);
    if (!is_cut || form == VT__FORM_X0 || !eval) return;
    double c[3];
    vt__form_convert(&eval->level, plan->params->sigma_data, VT__FORM_X0, form, c);
    op = vt__put_combine(p, slot);
    if (c[0] != 0) vt__add(op, eval->slot, c[0]);
    vt__add(op, VT__V - 1, c[1]);
    if (c[2] != 0) vt__add(op, VT__Y, c[2]);
}

void vt__add_prediction(struct vt__program *p, const struct vt__plan *plan, struct vt__do *op, int32_t form, double c) { add_form(p, plan, op, form, c); }

int32_t vt__plan_order(const struct vt__plan *plan, int64_t i, int32_t order) {
    const struct vt__solver_params *o = plan->params;
    const int64_t left = plan->n_steps - i, history = vt__plan_history(plan, i) + 1;
    if (history < order) order = (int32_t)history;
    if ((o->n_lower_final < 0 || plan->n_steps < o->n_lower_final) && left < order) order = (int32_t)left;
    if (o->euler_at_final && left == 1) order = 1;
    if (vt__plan_to(plan, i)->sigma == 0 && order > 1) order = 1; /* lambda is infinite there: x = x0 exactly */
    return order;
}

/* ---- what every program gets ---- */

/* Is the model asked twice at this level? */
static int is_guided(const struct vt__solver_params *o, const struct vt__level *l) {
    const double ratio = l->alpha > 0 ? l->sigma / l->alpha : (double)INFINITY;
    if (o->guidance == VT__GUIDE_NONE || o->guidance_scale == 1) return 0;
    return !(o->guidance_to > 0) || (ratio > o->guidance_from && ratio <= o->guidance_to);
}

/* R = scale R + (1 - scale) U behind evaluation k; the same operation where there is no guidance, for rows that differ. */
static void insert_guidance(const struct vt__solver_params *o, struct vt__program *p, int32_t k) {
    (void)append(p, VT__DO_COMBINE, VT__R);
    for (int32_t i = p->n - 1; i > k + 1; i--) p->op[i] = p->op[i - 1];
    const double scale = is_guided(o, &p->op[k].level) ? o->guidance_scale : 1;
    p->op[k + 1] = (struct vt__do){.code = VT__DO_COMBINE, .slot = VT__R, .extra = -1, .flags = VT__IS_GUIDANCE};
    p->op[k + 1].coef[VT__R] = scale;
    p->op[k + 1].coef[VT__U] = 1 - scale;
}

/* CFG++ (Chung et al. 2024): noise is that of the unconditional prediction. In x' = c x + ... it stands for x + alpha (m_guided - m_unconditional). */
static vt_status bend_updates(const struct vt__plan *plan, struct vt__program *p) {
    const struct vt__do *eval = NULL;
    for (int32_t i = 0; i < p->n; i++) {
        struct vt__do *op = &p->op[i];
        if (op->code == VT__DO_EVAL) eval = op;
        if (!(op->flags & VT__IS_UPDATE) || !eval || !is_guided(plan->params, &eval->level)) continue;
        if (eval->slot != VT__X) return vt__fail(VT_ERR_UNSUPPORTED, "solver: CFG++ needs a kind with one evaluation a step");
        double c[3];
        vt__form_convert(&eval->level, plan->params->sigma_data, plan->params->prediction, VT__FORM_X0, c);
        const double shift = op->coef[VT__X] * eval->level.alpha * c[1];
        op->coef[VT__R] += shift;
        op->coef[VT__U] -= shift;
    }
    return VT_OK;
}

vt_status vt__program_finish(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__solver_params *o = plan->params;
    if (o->denoise_to_zero && i == plan->n_steps - 1 && vt__plan_to(plan, i)->sigma > 0) {
        vt__put_eval(p, VT__X, vt__plan_to(plan, i));
        vt__put_keep(p, plan, VT__X, VT__FORM_X0);
    }
    if (o->guidance != VT__GUIDE_NONE || o->is_hooked) {
        for (int32_t k = p->n - 1; k >= 0; k--) {
            if (p->op[k].code == VT__DO_EVAL) insert_guidance(o, p, k);
        }
    }
    for (int32_t k = 0; k < p->n; k++) {
        for (int32_t j = 0; j < VT__SLOTS; j++) {
            if (!isfinite(p->op[k].coef[j]) || !isfinite(p->op[k].routed[j]))
                return vt__fail(VT_ERR_NUMERIC, "solver: step %lld from alpha %g, sigma %g has no finite coefficients for this kind and prediction", (long long)i,
                                vt__plan_from(plan, i)->alpha, vt__plan_from(plan, i)->sigma);
        }
    }
    return o->guidance == VT__GUIDE_CFG_PLUS ? bend_updates(plan, p) : VT_OK;
}
