/* Blocks of distances for lists of objects: cut into tiles, which threads share. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/panels.h"
#include "distance/sparse.h"

/* Tiles between two polls; parts that work is cut into for each thread: every part has a scratch of its own. */
enum { TILES_A_POLL = 1024, PARTS_A_THREAD = 4 };

typedef struct tiles {
    const vt_distance *distance;
    const int64_t *rows, *columns;
    const void *foreign; /* rows that are no objects */
    int64_t foreign_stride;
    int64_t n_rows, n_columns, n_across; /* tiles in a row of tiles */
    int64_t first, last, n_parts;
    size_t scratch_size;
    char *scratch; /* [n_parts * scratch_size] */
    char *out;
    int replace;  /* infinities, and distances of objects to themselves */
    int mirrored; /* all n x n of symmetric ones: tiles above the diagonal are copied from below it */
    vt__fault fault;
} tiles;

/* The tile across the diagonal gets this one's values. */
static void mirror(const tiles *t, const vt__block *b, size_t size) {
    for (int64_t r = 0; r < b->n_rows; r++)
        for (int64_t c = 0; c < b->n_columns; c++)
            memcpy(t->out + (size_t)((b->first_column + c) * b->ld + b->first_row + r) * size, (char *)b->out + (size_t)(r * b->ld + c) * size, size);
}

static void replace_special(const tiles *t, const vt__block *b, size_t size) {
    for (int64_t r = 0; r < b->n_rows; r++) {
        char *row = (char *)b->out + (size_t)(r * b->ld) * size;
        vt__distance_replace_infinity(t->distance, row, b->n_columns);
        for (int64_t c = 0; t->distance->has_diagonal && c < b->n_columns; c++)
            if (vt__object(b->rows, b->first_row, r) == vt__object(b->columns, b->first_column, c)) memset(row + (size_t)c * size, 0, size);
    }
}

static void compute_tile(tiles *t, int64_t tile, int64_t part) {
    const vt_distance *d = t->distance;
    int64_t r = tile / t->n_across * VT__BLOCK, c = tile % t->n_across * VT__BLOCK;
    size_t size = vt__distance_size(d);
    vt__block b = {.rows = t->rows ? t->rows + r : NULL, .columns = t->columns ? t->columns + c : NULL,
                   .first_row = r, .first_column = c, .foreign = t->foreign, .foreign_stride = t->foreign_stride, .ld = t->n_columns, .fault = &t->fault};

    if (t->mirrored && c > r) return;
    b.n_rows = t->n_rows - r < VT__BLOCK ? t->n_rows - r : VT__BLOCK;
    b.n_columns = t->n_columns - c < VT__BLOCK ? t->n_columns - c : VT__BLOCK;
    b.scratch = t->scratch ? t->scratch + (size_t)part * t->scratch_size : NULL;
    b.out = t->out + (size_t)(r * t->n_columns + c) * size;
    d->kind->block(d, &b);
    if (t->mirrored && c < r) mirror(t, &b, size);
    if (t->replace) replace_special(t, &b, size);
}

static void compute_part(void *user, int64_t part) {
    tiles *t = user;
    for (int64_t i = t->first + part; i < t->last && atomic_load_explicit(&t->fault.status, memory_order_relaxed) == VT_OK; i += t->n_parts)
        compute_tile(t, i, part);
}

static vt_status compute(tiles *t, vt__watch *watch) {
    const vt_distance *d = t->distance;
    int64_t n_down = (t->n_rows + VT__BLOCK - 1) / VT__BLOCK, n_tiles;
    vt_status st = VT_OK;

    t->n_across = (t->n_columns + VT__BLOCK - 1) / VT__BLOCK;
    n_tiles = n_down * t->n_across;
    t->n_parts = d->is_serial ? 1 : PARTS_A_THREAD * vt__context_threads(d->ctx);
    t->n_parts = n_tiles < t->n_parts ? n_tiles : t->n_parts;
    if (n_tiles == 0) return VT_OK;
    t->scratch_size = d->kind->block_scratch ? (d->kind->block_scratch(d) + 63) / 64 * 64 : 0;
    if (t->scratch_size && !(t->scratch = vt__alloc64_2(d->ctx, t->n_parts, 1, t->scratch_size)))
        return vt__fail_nomem("distance: block", t->scratch_size * (size_t)t->n_parts);
    if (t->scratch && d->kind->is_scratch_zero) memset(t->scratch, 0, t->scratch_size * (size_t)t->n_parts);
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
    tiles t = {.distance = distance, .rows = rows, .columns = columns, .n_rows = n_rows, .n_columns = n_columns, .out = out, .replace = distance->far != 0.0 || distance->has_diagonal};
    return compute(&t, NULL);
}

