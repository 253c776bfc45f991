/* A session's cache in coded form: profiles from sessions, encoding, decoding. The codec itself is engine/kv's. */
#ifndef VENTURI_LLM_SESSION_KV_H
#define VENTURI_LLM_SESSION_KV_H

#include "kv/file.h"
#include "kv/plane.h"
#include "kv/profile_fit.h"

/* Of the model and its rotation: sizes, names and the vectors among its weights. */
void vt__model_identity(const vt_model *model, vt__kv_identity *out);

/* Errors: INVALID (sessions of another model, without tokens, unfit settings), NUMERIC, NOMEM. */
vt_status vt__session_kv_profile(vt_session *const *sessions, int32_t n, const vt__kv_fit *fit, vt_kv_profile **out);

typedef struct vt__kv_encoding {
    const vt_kv_profile *profile; /* NULL with coders that need none */
    int32_t coder;                /* of plane.h, VT__KV_F16 for the cache's own bytes */
    int32_t level;                /* 0: the profile's default */
    int64_t chunk_tokens;
} vt__kv_encoding;

/* Errors: INVALID, STATE (no tokens), CONFLICT (the profile is of another model), UNSUPPORTED, NUMERIC, NOMEM. */
vt_status vt__session_kv_encode(vt_session *s, const vt__kv_encoding *e, vt__kv_count *count, vt_buffer **out);
/* Into an empty session; convert: a cache of another dtype will do. Errors: STATE, FORMAT, UNSUPPORTED, CONFLICT, LIMIT, NOMEM; the session is as it was then. */
vt_status vt__session_kv_decode(vt_session *s, const vt_kv_profile *profile, const void *data, size_t size, int convert);

#endif
