/* Random numbers: functions of (seed, stream, element), so they are the same however a tensor is cut, copied or computed. */
#include "core/error.h"
#include "ops/ops.h"

vt_status vt__infer_floats(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    return vt__dtype_is_float(call->out[0].dtype) ? VT_OK : vt__infer_fail(call, VT_ERR_DTYPE, "a float type is needed");
}

vt_status vt__infer_integers(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    return vt__dtype_kind(call->out[0].dtype) == VT__KIND_INT ? VT_OK : vt__infer_fail(call, VT_ERR_DTYPE, "an integer type is needed");
}

/* The same places are dropped. */
vt_status vt__grad_dropout(struct vt__grad *c) {
    vt_tensor *g = vt__g(c);
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_dropout, &g, 1, c->attrs);
    return VT_OK;
}

static vt_tensor *numbers(struct vt__expr *e, const struct vt__attr *a, vt_tensor *like) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_uniform], &attrs);
    for (int32_t i = 0; i < 3; i++) attrs.a[2 + i] = a[i];
    return vt__expr_op(e, VT__OP_uniform, &like, 1, &attrs);
}

/* With replacement: how many of the running sums are at most u times their last. Without: the greatest log p - log(-log u), which draws them one by one. */
vt_status vt__compose_multinomial(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    static const int64_t second_last = -2;
    const struct vt__attr *a = call->attrs->a;
    int64_t n = a[0].i[0], classes = call->in[0]->ndim ? call->in[0]->shape[call->in[0]->ndim - 1] : 0;
    int32_t last = call->in[0]->ndim - 1;
    struct vt__attrs attrs;
    if (!vt__dtype_is_float(call->in[0]->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "probabilities are floats");
    if (last < 0 || last + 2 > VT__MAX_DIMS || classes < 1 || n < 0 || (!a[1].i[0] && n > classes))
        return vt__infer_fail(call, VT_ERR_SHAPE, "1 to 7 dimensions, something to choose from, and n at most as many without replacement are needed");
    vt_tensor *p = vt__e_cast(e, call->in[0], VT_DTYPE_F64), *both[VT__MAX_OUT] = {0}, shape;
    if (!p) return e->status;
    shape = *p;
    if (!a[1].i[0]) {
        vt_tensor *u = vt__e1(e, VT__OP_neg, vt__e1(e, VT__OP_log, vt__e1(e, VT__OP_neg, vt__e1(e, VT__OP_log, numbers(e, &a[2], p)))));
        vt_tensor *keys = vt__e2(e, VT__OP_add, vt__e1(e, VT__OP_log, p), u);
        vt__attrs_default(&vt__op_table[VT__OP_topk], &attrs);
        attrs.a[0] = a[0];
        vt__expr_ops(e, VT__OP_topk, &keys, 1, &attrs, both);
        return out[0] = both[1], e->status;
    }
    vt_tensor *sums = vt__e1(e, VT__OP_cumsum, p), *total, *u, wide = shape;
    vt__attrs_default(&vt__op_table[VT__OP_slice], &attrs);
    attrs.a[0] = vt__attr_int(last);
    attrs.a[1] = vt__attr_int(classes - 1);
    total = vt__expr_op(e, VT__OP_slice, &sums, 1, &attrs);
    shape.shape[last] = n;
    u = vt__e2(e, VT__OP_mul, numbers(e, &a[2], vt__e_expand_like(e, total, &shape)), total); /* [.., n] */
    wide.ndim = shape.ndim = last + 2;
    wide.shape[last + 1] = shape.shape[last] = 1; /* sums [.., classes, 1] and u [.., 1, n] */
    shape.shape[last + 1] = n;
    vt_tensor *below = vt__e2(e, VT__OP_le, vt__e_reshape_like(e, sums, &wide), vt__e_reshape_like(e, u, &shape));
    vt_tensor *drawn = vt__e_sum(e, below, &second_last, 1, 0);
    vt__attrs_default(&vt__op_table[VT__OP_clamp], &attrs); /* sums that are not finite, and none above 0 */
    attrs.a[1].given = 1;
    attrs.a[1].f = (double)(classes - 1);
    out[0] = vt__expr_op(e, VT__OP_clamp, &drawn, 1, &attrs);
    return e->status;
}
