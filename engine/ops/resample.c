/* Pooling, resizing, sampling of pictures. */
#include "core/error.h"
#include "ops/ops.h"

enum { NEAREST, BILINEAR, BICUBIC, BILINEAR_CORNERS, BICUBIC_CORNERS, ADAPTIVE, AVERAGE, AVERAGE_INSIDE };

static vt_status check_list(struct vt__infer *call, int32_t i, int64_t least) {
    const struct vt__attr *a = &call->attrs->a[i];
    int ok = a->count == 1 || a->count == 2;
    for (int32_t k = 0; ok && k < a->count; k++) ok = a->i[k] >= least && a->i[k] <= INT32_MAX;
    return ok ? VT_OK : vt__infer_fail(call, VT_ERR_INVALID, "lists have one or two numbers: sizes, kernels and strides at least 1, padding at least 0");
}

static vt_status check_picture(struct vt__infer *call) {
    return call->in[0]->ndim == 4 ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "[n, c, h, w] is needed");
}

/* Places of windows along an extent; below 1 when none fits. */
static int64_t places(int64_t extent, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation) {
    int64_t room = extent + 2 * padding - dilation * (kernel - 1) - 1;
    return room < 0 ? 0 : room / stride + 1;
}

vt_status vt__infer_max_pool2d(struct vt__infer *call) {
    const struct vt__attr *a = call->attrs->a, *stride = a[1].given ? &a[1] : &a[0];
    vt_status st = check_picture(call);
    for (int32_t i = 0; st == VT_OK && i < 4; i++)
        if (call->attrs->a[i].given) st = check_list(call, i, i == 2 ? 0 : 1);
    if (st != VT_OK) return st;
    if (vt__dtype_kind(call->in[0]->dtype) == VT__KIND_COMPLEX) return vt__infer_fail(call, VT_ERR_DTYPE, "complex numbers have no order");
    call->out[0] = vt__in_desc(call, 0);
    for (int32_t d = 0; d < 2; d++) {
        int64_t *n = &call->out[0].shape[2 + d];
        if (2 * vt__attr_pair(&a[2], d) > vt__attr_pair(&a[0], d)) return vt__infer_fail(call, VT_ERR_INVALID, "padding is at most half of the kernel");
        *n = places(*n, vt__attr_pair(&a[0], d), vt__attr_pair(stride, d), vt__attr_pair(&a[2], d), vt__attr_pair(&a[3], d));
        if (*n < 1) return vt__infer_fail(call, VT_ERR_SHAPE, "the window is larger than the padded extent");
    }
    call->out[1] = call->out[0];
    call->out[1].dtype = VT_DTYPE_I64;
    return VT_OK;
}

/* Each gradient to where its number came from, planes as rows. */
vt_status vt__grad_max_pool2d(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    const vt_tensor *x = c->in[0], *y = c->out[0];
    const int64_t planes[] = {x->shape[0] * x->shape[1], x->shape[2] * x->shape[3]}, windows[] = {planes[0], y->shape[2] * y->shape[3]};
    struct vt__attrs attrs;
    if (!vt__g(c)) return VT_OK;
    vt__attrs_default(&vt__op_table[VT__OP_scatter_add], &attrs);
    attrs.a[0] = vt__attr_int(1);
    vt_tensor *in[] = {vt__e_reshape(e, vt__e_zeros_like(e, x), planes, 2), vt__e_reshape(e, c->out[1], windows, 2), vt__e_reshape(e, vt__g(c), windows, 2)};
    c->grad_in[0] = vt__e_reshape_like(e, vt__expr_op(e, VT__OP_scatter_add, in, 3, &attrs), x);
    return VT_OK;
}

/* ---- linear maps along rows and columns ---- */

