#include "core/sort.h"

#include <string.h>

#include "core/memory.h"

/* Merge sort from below: runs of 1, 2, 4, ... items are merged from one array into the other and back. */
typedef struct order {
    vt__before_fn before;
    const void *user;
} order;

/* Merges the runs [bounds[0], bounds[1]) and [bounds[1], bounds[2]) of `from` into the same places of `to`. */
static void merge(const order *by, const int64_t *from, int64_t *to, const int64_t bounds[3]) {
    int64_t a = bounds[0], b = bounds[1];
    for (int64_t i = bounds[0]; i < bounds[2]; i++) {
        int take_b = a == bounds[1] || (b < bounds[2] && by->before(by->user, from[b], from[a]));
        to[i] = take_b ? from[b++] : from[a++];
    }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int vt__sort(vt_context *ctx, int64_t *items, int64_t n, vt__before_fn before, const void *user) {
    const order by = {before, user};
    if (n < 2) return 0;
    int64_t *scratch = vt__calloc2(ctx, n, 1, sizeof *scratch);
    if (!scratch) return 1;
    int64_t *from = items, *to = scratch;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) merge(&by, from, to, (int64_t[3]){lo, least(lo + width, n), least(lo + 2 * width, n)});
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) memcpy(items, from, (size_t)n * sizeof *items);
    vt__free(ctx, scratch);
    return 0;
}
