/* Rotary embedding. */
#include <math.h>

#include "core/error.h"
#include "ops/ops.h"

enum { BASE, INTERLEAVED, OFFSET, WIDTH, INVERSE }; /* attributes */

vt_status vt__infer_rope(struct vt__infer *call) {
    const struct vt__attr *a = call->attrs->a;
    const vt_tensor *x = call->in[0], *positions = call->n_in > 1 ? call->in[1] : NULL;
    if (x->ndim < 2 || !vt__dtype_is_float(x->dtype)) return vt__infer_fail(call, VT_ERR_SHAPE, "x is floats [.., rows, width]");
    int64_t width = a[WIDTH].given ? a[WIDTH].i[0] : x->shape[x->ndim - 1];
    if (width < 0 || width % 2 || width > x->shape[x->ndim - 1]) return vt__infer_fail(call, VT_ERR_SHAPE, "the width that is rotated is an even number, at most the last extent");
    if (!(a[BASE].f > 0) || isinf(a[BASE].f)) return vt__fail(VT_ERR_INVALID, "rope: base is %g, it must be a number above 0", a[BASE].f);
    call->out[0] = vt__in_desc(call, 0);
    if (!positions) return VT_OK;
    struct vt__desc rows = call->out[0], want = vt__in_desc(call, 1), both;
    rows.ndim--;
    both = rows;
    if (vt__dtype_kind(positions->dtype) != VT__KIND_INT) return vt__infer_fail(call, VT_ERR_DTYPE, "positions are integers");
    int fits = want.ndim <= rows.ndim && vt__broadcast(&both, &want);
    for (int32_t i = 0; fits && i < rows.ndim; i++) fits = both.shape[i] == rows.shape[i];
    return fits ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "positions do not broadcast to the extents of x without the last");
}

/* A rotation's transpose is the rotation back. */
vt_status vt__grad_rope(struct vt__grad *c) {
    struct vt__attrs attrs = *c->attrs;
    vt_tensor *in[] = {vt__g(c), c->n_in > 1 ? c->in[1] : NULL};
    attrs.a[INVERSE].given = 1;
    attrs.a[INVERSE].i[0] = !c->attrs->a[INVERSE].i[0];
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_rope, in, 2, &attrs);
    return VT_OK;
}