vt_status vt__infer_resample2d(struct vt__infer *call) {
    vt_status st = check_picture(call);
    for (int32_t i = 1; st == VT_OK && i < 5; i++) st = check_list(call, i, i == 4 ? 0 : 1);
    if (st != VT_OK) return st;
    call->out[0] = vt__in_desc(call, 0);
    if (!vt__dtype_is_float(call->out[0].dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "floats are needed");
    if (call->in[0]->shape[2] < 1 || call->in[0]->shape[3] < 1) return vt__infer_fail(call, VT_ERR_SHAPE, "a picture without pixels");
    for (int32_t d = 0; d < 2; d++) call->out[0].shape[2 + d] = vt__attr_pair(&call->attrs->a[1], d);
    return VT_OK;
}

vt_status vt__infer_resample2d_grad(struct vt__infer *call) { return vt__infer_resample2d(call); }

/* The other of the two: its size is the extents of this one's input. */
static vt_tensor *other_way(const struct vt__grad *c, int32_t op) {
    struct vt__attrs attrs = *c->attrs;
    vt_tensor *g = vt__g(c);
    attrs.a[1] = (struct vt__attr){.given = 1, .count = 2, .i = {c->in[0]->shape[2], c->in[0]->shape[3]}};
    return vt__expr_op(c->expr, op, &g, 1, &attrs);
}

vt_status vt__grad_resample2d(struct vt__grad *c) {
    c->grad_in[0] = other_way(c, VT__OP_resample2d_grad);
    return VT_OK;
}

vt_status vt__grad_resample2d_grad(struct vt__grad *c) {
    c->grad_in[0] = other_way(c, VT__OP_resample2d);
    return VT_OK;
}

static void resample(struct vt__expr *e, struct vt__infer *call, int64_t kind, const struct vt__attr *size, const struct vt__attr *kernel,
                     const struct vt__attr *stride, const struct vt__attr *padding, vt_tensor **out) {
    const struct vt__attr one = {.given = 1, .count = 1, .i = {1}}, none = {.given = 1, .count = 1};
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_resample2d], &attrs);
    attrs.a[0] = vt__attr_int(kind);
    attrs.a[1] = *size;
    attrs.a[2] = kernel ? *kernel : one;
    attrs.a[3] = stride ? *stride : one;
    attrs.a[4] = padding ? *padding : none;
    out[0] = vt__expr_op(e, VT__OP_resample2d, call->in, 1, &attrs);
}

vt_status vt__compose_avg_pool2d(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    const struct vt__attr *a = call->attrs->a, *stride = a[1].given ? &a[1] : &a[0];
    struct vt__attr size = {.given = 1, .count = 2};
    vt_status st = check_picture(call);
    if (st == VT_OK) st = check_list(call, 0, 1);
    if (st == VT_OK && a[1].given) st = check_list(call, 1, 1);
    if (st == VT_OK) st = check_list(call, 2, 0);
    if (st != VT_OK) return st;
    for (int32_t d = 0; d < 2; d++) {
        size.i[d] = places(call->in[0]->shape[2 + d], vt__attr_pair(&a[0], d), vt__attr_pair(stride, d), vt__attr_pair(&a[2], d), 1);
        if (size.i[d] < 1 || 2 * vt__attr_pair(&a[2], d) > vt__attr_pair(&a[0], d))
            return vt__infer_fail(call, VT_ERR_SHAPE, "the window is larger than the padded extent, or the padding than half of it");
    }
    resample(e, call, a[3].i[0] ? AVERAGE : AVERAGE_INSIDE, &size, &a[0], stride, &a[2], out);
    return VT_OK;
}

vt_status vt__compose_adaptive_avg_pool2d(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    resample(e, call, ADAPTIVE, &call->attrs->a[0], NULL, NULL, NULL, out);
    return VT_OK;
}

vt_status vt__compose_interpolate(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    int64_t mode = call->attrs->a[1].i[0], corners = call->attrs->a[2].i[0];
    if (mode == NEAREST && corners) return vt__infer_fail(call, VT_ERR_INVALID, "align_corners has no meaning for nearest");
    resample(e, call, corners ? (mode == BILINEAR ? BILINEAR_CORNERS : BICUBIC_CORNERS) : mode, &call->attrs->a[0], NULL, NULL, NULL, out);
    return VT_OK;
}

/* ---- places of their own ---- */

