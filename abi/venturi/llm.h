/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Models. Causal language models: open a GGUF file, feed token ids, read logits, generate. A model is shared, a session is one sequence.
 *
 *     vt_model_open(ctx, path, NULL, &model);        vt_session_create(model, NULL, &session);
 *     vt_session_feed(session, ids, n);              vt_session_next(session, sampler, &id);   (again and again)
 *
 * And saved graphs, nets of any kind:   vt_model_open(ctx, "net.graph", NULL, &model);   vt_model_graph(model, &graph);   vt_graph_run(graph, inputs, n);
 */
#ifndef VENTURI_LLM_H
#define VENTURI_LLM_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- model: immutable, shareable between threads ---- */

enum {
    VT_MODEL_MAPPED = 1 /* weights are used as they lie in the mapped file: processes share them and opening is instant, but products are slower */
};

typedef struct vt_model_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_MODEL_* */
    vt_cancel *cancel;    /* may be NULL */
    vt_progress_fn progress;
    void *progress_user;
} vt_model_options;

/** Opens a GGUF file (version 2 or 3), or any file of a model in several, with the others beside it (NAME-00001-of-00003.gguf), or a saved graph
 *  (venturi/graph.h; on the CPU, its weights always mapped). Weights of 16 bits
 *  and in blocks are packed for this machine's products, in memory of the context, and their pages of the file given back as that goes on: both together take little
 *  more than the file's size. Other weights, and all with VT_MODEL_MAPPED, stay mapped.
 *  Progress and cancel are heeded meanwhile. Errors: VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_IO, VT_ERR_FORMAT,
 *  VT_ERR_UNSUPPORTED (architecture, block type or a feature of the graph, named), VT_ERR_CANCELLED, VT_ERR_NOMEM. The file must not change
 *  while open. A vocabulary that is missing or of a family not known is no failure here: vt_model_tokenizer reports it. */
VT_API VT_MUST_USE vt_status vt_model_open(vt_context *ctx, const char *path, const vt_model_options *opt, vt_model **out);
VT_API vt_model *vt_model_retain(vt_model *model);
VT_API void vt_model_release(vt_model *model);

typedef struct vt_model_info {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t n_layers;
    const char *architecture; /* "llama"; borrowed from the model, like name. "graph": a saved graph, which has n_params and size, all it keeps, and 0 elsewhere */
    const char *name;         /* general.name, or "" */
    int64_t n_vocab;          /* rows of logits */
    int64_t n_ctx;            /* context length it was trained for, tokens */
    int64_t n_embd;           /* width of the residual stream */
    int64_t n_ff;             /* width of the feed-forward part */
    int32_t n_heads;
    int32_t n_kv_heads;
    int64_t head_dim;
    int64_t n_params; /* weights in all tensors */
    uint64_t size;    /* bytes of all tensors */
} vt_model_info;

/** What the model is. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_model_get_info(const vt_model *model, vt_model_info *out);
/** A graph of the caller's own, planned and ready to run, of a model that is a saved graph: its weights are the model's, shared by all such graphs; what its steps
 *  write, as a training step does, is copied. A graph has one user at a time, graphs of one model may run side by side. The model can be released before it.
 *  Errors: VT_ERR_INVALID, VT_ERR_UNSUPPORTED (a language model), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_model_graph(vt_model *model, vt_graph **out);
/** Its tokenizer: a new reference. Errors: VT_ERR_NOT_FOUND when the file carries no vocabulary, VT_ERR_UNSUPPORTED when it is of a family not known. A saved graph
 *  has none, nor a session, a batch or a cache: VT_ERR_UNSUPPORTED with the file's name from all of these. */
VT_API VT_MUST_USE vt_status vt_model_tokenizer(vt_model *model, vt_tokenizer **out);
/** Metadata: number of keys; key i of [0, count), borrowed, NULL out of range; value as text (long arrays as their length and first items). */
VT_API int64_t vt_model_meta_count(const vt_model *model);
VT_API const char *vt_model_meta_key(const vt_model *model, int64_t i);
VT_API VT_MUST_USE vt_status vt_model_meta_text(const vt_model *model, int64_t i, vt_buffer **out);

/* ---- files: another block type ---- */

enum { VT_QUANTIZE_PURE = 1 }; /* the output matrix too gets the type asked for */

typedef struct vt_quantize_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_QUANTIZE_* */
    vt_cancel *cancel;    /* may be NULL */
    vt_progress_fn progress; /* hears the name of the tensor */
    void *progress_user;
} vt_quantize_options;

