/* Extents and types of optimizers' steps. */
#include "core/error.h"
#include "ops/ops.h"

/* States have the parameters' type, those of f16 and bf16 may be f32. A gradient has any floating type. */
static int has_type_of(const struct vt__infer *call, int32_t i, int32_t param) {
    int32_t dtype = call->in[i]->dtype;
    if (i == 1) return vt__dtype_is_float(dtype);
    return dtype == param || (vt__dtype_is_half(param) && dtype == VT_DTYPE_F32);
}

vt_status vt__infer_step(struct vt__infer *call) {
    struct vt__desc param = vt__in_desc(call, 0);
    if (!vt__dtype_is_float(param.dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "parameters are floats");
    for (int32_t i = 0; i < call->n_in; i++) {
        struct vt__desc desc = vt__in_desc(call, i);
        int same = desc.ndim == param.ndim && has_type_of(call, i, param.dtype);
        for (int32_t d = 0; same && d < desc.ndim; d++) same = desc.shape[d] == param.shape[d];
        if (!same) return vt__infer_fail(call, VT_ERR_SHAPE, "gradient and states must have the parameters' extents and type");
        if (i != 1) call->out[i ? i - 1 : 0] = desc;
    }
    return VT_OK;
}
