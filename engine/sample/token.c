/* A sampler's life, the way of a row through its chain, the draw. What a chain remembers (window, surprise, grammar) changes only when a token is
 * accepted, so that a draw can be taken back. */
#include "sample/token.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "grammar/matcher.h"
#include "sample/candidates.h"
#include "sample/stages.h"

struct vt_sampler {
    atomic_int refs;
    vt_context *ctx;
    uint64_t seed, n_draws;
    uint32_t sequence;
    int64_t min_keep; /* of stages to come */
    vt__stage *stages;
    int64_t n_stages, cap_stages;
    vt__candidates c;
    vt__history history;
    vt__matcher *matcher; /* NULL: no grammar */
    int32_t logprob_of; /* VT__LOGPROB_* */
    vt__candidate *tops; /* [max_tops] of the last draw; their values are log-probabilities then */
    int64_t n_tops, max_tops;
    vt__candidate drawn; /* its value is a log-probability; id -1: nothing */
    double mu; /* of mirostat */
    struct {
        int32_t id; /* -1: none */
        double surprise;
    } last; /* of a chain with mirostat */
};

/* ---- lifecycle ---- */

static const vt__stage *mirostat_of(const vt_sampler *s) {
    const vt__stage *last = s->n_stages > 0 ? &s->stages[s->n_stages - 1] : NULL;
    return last && last->p.kind == VT__SAMPLER_MIROSTAT ? last : NULL;
}

static void forget(vt_sampler *s) {
    const vt__stage *mirostat = mirostat_of(s);
    s->n_draws = 0;
    s->history.len = 0;
    s->mu = mirostat ? 2 * mirostat->p.value : 0;
    s->last.id = -1;
    s->drawn.id = -1;
    s->n_tops = 0;
}

vt_status vt__sampler_create(vt_context *ctx, uint64_t seed, uint32_t sequence, vt_sampler **out) {
    vt_sampler *s = *out = vt__calloc(ctx, sizeof *s);
    if (!s) return vt__fail_nomem("sampler", sizeof *s);
    atomic_init(&s->refs, 1);
    s->ctx = s->c.ctx = vt__context_retain(ctx);
    s->seed = seed;
    s->sequence = sequence;
    s->min_keep = 1;
    forget(s);
    return VT_OK;
}

vt_sampler *vt__sampler_retain(vt_sampler *s) {
    if (s) atomic_fetch_add(&s->refs, 1);
    return s;
}

void vt__sampler_release(vt_sampler *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vt_context *ctx = s->ctx;
    for (int64_t i = 0; i < s->n_stages; i++) vt__stage_free(ctx, &s->stages[i]);
    vt__candidates_free(&s->c);
    vt__matcher_free(s->matcher);
    vt__free(ctx, s->history.ids);
    vt__free(ctx, s->tops);
    vt__free(ctx, s->stages);
    vt__free(ctx, s);
    vt__context_release(ctx);
}

void vt__sampler_reset(vt_sampler *s) {
    forget(s);
    if (s->matcher && vt__matcher_reset(s->matcher) != VT_OK) return; /* the next draw says that nothing can follow */
}

/* ---- building the chain ---- */

vt_status vt__sampler_add(vt_sampler *s, const vt__sampler_stage *stage) {
    vt__stage made;
    vt__sampler_stage params = *stage;
    void *stages = s->stages;
    if (mirostat_of(s)) return vt__fail(VT_ERR_STATE, "sampler: mirostat is the last stage of a chain, nothing can follow it");
    if (params.min_keep < s->min_keep) params.min_keep = s->min_keep;
    vt_status st = vt__stage_init(s->ctx, &params, &made);
    if (st == VT_OK) st = vt__history_widen(s->ctx, &s->history, vt__stage_window(&made));
    if (st == VT_OK && vt__reserve(s->ctx, &stages, &s->cap_stages, s->n_stages + 1, sizeof made)) st = vt__fail_nomem("sampler", sizeof made);
    s->stages = stages;
    if (st != VT_OK) {
        vt__stage_free(s->ctx, &made);
        return st;
    }
    s->stages[s->n_stages++] = made;
    if (made.p.kind == VT__SAMPLER_MIROSTAT) s->mu = 2 * made.p.value;
    return VT_OK;
}

