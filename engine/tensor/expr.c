#include "tensor/expr.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

void vt__expr_begin(struct vt__expr *e, vt_context *ctx) {
    memset(e, 0, sizeof *e);
    e->ctx = ctx;
}

vt_status vt__expr_end(struct vt__expr *e) {
    for (int64_t i = 0; i < e->n_made; i++) vt__tensor_release(e->made[i]);
    vt__free(e->ctx, e->made);
    e->made = NULL;
    e->n_made = e->cap = 0;
    return e->status;
}

vt_tensor *vt__expr_take(struct vt__expr *e, vt_tensor *t) {
    if (!t) return NULL;
    if (vt__reserve(e->ctx, (void **)&e->made, &e->cap, e->n_made + 1, sizeof *e->made)) {
        if (e->status == VT_OK) e->status = vt__fail_nomem("expression", sizeof *e->made);
        vt__tensor_release(t);
        return NULL;
    }
    return e->made[e->n_made++] = t;
}

void vt__expr_ops(struct vt__expr *e, int32_t op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor **out) {
    int32_t least, most, n_out = vt__op_table[op].n_out;
    for (int32_t i = 0; i < n_out; i++) out[i] = NULL;
    if (e->status != VT_OK) return;
    vt__op_inputs(&vt__op_table[op], &least, &most);
    for (int32_t i = 0; i < least && i < n_in; i++)
        if (!in[i]) return;
    e->status = vt__op_run(e->ctx, op, in, n_in, attrs, out);
    for (int32_t i = 0; i < n_out; i++) out[i] = vt__expr_take(e, out[i]);
}

vt_tensor *vt__expr_op(struct vt__expr *e, int32_t op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs) {
    vt_tensor *out[VT__MAX_OUT] = {0};
    vt__expr_ops(e, op, in, n_in, attrs, out);
    return out[0];
}

vt_tensor *vt__e1(struct vt__expr *e, int32_t op, vt_tensor *a) { return vt__expr_op(e, op, &a, 1, NULL); }

vt_tensor *vt__e2(struct vt__expr *e, int32_t op, vt_tensor *a, vt_tensor *b) {
    vt_tensor *in[] = {a, b};
    return vt__expr_op(e, op, in, 2, NULL);
}

vt_tensor *vt__e3(struct vt__expr *e, int32_t op, vt_tensor *a, vt_tensor *b, vt_tensor *c) {
    vt_tensor *in[] = {a, b, c};
    return vt__expr_op(e, op, in, 3, NULL);
}

/* An uninitialised tensor filled with s. */
static vt_tensor *filled(struct vt__expr *e, const vt_tensor *like, const struct vt__desc *desc, double s) {
    struct vt__attrs attrs;
    vt_tensor *t = NULL;
    if (!like || e->status != VT_OK) return NULL;
    e->status = vt__tensor_create(e->ctx, like->storage ? like->storage->backend : e->backend ? e->backend : &vt__backend_cpu, desc, &t);
    if (e->status != VT_OK) return NULL;
    vt__attrs_default(&vt__op_table[VT__OP_fill], &attrs);
    attrs.a[0].given = 1;
    attrs.a[0].f = s;
    e->status = vt__op_run_into(e->ctx, VT__OP_fill, &t, 1, &attrs, &t);
    return vt__expr_take(e, t);
}

vt_tensor *vt__e_scalar(struct vt__expr *e, const vt_tensor *like, double s) {
    struct vt__desc desc = {.dtype = like ? vt__dtype_real(like->dtype) : VT_DTYPE_F32};
    return filled(e, like, &desc, s);
}

vt_tensor *vt__e_zeros_like(struct vt__expr *e, const vt_tensor *like) {
    if (!like) return NULL;
    struct vt__desc desc = vt__tensor_desc(like);
    return filled(e, like, &desc, 0);
}

vt_tensor *vt__e_add_scalar(struct vt__expr *e, vt_tensor *a, double s) { return vt__e2(e, VT__OP_add, a, vt__e_scalar(e, a, s)); }
vt_tensor *vt__e_scale(struct vt__expr *e, vt_tensor *a, double s) { return vt__e2(e, VT__OP_mul, a, vt__e_scalar(e, a, s)); }
vt_tensor *vt__e_pow_scalar(struct vt__expr *e, vt_tensor *a, double s) { return vt__e2(e, VT__OP_pow, a, vt__e_scalar(e, a, s)); }

