/* Norms: layer, RMS, group, instance, batch. As with softmax, the fused gradients serve while nothing is recorded; otherwise a gradient is made of
 * plain operations. */
#include "core/error.h"
#include "ops/ops.h"

static vt_status needs_float(const struct vt__infer *call) {
    return vt__dtype_is_float(call->in[0]->dtype) ? VT_OK : vt__infer_fail(call, VT_ERR_DTYPE, "numbers of a floating type are needed; cast first");
}

/* Do weight and bias (inputs first, first + 1) have the extents of x's dims from..to-1? */
static vt_status check_weights(const struct vt__infer *call, const vt_tensor *x, int32_t first, int32_t n, int32_t from, int32_t to) {
    for (int32_t i = first; i < first + n && i < call->n_in; i++) {
        const vt_tensor *w = call->in[i];
        if (!w) continue;
        int same = w->ndim == to - from && vt__dtype_is_float(w->dtype);
        for (int32_t d = 0; same && d < w->ndim; d++) same = w->shape[d] == x->shape[from + d];
        if (!same) return vt__infer_fail(call, VT_ERR_SHAPE, "weight and bias are floats with the extents of what they scale");
    }
    return VT_OK;
}

/* Dims that a layer norm goes over: the last so many of x. */
static vt_status check_n_dims(const struct vt__infer *call, const vt_tensor *x) {
    int64_t n = call->attrs->a[0].i[0];
    return n >= 1 && n <= x->ndim ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "n_dims is at least 1 and at most the number of dimensions");
}

vt_status vt__infer_layer_norm(struct vt__infer *call) {
    const vt_tensor *x = call->in[0];
    vt_status st = needs_float(call);
    if (st == VT_OK) st = check_n_dims(call, x);
    if (st == VT_OK) st = check_weights(call, x, 1, 2, x->ndim - (int32_t)call->attrs->a[0].i[0], x->ndim);
    call->out[0] = vt__in_desc(call, 0);
    return st;
}

static vt_status same_extents(const struct vt__infer *call) {
    const vt_tensor *a = call->in[0], *b = call->in[1];
    if (!vt__dtype_is_float(b->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "numbers of a floating type are needed; cast first");
    int same = a->ndim == b->ndim;
    for (int32_t i = 0; same && i < a->ndim; i++) same = a->shape[i] == b->shape[i];
    return same ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "extents differ");
}

/* Of the inputs g, x and weight: dx, and the gradients of weight and bias, dims from..to-1 of x. */
static vt_status gradients(struct vt__infer *call, int32_t from, int32_t to) {
    struct vt__desc w = {.dtype = call->in[1]->dtype, .ndim = to - from};
    vt_status st = check_weights(call, call->in[1], 2, 1, from, to);
    for (int32_t d = from; d < to; d++) w.shape[d - from] = call->in[1]->shape[d];
    call->out[0] = vt__in_desc(call, 1);
    call->out[1] = call->out[2] = w;
    return st;
}

vt_status vt__infer_layer_norm_grad(struct vt__infer *call) {
    const vt_tensor *x = call->in[1];
    vt_status st = needs_float(call);
    if (st == VT_OK) st = same_extents(call);
    if (st == VT_OK) st = check_n_dims(call, x);
    return st == VT_OK ? gradients(call, x->ndim - (int32_t)call->attrs->a[0].i[0], x->ndim) : st;
}

static vt_status check_channels(const struct vt__infer *call, const vt_tensor *x, int64_t groups) {
    if (x->ndim < 2) return vt__infer_fail(call, VT_ERR_SHAPE, "two dimensions at least: samples, channels");
    if (groups < 1 || x->shape[1] % groups) return vt__infer_fail(call, VT_ERR_SHAPE, "groups must divide the channels");
    return VT_OK;
}

vt_status vt__infer_group_norm(struct vt__infer *call) {
    vt_status st = needs_float(call);
    if (st == VT_OK) st = check_channels(call, call->in[0], call->attrs->a[0].i[0]);
    if (st == VT_OK) st = check_weights(call, call->in[0], 1, 2, 1, 2);
    call->out[0] = vt__in_desc(call, 0);
    return st;
}

/* Group norm and batch norm: the attribute 0 is the number of groups, or 0 for batches. */
vt_status vt__infer_group_norm_grad(struct vt__infer *call) {
    int64_t groups = call->attrs->a[0].i[0];
    vt_status st = needs_float(call);
    if (st == VT_OK) st = same_extents(call);
    if (st == VT_OK) st = check_channels(call, call->in[1], groups ? groups : 1);
    return st == VT_OK ? gradients(call, 1, 2) : st;
}

