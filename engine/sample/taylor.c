/* Solvers that write a step as a Taylor series of the prediction in lambda, its derivatives estimated by differences of predictions: UniPC (Zhao et al. 2023) and the
 * unified framework of per-step choices (USF, Liu et al. 2023). Both ask the model at the predicted state and may then correct the step with the answer, so the
 * evaluation of level i + 1 belongs to step i, and the last step has none. Legend: h = lambda_t - lambda_s of a step from level s to level t, m predictions of data
 * or noise; z = -h for data and h for noise; x' = keep x + scale (p1 m_s + ...), scale = -alpha_t for data and -sigma_t for noise, p1 = expm1(z). */
#include <math.h>

#include "core/error.h"
#include "sample/coefficient.h"
#include "sample/families.h"

enum { MOST_POINTS = 5, MOST_ORDER = 4 };

struct span {
    double h, z, keep, scale, p1;
};

static struct span span_of(const struct vt__level *s, const struct vt__level *t, int32_t algorithm) {
    const int is_data = algorithm == VT__DATA_PREDICTION;
    struct span n = {.h = t->lambda - s->lambda};
    n.z = is_data ? -n.h : n.h;
    n.keep = is_data ? t->sigma / s->sigma : t->alpha / s->alpha;
    n.scale = is_data ? -t->alpha : -t->sigma;
    n.p1 = expm1(n.z);
    return n;
}

/* A point of a step's estimates, by how many steps it lies before the start; -1: the end of the step, where the model has just been asked. In the ring the newest is 0, which is
 * the start while the end has not been asked for (ahead 0), and the end afterwards (ahead 1). */
static int32_t slot_of(int32_t ring, int32_t back, int32_t ahead) { return ring + back + ahead; }

static double place_of(const struct vt__plan *plan, int64_t i, int32_t back) {
    return (back < 0 ? vt__plan_to(plan, i) : vt__plan_from(plan, i - back))->lambda - vt__plan_from(plan, i)->lambda;
}

/* The last level with no noise: the data itself, or with predictions of noise what is left without it. */
static void put_end(const struct vt__plan *plan, int64_t i, struct vt__do *op, int32_t ring, int32_t algorithm) {
    const struct vt__level *s = vt__plan_from(plan, i), *t = vt__plan_to(plan, i);
    if (algorithm == VT__DATA_PREDICTION) {
        vt__add(op, ring, t->alpha);
        return;
    }
    vt__add(op, VT__X, t->alpha / s->alpha);
    vt__add(op, ring, -t->alpha * s->sigma / s->alpha);
}

/* ---- UniPC ---- */

/* x' with weights r of the differences D_k = (m_k - m_s) / r_k, which solve sum_k r_k^(j-1) w_k = j! phi_{j+1}(z) z / B for j = 1..n; B cancels but where the weight of
 * a single point is the published 1/2. */
static void put_unified(const struct vt__plan *plan, int64_t i, struct vt__do *op, int32_t n_points, const int32_t *back, int32_t ahead) {
    const struct vt__solver_params *o = plan->params;
    const struct span n = span_of(vt__plan_from(plan, i), vt__plan_to(plan, i), o->algorithm);
    const double b = o->variant == VT__UNIPC_BH1 ? n.z : n.p1;
    double a[MOST_POINTS * MOST_POINTS], right[MOST_POINTS], w[MOST_POINTS], r[MOST_POINTS], factorial = 1;
    for (int32_t k = 0; k < n_points; k++) r[k] = place_of(plan, i, back[k]) / n.h;
    for (int32_t j = 0; j < n_points; j++) {
        factorial *= j + 1;
        right[j] = factorial * n.z * vt__phi(j + 2, n.z) / b;
        for (int32_t k = 0; k < n_points; k++) a[j * n_points + k] = pow(r[k], j);
    }
    if (n_points == 1) w[0] = 0.5;
    else (void)vt__solve_small(a, right, n_points, w); /* places differ, so it has a solution */
    const int32_t start = slot_of(VT__P, 0, ahead);
    vt__add(op, VT__X, n.keep);
    vt__add(op, start, n.scale * n.p1);
    for (int32_t k = 0; k < n_points; k++) {
        const double c = n.scale * b * w[k] / r[k];
        vt__add(op, slot_of(VT__P, back[k], ahead), c);
        vt__add(op, start, -c);
    }
}

