/* Pool of key/value cache blocks. A block holds 16 tokens over all layers, so that a sequence is one list of pointers:
 *
 *     block = for each layer: keys of each key/value head, then values of each, as kernels lay them out (kernels/vtk.h)
 *
 * Blocks are reference counted: a sequence that forks will share them and copy the last one when it writes. Not here: which tokens a
 * block holds (the session's business), attention (kernels). */
#ifndef VENTURI_KV_CACHE_H
#define VENTURI_KV_CACHE_H

#include "venturi/types.h"

enum { VT__KV_BLOCK_TOKENS = 16 };

typedef struct vt__kv_params {
    int32_t n_layers, n_kv_heads;
    int64_t head_dim;
    int32_t dtype;    /* VT_DTYPE_F32, VT_DTYPE_F16 or VT_DTYPE_Q8_0 */
    int64_t n_tokens; /* capacity, rounded up to whole blocks */
    void *owner;      /* what the keys were computed with (a model): sessions of another one are refused */
    void (*release_owner)(void *owner);
} vt__kv_params;

/* Takes the reference to the owner, also on failure. Errors: INVALID, DTYPE, NOMEM. */
vt_status vt__kv_create(vt_context *ctx, const vt__kv_params *params, vt_kv **out);
vt_kv *vt__kv_retain(vt_kv *kv);
void vt__kv_release(vt_kv *kv);

const void *vt__kv_owner(const vt_kv *kv);
int32_t vt__kv_dtype(const vt_kv *kv);
int32_t vt__kv_n_heads(const vt_kv *kv);
int64_t vt__kv_head_dim(const vt_kv *kv);
int32_t vt__kv_type(const vt_kv *kv); /* the same as VTK_KV_... */
int64_t vt__kv_block_count(const vt_kv *kv);
int64_t vt__kv_block_used(const vt_kv *kv);
size_t vt__kv_block_size(const vt_kv *kv);

/* Bytes from a block's begin to the keys, and to the values, of a layer's key/value head. */
size_t vt__kv_k_offset(const vt_kv *kv, int32_t layer, int32_t head);
size_t vt__kv_v_offset(const vt_kv *kv, int32_t layer, int32_t head);

/* A block with reference count 1, aligned to 64 bytes, contents undefined. Safe from any thread. Errors: LIMIT (all are in use), NOMEM. */
vt_status vt__kv_take_block(vt_kv *kv, unsigned char **out);
void vt__kv_share_block(vt_kv *kv, unsigned char *block); /* one reference more */
void vt__kv_give_block(vt_kv *kv, unsigned char *block);  /* one less; the last puts it on the free list */

#endif
