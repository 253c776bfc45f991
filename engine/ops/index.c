/* Operations by tensors of indices, sorting. Whether an index lies in its extent is the runner's to see. */
#include "core/error.h"
#include "ops/ops.h"

static int is_index(const vt_tensor *t) { return t->dtype == VT_DTYPE_I64 || t->dtype == VT_DTYPE_I32; }

static vt_status check_index(struct vt__infer *call) {
    return is_index(call->in[1]) ? VT_OK : vt__infer_fail(call, VT_ERR_DTYPE, "indices are i64 or i32");
}

vt_status vt__infer_index_select(struct vt__infer *call) {
    int64_t dim;
    call->out[0] = vt__in_desc(call, 0);
    vt_status st = vt__attr_dim(call, 0, call->out[0].ndim, &dim);
    if (st == VT_OK) st = check_index(call);
    if (st == VT_OK && call->in[1]->ndim != 1) st = vt__infer_fail(call, VT_ERR_SHAPE, "indices are a vector");
    if (st == VT_OK) call->out[0].shape[dim] = call->in[1]->shape[0];
    return st;
}

/* op(zeros like x, index, g) along the call's dim. */
static vt_tensor *add_back(const struct vt__grad *c, int32_t op) {
    vt_tensor *in[] = {vt__e_zeros_like(c->expr, c->in[0]), c->in[1], vt__g(c)};
    return vt__expr_op(c->expr, op, in, 3, c->attrs);
}

vt_status vt__grad_index_select(struct vt__grad *c) {
    c->grad_in[0] = add_back(c, VT__OP_index_add);
    return VT_OK;
}

vt_status vt__infer_index_add(struct vt__infer *call) {
    struct vt__desc x = vt__in_desc(call, 0);
    int64_t dim;
    call->out[0] = x;
    vt_status st = vt__attr_dim(call, 0, x.ndim, &dim);
    if (st == VT_OK) st = check_index(call);
    if (st != VT_OK) return st;
    const vt_tensor *source = call->in[2];
    int same = source->ndim == x.ndim && call->in[1]->ndim == 1 && source->shape[dim] == call->in[1]->shape[0];
    for (int32_t d = 0; same && d < x.ndim; d++) same = d == dim || source->shape[d] == x.shape[d];
    if (!same) return vt__infer_fail(call, VT_ERR_SHAPE, "source has the extents of x, at dim that of the index vector");
    call->out[0].dtype = vt__dtype_promote(x.dtype, source->dtype);
    return VT_OK;
}

/* What lies at the indices. */
static vt_tensor *look_up(const struct vt__grad *c, int32_t op) {
    vt_tensor *in[] = {vt__g(c), c->in[1]};
    return vt__expr_op(c->expr, op, in, 2, c->attrs);
}

vt_status vt__grad_index_add(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    if (c->need[2]) c->grad_in[2] = look_up(c, VT__OP_index_select);
    return VT_OK;
}

vt_status vt__compose_embedding(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    vt_tensor *weight = call->in[0], *index = call->in[1];
    int64_t shape[VT__MAX_DIMS], n = vt__tensor_count(index);
    struct vt__attrs attrs;
    if (weight->ndim != 2 || index->ndim >= VT__MAX_DIMS) return vt__infer_fail(call, VT_ERR_SHAPE, "weight is [n, d], the index has at most 7 dimensions");
    for (int32_t d = 0; d < index->ndim; d++) shape[d] = index->shape[d];
    shape[index->ndim] = weight->shape[1];
    vt__attrs_default(&vt__op_table[VT__OP_index_select], &attrs);
    attrs.a[0].given = 1;
    vt_tensor *in[] = {weight, vt__e_reshape(e, index, &n, 1)};
    out[0] = vt__e_reshape(e, vt__expr_op(e, VT__OP_index_select, in, 2, &attrs), shape, index->ndim + 1);
    return VT_OK;
}

/* Extents of index: none larger than x's but at dim. */
static vt_status check_gather(struct vt__infer *call, int64_t *dim) {
    const vt_tensor *x = call->in[0], *index = call->in[1];
    vt_status st = vt__attr_dim(call, 0, x->ndim, dim);
    if (st == VT_OK) st = check_index(call);
    if (st != VT_OK) return st;
    int fits = index->ndim == x->ndim;
    for (int32_t d = 0; fits && d < x->ndim; d++) fits = d == *dim || index->shape[d] <= x->shape[d];
    return fits ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "the index has as many dimensions as x, none but dim with a larger extent");
}

vt_status vt__infer_gather(struct vt__infer *call) {
    int64_t dim;
    vt_status st = check_gather(call, &dim);
    call->out[0] = vt__in_desc(call, 1);
    call->out[0].dtype = call->in[0]->dtype;
    return st;
}

vt_status vt__grad_gather(struct vt__grad *c) {
    c->grad_in[0] = add_back(c, VT__OP_scatter_add);
    return VT_OK;
}

