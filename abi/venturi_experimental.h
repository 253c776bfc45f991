/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Unstable calls: raw pieces that tests, checkers and the curious need. They may change in any release; a host asks for them by
 * defining VT_EXPERIMENTAL before the include. */
#ifndef VENTURI_EXPERIMENTAL_H
#define VENTURI_EXPERIMENTAL_H

#ifndef VT_EXPERIMENTAL
#error "venturi_experimental.h: define VT_EXPERIMENTAL to use calls that may change in any release"
#endif

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Elements and bytes of one block of a dtype (1 element for plain types). Errors: VT_ERR_DTYPE. */
VT_API VT_MUST_USE vt_status vt_quant_block(int32_t dtype, int64_t *out_elems, size_t *out_size);
/** float32 values of a row of blocks. data: size bytes; out: [n] float32; n elements must be whole blocks and fit size exactly.
 *  Errors: VT_ERR_DTYPE (unknown), VT_ERR_UNSUPPORTED (known, not done yet), VT_ERR_SHAPE. */
VT_API VT_MUST_USE vt_status vt_quant_decode(int32_t dtype, const void *data, size_t size, float *out, int64_t n);
/** Quantises a row. x: [n] float32; out: exactly size bytes. Errors: as decode. */
VT_API VT_MUST_USE vt_status vt_quant_encode(int32_t dtype, const float *x, int64_t n, void *out, size_t size);

/* Attention of plain float32 arrays, by the kernels that models use; sizes of the arrays are in brackets. A zero size is an error. */
typedef struct vt_attention_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int64_t n_batch, n_heads, n_kv_heads, n_queries, n_keys, head_dim; /* n_kv_heads divides n_heads */
    int64_t left, right;  /* query i sees the keys from i + n_keys - n_queries - left to i + n_keys - n_queries + right; -1: no bound. Causal: -1, 0 */
    double scale;         /* of the scores */
    double softcap;       /* scores become softcap * tanh(score / softcap); 0: they stay */
    int32_t dtype;        /* in which keys and values are kept: VT_DTYPE_F32, _F16 or _Q8_0 */
    int32_t reserved;     /* must be 0 */
} vt_attention_options;

/** q: [n_batch, n_heads, n_queries, head_dim]; k, v: [n_batch, n_kv_heads, n_keys, head_dim]; out: as q; lse: [n_batch, n_heads, n_queries], natural
 *  logarithm of each sum of exp, or NULL. A query that sees no key gives zeros and an lse of -infinity.
 *  Errors: VT_ERR_INVALID, VT_ERR_SHAPE, VT_ERR_DTYPE, VT_ERR_UNSUPPORTED (Q8_0 and heads of no multiple of 32), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_attention_run(vt_context *ctx, const vt_attention_options *opt, const float *q, const float *k, const float *v, float *out,
                                              float *lse);

/* ---- what a GGUF file holds, whatever its architecture: immutable, shareable ---- */

typedef struct vt__gguf vt_gguf;

typedef struct vt_gguf_tensor {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t dtype;        /* VT_DTYPE_* */
    const char *name;     /* borrowed until the release */
    int64_t ne[4];        /* extents, fastest first; unused ones are 1 */
    int32_t n_dims;
    int32_t reserved;
    uint64_t size; /* bytes */
} vt_gguf_tensor;

/** Errors: VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_IO, VT_ERR_FORMAT, VT_ERR_UNSUPPORTED (version, block type), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_gguf_open(vt_context *ctx, const char *path, vt_gguf **out);
VT_API void vt_gguf_release(vt_gguf *gguf);
/** Metadata: key i of [0, count), borrowed, NULL out of range; its value as text (long arrays as their length and first items). */
VT_API int64_t vt_gguf_key_count(const vt_gguf *gguf);
VT_API const char *vt_gguf_key(const vt_gguf *gguf, int64_t i);
VT_API VT_MUST_USE vt_status vt_gguf_value_text(const vt_gguf *gguf, int64_t i, vt_buffer **out);
VT_API int64_t vt_gguf_tensor_count(const vt_gguf *gguf);
/** Fills tensor i of [0, count), in the file's order. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_gguf_get_tensor(const vt_gguf *gguf, int64_t i, vt_gguf_tensor *out);

/** One Philox4x32-10 block. ctr, out: [4]; key: [2]. */
VT_API void vt_philox_block(const uint32_t ctr[4], const uint32_t key[2], uint32_t out[4]);