vt_status vt__sampler_set_min_keep(vt_sampler *s, int64_t n) {
    if (n < 1) return vt__fail(VT_ERR_INVALID, "sampler: min_keep %lld, need >= 1", (long long)n);
    s->min_keep = n;
    return VT_OK;
}

vt_status vt__sampler_add_grammar(vt_sampler *s, vt_tokenizer *tok, vt_grammar *grammar) {
    if (s->matcher) return vt__fail(VT_ERR_STATE, "sampler: the chain has a grammar, and one is all that it can have");
    return vt__matcher_create(grammar, tok, &s->matcher);
}

vt_status vt__sampler_keep_log_probabilities(vt_sampler *s, int32_t of, int64_t n_top) {
    vt__candidate *tops = NULL;
    if (of < VT__LOGPROB_OFF || of > VT__LOGPROB_CHAIN) return vt__fail(VT_ERR_INVALID, "sampler: log-probabilities of %d, need 0, 1 or 2", of);
    if (n_top < 0 || n_top > INT32_MAX) return vt__fail(VT_ERR_INVALID, "sampler: log-probabilities of the best %lld", (long long)n_top);
    if (n_top > 0 && !(tops = vt__calloc2(s->ctx, n_top, 1, sizeof *tops))) return vt__fail_nomem("sampler", (size_t)n_top * sizeof *tops);
    vt__free(s->ctx, s->tops);
    s->tops = tops;
    s->max_tops = n_top;
    s->n_tops = 0;
    s->logprob_of = of;
    s->drawn.id = -1;
    return VT_OK;
}

static vt_status copy_chain(const vt_sampler *s, vt_sampler *to) {
    vt_status st = VT_OK;
    for (int64_t i = 0; i < s->n_stages && st == VT_OK; i++) st = vt__sampler_add(to, &s->stages[i].p);
    if (st == VT_OK) st = vt__history_widen(s->ctx, &to->history, s->history.window);
    if (st == VT_OK && s->matcher) st = vt__matcher_copy(s->matcher, &to->matcher);
    if (st == VT_OK) st = vt__sampler_keep_log_probabilities(to, s->logprob_of, s->max_tops);
    return st;
}

vt_status vt__sampler_clone(const vt_sampler *s, vt_sampler **out) {
    vt_sampler *to;
    *out = NULL;
    vt_status st = vt__sampler_create(s->ctx, s->seed, s->sequence, &to);
    if (st != VT_OK) return st;
    st = copy_chain(s, to);
    if (st != VT_OK) {
        vt__sampler_release(to);
        return st;
    }
    if (s->history.len > 0) memcpy(to->history.ids, s->history.ids, (size_t)s->history.len * sizeof *s->history.ids);
    if (s->n_tops > 0) memcpy(to->tops, s->tops, (size_t)s->n_tops * sizeof *s->tops);
    to->history.len = s->history.len;
    to->n_draws = s->n_draws;
    to->min_keep = s->min_keep;
    to->n_tops = s->n_tops;
    to->drawn = s->drawn;
    to->mu = s->mu;
    to->last = s->last;
    *out = to;
    return VT_OK;
}

/* ---- a row's way ---- */

vt_status vt__argmax(const float *logits, int64_t n, int32_t *out_id) { return vt__row_best(logits, n, out_id); }

static vt_status check_row(const float *logits, int64_t n) {
    if (n < 1 || n > INT32_MAX || !logits) return vt__fail(VT_ERR_INVALID, "sampler: n=%lld logits at %p", (long long)n, (const void *)logits);
    return VT_OK;
}

