/* Views: the same elements in other places. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
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
