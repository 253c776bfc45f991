/* Public calls of venturi/distance.h: check, normalise, forward. */
#include "venturi/distance.h"

#include "core/error.h"
#include "distance/distance.h"

_Static_assert((int)VT_METRIC_L2 == (int)VT__METRIC_L2 && (int)VT_METRIC_L2_SQUARED == (int)VT__METRIC_L2_SQUARED && (int)VT_METRIC_L1 == (int)VT__METRIC_L1 &&
                   (int)VT_METRIC_COSINE == (int)VT__METRIC_COSINE && (int)VT_METRIC_HAMMING == (int)VT__METRIC_HAMMING &&
                   (int)VT_METRIC_JACCARD == (int)VT__METRIC_JACCARD,
               "one numbering");

static vt_status check_count(int64_t n) {
    if (n < 1 || n > VT_DISTANCE_MAX_OBJECTS) return vt__fail(VT_ERR_SHAPE, "distance: %lld objects, need 1 to %d", (long long)n, VT_DISTANCE_MAX_OBJECTS);
    return VT_OK;
}

static vt_status check_flags(uint32_t flags, uint32_t known) {
    return flags & ~known ? vt__fail(VT_ERR_INVALID, "distance: flags 0x%x are unknown here", flags & ~known) : VT_OK;
}

vt_status vt_distance_from_matrix(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t stride, uint32_t flags, vt_distance **out) {
    if (out) *out = NULL;
    if (!ctx || !data || !out) return vt__fail(VT_ERR_INVALID, "distance: a matrix needs a context, data and out");
    vt_status st = check_count(n);
    if (st == VT_OK) st = check_flags(flags, VT_DISTANCE_SYMMETRIC);
    if (st == VT_OK) st = vt__check_extent("distance", n, n, stride);
    return st == VT_OK ? vt__distance_from_matrix(ctx, data, dtype, n, stride ? stride : n, (flags & VT_DISTANCE_SYMMETRIC) != 0, out) : st;
}

vt_status vt_distance_from_triangle(vt_context *ctx, const void *data, int32_t dtype, int64_t n, uint32_t flags, vt_distance **out) {
    if (out) *out = NULL;
    if (!ctx || !out || (!data && n > 1)) return vt__fail(VT_ERR_INVALID, "distance: a triangle needs a context, data and out");
    vt_status st = check_count(n);
    if (st == VT_OK) st = check_flags(flags, 0);
    return st == VT_OK ? vt__distance_from_triangle(ctx, data, dtype, n, out) : st;
}

static vt_status check_metric(int32_t metric, int32_t last) {
    return metric < 0 || metric > last ? vt__fail(VT_ERR_INVALID, "distance: metric %d, need 0 to %d here", metric, last) : VT_OK;
}

vt_status vt_distance_from_rows(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, uint32_t flags,
                                vt_distance **out) {
    if (out) *out = NULL;
    if (!ctx || !data || !out) return vt__fail(VT_ERR_INVALID, "distance: rows need a context, data and out");
    vt_status st = check_count(n);
    if (st == VT_OK) st = check_flags(flags, VT_DISTANCE_STORE);
    if (st == VT_OK) st = check_metric(metric, VT_METRIC_JACCARD);
    if (st == VT_OK) st = vt__check_extent("distance", n, dim, stride);
    return st == VT_OK ? vt__distance_from_rows(ctx, data, dtype, n, dim, stride ? stride : dim, metric, (flags & VT_DISTANCE_STORE) != 0, out) : st;
}

vt_status vt_distance_from_csr(vt_context *ctx, const int64_t *offsets, const int32_t *columns, const float *values, int64_t n, int64_t dim, int32_t metric,
                               uint32_t flags, vt_distance **out) {
    if (out) *out = NULL;
    if (!ctx || !offsets || !out) return vt__fail(VT_ERR_INVALID, "distance: sparse rows need a context, offsets and out");
    vt_status st = check_count(n);
    if (st == VT_OK) st = check_flags(flags, VT_DISTANCE_STORE);
    if (st == VT_OK) st = check_metric(metric, VT_METRIC_COSINE);
    if (st == VT_OK && (dim < 1 || dim > INT32_MAX)) st = vt__fail(VT_ERR_SHAPE, "distance: sparse rows of %lld columns", (long long)dim);
    return st == VT_OK ? vt__distance_from_csr(ctx, offsets, columns, values, n, dim, metric, (flags & VT_DISTANCE_STORE) != 0, out) : st;
}

vt_status vt_distance_from_callback(vt_context *ctx, int64_t n, vt_distance_fn fn, void *user, uint32_t flags, vt_distance **out) {
    if (out) *out = NULL;
    if (!ctx || !fn || !out) return vt__fail(VT_ERR_INVALID, "distance: a callback needs a context, a function and out");
    vt_status st = check_count(n);
    if (st == VT_OK) st = check_flags(flags, VT_DISTANCE_SYMMETRIC | VT_DISTANCE_STORE | VT_DISTANCE_THREAD_SAFE);
    if (st != VT_OK) return st;
    return vt__distance_from_callback(ctx, n, fn, user, (flags & VT_DISTANCE_SYMMETRIC) != 0, (flags & VT_DISTANCE_THREAD_SAFE) != 0,
                                      (flags & VT_DISTANCE_STORE) != 0, out);
}

vt_distance *vt_distance_retain(vt_distance *distance) { return vt__distance_retain(distance); }
void vt_distance_release(vt_distance *distance) { vt__distance_release(distance); }
int64_t vt_distance_count(const vt_distance *distance) { return distance ? vt__distance_count(distance) : 0; }
int32_t vt_distance_dtype(const vt_distance *distance) { return distance ? vt__distance_dtype(distance) : -1; }

/* A list of objects, or NULL and the count of all. */
static vt_status check_list(const char *what, const int64_t *list, int64_t n_list, int64_t n) {
    if (n_list < 0 || (!list && n_list != n)) return vt__fail(VT_ERR_INVALID, "distance: %lld %s at NULL", (long long)n_list, what);
    for (int64_t i = 0; list && i < n_list; i++)
        if (list[i] < 0 || list[i] >= n) return vt__fail(VT_ERR_INVALID, "distance: %s[%lld] is %lld, need 0 to %lld", what, (long long)i, (long long)list[i], (long long)n - 1);
    return VT_OK;
}

vt_status vt_distance_compute(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, vt_cancel *cancel, void *out) {
    if (!distance || (!out && n_rows && n_columns)) return vt__fail(VT_ERR_INVALID, "distance: compute needs a distance and out");
    vt__watch watch = {.what = "distance", .cancel = cancel};
    vt_status st = check_list("rows", rows, n_rows, vt__distance_count(distance));
    if (st == VT_OK) st = check_list("columns", columns, n_columns, vt__distance_count(distance));
    return st == VT_OK ? vt__distance_compute(distance, rows, n_rows, columns, n_columns, &watch, out) : st;
}

vt_status vt_distance_project(const vt_distance *distance, int32_t n_axes, vt_cancel *cancel, double *out, double *out_share) {
    if (!distance || !out || n_axes < 1 || n_axes > 16) return vt__fail(VT_ERR_INVALID, "distance: project needs a distance, out and 1 to 16 axes, not %d", n_axes);
    vt__watch watch = {.what = "distance", .cancel = cancel};
    return vt__distance_project(distance, n_axes, &watch, out, out_share);
}
