/* Running operations: inference, memory, the backend, and the tape. */
#ifndef VENTURI_TENSOR_DISPATCH_H
#define VENTURI_TENSOR_DISPATCH_H

#include "tensor/tensor.h"

/* What an infer function sees and answers. in[i] may be NULL where an input is optional. */
struct vt__infer {
    vt_context *ctx;
    const struct vt__op_def *op;
    vt_tensor *const *in;
    int32_t n_in, n_out;  /* n_out: the table's, an infer function may lower or set it (lists) */
    const struct vt__attrs *attrs;
    struct vt__desc out[VT__MAX_OUT];
    /* Views: strides and offset of out[0] in in[0]'s storage; an offset below 0 says that no strides can do it and a dense copy of in[0] is needed. */
    int64_t strides[VT__MAX_DIMS], offset;
};

/* Runs op on in (n_in handles, NULL for absent ones). out: n_out of the table's handles, retained for the caller. attrs NULL: defaults. */
vt_status vt__op_run(vt_context *ctx, int32_t op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor **out);
/* The same into existing tensors of the right extents and any floating or integer type of the same kind; never recorded: STATE when a gradient
 * would be lost (grad mode on and an input or output that requires one). Views and composed operations: UNSUPPORTED. Outputs may be inputs where the operation is elementwise. */
vt_status vt__op_run_into(vt_context *ctx, int32_t op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor *const *out);

/* The token that ends this thread's operations with CANCELLED, borrowed; NULL: none, as at first. Answers the one before. What an operation that was
 * ended should have written is undefined. */
const vt_cancel *vt__op_cancel_set(const vt_cancel *cancel);

/* The backend's runner, left once this thread's token is up: CANCELLED. */
vt_status vt__op_execute(const struct vt__backend *backend, const struct vt__run *run);

/* INVALID unless there are as many outputs as the operation has, none NULL. */
vt_status vt__op_check_outputs(const struct vt__op_def *op, vt_tensor *const *out, int32_t n_out);

/* Grad mode of this thread: are operations recorded? 1 at the start of a thread. Returns what it was. */
int32_t vt__grad_mode(void);
int32_t vt__grad_mode_set(int32_t on);

/* FAIL with op's name and the extents of up to three inputs. */
vt_status vt__infer_fail(const struct vt__infer *infer, vt_status code, const char *why);

#endif
