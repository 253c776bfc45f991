/* Public calls of venturi/profile.h: check, normalise options, forward. */
#include "venturi/profile.h"

#include "core/error.h"
#include "core/options.h"
#include "core/profile.h"

vt_status vt_profile_start(vt_context *ctx, const vt_profile_options *user_opt) {
    enum { FIRST_SIZE = 16 }; /* sizeof in the first release */
    vt_profile_options o;

    if (!ctx) return vt__fail(VT_ERR_INVALID, "profile: context is NULL");
    vt_status st = vt__options_read("profile", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags) return vt__fail(VT_ERR_INVALID, "profile: unknown flags 0x%x", o.flags);
    return vt__profile_start(ctx, o.max_spans);
}

void vt_profile_stop(vt_context *ctx) {
    if (ctx) vt__profile_stop(ctx);
}

vt_status vt_profile_get_stage(const vt_context *ctx, int32_t stage, vt_profile_stage *out) {
    enum { FIRST_SIZE = 40 }; /* sizeof in the first release */

    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "profile: context or out is NULL");
    if (stage < 0 || stage >= VT_STAGE_COUNT) return vt__fail(VT_ERR_INVALID, "profile: stage %d of %d", stage, (int)VT_STAGE_COUNT);
    vt__stage_total t = vt__profile_total(ctx, stage);
    vt_profile_stage s = {.name = vt__profile_stage_name(stage), .count = t.count, .n_tokens = t.n_tokens, .duration_ns = t.duration};
    return vt__result_write("profile stage", out, &s, sizeof s, FIRST_SIZE);
}

int64_t vt_profile_span_count(const vt_context *ctx) { return ctx ? vt__profile_span_count(ctx) : 0; }
int64_t vt_profile_span_lost(const vt_context *ctx) { return ctx ? vt__profile_span_lost(ctx) : 0; }

vt_status vt_profile_get_span(const vt_context *ctx, int64_t i, vt_profile_span *out) {
    enum { FIRST_SIZE = 32 }; /* sizeof in the first release */

    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "profile: context or out is NULL");
    vt__profile_span span;
    vt_status st = vt__profile_span_at(ctx, i, &span);
    if (st != VT_OK) return st;
    vt_profile_span s = {.stage = span.stage, .begin_ns = span.begin, .duration_ns = span.duration, .n_tokens = span.n_tokens};
    return vt__result_write("profile span", out, &s, sizeof s, FIRST_SIZE);
}
