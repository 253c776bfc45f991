/* Reductions over dimensions. */
#include <math.h>

#include "core/error.h"
#include "ops/ops.h"

/* Extents of in[0] with the dims of mask gone, or 1 where attribute 1 (keepdim) says so; *n elements make one result. */
static void shrink(struct vt__infer *call, uint32_t mask, int64_t *n) {
    struct vt__desc in = vt__in_desc(call, 0), *out = &call->out[0];
    int32_t keepdim = call->attrs->a[1].i[0] != 0;
    out->dtype = in.dtype;
    out->ndim = 0;
    *n = 1;
    for (int32_t i = 0; i < in.ndim; i++) {
        if (mask >> i & 1) {
            *n *= in.shape[i];
            if (keepdim) out->shape[out->ndim++] = 1;
        } else {
            out->shape[out->ndim++] = in.shape[i];
        }
    }
}

/* Over the dims of attribute 0. */
static vt_status reduced(struct vt__infer *call, int64_t *n) {
    uint32_t mask;
    vt_status st = vt__attr_dims(call, 0, call->in[0]->ndim, &mask);
    if (st == VT_OK) shrink(call, mask, n);
    return st;
}

vt_status vt__infer_sum(struct vt__infer *call) {
    int64_t n;
    vt_status st = reduced(call, &n);
    if (!vt__dtype_has_grad(call->out[0].dtype)) call->out[0].dtype = VT_DTYPE_I64;
    return st;
}

vt_status vt__infer_mean(struct vt__infer *call) {
    int64_t n;
    vt_status st = reduced(call, &n);
    call->out[0].dtype = vt__dtype_float(call->out[0].dtype);
    return st;
}

static int is_complex(const struct vt__infer *call) { return vt__dtype_kind(call->in[0]->dtype) == VT__KIND_COMPLEX; }

vt_status vt__infer_real_mean(struct vt__infer *call) {
    if (is_complex(call)) return vt__infer_fail(call, VT_ERR_DTYPE, "of complex numbers; take abs, real or imag first");
    return vt__infer_mean(call);
}

static vt_status ordered(struct vt__infer *call, int64_t n) {
    if (is_complex(call)) return vt__infer_fail(call, VT_ERR_DTYPE, "complex numbers have no order");
    return n ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "no elements to choose from");
}

vt_status vt__infer_max(struct vt__infer *call) {
    int64_t n;
    vt_status st = reduced(call, &n);
    return st == VT_OK ? ordered(call, n) : st;
}

vt_status vt__infer_argmax(struct vt__infer *call) {
    int64_t n, dim = 0;
    int32_t given = call->attrs->a[0].given, ndim = call->in[0]->ndim;
    vt_status st = given ? vt__attr_dim(call, 0, ndim, &dim) : VT_OK;
    if (st != VT_OK) return st;
    shrink(call, given ? 1u << dim : (1u << ndim) - 1, &n);
    call->out[0].dtype = VT_DTYPE_I64;
    return ordered(call, n);
}

vt_status vt__infer_any(struct vt__infer *call) {
    int64_t n;
    vt_status st = reduced(call, &n);
    call->out[0].dtype = VT_DTYPE_BOOL;
    return st;
}

vt_status vt__infer_count(struct vt__infer *call) {
    int64_t n;
    vt_status st = reduced(call, &n);
    call->out[0].dtype = VT_DTYPE_I64;
    return st;
}

static int same_extents(const struct vt__desc *a, const vt_tensor *b) {
    int same = a->ndim == b->ndim;
    for (int32_t i = 0; same && i < a->ndim; i++) same = a->shape[i] == b->shape[i];
    return same;
}

vt_status vt__infer_best_put(struct vt__infer *call) {
    vt_status st = vt__infer_max(call);
    if (st != VT_OK) return st;
    if (!same_extents(&call->out[0], call->in[1])) return vt__infer_fail(call, VT_ERR_SHAPE, "the second must have the extents of a result");
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = call->in[1]->dtype;
    return VT_OK;
}

vt_status vt__infer_best_take(struct vt__infer *call) {
    struct vt__desc x = vt__in_desc(call, 0);
    vt_status st = vt__infer_max(call);
    if (st != VT_OK) return st;
    if (!same_extents(&x, call->in[1])) return vt__infer_fail(call, VT_ERR_SHAPE, "extents differ");
    call->out[0].dtype = call->in[1]->dtype;
    return VT_OK;
}

/* A reduced tensor beside the full one: extents of 1 where dims were reduced. */
static vt_tensor *beside(const struct vt__grad *c, vt_tensor *t) {
    const struct vt__attr *dims = &c->attrs->a[0];
    if (dims->given && dims->count == 0) return t;
    return vt__e_unreduce(c->expr, t, c->in[0], dims->i, dims->given ? dims->count : 0);
}

