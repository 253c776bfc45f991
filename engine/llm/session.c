/* Tokens are computed in chunks of rows. A token drawn by vt__session_next is only appended: it waits, at most one, until a call needs
 * what follows it. Every change is made good or undone: a failing call leaves the tokens and blocks as they were. */
#include "llm/session.h"

#include <math.h>
#include <string.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/profile.h"
#include "kv/cache.h"
#include "llm/model.h"
#include "llm/model_internal.h"
#include "llm/session_internal.h"
#include "sample/token.h"

enum { FIRST_ROOM = 1 << 15 };

/* What becomes of the logits of positions from `from` on; those of the last position always become the session's. */
typedef struct wanted {
    int64_t from;
    float *all;     /* [total - from, n_vocab], or NULL */
    double *scores; /* log-probability of token t + 1 at [t - from], or NULL */
} wanted;

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- lifecycle ---- */

static vt_status check_params(const vt_model *model, const vt__session_params *p, int64_t n_ctx) {
    vt_status st = vt__model_need_text(model, "session");
    if (st != VT_OK) return st;
    if (p->n_ctx < 0) return vt__fail(VT_ERR_INVALID, "session: n_ctx=%lld, need 0 (the model's) or more", (long long)p->n_ctx);
    if (n_ctx > model->hp.n_ctx)
        return vt__fail(VT_ERR_LIMIT, "session: n_ctx=%lld, the model was trained for %lld", (long long)n_ctx, (long long)model->hp.n_ctx);
    if (p->kv && vt__kv_owner(p->kv) != model) return vt__fail(VT_ERR_CONFLICT, "session: the pool of cache blocks belongs to another model");
    if (p->kv && p->exact && vt__kv_dtype(p->kv) != VT_DTYPE_F32)
        return vt__fail(VT_ERR_INVALID, "session: an exact session needs a pool of float32 blocks");
    return VT_OK;
}

static int64_t blocks_for(int64_t n_tokens) { return (n_tokens + VT__KV_BLOCK_TOKENS - 1) / VT__KV_BLOCK_TOKENS; }

vt_status vt__session_make_room(vt_session *s, int64_t n_tokens) {
    void *ids = s->ids, *blocks = s->blocks;
    if (vt__reserve(s->ctx, &ids, &s->cap_ids, n_tokens, sizeof *s->ids)) return vt__fail_nomem("session", (size_t)n_tokens * sizeof *s->ids);
    s->ids = ids;
    if (vt__reserve(s->ctx, &blocks, &s->cap_blocks, blocks_for(n_tokens), sizeof *s->blocks)) return vt__fail_nomem("session", 0);
    s->blocks = blocks;
    return VT_OK;
}

static vt_status fill(vt_session *s, const vt__session_params *p) {
    const vt__hparams *hp = &s->model->hp;
    vt_status st = VT_OK;
    s->kv = vt__kv_retain(p->kv);
    if (!s->kv) st = vt__model_create_kv(s->model, s->n_ctx, p->exact ? VT_DTYPE_F32 : VT_DTYPE_F16, &s->kv);
    if (st != VT_OK) return st;
    s->logits = vt__alloc64_2(s->ctx, hp->n_vocab, 1, sizeof *s->logits);
    if (!s->logits) return vt__fail_nomem("session", (size_t)hp->n_vocab * sizeof *s->logits);
    return vt__session_make_room(s, min_of(s->n_ctx, FIRST_ROOM));
}

vt_status vt__session_create(vt_model *model, const vt__session_params *params, vt_session **out) {
    int64_t n_ctx = params->n_ctx ? params->n_ctx : model->hp.n_ctx;
    *out = NULL;
    vt_status st = check_params(model, params, n_ctx);
    if (st != VT_OK) return st;
    vt_session *s = vt__calloc(model->ctx, sizeof *s);
    if (!s) return vt__fail_nomem("session", sizeof *s);
    atomic_init(&s->refs, 1);
    s->ctx = vt__context_retain(model->ctx);
    s->model = vt__model_retain(model);
    s->cancel = vt__cancel_retain(params->cancel);
    s->exact = params->exact;
    s->n_ctx = n_ctx;
    st = fill(s, params);
    if (st != VT_OK) {
        vt__session_release(s);
        return st;
    }
    *out = s;
    return VT_OK;
}

vt_session *vt__session_retain(vt_session *s) {
    if (s) atomic_fetch_add(&s->refs, 1);
    return s;
}

void vt__session_give_blocks(vt_session *s, int64_t n_tokens) {
    while (s->n_blocks > blocks_for(n_tokens)) vt__kv_give_block(s->kv, s->blocks[--s->n_blocks]);
}

void vt__session_release(vt_session *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vt_context *ctx = s->ctx;
    vt__session_give_blocks(s, 0);
    vt__kv_release(s->kv);
    vt__cancel_release(s->cancel);
    vt__workspace_free(&s->ws);
    vt__free(ctx, s->ids);
    vt__free(ctx, s->blocks);
    vt__free(ctx, s->logits);
    vt__scorer_free(&s->scorer);
    vt__model_release(s->model);
    vt__free(ctx, s);
    vt__context_release(ctx);
}

