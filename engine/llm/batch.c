/* A step has three parts: everything that can fail for want of something is checked and taken for all sessions first; then rows of all of
 * them, decoded tokens and pieces of prompts side by side, go through the layers in passes of at most max_rows; then each session takes its
 * outcome, or is put back to where it was. Rows do not see each other, so companions and their order change no number. */
#include "llm/batch.h"

#include <stdio.h>
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

enum { DEFAULT_ROWS = 128, MAX_ROWS = 4096, MESSAGE = 160 };

typedef struct entry {
    vt_session *s;       /* held */
    vt_sampler *sampler; /* held; NULL: greedy */
    int64_t first_id, n_ids; /* in the batch's ids */
    int draw, logits;
    /* of a step */
    int64_t n_before;    /* tokens of the session before it */
    int64_t from, total; /* computes tokens from..total-1 */
    int64_t row;         /* of its logits; -1: none are computed */
    int32_t id;
    vt_status status;
    char message[MESSAGE]; /* of a failure */
} entry;

struct vt_batch {
    atomic_int refs;
    vt_context *ctx;
    vt_model *model;
    vt_cancel *cancel;
    int exact;
    int64_t max_rows;
    vt__workspace ws;
    vt__row *rows;   /* [max_rows] */
    int64_t *chosen; /* [max_rows] rows of a pass whose logits are wanted */
    entry *entries;  /* [n]; after a step its results, until the next add */
    int64_t n, cap;
    int stepped;
    int32_t *ids; /* [n_ids] what the entries append */
    int64_t n_ids, cap_ids;
    float *logits; /* [cap_logits, n_vocab] */
    int64_t cap_logits;
};

/* ---- lifecycle ---- */

static vt_status fill(vt_batch *b) {
    b->rows = vt__calloc2(b->ctx, b->max_rows, 1, sizeof *b->rows);
    b->chosen = vt__calloc2(b->ctx, b->max_rows, 1, sizeof *b->chosen);
    if (!b->rows || !b->chosen) return vt__fail_nomem("batch", (size_t)b->max_rows * sizeof *b->rows);
    return vt__workspace_init(&b->ws, b->ctx, &b->model->hp, b->max_rows);
}

vt_status vt__batch_create(vt_model *model, const vt__batch_params *p, vt_batch **out) {
    vt_status st = vt__model_need_text(model, "batch");
    *out = NULL;
    if (st != VT_OK) return st;
    if (p->max_rows < 0 || p->max_rows > MAX_ROWS)
        return vt__fail(VT_ERR_INVALID, "batch: max_rows=%lld, need 0 (%d) to %d", (long long)p->max_rows, (int)DEFAULT_ROWS, (int)MAX_ROWS);
    vt_batch *b = vt__calloc(model->ctx, sizeof *b);
    if (!b) return vt__fail_nomem("batch", sizeof *b);
    atomic_init(&b->refs, 1);
    b->ctx = vt__context_retain(model->ctx);
    b->model = vt__model_retain(model);
    b->cancel = vt__cancel_retain(p->cancel);
    b->exact = p->exact;
    b->max_rows = p->max_rows ? p->max_rows : DEFAULT_ROWS;
    st = fill(b);
    if (st != VT_OK) {
        vt__batch_release(b);
        return st;
    }
    *out = b;
    return VT_OK;
}

vt_batch *vt__batch_retain(vt_batch *b) {
    if (b) atomic_fetch_add(&b->refs, 1);
    return b;
}

void vt__batch_clear(vt_batch *b) {
    for (int64_t i = 0; i < b->n; i++) {
        vt__session_release(b->entries[i].s);
        vt__sampler_release(b->entries[i].sampler);
    }
    b->n = b->n_ids = 0;
    b->stepped = 0;
}

