/* Momentum for any multistep solver (Wizadwongsa et al. 2023): heavy ball and Nesterov on the direction of a step's update, generalised heavy ball on its predictions. It works on
 * compiled steps. The update x' = keep x + sum_j c_j m_j moves by S = sum_j c_j along the direction u = sum_j (c_j / S) m_j; momentum puts another u in its place. */
#include <math.h>

#include "core/error.h"
#include "sample/families.h"

static double direction_size(const struct vt__do *op) {
    double sum = 0;
    for (int32_t k = VT__P; k < VT__T; k++) sum += op->coef[k];
    return sum;
}

/* An update of the state and of rings only, one own row: what momentum can take apart. Noise is left alone. */
static int is_plain(const struct vt__do *op) {
    for (int32_t k = 0; k < VT__SLOTS; k++) {
        if (op->routed[k] != 0 || (op->coef[k] != 0 && k != VT__X && !(k >= VT__P && k < VT__T) && !(k >= VT__Z && k < VT__Y))) return 0;
    }
    return 1;
}

static vt_status refuse(const struct vt__plan *plan) {
    const struct vt__solver_kind *kind = vt__solver_kind_get(plan->params->kind);
    return vt__fail(VT_ERR_UNSUPPORTED, "solver: '%s' has steps that momentum cannot act on", kind ? kind->name : "?");
}

/* Puts an operation before the one at `at`. */
static struct vt__do *insert(struct vt__program *p, int32_t at, int32_t slot) {
    (void)vt__put_combine(p, slot);
    if (p->is_full) return &p->op[at];
    const struct vt__do fresh = p->op[p->n - 1];
    for (int32_t k = p->n - 1; k > at; k--) p->op[k] = p->op[k - 1];
    p->op[at] = fresh;
    return &p->op[at];
}

/* v <- (1 - b) v + b u, the first u at the start; x' = keep x + S v, or with Nesterov's look ahead x' = keep x + S ((1 - b) v + b u). */
static vt_status push_ball(const struct vt__plan *plan, int64_t i, struct vt__program *p, int32_t at, int32_t velocity) {
    const double b = plan->params->beta, size = direction_size(&p->op[at]);
    const int is_nesterov = plan->params->momentum == VT__MOMENTUM_NESTEROV;
    /* Of a corrector the first velocity is that of the first step that it corrects. */
    const int64_t plain = plan->params->kind == VT__SOLVER_UNIPC ? (int64_t)plan->params->option[VT__UNIPC_PLAIN_STEPS] : 0;
    const int is_corrector = velocity != VT__V, is_first = i == (is_corrector && plain > plan->since ? plain : plan->since);
    if (!is_plain(&p->op[at]) || !(fabs(size) > 0)) return refuse(plan);
    struct vt__do *v = insert(p, at, velocity), *op = &p->op[at + 1];
    if (p->is_full) return VT_OK;
    for (int32_t k = VT__P; k < VT__T; k++) {
        const double c = op->coef[k];
        vt__add(v, k, (is_first ? 1 : b) * c / size);
        op->coef[k] = is_nesterov ? b * c : 0;
    }
    if (!is_first) vt__add(v, velocity, 1 - b);
    vt__add(op, velocity, size * (is_nesterov ? 1 - b : 1));
    return VT_OK;
}

static vt_status push_balls(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    vt_status st = VT_OK;
    for (int32_t k = 0; st == VT_OK && k < p->n && !p->is_full; k++) {
        if (p->op[k].code != VT__DO_COMBINE || !(p->op[k].flags & (VT__IS_UPDATE | VT__IS_CORRECTION))) continue;
        st = push_ball(plan, i, p, k, p->op[k].flags & VT__IS_CORRECTION ? VT__V + 1 : VT__V);
        k++;
    }
    return st;
}

/* In backward differences D the base is sum_k g_k D^k of the predictions m, and v = b m / (b + (1 - b) D), so m = (1 + (1 - b) / b D) v; the product, cut off where
 * the base ends, is the generalised method (Adams-Bashforth gives the published tables; b = 1 the base). */
