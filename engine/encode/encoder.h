/* Text encoders of the BERT family: texts or ids to vectors. An encoder is immutable and shared; every call brings its own working memory. */
#ifndef VENTURI_ENCODE_ENCODER_H
#define VENTURI_ENCODE_ENCODER_H

#include "venturi/types.h"

enum { VT__ENCODER_DENSE, VT__ENCODER_SPARSE };               /* kinds, numbered as in the public header */
enum { VT__ENCODER_F32, VT__ENCODER_INT8 };                   /* numerics */
enum { VT__POOL_MODEL, VT__POOL_MEAN, VT__POOL_CLS, VT__POOL_MAX, VT__POOL_TOKENS };

typedef struct vt__encoder_params {
    int32_t numerics;
    vt_cancel *cancel;
    vt_progress_fn progress;
    void *progress_user;
} vt__encoder_params;

/* Errors: NOT_FOUND, IO, FORMAT, LIMIT, UNSUPPORTED, CANCELLED, NOMEM. */
vt_status vt__encoder_open(vt_context *ctx, const char *path, const vt__encoder_params *params, vt_encoder **out);
vt_encoder *vt__encoder_retain(vt_encoder *enc);
void vt__encoder_release(vt_encoder *enc);

typedef struct vt__encoder_facts {
    int32_t kind, numerics, pooling;
    int32_t n_layers, n_heads;
    int64_t n_vocab, n_embd, n_ff, dim, max_tokens, n_positions, n_params;
} vt__encoder_facts;
const vt__encoder_facts *vt__encoder_info(const vt_encoder *enc);
vt_status vt__encoder_tokenizer(vt_encoder *enc, vt_tokenizer **out);

typedef struct vt__encode_params {
    int raw;              /* dense vectors keep their length */
    int32_t pooling;
    int64_t max_tokens;   /* of a text, with what is put around it; 0: the model's */
    int64_t batch_tokens; /* 0: the default */
    vt_cancel *cancel;
    vt_progress_fn progress;
    void *progress_user;
} vt__encode_params;

/* Sequence i is ids[offsets[i] .. offsets[i + 1]). Dense: *out_values float32 [n, dim], *out_offsets NULL. Sparse: pairs (int32 id, float32 weight),
 * largest first, and int64 offsets [n + 1] in pairs; TOKENS: rows of floats and offsets in rows. */
vt_status vt__encode_ids(vt_encoder *enc, const int32_t *ids, const int64_t *offsets, int64_t n, const vt__encode_params *params, vt_buffer **out_values,
                         vt_buffer **out_offsets);
vt_status vt__encode_texts(vt_encoder *enc, const char *const *texts, const size_t *sizes, int64_t n, const vt__encode_params *params,
                           vt_buffer **out_values, vt_buffer **out_offsets);

#endif