void vt__batch_release(vt_batch *b) {
    if (!b || atomic_fetch_sub(&b->refs, 1) != 1) return;
    vt_context *ctx = b->ctx;
    vt__batch_clear(b);
    vt__workspace_free(&b->ws);
    vt__cancel_release(b->cancel);
    vt__free(ctx, b->rows);
    vt__free(ctx, b->chosen);
    vt__free(ctx, b->entries);
    vt__free(ctx, b->ids);
    vt__free(ctx, b->logits);
    vt__model_release(b->model);
    vt__free(ctx, b);
    vt__context_release(ctx);
}

/* ---- entries ---- */

static vt_status check_entry(const vt_batch *b, const vt_session *s, const vt__batch_entry *e) {
    if (s->model != b->model) return vt__fail(VT_ERR_CONFLICT, "batch: the session belongs to another model");
    if (s->exact != b->exact)
        return vt__fail(VT_ERR_CONFLICT, "batch: the session is %s, the batch is %s", s->exact ? "exact" : "not exact", b->exact ? "exact" : "not");
    for (int64_t i = 0; i < b->n; i++) {
        if (b->entries[i].s == s) return vt__fail(VT_ERR_CONFLICT, "batch: the session is there already, as entry %lld", (long long)i);
        if (e->sampler && b->entries[i].sampler == e->sampler)
            return vt__fail(VT_ERR_CONFLICT, "batch: the sampler is that of entry %lld: each sequence needs its own", (long long)i);
    }
    if (b->n > 0 && vt__kv_dtype(s->kv) != vt__kv_dtype(b->entries[0].s->kv))
        return vt__fail(VT_ERR_CONFLICT, "batch: the session's cache has dtype %d, that of entry 0 has %d", vt__kv_dtype(s->kv),
                        vt__kv_dtype(b->entries[0].s->kv));
    if (e->n_ids < 0) return vt__fail(VT_ERR_INVALID, "batch: %lld ids", (long long)e->n_ids);
    if (e->n_ids == 0 && s->n_ids == 0) return vt__fail(VT_ERR_STATE, "batch: an empty session and nothing to append");
    return e->n_ids > 0 ? vt__session_check_ids(s, e->ids, e->n_ids) : VT_OK;
}

vt_status vt__batch_add(vt_batch *b, vt_session *s, const vt__batch_entry *e) {
    void *entries, *ids;
    if (b->stepped) vt__batch_clear(b);
    vt_status st = check_entry(b, s, e);
    if (st != VT_OK) return st;
    entries = b->entries;
    if (vt__reserve(b->ctx, &entries, &b->cap, b->n + 1, sizeof *b->entries)) return vt__fail_nomem("batch", sizeof *b->entries);
    b->entries = entries;
    ids = b->ids;
    if (vt__reserve(b->ctx, &ids, &b->cap_ids, b->n_ids + e->n_ids, sizeof *b->ids)) return vt__fail_nomem("batch", (size_t)e->n_ids * sizeof *b->ids);
    b->ids = ids;
    if (e->n_ids > 0) memcpy(b->ids + b->n_ids, e->ids, (size_t)e->n_ids * sizeof *b->ids);
    b->entries[b->n++] = (entry){
        .s = vt__session_retain(s),
        .sampler = vt__sampler_retain(e->sampler),
        .first_id = b->n_ids,
        .n_ids = e->n_ids,
        .draw = e->draw,
        .logits = e->logits,
        .id = -1,
        .row = -1,
    };
    b->n_ids += e->n_ids;
    return VT_OK;
}

int64_t vt__batch_count(const vt_batch *b) { return b->n; }

vt_status vt__batch_get(const vt_batch *b, int64_t i, vt__batch_result *out) {
    if (i < 0 || i >= b->n) return vt__fail(VT_ERR_INVALID, "batch: entry %lld of %lld", (long long)i, (long long)b->n);
    const entry *e = &b->entries[i];
    *out = (vt__batch_result){e->status, e->id, e->message};
    return VT_OK;
}

/* ---- a step: what it needs ---- */

