/* Losses. All but cross entropy over class ids are made of plain operations. */
#include "core/error.h"
#include "ops/ops.h"

enum { MEAN, SUM, NONE, BATCHMEAN }; /* choices of `reduction` */

static vt_tensor *sum_all(struct vt__expr *e, vt_tensor *x) {
    struct vt__attrs attrs;
    vt__attrs_default(&vt__op_table[VT__OP_sum], &attrs);
    return vt__expr_op(e, VT__OP_sum, &x, 1, &attrs);
}

static void reduce(struct vt__expr *e, int64_t how, vt_tensor *terms, vt_tensor **out) {
    if (!terms) return;
    double n = (double)(how == BATCHMEAN && terms->ndim ? terms->shape[0] : vt__tensor_count(terms));
    out[0] = how == NONE ? terms : how == MEAN ? vt__e1(e, VT__OP_mean, terms) : sum_all(e, terms);
    if (how == BATCHMEAN) out[0] = vt__e2(e, VT__OP_div, out[0], vt__e_scalar(e, terms, n));
}

static vt_tensor *one_minus(struct vt__expr *e, vt_tensor *x) { return vt__e1(e, VT__OP_neg, vt__e_add_scalar(e, x, -1)); }

static int64_t reduction_of(const struct vt__infer *call) { return call->attrs->a[0].i[0]; }

/* Losses of a prediction and a target broadcast like other operations with two operands. */
static vt_tensor *difference(struct vt__expr *e, const struct vt__infer *call) { return vt__e2(e, VT__OP_sub, call->in[0], call->in[1]); }

vt_status vt__compose_mse_loss(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    reduce(e, reduction_of(call), vt__e1(e, VT__OP_square, difference(e, call)), out);
    return VT_OK;
}

vt_status vt__compose_l1_loss(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    reduce(e, reduction_of(call), vt__e1(e, VT__OP_abs, difference(e, call)), out);
    return VT_OK;
}

/* With a = |x - y| and m = min(a, delta): m (a - m / 2), quadratic up to delta and linear behind it. */
vt_status vt__compose_huber_loss(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    double delta = call->attrs->a[1].f;
    if (!(delta > 0)) return vt__fail(VT_ERR_INVALID, "huber_loss: delta = %g, it must be above 0", delta);
    vt_tensor *d = difference(e, call), *a = vt__e1(e, VT__OP_abs, d), *m = a ? vt__e2(e, VT__OP_minimum, a, vt__e_scalar(e, a, delta)) : NULL;
    reduce(e, reduction_of(call), vt__e2(e, VT__OP_mul, m, vt__e2(e, VT__OP_sub, a, vt__e_scale(e, m, 0.5))), out);
    return VT_OK;
}

/* The Huber loss with delta = beta, divided by it; the L1 loss for beta = 0. */
vt_status vt__compose_smooth_l1_loss(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    double beta = call->attrs->a[1].f;
    if (beta == 0) return vt__compose_l1_loss(e, call, out);
    if (!(beta > 0)) return vt__fail(VT_ERR_INVALID, "smooth_l1_loss: beta = %g, it must be 0 or above", beta);
    vt_status st = vt__compose_huber_loss(e, call, out);
    if (st == VT_OK) out[0] = vt__e_scale(e, out[0], 1 / beta);
    return st;
}

/* (1 - t) x + log(1 + exp(-x)): nothing overflows. */
vt_status vt__compose_bce_with_logits(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    vt_tensor *x = call->in[0], *t = call->in[1];
    vt_tensor *terms = vt__e2(e, VT__OP_sub, vt__e2(e, VT__OP_mul, one_minus(e, t), x), vt__e1(e, VT__OP_logsigmoid, x));
    reduce(e, reduction_of(call), terms, out);
    return VT_OK;
}

