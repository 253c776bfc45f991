/* What the files of the room share: the encoder itself, its matrices, and one pass of a batch through it. */
#ifndef VENTURI_ENCODE_ENCODER_INTERNAL_H
#define VENTURI_ENCODE_ENCODER_INTERNAL_H

#include <stdatomic.h>

#include "core/watch.h"
#include "encode/dense.h"
#include "encode/encoder.h"
#include "encode/source.h"

/* Far above every encoder known, far below what overflows when two are multiplied. */
enum { VT__MAX_LAYERS = 1024, VT__MAX_HEADS = 1024, VT__MAX_WIDTH = 1 << 16, VT__MAX_POSITIONS = 1 << 20 };

/* A transformer block, post-norm: x = norm1(x + attention(x)), x = norm2(x + down(gelu(up(x)))). */
typedef struct vt__encoder_block {
    vt__dense qkv, out, up, down;
    float *norm1, *norm2; /* [2, n_embd]: weights, then biases */
} vt__encoder_block;

struct vt_encoder {
    atomic_int refs;
    vt_context *ctx;
    vt__encoder_facts facts;
    int64_t head_dim;
    float eps;             /* of layer norms */
    int32_t activation;    /* VTK_GEMM_GELU or VTK_GEMM_GELU_TANH */
    vt__source source;     /* stays mapped: word embeddings are read from it */
    vt__rows words;
    float *positions;      /* [n_positions, n_embd], the embedding of segment 0 added */
    float *embd_norm;      /* [2, n_embd] */
    vt__encoder_block *blocks;     /* [n_layers] */
    vt__dense transform;   /* SPARSE: the head of the masked language model */
    float *transform_norm; /* [2, n_embd] */
    vt__dense decoder;     /* [n_vocab, n_embd] */
    vt_tokenizer *tokenizer;
    vt_status tokenizer_status; /* why there is none */
    char tokenizer_error[256];
};

/* load_folder.c, load_gguf.c: sizes and source; the caller binds the tensors (load.c). */
vt_status vt__encoder_from_folder(vt_encoder *enc, const char *path);
vt_status vt__encoder_from_gguf(vt_encoder *enc, const char *path);
vt_status vt__encoder_check_sizes(vt_encoder *enc, const char *name);
vt_status vt__encoder_load(vt_encoder *enc, vt__watch *watch);
/* vocab.c: tokenizer of a folder with vocab.txt or tokenizer.json. Errors: NOT_FOUND, FORMAT, UNSUPPORTED, NOMEM. */
vt_status vt__encoder_vocab(vt_encoder *enc, const char *path);

/* A batch on its way through the encoder: sequences without padding, one after the other. */
typedef struct vt__encoding {
    const vt_encoder *enc;
    vt__watch *watch;
    int64_t n_rows, n_seqs;
    const int64_t *starts; /* [n_seqs + 1] rows of the sequences */
    const int32_t *const *ids; /* [n_seqs] */
    int64_t most_rows, longest; /* what the memory is made for */
    float *x;       /* [n_rows, n_embd]: the states */
    float *qkv;     /* [n_rows, 3 n_embd] */
    float *mixed;   /* [n_rows, n_embd]: what attention gives */
    float *hidden;  /* [n_rows, n_ff]; may be qkv's place */
    unsigned char *q8; /* rows of 8-bit activations; NULL in float32 */
    float *scratch; /* of attention: n_slots pieces */
    int64_t n_slots, slot_size;
} vt__encoding;

vt_status vt__encoding_create(const vt_encoder *enc, int64_t most_rows, int64_t longest, vt__encoding *out);
void vt__encoding_free(vt__encoding *pass);
/* The states after the last block, in pass->x. Errors: CANCELLED. */
vt_status vt__encoding_run(vt__encoding *pass);
/* SPARSE, after the run: what the decoder multiplies, in pass->mixed. */
void vt__encoding_transform(vt__encoding *pass);
/* attention.c: qkv to mixed. */
void vt__encoding_attend(vt__encoding *pass);
int64_t vt__attend_slot_size(const vt_encoder *enc, int64_t longest); /* floats */

#endif
