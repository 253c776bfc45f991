#include "sample/stages.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"

/* ---- what a stage may be given ---- */

/* Comparisons are written so that NaN fails them. */
static int is_within(double x, double least, double most) { return x >= least && x <= most; }
static int is_positive(double x) { return x > 0 && x <= DBL_MAX; }
static int is_finite(double x) { return fabs(x) <= DBL_MAX; }

static vt_status refuse(const char *what, double x, const char *need) {
    return vt__fail(VT_ERR_INVALID, "sampler: %s %g, need %s", what, x, need);
}

static vt_status check_window(const vt__sampler_stage *p) {
    if (p->k >= 1 && p->k <= VT__MAX_WINDOW) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "sampler: a window of the last %lld tokens, need 1 to %d", (long long)p->k, VT__MAX_WINDOW);
}

static vt_status check_penalties(const vt__sampler_stage *p) {
    if (!is_positive(p->value)) return refuse("repeat penalty", p->value, "a finite number > 0");
    if (!is_finite(p->second)) return refuse("frequency penalty", p->second, "a finite number");
    if (!is_finite(p->third)) return refuse("presence penalty", p->third, "a finite number");
    return check_window(p);
}

static vt_status check_dry(const vt__sampler_stage *p) {
    if (!is_positive(p->value)) return refuse("DRY multiplier", p->value, "a finite number > 0");
    if (!is_within(p->second, 1, DBL_MAX)) return refuse("DRY base", p->second, "a finite number >= 1");
    if (!is_within(p->third, 1, VT__MAX_WINDOW)) return refuse("DRY allowed length", p->third, "at least 1");
    return check_window(p);
}

static vt_status check_temperatures(const vt__sampler_stage *p) {
    if (!is_within(p->value, 0, DBL_MAX)) return refuse("temperature", p->value, "a finite number >= 0");
    if (p->kind == VT__SAMPLER_TEMPERATURE) return VT_OK;
    if (!is_within(p->second, 0, DBL_MAX)) return refuse("temperature range", p->second, "a finite number >= 0");
    return is_positive(p->third) ? VT_OK : refuse("temperature exponent", p->third, "a finite number > 0");
}

static vt_status check_biases(const vt__sampler_stage *p) {
    for (int64_t i = 0; i < p->n_ids; i++) {
        if (p->ids[i] < 0) return vt__fail(VT_ERR_INVALID, "sampler: bias of token %d, ids are not below 0", p->ids[i]);
        if (!(p->biases[i] <= FLT_MAX))
            return vt__fail(VT_ERR_INVALID, "sampler: bias %f of token %d, need a finite number or minus infinity", (double)p->biases[i], p->ids[i]);
    }
    return VT_OK;
}

static vt_status check(const vt__sampler_stage *p) {
    switch (p->kind) {
    case VT__SAMPLER_TEMPERATURE:
    case VT__SAMPLER_DYNAMIC_TEMPERATURE: return check_temperatures(p);
    case VT__SAMPLER_TOP_K:
        return p->k >= 1 ? VT_OK : vt__fail(VT_ERR_INVALID, "sampler: top-k %lld, need >= 1", (long long)p->k);
    case VT__SAMPLER_TOP_P: return p->value > 0 && p->value <= 1 ? VT_OK : refuse("top-p", p->value, "0 < p <= 1");
    case VT__SAMPLER_MIN_P: return is_within(p->value, 0, 1) ? VT_OK : refuse("min-p", p->value, "0 <= p <= 1");
    case VT__SAMPLER_TYPICAL: return p->value > 0 && p->value <= 1 ? VT_OK : refuse("typical p", p->value, "0 < p <= 1");
    case VT__SAMPLER_TOP_N_SIGMA: return is_positive(p->value) ? VT_OK : refuse("top-n-sigma", p->value, "a finite number > 0");
    case VT__SAMPLER_XTC:
        if (!is_within(p->value, 0, 1)) return refuse("XTC probability", p->value, "0 <= p <= 1");
        return is_within(p->second, 0, 1) ? VT_OK : refuse("XTC threshold", p->second, "0 <= t <= 1");
    case VT__SAMPLER_MIROSTAT:
        if (!is_positive(p->value)) return refuse("mirostat tau", p->value, "a finite number > 0");
        return is_within(p->second, 0, DBL_MAX) ? VT_OK : refuse("mirostat eta", p->second, "a finite number >= 0");
    case VT__SAMPLER_PENALTIES: return check_penalties(p);
    case VT__SAMPLER_DRY: return check_dry(p);
    default: return check_biases(p);
    }
}

