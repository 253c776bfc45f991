/* Clusters of new points: blocks of rows against all centres, then the smallest of each row. */
#include <stdio.h>

#include "cluster/clustering.h"
#include "cluster/nearest.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"

enum { BLOCK_CELLS = 1 << 20, ROWS_A_CHUNK = 256 };

typedef struct block {
    int type; /* VT__DISTANCE_* */
    int64_t n, k;
    const void *cells; /* [n, k] */
    int32_t *labels;
    double *distances; /* or NULL */
} block;

/* The first smallest of a row of k distances of type T. */
#define SCAN(T)                                                                                                                                         \
    do {                                                                                                                                                \
        const T *cells = (const T *)b->cells + i * b->k;                                                                                                \
        for (int64_t c = 1; c < b->k; c++) {                                                                                                            \
            if (cells[c] < cells[best]) best = c;                                                                                                       \
        }                                                                                                                                               \
        distance = (double)cells[best];                                                                                                                 \
    } while (0)

static void pick_rows(void *user, int64_t chunk) {
    const block *b = user;
    int64_t end = (chunk + 1) * ROWS_A_CHUNK < b->n ? (chunk + 1) * ROWS_A_CHUNK : b->n;
    for (int64_t i = chunk * ROWS_A_CHUNK; i < end; i++) {
        int64_t best = 0;
        double distance;
        if (b->type == VT__DISTANCE_F32) SCAN(float);
        else if (b->type == VT__DISTANCE_F64) SCAN(double);
        else SCAN(int32_t);
        b->labels[i] = (int32_t)best;
        if (b->distances) b->distances[i] = distance;
    }
}

static size_t element_size(int32_t dtype) { return dtype == VT_DTYPE_F64 ? 8 : dtype == VT_DTYPE_F32 ? 4 : 1; }

/* Rows in a message are counted from the block's first. */
static vt_status foreign(const vt_distance *distance, const vt__rows_view *rows, int64_t first, const int64_t *centres, const block *b, void *cells) {
    const char *data = (const char *)rows->data + (size_t)(first * rows->stride) * element_size(rows->dtype);
    vt__rows_view part = {data, rows->dtype, b->n, rows->dim, rows->stride};
    char prefix[64];
    vt_status st = vt__distance_foreign(distance, &part, centres, b->k, cells);
    if (st == VT_OK || first == 0) return st;
    (void)snprintf(prefix, sizeof prefix, "clustering: rows from %lld on", (long long)first);
    return vt__fail_within(st, prefix);
}

vt_status vt__nearest_objects(const vt_distance *distance, const int64_t *centres, int64_t k, const vt__rows_view *rows, vt__watch *watch, int32_t *out_labels,
                              double *out_distances) {
    vt_context *ctx = vt__distance_context(distance);
    int64_t at_a_time = BLOCK_CELLS / k > ROWS_A_CHUNK ? BLOCK_CELLS / k / ROWS_A_CHUNK * ROWS_A_CHUNK : ROWS_A_CHUNK;
    if (at_a_time > rows->n) at_a_time = rows->n;
    void *cells = vt__alloc64_2(ctx, at_a_time, k, vt__distance_size(distance));
    vt_status st = cells ? VT_OK : vt__fail(VT_ERR_NOMEM, "clustering: out of memory for the distances of %lld rows to %lld centres", (long long)at_a_time, (long long)k);
    for (int64_t i = 0; st == VT_OK && i < rows->n; i += at_a_time) {
        block b = {vt__distance_type(distance), rows->n - i < at_a_time ? rows->n - i : at_a_time, k, cells, out_labels + i, out_distances ? out_distances + i : NULL};
        st = vt__watch_poll(watch, (double)i / (double)rows->n, "assigning");
        if (st == VT_OK) st = foreign(distance, rows, i, centres, &b, cells);
        if (st == VT_OK) vt__parallel(ctx, (b.n + ROWS_A_CHUNK - 1) / ROWS_A_CHUNK, pick_rows, &b);
    }
    vt__free(ctx, cells);
    return st;
}

vt_status vt__nearest_centroids(vt_context *ctx, const void *centroids, int64_t k, const vt__rows_view *rows, vt__watch *watch, int32_t *out_labels,
                                double *out_distances) {
    vt_distance *distance = NULL;
    vt_status st = vt__distance_from_rows(ctx, centroids, rows->dtype, k, rows->dim, rows->dim, VT__METRIC_L2_SQUARED, 0, &distance);
    if (st == VT_OK) st = vt__nearest_objects(distance, NULL, k, rows, watch, out_labels, out_distances);
    vt__distance_release(distance);
    return st;
}

vt_status vt__clustering_predict(const vt_clustering *clustering, const vt__rows_view *rows, vt__watch *watch, int32_t *out_labels, double *out_distances) {
    const vt__clustering_parts *p = vt__clustering_parts_of(clustering);
    vt_status st = vt__watch_poll(watch, 0, "assigning");
    if (st != VT_OK || rows->n == 0) return st;
    if (p->medoids) return vt__nearest_objects(vt__clustering_distance(clustering), p->medoids, p->k, rows, watch, out_labels, out_distances);
    if (rows->dtype != p->dtype) return vt__fail(VT_ERR_DTYPE, "clustering: rows of type %d, the centroids are of type %d", rows->dtype, p->dtype);
    if (rows->dim != p->dim) return vt__fail(VT_ERR_SHAPE, "clustering: rows of %lld elements, the centroids have %lld", (long long)rows->dim, (long long)p->dim);
    return vt__nearest_centroids(vt__clustering_context(clustering), p->centroids, p->k, rows, watch, out_labels, out_distances);
}
