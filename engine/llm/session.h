/* One sequence being decoded by a causal language model: token ids, cache blocks, the logits after the last token. */
#ifndef VENTURI_LLM_SESSION_H
#define VENTURI_LLM_SESSION_H

#include "venturi/types.h"

typedef struct vt__session_params {
    int64_t n_ctx; /* 0: the model's */
    vt_kv *kv;     /* NULL: a pool of its own */
    vt_cancel *cancel;
    int exact;
} vt__session_params;

vt_status vt__session_create(vt_model *model, const vt__session_params *params, vt_session **out);
vt_session *vt__session_retain(vt_session *s);
void vt__session_release(vt_session *s);

vt_status vt__session_feed(vt_session *s, const int32_t *ids, int64_t n);
vt_status vt__session_feed_logits(vt_session *s, const int32_t *ids, int64_t n, float *out);
vt_status vt__session_score(vt_session *s, const int32_t *ids, int64_t n, double *out);
vt_status vt__session_logits(vt_session *s, const float **out);
vt_status vt__session_trim(vt_session *s, int64_t n);
vt_status vt__session_next(vt_session *s, vt_sampler *sampler, int32_t *out_id); /* sampler NULL: greedy */

int64_t vt__session_count(const vt_session *s);
const int32_t *vt__session_tokens(const vt_session *s);
int64_t vt__session_n_ctx(const vt_session *s);
vt_model *vt__session_model(const vt_session *s);     /* borrowed */

typedef struct vt__generate_params {
    int64_t max_tokens; /* 0: no limit but the context */
    int ignore_eog;
    vt_sampler *sampler; /* NULL: greedy */
    int32_t (*piece)(void *user, int32_t id, const char *text, size_t len);
    void *piece_user;
    const char *const *stops; /* [n_stops] */
    int64_t n_stops;
    int each_token;
    int32_t *out_end; /* VT__END_*; may be NULL */
} vt__generate_params;

enum { VT__END_EOG, VT__END_LENGTH, VT__END_STOP, VT__END_PIECE, VT__END_CONTEXT };

/* out NULL: the text is not collected. */
vt_status vt__session_generate(vt_session *s, const vt__generate_params *params, vt_buffer **out);

#endif