/* ---- computing ---- */

vt_status vt__session_take_blocks(vt_session *s, int64_t n_tokens) {
    vt_status st = VT_OK;
    while (s->n_blocks < blocks_for(n_tokens) && st == VT_OK) {
        st = vt__kv_take_block(s->kv, &s->blocks[s->n_blocks]);
        if (st == VT_OK) s->n_blocks++;
    }
    return st;
}

static vt_status make_workspace(vt_session *s) {
    const vt__hparams *hp = &s->model->hp;
    vt_status st = vt__workspace_init(&s->ws, s->ctx, hp, min_of(s->n_ctx, VT__SESSION_ROWS));
    if (st == VT_OK) st = vt__workspace_reserve(&s->ws, hp, min_of(s->n_ctx, FIRST_ROOM));
    if (st == VT_OK) return VT_OK;
    vt__workspace_free(&s->ws);
    s->ws = (vt__workspace){0};
    return st;
}

/* Memory for a sequence of n_tokens: all that the passes need is there before the first of them. The workspace comes with the first: a
 * session that is only stepped in batches needs none. */
static vt_status reserve(vt_session *s, int64_t n_tokens) {
    vt_status st = vt__session_take_blocks(s, n_tokens);
    if (st == VT_OK && !s->ws.ctx) st = make_workspace(s);
    return st == VT_OK ? vt__workspace_reserve(&s->ws, &s->model->hp, n_tokens) : st;
}

/* Scores of the rows of a pass that have a token after them; the logits of the last position of all go to the session. */
static void emit_scores(vt_session *s, vt__pass *p, int64_t pos, int64_t total, const wanted *w) {
    int64_t first = max_of(pos, w->from), end = min_of(pos + p->n_rows, total - 1);
    const vt__matrix *output;
    vt__activations in;
    float cap;
    if (first < end) {
        s->model->arch->output(p, first - pos, end - first, &in, &output, &cap);
        vt__scorer_run(&s->scorer, &in, output, cap, s->ids + first + 1, w->scores + (first - w->from));
    }
    if (pos + p->n_rows == total) s->model->arch->head(p, p->n_rows - 1, 1, s->logits);
}

static void emit(vt_session *s, vt__pass *p, int64_t pos, int64_t total, const wanted *w) {
    const vt__arch *arch = s->model->arch;
    int64_t n_vocab = s->model->hp.n_vocab, end = pos + p->n_rows;
    if (w->scores) {
        emit_scores(s, p, pos, total, w);
    } else if (w->all) {
        int64_t t = max_of(pos, w->from);
        if (t < end) arch->head(p, t - pos, end - t, w->all + (t - w->from) * n_vocab);
        if (end == total) memcpy(s->logits, w->all + (total - 1 - w->from) * n_vocab, (size_t)n_vocab * sizeof *s->logits);
    } else if (end == total) {
        arch->head(p, p->n_rows - 1, 1, s->logits);
    }
}

/* Computes tokens from..total-1, which stand in s->ids. */
static vt_status compute(vt_session *s, int64_t from, int64_t total, const wanted *w) {
    for (int64_t pos = from, n; pos < total; pos += n) {
        n = min_of(s->ws.max_rows, total - pos);
        for (int64_t i = 0; i < n; i++) s->rows[i] = (vt__row){s->ids[pos + i], pos + i, s->blocks};
        vt__pass p = {s->model, &s->ws, s->kv, s->rows, n, s->exact, s->cancel};
        vt_status st = s->model->arch->forward(&p);
        if (st != VT_OK) return st;
        emit(s, &p, pos, total, w);
    }
    return VT_OK;
}

/* Brings the cache and the logits up to all of s->ids; on failure the cache is as before and there are no logits. */
static vt_status advance(vt_session *s, int64_t from, const wanted *w) {
    int64_t n_done = s->n_done, begin = vt__profile_begin(s->ctx);
    s->has_logits = 0;
    vt_status st = reserve(s, s->n_ids);
    if (st == VT_OK) st = compute(s, from, s->n_ids, w);
    vt__profile_end(s->ctx, s->n_ids - from > 1 ? VT_STAGE_PREFILL : VT_STAGE_DECODE, begin, s->n_ids - from);
    if (st != VT_OK) {
        vt__session_give_blocks(s, n_done);
        return st;
    }
    s->n_done = s->n_ids;
    s->has_logits = 1;
    return VT_OK;
}

/* Logits after the last token: those that stand, or those of the waiting token, or of the last one once more (after a trim). */
static vt_status need_logits(vt_session *s) {
    if (s->has_logits && s->n_done == s->n_ids) return VT_OK;
    if (s->n_ids == 0) return vt__fail(VT_ERR_STATE, "session: empty, feed it first");
    return advance(s, min_of(s->n_done, s->n_ids - 1), &(wanted){.from = s->n_ids});
}

