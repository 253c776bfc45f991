/* Rows of numbers with a metric. */
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "distance/distance_internal.h"

typedef struct rows {
    vt_distance base;
    int64_t dim;
    int32_t metric;
    double *data; /* [n, dim] */
} rows;

static void destroy(vt_distance *distance) { vt__free(distance->ctx, ((rows *)(void *)distance)->data); }

static double between(const rows *d, int64_t i, int64_t j) {
    const double *a = d->data + i * d->dim, *b = d->data + j * d->dim;
    double sum = 0.0;
    for (int64_t k = 0; k < d->dim; k++) {
        double x = a[k] - b[k];
        sum += d->metric == VT__METRIC_L1 ? fabs(x) : x * x;
    }
    return d->metric == VT__METRIC_L2 ? sqrt(sum) : d->metric == VT__METRIC_COSINE ? sum / 2 : sum;
}

static void store(const rows *d, void *out, int64_t at, int64_t i, int64_t j) {
    if (d->base.type == VT__DISTANCE_F32) ((float *)out)[at] = (float)between(d, i, j);
    else ((double *)out)[at] = between(d, i, j);
}

static void load(const vt__load *load, int64_t first, int64_t last) {
    const rows *d = (const rows *)(const void *)load->distance;
    for (int64_t i = 0; i < load->n; i++)
        for (int64_t o = first; o < last; o++) store(d, load->out, i * load->ld + o, o, load->objects[i]);
}

static void block(const vt_distance *distance, const vt__block *b) {
    for (int64_t r = 0; r < b->n_rows; r++)
        for (int64_t c = 0; c < b->n_columns; c++)
            store((const rows *)(const void *)distance, b->out, r * b->ld + c, vt__object(b->rows, b->first_row, r), vt__object(b->columns, b->first_column, c));
}

static const vt__distance_kind kind = {.destroy = destroy, .load = load, .block = block};

static vt_status fill(rows *d, const void *data, int64_t stride) {
    double bound = 0.0;
    for (int64_t i = 0; i < d->base.n; i++) {
        double norm = 0.0, *to = d->data + i * d->dim;
        for (int64_t k = 0; k < d->dim; k++) {
            to[k] = d->base.type == VT__DISTANCE_F32 ? (double)((const float *)data)[i * stride + k] : ((const double *)data)[i * stride + k];
            if (!isfinite(to[k])) return vt__fail(VT_ERR_NUMERIC, "distance: row %lld has %g", (long long)i, to[k]);
            norm += to[k] * to[k];
            if (fabs(to[k]) > bound) bound = fabs(to[k]);
        }
        for (int64_t k = 0; k < d->dim && d->metric == VT__METRIC_COSINE && norm > 0; k++) to[k] /= sqrt(norm);
    }
    return vt__distance_limit(&d->base, 4 * bound * bound * (double)d->dim + 2 * bound * (double)d->dim, 0);
}

vt_status vt__distance_from_rows(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, int store,
                                 vt_distance **out) {
    int type = vt__distance_type_of(dtype);
    (void)store;
    *out = NULL;
    if (metric > VT__METRIC_COSINE) return vt__fail(VT_ERR_UNSUPPORTED, "distance: rows of bits");
    if (type != VT__DISTANCE_F32 && type != VT__DISTANCE_F64) return vt__fail(VT_ERR_DTYPE, "distance: rows of type %d, need float32 or float64", dtype);
    rows *d = vt__distance_new(ctx, &kind, sizeof *d, n, type);
    if (!d) return VT_ERR_NOMEM;
    d->base.is_symmetric = 1;
    d->dim = dim;
    d->metric = metric;
    d->data = vt__calloc2(ctx, n, dim, sizeof *d->data);
    vt_status st = d->data ? fill(d, data, stride) : vt__fail_nomem("distance: rows", 0);
    if (st == VT_OK) *out = &d->base;
    else vt__distance_release(&d->base);
    return st;
}
