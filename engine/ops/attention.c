/* Attention: softmax(scale q k^T + bias) v and its logarithms of sums, over arrays [batch, heads, rows, width]. The runner never holds the scores. */
#include <math.h>

#include "core/error.h"
#include "ops/attention_dense.h"

enum { Q, K, V, BIAS, SLOPES, BLOCKS, CU_Q, CU_K };                      /* inputs of attention */
enum { SCALE, CAUSAL, LEFT, RIGHT, SOFTCAP, BLOCK, DROPOUT, SEED, GRAD_BIAS }; /* attributes; the last is attention_grad's */

static const vt_tensor *input(const struct vt__infer *call, int32_t i) { return i < call->n_in ? call->in[i] : NULL; }

static vt_status check_attributes(const struct vt__infer *call) {
    const struct vt__attr *a = call->attrs->a;
    if (!(a[SOFTCAP].f >= 0) || isinf(a[SOFTCAP].f)) return vt__fail(VT_ERR_INVALID, "%s: softcap is %g, it must be a number from 0 on", call->op->name, a[SOFTCAP].f);
    if (!(a[DROPOUT].f >= 0 && a[DROPOUT].f < 1)) return vt__fail(VT_ERR_INVALID, "%s: dropout is %g, it must be in [0, 1)", call->op->name, a[DROPOUT].f);
    if (a[SCALE].given && !isfinite(a[SCALE].f)) return vt__fail(VT_ERR_INVALID, "%s: scale is %g", call->op->name, a[SCALE].f);
    for (int32_t i = 0; a[BLOCK].given && i < a[BLOCK].count; i++)
        if (a[BLOCK].i[i] < 1 || a[BLOCK].count > 2) return vt__fail(VT_ERR_INVALID, "%s: block is one size, or one of queries and one of keys, from 1 on", call->op->name);
    return VT_OK;
}

/* Fits shape [ndim] by broadcasting. */
static int fits(const vt_tensor *t, const int64_t *shape, int32_t ndim) {
    struct vt__desc want = {.ndim = ndim}, have = vt__tensor_desc(t);
    for (int32_t i = 0; i < ndim; i++) want.shape[i] = shape[i];
    struct vt__desc both = want;
    if (t->ndim > ndim || !vt__broadcast(&both, &have)) return 0;
    for (int32_t i = 0; i < ndim; i++)
        if (both.shape[i] != want.shape[i]) return 0;
    return 1;
}

static int64_t blocks_of(int64_t n, int64_t size) { return n / size + (n % size != 0); }

static vt_status check_masks(const struct vt__infer *call, const vt_tensor *bias, const vt_tensor *slopes, const vt_tensor *blocks) {
    const vt_tensor *q = call->in[Q], *k = call->in[K];
    const struct vt__attr *block = &call->attrs->a[BLOCK];
    int64_t shape[4] = {q->shape[0], q->shape[1], q->shape[2], k->shape[2]};
    if (bias && !vt__dtype_is_float(bias->dtype) && bias->dtype != VT_DTYPE_BOOL)
        return vt__infer_fail(call, VT_ERR_DTYPE, "the bias is a mask of bools, or numbers that are added to the scores");
    if (bias && !fits(bias, shape, 4)) return vt__infer_fail(call, VT_ERR_SHAPE, "the bias does not broadcast to [batch, heads, queries, keys]");
    if (slopes && (!vt__dtype_is_float(slopes->dtype) || !fits(slopes, shape, 2)))
        return vt__infer_fail(call, VT_ERR_SHAPE, "slopes are floats that broadcast to [batch, heads]");
    if (!blocks) return VT_OK;
    if (!block->given || !block->count) return vt__fail(VT_ERR_INVALID, "%s: a mask of blocks needs their size, the attribute block", call->op->name);
    for (int32_t i = 0; i < 2; i++) shape[2 + i] = blocks_of(shape[2 + i], block->i[i < block->count ? i : 0]);
    if (blocks->dtype != VT_DTYPE_BOOL || !fits(blocks, shape, 4))
        return vt__infer_fail(call, VT_ERR_SHAPE, "the mask of blocks is of bools, [blocks of queries, blocks of keys], and may have batch and heads before them");
    return VT_OK;
}

