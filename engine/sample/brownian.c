#include "sample/brownian.h"

#include <math.h>

#include "core/rng.h"

/* The path is fixed at the ends of [-16, 16] by one normal number and at the middle of each half by another (Levy's construction). Its value anywhere is a weighted sum
 * of the numbers on the way down; a number's place in the tree is its stream. */
enum { DEPTH = 16, MOST = 2 * (DEPTH + 2) };
#define REACH 16.0
#define STREAMS 0x80000000u

struct weights {
    uint32_t node[MOST];
    double weight[MOST];
    int32_t n;
};

static void add(struct weights *w, uint32_t node, double weight) {
    for (int32_t i = 0; i < w->n; i++) {
        if (w->node[i] == node) {
            w->weight[i] += weight;
            return;
        }
    }
    w->node[w->n] = node;
    w->weight[w->n++] = weight;
}

static int64_t place(double u) {
    const double cells = (double)(1 << DEPTH), at = (fmax(-REACH, fmin(REACH, u)) + REACH) / (2 * REACH) * cells;
    return (int64_t)nearbyint(at);
}

/* Adds `sign` times the path's value at cell border k. Going down, the value is a left + (1 - a) right + what the middles have added. */
static void add_value(struct weights *w, int64_t k, double sign) {
    double left[DEPTH + 2] = {0}, right[DEPTH + 2] = {0}; /* weights of the nodes in the values at the two ends */
    uint32_t path[DEPTH + 2];
    int32_t n = 1;
    int64_t low = 0, high = (int64_t)1 << DEPTH;
    path[0] = 0;
    right[0] = sqrt(2 * REACH);
    for (uint32_t node = 1; k != low && k != high; n++) {
        const int64_t middle = (low + high) / 2;
        const double length = 2 * REACH * (double)(high - low) / (double)((int64_t)1 << DEPTH);
        const int goes_left = k <= middle;
        double *moved = goes_left ? right : left;
        path[n] = node;
        for (int32_t i = 0; i < n; i++) moved[i] = (left[i] + right[i]) / 2;
        moved[n] = sqrt(length) / 2;
        if (goes_left) high = middle;
        else low = middle;
        node = 2 * node + (goes_left ? 0 : 1);
    }
    const double *value = k == low ? left : right;
    for (int32_t i = 0; i < n; i++) {
        if (value[i] != 0) add(w, path[i], sign * value[i]);
    }
}

void vt__brownian_normal(uint64_t seed, uint64_t first, double u, double v, double *z, double *scratch, int64_t n) {
    struct weights w = {.n = 0};
    const int64_t from = place(u), to = place(v);
    for (int64_t i = 0; i < n; i++) z[i] = 0;
    if (from == to) return;
    add_value(&w, to, 1);
    add_value(&w, from, -1);
    const double scale = 1 / sqrt(2 * REACH * fabs((double)(to - from)) / (double)((int64_t)1 << DEPTH));
    for (int32_t k = 0; k < w.n; k++) {
        vt__random_normal(seed, STREAMS | w.node[k], first, scratch, n);
        for (int64_t i = 0; i < n; i++) z[i] += scale * w.weight[k] * scratch[i];
    }
}
