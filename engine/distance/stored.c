/* Distances that are computed once and kept as a matrix; and which metric is of which kind of rows. */
#include "core/error.h"
#include "core/memory.h"
#include "distance/panels.h"
#include "distance/sparse.h"

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

vt_status vt__distance_from_rows(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, int store,
                                 vt_distance **out) {
    int is_bits = metric == VT__METRIC_HAMMING || metric == VT__METRIC_JACCARD;
    vt_status st;

    *out = NULL;
    st = (is_bits ? vt__bits_create : vt__rows_create)(ctx, data, dtype, n, dim, stride, metric, out);
    return st == VT_OK && store ? vt__distance_store(*out, out) : st;
}
