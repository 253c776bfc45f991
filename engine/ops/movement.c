/* Views: the same elements in other places. */
#include <string.h>

#include "core/error.h"
#include "ops/ops.h"

enum { NEEDS_COPY = -1 }; /* as an offset */

/* The extents asked for, -1 made into what is left. */
static vt_status read_shape(struct vt__infer *call, const vt_tensor *x, struct vt__desc *out) {
    const struct vt__attr *a = &call->attrs->a[0];
    int64_t count = vt__tensor_count(x), known = 1, hole = -1;
    out->dtype = x->dtype;
    out->ndim = a->count;
    for (int32_t i = 0; i < a->count; i++) {
        out->shape[i] = a->i[i];
        if (a->i[i] == -1 && hole < 0) hole = i;
        else if (a->i[i] < 0) return vt__infer_fail(call, VT_ERR_SHAPE, "an extent is negative (one may be -1)");
        else if (__builtin_mul_overflow(known, a->i[i], &known)) return vt__infer_fail(call, VT_ERR_SHAPE, "too many elements");
    }
    if (hole >= 0) {
        if (known == 0 || count % known) return vt__infer_fail(call, VT_ERR_SHAPE, "the extent left open has no whole number");
        out->shape[hole] = count / known;
        known = count;
    }
    return known == count ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "the number of elements differs");
}

/* Strides of x's elements under other extents, group by group of dims that cover the same elements; 0 where a copy is needed. */
static int strides_for(const vt_tensor *x, const struct vt__desc *out, int64_t *strides) {
    int64_t shape[VT__MAX_DIMS], step[VT__MAX_DIMS];
    int32_t n = 0, i = 0, j = 0;
    for (int32_t d = 0; d < x->ndim; d++)
        if (x->shape[d] != 1) shape[n] = x->shape[d], step[n++] = x->strides[d];
    while (i < n) {
        int64_t have = shape[i], want = 1;
        int32_t first = i, start = j;
        while (j < out->ndim && want < have) want *= out->shape[j++];
        while (have != want) {
            if (have < want) {
                if (++i >= n) return 0;
                have *= shape[i];
            } else {
                if (j >= out->ndim) return 0;
                want *= out->shape[j++];
            }
        }
        for (int32_t d = first; d < i; d++)
            if (step[d] != step[d + 1] * shape[d + 1]) return 0;
        int64_t stride = step[i++];
        for (int32_t d = j - 1; d >= start; d--) strides[d] = stride, stride *= out->shape[d];
    }
    for (; j < out->ndim; j++) strides[j] = 1;
    return 1;
}

vt_status vt__infer_reshape(struct vt__infer *call) {
    const vt_tensor *x = call->in[0];
    vt_status st = read_shape(call, x, &call->out[0]);
    if (st != VT_OK) return st;
    call->offset = x->offset;
    if (vt__tensor_is_dense(x)) vt__strides_dense(&call->out[0], call->strides);
    else if (!strides_for(x, &call->out[0], call->strides)) call->offset = NEEDS_COPY;
    return VT_OK;
}

vt_status vt__grad_reshape(struct vt__grad *c) {
    c->grad_in[0] = vt__e_reshape_like(c->expr, vt__g(c), c->in[0]);
    return VT_OK;
}

vt_status vt__infer_expand(struct vt__infer *call) {
    const struct vt__attr *a = &call->attrs->a[0];
    const vt_tensor *x = call->in[0];
    struct vt__desc *out = &call->out[0];
    int32_t extra = a->count - x->ndim;
    if (extra < 0) return vt__infer_fail(call, VT_ERR_SHAPE, "fewer dimensions than the tensor has");
    out->dtype = x->dtype;
    out->ndim = a->count;
    call->offset = x->offset;
    for (int32_t i = 0; i < a->count; i++) {
        int64_t have = i < extra ? 1 : x->shape[i - extra];
        out->shape[i] = a->i[i] == -1 ? have : a->i[i];
        call->strides[i] = have == out->shape[i] && i >= extra ? x->strides[i - extra] : 0;
        if (have != out->shape[i] && have != 1) return vt__infer_fail(call, VT_ERR_SHAPE, "only extents of 1 can be expanded");
    }
    return VT_OK;
}

