#include "ops/attention_dense.h"

#include <math.h>

#include "core/error.h"

enum { Q, K, V, BIAS, SLOPES, BLOCKS, CU_Q, CU_K };                 /* inputs of attention */
enum { SCALE, CAUSAL, LEFT, RIGHT, SOFTCAP, BLOCK, DROPOUT, SEED }; /* its attributes */

static vt_tensor *with_attr(struct vt__expr *e, int32_t op, vt_tensor *a, vt_tensor *b, int32_t attr, int64_t i, double f) {
    struct vt__attrs attrs;
    vt_tensor *in[] = {a, b};
    vt__attrs_default(&vt__op_table[op], &attrs);
    attrs.a[attr].given = attrs.a[attr].count = 1;
    attrs.a[attr].i[0] = i;
    attrs.a[attr].f = f;
    return vt__expr_op(e, op, in, b ? 2 : 1, &attrs);
}

vt_tensor *vt__dense_heads(struct vt__expr *e, vt_tensor *x, const vt_tensor *q) {
    if (!x || x->shape[1] == q->shape[1] || x->shape[1] == 0) return x;
    int64_t group = q->shape[1] / x->shape[1], one[] = {x->shape[0], x->shape[1], 1, x->shape[2], x->shape[3]}, all[] = {x->shape[0], q->shape[1], x->shape[2], x->shape[3]};
    vt_tensor like = {.ndim = 5, .shape = {one[0], one[1], group, one[3], one[4]}};
    return vt__e_reshape(e, vt__e_expand_like(e, vt__e_reshape(e, x, one, 5), &like), all, 4);
}

vt_tensor *vt__dense_shared(struct vt__expr *e, vt_tensor *g, const vt_tensor *like) {
    if (!g || g->shape[1] == like->shape[1] || like->shape[1] == 0) return g;
    const int64_t apart[] = {like->shape[0], like->shape[1], g->shape[1] / like->shape[1], like->shape[2], like->shape[3]}, dim = 2;
    return vt__e_sum(e, vt__e_reshape(e, g, apart, 5), &dim, 1, 0);
}

/* 0, 1, 2, ... as [n, 1], or [1, n] if across. */
static vt_tensor *count(struct vt__expr *e, const vt_tensor *like, int64_t n, int across) {
    vt_tensor shape = {.ndim = 2, .shape = {across ? 1 : n, across ? n : 1}};
    vt_tensor *one = vt__e_cast(e, vt__e_scalar(e, like, 1), VT_DTYPE_F64);
    return vt__e_add_scalar(e, with_attr(e, VT__OP_cumsum, vt__e_expand_like(e, one, &shape), NULL, 0, across, 0), -1);
}

static vt_tensor *cut(struct vt__expr *e, vt_tensor *x, int64_t dim, int64_t start, int64_t stop) {
    struct vt__attrs attrs;
    if (!x) return NULL;
    vt__attrs_default(&vt__op_table[VT__OP_slice], &attrs);
    attrs.a[0] = vt__attr_int(dim);
    attrs.a[1] = vt__attr_int(start);
    attrs.a[2] = vt__attr_int(stop);
    return vt__expr_op(e, VT__OP_slice, &x, 1, &attrs);
}

static vt_tensor *either(struct vt__expr *e, vt_tensor *a, vt_tensor *b) { return a && b ? vt__e2(e, VT__OP_logical_or, a, b) : a ? a : b; }

/* [.., n] as [.., n, 1]. */
static vt_tensor *column(struct vt__expr *e, vt_tensor *t) {
    if (!t) return NULL;
    vt_tensor like = {.ndim = t->ndim + 1};
    for (int32_t i = 0; i < t->ndim; i++) like.shape[i] = t->shape[i];
    like.shape[t->ndim] = 1;
    return vt__e_reshape_like(e, t, &like);
}

/* Numbers of the packed sequences [n] that rows are in: how many sequences before the last one end at or before a row. */
static vt_tensor *sequence_of(struct vt__expr *e, vt_tensor *cu, vt_tensor *row) {
    static const int64_t first = 0;
    vt_tensor *ends = column(e, cut(e, vt__e_cast(e, cu, VT_DTYPE_F64), 0, 1, cu->shape[0] - 1));
    return vt__e_sum(e, vt__e2(e, VT__OP_le, ends, row), &first, 1, 0);
}

/* Rows [n] counted from the end of their sequence. */
static vt_tensor *from_the_end(struct vt__expr *e, vt_tensor *cu, vt_tensor *sequence, vt_tensor *row) {
    vt_tensor *ends = cut(e, vt__e_cast(e, cu, VT_DTYPE_F64), 0, 1, cu->shape[0]);
    return vt__e2(e, VT__OP_sub, row, with_attr(e, VT__OP_index_select, ends, sequence, 0, 0, 0));
}

