/* What a language model's architecture is to the rest: sizes, loading, and a forward pass over rows of tokens. One arch_<name>.c each. */
#ifndef VENTURI_LLM_ARCH_H
#define VENTURI_LLM_ARCH_H

#include "llm/linear.h"
#include "venturi/types.h"

struct vt__gguf;
struct vt__pass;

/* Sizes of a model. All come from a file and have been checked: positive, bounded so that products of two of them fit easily into an int64_t,
 * and equal to the shapes of the tensors. */
typedef struct vt__hparams {
    int32_t n_layers, n_heads, n_kv_heads;
    int64_t n_vocab, n_ctx, n_embd, n_ff;
    int64_t head_dim;
    int64_t n_rot; /* leading elements of a head that are rotated; even, at most head_dim */
    int32_t n_ropes;  /* tables of frequencies: 1, or 2 where local layers rotate in their own way */
    float rope_gain;  /* factor of cosines and sines: 1 but for YaRN */
    float norm_eps;
    float attn_scale;   /* of the scores */
    float attn_softcap; /* c > 0: scores become c * tanh(score / c) before the softmax; 0: they stay */
    int64_t bf16_cols;  /* of the widest packed matrix of BF16; 0: there is none */
} vt__hparams;

typedef struct vt__arch {
    const char *name; /* general.architecture */
    /* Reads the sizes into model->hp, checks and binds the tensors. What it has stored in the model is freed by its release, also on failure. */
    vt_status (*load)(vt_model *model);
    /* All layers over p's rows: keys and values go to the cache, the residual stream of each row is left in p->ws->x. CANCELLED is the only
     * failure. A row's numbers do not depend on the rows beside it. */
    vt_status (*forward)(struct vt__pass *p);
    /* Logits of rows first..first+n-1 of the pass. out: [n, n_vocab]. */
    void (*head)(struct vt__pass *p, int64_t first, int64_t n, float *out);
    /* What head multiplies those rows with, and the cap of the logits (0: none). What in points to is the workspace's. */
    void (*output)(struct vt__pass *p, int64_t first, int64_t n, vt__activations *in, const vt__matrix **w, float *cap);
    /* The matrices of all products, each once; out NULL: only their number, which is returned. */
    int64_t (*products)(vt_model *model, vt__matrix **out);
} vt__arch;

/* By name; NULL when there is none. */
const vt__arch *vt__arch_find(const char *name, size_t len);

extern const vt__arch vt__arch_llama, vt__arch_qwen2, vt__arch_qwen3, vt__arch_gemma3;

#endif