static vt_status outcome(entry *e, vt_status st) {
    e->status = st;
    if (st != VT_OK) (void)snprintf(e->message, sizeof e->message, "%s", vt__error_message());
    return st;
}

/* What entry e computes; its session may have changed since it was added. */
static vt_status plan(entry *e, const int32_t *ids, int64_t *n_logits) {
    const vt_session *s = e->s;
    vt_status st = vt__cancel_poll(s->cancel, "batch");
    e->total = s->n_ids;
    e->from = s->n_done;
    e->id = -1;
    e->row = -1;
    if (st != VT_OK) {
        outcome(e, st);
        return VT_OK; /* it is left out */
    }
    if (e->n_ids > 0) st = vt__session_check_ids(s, ids + e->first_id, e->n_ids);
    if (st != VT_OK) return st;
    e->status = VT_OK;
    e->total += e->n_ids;
    if (e->draw && e->total >= s->n_ctx)
        return vt__fail(VT_ERR_LIMIT, "session: all %lld tokens of the context are used", (long long)s->n_ctx);
    if (e->total == 0) return vt__fail(VT_ERR_STATE, "session: empty, feed it first");
    if (!e->draw && !e->logits) return VT_OK;
    if (e->from == e->total && s->has_logits) return VT_OK;
    if (e->from == e->total) e->from--; /* computed before, but its logits are gone */
    e->row = (*n_logits)++;
    return VT_OK;
}

static vt_status reserve_logits(vt_batch *b, int64_t n) {
    if (n <= b->cap_logits) return VT_OK;
    float *logits = vt__alloc64_2(b->ctx, n, b->model->hp.n_vocab, sizeof *logits);
    if (!logits) return vt__fail(VT_ERR_NOMEM, "batch: no memory for the logits of %lld sessions", (long long)n);
    vt__free(b->ctx, b->logits);
    b->logits = logits;
    b->cap_logits = n;
    return VT_OK;
}

/* Everything that a step takes, for all; what was taken is given back by undo. */
static vt_status prepare(vt_batch *b) {
    int64_t n_logits = 0, longest = 1;
    vt_status st = VT_OK;
    for (int64_t i = 0; i < b->n; i++) b->entries[i].n_before = b->entries[i].s->n_ids;
    for (int64_t i = 0; i < b->n && st == VT_OK; i++) {
        entry *e = &b->entries[i];
        st = plan(e, b->ids, &n_logits);
        if (st == VT_OK && e->status == VT_OK) {
            st = vt__session_make_room(e->s, e->total + 1);
            if (st == VT_OK) st = vt__session_take_blocks(e->s, e->total);
            if (e->total > longest) longest = e->total;
        }
        if (st != VT_OK) {
            char within[48];
            (void)snprintf(within, sizeof within, "batch: entry %lld", (long long)i);
            return outcome(e, vt__fail_within(st, within));
        }
    }
    st = reserve_logits(b, n_logits);
    return st == VT_OK ? vt__workspace_reserve(&b->ws, &b->model->hp, longest) : st;
}

static void undo(entry *e) {
    e->s->n_ids = e->n_before;
    vt__session_give_blocks(e->s, e->s->n_done);
}

/* ---- a step: computing ---- */

/* Rows chosen[0..n-1] of the residual stream come first, in order: nothing else of a pass is needed after its last layer. */
static void keep_rows(vt_batch *b, int64_t n) {
    int64_t width = b->model->hp.n_embd;
    for (int64_t i = 0; i < n; i++)
        if (b->chosen[i] != i) memcpy(b->ws.x + i * width, b->ws.x + b->chosen[i] * width, (size_t)width * sizeof(float));
}

static vt_status run_pass(vt_batch *b, int64_t n_rows, int64_t n_chosen, int64_t first_logits) {
    vt__pass p = {
        .model = b->model, .ws = &b->ws, .kv = b->entries[0].s->kv, .rows = b->rows, .n_rows = n_rows, .exact = b->exact, .cancel = b->cancel};
    vt_status st = b->model->arch->forward(&p);
    if (st != VT_OK || n_chosen == 0) return st;
    keep_rows(b, n_chosen);
    b->model->arch->head(&p, 0, n_chosen, b->logits + first_logits * b->model->hp.n_vocab);
    return VT_OK;
}

