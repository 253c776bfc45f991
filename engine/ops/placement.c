/* Copies that put elements in other places: what views do backwards, flips, padding, joining. */
#include "core/error.h"
#include "ops/ops.h"

/* The gradient is op of g, whose first n attributes are those given and whose others are defaults. */
static vt_status by_op(struct vt__grad *c, int32_t op, const struct vt__attr *first, int32_t n) {
    struct vt__attrs attrs;
    vt_tensor *g = vt__g(c);
    vt__attrs_default(&vt__op_table[op], &attrs);
    for (int32_t i = 0; i < n; i++) attrs.a[i] = first[i];
    c->grad_in[0] = vt__expr_op(c->expr, op, &g, 1, &attrs);
    return VT_OK;
}

static vt_status check_size(struct vt__infer *call, int ok) { return ok ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "the places do not lie in the extent given"); }

vt_status vt__infer_slice_grad(struct vt__infer *call) {
    int64_t dim, start = call->attrs->a[1].i[0], step = call->attrs->a[2].i[0], size = call->attrs->a[3].i[0];
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim, &dim);
    if (st != VT_OK) return st;
    call->out[0] = vt__in_desc(call, 0);
    int64_t n = call->out[0].shape[dim];
    call->out[0].shape[dim] = size;
    return check_size(call, size >= 0 && start >= 0 && step >= 1 && (n == 0 || (start < size && n - 1 <= (size - 1 - start) / step)));
}

vt_status vt__grad_slice_grad(struct vt__grad *c) {
    const struct vt__attr *a = c->attrs->a;
    int64_t n = c->in[0]->shape[vt__dim_index(a[0].i[0], c->in[0]->ndim)], stop = n ? a[1].i[0] + (n - 1) * a[2].i[0] + 1 : a[1].i[0];
    const struct vt__attr attrs[] = {a[0], a[1], vt__attr_int(stop), a[2]};
    return by_op(c, VT__OP_slice, attrs, 4);
}

vt_status vt__infer_diagonal_grad(struct vt__infer *call) {
    const struct vt__attr *a = call->attrs->a;
    struct vt__desc g = vt__in_desc(call, 0), *out = &call->out[0];
    int64_t offset = a[0].i[0], dim0 = a[1].i[0], dim1 = a[2].i[0], rows = a[3].i[0], columns = a[4].i[0], n = 0;
    int32_t ndim = g.ndim + 1, next = 0;
    if (g.ndim < 1 || ndim > VT__MAX_DIMS || dim0 == dim1 || dim0 < 0 || dim1 < 0 || dim0 >= ndim || dim1 >= ndim || rows < 0 || columns < 0)
        return check_size(call, 0);
    if (offset >= -rows && offset <= columns) n = offset < 0 ? (rows + offset < columns ? rows + offset : columns) : (columns - offset < rows ? columns - offset : rows);
    out->dtype = g.dtype;
    out->ndim = ndim;
    for (int32_t d = 0; d < ndim; d++) out->shape[d] = d == dim0 ? rows : d == dim1 ? columns : g.shape[next++];
    return check_size(call, g.shape[g.ndim - 1] == n);
}

vt_status vt__grad_diagonal_grad(struct vt__grad *c) { return by_op(c, VT__OP_diagonal, c->attrs->a, 3); }

vt_status vt__infer_unfold_grad(struct vt__infer *call) {
    struct vt__desc g = vt__in_desc(call, 0);
    int64_t dim = call->attrs->a[0].i[0], step = call->attrs->a[1].i[0], size = call->attrs->a[2].i[0];
    if (g.ndim < 2 || dim < 0 || dim >= g.ndim - 1 || step < 1) return check_size(call, 0);
    int64_t window = g.shape[g.ndim - 1], n = g.shape[dim];
    g.ndim--;
    g.shape[dim] = size;
    call->out[0] = g;
    return check_size(call, window >= 1 && size >= window && n == (size - window) / step + 1);
}

vt_status vt__grad_unfold_grad(struct vt__grad *c) {
    const struct vt__attr attrs[] = {c->attrs->a[0], vt__attr_int(c->in[0]->shape[c->in[0]->ndim - 1]), c->attrs->a[1]};
    return by_op(c, VT__OP_unfold, attrs, 3);
}

vt_status vt__compose_diag_embed(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    const vt_tensor *x = call->in[0];
    int64_t offset = call->attrs->a[0].i[0], far = offset < 0 ? -offset : offset;
    struct vt__attrs attrs;
    if (x->ndim < 1 || x->ndim >= VT__MAX_DIMS || offset == INT64_MIN) return vt__infer_fail(call, VT_ERR_SHAPE, "1 to 7 dimensions are needed");
    vt__attrs_default(&vt__op_table[VT__OP_diagonal_grad], &attrs);
    const int64_t values[] = {offset, x->ndim - 1, x->ndim, x->shape[x->ndim - 1] + far, x->shape[x->ndim - 1] + far};
    for (int32_t i = 0; i < 5; i++) attrs.a[i] = vt__attr_int(values[i]);
    out[0] = vt__expr_op(e, VT__OP_diagonal_grad, call->in, 1, &attrs);
    return VT_OK;
}

vt_status vt__infer_flip(struct vt__infer *call) {
    uint32_t mask;
    call->out[0] = vt__in_desc(call, 0);
    return vt__attr_dims(call, 0, call->in[0]->ndim, &mask);
}

/* Flipping is its own inverse. */
vt_status vt__grad_flip(struct vt__grad *c) { return by_op(c, VT__OP_flip, c->attrs->a, 1); }

