/* Expressions of operations: a row of calls with one status. The first failure makes every later call give NULL, a NULL operand gives NULL, and what
 * the calls made is released together at the end: gradients and composed operations read like formulas. */
#ifndef VENTURI_TENSOR_EXPR_H
#define VENTURI_TENSOR_EXPR_H

#include "tensor/dispatch.h"

struct vt__expr {
    vt_context *ctx;
    vt_status status;
    vt_tensor **made; /* released by vt__expr_end */
    int64_t n_made, cap;
    const struct vt__backend *backend; /* where constants are made that are like a tensor without numbers; NULL: the CPU */
};

void vt__expr_begin(struct vt__expr *e, vt_context *ctx);
/* Releases all that was made; the status. Results that shall live on are retained before. */
vt_status vt__expr_end(struct vt__expr *e);
/* Takes a reference over: released at the end. Returns t. */
vt_tensor *vt__expr_take(struct vt__expr *e, vt_tensor *t);

/* op on the inputs; the first output. attrs NULL: defaults. */
vt_tensor *vt__expr_op(struct vt__expr *e, int32_t op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs);
/* All outputs into out [n_out of the table]. */
void vt__expr_ops(struct vt__expr *e, int32_t op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor **out);

vt_tensor *vt__e1(struct vt__expr *e, int32_t op, vt_tensor *a);
vt_tensor *vt__e2(struct vt__expr *e, int32_t op, vt_tensor *a, vt_tensor *b);
vt_tensor *vt__e3(struct vt__expr *e, int32_t op, vt_tensor *a, vt_tensor *b, vt_tensor *c);
/* With one number of type dtype of the tensor beside it: a + s, a * s, a ^ s. */
vt_tensor *vt__e_add_scalar(struct vt__expr *e, vt_tensor *a, double s);
vt_tensor *vt__e_scale(struct vt__expr *e, vt_tensor *a, double s);
vt_tensor *vt__e_pow_scalar(struct vt__expr *e, vt_tensor *a, double s);
/* 0-dimensional tensor of a number, of a's type (a's real type for complex ones) and device. */
vt_tensor *vt__e_scalar(struct vt__expr *e, const vt_tensor *like, double s);
vt_tensor *vt__e_zeros_like(struct vt__expr *e, const vt_tensor *like);
vt_tensor *vt__e_sum(struct vt__expr *e, vt_tensor *a, const int64_t *dims, int32_t n_dims, int32_t keepdim);
vt_tensor *vt__e_mean(struct vt__expr *e, vt_tensor *a, const int64_t *dims, int32_t n_dims, int32_t keepdim);
vt_tensor *vt__e_reshape(struct vt__expr *e, vt_tensor *a, const int64_t *shape, int32_t ndim);
vt_tensor *vt__e_reshape_like(struct vt__expr *e, vt_tensor *a, const vt_tensor *like);
vt_tensor *vt__e_expand_like(struct vt__expr *e, vt_tensor *a, const vt_tensor *like);
vt_tensor *vt__e_transpose(struct vt__expr *e, vt_tensor *a, int64_t dim0, int64_t dim1);
vt_tensor *vt__e_cast(struct vt__expr *e, vt_tensor *a, int32_t dtype);
/* Sums a over what broadcasting has added to extents like `shape`. */
vt_tensor *vt__e_sum_to(struct vt__expr *e, vt_tensor *a, const int64_t *shape, int32_t ndim);
/* The dims of an op call's attribute back inside a reduced tensor: extents of 1 at dims where keepdim was 0. */
vt_tensor *vt__e_unreduce(struct vt__expr *e, vt_tensor *reduced, const vt_tensor *full, const int64_t *dims, int32_t n_dims);

#endif