static vt_status compute(vt_batch *b, int64_t *n_computed, int *is_decode) {
    int64_t n_rows = 0, n_chosen = 0, n_logits = 0;
    vt_status st = VT_OK;
    for (int64_t i = 0; i < b->n && st == VT_OK; i++) {
        entry *e = &b->entries[i];
        if (e->status != VT_OK) continue;
        if (e->total - e->from > 1) *is_decode = 0;
        for (int64_t pos = e->from; pos < e->total && st == VT_OK; pos++) {
            b->rows[n_rows++] = (vt__row){e->s->ids[pos], pos, e->s->blocks};
            if (pos == e->total - 1 && e->row >= 0) b->chosen[n_chosen++] = n_rows - 1;
            if (n_rows < b->max_rows) continue;
            st = run_pass(b, n_rows, n_chosen, n_logits);
            *n_computed += n_rows;
            n_logits += n_chosen;
            n_rows = n_chosen = 0;
        }
    }
    *n_computed += n_rows;
    return st == VT_OK && n_rows > 0 ? run_pass(b, n_rows, n_chosen, n_logits) : st;
}

/* ---- a step: outcomes ---- */

static vt_status draw(vt_batch *b, entry *e) {
    int64_t n_vocab = b->model->hp.n_vocab, begin = vt__profile_begin(b->ctx);
    const float *logits = e->row >= 0 ? b->logits + e->row * n_vocab : e->s->logits;
    vt_status st = e->sampler ? vt__sampler_next(e->sampler, logits, n_vocab, &e->id) : vt__argmax(logits, n_vocab, &e->id);
    vt__profile_end(b->ctx, VT_STAGE_SAMPLE, begin, 1);
    if (st != VT_OK) e->id = -1;
    return st;
}

static void settle(vt_batch *b, entry *e) {
    vt_session *s = e->s;
    int64_t n_vocab = b->model->hp.n_vocab;
    vt_status st = vt__cancel_poll(s->cancel, "batch");
    if (st == VT_OK && e->draw) st = draw(b, e);
    if (outcome(e, st) != VT_OK) {
        undo(e);
        return;
    }
    if (e->from < e->total) s->has_logits = 0;
    s->n_done = e->total;
    if (e->logits && e->row >= 0) {
        memcpy(s->logits, b->logits + e->row * n_vocab, (size_t)n_vocab * sizeof *s->logits);
        s->has_logits = 1;
    }
    if (e->draw) s->ids[s->n_ids++] = e->id;
}

vt_status vt__batch_step(vt_batch *b) {
    int64_t n_computed = 0, begin = vt__profile_begin(b->ctx);
    int is_decode = 1;
    if (b->n == 0 || b->stepped) return vt__fail(VT_ERR_STATE, "batch: nothing was added since the last step");
    vt_status st = prepare(b);
    for (int64_t i = 0; i < b->n && st == VT_OK; i++) {
        entry *e = &b->entries[i];
        if (e->status != VT_OK) continue;
        if (e->n_ids > 0) memcpy(e->s->ids + e->n_before, b->ids + e->first_id, (size_t)e->n_ids * sizeof *b->ids);
        e->s->n_ids = e->total;
    }
    if (st == VT_OK) st = compute(b, &n_computed, &is_decode);
    vt__profile_end(b->ctx, is_decode ? VT_STAGE_DECODE : VT_STAGE_PREFILL, begin, n_computed);
    for (int64_t i = 0; i < b->n; i++) {
        entry *e = &b->entries[i];
        if (st != VT_OK) undo(e), outcome(e, st);
        else if (e->status == VT_OK) settle(b, e);
    }
    if (st == VT_OK) b->stepped = 1;
    return st;
}
