/* Tensors joined and repeated, out of other operations. */
#include "core/error.h"
#include "core/memory.h"
#include "ops/ops.h"

static vt_tensor *unsqueeze(struct vt__expr *e, vt_tensor *t, int64_t dim) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_unsqueeze], &attrs);
    attrs.a[0] = vt__attr_int(dim);
    return vt__expr_op(e, VT__OP_unsqueeze, &t, 1, &attrs);
}

vt_status vt__compose_stack(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    int64_t dim;
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim + 1, &dim);
    if (st != VT_OK) return st;
    vt_tensor **in = vt__calloc2(call->ctx, call->n_in, 1, sizeof *in);
    if (!in) return vt__fail_nomem("stack", (size_t)call->n_in * sizeof *in);
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_cat], &attrs);
    attrs.a[0].i[0] = dim;
    for (int32_t i = 0; i < call->n_in; i++) in[i] = unsqueeze(e, call->in[i], dim);
    out[0] = vt__expr_op(e, VT__OP_cat, in, call->n_in, &attrs);
    vt__free(call->ctx, in);
    return VT_OK;
}

/* Each dim is given an extent of 1 before it, which is expanded, and both are made one. */
vt_status vt__compose_tile(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    const struct vt__attr *repeats = &call->attrs->a[0];
    vt_tensor *x = call->in[0];
    int32_t extra = repeats->count - x->ndim;
    if (extra < 0) return vt__infer_fail(call, VT_ERR_INVALID, "a repeat for each dimension is needed");
    for (int32_t i = 0; i < repeats->count; i++)
        if (repeats->i[i] < 0) return vt__infer_fail(call, VT_ERR_INVALID, "a repeat is negative");
    int64_t shape[VT__MAX_DIMS];
    for (int32_t i = 0; i < repeats->count; i++) shape[i] = i < extra ? 1 : x->shape[i - extra];
    vt_tensor *t = vt__e_reshape(e, x, shape, repeats->count);
    for (int32_t i = 0; i < repeats->count; i++) {
        if (repeats->i[i] == 1) continue;
        int64_t before = 1, after = 1;
        for (int32_t d = 0; d < i; d++) before *= shape[d];
        for (int32_t d = i; d < repeats->count; d++) after *= shape[d];
        const int64_t narrow[3] = {before, 1, after}, wide[3] = {before, repeats->i[i], after};
        struct vt__attrs attrs;
        vt__attrs_default(&vt__op_table[VT__OP_expand], &attrs);
        attrs.a[0] = (struct vt__attr){.given = 1, .count = 3, .i = {wide[0], wide[1], wide[2]}};
        t = vt__e_reshape(e, t, narrow, 3);
        t = vt__expr_op(e, VT__OP_expand, &t, 1, &attrs);
        if (__builtin_mul_overflow(shape[i], repeats->i[i], &shape[i])) return vt__infer_fail(call, VT_ERR_SHAPE, "too many elements");
        t = vt__e_reshape(e, t, shape, repeats->count);
    }
    out[0] = t;
    return VT_OK;
}
