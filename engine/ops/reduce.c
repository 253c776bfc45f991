/* Reductions over dimensions. */
#include "core/error.h"
#include "ops/ops.h"

/* Extents of in[0] with the dims of attribute 0 gone, or 1 where attribute 1 (keepdim) says so. */
static vt_status reduced(struct vt__infer *call) {
    struct vt__desc in = vt__in_desc(call, 0), *out = &call->out[0];
    int32_t keepdim = call->attrs->a[1].i[0] != 0;
    uint32_t mask;
    vt_status st = vt__attr_dims(call, 0, in.ndim, &mask);
    if (st != VT_OK) return st;
    out->dtype = in.dtype;
    out->ndim = 0;
    for (int32_t i = 0; i < in.ndim; i++) {
        if (mask >> i & 1) {
            if (keepdim) out->shape[out->ndim++] = 1;
        } else {
            out->shape[out->ndim++] = in.shape[i];
        }
    }
    return VT_OK;
}

vt_status vt__infer_sum(struct vt__infer *call) {
    vt_status st = reduced(call);
    if (!vt__dtype_has_grad(call->out[0].dtype)) call->out[0].dtype = VT_DTYPE_I64;
    return st;
}

/* A reduced tensor beside the full one: extents of 1 where dims were summed. */
static vt_tensor *beside(const struct vt__grad *c, vt_tensor *t) {
    const struct vt__attr *dims = &c->attrs->a[0];
    if (dims->given && dims->count == 0) return t;
    return vt__e_unreduce(c->expr, t, c->in[0], dims->i, dims->given ? dims->count : 0);
}

vt_status vt__grad_sum(struct vt__grad *c) {
    c->grad_in[0] = vt__e_expand_like(c->expr, beside(c, vt__g(c)), c->in[0]);
    return VT_OK;
}
