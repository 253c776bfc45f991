/* Attention out of other operations, whole matrices of scores: what the tiles cannot give, probabilities themselves and gradients of gradients. */
#ifndef VENTURI_OPS_ATTENTION_DENSE_H
#define VENTURI_OPS_ATTENTION_DENSE_H

#include "ops/ops.h"

struct vt__dense_attention {
    struct vt__expr *e;
    const struct vt__attrs *attrs; /* of attention */
    vt_tensor *q, *k;              /* k: every head of q has its own */
    vt_tensor *bias, *slopes, *blocks, *cu_q, *cu_k; /* NULL: none */
    double scale;
    vt_tensor *bend;               /* set: the slope of the soft cap; NULL: 1 */
};

/* k or v with as many heads as q. */
vt_tensor *vt__dense_heads(struct vt__expr *e, vt_tensor *x, const vt_tensor *q);
/* The sum over the heads that share one, back to the extents of like. */
vt_tensor *vt__dense_shared(struct vt__expr *e, vt_tensor *g, const vt_tensor *like);
/* exp(scores - lse), 0 where nothing is seen. */
vt_tensor *vt__dense_probs(struct vt__dense_attention *a, vt_tensor *lse);
/* Gradients of attention of every order into c->grad_in. */
vt_status vt__dense_grad(struct vt__grad *c);

#endif
