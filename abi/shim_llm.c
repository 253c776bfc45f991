/* Public calls of venturi/llm.h: check, normalise options, forward. */
#include "venturi/llm.h"

#include "core/error.h"
#include "core/options.h"
#include "core/watch.h"
#include "formats/gguf_quantize.h"
#include "llm/arch.h"
#include "llm/model.h"
#include "llm/session.h"

/* ---- model ---- */

vt_status vt_model_open(vt_context *ctx, const char *path, const vt_model_options *user_opt, vt_model **out) {
    enum { FIRST_SIZE = 32 }; /* sizeof in the first release; stays when the struct grows */
    vt_model_options o;

    if (out) *out = NULL;
    if (!ctx || !path || !out) return vt__fail(VT_ERR_INVALID, "model: context, path or out is NULL");
    vt_status st = vt__options_read("model", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags & ~(uint32_t)VT_MODEL_MAPPED) return vt__fail(VT_ERR_INVALID, "model: unknown flags 0x%x", o.flags);
    return vt__model_open(ctx, path, &(vt__model_params){o.cancel, o.progress, o.progress_user, o.flags & VT_MODEL_MAPPED}, out);
}

vt_model *vt_model_retain(vt_model *model) { return vt__model_retain(model); }
void vt_model_release(vt_model *model) { vt__model_release(model); }

static vt_model_info info_of(const vt_model *model) {
    const vt__hparams *hp = vt__model_hparams(model);
    return (vt_model_info){
        .n_layers = hp->n_layers,
        .architecture = vt__model_architecture(model),
        .name = vt__model_name(model),
        .n_vocab = hp->n_vocab,
        .n_ctx = hp->n_ctx,
        .n_embd = hp->n_embd,
        .n_ff = hp->n_ff,
        .n_heads = hp->n_heads,
        .n_kv_heads = hp->n_kv_heads,
        .head_dim = hp->head_dim,
        .n_params = vt__model_param_count(model),
        .size = vt__model_size(model),
    };
}

vt_status vt_model_get_info(const vt_model *model, vt_model_info *out) {
    enum { FIRST_SIZE = 88 }; /* sizeof in the first release */

    if (!model || !out) return vt__fail(VT_ERR_INVALID, "model: model or out is NULL");
    vt_model_info info = info_of(model);
    return vt__result_write("model info", out, &info, sizeof info, FIRST_SIZE);
}

vt_status vt_model_graph(vt_model *model, vt_graph **out) {
    if (out) *out = NULL;
    if (!model || !out) return vt__fail(VT_ERR_INVALID, "model: model or out is NULL");
    return vt__model_graph(model, out);
}

vt_status vt_model_tokenizer(vt_model *model, vt_tokenizer **out) {
    if (out) *out = NULL;
    if (!model || !out) return vt__fail(VT_ERR_INVALID, "model: model or out is NULL");
    return vt__model_tokenizer(model, out);
}

vt_status vt_model_quantize(vt_context *ctx, const char *in, const char *out, int32_t dtype, const vt_quantize_options *user_opt) {
    enum { FIRST_SIZE = 32 };
    vt_quantize_options o;

    if (!ctx || !in || !out) return vt__fail(VT_ERR_INVALID, "quantize: context, in or out is NULL");
    vt_status st = vt__options_read("quantize", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags & ~(uint32_t)VT_QUANTIZE_PURE) return vt__fail(VT_ERR_INVALID, "quantize: unknown flags 0x%x", o.flags);
    vt__watch watch = {.what = "quantize", .cancel = o.cancel, .progress = o.progress, .progress_user = o.progress_user};
    return vt__gguf_quantize(ctx, in, out, dtype, (o.flags & VT_QUANTIZE_PURE) != 0, &watch);
}

int64_t vt_model_meta_count(const vt_model *model) { return model ? vt__model_meta_count(model) : 0; }
const char *vt_model_meta_key(const vt_model *model, int64_t i) { return model ? vt__model_meta_key(model, i) : NULL; }

