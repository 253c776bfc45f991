/* Rows with a metric on them: of float32 or float64, or of bits, eight a byte. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "distance/panels.h"

_Static_assert((int)VTK_L2 == (int)VT__METRIC_L2 && (int)VTK_L2_SQUARED == (int)VT__METRIC_L2_SQUARED && (int)VTK_L1 == (int)VT__METRIC_L1 &&
                   (int)VTK_COSINE == (int)VT__METRIC_COSINE,
               "one numbering");

static int is_f32(const vt__panels *p) { return p->base.type == VT__DISTANCE_F32; }

static double element(const vt__panels *p, const void *data, int64_t i) { return is_f32(p) ? (double)((const float *)data)[i] : ((const double *)data)[i]; }

static void import_plain(const vt__panels *p, const void *data, int64_t stride, int64_t i, void *out) {
    memcpy(out, (const char *)data + (size_t)(i * stride) * p->size, (size_t)p->dim * p->size);
}

/* Scaled to length 1, and one element more, which is 1 for a row of zeros: half the squared distance of two rows is then 1 - cosine, without the
 * cancellation that a product has for rows of nearly one direction. */
static void import_scaled(const vt__panels *p, const void *data, int64_t stride, int64_t i, void *out) {
    const void *row = (const char *)data + (size_t)(i * stride) * p->size;
    double largest = 0.0, sum = 0.0, length;

    for (int64_t k = 0; k < p->dim; k++) largest = fmax(largest, fabs(element(p, row, k)));
    for (int64_t k = 0; k < p->dim && largest > 0.0; k++) {
        double x = element(p, row, k) / largest; /* squares neither overflow nor vanish together */
        sum += x * x;
    }
    length = sqrt(sum);
    for (int64_t k = 0; k <= p->dim; k++) {
        double x = k == p->dim ? (largest > 0.0 ? 0.0 : 1.0) : largest > 0.0 ? element(p, row, k) / largest / length : 0.0;
        if (is_f32(p)) ((float *)out)[k] = (float)x;
        else ((double *)out)[k] = x;
    }
}

static vt_status check_finite(const vt__panels *p, const void *data, int64_t n, int64_t stride) {
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < p->dim; k++) {
            double x = element(p, data, i * stride + k);
            if (!isfinite(x)) return vt__fail(VT_ERR_NUMERIC, "distance: row %lld has %g at element %lld", (long long)i, x, (long long)k);
        }
    return VT_OK;
}

/* Smallest and largest value of every element over the rows. */
static void find_box(const vt__panels *p, const void *data, int64_t stride, double *low, double *high) {
    for (int64_t k = 0; k < p->dim; k++) low[k] = high[k] = element(p, data, k);
    for (int64_t i = 1; i < p->base.n; i++)
        for (int64_t k = 0; k < p->dim; k++) {
            double x = element(p, data, i * stride + k);
            low[k] = x < low[k] ? x : low[k];
            high[k] = x > high[k] ? x : high[k];
        }
}

static vt_status fail_overflow(const vt__panels *p, const void *data, int64_t stride, const double *low, const double *high) {
    int64_t widest = 0, row = 0;
    for (int64_t k = 1; k < p->dim; k++)
        if (high[k] / 2 - low[k] / 2 > high[widest] / 2 - low[widest] / 2) widest = k;
    for (int64_t i = 1; i < p->base.n; i++)
        if (fabs(element(p, data, i * stride + widest)) > fabs(element(p, data, row * stride + widest))) row = i;
    return vt__fail(VT_ERR_NUMERIC, "distance: row %lld has %g at element %lld: distances overflow %s", (long long)row, element(p, data, row * stride + widest),
                    (long long)widest, is_f32(p) ? "float32" : "float64");
}

