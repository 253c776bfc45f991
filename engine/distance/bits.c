/* Rows of bits, eight a byte: Hamming and Jaccard. */
#include <string.h>

#include "core/error.h"
#include "distance/panels.h"

/* The last word is filled up with zeros. */
static void import(const vt__panels *p, const void *data, int64_t stride, int64_t i, void *out) {
    memset(out, 0, (size_t)p->depth * p->size);
    memcpy(out, (const char *)data + i * stride, (size_t)p->dim);
}

static vt_status check_nothing(const vt__panels *p, const void *data, int64_t n, int64_t stride) {
    (void)p, (void)data, (void)n, (void)stride;
    return VT_OK;
}

vt_status vt__bits_create(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, vt_distance **out) {
    const int64_t max_bytes = INT32_MAX / 8;
    int is_hamming = metric == VT__METRIC_HAMMING;
    vt__panels *p;
    vt_status st;

    if (dtype != VT_DTYPE_U8) return vt__fail(VT_ERR_DTYPE, "distance: rows of type %d, Hamming and Jaccard need rows of bits as uint8", dtype);
    if (dim > max_bytes) return vt__fail(VT_ERR_SHAPE, "distance: rows of %lld bytes of bits, at most %lld", (long long)dim, (long long)max_bytes);
    p = vt__panels_new(ctx, is_hamming ? VT__DISTANCE_I32 : VT__DISTANCE_F32, n, dim, (dim + 7) / 8, 8, metric);
    if (!p) return VT_ERR_NOMEM;
    p->kernel = is_hamming ? vtk_get()->distance_hamming : vtk_get()->distance_jaccard;
    p->import = import;
    p->check = check_nothing;
    st = vt__distance_limit(&p->base, is_hamming ? (double)dim * 8.0 : 1.0, 0);
    if (st == VT_OK) st = vt__panels_fill(p, data, stride);
    if (st == VT_OK) *out = &p->base;
    else vt__distance_release(&p->base);
    return st;
}
