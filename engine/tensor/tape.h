/* The tape: which operation made a tensor of which, and the walk back. A graph belongs to one thread at a time. */
#ifndef VENTURI_TENSOR_TAPE_H
#define VENTURI_TENSOR_TAPE_H

#include "tensor/expr.h"

/* What a gradient function sees and answers. in and out have numbers where the table's `keep` says so, else type and extents only. grad_out[i] is NULL
 * where nothing came back. It sets grad_in[i] where need[i]; results live in `expr`. Extents that broadcasting has added and other types of
 * numbers are reduced by the caller, so the gradient of a product is the product with the other factor and nothing more. */
struct vt__grad {
    struct vt__expr *expr;
    const struct vt__op_def *op;
    const struct vt__attrs *attrs;
    vt_tensor *const *in, *const *out, *const *grad_out;
    vt_tensor **grad_in;
    const int32_t *need;
    int32_t n_in, n_out;
};

/* A gradient written by the host: grad_out[n_out] (NULL where nothing came back) to retained grad_in[n_in] (NULL: none). */
typedef vt_status (*vt__custom_fn)(void *user, vt_tensor *const *grad_out, int32_t n_out, vt_tensor **grad_in, int32_t n_in);
typedef vt_status (*vt__hook_fn)(void *user, vt_tensor *grad, vt_tensor **replacement); /* replacement NULL: stays */

/* Puts the call on the tape if an input requires a gradient. */
vt_status vt__tape_record(const struct vt__op_def *op, vt_tensor *const *in, int32_t n_in, const struct vt__attrs *attrs, vt_tensor *const *out, int32_t n_out);
/* Makes out the results of a function with its own gradient. release(user) when the node dies, on failure too. */
vt_status vt__tape_custom(vt_context *ctx, const char *name, vt_tensor *const *in, int32_t n_in, vt_tensor *const *out, int32_t n_out, vt__custom_fn fn,
                          void (*release)(void *user), void *user);
vt_status vt__tensor_add_hook(vt_tensor *t, vt__hook_fn fn, void (*release)(void *user), void *user);
void vt__node_release(struct vt__node *node);
void vt__hooks_release(vt_context *ctx, struct vt__hook *hooks);

/* Walks back from n roots, whose gradients are grads[i] (NULL: 1, the root has one element then), and adds to the .grad of the leaves.
 * keep: the tape can be walked again; create: gradients are recorded themselves. */
vt_status vt__backward(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, int32_t keep, int32_t create);
/* The same, gradients of n_in tensors (leaves or not) into out instead (retained; NULL where the roots do not depend on one). */
vt_status vt__gradients(vt_context *ctx, vt_tensor *const *roots, vt_tensor *const *grads, int32_t n, vt_tensor *const *in, int32_t n_in, int32_t keep,
                        int32_t create, vt_tensor **out);

#endif
