/* One forward pass over rows of tokens, and the steps that architectures build their graphs from. A row knows its own sequence, so that
 * a batch may mix several; a step's result for a row depends on that row alone, whatever else is in the batch and however many threads run. */
#ifndef VENTURI_LLM_PASS_H
#define VENTURI_LLM_PASS_H

#include "llm/arch.h"

typedef struct vt__row {
    int32_t id;
    int64_t pos;
    unsigned char *const *blocks; /* cache of its sequence, covering pos */
} vt__row;

/* Activations of up to max_rows rows, allocated once. */
typedef struct vt__workspace {
    vt_context *ctx;
    int64_t max_rows;
    float *slab; /* owned; the arrays below lie in it, each row-major without gaps */
    float *x;       /* [n_embd] residual stream */
    float *h;       /* [n_embd] normed input of a product, or its result before it is added */
    float *q, *att; /* [n_heads * head_dim] queries, attention's output */
    float *k, *v;   /* [n_kv_heads * head_dim] */
    float *gate, *up; /* [n_ff] */
    float *cos, *sin; /* [n_ropes, n_rot / 2] */
    unsigned char *q8;
    size_t q8_stride;
    unsigned char *bf16; /* for packed BF16 weights, if the model has any */
    size_t bf16_stride;
    int32_t *tiles;   /* [max_rows + 1] first row of each run that attention takes together */
    float *attention; /* scratch of n_chunks calls of the kernel side by side */
    float *parts;     /* owned; [n_parts] of attention that is cut along the keys */
    size_t n_parts;
    int64_t n_chunks;
} vt__workspace;

vt_status vt__workspace_init(vt__workspace *ws, vt_context *ctx, const vt__hparams *hp, int64_t max_rows);
/* Lets several threads share the attention of one row to n_tokens; without it each head has one thread. Errors: NOMEM. */
vt_status vt__workspace_reserve(vt__workspace *ws, const vt__hparams *hp, int64_t n_tokens);
void vt__workspace_free(vt__workspace *ws);

typedef struct vt__pass {
    const vt_model *model;
    vt__workspace *ws;
    const vt_kv *kv;
    const vt__row *rows;
    int64_t n_rows; /* 1 to ws->max_rows */
    int exact;      /* float kernels only */
    const vt_cancel *cancel;
} vt__pass;

/* Rows of the embedding, times scale, into ws->x, and the angles of their positions into ws->cos and ws->sin. */
void vt__pass_begin(vt__pass *p, const vt__matrix *embd, float scale);

/* in of a product: rows [first, first + n) of src [.., cols], normed by norm (NULL: as they are) into ws->h, and in the other forms for which the
 * mode and l's parts ask. l's parts must be set before. */
void vt__pass_input(vt__pass *p, vt__linear *l, const float *src, int64_t cols, const float *norm, int64_t first, int64_t n);

/* What is done to queries, keys and values before they are rotated; NULL: nothing. */
typedef struct vt__heads {
    const float *q_bias, *k_bias, *v_bias; /* [n_heads * head_dim], [n_kv_heads * head_dim] twice */
    const float *q_norm, *k_norm;          /* [head_dim], of every head */
} vt__heads;
void vt__pass_heads(vt__pass *p, const vt__heads *heads);

enum { VT__ROPE_PAIRS, VT__ROPE_HALVES, VT__ROPE_LOCAL }; /* the last is a flag: the second table of frequencies */
/* Rotates ws->q and ws->k by their positions and puts ws->k and ws->v into the cache. */
void vt__pass_store(vt__pass *p, int32_t layer, int32_t rope);
/* Attention of ws->q to positions 0..pos of each row's sequence, or to the last `window` of them if that is not 0, into ws->att. */
void vt__pass_attend(vt__pass *p, int32_t layer, int64_t window);

/* ws->x += ws->h, normed. */
void vt__pass_add_normed(vt__pass *p, const float *norm);

#endif
