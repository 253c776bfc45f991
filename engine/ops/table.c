/* The table of all operations, made of tensor/ops.def. */
#include "ops/ops.h"

#define vt__grad_none NULL
#define VT_OP(id, in, attrs, outs, flags, keep, infer, run, grad, doc) {#id, in, attrs, doc, VT__OP_##id, outs, flags, keep, vt__infer_##infer, vt__grad_##grad, NULL},
#define VT_OP_VIEW(id, in, attrs, flags, keep, infer, grad, doc) \
    {#id, in, attrs, doc, VT__OP_##id, 1, (flags) | VT__OP_VIEW, keep, vt__infer_##infer, vt__grad_##grad, NULL},
#define VT_OP_COMPOSED(id, in, attrs, outs, flags, compose, doc) {#id, in, attrs, doc, VT__OP_##id, outs, (flags) | VT__OP_COMPOSED, 0, NULL, NULL, vt__compose_##compose},

const struct vt__op_def vt__op_table[VT__OP_COUNT] = {
#include "tensor/ops.def"
};
