/* Fourier transforms. Three operations along the last dim do the work; what users call moves the dim there, cuts or fills up, and scales. Gradients of complex
 * numbers are those of the real and the imaginary part as one number, so a linear map goes back by its conjugate transpose. */
#include <math.h>

#include "core/error.h"
#include "core/memory.h"
#include "ops/ops.h"

enum { BACKWARD, ORTHO, FORWARD };

vt_status vt__infer_dft(struct vt__infer *call) {
    int64_t dim;
    call->out[0] = vt__in_desc(call, 0);
    if (vt__dtype_kind(call->out[0].dtype) != VT__KIND_COMPLEX) return vt__infer_fail(call, VT_ERR_DTYPE, "complex numbers are needed");
    vt_status st = vt__attr_dim(call, 1, call->out[0].ndim, &dim);
    if (st != VT_OK) return st;
    if (call->out[0].ndim < 1 || call->out[0].shape[dim] < 1) return vt__infer_fail(call, VT_ERR_SHAPE, "the dim needs an extent");
    return VT_OK;
}

vt_status vt__grad_dft(struct vt__grad *c) {
    struct vt__attrs attrs = *c->attrs;
    vt_tensor *g = vt__g(c);
    attrs.a[0].i[0] = !attrs.a[0].i[0];
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_dft, &g, 1, &attrs);
    return VT_OK;
}

vt_status vt__infer_rdft(struct vt__infer *call) {
    struct vt__desc *out = &call->out[0];
    *out = vt__in_desc(call, 0);
    if (!vt__dtype_is_float(out->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "real floats are needed");
    if (out->ndim < 1 || out->shape[out->ndim - 1] < 1) return vt__infer_fail(call, VT_ERR_SHAPE, "the last dim needs an extent");
    out->dtype = vt__dtype_complex(out->dtype);
    out->shape[out->ndim - 1] = out->shape[out->ndim - 1] / 2 + 1;
    return VT_OK;
}

vt_status vt__infer_irdft(struct vt__infer *call) {
    struct vt__desc *out = &call->out[0];
    int64_t n = call->attrs->a[0].i[0];
    *out = vt__in_desc(call, 0);
    if (vt__dtype_kind(out->dtype) != VT__KIND_COMPLEX) return vt__infer_fail(call, VT_ERR_DTYPE, "complex numbers are needed");
    if (out->ndim < 1 || n < 1 || out->shape[out->ndim - 1] != n / 2 + 1) return vt__infer_fail(call, VT_ERR_SHAPE, "the last dim must be n / 2 + 1");
    out->dtype = vt__dtype_real(out->dtype);
    out->shape[out->ndim - 1] = n;
    return VT_OK;
}

/* x times a number for each bin of a half spectrum of n: inner, but 1 for bins that stand for themselves. */
static vt_tensor *weigh(struct vt__expr *e, vt_tensor *x, int64_t n, double inner) {
    int64_t bins = n / 2 + 1;
    struct vt__desc desc = {.dtype = VT_DTYPE_F64, .ndim = 1, .shape = {bins}};
    vt_tensor *t = NULL;
    double *w = x && e->status == VT_OK ? vt__alloc64_2(e->ctx, bins, 1, sizeof *w) : NULL;
    if (!w) {
        if (x && e->status == VT_OK) e->status = vt__fail_nomem("fft", (size_t)bins * sizeof *w);
        return NULL;
    }
    for (int64_t k = 0; k < bins; k++) w[k] = k == 0 || 2 * k == n ? 1 : inner;
    e->status = vt__tensor_create(e->ctx, x->storage->backend, &desc, &t);
    if (e->status == VT_OK) e->status = vt__tensor_write(t, w, (size_t)bins * sizeof *w);
    vt__free(e->ctx, w);
    t = vt__expr_take(e, t);
    return vt__e2(e, VT__OP_mul, x, vt__e_cast(e, t, vt__dtype_real(x->dtype)));
}

static vt_tensor *irdft(struct vt__expr *e, vt_tensor *x, int64_t n) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_irdft], &attrs);
    attrs.a[0] = vt__attr_int(n);
    return vt__expr_op(e, VT__OP_irdft, &x, 1, &attrs);
}

/* irdft counts inner bins twice; here each counts once. */
vt_status vt__grad_rdft(struct vt__grad *c) {
    int64_t n = c->in[0]->shape[c->in[0]->ndim - 1];
    c->grad_in[0] = irdft(c->expr, weigh(c->expr, vt__g(c), n, 0.5), n);
    return VT_OK;
}

vt_status vt__grad_irdft(struct vt__grad *c) {
    c->grad_in[0] = weigh(c->expr, vt__e1(c->expr, VT__OP_rdft, vt__g(c)), c->attrs->a[0].i[0], 2);
    return VT_OK;
}

/* ---- what users call ---- */

/* The last dim cut to n or filled up with zeros. */
static vt_tensor *fit(struct vt__expr *e, vt_tensor *x, int64_t n) {
    struct vt__attrs attrs;
    if (!x || x->shape[x->ndim - 1] == n) return x;
    vt__attrs_default(&vt__op_table[VT__OP_pad], &attrs);
    attrs.a[0] = (struct vt__attr){.given = 1, .count = 2, .i = {0, n - x->shape[x->ndim - 1]}};
    return vt__expr_op(e, VT__OP_pad, &x, 1, &attrs);
}

static double scale_of(int64_t n, int64_t norm, int inverse) {
    if (norm == ORTHO) return 1 / sqrt((double)n);
    return (norm == BACKWARD) == inverse ? 1 / (double)n : 1;
}

