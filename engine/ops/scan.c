/* Running sums, products and linear recurrences along a dimension. */
#include "core/error.h"
#include "ops/ops.h"

vt_status vt__infer_scan(struct vt__infer *call) {
    int64_t dim;
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim, &dim);
    call->out[0] = vt__in_desc(call, 0);
    if (!vt__dtype_has_grad(call->out[0].dtype)) call->out[0].dtype = VT_DTYPE_I64;
    return st;
}

vt_status vt__infer_shift(struct vt__infer *call) {
    int64_t dim;
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim, &dim);
    call->out[0] = vt__in_desc(call, 0);
    return st;
}

vt_status vt__infer_linear_scan(struct vt__infer *call) {
    int64_t dim;
    struct vt__desc b = vt__in_desc(call, 1), *out = &call->out[0];
    *out = vt__in_desc(call, 0);
    if (!vt__broadcast(out, &b)) return vt__infer_fail(call, VT_ERR_SHAPE, "extents do not broadcast");
    out->dtype = vt__dtype_float(vt__dtype_promote(call->in[0]->dtype, call->in[1]->dtype));
    return vt__attr_dim(call, 0, out->ndim, &dim);
}

static void set(struct vt__attr *a, int64_t i) { *a = vt__attr_int(i); }

vt_status vt__grad_cumsum(struct vt__grad *c) {
    struct vt__attrs attrs = *c->attrs;
    vt_tensor *g = vt__g(c);
    set(&attrs.a[1], !attrs.a[1].i[0]);
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_cumsum, &g, 1, &attrs);
    return VT_OK;
}

static vt_tensor *shifted(struct vt__expr *e, vt_tensor *x, int64_t dim, int64_t by) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_shift], &attrs);
    set(&attrs.a[0], dim);
    set(&attrs.a[1], by);
    return vt__expr_op(e, VT__OP_shift, &x, 1, &attrs);
}

static vt_tensor *scanned(struct vt__expr *e, vt_tensor *a, vt_tensor *b, int64_t dim, int64_t reverse, int64_t late) {
    struct vt__attrs attrs;
    vt_tensor *in[] = {a, b};
    vt__attrs_default(&vt__op_table[VT__OP_linear_scan], &attrs);
    set(&attrs.a[0], dim);
    set(&attrs.a[1], reverse);
    set(&attrs.a[2], late);
    return vt__expr_op(e, VT__OP_linear_scan, in, 2, &attrs);
}

/* dx[k] = (product of x before k) S[k], where S[k] = g[k] + x[k+1] S[k+1] has what each later product keeps without x[k]: no division, so zeros
 * are right. Where y excludes its own element, g of the place behind comes in. */
vt_status vt__grad_cumprod(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    struct vt__attrs attrs = *c->attrs;
    int64_t dim = attrs.a[0].i[0], reverse = attrs.a[1].i[0] != 0;
    vt_tensor *x = c->in[0], *g = vt__g(c);
    if (attrs.a[2].i[0]) g = shifted(e, g, dim, reverse ? 1 : -1);
    set(&attrs.a[2], 1);
    vt_tensor *before = vt__expr_op(e, VT__OP_cumprod, &x, 1, &attrs);
    c->grad_in[0] = vt__e2(e, VT__OP_mul, before, scanned(e, x, g, dim, !reverse, 1));
    return VT_OK;
}

/* With r[t] = g[t] + a[t+1] r[t+1] (late: a[t] r[t+1]): db = r, da[t] = r[t] h[t-1] (late: r[t+1] h[t]). The dim counts from the end of the
 * result, whose extents a broadcast input lacks. */
vt_status vt__grad_linear_scan(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    int64_t reverse = c->attrs->a[1].i[0] != 0, late = c->attrs->a[2].i[0] != 0, dim = c->attrs->a[0].i[0], on = reverse ? -1 : 1;
    vt_tensor *r = scanned(e, c->in[0], vt__g(c), dim, !reverse, !late);
    c->grad_in[1] = r;
    if (c->need[0] && late) c->grad_in[0] = vt__e2(e, VT__OP_mul, shifted(e, r, dim, -on), c->out[0]);
    if (c->need[0] && !late) c->grad_in[0] = vt__e2(e, VT__OP_mul, r, shifted(e, c->out[0], dim, on));
    return VT_OK;
}

vt_status vt__grad_shift(struct vt__grad *c) {
    c->grad_in[0] = shifted(c->expr, vt__g(c), c->attrs->a[0].i[0], -c->attrs->a[1].i[0]);
    return VT_OK;
}