void vt__momentum_weights(const double *base, int32_t n, double beta, double *out) {
    double g[VT__RING] = {0}, choose[VT__RING + 1] = {0};
    for (int32_t k = 0; k < n; k++) { /* S^j = (1 - D)^j: the coefficient of D^k is sum_j base_j C(j, k) (-1)^k */
        for (int32_t j = k; j < n; j++) {
            double c = 1;
            for (int32_t m = 0; m < k; m++) c = c * (j - m) / (m + 1);
            g[k] += (k & 1 ? -c : c) * base[j];
        }
    }
    for (int32_t j = 0; j < n; j++) out[j] = 0;
    for (int32_t k = 0; k < n; k++) {
        const double f = g[k] + (k > 0 ? (1 - beta) / beta * g[k - 1] : 0);
        choose[0] = 1;
        for (int32_t j = 1; j <= k; j++) choose[j] = choose[j - 1] * (k - j + 1) / j;
        for (int32_t j = 0; j <= k; j++) out[j] += (j & 1 ? -f : f) * choose[j];
    }
}

/* The ring holds v <- (1 - b) v + b m in place of predictions m, and the update weighs them accordingly. */
static vt_status generalise(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const double b = plan->params->beta;
    struct vt__do *keep = NULL, *update = NULL;
    int32_t n = 0, n_evaluations = 0;
    for (int32_t k = 0; k < p->n; k++) {
        if (p->op[k].code == VT__DO_EVAL) n_evaluations++;
        else if (p->op[k].code == VT__DO_COMBINE && p->op[k].slot == VT__P) keep = &p->op[k];
        else if (p->op[k].code == VT__DO_COMBINE) update = &p->op[k];
    }
    if (!keep || !update || update->slot != VT__X || n_evaluations != 1 || update < keep || !is_plain(update)) return refuse(plan);
    for (int32_t k = VT__Q; k < VT__T; k++) {
        if (update->coef[k] != 0) return refuse(plan);
    }
    for (int32_t j = 0; j < VT__RING; j++) {
        if (update->coef[VT__P + j] != 0) n = j + 1;
    }
    double w[VT__RING];
    vt__momentum_weights(update->coef + VT__P, n, b, w);
    for (int32_t j = 0; j < n; j++) update->coef[VT__P + j] = w[j];
    if (vt__plan_history(plan, i) == 0) return VT_OK;
    for (int32_t k = 0; k < VT__SLOTS; k++) keep->coef[k] *= b;
    vt__add(keep, VT__P + 1, 1 - b);
    return VT_OK;
}

vt_status vt__momentum_apply(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const double b = plan->params->beta;
    if (plan->params->momentum == VT__MOMENTUM_NONE || p->is_full) return VT_OK;
    if (!(b > 0 && b <= 1)) return vt__fail(VT_ERR_INVALID, "solver: momentum's beta is %g, must be in (0, 1]", b);
    if (b == 1) return VT_OK; /* the base, bit for bit */
    if (plan->params->kind == VT__SOLVER_USF) return refuse(plan); /* its steps differ too much for one velocity */
    return plan->params->momentum == VT__MOMENTUM_GENERALISED ? generalise(plan, i, p) : push_balls(plan, i, p);
}

vt_status vt__check_ghvb(const struct vt__plan *plan) {
    const double b = plan->params->beta;
    if (!(b > 0 && b <= 1)) return vt__fail(VT_ERR_INVALID, "solver: GHVB's beta is %g, must be in (0, 1]", b);
    if (plan->params->momentum == VT__MOMENTUM_NONE || plan->params->momentum == VT__MOMENTUM_GENERALISED) return vt__check_pndm(plan);
    return vt__fail(VT_ERR_INVALID, "solver: GHVB brings its own momentum");
}

/* Base and momentum in one: PNDM of order r with even weights from the first step on. */
vt_status vt__compile_ghvb(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    struct vt__solver_params params = *plan->params;
    struct vt__plan base = *plan;
    params.variant = VT__PNDM_RAMP;
    params.momentum = VT__MOMENTUM_GENERALISED;
    base.params = &params;
    vt_status st = vt__compile_pndm(&base, i, p);
    return st == VT_OK && params.beta < 1 ? generalise(&base, i, p) : st;
}
