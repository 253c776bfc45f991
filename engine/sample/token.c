/* The set of candidates is an array that is either in any order or sorted, best first. Sorting is lazy: a stage that needs the best
 * tokens takes them off a heap until it has enough, so that a vocabulary of 50,000 is never sorted for the twenty tokens that matter. */
#include "sample/token.h"

#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"

typedef struct candidate {
    int32_t id;
    float logit;
} candidate;
_Static_assert(sizeof(candidate) == 8, "vt_sampler_filter hands out pairs of 4 bytes");

struct vt_sampler {
    atomic_int refs;
    vt_context *ctx;
    uint64_t seed, n_draws;
    uint32_t sequence;
    vt__sampler_stage *stages;
    int64_t n_stages, cap_stages;
    candidate *set; /* grows to the largest row seen */
    int64_t n, cap;
    int sorted; /* set[0..n) is best first */
};

/* ---- order and heaps ---- */

static int better(candidate a, candidate b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); }

/* Restores the heap below i. sign 1: best on top; -1: worst on top. */
static void sift(candidate *h, int64_t n, int64_t i, int sign) {
    candidate x = h[i];
    for (int64_t c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && (sign > 0 ? better(h[c + 1], h[c]) : better(h[c], h[c + 1]))) c++;
        if (sign > 0 ? !better(h[c], x) : !better(x, h[c])) break;
        h[i] = h[c];
    }
    h[i] = x;
}

static void make_heap(candidate *h, int64_t n, int sign) {
    for (int64_t i = n / 2 - 1; i >= 0; i--) sift(h, n, i, sign);
}

/* Moves the top behind the heap, which becomes one shorter. */
static void pop(candidate *h, int64_t n, int sign) {
    candidate top = h[0];
    h[0] = h[n - 1];
    h[n - 1] = top;
    sift(h, n - 1, 0, sign);
}

/* A heap with the worst on top, emptied from the back, leaves the best first. */
static void sort_worst_heap(candidate *h, int64_t n) {
    for (; n > 1; n--) pop(h, n, -1);
}

static void sort(vt_sampler *s) {
    if (s->sorted) return;
    make_heap(s->set, s->n, -1);
    sort_worst_heap(s->set, s->n);
    s->sorted = 1;
}

/* ---- loading a row ---- */

static vt_status reserve(vt_sampler *s, int64_t n) {
    void *set = s->set;
    if (vt__reserve(s->ctx, &set, &s->cap, n, sizeof *s->set)) return vt__fail_nomem("sampler", (size_t)n * sizeof *s->set);
    s->set = set;
    return VT_OK;
}

static vt_status fail_logit(int64_t id, float x) {
    return vt__fail(VT_ERR_NUMERIC, "sampler: logit %lld is %f", (long long)id, (double)x);
}

static vt_status fail_barred(int64_t n) {
    return vt__fail(VT_ERR_NUMERIC, "sampler: all %lld tokens are barred (minus infinity)", (long long)n);
}

static vt_status load(vt_sampler *s, const float *logits, int64_t n) {
    vt_status st = reserve(s, n);
    if (st != VT_OK) return st;
    s->n = 0;
    s->sorted = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(logits[i] <= FLT_MAX)) return fail_logit(i, logits[i]);
        if (logits[i] >= -FLT_MAX) s->set[s->n++] = (candidate){(int32_t)i, logits[i]};
    }
    return s->n ? VT_OK : fail_barred(n);
}

/* load and top-k in one pass: almost every logit is worse than the worst of the k best so far, and costs one comparison. */
static vt_status load_top_k(vt_sampler *s, const float *logits, int64_t n, int64_t k) {
    if (k > n) k = n;
    vt_status st = reserve(s, k);
    if (st != VT_OK) return st;
    s->n = 0;
    for (int64_t i = 0; i < n; i++) {
        float x = logits[i];
        if (!(x <= FLT_MAX)) return fail_logit(i, x);
        if (s->n == k) {
            if (x <= s->set[0].logit) continue; /* an equal one has the higher id */
            s->set[0] = (candidate){(int32_t)i, x};
            sift(s->set, k, 0, -1);
        } else if (x >= -FLT_MAX) {
            s->set[s->n++] = (candidate){(int32_t)i, x};
            if (s->n == k) make_heap(s->set, k, -1);
        }
    }
    if (!s->n) return fail_barred(n);
    if (s->n < k) make_heap(s->set, s->n, -1);
    sort_worst_heap(s->set, s->n);
    s->sorted = 1;
    return VT_OK;
}

vt_status vt__argmax(const float *logits, int64_t n, int32_t *out_id) {
    float best = -INFINITY;
    int64_t id = -1;
    for (int64_t i = 0; i < n; i++) {
        if (!(logits[i] <= FLT_MAX)) return fail_logit(i, logits[i]);
        if (logits[i] > best) {
            best = logits[i];
            id = i;
        }
    }
    if (id < 0) return fail_barred(n);
    *out_id = (int32_t)id;
    return VT_OK;
}

