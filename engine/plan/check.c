/* Programs that somebody else has written. What dispatch makes sure of for a runner is made sure of here, step by step. */
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "plan/file.h"
#include "tensor/attr.h"
#include "tensor/dispatch.h"

static vt_status wrong(int64_t step, const struct vt__op_def *op, const char *why) {
    return vt__fail(VT_ERR_FORMAT, "graph: step %lld (%s): %s", (long long)step + 1, op->name, why);
}

/* ---- operands ---- */

/* First byte that o reaches and the one behind the last; equal: none. */
static int find_bytes(const struct vt__operand *o, int64_t *first, int64_t *end) {
    int64_t width = (int64_t)vt__dtype_size(o->desc.dtype);
    *first = *end = 0;
    if (vt__strides_reach(&o->desc, o->strides, first, end) != VT_OK) return 0;
    if (*end < *first) return *first = *end = 0, 1;
    if (__builtin_add_overflow(*first, o->offset, first) || __builtin_add_overflow(*end, o->offset, end) || *end == INT64_MAX) return 0;
    ++*end;
    return !__builtin_mul_overflow(*first, width, first) && !__builtin_mul_overflow(*end, width, end);
}

static int fits(const struct vt__program *p, const struct vt__operand *o) {
    int64_t first, end;
    if (o->value < 0 || o->value >= p->n_values || vt__desc_check("graph", &o->desc, NULL) != VT_OK) return 0;
    for (int32_t d = 0; d < o->desc.ndim; d++)
        if (o->strides[d] <= INT64_MIN / 64 || o->strides[d] >= INT64_MAX / 64) return 0;
    return o->offset >= 0 && o->offset < INT64_MAX / 64 && find_bytes(o, &first, &end) && first >= 0 && (uint64_t)end <= p->values[o->value].size;
}

/* Do two of the elements that are written share memory? Dimensions in the order of their steps must lie inside of each other. */
static int is_overlapping(const struct vt__operand *o) {
    int32_t order[VT__MAX_DIMS], n = 0;
    for (int32_t d = 0; d < o->desc.ndim; d++) {
        if (o->desc.shape[d] == 0) return 0;
        if (o->desc.shape[d] == 1) continue;
        int32_t k = n++;
        for (; k > 0 && llabs(o->strides[order[k - 1]]) > llabs(o->strides[d]); k--) order[k] = order[k - 1];
        order[k] = d;
    }
    int64_t reach = 0; /* of the dimensions so far, in elements */
    for (int32_t i = 0; i < n; i++) {
        if (llabs(o->strides[order[i]]) <= reach) return 1;
        reach += (o->desc.shape[order[i]] - 1) * llabs(o->strides[order[i]]);
    }
    return 0;
}

static int is_same_place(const struct vt__operand *a, const struct vt__operand *b) {
    if (a->desc.dtype != b->desc.dtype || a->offset != b->offset || a->desc.ndim != b->desc.ndim) return 0;
    for (int32_t d = 0; d < a->desc.ndim; d++)
        if (a->desc.shape[d] != b->desc.shape[d] || a->strides[d] != b->strides[d]) return 0;
    return 1;
}

static int meet(const struct vt__operand *a, const struct vt__operand *b) {
    int64_t a_first, a_end, b_first, b_end;
    if (a->value != b->value || !find_bytes(a, &a_first, &a_end) || !find_bytes(b, &b_first, &b_end)) return 0;
    return a_first < b_end && b_first < a_end;
}

