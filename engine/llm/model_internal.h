/* The model from inside, for the files of this room. */
#ifndef VENTURI_LLM_MODEL_INTERNAL_H
#define VENTURI_LLM_MODEL_INTERNAL_H

#include <stdatomic.h>

#include "formats/gguf.h"
#include "llm/arch.h"

struct vt_model {
    atomic_int refs;
    vt_context *ctx;
    vt__gguf *gguf; /* keeps the file mapped: matrices point into it */
    const vt__arch *arch;
    vt__hparams hp;
    void *weights;     /* the architecture's own table of tensors; one block, owned */
    float *vectors;    /* copies of all float32 tensors of one row, so that no step touches the file for them; owned */
    int64_t n_vectors, n_copied; /* floats: room, taken */
    void *packed;      /* panels of all matrices that have them, in one block; owned; NULL: there are none */
    double *rope_freq; /* [n_ropes, n_rot / 2] angle a position of each pair; owned */
    char *name;        /* general.name; owned */
    int64_t n_params;
    uint64_t size;
    vt_tokenizer *tokenizer; /* NULL: see tokenizer_status */
    vt_status tokenizer_status;
    char tokenizer_error[256];
    struct vt__program *graph; /* a saved graph instead of all above; owned; NULL: a language model */
    char *graph_path;          /* owned */
};

/* Opens the file if it is a saved graph; else *is_graph is 0 and nothing has happened. */
vt_status vt__model_load_graph(vt_model *m, const char *path, int *is_graph);
void vt__model_drop_graph(vt_model *m);
/* UNSUPPORTED where the model is a saved graph, which has no `what`. */
vt_status vt__model_need_text(const vt_model *model, const char *what);

#endif