/* t (log t - x), 0 where t is 0; x is a logarithm, t too with log_target. */
vt_status vt__compose_kl_div(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    vt_tensor *x = call->in[0], *t = call->in[1], *terms;
    if (call->attrs->a[1].i[0]) {
        terms = vt__e2(e, VT__OP_mul, vt__e1(e, VT__OP_exp, t), vt__e2(e, VT__OP_sub, t, x));
    } else {
        vt_tensor *some = vt__e2(e, VT__OP_gt, t, vt__e_scalar(e, t, 0)), *one = vt__e_scalar(e, t, 1);
        vt_tensor *own = vt__e2(e, VT__OP_mul, t, vt__e1(e, VT__OP_log, vt__e3(e, VT__OP_where, some, t, one)));
        terms = vt__e2(e, VT__OP_sub, own, vt__e2(e, VT__OP_mul, t, x));
    }
    reduce(e, reduction_of(call), terms, out);
    return VT_OK;
}

/* (log v + (x - y)^2 / v) / 2 with v = max(var, eps), whose gradient is that of var. */
vt_status vt__compose_gaussian_nll(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    double eps = call->attrs->a[1].f;
    vt_tensor *d = difference(e, call), *var = call->in[2], *v = vt__e2(e, VT__OP_maximum, var, vt__e_scalar(e, var, eps));
    vt_tensor *terms = vt__e2(e, VT__OP_add, vt__e1(e, VT__OP_log, v), vt__e2(e, VT__OP_div, vt__e1(e, VT__OP_square, d), v));
    reduce(e, reduction_of(call), vt__e_scale(e, terms, 0.5), out);
    return VT_OK;
}

/* ---- classes ---- */

static void set(struct vt__attr *a, int64_t i) { *a = vt__attr_int(i); }

/* x [n, classes, more...] (or [classes]) as rows of classes. */
static vt_tensor *to_rows(struct vt__expr *e, vt_tensor *x) {
    struct vt__attrs attrs;
    int64_t classes = x->ndim > 1 ? x->shape[1] : x->shape[0], n = 1;
    for (int32_t d = 0; d < x->ndim; d++) n *= d == (x->ndim > 1) ? 1 : x->shape[d];
    vt__attrs_default(&vt__op_table[VT__OP_permute], &attrs);
    attrs.a[0] = (struct vt__attr){.given = 1, .count = x->ndim};
    for (int32_t d = 0; d < x->ndim; d++) attrs.a[0].i[d] = d == 0 ? 0 : d == x->ndim - 1 ? 1 : d + 1;
    vt_tensor *last = x->ndim > 2 ? vt__expr_op(e, VT__OP_permute, &x, 1, &attrs) : x;
    return vt__e_reshape(e, last, (const int64_t[]){n, classes}, 2);
}

/* Extents of ids: those of x without the classes. */
static int fits_ids(const vt_tensor *x, const vt_tensor *ids) {
    int32_t skip = x->ndim > 1, n = x->ndim - 1;
    int same = ids->ndim == n;
    for (int32_t d = 0; same && d < n; d++) same = ids->shape[d] == x->shape[d < skip ? d : d + 1];
    return same;
}

/* Is a row one that counts? As numbers 1 and 0 of x's type. */
static vt_tensor *counts(struct vt__expr *e, vt_tensor *ids, int64_t ignored, int32_t dtype) {
    vt_tensor *wide = vt__e_cast(e, ids, VT_DTYPE_I64);
    return wide ? vt__e_cast(e, vt__e2(e, VT__OP_ne, wide, vt__e_scalar(e, wide, (double)ignored)), dtype) : NULL;
}

/* Mean over the rows that count. */
static void reduce_rows(struct vt__expr *e, int64_t how, vt_tensor *terms, vt_tensor *ids, int64_t ignored, vt_tensor **out) {
    if (!terms || how != MEAN) {
        reduce(e, how, terms, out);
        return;
    }
    vt_tensor *n = sum_all(e, counts(e, ids, ignored, terms->dtype));
    out[0] = vt__e2(e, VT__OP_div, sum_all(e, terms), n);
}

