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