/* Dims that were reduced, all from 0 on; how many. */
static int32_t dims_of(const struct vt__grad *c, int64_t *dims) {
    const struct vt__attr *a = &c->attrs->a[0];
    int32_t ndim = c->in[0]->ndim;
    for (int32_t i = 0; i < ndim; i++) dims[i] = i;
    if (!a->given) return ndim;
    for (int32_t i = 0; i < a->count; i++) dims[i] = a->i[i] < 0 ? a->i[i] + ndim : a->i[i];
    return a->count;
}

static int64_t count_of(const struct vt__grad *c) {
    int64_t dims[VT__MAX_DIMS], n = 1;
    int32_t n_dims = dims_of(c, dims);
    for (int32_t i = 0; i < n_dims; i++) n *= c->in[0]->shape[dims[i]];
    return n;
}

vt_status vt__grad_sum(struct vt__grad *c) {
    c->grad_in[0] = vt__e_expand_like(c->expr, beside(c, vt__g(c)), c->in[0]);
    return VT_OK;
}

vt_status vt__grad_mean(struct vt__grad *c) {
    c->grad_in[0] = vt__e_expand_like(c->expr, vt__e_scale(c->expr, beside(c, vt__g(c)), 1.0 / (double)count_of(c)), c->in[0]);
    return VT_OK;
}

static vt_tensor *along(struct vt__expr *e, int32_t op, vt_tensor *x, int32_t reverse) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[op], &attrs);
    attrs.a[1].i[0] = reverse;
    attrs.a[2].i[0] = 1;
    return vt__expr_op(e, op, &x, 1, &attrs);
}

static vt_tensor *permute(struct vt__expr *e, vt_tensor *x, const int64_t *order, int32_t n) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_permute], &attrs);
    attrs.a[0].given = 1;
    attrs.a[0].count = n;
    for (int32_t i = 0; i < n; i++) attrs.a[0].i[i] = order[i];
    return vt__expr_op(e, VT__OP_permute, &x, 1, &attrs);
}

/* The product of all other elements is the one of those before times the one of those behind: no division, so zeros are right. The reduced dims
 * become one, the last. */
vt_status vt__grad_prod(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    int64_t dims[VT__MAX_DIMS], order[VT__MAX_DIMS], back[VT__MAX_DIMS], shape[VT__MAX_DIMS + 1];
    int32_t n_dims = dims_of(c, dims), ndim = c->in[0]->ndim, n = 0;
    uint32_t mask = 0;
    for (int32_t i = 0; i < n_dims; i++) mask |= 1u << dims[i];
    for (int32_t i = 0; i < ndim; i++)
        if (!(mask >> i & 1)) shape[n] = c->in[0]->shape[i], order[n++] = i;
    if (n == ndim) return c->grad_in[0] = vt__e_reshape_like(e, vt__g(c), c->in[0]), VT_OK;
    int32_t n_kept = n;
    for (int32_t i = 0; i < ndim; i++)
        if (mask >> i & 1) order[n++] = i;
    for (int32_t i = 0; i < ndim; i++) back[order[i]] = i;
    shape[n_kept] = count_of(c);
    vt_tensor *turned = permute(e, c->in[0], order, ndim), *x = vt__e_reshape(e, turned, shape, n_kept + 1);
    vt_tensor *others = vt__e2(e, VT__OP_mul, along(e, VT__OP_cumprod, x, 0), along(e, VT__OP_cumprod, x, 1));
    if (!others || !turned) return VT_OK;
    others = permute(e, vt__e_reshape_like(e, others, turned), back, ndim);
    c->grad_in[0] = vt__e2(e, VT__OP_mul, beside(c, vt__g(c)), others);
    return VT_OK;
}

static vt_tensor *at_best(const struct vt__grad *c, int32_t op, vt_tensor *t, int32_t least) {
    struct vt__attrs attrs = *c->attrs;
    vt_tensor *in[] = {c->in[0], t};
    attrs.a[2] = vt__attr_int(least);
    return vt__expr_op(c->expr, op, in, 2, &attrs);
}

vt_status vt__grad_max(struct vt__grad *c) {
    c->grad_in[0] = at_best(c, VT__OP_best_put, vt__g(c), 0);
    return VT_OK;
}

vt_status vt__grad_min(struct vt__grad *c) {
    c->grad_in[0] = at_best(c, VT__OP_best_put, vt__g(c), 1);
    return VT_OK;
}

/* Which element is taken does not change with x but where two change places. */
vt_status vt__grad_best_put(struct vt__grad *c) {
    if (c->need[1]) c->grad_in[1] = at_best(c, VT__OP_best_take, vt__g(c), (int32_t)c->attrs->a[2].i[0]);
    return VT_OK;
}

vt_status vt__grad_best_take(struct vt__grad *c) {
    if (c->need[1]) c->grad_in[1] = at_best(c, VT__OP_best_put, vt__g(c), (int32_t)c->attrs->a[2].i[0]);
    return VT_OK;
}