vt_status vt__infer_scatter(struct vt__infer *call) {
    const vt_tensor *source = call->in[2];
    int64_t dim;
    vt_status st = check_gather(call, &dim);
    if (st != VT_OK) return st;
    int same = source->ndim == call->in[1]->ndim;
    for (int32_t d = 0; same && d < source->ndim; d++) same = source->shape[d] == call->in[1]->shape[d];
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = vt__dtype_promote(call->in[0]->dtype, source->dtype);
    return same ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "source has the index's extents");
}

/* x's numbers are gone where something was written; of several numbers for one place only the last has a gradient. */
vt_status vt__grad_scatter(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    if (c->need[0]) {
        vt_tensor *in[] = {vt__g(c), c->in[1], vt__e_zeros_like(e, c->in[2])};
        c->grad_in[0] = vt__expr_op(e, VT__OP_scatter, in, 3, c->attrs);
    }
    if (c->need[2]) {
        vt_tensor *in[] = {vt__g(c), c->in[1]};
        c->grad_in[2] = vt__e2(e, VT__OP_mul, look_up(c, VT__OP_gather), vt__expr_op(e, VT__OP_scatter_last, in, 2, c->attrs));
    }
    return VT_OK;
}

vt_status vt__infer_scatter_last(struct vt__infer *call) {
    int64_t dim;
    vt_status st = check_gather(call, &dim);
    call->out[0] = vt__in_desc(call, 1);
    call->out[0].dtype = vt__dtype_float(call->in[0]->dtype);
    return st;
}

vt_status vt__grad_scatter_add(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    if (c->need[2]) c->grad_in[2] = look_up(c, VT__OP_gather);
    return VT_OK;
}

vt_status vt__infer_one_hot(struct vt__infer *call) {
    struct vt__desc *out = &call->out[0];
    *out = vt__in_desc(call, 0);
    if (!is_index(call->in[0])) return vt__infer_fail(call, VT_ERR_DTYPE, "indices are i64 or i32");
    if (out->ndim == VT__MAX_DIMS || call->attrs->a[0].i[0] < 1) return vt__infer_fail(call, VT_ERR_SHAPE, "at most 7 dimensions, at least 1 class");
    out->shape[out->ndim++] = call->attrs->a[0].i[0];
    out->dtype = (int32_t)call->attrs->a[1].i[0];
    return VT_OK;
}

/* Values, and indices beside them. */
static vt_status sorted(struct vt__infer *call, int64_t dim, int64_t extent) {
    call->out[0] = vt__in_desc(call, 0);
    if (vt__dtype_kind(call->out[0].dtype) == VT__KIND_COMPLEX) return vt__infer_fail(call, VT_ERR_DTYPE, "complex numbers have no order");
    call->out[0].shape[dim] = extent;
    call->out[1] = call->out[0];
    call->out[1].dtype = VT_DTYPE_I64;
    return VT_OK;
}

vt_status vt__infer_sort(struct vt__infer *call) {
    int64_t dim;
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim, &dim);
    return st == VT_OK ? sorted(call, dim, call->in[0]->shape[dim]) : st;
}

vt_status vt__infer_crs_rows(struct vt__infer *call) {
    struct vt__desc x = vt__in_desc(call, 0), w = vt__in_desc(call, 1), u = vt__in_desc(call, 2);
    if (!vt__dtype_is_float(x.dtype) || !vt__dtype_is_float(w.dtype) || !vt__dtype_is_float(u.dtype))
        return vt__infer_fail(call, VT_ERR_DTYPE, "float types are needed");
    if (x.ndim != 2 || w.ndim != 1 || u.ndim != 1 || w.shape[0] != x.shape[0] || u.shape[0] > x.shape[0] || x.shape[0] > UINT32_MAX)
        return vt__infer_fail(call, VT_ERR_SHAPE, "x [n, m] has weights [n] and at most n numbers u, n at most 2^32 - 1");
    call->out[0] = x;
    call->out[0].shape[0] = u.shape[0];
    call->out[1] = u;
    call->out[1].dtype = VT_DTYPE_I64;
    return VT_OK;
}

vt_status vt__infer_topk(struct vt__infer *call) {
    int64_t dim, k = call->attrs->a[0].i[0];
    vt_status st = vt__attr_dim(call, 1, call->in[0]->ndim, &dim);
    if (st != VT_OK) return st;
    if (k < 0 || k > call->in[0]->shape[dim]) return vt__infer_fail(call, VT_ERR_SHAPE, "k is at most the extent");
    return sorted(call, dim, k);
}

vt_status vt__grad_sort(struct vt__grad *c) {
    struct vt__attrs attrs;
    vt_tensor *in[] = {vt__e_zeros_like(c->expr, c->in[0]), c->out[1], vt__g(c)};
    vt__attrs_default(&vt__op_table[VT__OP_scatter_add], &attrs);
    attrs.a[0] = c->attrs->a[c->op->id == VT__OP_topk ? 1 : 0];
    attrs.a[0].i[0] = vt__dim_index(attrs.a[0].i[0], c->in[0]->ndim);
    if (vt__g(c)) c->grad_in[0] = vt__expr_op(c->expr, VT__OP_scatter_add, in, 3, &attrs);
    return VT_OK;
}