/* Complex numbers along any dim, which need not move for it. */
static vt_tensor *dft(struct vt__expr *e, vt_tensor *x, int64_t dim, int inverse, int64_t norm) {
    struct vt__attrs attrs;
    if (!x) return NULL;
    vt__attrs_default(&vt__op_table[VT__OP_dft], &attrs);
    attrs.a[0].i[0] = inverse;
    attrs.a[1] = vt__attr_int(dim);
    attrs.a[2].f = scale_of(x->shape[dim], norm, inverse);
    return vt__expr_op(e, VT__OP_dft, &x, 1, &attrs);
}

enum kind { COMPLEX, REAL_TO_HALF, HALF_TO_REAL };

/* One transform along dim; n 0: as the input says. */
static vt_tensor *transform(struct vt__expr *e, vt_tensor *x, enum kind kind, int inverse, int64_t n, int64_t dim, int64_t norm) {
    if (!x) return NULL;
    if (kind == COMPLEX && (!n || n == x->shape[dim])) return dft(e, vt__e_cast(e, x, vt__dtype_complex(x->dtype)), dim, inverse, norm);
    int moved = dim != x->ndim - 1;
    if (moved) x = vt__e_transpose(e, x, dim, -1);
    if (!x) return NULL;
    int64_t extent = x->shape[x->ndim - 1];
    if (!n) n = kind == HALF_TO_REAL ? 2 * (extent - 1) : extent;
    if (kind != REAL_TO_HALF) x = vt__e_cast(e, x, vt__dtype_complex(x->dtype));
    else if (!vt__dtype_has_grad(x->dtype)) x = vt__e_cast(e, x, VT_DTYPE_F32);
    x = fit(e, x, kind == HALF_TO_REAL ? n / 2 + 1 : n);
    if (kind == COMPLEX) {
        x = dft(e, x, x ? x->ndim - 1 : 0, inverse, norm);
    } else {
        double scale = scale_of(n, norm, inverse);
        x = kind == REAL_TO_HALF ? vt__e1(e, VT__OP_rdft, x) : irdft(e, x, n);
        if (scale != 1) x = vt__e_scale(e, x, scale);
    }
    return moved ? vt__e_transpose(e, x, dim, -1) : x;
}

static vt_status along(struct vt__expr *e, struct vt__infer *call, enum kind kind, int inverse, vt_tensor **out) {
    const struct vt__attr *a = call->attrs->a;
    int64_t dim;
    vt_status st = vt__attr_dim(call, 1, call->in[0]->ndim, &dim);
    if (st != VT_OK) return st;
    int64_t n = a[0].given ? a[0].i[0] : 0, extent = call->in[0]->shape[dim];
    if ((a[0].given && n < 1) || extent < 1 || (!n && kind == HALF_TO_REAL && extent < 2))
        return vt__infer_fail(call, VT_ERR_SHAPE, "a transform has at least one point");
    if (kind == REAL_TO_HALF && vt__dtype_kind(call->in[0]->dtype) == VT__KIND_COMPLEX) return vt__infer_fail(call, VT_ERR_DTYPE, "real numbers are needed; fft takes complex ones");
    out[0] = transform(e, call->in[0], kind, inverse, n, dim, a[2].i[0]);
    return VT_OK;
}

vt_status vt__compose_fft(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return along(e, call, COMPLEX, 0, out); }
vt_status vt__compose_ifft(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return along(e, call, COMPLEX, 1, out); }
vt_status vt__compose_rfft(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return along(e, call, REAL_TO_HALF, 0, out); }
vt_status vt__compose_irfft(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return along(e, call, HALF_TO_REAL, 1, out); }

static vt_status planes(struct vt__expr *e, struct vt__infer *call, enum kind kind, int inverse, vt_tensor **out) {
    int with_n = kind == HALF_TO_REAL;
    const struct vt__attr *a = call->attrs->a;
    vt_tensor *x = call->in[0];
    int32_t ndim = x->ndim;
    int64_t norm = a[with_n].i[0], n = with_n && a[0].given ? a[0].i[0] : 0;
    if (ndim < 2 || x->shape[ndim - 1] < 1 || x->shape[ndim - 2] < 1 || (with_n && a[0].given && n < 1) || (with_n && !n && x->shape[ndim - 1] < 2))
        return vt__infer_fail(call, VT_ERR_SHAPE, "two dims with extents are needed");
    if (kind == REAL_TO_HALF && vt__dtype_kind(x->dtype) == VT__KIND_COMPLEX) return vt__infer_fail(call, VT_ERR_DTYPE, "real numbers are needed; fft2 takes complex ones");
    if (kind == HALF_TO_REAL) {
        x = transform(e, x, COMPLEX, inverse, 0, ndim - 2, norm);
        out[0] = transform(e, x, kind, inverse, n, ndim - 1, norm);
    } else {
        x = transform(e, x, kind, inverse, 0, ndim - 1, norm);
        out[0] = transform(e, x, COMPLEX, inverse, 0, ndim - 2, norm);
    }
    return VT_OK;
}

vt_status vt__compose_fft2(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return planes(e, call, COMPLEX, 0, out); }
vt_status vt__compose_ifft2(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return planes(e, call, COMPLEX, 1, out); }
vt_status vt__compose_rfft2(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return planes(e, call, REAL_TO_HALF, 0, out); }
vt_status vt__compose_irfft2(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return planes(e, call, HALF_TO_REAL, 1, out); }
