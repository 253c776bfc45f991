/* Public calls of the batch in venturi/llm.h: check, normalise options, forward. */
#include "venturi/llm.h"

#include "core/error.h"
#include "core/options.h"
#include "llm/batch.h"

vt_status vt_batch_create(vt_model *model, const vt_batch_options *user_opt, vt_batch **out) {
    enum { FIRST_SIZE = 24 }; /* sizeof in the first release; stays when the struct grows */
    vt_batch_options o;

    if (out) *out = NULL;
    if (!model || !out) return vt__fail(VT_ERR_INVALID, "batch: model or out is NULL");
    vt_status st = vt__options_read("batch", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags & ~(uint32_t)VT_SESSION_EXACT) return vt__fail(VT_ERR_INVALID, "batch: unknown flags 0x%x", o.flags);
    return vt__batch_create(model, &(vt__batch_params){o.max_rows, o.cancel, (o.flags & VT_SESSION_EXACT) != 0}, out);
}

vt_batch *vt_batch_retain(vt_batch *batch) { return vt__batch_retain(batch); }
void vt_batch_release(vt_batch *batch) { vt__batch_release(batch); }

vt_status vt_batch_add(vt_batch *batch, vt_session *session, const vt_batch_entry *user_entry) {
    enum { FIRST_SIZE = 32, ALL = VT_BATCH_DRAW | VT_BATCH_LOGITS };
    vt_batch_entry e;

    if (!batch || !session) return vt__fail(VT_ERR_INVALID, "batch: batch or session is NULL");
    vt_status st = vt__options_read("batch entry", &e, sizeof e, FIRST_SIZE, user_entry);
    if (st != VT_OK) return st;
    if (e.flags & ~(uint32_t)ALL) return vt__fail(VT_ERR_INVALID, "batch: unknown flags 0x%x", e.flags);
    if (e.n > 0 && !e.ids) return vt__fail(VT_ERR_INVALID, "batch: ids is NULL");
    int draw = !user_entry || (e.flags & VT_BATCH_DRAW), logits = (e.flags & VT_BATCH_LOGITS) != 0;
    return vt__batch_add(batch, session, &(vt__batch_entry){e.ids, e.n, e.sampler, draw, logits});
}

int64_t vt_batch_count(const vt_batch *batch) { return batch ? vt__batch_count(batch) : 0; }

void vt_batch_clear(vt_batch *batch) {
    if (batch) vt__batch_clear(batch);
}

vt_status vt_batch_step(vt_batch *batch) { return batch ? vt__batch_step(batch) : vt__fail(VT_ERR_INVALID, "batch is NULL"); }

vt_status vt_batch_get(const vt_batch *batch, int64_t i, vt_batch_result *out) {
    enum { FIRST_SIZE = 24 }; /* sizeof in the first release */
    vt__batch_result r;

    if (!batch || !out) return vt__fail(VT_ERR_INVALID, "batch: batch or out is NULL");
    vt_status st = vt__batch_get(batch, i, &r);
    if (st != VT_OK) return st;
    vt_batch_result result = {.status = r.status, .id = r.id, .message = r.message};
    return vt__result_write("batch result", out, &result, sizeof result, FIRST_SIZE);
}