vt_status vt_model_meta_text(const vt_model *model, int64_t i, vt_buffer **out) {
    if (out) *out = NULL;
    if (!model || !out) return vt__fail(VT_ERR_INVALID, "model: model or out is NULL");
    return vt__model_meta_text(model, i, out);
}

/* ---- session ---- */

vt_status vt_session_create(vt_model *model, const vt_session_options *user_opt, vt_session **out) {
    enum { FIRST_SIZE = 32 }; /* sizeof in the first release */
    vt_session_options o;

    if (out) *out = NULL;
    if (!model || !out) return vt__fail(VT_ERR_INVALID, "session: model or out is NULL");
    vt_status st = vt__options_read("session", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags & ~(uint32_t)VT_SESSION_EXACT) return vt__fail(VT_ERR_INVALID, "session: unknown flags 0x%x", o.flags);
    return vt__session_create(model, &(vt__session_params){o.n_ctx, o.kv, o.cancel, (o.flags & VT_SESSION_EXACT) != 0}, out);
}

vt_session *vt_session_retain(vt_session *session) { return vt__session_retain(session); }
void vt_session_release(vt_session *session) { vt__session_release(session); }

static vt_status check_feed(const vt_session *session, const int32_t *ids, int has_out) {
    return session && ids && has_out ? VT_OK : vt__fail(VT_ERR_INVALID, "session: session, ids or out is NULL");
}

vt_status vt_session_feed(vt_session *session, const int32_t *ids, int64_t n) {
    vt_status st = check_feed(session, ids, 1);
    return st == VT_OK ? vt__session_feed(session, ids, n) : st;
}

vt_status vt_session_feed_logits(vt_session *session, const int32_t *ids, int64_t n, float *out) {
    vt_status st = check_feed(session, ids, out != NULL);
    return st == VT_OK ? vt__session_feed_logits(session, ids, n, out) : st;
}

vt_status vt_session_score(vt_session *session, const int32_t *ids, int64_t n, double *out) {
    vt_status st = check_feed(session, ids, out != NULL);
    return st == VT_OK ? vt__session_score(session, ids, n, out) : st;
}

vt_status vt_session_logits(vt_session *session, const float **out) {
    if (!session || !out) return vt__fail(VT_ERR_INVALID, "session: session or out is NULL");
    return vt__session_logits(session, out);
}

int64_t vt_session_count(const vt_session *session) { return session ? vt__session_count(session) : 0; }
const int32_t *vt_session_tokens(const vt_session *session) { return session ? vt__session_tokens(session) : NULL; }

vt_status vt_session_trim(vt_session *session, int64_t n) {
    return session ? vt__session_trim(session, n) : vt__fail(VT_ERR_INVALID, "session is NULL");
}

vt_status vt_session_next(vt_session *session, vt_sampler *sampler, int32_t *out_id) {
    if (!session || !out_id) return vt__fail(VT_ERR_INVALID, "session: session or out_id is NULL");
    return vt__session_next(session, sampler, out_id);
}

vt_status vt_session_generate(vt_session *session, const vt_generate_options *user_opt, vt_buffer **out) {
    enum { FIRST_SIZE = 40 }; /* sizeof in the first release */
    vt_generate_options o;

    if (out) *out = NULL;
    if (!session) return vt__fail(VT_ERR_INVALID, "session is NULL");
    vt_status st = vt__options_read("generate", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags & ~(uint32_t)(VT_GENERATE_IGNORE_EOG | VT_GENERATE_EACH_TOKEN)) return vt__fail(VT_ERR_INVALID, "generate: unknown flags 0x%x", o.flags);
    if (o.n_stops < 0 || (o.n_stops > 0 && !o.stops)) return vt__fail(VT_ERR_INVALID, "generate: %lld stop strings at NULL", (long long)o.n_stops);
    vt__generate_params p = {o.max_tokens, (o.flags & VT_GENERATE_IGNORE_EOG) != 0, o.sampler, o.piece, o.piece_user, o.stops, o.n_stops,
                             (o.flags & VT_GENERATE_EACH_TOKEN) != 0, o.out_end};
    return vt__session_generate(session, &p, out);
}
