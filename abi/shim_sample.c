/* Public calls of venturi/sample.h: check, normalise options, forward. */
#include "venturi/sample.h"

#include "core/error.h"
#include "core/options.h"
#include "sample/token.h"

vt_status vt_sampler_create(vt_context *ctx, const vt_sampler_options *user_opt, vt_sampler **out) {
    enum { FIRST_SIZE = 24 }; /* sizeof in the first release; stays when the struct grows */
    vt_sampler_options o;

    if (out) *out = NULL;
    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "sampler: context or out is NULL");
    vt_status st = vt__options_read("sampler", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags || o.reserved) return vt__fail(VT_ERR_INVALID, "sampler: unknown flags 0x%x or reserved %u", o.flags, o.reserved);
    return vt__sampler_create(ctx, o.seed, o.sequence, out);
}

vt_sampler *vt_sampler_retain(vt_sampler *sampler) { return vt__sampler_retain(sampler); }
void vt_sampler_release(vt_sampler *sampler) { vt__sampler_release(sampler); }

static vt_status add(vt_sampler *sampler, int32_t kind, double value, int64_t k) {
    if (!sampler) return vt__fail(VT_ERR_INVALID, "sampler is NULL");
    return vt__sampler_add(sampler, &(vt__sampler_stage){kind, value, k, 1});
}

vt_status vt_sampler_add_temperature(vt_sampler *sampler, double t) { return add(sampler, VT__SAMPLER_TEMPERATURE, t, 0); }
vt_status vt_sampler_add_top_k(vt_sampler *sampler, int64_t k) { return add(sampler, VT__SAMPLER_TOP_K, 0, k); }
vt_status vt_sampler_add_top_p(vt_sampler *sampler, double p) { return add(sampler, VT__SAMPLER_TOP_P, p, 0); }
vt_status vt_sampler_add_min_p(vt_sampler *sampler, double p) { return add(sampler, VT__SAMPLER_MIN_P, p, 0); }

vt_status vt_sampler_sample(vt_sampler *sampler, const float *logits, int64_t n, int32_t *out_id) {
    if (!sampler || !out_id) return vt__fail(VT_ERR_INVALID, "sampler or out_id is NULL");
    return vt__sampler_sample(sampler, logits, n, out_id);
}

vt_status vt_sampler_filter(vt_sampler *sampler, const float *logits, int64_t n, vt_buffer **out) {
    if (out) *out = NULL;
    if (!sampler || !out) return vt__fail(VT_ERR_INVALID, "sampler or out is NULL");
    return vt__sampler_filter(sampler, logits, n, out);
}

void vt_sampler_reset(vt_sampler *sampler) {
    if (sampler) vt__sampler_reset(sampler);
}
