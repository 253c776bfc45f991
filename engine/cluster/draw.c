#include "cluster/draw.h"

#include "core/error.h"
#include "core/memory.h"

static const uint64_t STEP = 0x9e3779b97f4a7c15u;

uint64_t vt__draw_word(vt__draws *draws) {
    uint64_t z = draws->state += STEP;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void vt__draw_back(vt__draws *draws, uint64_t n) { draws->state -= n * STEP; }

/* (word * n) >> 64 in 32-bit halves; n < 2^32, like every count of objects. */
int64_t vt__draw_below(vt__draws *draws, int64_t n) {
    uint64_t word = vt__draw_word(draws), m = (uint64_t)n;
    uint64_t low = (word & 0xffffffffu) * m, high = (word >> 32) * m;
    return (int64_t)((high + (low >> 32)) >> 32);
}

double vt__draw_unit(vt__draws *draws) { return (double)(vt__draw_word(draws) >> 11) * 0x1p-53; }

void vt__draw_select(vt__draws *draws, int64_t *items, int64_t n, int64_t k) {
    for (int64_t i = 0; i < k; i++) {
        int64_t j = i + vt__draw_below(draws, n - i), item = items[i];
        items[i] = items[j];
        items[j] = item;
    }
}

vt_status vt__draw_order(vt__draws *draws, vt_context *ctx, int64_t n, int64_t **order) {
    *order = vt__calloc2(ctx, n, 1, sizeof **order);
    if (!*order) return vt__fail_nomem("cluster", (size_t)n * sizeof **order);
    for (int64_t i = 0; i < n; i++) (*order)[i] = i;
    vt__draw_select(draws, *order, n, n);
    return VT_OK;
}
