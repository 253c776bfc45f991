#include "core/profile.h"

#include "core/clock.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

static const char *const names[VT_STAGE_COUNT] = {
    [VT_STAGE_LOAD] = "load", [VT_STAGE_TOKENIZE] = "tokenize", [VT_STAGE_PREFILL] = "prefill", [VT_STAGE_DECODE] = "decode", [VT_STAGE_SAMPLE] = "sample",
};

const char *vt__profile_stage_name(int32_t stage) { return names[stage]; }

static void clear(vt__profile *p) {
    for (int i = 0; i < VT_STAGE_COUNT; i++) {
        atomic_init(&p->stages[i].count, 0);
        atomic_init(&p->stages[i].n_tokens, 0);
        atomic_init(&p->stages[i].duration, 0);
    }
    atomic_init(&p->n_spans, 0);
}

void vt__profile_init(vt__profile *p) {
    atomic_init(&p->on, 0);
    p->start = 0;
    p->spans = NULL;
    p->cap = 0;
    clear(p);
}

void vt__profile_free(vt_context *ctx, vt__profile *p) { vt__free(ctx, p->spans); }

vt_status vt__profile_start(vt_context *ctx, int64_t max_spans) {
    vt__profile *p = vt__context_profile(ctx);
    if (max_spans < 0) return vt__fail(VT_ERR_INVALID, "profile: max_spans=%lld, need 0 or more", (long long)max_spans);
    if (max_spans > p->cap || max_spans == 0) {
        vt__profile_span *spans = max_spans ? vt__calloc2(ctx, max_spans, 1, sizeof *spans) : NULL;
        if (max_spans && !spans) return vt__fail(VT_ERR_NOMEM, "profile: no memory for %lld spans", (long long)max_spans);
        vt__free(ctx, p->spans);
        p->spans = spans;
    }
    p->cap = max_spans;
    clear(p);
    p->start = vt__clock_ns();
    atomic_store(&p->on, 1);
    return VT_OK;
}

void vt__profile_stop(vt_context *ctx) { atomic_store(&vt__context_profile(ctx)->on, 0); }

vt__stage_total vt__profile_total(const vt_context *ctx, int32_t stage) {
    vt__profile *p = vt__context_profile(ctx);
    return (vt__stage_total){p->stages[stage].count, p->stages[stage].n_tokens, p->stages[stage].duration};
}

int64_t vt__profile_span_count(const vt_context *ctx) {
    vt__profile *p = vt__context_profile(ctx);
    int64_t met = atomic_load(&p->n_spans);
    return met < p->cap ? met : p->cap;
}

int64_t vt__profile_span_lost(const vt_context *ctx) { return atomic_load(&vt__context_profile(ctx)->n_spans) - vt__profile_span_count(ctx); }

const vt__profile_span *vt__profile_span_at(const vt_context *ctx, int64_t i) { return &vt__context_profile(ctx)->spans[i]; }

int64_t vt__profile_begin(const vt_context *ctx) {
    return atomic_load_explicit(&vt__context_profile(ctx)->on, memory_order_relaxed) ? vt__clock_ns() : 0;
}

void vt__profile_end(vt_context *ctx, int32_t stage, int64_t begin, int64_t n_tokens) {
    vt__profile *p = vt__context_profile(ctx);
    if (!begin) return;
    int64_t duration = vt__clock_ns() - begin;
    atomic_fetch_add(&p->stages[stage].count, 1);
    atomic_fetch_add(&p->stages[stage].n_tokens, n_tokens);
    atomic_fetch_add(&p->stages[stage].duration, duration);
    if (p->cap == 0) return;
    int64_t i = atomic_fetch_add(&p->n_spans, 1);
    if (i < p->cap) p->spans[i] = (vt__profile_span){begin - p->start, duration, n_tokens, stage};
}
