#include "plan/cost.h"

#include "plan/step.h"

static double extent(const struct vt__operand *o, int32_t from_the_end) {
    return o->desc.ndim < from_the_end ? 1 : (double)o->desc.shape[o->desc.ndim - from_the_end];
}

static double count(const struct vt__operand *o) { return o->value < 0 ? 0 : (double)vt__operand_count(o); }

/* n log2 n of a transform of n points. */
static double log_of(double n) {
    double bits = 0;
    for (double m = 1; m < n; m *= 2) bits++;
    return bits;
}

/* Two products of queries and keys with rows of some width; the gradients do five of such a size. Masks leave out half where they are causal. */
static double attention(const struct vt__step *s, const struct vt__operand *q, const struct vt__operand *k, const struct vt__operand *v, double products) {
    struct vt__attr_def def;
    double all = count(q) / extent(q, 1) * extent(k, 2) * (extent(q, 1) + extent(v, 1));
    for (int32_t i = 0; i < VT__MAX_ATTRS && vt__op_attr(s->op, i, &def); i++)
        if (def.name_len == 6 && def.name[0] == 'c' && s->attrs->a[i].i[0] && extent(q, 2) > 1) all /= 2;
    return all * products;
}

double vt__step_flops(const struct vt__program *p, const struct vt__step *s) {
    const struct vt__operand *in = p->operands + s->operands, *out = in + s->n_in;
    double most = 0;
    switch (s->op->id) {
    case VT__OP_copy:
    case VT__OP_cast:
    case VT__OP_fill:
    case VT__OP_cat: return 0;
    case VT__OP_matmul: return 2 * count(out) * extent(&in[0], 1);
    case VT__OP_conv2d: return 2 * count(out) * count(&in[1]) / (double)in[1].desc.shape[0];
    case VT__OP_conv_transpose2d: return 2 * count(&in[0]) * count(&in[1]) / (double)in[1].desc.shape[0];
    case VT__OP_conv2d_weight: return 2 * count(&in[1]) * count(out) / (double)out->desc.shape[0];
    case VT__OP_attention: return attention(s, &in[0], &in[1], &in[2], 2);
    case VT__OP_attention_grad: return attention(s, &in[0], &in[1], &in[2], 5);
    case VT__OP_dft: return 5 * count(out) * log_of(extent(out, 1));
    case VT__OP_rdft: return 2.5 * count(&in[0]) * log_of(extent(&in[0], 1));
    case VT__OP_irdft: return 2.5 * count(out) * log_of(extent(out, 1));
    case VT__OP_cholesky: return count(out) * extent(out, 1) / 3;
    case VT__OP_solve_triangular: return count(out) * extent(&in[0], 1);
    default: break;
    }
    for (int32_t i = 0; i < s->n_in + s->n_out; i++)
        if (count(&in[i]) > most && (i >= s->n_in || vt__step_reads(s, i))) most = count(&in[i]);
    return most;
}

double vt__step_bytes(const struct vt__program *p, const struct vt__step *s) {
    const struct vt__operand *o = p->operands + s->operands;
    double sum = 0;
    for (int32_t i = 0; i < s->n_in + s->n_out; i++) {
        if (o[i].value < 0 || (i < s->n_in && !vt__step_reads(s, i))) continue;
        double n = 1; /* repeated elements are read once */
        for (int32_t d = 0; d < o[i].desc.ndim; d++) n *= o[i].strides[d] == 0 ? 1 : (double)o[i].desc.shape[d];
        sum += n * (double)vt__dtype_size(o[i].desc.dtype);
    }
    return sum;
}
