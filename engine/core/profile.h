/* Where the time of a context's calls goes: a count, tokens and nanoseconds a stage, and if asked for each span by itself. While it is off
 * a stage costs the read of one flag. All of it is under a lock: calls may run on several threads, and a profile may start beside them. */
#ifndef VENTURI_CORE_PROFILE_H
#define VENTURI_CORE_PROFILE_H

#include <stdatomic.h>

#include "core/lock.h"
#include "venturi/types.h"

typedef struct vt__profile_span {
    int64_t begin, duration; /* ns; begin since the start of the profile */
    int64_t n_tokens;
    int32_t stage;
} vt__profile_span;

typedef struct vt__stage_total {
    int64_t count, n_tokens, duration;
} vt__stage_total;

/* Part of a context. */
typedef struct vt__profile {
    atomic_int on; /* read without the lock */
    vt__lock lock; /* of all that follows */
    int64_t start;
    vt__stage_total stages[VT_STAGE_COUNT];
    vt__profile_span *spans; /* [cap] owned by the context */
    int64_t cap;
    int64_t n_spans; /* met; those beyond cap are counted only */
} vt__profile;

void vt__profile_init(vt__profile *p);
void vt__profile_free(vt_context *ctx, vt__profile *p);

/* From zero; what runs already is left out. Errors: INVALID, NOMEM (as before). */
vt_status vt__profile_start(vt_context *ctx, int64_t max_spans);
void vt__profile_stop(vt_context *ctx);

const char *vt__profile_stage_name(int32_t stage);
vt__stage_total vt__profile_total(const vt_context *ctx, int32_t stage);
int64_t vt__profile_span_count(const vt_context *ctx); /* kept */
int64_t vt__profile_span_lost(const vt_context *ctx);
/* Copies span i; VT_ERR_INVALID where there is none. */
vt_status vt__profile_span_at(const vt_context *ctx, int64_t i, vt__profile_span *out);

/* Around a stage: begin gives its moment, or 0 while the profile is off; end takes note of it unless begin is 0. */
int64_t vt__profile_begin(const vt_context *ctx);
void vt__profile_end(vt_context *ctx, int32_t stage, int64_t begin, int64_t n_tokens);

#endif
