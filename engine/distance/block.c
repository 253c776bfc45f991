/* Blocks of distances for lists of objects: cut into tiles, which threads share. */
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/distance_internal.h"

/* Tiles between two polls, and the most parts that work is cut into: each has a scratch of its own. */
enum { TILES_A_POLL = 1024, MAX_PARTS = 64 };

typedef struct tiles {
    const vt_distance *distance;
    const int64_t *rows, *columns;
    int64_t n_rows, n_columns, n_across; /* tiles in a row of tiles */
    int64_t first, last, n_parts;
    size_t scratch_size;
    char *scratch; /* [n_parts * scratch_size] */
    char *out;
    int replace; /* infinities */
    vt__fault fault;
} tiles;

static void compute_tile(tiles *t, int64_t tile, int64_t part) {
    const vt_distance *d = t->distance;
    int64_t r = tile / t->n_across * VT__BLOCK, c = tile % t->n_across * VT__BLOCK;
    size_t size = vt__distance_size(d);
    vt__block b = {.rows = t->rows ? t->rows + r : NULL, .columns = t->columns ? t->columns + c : NULL,
                   .first_row = r, .first_column = c, .ld = t->n_columns, .fault = &t->fault};

    b.n_rows = t->n_rows - r < VT__BLOCK ? t->n_rows - r : VT__BLOCK;
    b.n_columns = t->n_columns - c < VT__BLOCK ? t->n_columns - c : VT__BLOCK;
    b.scratch = t->scratch ? t->scratch + (size_t)part * t->scratch_size : NULL;
    b.out = t->out + (size_t)(r * t->n_columns + c) * size;
    d->kind->block(d, &b);
    for (int64_t i = 0; t->replace && i < b.n_rows; i++) vt__distance_replace_infinity(d, (char *)b.out + (size_t)(i * b.ld) * size, b.n_columns);
}

static void compute_part(void *user, int64_t part) {
    tiles *t = user;
    int64_t first, last;
    vt__chunk_range(t->last - t->first, 1, t->n_parts, part, &first, &last);
    for (int64_t i = first; i < last && atomic_load_explicit(&t->fault.status, memory_order_relaxed) == VT_OK; i++) compute_tile(t, t->first + i, part);
}

static vt_status compute(tiles *t, vt__watch *watch) {
    const vt_distance *d = t->distance;
    int64_t n_down = (t->n_rows + VT__BLOCK - 1) / VT__BLOCK, n_tiles;
    vt_status st = VT_OK;

    t->n_across = (t->n_columns + VT__BLOCK - 1) / VT__BLOCK;
    n_tiles = n_down * t->n_across;
    t->n_parts = d->is_serial ? 1 : n_tiles < MAX_PARTS ? n_tiles : MAX_PARTS;
    if (n_tiles == 0) return VT_OK;
    t->scratch_size = d->kind->block_scratch ? (d->kind->block_scratch(d) + 63) / 64 * 64 : 0;
    if (t->scratch_size && !(t->scratch = vt__alloc64_2(d->ctx, t->n_parts, 1, t->scratch_size)))
        return vt__fail_nomem("distance: block", t->scratch_size * (size_t)t->n_parts);
    for (t->first = 0; st == VT_OK && t->first < n_tiles; t->first = t->last) {
        t->last = t->first + TILES_A_POLL < n_tiles ? t->first + TILES_A_POLL : n_tiles;
        st = vt__watch_poll(watch, (double)t->first / (double)n_tiles, "distances");
        if (st != VT_OK) break;
        if (d->is_serial) compute_part(t, 0);
        else vt__parallel(d->ctx, t->n_parts, compute_part, t);
        st = vt__fault_report(&t->fault);
    }
    vt__free(d->ctx, t->scratch);
    return st;
}

vt_status vt__distance_gather(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, void *out) {
    tiles t = {.distance = distance, .rows = rows, .columns = columns, .n_rows = n_rows, .n_columns = n_columns, .out = out, .replace = distance->far != 0.0};
    return compute(&t, NULL);
}

vt_status vt__distance_compute(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, vt__watch *watch,
                               void *out) {
    tiles t = {.distance = distance, .rows = rows, .columns = columns, .n_rows = n_rows, .n_columns = n_columns, .out = out};
    return compute(&t, watch);
}