/* ---- memory ---- */

static vt_status copy_ids(vt_context *ctx, const vt__sampler_stage *from, vt__stage *out) {
    int32_t *ids = vt__calloc2(ctx, from->n_ids, 1, sizeof *ids);
    float *biases = from->biases ? vt__calloc2(ctx, from->n_ids, 1, sizeof *biases) : NULL;
    out->p.ids = ids;
    out->p.biases = biases;
    if (!ids || (from->biases && !biases)) return vt__fail_nomem("sampler", (size_t)from->n_ids * sizeof *ids);
    if (from->n_ids > 0) memcpy(ids, from->ids, (size_t)from->n_ids * sizeof *ids);
    if (from->n_ids > 0 && biases) memcpy(biases, from->biases, (size_t)from->n_ids * sizeof *biases);
    return VT_OK;
}

vt_status vt__stage_init(vt_context *ctx, const vt__sampler_stage *params, vt__stage *out) {
    *out = (vt__stage){.p = *params};
    out->p.ids = NULL;
    out->p.biases = NULL;
    if (out->p.min_keep < 1) out->p.min_keep = 1;
    vt_status st = check(params);
    if (st == VT_OK) st = copy_ids(ctx, params, out);
    int64_t window = vt__stage_window(out);
    if (st == VT_OK && window > 0) st = vt__tally_init(ctx, &out->tally, window);
    if (st != VT_OK || out->p.kind != VT__SAMPLER_DRY) return st;
    out->scratch = vt__calloc2(ctx, window, 1, sizeof *out->scratch);
    return out->scratch ? VT_OK : vt__fail_nomem("sampler", (size_t)window * sizeof *out->scratch);
}

void vt__stage_free(vt_context *ctx, vt__stage *s) {
    vt__free(ctx, (void *)(uintptr_t)s->p.ids);
    vt__free(ctx, (void *)(uintptr_t)s->p.biases);
    vt__free(ctx, s->tally.slots);
    vt__free(ctx, s->scratch);
}

int64_t vt__stage_window(const vt__stage *s) { return s->p.kind == VT__SAMPLER_PENALTIES || s->p.kind == VT__SAMPLER_DRY ? s->p.k : 0; }

/* ---- what each does ---- */

static void take_best(vt__candidates *c) { vt__candidates_mass(c, 0, 1, vt__candidates_largest(c)); }

/* Beyond the largest float the candidates are all alike already; infinity would make NaN of barred ones. */
static vt_status temperature(vt__candidates *c, double t) {
    if (t > (double)FLT_MAX) t = (double)FLT_MAX;
    if ((float)t <= 0) {
        take_best(c);
        return VT_OK;
    }
    vt_status st = vt__candidates_own(c);
    if (st == VT_OK && t != 1.0) vt__candidates_divide(c, (float)t);
    return st;
}

/* T = lo + (hi - lo) (H / ln n)^exponent, H the entropy of the n candidates, lo and hi the temperature less and more delta. */
static vt_status dynamic_temperature(vt__candidates *c, const vt__sampler_stage *p) {
    double t = p->value, delta = p->second, sums[2];
    int64_t n = vt__candidates_count(c);
    if (delta > 0 && n > 1) {
        double lo = t > delta ? t - delta : 0, hi = t + delta;
        vt__candidates_weights(c, vt__candidates_largest(c), sums);
        double entropy = log(sums[0]) - sums[1] / sums[0], share = entropy / log((double)n);
        t = lo + (hi - lo) * pow(share > 0 ? share : 0, p->third);
        if (!(t <= DBL_MAX)) t = DBL_MAX;
    }
    return temperature(c, t);
}

static void top_p(vt__candidates *c, const vt__sampler_stage *p) {
    double sums[2];
    if (p->value >= 1) return; /* all: a rounded sum must not lose the last */
    float max = vt__candidates_largest(c);
    vt__candidates_weights(c, max, sums);
    vt__candidates_mass(c, p->value * sums[0], p->min_keep, max);
}

static void min_p(vt__candidates *c, const vt__sampler_stage *p) {
    if (p->value > 0) vt__candidates_above(c, vt__candidates_largest(c) + (float)log(p->value), p->min_keep);
}

/* With p = w / S the surprise of a token is max - logit + ln S, and the entropy ln S - E[logit - max]: their distance needs no S. */
static void typical(vt__candidates *c, const vt__sampler_stage *p) {
    double sums[2];
    if (p->value >= 1) return;
    float max = vt__candidates_largest(c);
    vt__candidates_weights(c, max, sums);
    vt__candidates_typical(c, (double)max + sums[1] / sums[0], p->value * sums[0], p->min_keep, max);
}

