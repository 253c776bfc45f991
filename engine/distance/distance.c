/* The handle: references, types and limits. What a kind of distance does is in the file named after it. */
#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "distance/distance_internal.h"

static const struct {
    int32_t dtype;
    size_t size;
} types[VT__N_DISTANCE_TYPES] = {
    [VT__DISTANCE_F32] = {VT_DTYPE_F32, 4}, [VT__DISTANCE_F64] = {VT_DTYPE_F64, 8}, [VT__DISTANCE_I32] = {VT_DTYPE_I32, 4}, [VT__DISTANCE_I64] = {VT_DTYPE_I64, 8}};

size_t vt__distance_type_size(int type) { return types[type].size; }

int vt__distance_type_of(int32_t dtype) {
    for (int i = 0; i < VT__N_DISTANCE_TYPES; i++)
        if (types[i].dtype == dtype) return i;
    return -1;
}

void *vt__distance_new(vt_context *ctx, const vt__distance_kind *kind, size_t size, int64_t n, int type) {
    vt_distance *d = vt__calloc(ctx, size);
    if (!d) {
        (void)vt__fail_nomem("distance", size);
        return NULL;
    }
    atomic_init(&d->refs, 1);
    d->ctx = vt__context_retain(ctx);
    d->kind = kind;
    d->n = n;
    d->type = type;
    return d;
}

vt_status vt__check_extent(const char *what, int64_t n, int64_t dim, int64_t stride) {
    int64_t elements = 0;
    if (dim < 1 || (stride && stride < dim))
        return vt__fail(VT_ERR_SHAPE, "%s: rows of %lld elements, stride %lld", what, (long long)dim, (long long)stride);
    if (__builtin_mul_overflow(n, stride ? stride : dim, &elements) || elements > PTRDIFF_MAX / 8)
        return vt__fail(VT_ERR_SHAPE, "%s: %lld rows, %lld elements apart: more than memory has", what, (long long)n, (long long)(stride ? stride : dim));
    return VT_OK;
}

vt_distance *vt__distance_retain(vt_distance *distance) {
    if (distance) atomic_fetch_add(&distance->refs, 1);
    return distance;
}

void vt__distance_release(vt_distance *distance) {
    if (!distance || atomic_fetch_sub(&distance->refs, 1) != 1) return;
    vt_context *ctx = distance->ctx;
    if (distance->kind->destroy) distance->kind->destroy(distance);
    vt__distance_release(distance->source);
    vt__free(ctx, distance);
    vt__context_release(ctx);
}

vt_context *vt__distance_context(const vt_distance *distance) { return distance->ctx; }
int64_t vt__distance_count(const vt_distance *distance) { return distance->n; }
int vt__distance_type(const vt_distance *distance) { return distance->type; }
int32_t vt__distance_dtype(const vt_distance *distance) { return types[distance->type].dtype; }
size_t vt__distance_size(const vt_distance *distance) { return types[distance->type].size; }
double vt__distance_bound(const vt_distance *distance) { return distance->bound; }
double vt__distance_far(const vt_distance *distance) { return distance->far; }

int vt__distance_is_whole(const vt_distance *distance) { return distance->type == VT__DISTANCE_I32 || distance->type == VT__DISTANCE_I64; }

vt_status vt__distance_limit(vt_distance *d, double bound, int has_infinity) {
    double sum = 2.0 * (double)d->n * bound; /* of n differences */
    int exponent;

    if (vt__distance_is_whole(d) && sum >= 0x1p63)
        return vt__fail(VT_ERR_NUMERIC, "distance: up to %.17g, sums over %lld objects overflow int64", bound, (long long)d->n);
    if (!isfinite(sum)) return vt__fail(VT_ERR_NUMERIC, "distance: up to %.17g, sums over %lld objects overflow float64", bound, (long long)d->n);
    d->bound = bound;
    if (!has_infinity) return VT_OK;
    /* A power of two, so that its multiples are exact in sums, and no larger than needed, so that sums keep what is small beside it. */
    (void)frexp(sum, &exponent);
    if (sum == 0.0) exponent = 1;
    if (exponent < -100) exponent = -100;
    if (exponent > (d->type == VT__DISTANCE_F32 ? 127 : 1000))
        return vt__fail(VT_ERR_NUMERIC, "distance: infinities beside values up to %.9g, which leave no room for %lld objects", bound, (long long)d->n);
    d->far = ldexp(1.0, exponent);
    return VT_OK;
}

void vt__distance_replace_infinity(const vt_distance *distance, void *values, int64_t n) {
    if (distance->far == 0.0) return;
    if (distance->type == VT__DISTANCE_F32) {
        float *v = values, far = (float)distance->far;
        for (int64_t i = 0; i < n; i++) v[i] = v[i] == INFINITY ? far : v[i];
    } else if (distance->type == VT__DISTANCE_F64) {
        double *v = values;
        for (int64_t i = 0; i < n; i++) v[i] = v[i] == (double)INFINITY ? distance->far : v[i];
    }
}

vt_status vt__fault_report(vt__fault *fault) {
    vt_status st = atomic_load(&fault->status);
    if (st == VT_OK) return VT_OK;
    if (st == VT_ERR_NUMERIC)
        return vt__fail(st, "distance: the callback gave %g for objects %lld and %lld, need a number whose sums stay finite", fault->value, (long long)fault->row,
                        (long long)fault->column);
    return vt__fail(st, "distance: the callback failed with %s for objects %lld and %lld", vt__status_name(st), (long long)fault->row, (long long)fault->column);
}
