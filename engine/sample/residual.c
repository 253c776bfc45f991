/* Residual shifting (ResShift, Yue et al. 2023): posterior steps of a chain between a degraded picture y and the clean one. Legend: eta a level's share of y, kappa^2 eta its
 * variance. */
#include <math.h>

#include "core/error.h"
#include "sample/families.h"

vt_status vt__check_resshift(const struct vt__plan *plan) {
    if (vt__schedule_params_of(plan->schedule)->kind == VT__SCHEDULE_RESSHIFT) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "solver: ResShift needs a schedule of residual shifting");
}

/* q(x_{t-1} | x_t, x0): mean (eta' / eta) x + ((eta - eta') / eta) x0, variance kappa^2 (eta' / eta) (eta - eta'); y is in x already. */
vt_status vt__compile_resshift(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    const double keep = t->share / s->share, kappa = s->sigma / sqrt(s->share);
    const double deviation = kappa * sqrt(keep * (s->share - t->share)) * plan->params->noise_scale;
    vt__put_eval(p, VT__X, s);
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    if (t->share > 0) vt__put_noise(p, VT__Z, s, t);
    struct vt__do *op = vt__put_update(p);
    vt__add(op, VT__X, keep);
    vt__add(op, VT__P, 1 - keep);
    if (t->share > 0) vt__add(op, VT__Z, deviation);
    return VT_OK;
}