static void set_list(struct vt__attr *a, const int64_t *list, int32_t n) {
    a->given = 1;
    a->count = n;
    for (int32_t i = 0; i < n; i++) a->i[i] = list[i];
}

vt_tensor *vt__e_sum(struct vt__expr *e, vt_tensor *a, const int64_t *dims, int32_t n_dims, int32_t keepdim) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_sum], &attrs);
    set_list(&attrs.a[0], dims, n_dims);
    attrs.a[1] = vt__attr_int(keepdim);
    return vt__expr_op(e, VT__OP_sum, &a, 1, &attrs);
}

vt_tensor *vt__e_mean(struct vt__expr *e, vt_tensor *a, const int64_t *dims, int32_t n_dims, int32_t keepdim) {
    int64_t n = 1;
    if (!a) return NULL;
    for (int32_t i = 0; i < n_dims; i++) n *= a->shape[dims[i] < 0 ? dims[i] + a->ndim : dims[i]];
    return vt__e_scale(e, vt__e_sum(e, a, dims, n_dims, keepdim), 1.0 / (double)n);
}

static vt_tensor *with_shape(struct vt__expr *e, int32_t op, vt_tensor *a, const int64_t *shape, int32_t ndim) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[op], &attrs);
    set_list(&attrs.a[0], shape, ndim);
    return vt__expr_op(e, op, &a, 1, &attrs);
}

vt_tensor *vt__e_reshape(struct vt__expr *e, vt_tensor *a, const int64_t *shape, int32_t ndim) { return with_shape(e, VT__OP_reshape, a, shape, ndim); }
vt_tensor *vt__e_reshape_like(struct vt__expr *e, vt_tensor *a, const vt_tensor *like) { return vt__e_reshape(e, a, like->shape, like->ndim); }
vt_tensor *vt__e_expand_like(struct vt__expr *e, vt_tensor *a, const vt_tensor *like) { return with_shape(e, VT__OP_expand, a, like->shape, like->ndim); }

vt_tensor *vt__e_transpose(struct vt__expr *e, vt_tensor *a, int64_t dim0, int64_t dim1) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_transpose], &attrs);
    attrs.a[0] = vt__attr_int(dim0);
    attrs.a[1] = vt__attr_int(dim1);
    return vt__expr_op(e, VT__OP_transpose, &a, 1, &attrs);
}

vt_tensor *vt__e_cast(struct vt__expr *e, vt_tensor *a, int32_t dtype) {
    struct vt__attrs attrs;
    if (!a || a->dtype == dtype) return a;
    vt__attrs_default(&vt__op_table[VT__OP_cast], &attrs);
    attrs.a[0] = vt__attr_int(dtype);
    return vt__expr_op(e, VT__OP_cast, &a, 1, &attrs);
}

vt_tensor *vt__e_sum_to(struct vt__expr *e, vt_tensor *a, const int64_t *shape, int32_t ndim) {
    int64_t dims[VT__MAX_DIMS];
    int32_t n = 0;
    if (!a) return NULL;
    int32_t extra = a->ndim - ndim;
    for (int32_t i = 0; i < a->ndim; i++)
        if (i < extra || (shape[i - extra] == 1 && a->shape[i] != 1)) dims[n++] = i;
    if (n) a = vt__e_sum(e, a, dims, n, 1);
    return a && extra ? vt__e_reshape(e, a, shape, ndim) : a;
}

vt_tensor *vt__e_unreduce(struct vt__expr *e, vt_tensor *reduced, const vt_tensor *full, const int64_t *dims, int32_t n_dims) {
    int64_t shape[VT__MAX_DIMS];
    if (!reduced) return NULL;
    for (int32_t i = 0; i < full->ndim; i++) shape[i] = n_dims ? full->shape[i] : 1;
    for (int32_t i = 0; i < n_dims; i++) shape[dims[i] < 0 ? dims[i] + full->ndim : dims[i]] = 1;
    return vt__e_reshape(e, reduced, shape, full->ndim);
}
