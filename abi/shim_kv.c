/* Public calls of venturi/kv.h: check, normalise options, forward. */
#include "venturi/kv.h"

#include "core/error.h"
#include "core/options.h"
#include "kv/cache.h"
#include "llm/model.h"

vt_status vt_kv_create(vt_model *model, const vt_kv_options *user_opt, vt_kv **out) {
    enum { FIRST_SIZE = 24 }; /* sizeof in the first release; stays when the struct grows */
    vt_kv_options o;

    if (out) *out = NULL;
    if (!model || !out) return vt__fail(VT_ERR_INVALID, "kv: model or out is NULL");
    vt_status st = vt__options_read("kv", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags || o.reserved) return vt__fail(VT_ERR_INVALID, "kv: unknown flags 0x%x or reserved %d", o.flags, o.reserved);
    return vt__model_create_kv(model, o.n_tokens, o.dtype, out);
}

vt_kv *vt_kv_retain(vt_kv *kv) { return vt__kv_retain(kv); }
void vt_kv_release(vt_kv *kv) { vt__kv_release(kv); }
int64_t vt_kv_block_tokens(const vt_kv *kv) { return kv ? VT__KV_BLOCK_TOKENS : 0; }
int64_t vt_kv_block_count(const vt_kv *kv) { return kv ? vt__kv_block_count(kv) : 0; }
int64_t vt_kv_block_used(const vt_kv *kv) { return kv ? vt__kv_block_used(kv) : 0; }
size_t vt_kv_block_size(const vt_kv *kv) { return kv ? vt__kv_block_size(kv) : 0; }
