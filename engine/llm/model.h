/* Models: immutable weights of a GGUF file and the architecture that computes with them, or a saved graph. */
#ifndef VENTURI_LLM_MODEL_H
#define VENTURI_LLM_MODEL_H

#include "venturi/types.h"

struct vt__hparams;

typedef struct vt__model_params {
    const vt_cancel *cancel; /* NULL: none */
    vt_progress_fn progress; /* NULL: none */
    void *progress_user;
    int mapped; /* 1: weights are used as they lie in the file */
} vt__model_params;

vt_status vt__model_open(vt_context *ctx, const char *path, const vt__model_params *params, vt_model **out);
vt_model *vt__model_retain(vt_model *model);
void vt__model_release(vt_model *model);

vt_context *vt__model_context(const vt_model *model);
const struct vt__hparams *vt__model_hparams(const vt_model *model);
const char *vt__model_architecture(const vt_model *model); /* borrowed */
const char *vt__model_name(const vt_model *model);         /* borrowed */
int64_t vt__model_param_count(const vt_model *model);
uint64_t vt__model_size(const vt_model *model);

/* A new reference. Errors: NOT_FOUND, UNSUPPORTED: what opening its vocabulary said. */
vt_status vt__model_tokenizer(vt_model *model, vt_tokenizer **out);

/* A graph of its own over the weights of a model that is a saved graph. UNSUPPORTED for others, NOMEM. */
vt_status vt__model_graph(vt_model *model, vt_graph **out);

int64_t vt__model_meta_count(const vt_model *model);
const char *vt__model_meta_key(const vt_model *model, int64_t i);
vt_status vt__model_meta_text(const vt_model *model, int64_t i, vt_buffer **out);

/* A pool of cache blocks for sessions of this model. n_tokens 0: its context length. */
vt_status vt__model_create_kv(vt_model *model, int64_t n_tokens, int32_t dtype, vt_kv **out);

#endif