vt_status vt__infer_roll(struct vt__infer *call) {
    uint32_t mask;
    call->out[0] = vt__in_desc(call, 0);
    vt_status st = vt__attr_dims(call, 1, call->in[0]->ndim, &mask);
    if (st == VT_OK && call->attrs->a[0].count != call->attrs->a[1].count) st = vt__infer_fail(call, VT_ERR_INVALID, "a shift for each dimension is needed");
    return st;
}

vt_status vt__grad_roll(struct vt__grad *c) {
    struct vt__attr back[] = {c->attrs->a[0], c->attrs->a[1]};
    for (int32_t i = 0; i < back[0].count; i++) {
        int64_t extent = c->in[0]->shape[vt__dim_index(back[1].i[i], c->in[0]->ndim)];
        back[0].i[i] = extent ? -(back[0].i[i] % extent) : 0;
    }
    return by_op(c, VT__OP_roll, back, 2);
}

enum { PAD_CONSTANT, PAD_REFLECT, PAD_REPLICATE, PAD_CIRCULAR };

/* Extents of x padded; what each mode needs of them. */
static vt_status padded(struct vt__infer *call, const struct vt__desc *x, struct vt__desc *out) {
    const struct vt__attr *pads = &call->attrs->a[0];
    int64_t mode = call->attrs->a[1].i[0];
    *out = *x;
    if (pads->count % 2 || pads->count / 2 > x->ndim) return vt__infer_fail(call, VT_ERR_INVALID, "pads are pairs, at most one a dimension");
    for (int32_t i = 0; i < pads->count / 2; i++) {
        int64_t *n = &out->shape[x->ndim - 1 - i], before = pads->i[2 * i], after = pads->i[2 * i + 1], most = *n;
        int ok = mode == PAD_CONSTANT || (before >= 0 && after >= 0 && (*n > 0 || (!before && !after)));
        if (mode == PAD_REFLECT) ok &= before < (most ? most : 1) && after < (most ? most : 1);
        if (mode == PAD_CIRCULAR) ok &= before <= most && after <= most;
        if (!ok || __builtin_add_overflow(*n, before, n) || __builtin_add_overflow(*n, after, n) || *n < 0)
            return vt__infer_fail(call, VT_ERR_SHAPE, "padding does not fit the extent (reflect: less than it, circular: at most it, negative: constant only)");
    }
    return VT_OK;
}

vt_status vt__infer_pad(struct vt__infer *call) {
    struct vt__desc x = vt__in_desc(call, 0);
    return padded(call, &x, &call->out[0]);
}

vt_status vt__infer_pad_grad(struct vt__infer *call) {
    const struct vt__attr *shape = &call->attrs->a[2];
    struct vt__desc g = vt__in_desc(call, 0), x = {.dtype = g.dtype, .ndim = shape->count}, want;
    for (int32_t d = 0; d < shape->count; d++) x.shape[d] = shape->i[d];
    vt_status st = padded(call, &x, &want);
    int same = st == VT_OK && want.ndim == g.ndim;
    for (int32_t d = 0; same && d < g.ndim; d++) same = want.shape[d] == g.shape[d];
    call->out[0] = x;
    return st != VT_OK || same ? st : vt__infer_fail(call, VT_ERR_SHAPE, "not the extents of such a padded tensor");
}

vt_status vt__grad_pad(struct vt__grad *c) {
    struct vt__attr attrs[] = {c->attrs->a[0], c->attrs->a[1], {.given = 1, .count = c->in[0]->ndim}};
    for (int32_t d = 0; d < c->in[0]->ndim; d++) attrs[2].i[d] = c->in[0]->shape[d];
    return by_op(c, VT__OP_pad_grad, attrs, 3);
}

vt_status vt__grad_pad_grad(struct vt__grad *c) { return by_op(c, VT__OP_pad, c->attrs->a, 2); }

vt_status vt__infer_cat(struct vt__infer *call) {
    struct vt__desc *out = &call->out[0];
    int64_t dim;
    *out = vt__in_desc(call, 0);
    vt_status st = vt__attr_dim(call, 0, out->ndim, &dim);
    for (int32_t i = 1; st == VT_OK && i < call->n_in; i++) {
        const vt_tensor *t = call->in[i];
        int same = t->ndim == out->ndim;
        for (int32_t d = 0; same && d < t->ndim; d++) same = d == dim || t->shape[d] == out->shape[d];
        if (!same || __builtin_add_overflow(out->shape[dim], t->shape[dim], &out->shape[dim]))
            return vt__infer_fail(call, VT_ERR_SHAPE, "extents other than that of the dimension differ");
        out->dtype = vt__dtype_promote(out->dtype, t->dtype);
    }
    return st;
}

vt_status vt__grad_cat(struct vt__grad *c) {
    int64_t dim = vt__dim_index(c->attrs->a[0].i[0], c->in[0]->ndim), at = 0;
    vt_tensor *g = vt__g(c);
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_slice], &attrs);
    for (int32_t i = 0; i < c->n_in; i++) {
        int64_t end = at + c->in[i]->shape[dim];
        attrs.a[0] = vt__attr_int(dim);
        attrs.a[1] = vt__attr_int(at);
        attrs.a[2] = vt__attr_int(end);
        if (c->need[i]) c->grad_in[i] = vt__expr_op(c->expr, VT__OP_slice, &g, 1, &attrs);
        at = end;
    }
    return VT_OK;
}

vt_status vt__infer_matrices(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    return call->out[0].ndim >= 2 ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "matrices have at least two dimensions");
}

vt_status vt__grad_triangle(struct vt__grad *c) { return by_op(c, c->op->id, c->attrs->a, 1); }