static vt_status check_operands(const struct vt__program *p, int64_t number, const struct vt__step *s) {
    const struct vt__operand *in = p->operands + s->operands, *out = in + s->n_in;
    int32_t least, most;
    vt__op_inputs(s->op, &least, &most);
    if (s->n_in < least || s->n_in > most || s->n_out < 1 || s->n_out > s->op->n_out) return wrong(number, s->op, "number of inputs or outputs");
    for (int32_t i = 0; i < s->n_in + s->n_out; i++) {
        if (in[i].value < 0 && i >= least && i < s->n_in && most != INT32_MAX) continue;
        if (!fits(p, &in[i])) return wrong(number, s->op, "an operand lies outside of its memory");
    }
    for (int32_t i = 0; i < s->n_out; i++) {
        if (is_overlapping(&out[i])) return wrong(number, s->op, "elements of an output share memory");
        for (int32_t k = 0; k < i; k++)
            if (meet(&out[i], &out[k])) return wrong(number, s->op, "two outputs share memory");
        for (int32_t k = 0; k < s->n_in; k++)
            if (in[k].value >= 0 && meet(&out[i], &in[k]) && !((s->op->flags & VT__OP_ELEMENTWISE) && is_same_place(&out[i], &in[k])))
                return wrong(number, s->op, "an output lies in an input's way");
    }
    return VT_OK;
}

/* Types and layouts as dispatch hands them to a runner. */
static vt_status check_layout(const struct vt__program *p, int64_t number, const struct vt__step *s) {
    const struct vt__operand *o = p->operands + s->operands;
    int32_t flags = s->op->flags, first = o[s->n_in].desc.dtype;
    for (int32_t i = 0; i < s->n_in + s->n_out; i++) {
        int32_t dtype = o[i].desc.dtype;
        if (o[i].value < 0) continue;
        int is_dense_needed = flags & (i < s->n_in ? VT__OP_DENSE : VT__OP_DENSE | VT__OP_DENSE_OUT);
        if (is_dense_needed && !vt__operand_is_dense(&o[i])) return wrong(number, s->op, "an operand does not lie in a row");
        if ((flags & VT__OP_WIDE) && vt__dtype_is_half(dtype) && !(dtype == VT_DTYPE_BF16 && (flags & VT__OP_BF16)))
            return wrong(number, s->op, "16-bit floats, which dispatch would have widened");
        if ((flags & VT__OP_CAST) && i < s->n_in && vt__dtype_has_grad(dtype) && dtype != first) return wrong(number, s->op, "inputs of several types");
    }
    return VT_OK;
}

/* ---- attributes ---- */

static int count_choices(const struct vt__attr_def *def) {
    int n = 1;
    for (const char *s = def->rest; *s && *s != ')'; s++) n += *s == ',';
    return n;
}

static vt_status check_attrs(const struct vt__program *p, int64_t number, struct vt__step *s) {
    struct vt__attr_def def;
    for (int32_t k = 0; k < VT__MAX_ATTRS && vt__op_attr(s->op, k, &def); k++) {
        struct vt__attr *a = &s->attrs->a[k];
        int is_list = def.type == VT__ATTR_INTS || def.type == VT__ATTR_DIMS;
        if (!a->given) continue;
        if (!is_list && a->count != 1) return wrong(number, s->op, "an attribute of several numbers");
        if (def.type == VT__ATTR_ENUM && (a->i[0] < 0 || a->i[0] >= count_choices(&def))) return wrong(number, s->op, "a choice that there is not");
        if (def.type == VT__ATTR_BOOL && a->i[0] != 0 && a->i[0] != 1) return wrong(number, s->op, "an attribute that is neither true nor false");
        if (def.type == VT__ATTR_DTYPE && (a->i[0] < 0 || a->i[0] > INT32_MAX || !vt__dtype_size((int32_t)a->i[0]))) return wrong(number, s->op, "no element type");
        if (def.type == VT__ATTR_TEXT) return wrong(number, s->op, "a text");
        if (a->var < 0 || a->var > p->n_variables || (a->var && !vt__attr_may_vary(s->op, &def))) return wrong(number, s->op, "a variable that cannot be");
    }
    return vt__attrs_check(s->op, s->attrs) == VT_OK ? VT_OK : wrong(number, s->op, vt__error_message());
}

/* ---- inference ---- */