static void top_n_sigma(vt__candidates *c, const vt__sampler_stage *p) {
    double mean, deviation, max = (double)vt__candidates_largest(c);
    vt__candidates_moments(c, &mean, &deviation);
    double least = max - p->value * deviation;
    vt__candidates_above(c, least > -(double)FLT_MAX ? (float)least : -FLT_MAX, p->min_keep);
}

static vt_status xtc(const vt__draw *draw, vt__candidates *c, const vt__sampler_stage *p) {
    double u, sums[2];
    vt__random_uniform(draw->seed, draw->sequence, (draw->n_stage + 1) << 48 | draw->n_draws, &u, 1);
    if (!(u < p->value)) return VT_OK;
    vt_status st = vt__candidates_own(c);
    if (st != VT_OK) return st;
    float max = vt__candidates_largest(c);
    vt__candidates_weights(c, max, sums);
    vt__candidates_drop_best(c, p->second * sums[0], p->min_keep, max);
    return VT_OK;
}

/* Keeps tokens whose surprise, in bits, is at most mu. */
static void mirostat(vt__candidates *c, double mu, int64_t min_keep) {
    double sums[2];
    float max = vt__candidates_largest(c);
    vt__candidates_weights(c, max, sums);
    double least = (double)max + log(sums[0]) - mu * log(2.0);
    vt__candidates_above(c, least < (double)max ? (float)fmax(least, -(double)FLT_MAX) : max, min_keep);
}

static float biased(float logit, float bias) {
    double x = (double)logit + (double)bias; /* minus infinity bars it */
    return x > (double)FLT_MAX ? FLT_MAX : x < -(double)FLT_MAX && bias >= -FLT_MAX ? -FLT_MAX : (float)x;
}

static vt_status logit_bias(vt__candidates *c, const vt__sampler_stage *p) {
    vt_status st = vt__candidates_own(c);
    for (int64_t i = 0; i < p->n_ids && st == VT_OK; i++) {
        if (c->row && p->ids[i] < c->n && c->own[p->ids[i]] >= -FLT_MAX) c->own[p->ids[i]] = biased(c->own[p->ids[i]], p->biases[i]);
        for (int64_t j = 0; !c->row && j < c->n; j++)
            if (c->set[j].id == p->ids[i]) c->set[j].logit = biased(c->set[j].logit, p->biases[i]);
    }
    return st == VT_OK ? vt__candidates_changed(c, "logit bias") : st;
}

static vt_status look_back(const vt__stage *s, const vt__draw *draw, vt__candidates *c) {
    const vt__sampler_stage *p = &s->p;
    vt__tally tally = s->tally;
    if (draw->history->len == 0) return VT_OK;
    vt_status st = vt__candidates_own(c);
    if (st != VT_OK) return st;
    if (p->kind == VT__SAMPLER_PENALTIES) {
        vt__history_penalise(draw->history, p->k, &(vt__penalties){p->value, p->second, p->third}, &tally, c);
    } else {
        vt__dry dry = {p->value, p->second, (int64_t)p->third, p->ids, p->n_ids, s->scratch};
        vt__history_dry(draw->history, p->k, &dry, &tally, c);
    }
    return VT_OK;
}

vt_status vt__stage_apply(const vt__stage *s, const vt__draw *draw, vt__candidates *c) {
    const vt__sampler_stage *p = &s->p;
    switch (p->kind) {
    case VT__SAMPLER_TEMPERATURE: return temperature(c, p->value);
    case VT__SAMPLER_TOP_K: vt__candidates_top(c, p->k); return VT_OK;
    case VT__SAMPLER_TOP_P: top_p(c, p); return VT_OK;
    case VT__SAMPLER_MIN_P: min_p(c, p); return VT_OK;
    case VT__SAMPLER_TYPICAL: typical(c, p); return VT_OK;
    case VT__SAMPLER_TOP_N_SIGMA: top_n_sigma(c, p); return VT_OK;
    case VT__SAMPLER_XTC: return xtc(draw, c, p);
    case VT__SAMPLER_DYNAMIC_TEMPERATURE: return dynamic_temperature(c, p);
    case VT__SAMPLER_MIROSTAT: mirostat(c, draw->mu, p->min_keep); return VT_OK;
    case VT__SAMPLER_PENALTIES:
    case VT__SAMPLER_DRY: return look_back(s, draw, c);
    default: return logit_bias(c, p);
    }
}