vt_status vt__session_check_ids(const vt_session *s, const int32_t *ids, int64_t n) {
    if (n < 1) return vt__fail(VT_ERR_INVALID, "session: %lld ids, need at least 1", (long long)n);
    if (n > s->n_ctx - s->n_ids)
        return vt__fail(VT_ERR_LIMIT, "session: %lld tokens after the %lld there are, the context holds %lld", (long long)n,
                        (long long)s->n_ids, (long long)s->n_ctx);
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= s->model->hp.n_vocab)
            return vt__fail(VT_ERR_INVALID, "session: id %d at %lld, the vocabulary has %lld", ids[i], (long long)i,
                            (long long)s->model->hp.n_vocab);
    return VT_OK;
}

static vt_status append(vt_session *s, const int32_t *ids, int64_t n, const wanted *w) {
    int64_t old = s->n_ids;
    /* Tokens of the session itself may be fed to it again: they move when room is made. */
    uintptr_t own = (uintptr_t)ids - (uintptr_t)s->ids;
    vt_status st = vt__session_make_room(s, old + n);
    if (st != VT_OK) return st;
    if (own < (size_t)old * sizeof *ids) ids = s->ids + own / sizeof *ids;
    memcpy(s->ids + old, ids, (size_t)n * sizeof *ids);
    s->n_ids = old + n;
    st = advance(s, s->n_done, w);
    if (st != VT_OK) s->n_ids = old;
    return st;
}

/* ---- calls ---- */

vt_status vt__session_feed(vt_session *s, const int32_t *ids, int64_t n) {
    vt_status st = vt__session_check_ids(s, ids, n);
    return st == VT_OK ? append(s, ids, n, &(wanted){.from = s->n_ids}) : st;
}

vt_status vt__session_feed_logits(vt_session *s, const int32_t *ids, int64_t n, float *out) {
    vt_status st = vt__session_check_ids(s, ids, n);
    return st == VT_OK ? append(s, ids, n, &(wanted){.from = s->n_ids, .all = out}) : st;
}

vt_status vt__session_score(vt_session *s, const int32_t *ids, int64_t n, double *out) {
    int64_t n_vocab = s->model->hp.n_vocab;
    vt_status st = vt__session_check_ids(s, ids, n);
    if (st != VT_OK) return st;
    if (!s->scorer.ctx) st = vt__scorer_init(&s->scorer, s->ctx, n_vocab, VT__SESSION_ROWS);
    if (st != VT_OK) return st;
    double first = (double)NAN;
    if (s->n_ids > 0) {
        st = need_logits(s);
        if (st != VT_OK) return st;
        first = vt__log_probability(s->logits, n_vocab, ids[0]);
    }
    /* The row at position t scores token t + 1, which is id t + 1 - n_ids: out is shifted by one. */
    st = append(s, ids, n, &(wanted){.from = s->n_ids, .scores = out + 1});
    if (st == VT_OK) out[0] = first;
    return st;
}

vt_status vt__session_logits(vt_session *s, const float **out) {
    int waiting = s->n_done < s->n_ids;
    if (!waiting && !s->has_logits)
        return vt__fail(VT_ERR_STATE, "session: no logits after %lld tokens, feed one first", (long long)s->n_ids);
    vt_status st = need_logits(s);
    if (st == VT_OK) *out = s->logits;
    return st;
}

vt_status vt__session_trim(vt_session *s, int64_t n) {
    if (n < 0 || n > s->n_ids) return vt__fail(VT_ERR_INVALID, "session: trim to %lld of %lld tokens", (long long)n, (long long)s->n_ids);
    s->n_ids = n;
    s->n_done = min_of(s->n_done, n);
    s->has_logits = 0;
    vt__session_give_blocks(s, s->n_done);
    return VT_OK;
}

vt_status vt__session_next(vt_session *s, vt_sampler *sampler, int32_t *out_id) {
    int64_t n_vocab = s->model->hp.n_vocab;
    int32_t id;
    if (s->n_ids > 0 && s->n_ids >= s->n_ctx)
        return vt__fail(VT_ERR_LIMIT, "session: all %lld tokens of the context are used", (long long)s->n_ctx);
    vt_status st = need_logits(s);
    if (st == VT_OK) st = vt__session_make_room(s, s->n_ids + 1);
    if (st != VT_OK) return st;
    int64_t begin = vt__profile_begin(s->ctx);
    st = sampler ? vt__sampler_next(sampler, s->logits, n_vocab, &id) : vt__argmax(s->logits, n_vocab, &id);
    vt__profile_end(s->ctx, VT_STAGE_SAMPLE, begin, 1);
    if (st != VT_OK) return st;
    s->ids[s->n_ids++] = *out_id = id;
    return VT_OK;
}

int64_t vt__session_count(const vt_session *s) { return s->n_ids; }
const int32_t *vt__session_tokens(const vt_session *s) { return s->ids; }
int64_t vt__session_n_ctx(const vt_session *s) { return s->n_ctx; }
vt_model *vt__session_model(const vt_session *s) { return s->model; }