vt_status vt__check_unipc(const struct vt__plan *plan) {
    const struct vt__solver_params *o = plan->params;
    if (o->order < 0 || o->order > MOST_ORDER) return vt__fail(VT_ERR_INVALID, "solver: UniPC has orders 1 to %d, not %d", MOST_ORDER, (int)o->order);
    if (o->variant < 0 || o->variant >= VT__UNIPC_N) return vt__fail(VT_ERR_INVALID, "solver: UniPC has variants 0 to %d, not %d", VT__UNIPC_N - 1, (int)o->variant);
    if (o->algorithm == VT__NOISE_PREDICTION ? plan->level[0].alpha > 0 : 1) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "solver: predictions of noise divide by alpha, which is 0 at the first level");
}

/* Asks the model at the state of the step's first level, where no step before has done so. */
static void ask_first(const struct vt__plan *plan, int64_t i, struct vt__program *p, int32_t ring, int32_t form) {
    if (vt__plan_history(plan, i) > 0) return;
    vt__put_eval(p, VT__X, vt__plan_from(plan, i));
    vt__put_push(p, ring);
    vt__put_keep(p, plan, ring, form);
}

/* The last steps are of lower order however many there are, unless that was refused: the last one often goes far, and nothing corrects it. */
static int32_t unipc_order(const struct vt__plan *plan, int64_t i) {
    const int64_t left = plan->n_steps - i;
    const int32_t order = vt__plan_order(plan, i, plan->params->order ? plan->params->order : 2);
    return plan->params->n_lower_final != 0 && left < order ? (int32_t)left : order;
}

vt_status vt__compile_unipc(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__solver_params *o = plan->params;
    const int32_t form = o->algorithm == VT__DATA_PREDICTION ? VT__FORM_X0 : VT__FORM_EPS;
    const int32_t order = unipc_order(plan, i);
    const int is_last = i + 1 == plan->n_steps, is_corrected = !is_last && !((int64_t)o->option[VT__UNIPC_PLAIN_STEPS] > i);
    const int32_t back[MOST_POINTS] = {1, 2, 3, 4};
    ask_first(plan, i, p, VT__P, form);
    struct vt__do *op = is_corrected ? vt__put_combine(p, VT__T) : vt__put_update(p);
    op->flags = VT__IS_UPDATE;
    if (vt__plan_to(plan, i)->sigma == 0) put_end(plan, i, op, VT__P, o->algorithm);
    else put_unified(plan, i, op, order - 1, back, 0);
    if (is_last) return VT_OK;
    vt__put_eval(p, is_corrected ? VT__T : VT__X, vt__plan_to(plan, i));
    vt__put_push(p, VT__P);
    vt__put_keep(p, plan, VT__P, form);
    if (!is_corrected) return VT_OK;
    const int32_t with_end[MOST_POINTS] = {-1, 1, 2, 3, 4};
    op = vt__put_combine(p, VT__X);
    op->flags = VT__IS_CORRECTION;
    put_unified(plan, i, op, order, with_end, 1);
    return VT_OK;
}

/* ---- per-step choices ---- */

static double relaxed(const struct vt__derivative *d, const struct span *n) {
    const double e = expm1(n->z);
    switch (d->relaxation) {
    case VT__RELAX_BH2: return 0.5 * n->z * e / (e - n->z);
    case VT__RELAX_BH1: return 0.5 * n->z * n->z / (e - n->z);
    case VT__RELAX_EXP: return 1 + 0.5 * e;
    case VT__RELAX_MINUS_EXP: return 1 - 0.5 * e;
    case VT__RELAX_LINEAR: return 1 + d->coefficient * n->h;
    default: return 1;
    }
}

/* Adds the term of derivative k (1, 2 ...), sum_q a_q (m_q - m_s) with sum_q a_q (lambda_q - lambda_s)^j / j! = 1 for j = k and 0 else. */
static vt_status put_derivative(const struct vt__plan *plan, int64_t i, struct vt__do *op, const struct span *n, const struct vt__derivative *d, int32_t k,
                                int32_t ring, int32_t ahead) {
    double a[MOST_POINTS * MOST_POINTS], right[MOST_POINTS], w[MOST_POINTS];
    for (int32_t q = 0; q < d->n_points; q++) {
        double power = 1;
        for (int32_t j = 0; j < d->n_points; j++) {
            power *= place_of(plan, i, d->back[q]) / (j + 1);
            a[j * d->n_points + q] = power;
        }
        right[q] = q + 1 == k;
    }
    if (!vt__solve_small(a, right, d->n_points, w)) return vt__fail(VT_ERR_NUMERIC, "solver: step %lld estimates a derivative from points that coincide", (long long)i);
    const double scale = n->scale * n->z * pow(n->h, k) * vt__phi(k + 1, n->z) * (k == 1 ? relaxed(d, n) : 1);
    for (int32_t q = 0; q < d->n_points; q++) {
        vt__add(op, slot_of(ring, d->back[q], ahead), scale * w[q]);
        vt__add(op, slot_of(ring, 0, ahead), -scale * w[q]);
    }
    return VT_OK;
}