/* Bars every token that the grammar cannot go on with. */
static vt_status apply_grammar(vt_sampler *s) {
    const uint64_t *mask;
    int64_t n_tokens;
    vt__candidates *c = &s->c;
    vt_status st = vt__matcher_mask(s->matcher, &mask, &n_tokens);
    if (st == VT_OK) st = vt__candidates_own(c);
    if (st != VT_OK) return st;
    for (int64_t i = 0; i < c->n; i += 64) {
        uint64_t word = i < n_tokens ? mask[i / 64] : 0;
        int64_t end = c->n - i < 64 ? c->n - i : 64;
        for (int64_t j = 0; j < end && word != UINT64_MAX; j++)
            if (!(word >> j & 1)) c->own[i + j] = -INFINITY;
    }
    return vt__candidates_changed(c, "those that the grammar allows have logits of minus infinity");
}

static vt_status narrow(vt_sampler *s, const float *logits, int64_t n) {
    vt__draw draw = {&s->history, s->mu, s->seed, s->sequence, s->n_draws, 0};
    vt_status st = vt__candidates_load(&s->c, logits, n);
    if (st == VT_OK && s->matcher) st = apply_grammar(s);
    for (int64_t i = 0; i < s->n_stages && st == VT_OK; i++) {
        draw.n_stage = (uint64_t)i;
        st = vt__stage_apply(&s->stages[i], &draw, &s->c);
    }
    return st;
}

/* ---- log-probabilities ---- */

/* The best of a row, or of a set, with the logarithm of their share of the whole. */
static void keep_tops(vt_sampler *s, const vt__candidates *c, double log_sum) {
    s->n_tops = 0;
    if (s->max_tops == 0) return;
    if (c->row) {
        s->n_tops = vt__row_top(c->row, c->n, s->max_tops < c->n ? s->max_tops : c->n, s->tops);
    } else {
        s->n_tops = s->max_tops < c->n ? s->max_tops : c->n;
        memcpy(s->tops, c->set, (size_t)s->n_tops * sizeof *s->tops);
    }
    for (int64_t i = 0; i < s->n_tops; i++) s->tops[i].logit = (float)((double)s->tops[i].logit - log_sum);
}

static double log_sum_of(const vt__candidates *c, float max) {
    double sums[2];
    vt__candidates_weights(c, max, sums);
    return (double)max + log(sums[0]);
}

/* ---- draws ---- */

/* The distribution is walked best first: then top-k before or after the temperature draws the same token. */
static void draw_token(vt_sampler *s, float max, double sum, vt__candidate *out) {
    double u;
    vt__random_uniform(s->seed, s->sequence, s->n_draws, &u, 1);
    /* The draw is the first token at which the running sum exceeds the target; u = 0 must not stop before the first. */
    vt__candidates_mass(&s->c, nextafter(u * sum, HUGE_VAL), 1, max);
    *out = s->c.set[s->c.n - 1];
}

static vt_status sample_chain(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id) {
    vt__candidate got;
    double sums[2], log_sum = 0;
    vt_status st = narrow(s, logits, n);
    if (st != VT_OK) return st;
    vt__candidates *c = &s->c;
    if (s->n_stages == 0 && s->logprob_of != VT__LOGPROB_CHAIN) return vt__row_best(c->row, n, out_id); /* greedy under a grammar */
    if (s->logprob_of == VT__LOGPROB_CHAIN && !c->row) vt__candidates_sort(c);
    float max = vt__candidates_largest(c);
    vt__candidates_weights(c, max, sums);
    if (s->logprob_of == VT__LOGPROB_CHAIN) keep_tops(s, c, log_sum = (double)max + log(sums[0]));
    if (s->n_stages > 0) draw_token(s, max, sums[0], &got);
    else vt__row_top(c->row, n, 1, &got);
    *out_id = got.id;
    s->drawn.logit = (float)((double)got.logit - log_sum);
    s->last.id = mirostat_of(s) ? got.id : -1;
    s->last.surprise = ((double)max + log(sums[0]) - (double)got.logit) / log(2.0);
    return VT_OK;
}

