/* The session from inside, for what steps several of them together (batch.c). */
#ifndef VENTURI_LLM_SESSION_INTERNAL_H
#define VENTURI_LLM_SESSION_INTERNAL_H

#include <stdatomic.h>

#include "llm/model_internal.h"
#include "llm/pass.h"
#include "llm/score.h"
#include "llm/session.h"

enum { VT__SESSION_ROWS = 128 }; /* of one pass */

struct vt_session {
    atomic_int refs;
    vt_context *ctx;
    vt_model *model;
    vt_kv *kv;
    vt_cancel *cancel;
    int exact;
    int64_t n_ctx;
    int32_t *ids; /* [n_ids] the sequence */
    int64_t n_ids, cap_ids;
    int64_t n_done;         /* tokens whose keys and values are in the cache: n_ids, or n_ids - 1 while a drawn token waits */
    unsigned char **blocks; /* [n_blocks] of the pool, enough for n_done tokens */
    int64_t n_blocks, cap_blocks;
    float *logits;  /* [n_vocab] after token n_done - 1, if has_logits */
    int has_logits;
    vt__scorer scorer; /* made by the first score */
    vt__workspace ws;    /* made by the first pass of its own */
    vt__row rows[VT__SESSION_ROWS];
};

/* INVALID, LIMIT: ids that cannot follow what there is. */
vt_status vt__session_check_ids(const vt_session *s, const int32_t *ids, int64_t n);
/* Room in the lists for n_tokens. Nothing is allocated for as many as most contexts hold: the session has it from the start. */
vt_status vt__session_make_room(vt_session *s, int64_t n_tokens);
/* Blocks for n_tokens, for which there is room; on failure some may have been taken. */
vt_status vt__session_take_blocks(vt_session *s, int64_t n_tokens);
/* Gives back those that n_tokens do not need. */
void vt__session_give_blocks(vt_session *s, int64_t n_tokens);

#endif
