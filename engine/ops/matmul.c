/* Matrix products. */
#include "core/error.h"
#include "ops/ops.h"

vt_status vt__infer_matmul(struct vt__infer *call) {
    struct vt__desc a = vt__in_desc(call, 0), b = vt__in_desc(call, 1), *out = &call->out[0];
    if (a.ndim < 2 || b.ndim < 2) return vt__infer_fail(call, VT_ERR_SHAPE, "matrices have at least two dimensions; reshape vectors");
    int64_t m = a.shape[a.ndim - 2], k = a.shape[a.ndim - 1], n = b.shape[b.ndim - 1];
    if (k != b.shape[b.ndim - 2]) return vt__infer_fail(call, VT_ERR_SHAPE, "columns of the first must be rows of the second");
    if (vt__dtype_kind(a.dtype) != vt__dtype_kind(b.dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "both must be integers, floats or complex; cast one");
    a.ndim -= 2;
    b.ndim -= 2;
    if (!vt__broadcast(&a, &b)) return vt__infer_fail(call, VT_ERR_SHAPE, "extents before the last two do not broadcast");
    *out = a;
    out->dtype = vt__dtype_promote(call->in[0]->dtype, call->in[1]->dtype);
    out->shape[out->ndim++] = m;
    out->shape[out->ndim++] = n;
    return VT_OK;
}

/* Lie t's columns side by side, as those of a transposed matrix do? */
static int is_turned(const vt_tensor *t) {
    return t->ndim >= 2 && t->strides[t->ndim - 2] == 1 && t->strides[t->ndim - 1] >= t->shape[t->ndim - 2] && t->shape[t->ndim - 1] > 1;
}

/* The gradient of a transposed matrix is made transposed too: turned back, as a weight's is, it is dense and need not be copied. */
vt_status vt__grad_matmul(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    if (c->need[0]) c->grad_in[0] = vt__e2(e, VT__OP_matmul, vt__g(c), vt__e_transpose(e, c->in[1], -2, -1));
    if (c->need[1]) {
        if (is_turned(c->in[1])) c->grad_in[1] = vt__e_transpose(e, vt__e2(e, VT__OP_matmul, vt__e_transpose(e, vt__g(c), -2, -1), c->in[0]), -2, -1);
        else c->grad_in[1] = vt__e2(e, VT__OP_matmul, vt__e_transpose(e, c->in[0], -2, -1), vt__g(c));
    }
    return VT_OK;
}

/* Rows of all leading dims make one matrix, so that there is one product however many they are. */
vt_status vt__compose_linear(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    vt_tensor *x = call->in[0], *w = call->in[1], *b = call->n_in > 2 ? call->in[2] : NULL;
    int64_t shape[VT__MAX_DIMS];
    if (x->ndim < 1 || w->ndim != 2 || x->shape[x->ndim - 1] != w->shape[1])
        return vt__infer_fail(call, VT_ERR_SHAPE, "x [.., in] and w [out, in] are needed");
    if (b && (b->ndim != 1 || b->shape[0] != w->shape[0])) return vt__infer_fail(call, VT_ERR_SHAPE, "the bias must be [out]");
    for (int32_t i = 0; i < x->ndim; i++) shape[i] = x->shape[i];
    int64_t flat[2] = {1, shape[x->ndim - 1]};
    for (int32_t i = 0; i < x->ndim - 1; i++) flat[0] *= shape[i];
    vt_tensor *y = vt__e2(e, VT__OP_matmul, vt__e_reshape(e, x, flat, 2), vt__e_transpose(e, w, 0, 1));
    if (b) y = vt__e2(e, VT__OP_add, y, b);
    shape[x->ndim - 1] = w->shape[0];
    out[0] = vt__e_reshape(e, y, shape, x->ndim);
    return VT_OK;
}

static int are_vectors(const struct vt__infer *call) { return call->in[0]->ndim == 1 && call->in[1]->ndim == 1; }

vt_status vt__compose_dot(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    const int64_t dim = 0;
    if (!are_vectors(call) || call->in[0]->shape[0] != call->in[1]->shape[0]) return vt__infer_fail(call, VT_ERR_SHAPE, "two vectors of one length are needed");
    out[0] = vt__e_sum(e, vt__e2(e, VT__OP_mul, call->in[0], call->in[1]), &dim, 1, 0);
    return VT_OK;
}

vt_status vt__compose_outer(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    if (!are_vectors(call)) return vt__infer_fail(call, VT_ERR_SHAPE, "two vectors are needed");
    const int64_t column[2] = {call->in[0]->shape[0], 1};
    out[0] = vt__e2(e, VT__OP_mul, vt__e_reshape(e, call->in[0], column, 2), call->in[1]);
    return VT_OK;
}
