/* Cholesky's factorisation and triangular systems. */
#include "core/error.h"
#include "ops/ops.h"

static int is_square(const vt_tensor *t) { return t->ndim >= 2 && t->shape[t->ndim - 1] == t->shape[t->ndim - 2]; }

vt_status vt__infer_cholesky(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    if (!vt__dtype_is_float(call->out[0].dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "real floats are needed");
    return is_square(call->in[0]) ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "square matrices are needed");
}

vt_status vt__infer_solve_triangular(struct vt__infer *call) {
    const vt_tensor *a = call->in[0], *b = call->in[1];
    if (!vt__dtype_is_float(a->dtype) || !vt__dtype_is_float(b->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "real floats are needed");
    int fits = is_square(a) && b->ndim == a->ndim && b->shape[b->ndim - 2] == a->shape[a->ndim - 1];
    for (int32_t d = 0; fits && d < a->ndim - 2; d++) fits = a->shape[d] == b->shape[d];
    if (!fits) return vt__infer_fail(call, VT_ERR_SHAPE, "[.., n, n] and [.., n, m] of one batch are needed; expand makes batches equal");
    call->out[0] = vt__in_desc(call, 1);
    call->out[0].dtype = vt__dtype_promote(a->dtype, b->dtype);
    return VT_OK;
}

static vt_tensor *triangle(struct vt__expr *e, int32_t op, vt_tensor *x, int64_t diagonal) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[op], &attrs);
    attrs.a[0].i[0] = diagonal;
    return vt__expr_op(e, op, &x, 1, &attrs);
}

static vt_tensor *solve(struct vt__expr *e, const struct vt__attrs *like, vt_tensor *a, vt_tensor *b, int transpose) {
    struct vt__attrs attrs;
    vt_tensor *in[] = {a, b};
    if (like) attrs = *like;
    else vt__attrs_default(&vt__op_table[VT__OP_solve_triangular], &attrs);
    attrs.a[1].i[0] = transpose;
    return vt__expr_op(e, VT__OP_solve_triangular, in, 2, &attrs);
}

/* Gb = a^-T g; the gradient of a is -Gb X^T (of a^T: -X Gb^T) where a is read. */
vt_status vt__grad_solve_triangular(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    int upper = c->attrs->a[0].i[0] != 0, transpose = c->attrs->a[1].i[0] != 0, unit = c->attrs->a[2].i[0] != 0;
    vt_tensor *gb = solve(e, c->attrs, c->in[0], vt__g(c), !transpose), *x = c->out[0];
    c->grad_in[1] = gb;
    if (!c->need[0]) return VT_OK;
    vt_tensor *ga = transpose ? vt__e2(e, VT__OP_matmul, x, vt__e_transpose(e, gb, -2, -1)) : vt__e2(e, VT__OP_matmul, gb, vt__e_transpose(e, x, -2, -1));
    c->grad_in[0] = triangle(e, upper ? VT__OP_triu : VT__OP_tril, vt__e1(e, VT__OP_neg, ga), unit ? (upper ? 1 : -1) : 0);
    return VT_OK;
}

/* With P the lower triangle of L^T G, its diagonal halved: the symmetric part of L^-T P L^-1. Source: Murray 2016, section 3. */
vt_status vt__grad_cholesky(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    vt_tensor *l = c->out[0], *m = vt__e2(e, VT__OP_matmul, vt__e_transpose(e, l, -2, -1), triangle(e, VT__OP_tril, vt__g(c), 0));
    vt_tensor *diagonal = triangle(e, VT__OP_tril, triangle(e, VT__OP_triu, m, 0), 0);
    vt_tensor *p = vt__e2(e, VT__OP_sub, triangle(e, VT__OP_tril, m, 0), vt__e_scale(e, diagonal, 0.5));
    vt_tensor *left = solve(e, NULL, l, p, 1), *both = solve(e, NULL, l, vt__e_transpose(e, left, -2, -1), 1);
    c->grad_in[0] = vt__e_scale(e, vt__e2(e, VT__OP_add, both, vt__e_transpose(e, both, -2, -1)), 0.5);
    return VT_OK;
}