vt_status vt__infer_grid_sample(struct vt__infer *call) {
    const vt_tensor *x = call->in[0], *grid = call->in[1];
    if (x->ndim != 4 || grid->ndim != 4 || grid->shape[3] != 2 || grid->shape[0] != x->shape[0] || x->shape[2] < 1 || x->shape[3] < 1)
        return vt__infer_fail(call, VT_ERR_SHAPE, "[n, c, h, w] with pixels and [n, oh, ow, 2] are needed");
    if (!vt__dtype_is_float(x->dtype) || !vt__dtype_is_float(grid->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "floats are needed");
    call->out[0] = vt__in_desc(call, 0);
    call->out[0].dtype = vt__dtype_promote(x->dtype, grid->dtype);
    call->out[0].shape[2] = grid->shape[1];
    call->out[0].shape[3] = grid->shape[2];
    return VT_OK;
}

vt_status vt__infer_grid_sample_grad(struct vt__infer *call) {
    vt_status st = vt__infer_grid_sample(call);
    int same = st == VT_OK && call->in[2]->ndim == 4;
    for (int32_t d = 0; same && d < 4; d++) same = call->in[2]->shape[d] == call->out[0].shape[d];
    if (st == VT_OK && !same) st = vt__infer_fail(call, VT_ERR_SHAPE, "the gradient has the extents of the samples");
    int32_t dtype = call->out[0].dtype;
    call->out[0] = vt__in_desc(call, 0);
    call->out[1] = vt__in_desc(call, 1);
    call->out[0].dtype = call->out[1].dtype = dtype;
    return st;
}

vt_status vt__grad_grid_sample(struct vt__grad *c) {
    vt_tensor *in[] = {c->in[0], c->in[1], vt__g(c)}, *out[VT__MAX_OUT];
    vt__expr_ops(c->expr, VT__OP_grid_sample_grad, in, 3, c->attrs, out);
    c->grad_in[0] = out[0];
    c->grad_in[1] = out[1];
    return VT_OK;
}

/* [.., a, b, c] with dims of extents shape, permuted by order, to extents last; lead dims before them stay one. */
static vt_tensor *rearrange(struct vt__expr *e, vt_tensor *x, const int64_t shape[6], const int64_t order[6], const int64_t *last, int32_t ndim) {
    struct vt__attrs attrs;
    vt_tensor *t = vt__e_reshape(e, x, shape, 6);
    vt__attrs_default(&vt__op_table[VT__OP_permute], &attrs);
    attrs.a[0] = (struct vt__attr){.given = 1, .count = 6};
    for (int32_t i = 0; i < 6; i++) attrs.a[0].i[i] = order[i];
    return vt__e_reshape(e, vt__expr_op(e, VT__OP_permute, &t, 1, &attrs), last, ndim);
}

static vt_status shuffle(struct vt__expr *e, struct vt__infer *call, int back, vt_tensor **out) {
    const vt_tensor *x = call->in[0];
    int64_t f = call->attrs->a[0].i[0], last[VT__MAX_DIMS], lead = 1;
    int32_t n = x->ndim;
    if (n < 3 || f < 1 || f > INT16_MAX) return vt__infer_fail(call, VT_ERR_SHAPE, "[.., c, h, w] and a factor of at least 1 are needed");
    int64_t c = x->shape[n - 3], h = x->shape[n - 2], w = x->shape[n - 1];
    if (back ? h % f || w % f : c % (f * f) != 0) return vt__infer_fail(call, VT_ERR_SHAPE, "the factor does not divide the extents");
    for (int32_t d = 0; d < n - 3; d++) last[d] = x->shape[d], lead *= x->shape[d];
    if (back) {
        last[n - 3] = c * f * f, last[n - 2] = h / f, last[n - 1] = w / f;
        out[0] = rearrange(e, call->in[0], (const int64_t[]){lead, c, h / f, f, w / f, f}, (const int64_t[]){0, 1, 3, 5, 2, 4}, last, n);
    } else {
        last[n - 3] = c / (f * f), last[n - 2] = h * f, last[n - 1] = w * f;
        out[0] = rearrange(e, call->in[0], (const int64_t[]){lead, c / (f * f), f, f, h, w}, (const int64_t[]){0, 1, 4, 2, 5, 3}, last, n);
    }
    return VT_OK;
}

vt_status vt__compose_pixel_shuffle(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return shuffle(e, call, 0, out); }
vt_status vt__compose_pixel_unshuffle(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return shuffle(e, call, 1, out); }