/* The caller sums over what was repeated. */
vt_status vt__grad_expand(struct vt__grad *c) {
    c->grad_in[0] = vt__g(c);
    return VT_OK;
}

vt_status vt__infer_permute(struct vt__infer *call) {
    const vt_tensor *x = call->in[0];
    uint32_t mask;
    vt_status st = vt__attr_dims(call, 0, x->ndim, &mask);
    if (st != VT_OK) return st;
    if (call->attrs->a[0].count != x->ndim) return vt__infer_fail(call, VT_ERR_SHAPE, "every dimension is needed once");
    call->out[0] = vt__in_desc(call, 0);
    call->offset = x->offset;
    for (int32_t i = 0; i < x->ndim; i++) {
        int64_t d = call->attrs->a[0].i[i];
        if (d < 0) d += x->ndim;
        call->out[0].shape[i] = x->shape[d];
        call->strides[i] = x->strides[d];
    }
    return VT_OK;
}

vt_status vt__grad_permute(struct vt__grad *c) {
    struct vt__attrs back = *c->attrs;
    int32_t ndim = c->in[0]->ndim;
    for (int32_t i = 0; i < ndim; i++) {
        int64_t d = c->attrs->a[0].i[i];
        back.a[0].i[d < 0 ? d + ndim : d] = i;
    }
    vt_tensor *g = vt__g(c);
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_permute, &g, 1, &back);
    return VT_OK;
}

vt_status vt__infer_transpose(struct vt__infer *call) {
    const vt_tensor *x = call->in[0];
    int64_t a, b;
    vt_status st = vt__attr_dim(call, 0, x->ndim, &a);
    if (st == VT_OK) st = vt__attr_dim(call, 1, x->ndim, &b);
    if (st != VT_OK) return st;
    call->out[0] = vt__in_desc(call, 0);
    call->offset = x->offset;
    memcpy(call->strides, x->strides, sizeof call->strides);
    call->out[0].shape[a] = x->shape[b];
    call->out[0].shape[b] = x->shape[a];
    call->strides[a] = x->strides[b];
    call->strides[b] = x->strides[a];
    return VT_OK;
}

vt_status vt__grad_transpose(struct vt__grad *c) {
    vt_tensor *g = vt__g(c);
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_transpose, &g, 1, c->attrs);
    return VT_OK;
}

/* x itself, for views that change one or two dims of it. */
static void start_view(struct vt__infer *call) {
    call->out[0] = vt__in_desc(call, 0);
    call->offset = call->in[0]->offset;
    memcpy(call->strides, call->in[0]->strides, sizeof call->strides);
}

static void remove_dim(struct vt__infer *call, int64_t dim) {
    struct vt__desc *out = &call->out[0];
    out->ndim--;
    for (int64_t d = dim; d < out->ndim; d++) {
        out->shape[d] = out->shape[d + 1];
        call->strides[d] = call->strides[d + 1];
    }
}

static vt_status insert_dim(struct vt__infer *call, int64_t dim, int64_t extent, int64_t stride) {
    struct vt__desc *out = &call->out[0];
    if (out->ndim == VT__MAX_DIMS) return vt__infer_fail(call, VT_ERR_SHAPE, "there would be more than 8 dimensions");
    for (int64_t d = out->ndim++; d > dim; d--) {
        out->shape[d] = out->shape[d - 1];
        call->strides[d] = call->strides[d - 1];
    }
    out->shape[dim] = extent;
    call->strides[dim] = stride;
    return VT_OK;
}

static int64_t cut(int64_t i, int64_t extent) {
    if (i < 0) i = i < -extent ? 0 : i + extent;
    return i > extent ? extent : i;
}

enum { SLICE_DIM, SLICE_START, SLICE_STOP, SLICE_STEP };

