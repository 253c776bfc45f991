/* Attention of plain arrays, of venturi_experimental.h: check, normalise options, forward. */
#define VT_EXPERIMENTAL
#include "core/error.h"
#include "core/options.h"
#include "kv/plain.h"
#include "venturi_experimental.h"

vt_status vt_attention_run(vt_context *ctx, const vt_attention_options *user_opt, const float *q, const float *k, const float *v, float *out, float *lse) {
    enum { FIRST_SIZE = sizeof(vt_attention_options) };
    vt_attention_options o;

    if (!ctx || !user_opt || !q || !k || !v || !out) return vt__fail(VT_ERR_INVALID, "attention: a pointer is NULL");
    vt_status st = vt__options_read("attention", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags || o.reserved) return vt__fail(VT_ERR_INVALID, "attention: unknown flags 0x%x or reserved %d", o.flags, o.reserved);
    vt__plain_attention p = {o.n_batch, o.n_heads, o.n_kv_heads, o.n_queries, o.n_keys, o.head_dim, o.left, o.right, o.dtype,
                             o.scale,   o.softcap, q,            k,           v,        out,        lse};
    return vt__plain_attention_run(ctx, &p);
}