vt_status vt__compose_cross_entropy(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    vt_tensor *x = call->in[0], *t = call->in[1];
    double smoothing = call->attrs->a[1].f;
    int64_t ignored = call->attrs->a[2].i[0], how = reduction_of(call), classes;
    struct vt__attrs attrs;
    if (x->ndim < 1) return vt__infer_fail(call, VT_ERR_SHAPE, "logits have a dimension of classes at least");
    if (!(smoothing >= 0 && smoothing <= 1)) return vt__fail(VT_ERR_INVALID, "cross_entropy: label_smoothing = %g, it is 0 to 1", smoothing);
    classes = x->ndim > 1 ? x->shape[1] : x->shape[0];
    vt_tensor *rows = to_rows(e, x), *terms;
    if (vt__dtype_is_float(t->dtype)) { /* probabilities */
        vt_tensor *p = t->ndim == x->ndim ? to_rows(e, t) : NULL;
        int same = t->ndim == x->ndim;
        for (int32_t d = 0; same && d < x->ndim; d++) same = t->shape[d] == x->shape[d];
        if (!same) return vt__infer_fail(call, VT_ERR_SHAPE, "probabilities have the extents of the logits, class ids are integers");
        if (smoothing > 0) p = vt__e_add_scalar(e, vt__e_scale(e, p, 1 - smoothing), smoothing / (double)classes);
        terms = vt__e1(e, VT__OP_neg, vt__e_sum(e, vt__e2(e, VT__OP_mul, p, vt__e1(e, VT__OP_log_softmax, rows)), (const int64_t[]){1}, 1, 0));
        if (how == MEAN) reduce(e, MEAN, terms, out);
    } else {
        if (!fits_ids(x, t)) return vt__infer_fail(call, VT_ERR_SHAPE, "class ids have the extents of the logits without the classes");
        vt_tensor *ids = rows ? vt__e_reshape(e, t, rows->shape, 1) : NULL, *in[] = {rows, ids};
        vt__attrs_default(&vt__op_table[VT__OP_cross_entropy_rows], &attrs);
        attrs.a[0].f = smoothing;
        set(&attrs.a[1], ignored);
        terms = vt__expr_op(e, VT__OP_cross_entropy_rows, in, 2, &attrs);
        if (how == MEAN) reduce_rows(e, MEAN, terms, ids, ignored, out);
    }
    if (how == SUM) reduce(e, SUM, terms, out);
    if (how == NONE && terms) { /* the extents of x without the classes */
        int64_t shape[VT__MAX_DIMS];
        for (int32_t d = 0; d < x->ndim - 1; d++) shape[d] = x->shape[d == 0 ? 0 : d + 1];
        out[0] = vt__e_reshape(e, terms, shape, x->ndim - 1);
    }
    return VT_OK;
}

/* The logarithms of the targets' probabilities, by themselves. */
vt_status vt__compose_nll_loss(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    vt_tensor *x = call->in[0], *t = call->in[1];
    int64_t ignored = call->attrs->a[1].i[0], classes;
    struct vt__attrs attrs;
    if (x->ndim < 1 || !fits_ids(x, t)) return vt__infer_fail(call, VT_ERR_SHAPE, "class ids have the extents of the input without the classes");
    classes = x->ndim > 1 ? x->shape[1] : x->shape[0];
    vt_tensor *labels = NULL, *rows = to_rows(e, x), *ids = rows ? vt__e_reshape(e, t, rows->shape, 1) : NULL;
    vt__attrs_default(&vt__op_table[VT__OP_soft_labels], &attrs);
    set(&attrs.a[0], classes);
    set(&attrs.a[2], ignored);
    set(&attrs.a[3], vt__dtype_float(x->dtype));
    if (ids) labels = vt__expr_op(e, VT__OP_soft_labels, &ids, 1, &attrs);
    /* a where, not a product: minus infinity at another class is not to count */
    vt_tensor *chosen = rows ? vt__e3(e, VT__OP_where, labels, rows, vt__e_scalar(e, rows, 0)) : NULL;
    vt_tensor *terms = vt__e1(e, VT__OP_neg, vt__e_sum(e, chosen, (const int64_t[]){1}, 1, 0));
    reduce_rows(e, reduction_of(call), terms, ids, ignored, out);
    if (reduction_of(call) == NONE && terms) out[0] = vt__e_reshape_like(e, terms, t);
    return VT_OK;
}