vt_status vt__infer_slice(struct vt__infer *call) {
    const struct vt__attr *a = call->attrs->a;
    int64_t dim, step = a[SLICE_STEP].i[0];
    vt_status st = vt__attr_dim(call, SLICE_DIM, call->in[0]->ndim, &dim);
    if (st != VT_OK) return st;
    if (step < 1) return vt__infer_fail(call, VT_ERR_INVALID, "the step must be at least 1; flip goes backwards");
    start_view(call);
    int64_t extent = call->out[0].shape[dim], start = a[SLICE_START].given ? cut(a[SLICE_START].i[0], extent) : 0;
    int64_t stop = a[SLICE_STOP].given ? cut(a[SLICE_STOP].i[0], extent) : extent, n = stop > start ? (stop - start - 1) / step + 1 : 0;
    call->out[0].shape[dim] = n;
    if (!n) return VT_OK;
    call->offset += start * call->strides[dim];
    if (n > 1) call->strides[dim] *= step; /* no overflow: the places exist */
    return VT_OK;
}

/* g in zeros of x's extents: start, step along dim. */
static vt_tensor *place(const struct vt__grad *c, vt_tensor *g, int64_t dim, int64_t start, int64_t step) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_slice_grad], &attrs);
    attrs.a[0] = vt__attr_int(dim);
    attrs.a[1] = vt__attr_int(start);
    attrs.a[2] = vt__attr_int(step);
    attrs.a[3] = vt__attr_int(c->in[0]->shape[dim]);
    return vt__expr_op(c->expr, VT__OP_slice_grad, &g, 1, &attrs);
}

vt_status vt__grad_slice(struct vt__grad *c) {
    const struct vt__attr *a = c->attrs->a;
    int64_t dim = a[SLICE_DIM].i[0] < 0 ? a[SLICE_DIM].i[0] + c->in[0]->ndim : a[SLICE_DIM].i[0];
    int64_t start = a[SLICE_START].given ? cut(a[SLICE_START].i[0], c->in[0]->shape[dim]) : 0;
    c->grad_in[0] = place(c, vt__g(c), dim, start, a[SLICE_STEP].i[0]);
    return VT_OK;
}

vt_status vt__infer_select(struct vt__infer *call) {
    int64_t dim, index = call->attrs->a[1].i[0];
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim, &dim);
    if (st != VT_OK) return st;
    start_view(call);
    int64_t extent = call->out[0].shape[dim];
    if (index < -extent || index >= extent)
        return vt__fail(VT_ERR_SHAPE, "select: index %lld (from 0) of an extent of %lld", (long long)index, (long long)extent);
    call->offset += (index < 0 ? index + extent : index) * call->strides[dim];
    remove_dim(call, dim);
    return VT_OK;
}

vt_status vt__grad_select(struct vt__grad *c) {
    int64_t shape[VT__MAX_DIMS], dim = c->attrs->a[0].i[0], index = c->attrs->a[1].i[0];
    int32_t ndim = c->in[0]->ndim;
    if (dim < 0) dim += ndim;
    if (index < 0) index += c->in[0]->shape[dim];
    for (int32_t d = 0; d < ndim; d++) shape[d] = d == dim ? 1 : c->in[0]->shape[d];
    c->grad_in[0] = place(c, vt__e_reshape(c->expr, vt__g(c), shape, ndim), dim, index, 1);
    return VT_OK;
}

vt_status vt__infer_unsqueeze(struct vt__infer *call) {
    int64_t dim;
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim + 1, &dim);
    if (st != VT_OK) return st;
    start_view(call);
    return insert_dim(call, dim, 1, 1);
}

vt_status vt__infer_squeeze(struct vt__infer *call) {
    uint32_t mask;
    vt_status st = vt__attr_dims(call, 0, call->in[0]->ndim, &mask);
    if (st != VT_OK) return st;
    start_view(call);
    for (int64_t d = call->out[0].ndim - 1; d >= 0; d--)
        if ((mask >> d & 1) && call->out[0].shape[d] == 1) remove_dim(call, d);
    return VT_OK;
}

