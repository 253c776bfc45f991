/* Public calls of venturi/sample.h: check, normalise options, forward. */
#include "venturi/sample.h"

#include "core/error.h"
#include "core/options.h"
#include "grammar/grammar.h"
#include "grammar/schema.h"
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

static vt_status add(vt_sampler *sampler, vt__sampler_stage stage) {
    if (!sampler) return vt__fail(VT_ERR_INVALID, "sampler is NULL");
    return vt__sampler_add(sampler, &stage);
}

vt_status vt_sampler_add_temperature(vt_sampler *sampler, double t) {
    return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_TEMPERATURE, .value = t});
}
vt_status vt_sampler_add_top_k(vt_sampler *sampler, int64_t k) { return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_TOP_K, .k = k}); }
vt_status vt_sampler_add_top_p(vt_sampler *sampler, double p) { return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_TOP_P, .value = p}); }
vt_status vt_sampler_add_min_p(vt_sampler *sampler, double p) { return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_MIN_P, .value = p}); }
vt_status vt_sampler_add_typical(vt_sampler *sampler, double p) { return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_TYPICAL, .value = p}); }
vt_status vt_sampler_add_top_n_sigma(vt_sampler *sampler, double n) {
    return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_TOP_N_SIGMA, .value = n});
}
vt_status vt_sampler_add_xtc(vt_sampler *sampler, double probability, double threshold) {
    return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_XTC, .value = probability, .second = threshold});
}
vt_status vt_sampler_add_dynamic_temperature(vt_sampler *sampler, double t, double delta, double exponent) {
    return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_DYNAMIC_TEMPERATURE, .value = t, .second = delta, .third = exponent});
}
vt_status vt_sampler_add_mirostat(vt_sampler *sampler, double tau, double eta) {
    return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_MIROSTAT, .value = tau, .second = eta});
}
vt_status vt_sampler_add_penalties(vt_sampler *sampler, int64_t last_n, double repeat, double frequency, double presence) {
    return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_PENALTIES, .k = last_n, .value = repeat, .second = frequency, .third = presence});
}

vt_status vt_sampler_add_dry(vt_sampler *sampler, const vt_dry_options *user_opt) {
    enum { FIRST_SIZE = 56 }; /* sizeof in the first release */
    vt_dry_options o;

    vt_status st = vt__options_read("dry", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags || o.n_breakers < 0 || (o.n_breakers > 0 && !o.breakers))
        return vt__fail(VT_ERR_INVALID, "dry: unknown flags 0x%x, or %lld breakers that are not there", o.flags, (long long)o.n_breakers);
    vt__sampler_stage stage = {.kind = VT__SAMPLER_DRY, .ids = o.breakers, .n_ids = o.n_breakers};
    stage.k = o.last_n == 0 ? 1024 : o.last_n;
    stage.value = o.multiplier == 0.0 ? 0.8 : o.multiplier;
    stage.second = o.base == 0.0 ? 1.75 : o.base;
    stage.third = o.allowed_length == 0 ? 2.0 : (double)o.allowed_length;
    return add(sampler, stage);
}

vt_status vt_sampler_add_logit_bias(vt_sampler *sampler, const int32_t *ids, const float *biases, int64_t n) {
    if (n < 0 || (n > 0 && (!ids || !biases))) return vt__fail(VT_ERR_INVALID, "sampler: %lld biases, ids or values are NULL", (long long)n);
    static const float none;
    return add(sampler, (vt__sampler_stage){.kind = VT__SAMPLER_LOGIT_BIAS, .ids = ids, .biases = n > 0 ? biases : &none, .n_ids = n});
}

vt_status vt_sampler_set_min_keep(vt_sampler *sampler, int64_t n) {
    return sampler ? vt__sampler_set_min_keep(sampler, n) : vt__fail(VT_ERR_INVALID, "sampler is NULL");
}

vt_status vt_sampler_add_grammar(vt_sampler *sampler, vt_tokenizer *tok, vt_grammar *grammar) {
    if (!sampler || !tok || !grammar) return vt__fail(VT_ERR_INVALID, "sampler, tokenizer or grammar is NULL");
    return vt__sampler_add_grammar(sampler, tok, grammar);
}

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

vt_status vt_sampler_accept(vt_sampler *sampler, int32_t id) {
    return sampler ? vt__sampler_accept(sampler, id) : vt__fail(VT_ERR_INVALID, "sampler is NULL");
}

vt_status vt_sampler_observe(vt_sampler *sampler, const int32_t *ids, int64_t n) {
    if (!sampler || n < 0 || (n > 0 && !ids)) return vt__fail(VT_ERR_INVALID, "sampler or ids is NULL, or n=%lld", (long long)n);
    return vt__sampler_observe(sampler, ids, n);
}

vt_status vt_sampler_clone(const vt_sampler *sampler, vt_sampler **out) {
    if (out) *out = NULL;
    if (!sampler || !out) return vt__fail(VT_ERR_INVALID, "sampler or out is NULL");
    return vt__sampler_clone(sampler, out);
}

vt_status vt_sampler_keep_log_probabilities(vt_sampler *sampler, int32_t of, int64_t n_top) {
    return sampler ? vt__sampler_keep_log_probabilities(sampler, of, n_top) : vt__fail(VT_ERR_INVALID, "sampler is NULL");
}

vt_status vt_sampler_log_probabilities(const vt_sampler *sampler, int32_t *ids, float *values, int64_t cap, int64_t *out_n) {
    if (!sampler || !ids || !values || !out_n) return vt__fail(VT_ERR_INVALID, "sampler, ids, values or out_n is NULL");
    return vt__sampler_log_probabilities(sampler, ids, values, cap, out_n);
}

/* ---- grammars ---- */

static vt_status check_text(vt_context *ctx, const char *text, size_t len, int has_out) {
    return ctx && has_out && (text || len == 0) ? VT_OK : vt__fail(VT_ERR_INVALID, "grammar: context, text or out is NULL");
}

vt_status vt_grammar_create(vt_context *ctx, const char *gbnf, size_t len, vt_grammar **out) {
    if (out) *out = NULL;
    vt_status st = check_text(ctx, gbnf, len, out != NULL);
    return st == VT_OK ? vt__grammar_create(ctx, gbnf, len, out) : st;
}

vt_status vt_grammar_create_from_schema(vt_context *ctx, const char *schema, size_t len, vt_grammar **out) {
    if (out) *out = NULL;
    vt_status st = check_text(ctx, schema, len, out != NULL);
    return st == VT_OK ? vt__grammar_create_from_schema(ctx, schema, len, out) : st;
}

vt_grammar *vt_grammar_retain(vt_grammar *grammar) { return vt__grammar_retain(grammar); }
void vt_grammar_release(vt_grammar *grammar) { vt__grammar_release(grammar); }

vt_status vt_grammar_schema_to_gbnf(vt_context *ctx, const char *schema, size_t len, vt_buffer **out) {
    if (out) *out = NULL;
    vt_status st = check_text(ctx, schema, len, out != NULL);
    return st == VT_OK ? vt__schema_to_gbnf(ctx, schema, len, out) : st;
}

vt_status vt_grammar_check(vt_grammar *grammar, const char *text, size_t len, int32_t *out) {
    if (!grammar || !out || (!text && len > 0)) return vt__fail(VT_ERR_INVALID, "grammar, text or out is NULL");
    return vt__grammar_check(grammar, text, len, out);
}
