/* Attributes that many shape rules read. */
#include "core/error.h"
#include "ops/ops.h"

static vt_status one_dim(const struct vt__infer *call, int64_t dim, int32_t ndim, int64_t *out) {
    if (dim < -ndim || dim >= ndim)
        return vt__fail(VT_ERR_SHAPE, "%s: dimension %lld (from 0), the tensor has %d", call->op->name, (long long)dim, ndim);
    *out = dim < 0 ? dim + ndim : dim;
    return VT_OK;
}

vt_status vt__attr_dim(const struct vt__infer *call, int32_t i, int32_t ndim, int64_t *out) { return one_dim(call, call->attrs->a[i].i[0], ndim, out); }

vt_status vt__attr_dims(const struct vt__infer *call, int32_t i, int32_t ndim, uint32_t *mask) {
    const struct vt__attr *a = &call->attrs->a[i];
    *mask = 0;
    if (!a->given) *mask = (1u << ndim) - 1;
    for (int32_t k = 0; a->given && k < a->count; k++) {
        int64_t dim = 0;
        vt_status st = one_dim(call, a->i[k], ndim, &dim);
        if (st != VT_OK) return st;
        if (*mask >> dim & 1) return vt__fail(VT_ERR_SHAPE, "%s: dimension %lld (from 0) is given twice", call->op->name, (long long)dim);
        *mask |= 1u << dim;
    }
    return VT_OK;
}

struct vt__desc vt__in_desc(const struct vt__infer *call, int32_t i) { return vt__tensor_desc(call->in[i]); }