static vt_status check_ids(const struct vt__infer *call, int32_t i) {
    enum vt__kind kind = vt__dtype_kind(call->in[i]->dtype);
    if (kind != VT__KIND_INT) return vt__infer_fail(call, VT_ERR_DTYPE, "class ids are integers");
    return call->in[i]->ndim == 1 ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "class ids are one row");
}

vt_status vt__infer_soft_labels(struct vt__infer *call) {
    int64_t classes = call->attrs->a[0].i[0];
    vt_status st = check_ids(call, 0);
    call->out[0] = (struct vt__desc){.dtype = (int32_t)call->attrs->a[3].i[0], .ndim = 2, .shape = {call->in[0]->shape[0], classes}};
    if (st == VT_OK && classes < 0) return vt__infer_fail(call, VT_ERR_SHAPE, "a negative number of classes");
    if (st == VT_OK && !vt__dtype_is_float(call->out[0].dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "labels are of a floating type");
    return st;
}

/* logits [n, classes] (input `first`) and ids [n]. */
static vt_status check_rows(const struct vt__infer *call, int32_t first) {
    const vt_tensor *x = call->in[first], *ids = call->in[first + 1];
    if (!vt__dtype_is_float(x->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "logits are of a floating type");
    vt_status st = check_ids(call, first + 1);
    if (st != VT_OK) return st;
    return x->ndim == 2 && x->shape[0] == ids->shape[0] ? VT_OK : vt__infer_fail(call, VT_ERR_SHAPE, "logits are [n, classes], ids [n]");
}

vt_status vt__infer_cross_entropy_rows(struct vt__infer *call) {
    vt_status st = check_rows(call, 0);
    call->out[0] = (struct vt__desc){.dtype = call->in[0]->dtype, .ndim = 1, .shape = {call->in[1]->ndim ? call->in[1]->shape[0] : 0}};
    return st;
}

vt_status vt__infer_cross_entropy_grad(struct vt__infer *call) {
    vt_status st = check_rows(call, 1);
    call->out[0] = vt__in_desc(call, 1);
    if (st == VT_OK && !vt__dtype_is_float(call->in[0]->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "the gradient is of a floating type");
    if (st == VT_OK && (call->in[0]->ndim != 1 || call->in[0]->shape[0] != call->in[1]->shape[0])) return vt__infer_fail(call, VT_ERR_SHAPE, "one gradient a row is needed");
    return st;
}

/* g (softmax(x) - labels), 0 in rows that do not count. */
vt_status vt__grad_cross_entropy_rows(struct vt__grad *c) {
    struct vt__expr *e = c->expr;
    struct vt__attrs attrs;
    vt_tensor *g = vt__g(c), *x = c->in[0], *ids = c->in[1], *in[] = {g, x, ids};
    if (!c->need[0]) return VT_OK;
    if (!vt__grad_mode()) {
        c->grad_in[0] = vt__expr_op(e, VT__OP_cross_entropy_grad, in, 3, c->attrs);
        return VT_OK;
    }
    vt__attrs_default(&vt__op_table[VT__OP_soft_labels], &attrs);
    set(&attrs.a[0], x->shape[1]);
    attrs.a[1].f = c->attrs->a[0].f;
    set(&attrs.a[2], c->attrs->a[1].i[0]);
    set(&attrs.a[3], x->dtype);
    vt_tensor *labels = vt__expr_op(e, VT__OP_soft_labels, &ids, 1, &attrs), *rows = counts(e, ids, c->attrs->a[1].i[0], x->dtype);
    vt_tensor *weight = vt__e2(e, VT__OP_mul, g, rows);
    if (!weight) return VT_OK;
    weight = vt__e_reshape(e, weight, (const int64_t[]){x->shape[0], 1}, 2);
    c->grad_in[0] = vt__e2(e, VT__OP_mul, weight, vt__e2(e, VT__OP_sub, vt__e1(e, VT__OP_softmax, x), labels));
    return VT_OK;
}