vt_status vt__infer_batch_norm_train(struct vt__infer *call) {
    const vt_tensor *x = call->in[0];
    vt_status st = needs_float(call);
    if (st == VT_OK) st = check_channels(call, x, 1);
    if (st == VT_OK) st = check_weights(call, x, 1, 2, 1, 2);
    call->out[0] = vt__in_desc(call, 0);
    if (st == VT_OK) call->out[1] = call->out[2] = (struct vt__desc){.dtype = x->dtype, .ndim = 1, .shape = {x->shape[1]}};
    return st;
}

static void set(struct vt__attr *a, int64_t i) { *a = vt__attr_int(i); }

static void hand_out(const struct vt__grad *c, vt_tensor *dx, vt_tensor *dw, vt_tensor *db) {
    vt_tensor *all[] = {dx, dw, db};
    for (int32_t i = 0; i < c->n_in && i < 3; i++)
        if (c->need[i]) c->grad_in[i] = all[i];
}

static void fused(const struct vt__grad *c, int32_t op, int64_t over, int32_t rms) {
    vt_tensor *in[] = {vt__g(c), c->in[0], c->n_in > 1 ? c->in[1] : NULL}, *out[VT__MAX_OUT] = {0};
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[op], &attrs);
    set(&attrs.a[0], over);
    attrs.a[1].f = c->attrs->a[c->op->id == VT__OP_batch_norm_train ? 0 : 1].f;
    if (op == VT__OP_layer_norm_grad) set(&attrs.a[2], rms);
    vt__expr_ops(c->expr, op, in, 3, &attrs, out);
    hand_out(c, out[0], out[1], out[2]);
}

/* The gradient of w xhat + b with xhat = (x - mean) r, r = (mean of squares + eps)^-1/2 over dims, out of plain operations: with h = g w,
 * dx = r (h - mean h - xhat mean(h xhat)). w is given with x's number of dims; x and g have the dims that were meant. */
static vt_tensor *plain(struct vt__expr *e, vt_tensor *x, vt_tensor *g, vt_tensor *w, const int64_t *dims, int32_t n, double eps, int32_t rms, vt_tensor **xhat) {
    vt_tensor *centred = rms ? x : vt__e2(e, VT__OP_sub, x, vt__e_mean(e, x, dims, n, 1)), *h = w ? vt__e2(e, VT__OP_mul, g, w) : g;
    vt_tensor *square = vt__e_mean(e, vt__e2(e, VT__OP_mul, centred, centred), dims, n, 1);
    vt_tensor *r = vt__e_pow_scalar(e, vt__e_add_scalar(e, square, eps), -0.5);
    *xhat = vt__e2(e, VT__OP_mul, centred, r);
    vt_tensor *d = vt__e2(e, VT__OP_sub, h, vt__e2(e, VT__OP_mul, *xhat, vt__e_mean(e, vt__e2(e, VT__OP_mul, h, *xhat), dims, n, 1)));
    if (!rms) d = vt__e2(e, VT__OP_sub, d, vt__e_mean(e, h, dims, n, 1));
    return vt__e2(e, VT__OP_mul, d, r);
}

static vt_status layer_grad(struct vt__grad *c, int32_t rms) {
    struct vt__expr *e = c->expr;
    int64_t dims[VT__MAX_DIMS], n = c->attrs->a[0].i[0];
    vt_tensor *w = c->n_in > 1 ? c->in[1] : NULL, *xhat, *g = vt__g(c);
    if (!vt__grad_mode()) return fused(c, VT__OP_layer_norm_grad, n, rms), VT_OK;
    for (int32_t i = 0; i < (int32_t)n; i++) dims[i] = i - n;
    vt_tensor *dx = plain(e, c->in[0], g, w, dims, (int32_t)n, c->attrs->a[1].f, rms, &xhat);
    hand_out(c, dx, vt__e2(e, VT__OP_mul, g, xhat), g); /* the caller sums over what the weight lacks */
    return VT_OK;
}

vt_status vt__grad_layer_norm(struct vt__grad *c) { return layer_grad(c, 0); }
vt_status vt__grad_rms_norm(struct vt__grad *c) { return layer_grad(c, 1); }

/* Channel norms as [samples, groups, channels of a group, rest]: a group norm goes over the last two, a batch norm (groups = channels) over the
 * first and the last two. */
