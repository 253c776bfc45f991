/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Key/value caches: a pool of blocks of 16 tokens from which the sessions of one model take theirs.
 * Sharing by prefix and copy on write come later; the attention already reads through block tables.
 *
 * And caches in coded form (CacheGen): a profile is made once a model, then
 *
 *     vt_kv_encode(session, profile, NULL, &bytes, NULL);       vt_kv_decode(empty_session, profile, data, size, 0);  */
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

/* ---- coded caches ---- */

/** What coding needs to know of a model: steps and tables of frequencies, some megabytes. Immutable, shareable between threads. */
typedef struct vt_kv_profile vt_kv_profile;

enum { /* what becomes a symbol */
    VT_KV_MODE_AUTO = 0,   /* of each layer's keys and values, head by head, what takes the fewest bits at equal error */
    VT_KV_MODE_TOKEN = 1,  /* values in units of their token's largest one in the head */
    VT_KV_MODE_DIRECT = 2, /* values without their channel's mean, in steps */
    VT_KV_MODE_DELTA = 3   /* CacheGen's own: differences from an anchor token, in steps of their channel's root mean square and depth */
};
enum { VT_KV_MAX_LEVELS = 8 };

typedef struct vt_kv_profile_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int32_t mode;         /* VT_KV_MODE_* */
    int32_t group_tokens; /* from one anchor to the next; 0: 10 */
    int32_t n_levels;     /* 1 to VT_KV_MAX_LEVELS; 0: the default levels, and `fineness` is not looked at */
    int32_t default_level; /* from 1 (the finest) on; 0: the default one */
    float fineness[8];    /* of each level: steps from 0 to a token's largest value, 1 to 127, falling */
    float depth[3];       /* factors of the steps in the first, middle and last third of the layers; 0: 1, in CacheGen's mode 0.5, 1, 1.5 */
    float keys, values;   /* factors of the steps of keys and of values; 0: 1 */
    int32_t n_kept;       /* first tokens of a sequence that stay as they are, since all later ones look at them, 1 to 16; 0: 1, in CacheGen's mode none; -1: none */
} vt_kv_profile_options;

/** Profile from n >= 1 sessions of one model that hold texts like those to come, some thousand tokens in all. Takes seconds, on the context's threads.
 *  Errors: VT_ERR_INVALID, VT_ERR_NUMERIC (a cache that is not finite), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_kv_profile_create(vt_session *const *sessions, int32_t n, const vt_kv_profile_options *opt, vt_kv_profile **out);
VT_API vt_kv_profile *vt_kv_profile_retain(vt_kv_profile *profile);
VT_API void vt_kv_profile_release(vt_kv_profile *profile);
/** As bytes, and back. Any bytes may be loaded: what is no profile is refused. Errors: VT_ERR_INVALID, VT_ERR_FORMAT, VT_ERR_UNSUPPORTED (version), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_kv_profile_save(const vt_kv_profile *profile, vt_buffer **out);
VT_API VT_MUST_USE vt_status vt_kv_profile_load(vt_context *ctx, const void *data, size_t size, vt_kv_profile **out);

typedef struct vt_kv_profile_info {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t n_levels, default_level;
    int32_t n_layers, n_kv_heads;
    int32_t group_tokens, n_kept;
    int32_t reserved;
    int64_t head_dim;
    uint64_t id;          /* names it in coded caches */
    uint64_t model;       /* of which model */
    float fineness[8];    /* of each level, 0 behind the last */
    float bits[8];        /* a value, of the texts that it was made from */
    int32_t n_token[8], n_direct[8], n_delta[8]; /* groups of channels in each mode */
} vt_kv_profile_info;
/** What a profile is. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_kv_profile_get_info(const vt_kv_profile *profile, vt_kv_profile_info *out);

enum { /* coders; those from INT8 on need no profile and have no levels */
    VT_KV_CODER_RANS = 0,  /* interleaved rANS: fast */
    VT_KV_CODER_ARITH = 1, /* arithmetic coding as CacheGen's public implementations do it: slow, one per mille smaller */
    VT_KV_CODER_INT8 = 2,  /* for comparison: bytes in units of each token's largest value */
    VT_KV_CODER_INT4 = 3,  /* the same in 4 bits */
    VT_KV_CODER_RAW = 4    /* the cache's own halves or floats: lossless; not of Q8_0 */
};

typedef struct vt_kv_encode_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int32_t coder;        /* VT_KV_CODER_* */
    int32_t level;        /* of the profile, from 1 on; 0: its default */
    int64_t chunk_tokens; /* that are coded together, a multiple of 16 up to 4096; 0: 256 */
} vt_kv_encode_options;

typedef struct vt_kv_stats {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t level;        /* that was used; 0: none */
    int64_t n_tokens;
    int64_t n_values;     /* keys and values */
    int64_t n_beside;     /* of them written as they are: too far off for the symbols */
    uint64_t size;        /* bytes, token ids included */
    double bits;          /* a value */
    double rmse;          /* root mean square of decoded less coded values */
} vt_kv_stats;

/** The keys and values of the session's computed tokens, with their ids, as bytes that name model, rotation, dtype and profile, under checksums.
 *  profile: may be NULL for coders that need none. stats: may be NULL. Errors: VT_ERR_INVALID, VT_ERR_STATE (no tokens), VT_ERR_CONFLICT (a profile of
 *  another model), VT_ERR_UNSUPPORTED, VT_ERR_NUMERIC (a cache that is not finite), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_kv_encode(vt_session *session, const vt_kv_profile *profile, const vt_kv_encode_options *opt, vt_buffer **out, vt_kv_stats *stats);

enum { VT_KV_CONVERT = 1 }; /* a cache of another dtype than the session's will do */

/** Into an empty session, which then has the coded tokens, without logits. Any bytes may come: damage is found, and the session stays empty.
 *  Errors: VT_ERR_STATE (not empty), VT_ERR_FORMAT, VT_ERR_UNSUPPORTED (version), VT_ERR_CONFLICT (another model, rotation, dtype or profile),
 *  VT_ERR_LIMIT (more tokens than the session or its pool holds), VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_kv_decode(vt_session *session, const vt_kv_profile *profile, const void *data, size_t size, uint32_t flags);

typedef struct vt_kv_file_info {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t coder, level; /* RAW for halves and floats */
    int32_t dtype;        /* of the cache that was coded */
    int32_t n_layers, n_kv_heads;
    int64_t head_dim;
    int64_t n_tokens, chunk_tokens, n_chunks;
    uint64_t profile, model, rope;
    const void *ids; /* int32 of all tokens, in the bytes that were given; any alignment */
} vt_kv_file_info;
/** What coded bytes say of themselves; chunks are not looked at. Errors: VT_ERR_INVALID, VT_ERR_FORMAT, VT_ERR_UNSUPPORTED. */
VT_API VT_MUST_USE vt_status vt_kv_file_get_info(const void *data, size_t size, vt_kv_file_info *out);

#ifdef __cplusplus
}
#endif
#endif