/* x - mean(x) */
static vt_tensor *deviations(const struct vt__grad *c) {
    int64_t dims[VT__MAX_DIMS];
    int32_t n_dims = dims_of(c, dims);
    if (n_dims == 0) return vt__e_zeros_like(c->expr, c->in[0]); /* each element is its own mean */
    return vt__e2(c->expr, VT__OP_sub, c->in[0], vt__e_mean(c->expr, c->in[0], dims, n_dims, 1));
}

/* 2 (x - mean) / (n - correction); the mean's own part sums to nothing. */
vt_status vt__grad_var(struct vt__grad *c) {
    double left = (double)(count_of(c) - c->attrs->a[2].i[0]);
    vt_tensor *g = vt__e_scale(c->expr, beside(c, vt__g(c)), 2 / (left > 0 ? left : 0));
    c->grad_in[0] = vt__e2(c->expr, VT__OP_mul, g, deviations(c));
    return VT_OK;
}

/* 1 where y is not 0, else 0. */
static vt_tensor *nonzero(struct vt__expr *e, vt_tensor *y) {
    return y ? vt__e_cast(e, vt__e2(e, VT__OP_ne, y, vt__e_scalar(e, y, 0)), y->dtype) : NULL;
}

/* y, and 1 where y is 0: something to divide by. */
static vt_tensor *filled(struct vt__expr *e, vt_tensor *y) {
    return vt__e2(e, VT__OP_add, y, vt__e1(e, VT__OP_neg, vt__e_add_scalar(e, nonzero(e, y), -1)));
}

/* g / y, and 0 where y is 0. */
static vt_tensor *over(struct vt__expr *e, vt_tensor *g, vt_tensor *y) {
    return vt__e2(e, VT__OP_mul, nonzero(e, y), vt__e2(e, VT__OP_div, g, filled(e, y)));
}

vt_status vt__grad_std(struct vt__grad *c) {
    double left = (double)(count_of(c) - c->attrs->a[2].i[0]);
    vt_tensor *g = vt__e_scale(c->expr, over(c->expr, vt__g(c), c->out[0]), 1 / (left > 0 ? left : 0));
    c->grad_in[0] = vt__e2(c->expr, VT__OP_mul, beside(c, g), deviations(c));
    return VT_OK;
}

vt_status vt__grad_logsumexp(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    c->grad_in[0] = vt__e2(e, VT__OP_mul, beside(c, vt__g(c)), vt__e1(e, VT__OP_exp, vt__e2(e, VT__OP_sub, c->in[0], beside(c, c->out[0]))));
    return VT_OK;
}

/* g sign(x) (|x| / y)^(p-1), 0 where x or y is 0; the first largest (smallest) magnitude alone for infinite p. */
vt_status vt__grad_norm(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *x = c->in[0], *g = vt__g(c), *y = c->out[0];
    double p = c->attrs->a[2].f;
    if (p == 2) {
        c->grad_in[0] = vt__e2(e, VT__OP_mul, beside(c, over(e, g, y)), x);
    } else if (p == 0 || vt__tensor_count(x) == 0) {
        c->grad_in[0] = vt__e_zeros_like(e, x);
    } else if (p == 1) {
        c->grad_in[0] = vt__e2(e, VT__OP_mul, beside(c, g), vt__e1(e, VT__OP_sign, x));
    } else if (isinf(p)) {
        struct vt__attrs attrs = *c->attrs;
        vt_tensor *in[] = {vt__e1(e, VT__OP_abs, x), g};
        attrs.a[2] = vt__attr_int(p < 0);
        c->grad_in[0] = vt__e2(e, VT__OP_mul, vt__expr_op(e, VT__OP_best_put, in, 2, &attrs), vt__e1(e, VT__OP_sign, x));
    } else {
        vt_tensor *share = vt__e2(e, VT__OP_div, filled(e, vt__e1(e, VT__OP_abs, x)), beside(c, filled(e, y)));
        vt_tensor *slope = vt__e2(e, VT__OP_mul, vt__e1(e, VT__OP_sign, x), vt__e_pow_scalar(e, share, p - 1));
        c->grad_in[0] = vt__e2(e, VT__OP_mul, beside(c, vt__e2(e, VT__OP_mul, nonzero(e, y), g)), slope);
    }
    return VT_OK;
}

/* Equal winners share the gradient. */
vt_status vt__grad_amax(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    int64_t dims[VT__MAX_DIMS];
    int32_t n_dims = dims_of(c, dims);
    vt_tensor *winners = vt__e_cast(e, vt__e2(e, VT__OP_eq, c->in[0], beside(c, c->out[0])), c->in[0]->dtype);
    vt_tensor *n = n_dims ? vt__e_sum(e, winners, dims, n_dims, 1) : winners;
    c->grad_in[0] = vt__e2(e, VT__OP_mul, beside(c, vt__g(c)), over(e, winners, n));
    return VT_OK;
}