/**
 * Writes the GGUF file `in` (any architecture; a model in several files becomes one) to `out` with its matrices in another type.
 *
 * dtype  VT_DTYPE_F32 F16 BF16 Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K.
 * Matrices are tensors of two dimensions or more whose names end in "weight", except norms, position and type tables and expert gates; all else is
 * copied. For types below Q6_K the matrix that makes the logits gets Q6_K, unless VT_QUANTIZE_PURE. Where rows are no multiple of 256, Q8_0 stands
 * for Q6_K, Q5_1 for Q5_K, Q5_0 for Q4_K, Q4_0 for Q3_K and Q2_K; where they are no multiple of 32, F16 for all of these. A matrix that has a block
 * type already is decoded first: what it has lost stays lost. general.file_type and general.quantization_version are set, other keys kept.
 * `out` is replaced as a whole at the end; it may be `in`, but no part of a model in several files (INVALID). The bytes do not depend on the threads or on the instruction set.
 *
 * Errors:  VT_ERR_INVALID, VT_ERR_DTYPE, VT_ERR_NUMERIC (a weight that is not finite or too large for the type, with the tensor's name),
 *          VT_ERR_CANCELLED, those of vt_model_open for the file, VT_ERR_IO. On failure `out` is what it was.
 * Memory:  some megabytes beside the mapped file. Threads: uses the context's.
 */
VT_API VT_MUST_USE vt_status vt_model_quantize(vt_context *ctx, const char *in, const char *out, int32_t dtype, const vt_quantize_options *opt);

/* ---- session: one sequence; one user at a time ---- */

enum {
    VT_SESSION_EXACT = 1 /* float activations and float32 cache: for tests and comparisons; otherwise activations go to the block kernels as integers of 8 bits, in blocks that stand out of 16 */
};

typedef struct vt_session_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_SESSION_* */
    int64_t n_ctx;        /* most tokens of this sequence; 0: the model's context length */
    vt_kv *kv;            /* pool to take blocks from; NULL: one of its own (float32 if exact, else float16) */
    vt_cancel *cancel;    /* polled once a layer; NULL: none */
} vt_session_options;

/** New empty session. Errors: VT_ERR_INVALID (also: exact with a float16 pool), VT_ERR_LIMIT (n_ctx over the model's), VT_ERR_CONFLICT (a pool of another model), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_session_create(vt_model *model, const vt_session_options *opt, vt_session **out);
VT_API vt_session *vt_session_retain(vt_session *session);
VT_API void vt_session_release(vt_session *session);

/** Appends n >= 1 ids and computes the logits after the last. On failure (cancel too) the session is as before the call, without logits.
 *  Errors: VT_ERR_INVALID (an id out of range), VT_ERR_LIMIT (longer than n_ctx, or the pool is full), VT_ERR_CANCELLED, VT_ERR_NOMEM.
 *  Feeding in one call or in many gives the same logits, to the bit, in either mode. */
VT_API VT_MUST_USE vt_status vt_session_feed(vt_session *session, const int32_t *ids, int64_t n);
/** The same with the logits of every new position. out: [n, n_vocab] float32, caller's memory; undefined on failure. */
VT_API VT_MUST_USE vt_status vt_session_feed_logits(vt_session *session, const int32_t *ids, int64_t n, float *out);
/** The same with the log-probability (natural) of each id given all before it. out: [n] float64; out[0] is NaN on an empty session. */
VT_API VT_MUST_USE vt_status vt_session_score(vt_session *session, const int32_t *ids, int64_t n, double *out);

/** Logits after the last token (computed now if it was drawn), [n_vocab] float32; borrowed until the next call on the session.
 *  Errors: VT_ERR_STATE when there are none (nothing fed, trimmed, or the last call failed); for a drawn token as vt_session_feed. */
VT_API VT_MUST_USE vt_status vt_session_logits(vt_session *session, const float **out);
/** Tokens in the sequence, a token drawn by vt_session_next included; ids borrowed until the next call. */
VT_API int64_t vt_session_count(const vt_session *session);
VT_API const int32_t *vt_session_tokens(const vt_session *session);
/** Keeps the first n tokens; the logits are gone (vt_session_next and vt_session_score compute them again). Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_session_trim(vt_session *session, int64_t n);

/** Draws the next token and appends it; it is computed on the next call that needs it, so that the last token of an answer costs nothing.
 *  sampler NULL: greedy. Errors: VT_ERR_STATE (empty session), VT_ERR_LIMIT (context or pool full), VT_ERR_CANCELLED, VT_ERR_NUMERIC, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_session_next(vt_session *session, vt_sampler *sampler, int32_t *out_id);

/* A piece of text as it is generated: whole code points. A non-zero answer ends the generation normally. */
typedef int32_t (*vt_piece_fn)(void *user, int32_t id, const char *text, size_t len);

