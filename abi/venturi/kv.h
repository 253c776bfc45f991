/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Key/value caches: a pool of blocks of 16 tokens from which the sessions of one model take theirs.
 * Sharing by prefix, copy on write and files come later; the attention already reads through block tables. */
#ifndef VENTURI_KV_H
#define VENTURI_KV_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_kv_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int64_t n_tokens;     /* capacity over all sessions, rounded up to whole blocks; 0: the model's context length */
    int32_t dtype;        /* of keys and values: VT_DTYPE_F32 (also 0, the default), VT_DTYPE_F16, or VT_DTYPE_Q8_0, which takes half of that for
                             heads of a multiple of 32 elements */
    int32_t reserved;     /* must be 0 */
} vt_kv_options;

/** New pool for sessions of this model; memory is taken block by block as sessions grow. Errors: VT_ERR_INVALID, VT_ERR_DTYPE,
 *  VT_ERR_UNSUPPORTED (Q8_0 and heads of another size), VT_ERR_NOMEM.
 *  Threads: sessions on different threads may share one pool. */
VT_API VT_MUST_USE vt_status vt_kv_create(vt_model *model, const vt_kv_options *opt, vt_kv **out);
VT_API vt_kv *vt_kv_retain(vt_kv *kv);
VT_API void vt_kv_release(vt_kv *kv);

/** Tokens that a block holds. */
VT_API int64_t vt_kv_block_tokens(const vt_kv *kv);
/** Blocks that the pool may hand out in all, and those in use now. */
VT_API int64_t vt_kv_block_count(const vt_kv *kv);
VT_API int64_t vt_kv_block_used(const vt_kv *kv);
/** Bytes of one block over all layers. */
VT_API size_t vt_kv_block_size(const vt_kv *kv);

#ifdef __cplusplus
}
#endif
#endif
