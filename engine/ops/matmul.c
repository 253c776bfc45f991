/* Matrix products. */
#include "core/error.h"
#include "ops/ops.h"

/* a [.., m, k] b [.., k, n]; a vector on the left is a row, on the right a column, and its dimension is gone from the result. */
vt_status vt__infer_matmul(struct vt__infer *call) {
    struct vt__desc a = vt__in_desc(call, 0), b = vt__in_desc(call, 1), *out = &call->out[0];
    if (a.ndim < 2 || b.ndim < 2) return vt__infer_fail(call, VT_ERR_SHAPE, "matrices have at least two dimensions; reshape vectors");
    int64_t m = a.shape[a.ndim - 2], k = a.shape[a.ndim - 1], n = b.shape[b.ndim - 1];
    if (k != b.shape[b.ndim - 2]) return vt__infer_fail(call, VT_ERR_SHAPE, "columns of the first must be rows of the second");
    a.ndim -= 2;
    b.ndim -= 2;
    if (!vt__broadcast(&a, &b)) return vt__infer_fail(call, VT_ERR_SHAPE, "extents before the last two do not broadcast");
    *out = a;
    out->dtype = vt__dtype_promote(call->in[0]->dtype, call->in[1]->dtype);
    out->shape[out->ndim++] = m;
    out->shape[out->ndim++] = n;
    return VT_OK;
}

vt_status vt__grad_matmul(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    if (c->need[0]) c->grad_in[0] = vt__e2(e, VT__OP_matmul, vt__g(c), vt__e_transpose(e, c->in[1], -2, -1));
    if (c->need[1]) c->grad_in[1] = vt__e2(e, VT__OP_matmul, vt__e_transpose(e, c->in[0], -2, -1), vt__g(c));
    return VT_OK;
}