typedef struct vt_generate_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_GENERATE_* */
    int64_t max_tokens;   /* 0: until the model ends its answer or the context is full */
    vt_sampler *sampler;  /* NULL: greedy */
    vt_piece_fn piece;    /* may be NULL */
    void *piece_user;
    const char *const *stops; /* [n_stops] stop strings, as vt_decoder_set_stops has them: the first that is met ends the text, without it */
    int64_t n_stops;
    int32_t *out_end; /* VT_END_*: why it ended; may be NULL, written on VT_OK */
} vt_generate_options;

enum {
    VT_GENERATE_IGNORE_EOG = 1, /* go on after end-of-answer tokens */
    VT_GENERATE_EACH_TOKEN = 2  /* the piece callback is called for each token, its text may be empty: for vt_sampler_log_probabilities */
};
enum { VT_END_EOG = 0, VT_END_LENGTH = 1, VT_END_STOP = 2, VT_END_PIECE = 3, VT_END_CONTEXT = 4 }; /* PIECE: the callback's word */

/** Generates from the present state until an end-of-answer token (kept in the sequence, not in the text), max_tokens, a stop string,
 *  the piece callback's word or a full context. The tokens of a stop string stay in the sequence.
 *  out: the text, or NULL if not wanted. Errors: as vt_session_next; VT_ERR_CANCELLED keeps what was generated in the sequence. */
VT_API VT_MUST_USE vt_status vt_session_generate(vt_session *session, const vt_generate_options *opt, vt_buffer **out);

/* ---- batch: several sessions of one model in one pass over its weights; one user at a time ----
 *
 *     for each sequence:  vt_batch_add(batch, session, &entry);   ids of a prompt, or none: the token drawn last is computed
 *     vt_batch_step(batch);                                          decoded tokens and pieces of prompts side by side
 *     for each sequence:  vt_batch_get(batch, i, &result);        the token drawn for entry i
 *
 * A sequence's numbers and draws are those of the same calls on its session alone, to the bit, whatever its companions and their order.
 * Between steps a session may be used by itself; entries hold it until the next add after a step, vt_batch_clear or the release. */

typedef struct vt_batch_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_SESSION_EXACT: for exact sessions */
    int64_t max_rows;     /* tokens of one pass over the weights, 1 to 4096; longer steps take several; 0: 128 */
    vt_cancel *cancel;    /* of whole steps, polled once a layer; NULL: none */
} vt_batch_options;

/** New batch without entries. Errors: VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_batch_create(vt_model *model, const vt_batch_options *opt, vt_batch **out);
VT_API vt_batch *vt_batch_retain(vt_batch *batch);
VT_API void vt_batch_release(vt_batch *batch);

enum {
    VT_BATCH_DRAW = 1,  /* draw the next token and append it, as vt_session_next does */
    VT_BATCH_LOGITS = 2 /* leave the logits after the last token in the session; with neither flag they are not computed */
};

typedef struct vt_batch_entry {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_BATCH_* */
    const int32_t *ids;   /* [n] to append first, copied; NULL if n is 0 */
    int64_t n;
    vt_sampler *sampler;  /* for VT_BATCH_DRAW; NULL: greedy. No two entries share one. */
} vt_batch_entry;

/** Adds what a session does in the next step; entries are numbered from 0 in this order. The first add after a step begins a new list.
 *  entry NULL: draws greedily. Errors: VT_ERR_CONFLICT (another model, exactness or dtype of cache; session or sampler in the list already),
 *  VT_ERR_INVALID (an id), VT_ERR_LIMIT (longer than the session's n_ctx), VT_ERR_STATE (an empty session and no ids), VT_ERR_NOMEM: the list is as before. */
VT_API VT_MUST_USE vt_status vt_batch_add(vt_batch *batch, vt_session *session, const vt_batch_entry *entry);
/** Entries in the list. */
VT_API int64_t vt_batch_count(const vt_batch *batch);
VT_API void vt_batch_clear(vt_batch *batch);

/** Computes the list. Blocks and memory are taken for all entries before anything is computed: on failure every session is as before, the
 *  list stays, each entry has the status of the step, and the message names the one at fault. Errors: VT_ERR_LIMIT (a context or a pool is full), VT_ERR_CANCELLED (the batch's own token),
 *  VT_ERR_STATE (no entries), VT_ERR_INVALID, VT_ERR_NOMEM. What befalls one sequence alone is no failure of the step: see vt_batch_get. */
VT_API VT_MUST_USE vt_status vt_batch_step(vt_batch *batch);

typedef struct vt_batch_result {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    vt_status status;     /* VT_ERR_CANCELLED (its session's token), or what drawing said: its session is as before the step */
    int32_t id;           /* drawn; -1: none */
    int32_t reserved;
    const char *message;  /* of a failure, else ""; borrowed until the list changes */
} vt_batch_result;

/** What entry i of the last step came to. Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_batch_get(const vt_batch *batch, int64_t i, vt_batch_result *out);

#ifdef __cplusplus
}
#endif
#endif
