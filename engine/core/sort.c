#include "core/sort.h"

#include <string.h>

#include "core/memory.h"

/* Merges the runs [lo, mid) and [mid, hi) of `from` into `to`. */
static void merge(const int64_t *from, int64_t *to, int64_t lo, int64_t mid, int64_t hi, vt__before_fn before, const void *user) {
    int64_t a = lo, b = mid;
    for (int64_t i = lo; i < hi; i++) {
        int take_b = a == mid || (b < hi && before(user, from[b], from[a]));
        to[i] = take_b ? from[b++] : from[a++];
    }
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

int vt__sort(vt_context *ctx, int64_t *items, int64_t n, vt__before_fn before, const void *user) {
    if (n < 2) return 0;
    int64_t *scratch = vt__calloc2(ctx, n, 1, sizeof *scratch);
    if (!scratch) return 1;
    int64_t *from = items, *to = scratch;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t lo = 0; lo < n; lo += 2 * width) merge(from, to, lo, least(lo + width, n), least(lo + 2 * width, n), before, user);
        int64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) memcpy(items, from, (size_t)n * sizeof *items);
    vt__free(ctx, scratch);
    return 0;
}
