/* Attention over plain arrays: keys and values are put into blocks of a cache and given to the kernels that models use. For tests and for those
 * who have queries, keys and values but no model. */
#ifndef VENTURI_KV_PLAIN_H
#define VENTURI_KV_PLAIN_H

#include "venturi/types.h"

typedef struct vt__plain_attention {
    int64_t n_batch, n_heads, n_kv_heads, n_queries, n_keys, head_dim;
    int64_t left, right; /* -1: no bound */
    int32_t dtype;       /* as a cache's */
    double scale, softcap;
    const float *q, *k, *v;
    float *out, *lse; /* lse may be NULL */
} vt__plain_attention;

/* Errors: INVALID, DTYPE, UNSUPPORTED, SHAPE, NOMEM. */
vt_status vt__plain_attention_run(vt_context *ctx, const vt__plain_attention *p);

#endif