vt_status vt__infer_diagonal(struct vt__infer *call) {
    int64_t offset = call->attrs->a[0].i[0], a, b;
    vt_status st = vt__attr_dim(call, 1, call->in[0]->ndim, &a);
    if (st == VT_OK) st = vt__attr_dim(call, 2, call->in[0]->ndim, &b);
    if (st != VT_OK) return st;
    if (a == b) return vt__infer_fail(call, VT_ERR_SHAPE, "two different dimensions are needed");
    start_view(call);
    int64_t rows = call->out[0].shape[a], columns = call->out[0].shape[b], stride = call->strides[a] + call->strides[b], n = 0;
    if (offset >= -rows && offset <= columns) n = offset < 0 ? (rows + offset < columns ? rows + offset : columns) : (columns - offset < rows ? columns - offset : rows);
    if (n > 0) call->offset += offset < 0 ? -offset * call->strides[a] : offset * call->strides[b];
    remove_dim(call, a > b ? a : b);
    remove_dim(call, a > b ? b : a);
    return insert_dim(call, call->out[0].ndim, n, stride);
}

vt_status vt__grad_diagonal(struct vt__grad *c) {
    struct vt__attrs attrs;
    vt_tensor *g = vt__g(c);
    vt__attrs_default(&vt__op_table[VT__OP_diagonal_grad], &attrs);
    attrs.a[0] = vt__attr_int(c->attrs->a[0].i[0]);
    for (int32_t i = 0; i < 2; i++) {
        int64_t dim = c->attrs->a[1 + i].i[0];
        if (dim < 0) dim += c->in[0]->ndim;
        attrs.a[1 + i] = vt__attr_int(dim);
        attrs.a[3 + i] = vt__attr_int(c->in[0]->shape[dim]);
    }
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_diagonal_grad, &g, 1, &attrs);
    return VT_OK;
}

vt_status vt__infer_unfold(struct vt__infer *call) {
    int64_t dim, size = call->attrs->a[1].i[0], step = call->attrs->a[2].i[0];
    vt_status st = vt__attr_dim(call, 0, call->in[0]->ndim, &dim);
    if (st != VT_OK) return st;
    start_view(call);
    if (size < 1 || step < 1 || size > call->out[0].shape[dim]) return vt__infer_fail(call, VT_ERR_SHAPE, "size and step are at least 1, size at most the extent");
    int64_t stride = call->strides[dim];
    call->out[0].shape[dim] = (call->out[0].shape[dim] - size) / step + 1;
    if (call->out[0].shape[dim] > 1) call->strides[dim] = stride * step;
    return insert_dim(call, call->out[0].ndim, size, stride);
}

vt_status vt__grad_unfold(struct vt__grad *c) {
    struct vt__attrs attrs;
    vt_tensor *g = vt__g(c);
    int64_t dim = c->attrs->a[0].i[0];
    if (dim < 0) dim += c->in[0]->ndim;
    vt__attrs_default(&vt__op_table[VT__OP_unfold_grad], &attrs);
    attrs.a[0] = vt__attr_int(dim);
    attrs.a[1] = vt__attr_int(c->attrs->a[2].i[0]);
    attrs.a[2] = vt__attr_int(c->in[0]->shape[dim]);
    c->grad_in[0] = vt__expr_op(c->expr, VT__OP_unfold_grad, &g, 1, &attrs);
    return VT_OK;
}

vt_status vt__compose_flatten(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    const vt_tensor *x = call->in[0];
    int64_t first = 0, last = 0, shape[VT__MAX_DIMS] = {1};
    if (x->ndim == 0) return out[0] = vt__e_reshape(e, call->in[0], shape, 1), VT_OK;
    vt_status st = vt__attr_dim(call, 0, x->ndim, &first);
    if (st == VT_OK) st = vt__attr_dim(call, 1, x->ndim, &last);
    if (st != VT_OK) return st;
    if (first > last) return vt__infer_fail(call, VT_ERR_SHAPE, "start comes after stop");
    int32_t n = 0;
    for (int64_t d = 0; d < x->ndim; d++) {
        if (d > first && d <= last) shape[n - 1] *= x->shape[d];
        else shape[n++] = x->shape[d];
    }
    out[0] = vt__e_reshape(e, call->in[0], shape, n);
    return VT_OK;
}