/* ---- stages ---- */

static float largest(const vt_sampler *s) {
    if (s->sorted) return s->set[0].logit;
    float m = s->set[0].logit;
    for (int64_t i = 1; i < s->n; i++)
        if (s->set[i].logit > m) m = s->set[i].logit;
    return m;
}

static double exp_sum(const vt_sampler *s, float max) {
    double sum = 0;
    for (int64_t i = 0; i < s->n; i++) sum += (double)expf(s->set[i].logit - max);
    return sum;
}

typedef struct mass {
    double sum, enough; /* of exp(logit - max) */
    int64_t min_keep, kept;
    float max;
} mass;

static int wants_more(const mass *m) { return m->kept < m->min_keep || m->sum < m->enough; }

/* Brings the best of h[0..n) to its front, in order, one by one, until there is enough. */
static void take_from(candidate *h, int64_t n, mass *m) {
    make_heap(h, n, 1);
    for (int64_t left = n; left > 0 && wants_more(m); left--, m->kept++) {
        m->sum += (double)expf(h[0].logit - m->max);
        pop(h, left, 1);
    }
    for (int64_t i = 0, j = n - 1; i < j; i++, j--) { /* they gathered at the back */
        candidate t = h[i];
        h[i] = h[j];
        h[j] = t;
    }
}

/* The same for the whole set; returns how many were taken, the others stay behind them. Those near the best go first and nearly always
 * suffice, which spares making a heap of the vocabulary. */
static int64_t take_mass(vt_sampler *s, double enough, int64_t min_keep, float max) {
    enum { NEAR = 8 };
    mass m = {.enough = enough, .min_keep = min_keep, .max = max};
    int64_t n_near = 0;
    if (s->sorted) {
        while (m.kept < s->n && wants_more(&m)) m.sum += (double)expf(s->set[m.kept++].logit - max);
        return m.kept;
    }
    for (int64_t i = 0; i < s->n; i++) {
        candidate c = s->set[i];
        if (!(c.logit >= max - (float)NEAR)) continue;
        s->set[i] = s->set[n_near];
        s->set[n_near++] = c;
    }
    take_from(s->set, n_near, &m);
    if (wants_more(&m)) take_from(s->set + n_near, s->n - n_near, &m);
    return m.kept;
}

static void top_k(vt_sampler *s, int64_t k) {
    sort(s);
    if (k < s->n) s->n = k;
}

static void top_p(vt_sampler *s, double p, int64_t min_keep) {
    if (p >= 1) return; /* all: a rounded sum must not lose the last */
    float max = largest(s);
    s->n = take_mass(s, p * exp_sum(s, max), min_keep, max);
    s->sorted = 1;
}

static void min_p(vt_sampler *s, double p, int64_t min_keep) {
    if (p <= 0) return;
    float least = largest(s) + (float)log(p);
    int64_t kept = 0, n = s->n;
    for (int64_t i = 0; i < n; i++) kept += s->set[i].logit >= least;
    if (kept < min_keep) {
        top_k(s, min_keep);
        return;
    }
    kept = 0;
    for (int64_t i = 0; i < n; i++)
        if (s->set[i].logit >= least) s->set[kept++] = s->set[i]; /* keeps the order, sorted or not */
    s->n = kept;
}

static void temperature(vt_sampler *s, double t) {
    if ((float)t <= 0) {
        candidate best = s->set[0];
        for (int64_t i = 1; i < s->n; i++)
            if (better(s->set[i], best)) best = s->set[i];
        s->set[0] = best;
        s->n = s->sorted = 1;
        return;
    }
    /* A tiny t may overflow to minus infinity or, at the top, to plus infinity; the largest is kept finite and decides. */
    float max = largest(s), top = max / (float)t;
    int flat = !(fabsf(top) <= FLT_MAX);
    for (int64_t i = 0; i < s->n; i++) {
        float x = s->set[i].logit;
        s->set[i].logit = flat ? (x - max) / (float)t : x / (float)t;
    }
}

static void apply(vt_sampler *s, const vt__sampler_stage *stage) {
    switch (stage->kind) {
    case VT__SAMPLER_TEMPERATURE: temperature(s, stage->value); break;
    case VT__SAMPLER_TOP_K: top_k(s, stage->k); break;
    case VT__SAMPLER_TOP_P: top_p(s, stage->value, stage->min_keep); break;
    default: min_p(s, stage->value, stage->min_keep); break;
    }
}