vt_status vt__sampler_sample(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id) {
    vt_status st = check_row(logits, n);
    if (st != VT_OK) return st;
    int is_greedy = s->n_stages == 0 && !s->matcher && s->logprob_of != VT__LOGPROB_CHAIN;
    st = is_greedy ? vt__row_best(logits, n, out_id) : sample_chain(s, logits, n, out_id);
    if (st != VT_OK) return st;
    if (s->logprob_of == VT__LOGPROB_ROW) {
        int32_t best = 0;
        vt__candidates whole = {.row = logits, .n = n};
        st = vt__row_best(logits, n, &best); /* it has passed before */
        double log_sum = log_sum_of(&whole, logits[best]);
        keep_tops(s, &whole, log_sum);
        s->drawn.logit = (float)((double)logits[*out_id] - log_sum);
    }
    s->drawn.id = s->logprob_of == VT__LOGPROB_OFF ? -1 : *out_id;
    s->n_draws++;
    return st;
}

vt_status vt__sampler_accept(vt_sampler *s, int32_t id) {
    if (id < 0) return vt__fail(VT_ERR_INVALID, "sampler: token %d, ids are not below 0", id);
    vt_status st = s->matcher ? vt__matcher_accept(s->matcher, id) : VT_OK;
    if (st != VT_OK) return st;
    const vt__stage *mirostat = mirostat_of(s);
    if (mirostat && s->last.id == id) s->mu -= mirostat->p.second * (s->last.surprise - mirostat->p.value);
    s->last.id = -1;
    vt__history_add(&s->history, id);
    return VT_OK;
}

vt_status vt__sampler_next(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id) {
    int32_t id = 0;
    vt_status st = vt__sampler_sample(s, logits, n, &id);
    if (st != VT_OK) return st;
    st = vt__sampler_accept(s, id);
    if (st != VT_OK) s->n_draws--;
    else *out_id = id;
    return st;
}

vt_status vt__sampler_observe(vt_sampler *s, const int32_t *ids, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0) return vt__fail(VT_ERR_INVALID, "sampler: token %d at %lld, ids are not below 0", ids[i], (long long)i);
    vt_status st = s->matcher ? vt__matcher_reset(s->matcher) : VT_OK;
    int64_t from = n > s->history.window ? n - s->history.window : 0;
    for (int64_t i = from; i < n && st == VT_OK; i++) vt__history_add(&s->history, ids[i]);
    return st;
}

/* ---- queries ---- */

vt_status vt__sampler_filter(vt_sampler *s, const float *logits, int64_t n, vt_buffer **out) {
    *out = NULL;
    vt_status st = check_row(logits, n);
    if (st == VT_OK) st = narrow(s, logits, n);
    if (st != VT_OK) return st;
    if (s->n_stages == 0) vt__candidates_top(&s->c, 1);
    vt__candidates_sort(&s->c);
    return vt__buffer_copy(s->ctx, s->c.set, (size_t)s->c.n * sizeof *s->c.set, out);
}

vt_status vt__sampler_log_probabilities(const vt_sampler *s, int32_t *ids, float *values, int64_t cap, int64_t *n) {
    if (s->logprob_of == VT__LOGPROB_OFF) return vt__fail(VT_ERR_STATE, "sampler: log-probabilities are not kept, ask for them before the draw");
    if (s->drawn.id < 0) return vt__fail(VT_ERR_STATE, "sampler: no token was drawn");
    if (cap < 1) return vt__fail(VT_ERR_INVALID, "sampler: room for %lld log-probabilities, need 1 or more", (long long)cap);
    *n = s->n_tops < cap ? s->n_tops + 1 : cap;
    for (int64_t i = 0; i < *n; i++) {
        const vt__candidate *c = i == 0 ? &s->drawn : &s->tops[i - 1];
        ids[i] = c->id;
        values[i] = c->logit;
    }
    return VT_OK;
}