static vt_status check_bounds(const struct vt__infer *call, const vt_tensor *cu_q, const vt_tensor *cu_k, int is_masked) {
    if (!cu_q && !cu_k) return VT_OK;
    if (!cu_q || !cu_k || cu_q->ndim != 1 || cu_k->ndim != 1 || cu_q->shape[0] != cu_k->shape[0] || cu_q->shape[0] < 1)
        return vt__infer_fail(call, VT_ERR_SHAPE, "bounds of packed sequences are two vectors of the same length, number of sequences + 1");
    if (vt__dtype_kind(cu_q->dtype) != VT__KIND_INT || vt__dtype_kind(cu_k->dtype) != VT__KIND_INT) return vt__infer_fail(call, VT_ERR_DTYPE, "bounds of packed sequences are integers");
    if (call->in[Q]->shape[0] != 1) return vt__infer_fail(call, VT_ERR_SHAPE, "packed sequences lie in a batch of 1");
    if (is_masked) return vt__fail(VT_ERR_UNSUPPORTED, "%s: a bias or a mask of blocks for packed sequences", call->op->name);
    return VT_OK;
}

/* Everything but the outputs; at: number of `bias` among the inputs, the others follow. */
static vt_status check(const struct vt__infer *call, int32_t at) {
    const vt_tensor *q = call->in[Q], *k = call->in[K], *v = call->in[V], *bias = input(call, at), *blocks = input(call, at + 2);
    if (q->ndim != 4 || k->ndim != 4 || v->ndim != 4) return vt__infer_fail(call, VT_ERR_SHAPE, "q, k and v are [batch, heads, rows, width]");
    if (!vt__dtype_is_float(q->dtype) || !vt__dtype_is_float(k->dtype) || !vt__dtype_is_float(v->dtype)) return vt__infer_fail(call, VT_ERR_DTYPE, "q, k and v are floats");
    if (k->shape[0] != q->shape[0] || v->shape[0] != q->shape[0]) return vt__infer_fail(call, VT_ERR_SHAPE, "batches differ");
    if (k->shape[1] != v->shape[1] || (k->shape[1] ? q->shape[1] % k->shape[1] != 0 : q->shape[1] != 0))
        return vt__infer_fail(call, VT_ERR_SHAPE, "k and v have the same number of heads, and it divides that of q");
    if (k->shape[2] != v->shape[2]) return vt__infer_fail(call, VT_ERR_SHAPE, "k and v have the same number of rows");
    if (k->shape[3] != q->shape[3]) return vt__infer_fail(call, VT_ERR_SHAPE, "q and k have the same width");
    vt_status st = check_attributes(call);
    if (st == VT_OK) st = check_masks(call, bias, input(call, at + 1), blocks);
    return st == VT_OK ? check_bounds(call, input(call, at + 3), input(call, at + 4), bias || blocks) : st;
}

/* Extents and types of the result and of the logarithms of sums. */
static void describe(const struct vt__infer *call, struct vt__desc *out, struct vt__desc *lse) {
    const vt_tensor *q = call->in[Q], *v = call->in[V];
    *out = vt__in_desc(call, Q);
    out->shape[3] = v->shape[3];
    out->dtype = vt__dtype_promote(vt__dtype_promote(q->dtype, call->in[K]->dtype), v->dtype);
    *lse = *out;
    lse->ndim = 3;
    lse->dtype = out->dtype == VT_DTYPE_F64 ? VT_DTYPE_F64 : VT_DTYPE_F32;
}

vt_status vt__infer_attention(struct vt__infer *call) {
    vt_status st = check(call, BIAS);
    if (st == VT_OK) describe(call, &call->out[0], &call->out[1]);
    return st;
}

