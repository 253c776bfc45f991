/* The softmax family. Gradients are operations of their own along the last dim; along another one, and while gradients are recorded themselves, they
 * are made of plain operations, whose own gradients are right to any order. */
#include "core/error.h"
#include "ops/ops.h"

static vt_status needs_float(const struct vt__infer *call) {
    return vt__dtype_is_float(call->in[0]->dtype) ? VT_OK : vt__infer_fail(call, VT_ERR_DTYPE, "numbers of a floating type are needed; cast first");
}

vt_status vt__infer_softmax(struct vt__infer *call) {
    int64_t dim;
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim, &dim);
    call->out[0] = vt__in_desc(call, 0);
    return st == VT_OK ? needs_float(call) : st;
}

vt_status vt__infer_softmax_grad(struct vt__infer *call) {
    vt_status st = needs_float(call);
    call->out[0] = vt__in_desc(call, 0);
    if (st != VT_OK) return st;
    if (!vt__dtype_is_float(call->in[1]->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "numbers of a floating type are needed; cast first");
    int same = call->in[0]->ndim == call->in[1]->ndim && call->in[0]->ndim > 0;
    for (int32_t i = 0; same && i < call->in[0]->ndim; i++) same = call->in[0]->shape[i] == call->in[1]->shape[i];
    return same ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "extents differ, or there are none");
}

/* Does the fused gradient serve? */
static int is_fused(const struct vt__grad *c) {
    int64_t dim = c->attrs->a[0].i[0];
    return !vt__grad_mode() && (dim == -1 || dim == c->in[0]->ndim - 1);
}

/* y (g - sum g y) */
vt_status vt__grad_softmax(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *g = vt__g(c), *y = c->out[0];
    if (is_fused(c)) return c->grad_in[0] = vt__e2(e, VT__OP_softmax_grad, g, y), VT_OK;
    vt_tensor *sum = vt__e_sum(e, vt__e2(e, VT__OP_mul, g, y), c->attrs->a[0].i, 1, 1);
    c->grad_in[0] = vt__e2(e, VT__OP_mul, y, vt__e2(e, VT__OP_sub, g, sum));
    return VT_OK;
}

/* g - exp(y) sum g */
vt_status vt__grad_log_softmax(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *g = vt__g(c), *y = c->out[0];
    if (is_fused(c)) return c->grad_in[0] = vt__e2(e, VT__OP_log_softmax_grad, g, y), VT_OK;
    vt_tensor *sum = vt__e_sum(e, g, c->attrs->a[0].i, 1, 1);
    c->grad_in[0] = vt__e2(e, VT__OP_sub, g, vt__e2(e, VT__OP_mul, vt__e1(e, VT__OP_exp, y), sum));
    return VT_OK;
}
