/* Solvers that go to the data and back: multistep consistency sampling (Song et al. 2023) and the denoising diffusion consistency of InfEdit (Xu et al. 2024), where the data is
 * known and a source, a target and a mutual branch walk together. Legend: a, s of a level alpha and sigma, primed at the next; e predictions of the noise. */
#include <math.h>

#include "core/error.h"
#include "sample/families.h"

vt_status vt__compile_consistency(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const double least = plan->params->option[0] * t->alpha, variance = t->sigma * t->sigma - least * least;
    vt__put_eval(p, VT__X, s);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    if (t->sigma > 0) vt__put_noise(p, VT__Z, s, t);
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__P, t->alpha);
    if (t->sigma > 0 && variance > 0) vt__add(op, VT__Z, sqrt(variance) * plan->params->noise_scale);
    return VT_OK;
}

vt_status vt__check_ddcm(const struct vt__plan *plan) {
    const double eta = plan->params->eta;
    if (!(eta >= 0 && eta <= 1)) return vt__fail(VT_ERR_INVALID, "solver: DDCM's eta is %g, must be in [0, 1]", eta);
    if (!(plan->level[0].alpha > 0)) return vt__fail(VT_ERR_INVALID, "solver: DDCM divides by alpha, which is 0 at the first level");
    return VT_OK;
}

/* The noise that a row predicts, times c: of the row itself, or of its partner. */
static void add_noise(struct vt__do *op, const double form[3], double c, int is_routed) {
    double *coef = is_routed ? op->routed : op->coef;
    coef[VT__X] += c * form[0];
    coef[VT__R] += c * form[1];
    coef[VT__Y] += c * form[2];
}

/* Target and mutual rows: with ec = (xs - a x0) / s the noise that is known, p0 = x0 + ((x - xs) - s (e - es)) / a and x' = a' p0 + k ((e - es) + ec) + d z,
 * d^2 = eta s'^2, k^2 = s'^2 - d^2. The source row: x' = a' x0 + k ((e - es) + ec) + d z with e its partner's. The partner's tensors are those of before the step. */
vt_status vt__compile_ddcm(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const struct vt__solver_params *o = plan->params;
    const int is_source = plan->role == VT__ROLE_SOURCE;
    const double fresh = sqrt(o->eta) * t->sigma, kept = sqrt(1 - o->eta) * t->sigma, ratio = t->alpha / s->alpha;
    double form[3];
    vt__put_eval(p, VT__X, s);
    if (t->sigma > 0) vt__put_noise(p, VT__Z, s, t);
    struct vt__do *op = vt__put_update(p);
    vt__form_convert(s, o->sigma_data, o->prediction, VT__FORM_EPS, form);
    double *source = is_source ? op->coef : op->routed;
    vt__add(op, VT__Y, t->alpha);
    if (!is_source) { /* a' ((x - xs) - s (e - es)) / a */
        op->coef[VT__X] += ratio;
        op->routed[VT__X] -= ratio;
    }
    const double difference = kept - (is_source ? 0 : ratio * s->sigma); /* of e - es */
    add_noise(op, form, difference, is_source);
    add_noise(op, form, -difference, !is_source);
    source[VT__X] += kept / s->sigma;
    vt__add(op, VT__Y, -kept * s->alpha / s->sigma);
    if (t->sigma > 0) vt__add(op, VT__Z, fresh * o->noise_scale);
    return VT_OK;
}