/* A piece of memory that lives from one step to another, both included. */
typedef struct vt_arena_span {
    int64_t first, last;
    uint64_t size;
} vt_arena_span;
enum { VT_ARENA_BY_NUMBER = 0, VT_ARENA_BY_SIZE = 1, VT_ARENA_BEST = 2 };
/** The planner of graphs: an offset for each of n spans in one block of *size bytes, each at the lowest gap beside those before it, by their numbers, by
 *  falling size, or as needs less; *least: the most bytes that live at a step. Errors: VT_ERR_INVALID, VT_ERR_LIMIT, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_arena_plan(vt_context *ctx, const vt_arena_span *spans, int64_t n, int32_t order, uint64_t *offsets, uint64_t *size,
                                           uint64_t *least);

/* ---- parts of the codec of key/value caches (venturi/kv.h), for comparisons with references ---- */

/** Table of frequencies: cum [n + 1] out of counts [n], 2 <= n <= 256: from 0 to 65536, a 65536th for each symbol and the rest by counts.
 *  Errors: VT_ERR_INVALID (all counts are 0, or their sum is too large). */
VT_API VT_MUST_USE vt_status vt_codec_table(const uint64_t *counts, int64_t n, uint32_t *cum);
/** Arithmetic coding of n symbols by one table of n_symbols, a bit at a time with an interval of 32 bits, as CacheGen's public implementations do it.
 *  Errors: VT_ERR_INVALID (no table, or a symbol that it lacks), VT_ERR_NOMEM. Decoding takes zeros behind the bytes, and any bytes for some symbols. */
VT_API VT_MUST_USE vt_status vt_codec_arith_encode(vt_context *ctx, const uint32_t *cum, int64_t n_symbols, const int32_t *symbols, int64_t n, vt_buffer **out);
VT_API VT_MUST_USE vt_status vt_codec_arith_decode(const uint32_t *cum, int64_t n_symbols, const void *data, size_t size, int32_t *symbols, int64_t n);

typedef struct vt_codec_delta {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    int32_t most;         /* differences lie in -most..most steps, 1 to 127 */
    int64_t n_tokens, n_channels;
    int64_t group;        /* tokens from one anchor to the next */
    const double *step;   /* [n_channels], above 0 */
} vt_codec_delta;

/** Tokens as differences from the anchor of their group (CacheGen, section 5.2). x [n_tokens, n_channels] -> of each group a scale and the anchor
 *  [n_channels] in units of it, deltas [n_tokens, n_channels] in steps, and x as it will be decoded. Errors: VT_ERR_INVALID, VT_ERR_SHAPE, VT_ERR_NUMERIC. */
VT_API VT_MUST_USE vt_status vt_codec_delta_quantise(const vt_codec_delta *p, const float *x, float *scales, int8_t *anchors, int8_t *deltas, float *decoded);
/** Each token by its largest magnitude, as the public implementations do it: symbols in [0, bins - 2], bins even, 4 to 256.
 *  Errors: VT_ERR_INVALID, VT_ERR_NUMERIC. */
VT_API VT_MUST_USE vt_status vt_codec_token_quantise(const float *x, int64_t n_tokens, int64_t n_channels, int32_t bins, float *largest, uint8_t *symbols);

/** Pieces into which the pre-tokenizer cuts a text, special tokens cut out first under VT_TOKENIZE_SPECIAL, each a piece of its own: buffer of
 *  (begin, end) int64 byte offsets. They tile the text; WordPiece leaves out what it drops. SentencePiece has no pre-tokenizer: what is
 *  between special tokens is one piece. Errors: as vt_tokenizer_encode. */
VT_API VT_MUST_USE vt_status vt_tokenizer_pieces(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags, vt_buffer **out);

/* A flag of vt_cluster_options. DYNMSC: every step as the `kmedoids` package 0.5.5 makes it, for comparison. After a medoid is dropped it can take a farther
 * one for an object's third; it then may find other swaps, and its curve now and then has a number that is no silhouette. */
enum { VT_CLUSTER_PUBLISHED = 2 };

#ifdef __cplusplus
}
#endif
#endif