static vt_status channel_grad(struct vt__grad *c, int32_t batch, int64_t groups, double eps) {
    struct vt__expr *e = c->expr;
    const vt_tensor *x = c->in[0];
    vt_tensor *w = c->n_in > 1 ? c->in[1] : NULL, *xhat;
    int64_t rest = 1, channels = x->shape[1];
    if (!vt__grad_mode()) return fused(c, VT__OP_group_norm_grad, batch ? 0 : groups, 0), VT_OK;
    for (int32_t d = 2; d < x->ndim; d++) rest *= x->shape[d];
    const int64_t shape[] = {x->shape[0], groups, channels / groups, rest}, over_group[] = {2, 3}, over_batch[] = {0, 2, 3}, all_but[] = {0, 3};
    vt_tensor *x4 = vt__e_reshape(e, c->in[0], shape, 4), *g4 = vt__e_reshape(e, vt__g(c), shape, 4);
    vt_tensor *w4 = vt__e_reshape(e, w, (const int64_t[]){1, groups, channels / groups, 1}, 4);
    vt_tensor *dx = plain(e, x4, g4, w4, batch ? over_batch : over_group, batch ? 3 : 2, eps, 0, &xhat);
    vt_tensor *dw = vt__e_reshape(e, vt__e_sum(e, vt__e2(e, VT__OP_mul, g4, xhat), all_but, 2, 0), &channels, 1);
    vt_tensor *db = vt__e_reshape(e, vt__e_sum(e, g4, all_but, 2, 0), &channels, 1);
    hand_out(c, vt__e_reshape_like(e, dx, c->in[0]), dw, db);
    return VT_OK;
}

vt_status vt__grad_group_norm(struct vt__grad *c) { return channel_grad(c, 0, c->attrs->a[0].i[0], c->attrs->a[1].f); }

vt_status vt__grad_batch_norm_train(struct vt__grad *c) {
    if (c->grad_out[1] || c->grad_out[2]) return vt__fail(VT_ERR_UNSUPPORTED, "batch_norm: mean and var have no gradient here; take mean(x) and var(x)");
    return vt__g(c) ? channel_grad(c, 1, c->in[0]->shape[1], c->attrs->a[0].f) : VT_OK;
}

vt_status vt__compose_instance_norm(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    struct vt__attrs attrs;
    if (call->in[0]->ndim < 2) return vt__infer_fail(call, VT_ERR_SHAPE, "two dimensions at least: samples, channels");
    vt__attrs_default(&vt__op_table[VT__OP_group_norm], &attrs);
    set(&attrs.a[0], call->in[0]->shape[1] ? call->in[0]->shape[1] : 1);
    attrs.a[1].f = call->attrs->a[0].f;
    out[0] = vt__expr_op(e, VT__OP_group_norm, call->in, call->n_in, &attrs);
    return VT_OK;
}

/* With given statistics it is one product and one sum: x a + c with a = w / sqrt(var + eps), c = b - mean a. */
static vt_status with_running(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    vt_tensor *in[5] = {0};
    int64_t shape[VT__MAX_DIMS];
    for (int32_t i = 0; i < call->n_in; i++) in[i] = call->in[i];
    if (!in[3] || !in[4]) return vt__infer_fail(call, VT_ERR_INVALID, "without training running_mean and running_var are needed");
    vt_status st = check_weights(call, in[0], 1, 4, 1, 2);
    if (st != VT_OK) return st;
    for (int32_t d = 0; d < in[0]->ndim; d++) shape[d] = d == 1 ? in[0]->shape[1] : 1;
    vt_tensor *a = vt__e_pow_scalar(e, vt__e_add_scalar(e, in[4], call->attrs->a[1].f), -0.5);
    if (in[1]) a = vt__e2(e, VT__OP_mul, a, in[1]);
    vt_tensor *c = vt__e1(e, VT__OP_neg, vt__e2(e, VT__OP_mul, in[3], a));
    if (in[2]) c = vt__e2(e, VT__OP_add, c, in[2]);
    vt_tensor *y = vt__e2(e, VT__OP_mul, in[0], vt__e_reshape(e, a, shape, in[0]->ndim));
    y = vt__e2(e, VT__OP_add, y, vt__e_reshape(e, c, shape, in[0]->ndim));
    out[0] = y ? vt__e_cast(e, y, in[0]->dtype) : NULL;
    out[1] = in[3];
    out[2] = in[4];
    return VT_OK;
}

vt_status vt__compose_batch_norm(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    struct vt__attrs attrs;
    vt_status st = needs_float(call);
    if (st == VT_OK) st = check_channels(call, call->in[0], 1);
    if (st != VT_OK) return st;
    if (!call->attrs->a[0].i[0]) return with_running(e, call, out);
    vt__attrs_default(&vt__op_table[VT__OP_batch_norm_train], &attrs);
    attrs.a[0].f = call->attrs->a[1].f;
    vt__expr_ops(e, VT__OP_batch_norm_train, call->in, call->n_in < 3 ? call->n_in : 3, &attrs, out);
    return VT_OK;
}
