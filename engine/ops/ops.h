/* What the operations of tensor/ops.def say of themselves: shapes (infer), gradients, compositions. A family a file; a gradient stands beside its
 * operation's shapes. The declarations are made of the table. */
#ifndef VENTURI_OPS_OPS_H
#define VENTURI_OPS_OPS_H

#include "tensor/tape.h"

#define VT_OP(id, in, attrs, outs, flags, keep, infer, run, grad, doc) \
    vt_status vt__infer_##infer(struct vt__infer *call); \
    vt_status vt__grad_##grad(struct vt__grad *call);
#define VT_OP_VIEW(id, in, attrs, flags, keep, infer, grad, doc) \
    vt_status vt__infer_##infer(struct vt__infer *call); \
    vt_status vt__grad_##grad(struct vt__grad *call);
#define VT_OP_COMPOSED(id, in, attrs, outs, flags, compose, doc) vt_status vt__compose_##compose(struct vt__expr *e, struct vt__infer *call, vt_tensor **out);
#include "tensor/ops.def"
#undef VT_OP
#undef VT_OP_VIEW
#undef VT_OP_COMPOSED

/* Attribute i of the call: a dimension counted from 0, negative ones from the end. SHAPE if there is none like it. */
vt_status vt__attr_dim(const struct vt__infer *call, int32_t i, int32_t ndim, int64_t *out);
/* A list of dimensions without repetition as a mask; absent: all of ndim. */
vt_status vt__attr_dims(const struct vt__infer *call, int32_t i, int32_t ndim, uint32_t *mask);
/* Extents and type of the call's input i. */
struct vt__desc vt__in_desc(const struct vt__infer *call, int32_t i);
/* Shorthands in gradient functions: may input i, must it be given a gradient. */
static inline vt_tensor *vt__g(const struct vt__grad *call) { return call->grad_out[0]; }

#endif