static vt_status put_series(const struct vt__plan *plan, int64_t i, struct vt__do *op, int32_t algorithm, int32_t order, const struct vt__derivative *derivative,
                            int32_t ring, int32_t ahead) {
    const struct span n = span_of(vt__plan_from(plan, i), vt__plan_to(plan, i), algorithm);
    vt_status st = VT_OK;
    vt__add(op, VT__X, n.keep);
    vt__add(op, slot_of(ring, 0, ahead), n.scale * n.p1);
    for (int32_t k = 1; st == VT_OK && k < order; k++) st = put_derivative(plan, i, op, &n, &derivative[k - 1], k, ring, ahead);
    return st;
}

static int mixes(const struct vt__solver_params *o) {
    const struct vt__usf_step *step = o->table;
    for (int64_t i = 1; i < o->n_table; i++) {
        if (step[i].prediction != step[0].prediction) return 1;
    }
    return 0;
}

static vt_status check_derivatives(int64_t i, int64_t history, const struct vt__derivative *d, int32_t order, int is_corrector) {
    for (int32_t k = 1; k < order; k++, d++) {
        if (d->n_points < k || d->n_points >= MOST_POINTS)
            return vt__fail(VT_ERR_INVALID, "solver: step %lld estimates derivative %d from %d points, must be %d to %d", (long long)i, (int)k, (int)d->n_points, (int)k,
                            MOST_POINTS - 1);
        if (d->relaxation < 0 || d->relaxation >= VT__RELAX_N || !isfinite(d->coefficient))
            return vt__fail(VT_ERR_INVALID, "solver: step %lld has relaxation %d (coefficient %g)", (long long)i, (int)d->relaxation, d->coefficient);
        for (int32_t q = 0; q < d->n_points; q++) {
            if (d->back[q] == 0 || d->back[q] < (is_corrector ? -1 : 1) || d->back[q] > history)
                return vt__fail(VT_ERR_INVALID, "solver: step %lld uses the prediction %d steps before; there are %lld before it", (long long)i, (int)d->back[q],
                                (long long)history);
        }
    }
    return VT_OK;
}

vt_status vt__check_usf(const struct vt__plan *plan) {
    const struct vt__solver_params *o = plan->params;
    const struct vt__usf_step *step = o->table;
    vt_status st = VT_OK;
    if (!step || o->n_table != plan->n_steps)
        return vt__fail(VT_ERR_INVALID, "solver: a table of %lld steps for a grid of %lld", (long long)o->n_table, (long long)plan->n_steps);
    for (int64_t i = 0; st == VT_OK && i < plan->n_steps; i++) {
        const int64_t history = i < MOST_ORDER ? i : MOST_ORDER;
        const int has_corrector = step[i].corrector != VT__CORRECT_NONE;
        if (step[i].prediction != VT__DATA_PREDICTION && step[i].prediction != VT__NOISE_PREDICTION)
            return vt__fail(VT_ERR_INVALID, "solver: step %lld has prediction %d", (long long)i, (int)step[i].prediction);
        if (step[i].order < 1 || step[i].order > MOST_ORDER || (has_corrector && (step[i].corrector_order < 1 || step[i].corrector_order > MOST_POINTS)))
            return vt__fail(VT_ERR_INVALID, "solver: step %lld has order %d and its corrector %d", (long long)i, (int)step[i].order, (int)step[i].corrector_order);
        if (step[i].corrector < 0 || step[i].corrector >= VT__CORRECT_N) return vt__fail(VT_ERR_INVALID, "solver: step %lld has corrector %d", (long long)i, (int)step[i].corrector);
        if (has_corrector && i + 1 == plan->n_steps) return vt__fail(VT_ERR_INVALID, "solver: the last step has no evaluation to correct it with");
        if (step[i].prediction == VT__NOISE_PREDICTION && !(vt__plan_from(plan, i)->alpha > 0))
            return vt__fail(VT_ERR_INVALID, "solver: step %lld predicts noise from a level without signal", (long long)i);
        st = check_derivatives(i, history, step[i].derivative, step[i].order, 0);
        if (st == VT_OK && has_corrector) st = check_derivatives(i, history, step[i].corrector_derivative, step[i].corrector_order, 1);
    }
    return st;
}

