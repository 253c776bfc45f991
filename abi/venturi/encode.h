/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Text encoders of the BERT family: texts to vectors. Dense ones give a vector a text (all-MiniLM-L6-v2 and its kin), sparse ones the weights of
 * vocabulary entries (SPLADE).
 *
 *     vt_encoder_open(ctx, "all-MiniLM-L6-v2", NULL, &enc);     vt_encode_texts(enc, texts, sizes, n, NULL, &values, NULL);
 *
 * Texts are sorted by length and go through the model in batches without padding. A text's numbers do not depend on the texts beside it, on the batch
 * size or on the number of threads: they are the same bits. */
#ifndef VENTURI_ENCODE_H
#define VENTURI_ENCODE_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- encoder: immutable, shareable between threads ---- */

enum { VT_ENCODER_DENSE = 0, VT_ENCODER_SPARSE = 1 }; /* kind */

/* How weights are kept and multiplied. Travels as int32_t. */
enum {
    VT_ENCODER_F32 = 0, /* float32 */
    VT_ENCODER_INT8 = 1 /* weights as 8-bit integers with a scale an output, activations with scale and offset a token; the rest in float32 */
};

typedef struct vt_encoder_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int32_t numerics;     /* VT_ENCODER_F32, VT_ENCODER_INT8 */
    int32_t reserved;     /* must be 0 */
    vt_cancel *cancel;    /* of the opening; may be NULL */
    vt_progress_fn progress;
    void *progress_user;
} vt_encoder_options;

/**
 * Opens a model.
 *
 * path  a folder with config.json and model.safetensors, and for texts vocab.txt or tokenizer.json (Hugging Face; 1_Pooling/config.json and
 *       sentence_bert_config.json of sentence-transformers are obeyed: without them vectors are means); or a GGUF file of architecture "bert".
 *       A folder whose weights have the head of a masked language model (cls.predictions) and that says nothing of pooling is a sparse encoder.
 * Weights are packed for products in memory of the context; word embeddings stay in the mapped file.
 * Errors: VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_IO, VT_ERR_FORMAT, VT_ERR_LIMIT, VT_ERR_UNSUPPORTED (named), VT_ERR_CANCELLED, VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_encoder_open(vt_context *ctx, const char *path, const vt_encoder_options *opt, vt_encoder **out);
VT_API vt_encoder *vt_encoder_retain(vt_encoder *enc);
VT_API void vt_encoder_release(vt_encoder *enc);

typedef struct vt_encoder_info {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t kind;         /* VT_ENCODER_DENSE, VT_ENCODER_SPARSE */
    int32_t numerics;     /* VT_ENCODER_F32, VT_ENCODER_INT8 */
    int32_t pooling;      /* VT_POOL_*, what VT_POOL_MODEL means */
    int64_t dim;          /* of a vector: n_embd, sparse: n_vocab */
    int64_t max_tokens;   /* of a text, [CLS] and [SEP] included; longer ones are cut */
    int64_t n_positions;  /* of a list of ids */
    int64_t n_layers, n_heads, n_embd, n_ff, n_vocab;
    int64_t n_params;
} vt_encoder_info;

/** Fills *out, of which as much is written as its struct_size says. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_encoder_get_info(const vt_encoder *enc, vt_encoder_info *out);

/** A new reference to the model's tokenizer. Errors: VT_ERR_NOT_FOUND, VT_ERR_UNSUPPORTED (no vocabulary, or one of another family). */
VT_API VT_MUST_USE vt_status vt_encoder_tokenizer(vt_encoder *enc, vt_tokenizer **out);

/* ---- encoding ---- */

/* What is made of the states of a text's tokens; all of them count, [CLS] and [SEP] too. */
enum {
    VT_POOL_MODEL = 0, /* as the model says */
    VT_POOL_MEAN = 1,
    VT_POOL_CLS = 2,   /* the first token's */
    VT_POOL_MAX = 3,   /* the largest of each element */
    VT_POOL_TOKENS = 4 /* nothing: a vector a token */
};

enum { VT_ENCODE_RAW = 1 }; /* flags: vectors keep their length; otherwise each is divided by its L2 norm */

typedef struct vt_encode_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_ENCODE_RAW */
    int32_t pooling;      /* VT_POOL_* */
    int32_t reserved;     /* must be 0 */
    int64_t max_tokens;   /* texts: cut to so many tokens, 3 to max_tokens of the model; 0: that */
    int64_t batch_tokens; /* most tokens of a batch (one text may have more); 0: 1024. Memory and speed, never results */
    vt_cancel *cancel;    /* polled once a layer; may be NULL */
    vt_progress_fn progress; /* called on the calling thread, at most about ten times a second; non-zero cancels */
    void *progress_user;
} vt_encode_options;

/**
 * Vectors of n texts.
 *
 * texts, sizes  [n] UTF-8 and its bytes. A text becomes [CLS] pieces [SEP]; of one with too many pieces the first ones are kept, and [SEP] is last.
 * out_values    dense: float32 [n, dim]. Sparse: the pairs (int32 id, float32 weight) of all texts, one after the other, those of a text with the
 *               largest weight first, equal ones by id; weight = log(1 + max(0, largest logit of the entry over the tokens)), entries of weight 0 are
 *               left out. VT_POOL_TOKENS: float32 [tokens of all texts, dim].
 * out_offsets   sparse and VT_POOL_TOKENS: int64 [n + 1], text i has the pairs (rows) offsets[i] to offsets[i + 1] - 1. Dense: NULL comes out; may be NULL.
 * Errors:  VT_ERR_INVALID, VT_ERR_LIMIT (a text over 1 GiB), VT_ERR_NOT_FOUND or VT_ERR_UNSUPPORTED (no tokenizer), VT_ERR_CANCELLED, VT_ERR_NOMEM.
 * Threads: uses the context's; several calls may run on one encoder.
 */
VT_API VT_MUST_USE vt_status vt_encode_texts(vt_encoder *enc, const char *const *texts, const size_t *sizes, int64_t n, const vt_encode_options *opt,
                                             vt_buffer **out_values, vt_buffer **out_offsets);

/** The same of lists of ids, taken as they are: list i is ids[offsets[i]] to ids[offsets[i + 1] - 1], offsets [n + 1] ascending from 0 on. Errors: also
 *  VT_ERR_INVALID (an empty list, an id out of range), VT_ERR_LIMIT (a list longer than the model's positions). */
VT_API VT_MUST_USE vt_status vt_encode_ids(vt_encoder *enc, const int32_t *ids, const int64_t *offsets, int64_t n, const vt_encode_options *opt,
                                           vt_buffer **out_values, vt_buffer **out_offsets);

#ifdef __cplusplus
}
#endif
#endif