/* Of its inputs the extents alone count. */
vt_status vt__infer_attention_drop(struct vt__infer *call) {
    const vt_tensor *q = call->in[Q], *k = call->in[K];
    if (q->ndim != 4 || k->ndim != 4) return vt__infer_fail(call, VT_ERR_SHAPE, "q and k are [batch, heads, rows, width]");
    if (!(call->attrs->a[0].f >= 0 && call->attrs->a[0].f < 1)) return vt__fail(VT_ERR_INVALID, "%s: dropout is %g, it must be in [0, 1)", call->op->name, call->attrs->a[0].f);
    call->out[0] = vt__in_desc(call, Q);
    call->out[0].shape[3] = k->shape[2];
    call->out[0].dtype = q->dtype == VT_DTYPE_F64 ? VT_DTYPE_F64 : VT_DTYPE_F32;
    return VT_OK;
}

/* ---- gradient ---- */

enum { OUT = 3, LSE, GRAD_OUT, GRAD_LSE, GRAD_INPUTS }; /* inputs of attention_grad behind q, k, v; then those of attention from the bias on */
enum { N_GRAD_IN = GRAD_INPUTS + CU_K + 1 - BIAS };

static int has_extents(const vt_tensor *t, const struct vt__desc *want) {
    int same = t->ndim == want->ndim && vt__dtype_is_float(t->dtype);
    for (int32_t i = 0; same && i < want->ndim; i++) same = t->shape[i] == want->shape[i];
    return same;
}

vt_status vt__infer_attention_grad(struct vt__infer *call) {
    struct vt__desc out, lse;
    const vt_tensor *bias = input(call, GRAD_INPUTS), *grad_lse = input(call, GRAD_LSE);
    vt_status st = check(call, GRAD_INPUTS);
    if (st != VT_OK) return st;
    describe(call, &out, &lse);
    if (!has_extents(call->in[OUT], &out) || !has_extents(call->in[GRAD_OUT], &out) || !has_extents(call->in[LSE], &lse) || (grad_lse && !has_extents(grad_lse, &lse)))
        return vt__infer_fail(call, VT_ERR_SHAPE, "out, lse and their gradients are floats with the extents that attention gives");
    for (int32_t i = 0; i < 3; i++) call->out[i] = vt__in_desc(call, i);
    int wants_bias = call->attrs->a[GRAD_BIAS].i[0] != 0;
    if (wants_bias && (!bias || !vt__dtype_is_float(bias->dtype))) return vt__infer_fail(call, VT_ERR_INVALID, "the gradient of a bias that is none, or no number");
    call->out[3] = wants_bias ? vt__tensor_desc(bias) : (struct vt__desc){.ndim = 1};
    call->out[3].dtype = call->in[LSE]->dtype == VT_DTYPE_F64 ? VT_DTYPE_F64 : VT_DTYPE_F32;
    return VT_OK;
}

vt_status vt__grad_attention(struct vt__grad *c) {
    struct vt__attrs attrs = *c->attrs;
    vt_tensor *in[N_GRAD_IN] = {c->in[Q], c->in[K], c->in[V], c->out[0], c->out[1], c->grad_out[0], c->grad_out[1]}, *out[VT__MAX_OUT] = {0};
    for (int32_t i = SLOPES; i < c->n_in; i++)
        if (c->need[i]) return vt__fail(VT_ERR_UNSUPPORTED, "attention: the gradient of slopes; give them as a bias");
    if (vt__grad_mode()) return vt__dense_grad(c); /* to be differentiated again */
    for (int32_t i = BIAS; i < c->n_in; i++) in[GRAD_INPUTS + i - BIAS] = c->in[i];
    if (!in[GRAD_OUT]) in[GRAD_OUT] = vt__e_zeros_like(c->expr, c->out[0]);
    attrs.a[GRAD_BIAS].given = 1;
    attrs.a[GRAD_BIAS].i[0] = c->n_in > BIAS && c->need[BIAS];
    vt__expr_ops(c->expr, VT__OP_attention_grad, in, N_GRAD_IN, &attrs, out);
    for (int32_t i = 0; i < 3; i++) c->grad_in[i] = c->need[i] ? out[i] : NULL;
    if (attrs.a[GRAD_BIAS].i[0]) c->grad_in[BIAS] = out[3];
    return VT_OK;
}

/* ---- merge ---- */

