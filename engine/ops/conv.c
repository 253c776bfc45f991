/* Convolutions. The three operations are each other's gradients: of y = conv2d(x, w), g w.r.t. x is conv_transpose2d(g, w), w.r.t. w conv2d_weight(x, g); and of
 * those two again one of the three, so that all orders are there. */
#include "core/error.h"
#include "ops/ops.h"

struct geometry {
    int64_t stride[2], padding[2], dilation[2], kernel[2], groups;
};

static vt_status read_list(struct vt__infer *call, int32_t i, int64_t least, int64_t out[2]) {
    const struct vt__attr *a = &call->attrs->a[i];
    if (a->count != 1 && a->count != 2) return vt__infer_fail(call, VT_ERR_INVALID, "lists have one or two numbers");
    for (int32_t d = 0; d < 2; d++) {
        out[d] = vt__attr_pair(a, d);
        if (out[d] < least || out[d] > INT32_MAX) return vt__infer_fail(call, VT_ERR_INVALID, "stride and dilation are at least 1, padding at least 0");
    }
    return VT_OK;
}

/* Reads stride, padding, dilation and groups from where the operation has them. */
static vt_status read_geometry(struct vt__infer *call, int32_t stride, int32_t padding, int32_t dilation, int32_t groups, struct geometry *out) {
    vt_status st = read_list(call, stride, 1, out->stride);
    if (st == VT_OK) st = read_list(call, padding, 0, out->padding);
    if (st == VT_OK) st = read_list(call, dilation, 1, out->dilation);
    out->groups = call->attrs->a[groups].i[0];
    if (st == VT_OK && out->groups < 1) st = vt__infer_fail(call, VT_ERR_INVALID, "groups is at least 1");
    return st;
}

