#include "plan/arena.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"

static int is_larger(const void *user, int64_t a, int64_t b) {
    const struct vt__span *spans = user;
    return spans[a].size != spans[b].size ? spans[a].size > spans[b].size : a < b;
}

static int meet(const struct vt__span *a, const struct vt__span *b) { return a->first <= b->last && b->first <= a->last; }

/* Lowest offset for piece k beside those in placed [n], which are in the order of their offsets. Answers 1 on overflow. */
static int find_gap(const struct vt__span *spans, const size_t *offsets, const int64_t *placed, int64_t n, int64_t k, size_t *at) {
    *at = 0;
    for (int64_t i = 0; i < n; i++) {
        const struct vt__span *other = &spans[placed[i]];
        if (!meet(other, &spans[k])) continue;
        if (offsets[placed[i]] >= *at && offsets[placed[i]] - *at >= spans[k].size) break;
        if (offsets[placed[i]] + other->size > *at) *at = offsets[placed[i]] + other->size;
    }
    size_t end;
    return __builtin_add_overflow(*at, spans[k].size, &end) || end > INT64_MAX;
}

static void insert(int64_t *placed, int64_t n, int64_t k, const size_t *offsets) {
    int64_t i = n;
    for (; i > 0 && offsets[placed[i - 1]] > offsets[k]; i--) placed[i] = placed[i - 1];
    placed[i] = k;
}

vt_status vt__arena_place(vt_context *ctx, const struct vt__span *spans, int64_t n, enum vt__span_order order, size_t *offsets, size_t *size) {
    int64_t *sequence = vt__calloc2(ctx, n, 2, sizeof *sequence), *placed = sequence + n, n_placed = 0;
    *size = 0;
    if (!sequence) return vt__fail_nomem("plan", (size_t)n * 2 * sizeof *sequence);
    vt_status st = VT_OK;
    for (int64_t i = 0; i < n; i++) sequence[i] = i;
    if (order == VT__SPANS_BY_SIZE && vt__sort(ctx, sequence, n, is_larger, (void *)(uintptr_t)spans)) st = vt__fail_nomem("plan", 0);
    for (int64_t i = 0; st == VT_OK && i < n; i++) {
        int64_t k = sequence[i];
        offsets[k] = 0;
        if (spans[k].size == 0) continue;
        if (find_gap(spans, offsets, placed, n_placed, k, &offsets[k])) st = vt__fail(VT_ERR_LIMIT, "plan: more bytes than an address can say");
        if (st == VT_OK && offsets[k] + spans[k].size > *size) *size = offsets[k] + spans[k].size;
        insert(placed, n_placed++, k, offsets);
    }
    vt__free(ctx, sequence);
    return st;
}

/* Only where a piece begins can there be more than before. */
static size_t most_alive(const struct vt__span *spans, int64_t n) {
    size_t most = 0;
    for (int64_t i = 0; i < n; i++) {
        size_t sum = 0;
        for (int64_t k = 0; k < n; k++)
            if (spans[k].first <= spans[i].first && spans[k].last >= spans[i].first) sum += spans[k].size;
        if (sum > most) most = sum;
    }
    return most;
}

vt_status vt__arena_plan(vt_context *ctx, const struct vt__span *spans, int64_t n, size_t *offsets, size_t *size, size_t *least) {
    size_t *other = vt__calloc2(ctx, n, 1, sizeof *other), other_size;
    if (!other) return vt__fail_nomem("plan", (size_t)n * sizeof *other);
    vt_status st = vt__arena_place(ctx, spans, n, VT__SPANS_BY_NUMBER, offsets, size);
    if (st == VT_OK) st = vt__arena_place(ctx, spans, n, VT__SPANS_BY_SIZE, other, &other_size);
    if (st == VT_OK && other_size < *size) {
        memcpy(offsets, other, (size_t)n * sizeof *other);
        *size = other_size;
    }
    if (st == VT_OK) *least = most_alive(spans, n);
    vt__free(ctx, other);
    return st;
}

vt_status vt__arena_solve(vt_context *ctx, const struct vt__span *spans, int64_t n, int32_t order, size_t *offsets, size_t *size, size_t *least) {
    vt_status st = order > VT__SPANS_BY_SIZE ? vt__arena_plan(ctx, spans, n, offsets, size, least) : vt__arena_place(ctx, spans, n, (enum vt__span_order)order, offsets, size);
    if (st == VT_OK) *least = most_alive(spans, n);
    return st;
}