/* How far keys lie behind their query, the last ones of both being side by side; *apart: bools of those in different sequences, NULL: there is one. */
static vt_tensor *distances(const struct vt__dense_attention *a, vt_tensor **apart) {
    struct vt__expr *e = a->e;
    int64_t m = a->q->shape[2], n = a->k->shape[2];
    *apart = NULL;
    if (!a->cu_q || a->cu_q->shape[0] < 2)
        return vt__e_add_scalar(e, vt__e2(e, VT__OP_sub, count(e, a->q, n, 1), count(e, a->q, m, 0)), (double)(m - n));
    vt_tensor *queries = vt__e_reshape(e, count(e, a->q, m, 1), &m, 1), *keys = vt__e_reshape(e, count(e, a->q, n, 1), &n, 1);
    vt_tensor *of_query = sequence_of(e, a->cu_q, queries), *of_key = sequence_of(e, a->cu_k, keys);
    *apart = vt__e2(e, VT__OP_ne, column(e, of_query), of_key);
    return vt__e2(e, VT__OP_sub, from_the_end(e, a->cu_k, of_key, keys), column(e, from_the_end(e, a->cu_q, of_query, queries)));
}

/* Bools of the elements whose block is skipped. */
static vt_tensor *skipped(const struct vt__dense_attention *a) {
    struct vt__expr *e = a->e;
    const struct vt__attr *block = &a->attrs->a[BLOCK];
    int32_t ndim = a->blocks->ndim < 2 ? 2 : a->blocks->ndim, at = ndim - 2;
    vt_tensor grid = {.ndim = ndim}, apart = {.ndim = ndim + 2}, all, whole = {.ndim = ndim};
    for (int32_t i = 0; i < at; i++) grid.shape[i] = apart.shape[i] = whole.shape[i] = a->blocks->shape[i];
    all = apart;
    for (int32_t i = 0; i < 2; i++) {
        int64_t n = (i ? a->k : a->q)->shape[2], size = vt__attr_pair(block, i);
        if (size > n) size = n ? n : 1;
        grid.shape[at + i] = apart.shape[at + 2 * i] = all.shape[at + 2 * i] = (n + size - 1) / size;
        apart.shape[at + 2 * i + 1] = 1;
        all.shape[at + 2 * i + 1] = size;
        whole.shape[at + i] = grid.shape[at + i] * size;
    }
    vt_tensor *x = vt__e_expand_like(e, vt__e_reshape_like(e, vt__e_expand_like(e, a->blocks, &grid), &apart), &all);
    x = vt__e_reshape_like(e, x, &whole);
    return vt__e1(e, VT__OP_logical_not, cut(e, cut(e, x, -2, 0, a->q->shape[2]), -1, 0, a->k->shape[2]));
}

/* Bools of what is not seen; NULL: all is. far and apart: of distances. */
static vt_tensor *hidden(struct vt__dense_attention *a, vt_tensor *far, vt_tensor *apart) {
    const struct vt__attr *left = &a->attrs->a[LEFT], *right = &a->attrs->a[RIGHT];
    struct vt__expr *e = a->e;
    vt_tensor *mask = apart;
    int causal = a->attrs->a[CAUSAL].i[0] != 0;
    if (causal || (right->given && right->i[0] >= 0)) mask = either(e, mask, vt__e2(e, VT__OP_gt, far, vt__e_scalar(e, far, causal ? 0 : (double)right->i[0])));
    if (left->given && left->i[0] >= 0) mask = either(e, mask, vt__e2(e, VT__OP_lt, far, vt__e_scalar(e, far, -(double)left->i[0])));
    if (a->bias && a->bias->dtype == VT_DTYPE_BOOL) mask = either(e, mask, vt__e2(e, VT__OP_eq, a->bias, vt__e_cast(e, vt__e_scalar(e, far, 0), VT_DTYPE_BOOL)));
    return a->blocks ? either(e, mask, skipped(a)) : mask;
}

vt_tensor *vt__dense_probs(struct vt__dense_attention *a, vt_tensor *lse) {
    struct vt__expr *e = a->e;
    double cap = a->attrs->a[SOFTCAP].f;
    if (!a->q || !a->k || !lse) return NULL;
    vt_tensor *s = vt__e_scale(e, vt__e2(e, VT__OP_matmul, a->q, vt__e_transpose(e, a->k, -2, -1)), a->scale);
    if (cap != 0) {
        vt_tensor *t = vt__e1(e, VT__OP_tanh, vt__e_scale(e, s, 1 / cap));
        a->bend = vt__e_add_scalar(e, vt__e1(e, VT__OP_neg, vt__e2(e, VT__OP_mul, t, t)), 1);
        s = vt__e_scale(e, t, cap);
    }
    vt_tensor *apart, *far = distances(a, &apart);
    if (a->slopes && s) s = vt__e2(e, VT__OP_sub, s, vt__e_cast(e, vt__e2(e, VT__OP_mul, column(e, column(e, a->slopes)), vt__e1(e, VT__OP_abs, far)), s->dtype));
    if (a->bias && a->bias->dtype != VT_DTYPE_BOOL) s = vt__e2(e, VT__OP_add, s, a->bias);
    /* a query that sees nothing has no lse to subtract, and every exponential is masked */
    vt_tensor *none = vt__e1(e, VT__OP_isinf, lse), *mask = hidden(a, far, apart);
    vt_tensor *x = vt__e2(e, VT__OP_sub, s, column(e, with_attr(e, VT__OP_masked_fill, lse, none, 0, 0, 0)));
    if (mask) x = with_attr(e, VT__OP_masked_fill, x, mask, 0, 0, -(double)INFINITY);
    return vt__e1(e, VT__OP_exp, x);
}