/* No distance is longer than the diagonal of the box that holds all rows. */
static vt_status set_limit(vt__panels *p, const void *data, int64_t stride) {
    const double largest = is_f32(p) ? (double)FLT_MAX : DBL_MAX, rounding = 1.0 + (double)(p->dim + 8) * (is_f32(p) ? (double)FLT_EPSILON : DBL_EPSILON);
    vt_context *ctx = p->base.ctx;
    double sum = 2.0, *box;
    vt_status st = VT_OK;

    if (p->metric == VT__METRIC_COSINE) return vt__distance_limit(&p->base, sum * rounding, 0);
    box = vt__calloc2(ctx, 2, p->dim, sizeof *box);
    if (!box) return vt__fail_nomem("distance: rows", 0);
    find_box(p, data, stride, box, box + p->dim);
    sum = 0.0;
    for (int64_t k = 0; k < p->dim; k++) {
        double d = box[p->dim + k] - box[k];
        sum += p->metric == VT__METRIC_L1 ? d : d * d;
    }
    sum *= rounding;
    if (!(sum <= largest)) st = fail_overflow(p, data, stride, box, box + p->dim);
    vt__free(ctx, box);
    return st == VT_OK ? vt__distance_limit(&p->base, p->metric == VT__METRIC_L2 ? sqrt(sum) * rounding : sum, 0) : st;
}

static vt_status create_floats(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, vt_distance **out) {
    int type = vt__distance_type_of(dtype), is_cosine = metric == VT__METRIC_COSINE;
    vt__panels *p;
    vt_status st;

    if (type != VT__DISTANCE_F32 && type != VT__DISTANCE_F64)
        return vt__fail(VT_ERR_DTYPE, "distance: rows of type %d, this metric needs float32 or float64", dtype);
    if (dim > INT32_MAX) return vt__fail(VT_ERR_SHAPE, "distance: rows of %lld elements, at most %d", (long long)dim, INT32_MAX);
    p = vt__panels_new(ctx, type, n, dim, dim + is_cosine, type == VT__DISTANCE_F32 ? 4 : 8, metric);
    if (!p) return VT_ERR_NOMEM;
    p->kernel = type == VT__DISTANCE_F32 ? vtk_get()->distance_f32[metric] : vtk_get()->distance_f64[metric];
    p->import = is_cosine ? import_scaled : import_plain;
    p->check = check_finite;
    st = check_finite(p, data, n, stride);
    if (st == VT_OK) st = set_limit(p, data, stride);
    if (st == VT_OK) st = vt__panels_fill(p, data, stride);
    if (st == VT_OK) *out = &p->base;
    else vt__distance_release(&p->base);
    return st;
}

/* The last word is filled up with zeros. */
static void import_bits(const vt__panels *p, const void *data, int64_t stride, int64_t i, void *out) {
    memset(out, 0, (size_t)p->depth * p->size);
    memcpy(out, (const char *)data + i * stride, (size_t)p->dim);
}

static vt_status check_nothing(const vt__panels *p, const void *data, int64_t n, int64_t stride) {
    (void)p, (void)data, (void)n, (void)stride;
    return VT_OK;
}

static vt_status create_bits(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, vt_distance **out) {
    const int64_t max_bytes = INT32_MAX / 8;
    int is_hamming = metric == VT__METRIC_HAMMING;
    vt__panels *p;
    vt_status st;

    if (dtype != VT_DTYPE_U8) return vt__fail(VT_ERR_DTYPE, "distance: rows of type %d, Hamming and Jaccard need rows of bits as uint8", dtype);
    if (dim > max_bytes) return vt__fail(VT_ERR_SHAPE, "distance: rows of %lld bytes of bits, at most %lld", (long long)dim, (long long)max_bytes);
    p = vt__panels_new(ctx, is_hamming ? VT__DISTANCE_I32 : VT__DISTANCE_F32, n, dim, (dim + 7) / 8, 8, metric);
    if (!p) return VT_ERR_NOMEM;
    p->kernel = is_hamming ? vtk_get()->distance_hamming : vtk_get()->distance_jaccard;
    p->import = import_bits;
    p->check = check_nothing;
    st = vt__distance_limit(&p->base, is_hamming ? (double)dim * 8.0 : 1.0, 0);
    if (st == VT_OK) st = vt__panels_fill(p, data, stride);
    if (st == VT_OK) *out = &p->base;
    else vt__distance_release(&p->base);
    return st;
}

vt_status vt__distance_from_rows(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, int store,
                                 vt_distance **out) {
    int is_bits = metric == VT__METRIC_HAMMING || metric == VT__METRIC_JACCARD;
    vt_status st;

    *out = NULL;
    st = (is_bits ? create_bits : create_floats)(ctx, data, dtype, n, dim, stride, metric, out);
    return st == VT_OK && store ? vt__distance_store(*out, out) : st;
}
