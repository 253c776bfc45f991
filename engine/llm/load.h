/* What architectures load from: sizes and tensors of a GGUF file, each refused by name when it is missing or not what it must be. */
#ifndef VENTURI_LLM_LOAD_H
#define VENTURI_LLM_LOAD_H

#include "formats/gguf.h"
#include "llm/arch.h"

/* Keys "<architecture>.<key>". Required ones: FORMAT when absent. */
vt_status vt__load_int(const vt_model *model, const char *key, int64_t min, int64_t max, int64_t *out);
vt_status vt__load_int_or(const vt_model *model, const char *key, int64_t min, int64_t max, int64_t absent, int64_t *out);
vt_status vt__load_float_or(const vt_model *model, const char *key, double absent, double *out);
vt_status vt__load_str_or(const vt_model *model, const char *key, const char *absent, vt__gguf_str *out);
/* UNSUPPORTED when the key is there and not zero: for what this version would otherwise compute wrongly. */
vt_status vt__load_refuse(const vt_model *model, const char *key);

/* The sizes that decoders share, into model->hp; n_vocab comes from the embedding's tensor. */
vt_status vt__load_decoder_sizes(vt_model *model);

/* Tensors, and which were asked for, so that a file with others is refused instead of computed without them. */
typedef struct vt__binder {
    vt_model *model;
    const vt__gguf_tensor **bound; /* [n_bound], owned */
    int64_t n_bound, cap;
} vt__binder;

/* layer -1: no "blk.<layer>." before the name. Errors: FORMAT (missing, wrong shape), UNSUPPORTED (no kernel for its type), NOMEM. */
vt_status vt__bind_matrix(vt__binder *b, int32_t layer, const char *name, int64_t rows, int64_t cols, vt__matrix *out);
/* float32 only; the model keeps a copy. */
vt_status vt__bind_vector(vt__binder *b, int32_t layer, const char *name, int64_t n, const float **out);
/* Matrices whose rows lie one after the other in one tensor. */
vt_status vt__bind_stack(vt__binder *b, int32_t layer, const char *name, int64_t cols, int32_t n, const int64_t *rows, vt__matrix *const *out);
/* 1 when the file has it. */
int vt__bind_has(const vt__binder *b, const char *name);
int vt__bind_has_layer(const vt__binder *b, int32_t layer, const char *name);
/* UNSUPPORTED, with a name, when tensors are left over. */
vt_status vt__bind_finish(vt__binder *b);
void vt__bind_free(vt__binder *b);

/* model->rope_freq: n tables, the first from rope.freq_base, its scaling (none, linear or YaRN; others are refused by name) and, if the file
 * has it, rope_freqs.weight; the second, for local layers, from rope.freq_base_swa alone. */
vt_status vt__load_rope(vt_model *model, vt__binder *b, int32_t n);

#endif