static vt_status narrow(vt_sampler *s, const float *logits, int64_t n) {
    int first_is_top_k = s->n_stages > 0 && s->stages[0].kind == VT__SAMPLER_TOP_K;
    vt_status st = first_is_top_k ? load_top_k(s, logits, n, s->stages[0].k) : load(s, logits, n);
    if (st != VT_OK) return st;
    for (int64_t i = first_is_top_k; i < s->n_stages; i++) apply(s, &s->stages[i]);
    return VT_OK;
}

/* ---- lifecycle ---- */

vt_status vt__sampler_create(vt_context *ctx, uint64_t seed, uint32_t sequence, vt_sampler **out) {
    vt_sampler *s = *out = vt__calloc(ctx, sizeof *s);
    if (!s) return vt__fail_nomem("sampler", sizeof *s);
    atomic_init(&s->refs, 1);
    s->ctx = vt__context_retain(ctx);
    s->seed = seed;
    s->sequence = sequence;
    return VT_OK;
}

vt_sampler *vt__sampler_retain(vt_sampler *s) {
    if (s) atomic_fetch_add(&s->refs, 1);
    return s;
}

void vt__sampler_release(vt_sampler *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vt_context *ctx = s->ctx;
    vt__free(ctx, s->stages);
    vt__free(ctx, s->set);
    vt__free(ctx, s);
    vt__context_release(ctx);
}

/* Comparisons are written so that NaN fails them. */
static vt_status check_stage(const vt__sampler_stage *stage) {
    switch (stage->kind) {
    case VT__SAMPLER_TEMPERATURE:
        if (!(stage->value >= 0 && stage->value <= DBL_MAX))
            return vt__fail(VT_ERR_INVALID, "sampler: temperature %g, need a finite number >= 0", stage->value);
        break;
    case VT__SAMPLER_TOP_K:
        if (stage->k < 1) return vt__fail(VT_ERR_INVALID, "sampler: top-k %lld, need >= 1", (long long)stage->k);
        break;
    case VT__SAMPLER_TOP_P:
        if (!(stage->value > 0 && stage->value <= 1)) return vt__fail(VT_ERR_INVALID, "sampler: top-p %g, need 0 < p <= 1", stage->value);
        break;
    default:
        if (!(stage->value >= 0 && stage->value <= 1)) return vt__fail(VT_ERR_INVALID, "sampler: min-p %g, need 0 <= p <= 1", stage->value);
        break;
    }
    return VT_OK;
}

vt_status vt__sampler_add(vt_sampler *s, const vt__sampler_stage *stage) {
    vt_status st = check_stage(stage);
    if (st != VT_OK) return st;
    void *stages = s->stages;
    if (vt__reserve(s->ctx, &stages, &s->cap_stages, s->n_stages + 1, sizeof *stage)) return vt__fail_nomem("sampler", sizeof *stage);
    s->stages = stages;
    s->stages[s->n_stages] = *stage;
    if (stage->min_keep < 1) s->stages[s->n_stages].min_keep = 1;
    s->n_stages++;
    return VT_OK;
}

void vt__sampler_reset(vt_sampler *s) { s->n_draws = 0; }

/* ---- use ---- */

static vt_status check_row(const float *logits, int64_t n) {
    if (n < 1 || n > INT32_MAX || !logits) return vt__fail(VT_ERR_INVALID, "sampler: n=%lld logits at %p", (long long)n, (const void *)logits);
    return VT_OK;
}

vt_status vt__sampler_sample(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id) {
    vt_status st = check_row(logits, n);
    if (st != VT_OK) return st;
    if (s->n_stages == 0) {
        st = vt__argmax(logits, n, out_id);
    } else if ((st = narrow(s, logits, n)) == VT_OK) {
        /* The distribution is walked best first: then top-k before or after the temperature draws the same token. */
        double u;
        float max = largest(s);
        vt__random_uniform(s->seed, s->sequence, s->n_draws, &u, 1);
        double target = u * exp_sum(s, max);
        /* The draw is the first token at which the running sum exceeds the target; u = 0 must not stop before the first. */
        int64_t kept = take_mass(s, nextafter(target, HUGE_VAL), 1, max);
        *out_id = s->set[kept - 1].id;
    }
    if (st == VT_OK) s->n_draws++;
    return st;
}

vt_status vt__sampler_next(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id) { return vt__sampler_sample(s, logits, n, out_id); }

vt_status vt__sampler_filter(vt_sampler *s, const float *logits, int64_t n, vt_buffer **out) {
    *out = NULL;
    vt_status st = check_row(logits, n);
    if (st != VT_OK) return st;
    if (s->n_stages == 0) {
        candidate best;
        st = vt__argmax(logits, n, &best.id);
        if (st != VT_OK) return st;
        best.logit = logits[best.id];
        return vt__buffer_copy(s->ctx, &best, sizeof best, out);
    }
    st = narrow(s, logits, n);
    if (st != VT_OK) return st;
    sort(s);
    return vt__buffer_copy(s->ctx, s->set, (size_t)s->n * sizeof *s->set, out);
}