/* Keeps the answer in the rings that the table reads: data in P, noise in Q. */
static void keep_forms(const struct vt__plan *plan, struct vt__program *p, int is_new) {
    const struct vt__usf_step *step = plan->params->table;
    const int both = mixes(plan->params);
    if (both || step[0].prediction == VT__DATA_PREDICTION) {
        if (is_new) vt__put_push(p, VT__P);
        vt__put_keep(p, plan, VT__P, VT__FORM_X0);
    }
    if (both || step[0].prediction == VT__NOISE_PREDICTION) {
        if (is_new) vt__put_push(p, VT__Q);
        vt__put_keep(p, plan, VT__Q, VT__FORM_EPS);
    }
}

/* The analytic first step: the data is taken to be nothing, or its mean (Y), and the model is not asked. */
static void put_analytic(const struct vt__plan *plan, struct vt__program *p) {
    const struct vt__level *s = &plan->level[0];
    const struct vt__usf_step *step = plan->params->table;
    const int both = mixes(plan->params), has_mean = (int)plan->params->option[VT__USF_FIRST] == VT__FIRST_MEAN;
    if (both || step[0].prediction == VT__DATA_PREDICTION) {
        struct vt__do *op = vt__put_combine(p, VT__P);
        if (has_mean) vt__add(op, VT__Y, 1);
    }
    if (both || step[0].prediction == VT__NOISE_PREDICTION) {
        struct vt__do *op = vt__put_combine(p, VT__Q);
        vt__add(op, VT__X, 1 / s->sigma);
        if (has_mean) vt__add(op, VT__Y, -s->alpha / s->sigma);
    }
}

vt_status vt__compile_usf(const struct vt__plan *plan, int64_t i, struct vt__program *p) {
    const struct vt__usf_step *step = (const struct vt__usf_step *)plan->params->table + i;
    const int32_t ring = step->prediction == VT__DATA_PREDICTION ? VT__P : VT__Q;
    const int64_t history = vt__plan_history(plan, i);
    const int is_last = i + 1 == plan->n_steps, is_corrected = step->corrector != VT__CORRECT_NONE;
    vt_status st;
    if (history == 0 && i == 0 && plan->params->option[VT__USF_FIRST] > 0) {
        put_analytic(plan, p);
    } else if (history == 0) {
        vt__put_eval(p, VT__X, vt__plan_from(plan, i));
        keep_forms(plan, p, 1);
    }
    struct vt__do *op = is_corrected ? vt__put_combine(p, VT__T) : vt__put_update(p);
    op->flags = VT__IS_UPDATE;
    /* After a drop of the history the points that the table names are not there: such steps are of order 1 until they are. */
    const int32_t order = history >= step->order - 1 ? step->order : 1, corrector_order = history >= step->corrector_order - 2 ? step->corrector_order : 2;
    if (vt__plan_to(plan, i)->sigma == 0) {
        put_end(plan, i, op, ring, step->prediction);
        st = VT_OK;
    } else {
        st = put_series(plan, i, op, step->prediction, order, step->derivative, ring, 0);
    }
    if (is_last || st != VT_OK) return st;
    vt__put_eval(p, is_corrected ? VT__T : VT__X, vt__plan_to(plan, i));
    keep_forms(plan, p, 1);
    if (!is_corrected) return VT_OK;
    op = vt__put_combine(p, VT__X);
    op->flags = VT__IS_CORRECTION;
    static const struct vt__derivative slope = {.n_points = 1, .back = {-1}};
    st = put_series(plan, i, op, step->prediction, corrector_order, corrector_order == step->corrector_order ? step->corrector_derivative : &slope, ring, 1);
    if (st != VT_OK || step->corrector != VT__CORRECT_IMPLICIT) return st;
    vt__put_eval(p, VT__X, vt__plan_to(plan, i));
    keep_forms(plan, p, 0);
    return VT_OK;
}