/* x and w of four dims, c channels of x in groups, w's dim 0 in groups too; a bias of n_out. */
static vt_status check(struct vt__infer *call, const struct geometry *g, int64_t n_out) {
    const vt_tensor *x = call->in[0], *w = call->in[1], *b = call->n_in > 2 ? call->in[2] : NULL;
    if (!vt__dtype_is_float(x->dtype) || !vt__dtype_is_float(w->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "floats are needed");
    if (x->shape[1] % g->groups || w->shape[0] % g->groups) return vt__infer_fail(call, VT_ERR_SHAPE, "groups must divide the channels");
    if (b && (b->ndim != 1 || b->shape[0] != n_out)) return vt__infer_fail(call, VT_ERR_SHAPE, "the bias has a number for each channel of the result");
    call->out[0].dtype = vt__dtype_promote(x->dtype, w->dtype);
    return VT_OK;
}

static vt_status check_dims(struct vt__infer *call) {
    if (call->in[0]->ndim != 4 || call->in[1]->ndim != 4) return vt__infer_fail(call, VT_ERR_SHAPE, "[n, c, h, w] and four dimensions of filters are needed");
    return VT_OK;
}

vt_status vt__infer_conv2d(struct vt__infer *call) {
    struct geometry g;
    vt_status st = check_dims(call);
    if (st == VT_OK) st = read_geometry(call, 0, 1, 2, 3, &g);
    if (st != VT_OK) return st;
    const vt_tensor *x = call->in[0], *w = call->in[1];
    struct vt__desc *out = &call->out[0];
    st = check(call, &g, w->shape[0]);
    if (st == VT_OK && x->shape[1] != w->shape[1] * g.groups) st = vt__infer_fail(call, VT_ERR_SHAPE, "filters have channels / groups of x");
    if (st != VT_OK) return st;
    out->ndim = 4;
    out->shape[0] = x->shape[0];
    out->shape[1] = w->shape[0];
    for (int32_t d = 0; d < 2; d++) {
        int64_t span = g.dilation[d] * (w->shape[2 + d] - 1) + 1, wide = x->shape[2 + d] + 2 * g.padding[d];
        if (w->shape[2 + d] < 1 || span > wide) return vt__infer_fail(call, VT_ERR_SHAPE, "the filter is larger than the padded extent");
        out->shape[2 + d] = (wide - span) / g.stride[d] + 1;
    }
    return VT_OK;
}

vt_status vt__infer_conv_transpose2d(struct vt__infer *call) {
    struct geometry g;
    int64_t more[2];
    vt_status st = check_dims(call);
    if (st == VT_OK) st = read_geometry(call, 0, 1, 3, 4, &g);
    if (st == VT_OK) st = read_list(call, 2, 0, more);
    if (st != VT_OK) return st;
    const vt_tensor *x = call->in[0], *w = call->in[1];
    struct vt__desc *out = &call->out[0];
    int64_t n_out;
    if (__builtin_mul_overflow(w->shape[1], g.groups, &n_out)) return vt__infer_fail(call, VT_ERR_SHAPE, "too many channels");
    st = check(call, &g, n_out);
    if (st == VT_OK && x->shape[1] != w->shape[0]) st = vt__infer_fail(call, VT_ERR_SHAPE, "w has the channels of x first");
    if (st != VT_OK) return st;
    out->ndim = 4;
    out->shape[0] = x->shape[0];
    out->shape[1] = n_out;
    for (int32_t d = 0; d < 2; d++) {
        if (more[d] >= g.stride[d] && more[d] >= g.dilation[d]) return vt__infer_fail(call, VT_ERR_INVALID, "output_padding must be below stride or dilation");
        int64_t n = (x->shape[2 + d] - 1) * g.stride[d] - 2 * g.padding[d] + g.dilation[d] * (w->shape[2 + d] - 1) + more[d] + 1;
        if (x->shape[2 + d] < 1 || w->shape[2 + d] < 1 || n < 1) return vt__infer_fail(call, VT_ERR_SHAPE, "the result would have no extent");
        out->shape[2 + d] = n;
    }
    return VT_OK;
}

vt_status vt__infer_conv2d_weight(struct vt__infer *call) {
    struct geometry g;
    struct vt__desc *out = &call->out[0];
    vt_status st = check_dims(call);
    if (st == VT_OK) st = read_list(call, 0, 1, g.kernel);
    if (st == VT_OK) st = read_geometry(call, 1, 2, 3, 4, &g);
    if (st != VT_OK) return st;
    const vt_tensor *x = call->in[0], *y = call->in[1];
    int fits = x->shape[0] == y->shape[0] && x->shape[1] % g.groups == 0 && y->shape[1] % g.groups == 0;
    for (int32_t d = 0; d < 2; d++) /* the filter's last tap at the last place lies within the padded extent, the next place does not */
        fits = fits && (y->shape[2 + d] - 1) * g.stride[d] + g.dilation[d] * (g.kernel[d] - 1) + 1 <= x->shape[2 + d] + 2 * g.padding[d];
    if (!fits) return vt__infer_fail(call, VT_ERR_SHAPE, "x and g do not belong to such a convolution");
    out->dtype = vt__dtype_promote(x->dtype, y->dtype);
    out->ndim = 4;
    out->shape[0] = y->shape[1];
    out->shape[1] = x->shape[1] / g.groups;
    out->shape[2] = g.kernel[0];
    out->shape[3] = g.kernel[1];
    return VT_OK;
}

static void set_pair(struct vt__attr *a, int64_t y, int64_t x) { *a = (struct vt__attr){.given = 1, .count = 2, .i = {y, x}}; }

/* The three operations with the geometry of a call: attributes stride, padding, dilation, groups. */
struct like {
    struct vt__attr stride, padding, dilation, groups;
};

static vt_tensor *conv(struct vt__expr *e, const struct like *l, vt_tensor *x, vt_tensor *w) {
    struct vt__attrs attrs;
    vt_tensor *in[] = {x, w};
    vt__attrs_default(&vt__op_table[VT__OP_conv2d], &attrs);
    attrs.a[0] = l->stride, attrs.a[1] = l->padding, attrs.a[2] = l->dilation, attrs.a[3] = l->groups;
    return vt__expr_op(e, VT__OP_conv2d, in, 2, &attrs);
}

/* To the extents that conv2d took g's from. */
static vt_tensor *transpose(struct vt__expr *e, const struct like *l, vt_tensor *g, vt_tensor *w, const vt_tensor *x) {
    struct vt__attrs attrs;
    vt_tensor *in[] = {g, w};
    int64_t more[2];
    if (!g || !w) return NULL;
    vt__attrs_default(&vt__op_table[VT__OP_conv_transpose2d], &attrs);
    for (int32_t d = 0; d < 2; d++)
        more[d] = x->shape[2 + d] - ((g->shape[2 + d] - 1) * vt__attr_pair(&l->stride, d) - 2 * vt__attr_pair(&l->padding, d) + vt__attr_pair(&l->dilation, d) * (w->shape[2 + d] - 1) + 1);
    set_pair(&attrs.a[2], more[0], more[1]);
    attrs.a[0] = l->stride, attrs.a[1] = l->padding, attrs.a[3] = l->dilation, attrs.a[4] = l->groups;
    return vt__expr_op(e, VT__OP_conv_transpose2d, in, 2, &attrs);
}

static vt_tensor *weight(struct vt__expr *e, const struct like *l, vt_tensor *x, vt_tensor *g, const vt_tensor *w) {
    struct vt__attrs attrs;
    vt_tensor *in[] = {x, g};
    vt__attrs_default(&vt__op_table[VT__OP_conv2d_weight], &attrs);
    set_pair(&attrs.a[0], w->shape[2], w->shape[3]);
    attrs.a[1] = l->stride, attrs.a[2] = l->padding, attrs.a[3] = l->dilation, attrs.a[4] = l->groups;
    return vt__expr_op(e, VT__OP_conv2d_weight, in, 2, &attrs);
}

static vt_tensor *bias(const struct vt__grad *c) {
    const int64_t dims[] = {0, 2, 3};
    return vt__e_sum(c->expr, vt__g(c), dims, 3, 0);
}

vt_status vt__grad_conv2d(struct vt__grad *c) {
    const struct vt__attr *a = c->attrs->a;
    const struct like l = {a[0], a[1], a[2], a[3]};
    if (c->need[0]) c->grad_in[0] = transpose(c->expr, &l, vt__g(c), c->in[1], c->in[0]);
    if (c->need[1]) c->grad_in[1] = weight(c->expr, &l, c->in[0], vt__g(c), c->in[1]);
    if (c->n_in > 2 && c->need[2]) c->grad_in[2] = bias(c);
    return VT_OK;
}

vt_status vt__grad_conv_transpose2d(struct vt__grad *c) {
    const struct vt__attr *a = c->attrs->a;
    const struct like l = {a[0], a[1], a[3], a[4]};
    if (c->need[0]) c->grad_in[0] = conv(c->expr, &l, vt__g(c), c->in[1]);
    if (c->need[1]) c->grad_in[1] = weight(c->expr, &l, vt__g(c), c->in[0], c->in[1]);
    if (c->n_in > 2 && c->need[2]) c->grad_in[2] = bias(c);
    return VT_OK;
}

vt_status vt__grad_conv2d_weight(struct vt__grad *c) {
    const struct vt__attr *a = c->attrs->a;
    const struct like l = {a[1], a[2], a[3], a[4]};
    if (c->need[0]) c->grad_in[0] = transpose(c->expr, &l, c->in[1], vt__g(c), c->in[0]);
    if (c->need[1]) c->grad_in[1] = conv(c->expr, &l, c->in[0], vt__g(c));
    return VT_OK;
}

/* ---- one dimension: a height of 1 ---- */

static vt_tensor *lift(struct vt__expr *e, vt_tensor *t) {
    const int64_t shape[] = {t->shape[0], t->shape[1], 1, t->shape[2]};
    return vt__e_reshape(e, t, shape, 4);
}

static vt_status compose_1d(struct vt__expr *e, struct vt__infer *call, int32_t op, int32_t n_lists, vt_tensor **out) {
    const vt_tensor *x = call->in[0], *w = call->in[1];
    struct vt__attrs attrs;
    if (x->ndim != 3 || w->ndim != 3) return vt__infer_fail(call, VT_ERR_SHAPE, "[n, c, l] and three dimensions of filters are needed");
    vt__attrs_default(&vt__op_table[op], &attrs);
    for (int32_t i = 0; i < n_lists; i++) {
        int is_factor = i == 0 || i == n_lists - 1; /* stride, dilation: 1 for the height; padding: 0 */
        set_pair(&attrs.a[i], is_factor, call->attrs->a[i].i[0]);
    }
    attrs.a[n_lists] = call->attrs->a[n_lists];
    vt_tensor *in[] = {lift(e, call->in[0]), lift(e, call->in[1]), call->n_in > 2 ? call->in[2] : NULL};
    vt_tensor *y = vt__expr_op(e, op, in, call->n_in, &attrs);
    if (!y) return e->status;
    const int64_t shape[] = {y->shape[0], y->shape[1], y->shape[3]};
    out[0] = vt__e_reshape(e, y, shape, 3);
    return VT_OK;
}

vt_status vt__compose_conv1d(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) { return compose_1d(e, call, VT__OP_conv2d, 3, out); }
vt_status vt__compose_conv_transpose1d(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    return compose_1d(e, call, VT__OP_conv_transpose2d, 4, out);
}
