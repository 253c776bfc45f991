#include "core/profile.h"

#include <string.h>

#include "core/clock.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

static const char *const names[VT_STAGE_COUNT] = {
    [VT_STAGE_LOAD] = "load", [VT_STAGE_TOKENIZE] = "tokenize", [VT_STAGE_PREFILL] = "prefill", [VT_STAGE_DECODE] = "decode", [VT_STAGE_SAMPLE] = "sample",
};

const char *vt__profile_stage_name(int32_t stage) { return names[stage]; }

void vt__profile_init(vt__profile *p) {
    memset(p, 0, sizeof *p);
    atomic_init(&p->on, 0);
    vt__lock_init(&p->lock);
}

void vt__profile_free(vt_context *ctx, vt__profile *p) {
    vt__free(ctx, p->spans);
    vt__lock_destroy(&p->lock);
}

/* The new array is made and the old one freed outside the lock, which nobody then waits for. */
vt_status vt__profile_start(vt_context *ctx, int64_t max_spans) {
    vt__profile *p = vt__context_profile(ctx);
    vt__profile_span *spans = NULL;
    if (max_spans < 0) return vt__fail(VT_ERR_INVALID, "profile: max_spans=%lld, need 0 or more", (long long)max_spans);
    if (max_spans > 0) spans = vt__calloc2(ctx, max_spans, 1, sizeof *spans);
    if (max_spans > 0 && !spans) return vt__fail(VT_ERR_NOMEM, "profile: no memory for %lld spans", (long long)max_spans);

    vt__lock_take(&p->lock);
    vt__profile_span *old = p->spans;
    p->spans = spans;
    p->cap = max_spans;
    p->n_spans = 0;
    memset(p->stages, 0, sizeof p->stages);
    p->start = vt__clock_ns();
    vt__lock_give(&p->lock);
    atomic_store(&p->on, 1);
    vt__free(ctx, old);
    return VT_OK;
}

void vt__profile_stop(vt_context *ctx) { atomic_store(&vt__context_profile(ctx)->on, 0); }

vt__stage_total vt__profile_total(const vt_context *ctx, int32_t stage) {
    vt__profile *p = vt__context_profile(ctx);
    vt__lock_take(&p->lock);
    vt__stage_total total = p->stages[stage];
    vt__lock_give(&p->lock);
    return total;
}

/* Of those met: the kept ones. */
static int64_t n_kept(const vt__profile *p) { return p->n_spans < p->cap ? p->n_spans : p->cap; }

int64_t vt__profile_span_count(const vt_context *ctx) {
    vt__profile *p = vt__context_profile(ctx);
    vt__lock_take(&p->lock);
    int64_t n = n_kept(p);
    vt__lock_give(&p->lock);
    return n;
}

int64_t vt__profile_span_lost(const vt_context *ctx) {
    vt__profile *p = vt__context_profile(ctx);
    vt__lock_take(&p->lock);
    int64_t n = p->n_spans - n_kept(p);
    vt__lock_give(&p->lock);
    return n;
}

vt_status vt__profile_span_at(const vt_context *ctx, int64_t i, vt__profile_span *out) {
    vt__profile *p = vt__context_profile(ctx);
    vt__lock_take(&p->lock);
    int64_t n = n_kept(p);
    if (i >= 0 && i < n) *out = p->spans[i];
    vt__lock_give(&p->lock);
    return i >= 0 && i < n ? VT_OK : vt__fail(VT_ERR_INVALID, "profile: span %lld of %lld", (long long)i, (long long)n);
}

int64_t vt__profile_begin(const vt_context *ctx) {
    return atomic_load_explicit(&vt__context_profile(ctx)->on, memory_order_relaxed) ? vt__clock_ns() : 0;
}

/* A span that began in an earlier profile is none of this one. */
void vt__profile_end(vt_context *ctx, int32_t stage, int64_t begin, int64_t n_tokens) {
    vt__profile *p = vt__context_profile(ctx);
    if (!begin) return;
    int64_t duration = vt__clock_ns() - begin;
    vt__lock_take(&p->lock);
    if (begin >= p->start) {
        vt__stage_total *total = &p->stages[stage];
        total->count++;
        total->n_tokens += n_tokens;
        total->duration += duration;
        if (p->n_spans < p->cap) p->spans[p->n_spans] = (vt__profile_span){begin - p->start, duration, n_tokens, stage};
        if (p->cap > 0) p->n_spans++;
    }
    vt__lock_give(&p->lock);
}
