/* Several sessions of one model computed in one pass over the weights. */
#ifndef VENTURI_LLM_BATCH_H
#define VENTURI_LLM_BATCH_H

#include "venturi/types.h"

typedef struct vt__batch_params {
    int64_t max_rows;  /* of one pass; 0: 128 */
    vt_cancel *cancel; /* of whole steps; NULL: none */
    int exact;
} vt__batch_params;

typedef struct vt__batch_entry {
    const int32_t *ids; /* [n_ids] to append first */
    int64_t n_ids;
    vt_sampler *sampler; /* NULL: greedy */
    int draw, logits;
} vt__batch_entry;

typedef struct vt__batch_result {
    vt_status status;
    int32_t id; /* drawn; -1: none */
    const char *message; /* of a failure; borrowed */
} vt__batch_result;

vt_status vt__batch_create(vt_model *model, const vt__batch_params *params, vt_batch **out);
vt_batch *vt__batch_retain(vt_batch *b);
void vt__batch_release(vt_batch *b);

vt_status vt__batch_add(vt_batch *b, vt_session *session, const vt__batch_entry *entry);
void vt__batch_clear(vt_batch *b);
int64_t vt__batch_count(const vt_batch *b);
vt_status vt__batch_step(vt_batch *b);
vt_status vt__batch_get(const vt_batch *b, int64_t i, vt__batch_result *out);

#endif
