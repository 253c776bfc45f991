/* Elementwise operations. */
#include "core/error.h"
#include "ops/ops.h"

vt_status vt__infer_same(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    return VT_OK;
}

vt_status vt__infer_float(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = vt__dtype_float(call->out[0].dtype);
    return VT_OK;
}

vt_status vt__infer_cast(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = (int32_t)call->attrs->a[0].i[0];
    if (vt__dtype_kind(call->out[0].dtype) == VT__KIND_NONE) return vt__infer_fail(call, VT_ERR_DTYPE, "not a type of tensors");
    if (vt__dtype_kind(call->in[0]->dtype) == VT__KIND_COMPLEX && vt__dtype_kind(call->out[0].dtype) != VT__KIND_COMPLEX)
        return vt__infer_fail(call, VT_ERR_DTYPE, "a complex number is no real one; take real or abs");
    return VT_OK;
}

vt_status vt__infer_binary(struct vt__infer *call) {
    struct vt__desc b = vt__in_desc(call, 1);
    call->out[0] = vt__in_desc(call, 0);
    if (!vt__broadcast(&call->out[0], &b)) return vt__infer_fail(call, VT_ERR_SHAPE, "extents do not broadcast");
    call->out[0].dtype = vt__dtype_promote(call->in[0]->dtype, call->in[1]->dtype);
    return VT_OK;
}

vt_status vt__infer_divide(struct vt__infer *call) {
    vt_status st = vt__infer_binary(call);
    call->out[0].dtype = vt__dtype_float(call->out[0].dtype);
    return st;
}

vt_status vt__grad_neg(struct vt__grad *c) {
    c->grad_in[0] = vt__e1(c->expr, VT__OP_neg, vt__g(c));
    return VT_OK;
}

vt_status vt__grad_exp(struct vt__grad *c) {
    c->grad_in[0] = vt__e2(c->expr, VT__OP_mul, vt__g(c), c->out[0]);
    return VT_OK;
}

vt_status vt__grad_log(struct vt__grad *c) {
    c->grad_in[0] = vt__e2(c->expr, VT__OP_div, vt__g(c), c->in[0]);
    return VT_OK;
}

/* The caller turns the type back. */
vt_status vt__grad_cast(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    return VT_OK;
}

vt_status vt__grad_copy(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    return VT_OK;
}

vt_status vt__grad_zero(struct vt__grad *c) {
    for (int32_t i = 0; i < c->n_in; i++)
        if (c->need[i]) c->grad_in[i] = vt__e_zeros_like(c->expr, c->in[i]);
    return VT_OK;
}

vt_status vt__grad_add(struct vt__grad *c) {
    c->grad_in[0] = c->grad_in[1] = vt__g(c);
    return VT_OK;
}

vt_status vt__grad_sub(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    if (c->need[1]) c->grad_in[1] = vt__e1(c->expr, VT__OP_neg, vt__g(c));
    return VT_OK;
}

vt_status vt__grad_mul(struct vt__grad *c) {
    if (c->need[0]) c->grad_in[0] = vt__e2(c->expr, VT__OP_mul, vt__g(c), c->in[1]);
    if (c->need[1]) c->grad_in[1] = vt__e2(c->expr, VT__OP_mul, vt__g(c), c->in[0]);
    return VT_OK;
}

/* (a / b)' = a' / b - a / b^2 b' */
vt_status vt__grad_div(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *over_b = vt__e2(e, VT__OP_div, vt__g(c), c->in[1]);
    c->grad_in[0] = over_b;
    if (c->need[1]) c->grad_in[1] = vt__e1(e, VT__OP_neg, vt__e2(e, VT__OP_mul, over_b, vt__e2(e, VT__OP_div, c->in[0], c->in[1])));
    return VT_OK;
}

/* b a^(b-1) a', and a^b ln a b' (NaN for a < 0, as for every power of a negative number that is no integer). */
vt_status vt__grad_pow(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *a = c->in[0], *b = c->in[1], *g = vt__g(c);
    if (c->need[0]) c->grad_in[0] = vt__e2(e, VT__OP_mul, g, vt__e2(e, VT__OP_mul, b, vt__e2(e, VT__OP_pow, a, vt__e_add_scalar(e, b, -1))));
    if (c->need[1]) c->grad_in[1] = vt__e2(e, VT__OP_mul, g, vt__e2(e, VT__OP_mul, c->out[0], vt__e1(e, VT__OP_log, a)));
    return VT_OK;
}