/* o [.., width] and lse [..] of two disjoint sets of keys. */
static vt_status check_merge(const struct vt__infer *call) {
    const vt_tensor *o = call->in[0];
    struct vt__desc rows = vt__in_desc(call, 0), lse;
    if (o->ndim < 1 || !has_extents(o, &rows) || !has_extents(call->in[2], &rows)) return vt__infer_fail(call, VT_ERR_SHAPE, "both results are floats of the same extents");
    lse = rows;
    lse.ndim--;
    if (!has_extents(call->in[1], &lse) || !has_extents(call->in[3], &lse)) return vt__infer_fail(call, VT_ERR_SHAPE, "lse is floats, with the extents of the result without the last");
    return VT_OK;
}

vt_status vt__infer_attention_merge(struct vt__infer *call) {
    vt_status st = check_merge(call);
    if (st != VT_OK) return st;
    for (int32_t i = 0; i < 2; i++) {
        call->out[i] = vt__in_desc(call, i);
        call->out[i].dtype = vt__dtype_promote(call->in[i]->dtype, call->in[i + 2]->dtype);
    }
    return VT_OK;
}

vt_status vt__infer_attention_merge_grad(struct vt__infer *call) {
    vt_status st = check_merge(call);
    for (int32_t i = 0; st == VT_OK && i < 4; i++) call->out[i] = vt__in_desc(call, i);
    for (int32_t i = 4; st == VT_OK && i < call->n_in; i++) {
        struct vt__desc want = vt__in_desc(call, i % 2);
        if (call->in[i] && !has_extents(call->in[i], &want)) return vt__infer_fail(call, VT_ERR_SHAPE, "results and their gradients are floats with the extents of what was merged");
    }
    return st;
}

/* Out of other operations: o = w1 o1 + w2 o2 with w = exp(lse_i - lse), 0 where no key is seen. */
static vt_status merge_twice(struct vt__grad *c) {
    static const int64_t last = -1;
    struct vt__expr *e = c->expr;
    struct vt__attrs zero;
    vt__attrs_default(&vt__op_table[VT__OP_masked_fill], &zero);
    zero.a[0].given = 1;
    for (int32_t i = 0; i < 2; i++) {
        vt_tensor *o = c->in[2 * i], *far = vt__e2(e, VT__OP_sub, c->in[2 * i + 1], c->out[1]), *none = vt__e1(e, VT__OP_isinf, c->out[1]), *g = NULL;
        vt_tensor *masked[] = {vt__e1(e, VT__OP_exp, far), none}, *w = vt__expr_op(e, VT__OP_masked_fill, masked, 2, &zero);
        vt_tensor one = {.ndim = o->ndim};
        for (int32_t d = 0; d < o->ndim - 1; d++) one.shape[d] = o->shape[d];
        one.shape[o->ndim - 1] = 1;
        if (c->grad_out[0]) {
            g = vt__e_sum(e, vt__e2(e, VT__OP_mul, c->grad_out[0], vt__e2(e, VT__OP_sub, o, c->out[0])), &last, 1, 0);
            if (c->need[2 * i]) c->grad_in[2 * i] = vt__e2(e, VT__OP_mul, vt__e_reshape_like(e, w, &one), c->grad_out[0]);
        }
        if (c->grad_out[1]) g = g ? vt__e2(e, VT__OP_add, g, c->grad_out[1]) : c->grad_out[1];
        if (c->need[2 * i + 1]) c->grad_in[2 * i + 1] = vt__e2(e, VT__OP_mul, w, g);
    }
    return VT_OK;
}

vt_status vt__grad_attention_merge(struct vt__grad *c) {
    vt_tensor *in[] = {c->in[0], c->in[1], c->in[2], c->in[3], c->out[0], c->out[1], c->grad_out[0], c->grad_out[1]}, *out[VT__MAX_OUT] = {0};
    if (vt__grad_mode()) return merge_twice(c);
    for (int32_t i = 6; i < 8; i++)
        if (!in[i]) in[i] = vt__e_zeros_like(c->expr, c->out[i - 6]);
    vt__expr_ops(c->expr, VT__OP_attention_merge_grad, in, 8, NULL, out);
    for (int32_t i = 0; i < 4; i++) c->grad_in[i] = c->need[i] ? out[i] : NULL;
    return VT_OK;
}
