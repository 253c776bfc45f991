/* Tokens' keys and values as rows of floats, out of a cache's blocks and into memory of any layout. */
#ifndef VENTURI_KV_ROWS_H
#define VENTURI_KV_ROWS_H

#include "venturi/types.h"

enum { VT__KEYS, VT__VALUES };

/* Row [n_kv_heads * head_dim] of tokens first..first+n-1 of a sequence: x [n, ld]. blocks: of the sequence. */
void vt__kv_read(const vt_kv *kv, unsigned char *const *blocks, int32_t layer, int32_t part, int64_t first, int64_t n, float *x, int64_t ld);

/* Where rows go: element d of head h of token t at out + (t * token + h * head + d * dim) * (bytes of an element). */
typedef struct vt__kv_target {
    void *out;
    int32_t dtype; /* VT_DTYPE_F32 or VT_DTYPE_F16 */
    int64_t token, head, dim;
} vt__kv_target;

/* Up to 16 rows of n_heads * head_dim; scratch: [16 * head_dim] floats, aligned to 64. Fast for dim 1, and for 16 tokens with token 1 and dim 16. */
void vt__kv_scatter(const vt__kv_target *target, const float *x, int64_t ld, int64_t n_tokens, int64_t n_heads, int64_t head_dim, float *scratch);

/* The same into a cache of any type: tokens first..first+n-1, n up to 16 and all in one block. keys, values: rows. */
void vt__kv_write(const vt_kv *kv, unsigned char *const *blocks, int32_t layer, int64_t first, int64_t n, const float *keys, const float *values, int64_t ld,
                  float *scratch);

#endif