static double scale_of(const struct vt__attrs *attrs, const vt_tensor *q) {
    return attrs->a[SCALE].given ? attrs->a[SCALE].f : 1 / sqrt(q->shape[3] ? (double)q->shape[3] : 1);
}

/* What dropout multiplies the weights by; NULL: nothing. */
static vt_tensor *dropped(const struct vt__grad *c) {
    struct vt__attrs attrs;
    if (c->attrs->a[DROPOUT].f == 0) return NULL;
    vt__attrs_default(&vt__op_table[VT__OP_attention_drop], &attrs);
    attrs.a[0] = c->attrs->a[DROPOUT];
    attrs.a[1] = c->attrs->a[SEED];
    return vt__expr_op(c->expr, VT__OP_attention_drop, c->in, 2, &attrs);
}

vt_status vt__dense_grad(struct vt__grad *c) {
    static const int64_t last = -1;
    struct vt__expr *e = c->expr;
    struct vt__dense_attention a = {.e = e, .attrs = c->attrs, .q = c->in[Q], .k = vt__dense_heads(e, c->in[K], c->in[Q]), .scale = scale_of(c->attrs, c->in[Q])};
    vt_tensor **masks[] = {&a.bias, &a.slopes, &a.blocks, &a.cu_q, &a.cu_k};
    for (int32_t i = BIAS; i < c->n_in; i++) *masks[i - BIAS] = c->in[i];
    vt_tensor *g = c->grad_out[0] ? c->grad_out[0] : vt__e_zeros_like(e, c->out[0]);
    vt_tensor *p = vt__dense_probs(&a, c->out[1]), *v = vt__dense_heads(e, c->in[V], c->in[Q]);
    vt_tensor *slope = vt__e2(e, VT__OP_matmul, g, vt__e_transpose(e, v, -2, -1)), *kept = dropped(c), *weights = p;
    if (kept) slope = vt__e2(e, VT__OP_mul, slope, kept), weights = vt__e2(e, VT__OP_mul, p, kept);
    slope = vt__e2(e, VT__OP_sub, slope, vt__e_sum(e, vt__e2(e, VT__OP_mul, g, c->out[0]), &last, 1, 1));
    if (c->grad_out[1]) slope = vt__e2(e, VT__OP_add, slope, column(e, c->grad_out[1]));
    slope = vt__e2(e, VT__OP_mul, p, slope);
    if (c->need[V]) c->grad_in[V] = vt__dense_shared(e, vt__e2(e, VT__OP_matmul, vt__e_transpose(e, weights, -2, -1), g), c->in[V]);
    if (a.bias && c->need[BIAS]) c->grad_in[BIAS] = slope;
    slope = vt__e_scale(e, a.bend ? vt__e2(e, VT__OP_mul, slope, a.bend) : slope, a.scale);
    if (c->need[Q]) c->grad_in[Q] = vt__e2(e, VT__OP_matmul, slope, a.k);
    if (c->need[K]) c->grad_in[K] = vt__dense_shared(e, vt__e2(e, VT__OP_matmul, vt__e_transpose(e, slope, -2, -1), a.q), c->in[K]);
    return VT_OK;
}

/* lse comes from the tiles, over values of no width. */
vt_status vt__compose_attention_probs(struct vt__expr *e, struct vt__infer *call, vt_tensor **out) {
    struct vt__attrs attrs, cut;
    vt_tensor *in[] = {call->in[0], call->in[1], NULL, call->n_in > 2 ? call->in[2] : NULL, call->n_in > 3 ? call->in[3] : NULL}, *both[VT__MAX_OUT] = {0};
    vt__attrs_default(&vt__op_table[VT__OP_attention], &attrs);
    for (int32_t i = SCALE; i <= SOFTCAP; i++) attrs.a[i] = call->attrs->a[i];
    vt__attrs_default(&vt__op_table[VT__OP_slice], &cut);
    if (in[1]->ndim != 4 || in[0]->ndim != 4) return vt__infer_fail(call, VT_ERR_SHAPE, "q and k are [batch, heads, rows, width]");
    cut.a[0].given = cut.a[2].given = 1;
    cut.a[0].i[0] = 3;
    in[2] = vt__expr_op(e, VT__OP_slice, &in[1], 1, &cut);
    vt__expr_ops(e, VT__OP_attention, in, 5, &attrs, both);
    if (!both[1]) return e->status;
    struct vt__dense_attention a = {.e = e, .attrs = &attrs, .q = in[0], .k = vt__dense_heads(e, in[1], in[0]), .bias = in[3], .slopes = in[4], .scale = scale_of(&attrs, in[0])};
    out[0] = vt__dense_probs(&a, both[1]);
    return VT_OK;
}