vt_status vt__distance_compute(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, vt__watch *watch,
                               void *out) {
    tiles t = {.distance = distance, .rows = rows, .columns = columns, .n_rows = n_rows, .n_columns = n_columns, .out = out};
    return compute(&t, watch);
}

vt_status vt__distance_compute_all(const vt_distance *distance, void *out) {
    tiles t = {.distance = distance, .n_rows = distance->n, .n_columns = distance->n, .out = out, .mirrored = distance->is_symmetric};
    return compute(&t, NULL);
}

/* Takes `from`, also on failure. */
vt_status vt__distance_store(vt_distance *from, vt_distance **out) {
    vt_context *ctx = from->ctx;
    void *data = vt__alloc64_2(ctx, from->n, from->n, vt__distance_size(from));
    vt_distance *matrix = NULL;
    vt_status st;

    *out = NULL;
    if (!data) st = vt__fail_nomem("distance: stored matrix", (size_t)from->n * (size_t)from->n * vt__distance_size(from));
    else st = vt__distance_compute_all(from, data);
    if (st == VT_OK) st = vt__distance_take_matrix(ctx, data, vt__distance_dtype(from), from->n, from->is_symmetric, &matrix);
    else vt__free(ctx, data);
    if (st == VT_OK && (vt__panels_of(from) || vt__sparse_of(from))) matrix->source = vt__distance_retain(from);
    vt__distance_release(from);
    *out = matrix;
    return st;
}

/* Which of the new rows is so far away that a distance to it overflowed. */
static vt_status check_overflow(const vt_distance *distance, const void *out, int64_t m, int64_t n_columns) {
    for (int64_t i = 0; i < m * n_columns; i++) {
        double v = distance->type == VT__DISTANCE_F32 ? (double)((const float *)out)[i] : distance->type == VT__DISTANCE_F64 ? ((const double *)out)[i] : 0.0;
        if (!isfinite(v)) return vt__fail(VT_ERR_NUMERIC, "distance: new row %lld is so far away that distances overflow", (long long)(i / n_columns));
    }
    return VT_OK;
}

vt_status vt__distance_foreign(const vt_distance *distance, const vt__rows_view *rows, const int64_t *columns, int64_t n_columns, void *out) {
    const vt_distance *d = distance->source ? distance->source : distance;
    const vt__panels *p = vt__panels_of(d);
    int32_t want = !p ? 0 : p->metric == VT__METRIC_HAMMING || p->metric == VT__METRIC_JACCARD ? VT_DTYPE_U8 : vt__distance_dtype(d);
    tiles t = {.distance = d, .foreign = rows->data, .foreign_stride = rows->stride, .columns = columns, .n_rows = rows->n, .n_columns = n_columns, .out = out};
    vt_status st;

    if (!p) return vt__fail(VT_ERR_UNSUPPORTED, "distance: new rows need distances made of dense rows or of bits");
    if (rows->dtype != want) return vt__fail(VT_ERR_DTYPE, "distance: new rows of type %d, the others are of type %d", rows->dtype, want);
    if (rows->dim != p->dim) return vt__fail(VT_ERR_SHAPE, "distance: new rows of %lld elements, the others have %lld", (long long)rows->dim, (long long)p->dim);
    st = p->check(p, rows->data, rows->n, rows->stride);
    if (st == VT_OK) st = compute(&t, NULL);
    return st == VT_OK ? check_overflow(d, out, rows->n, n_columns) : st;
}