static vt_status compare(const struct vt__infer *infer, int64_t number, const struct vt__step *s, const struct vt__operand *out) {
    if (infer->n_out != s->n_out) return wrong(number, s->op, "number of outputs");
    for (int32_t i = 0; i < s->n_out; i++) {
        const struct vt__desc *want = &infer->out[i], *have = &out[i].desc;
        int same = want->ndim == have->ndim && vt__dtype_kind(have->dtype) >= vt__dtype_kind(want->dtype);
        for (int32_t d = 0; same && d < have->ndim; d++) same = want->shape[d] == have->shape[d];
        if (!same) return wrong(number, s->op, "an output has other extents than the operation gives it");
    }
    return VT_OK;
}

static vt_status check_extents(const struct vt__program *p, int64_t number, const struct vt__step *s) {
    const struct vt__operand *o = p->operands + s->operands;
    vt_tensor **in = vt__calloc2(p->ctx, s->n_in, 1, sizeof *in);
    vt_status st = in ? VT_OK : vt__fail_nomem("graph", (size_t)s->n_in * sizeof *in);
    for (int32_t i = 0; st == VT_OK && i < s->n_in; i++) {
        if (o[i].value < 0) continue;
        st = vt__tensor_ghost(p->ctx, &o[i].desc, &in[i]);
        if (st == VT_OK) memcpy(in[i]->strides, o[i].strides, sizeof in[i]->strides);
    }
    if (st == VT_OK) {
        struct vt__infer infer = {.ctx = p->ctx, .op = s->op, .in = in, .n_in = s->n_in, .n_out = s->op->n_out, .attrs = s->attrs};
        st = s->op->infer(&infer);
        if (st == VT_OK) st = compare(&infer, number, s, o + s->n_in);
        else if (st != VT_ERR_NOMEM) st = vt__fail_within(VT_ERR_FORMAT, "graph");
    }
    for (int32_t i = 0; in && i < s->n_in; i++) vt__tensor_release(in[i]);
    vt__free(p->ctx, in);
    return st;
}

/* ---- the whole ---- */

/* Inputs have memory of their own that is theirs as a whole; results lie in results or kept values. */
static vt_status check_ends(const struct vt__program *p) {
    char *seen = vt__calloc2(p->ctx, p->n_values, 1, 1);
    vt_status st = seen ? VT_OK : vt__fail_nomem("graph", (size_t)p->n_values);
    for (int32_t i = 0; st == VT_OK && i < p->n_inputs; i++) {
        const struct vt__operand *o = &p->inputs[i];
        int good = fits(p, o) && p->values[o->value].kind == VT__VALUE_INPUT && !seen[o->value] && vt__operand_covers(o, p->values[o->value].size);
        if (good) seen[o->value] = 1;
        else st = vt__fail(VT_ERR_FORMAT, "graph: input %d is none", i + 1);
    }
    for (int32_t i = 0; st == VT_OK && i < p->n_results; i++) {
        const struct vt__operand *o = &p->results[i];
        int good = fits(p, o) && (p->values[o->value].kind == VT__VALUE_RESULT || p->values[o->value].kind == VT__VALUE_KEPT);
        if (good) seen[o->value] = 1;
        else st = vt__fail(VT_ERR_FORMAT, "graph: result %d is none", i + 1);
    }
    for (int64_t i = 0; st == VT_OK && i < p->n_values; i++)
        if (!seen[i] && (p->values[i].kind == VT__VALUE_INPUT || p->values[i].kind == VT__VALUE_RESULT))
            st = vt__fail(VT_ERR_FORMAT, "graph: value %lld is no input and no result", (long long)i);
    vt__free(p->ctx, seen);
    return st;
}

vt_status vt__program_check(const struct vt__program *p) {
    vt_status st = p->n_results > VT__MOST_RESULTS ? vt__fail(VT_ERR_LIMIT, "graph: %d results, at most %d are possible", p->n_results, VT__MOST_RESULTS) : check_ends(p);
    for (int64_t i = 0; st == VT_OK && i < p->n_steps; i++) {
        st = check_operands(p, i, &p->steps[i]);
        if (st == VT_OK) st = check_layout(p, i, &p->steps[i]);
        if (st == VT_OK) st = check_attrs(p, i, &p->steps[i]);
        if (st == VT_OK) st = check_extents(p, i, &p->steps[i]);
    }
    return st;
}
