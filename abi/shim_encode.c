/* Public calls of venturi/encode.h: check, normalise options, forward. */
#include "venturi/encode.h"

#include "core/error.h"
#include "core/options.h"
#include "encode/encoder.h"

vt_status vt_encoder_open(vt_context *ctx, const char *path, const vt_encoder_options *user_opt, vt_encoder **out) {
    enum { FIRST_SIZE = 40 }; /* sizeof in the first release; stays when the struct grows */
    vt_encoder_options o;

    if (out) *out = NULL;
    if (!ctx || !path || !out) return vt__fail(VT_ERR_INVALID, "encoder: context, path or out is NULL");
    vt_status st = vt__options_read("encoder", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if (o.flags || o.reserved) return vt__fail(VT_ERR_INVALID, "encoder: unknown flags 0x%x, reserved %d", o.flags, o.reserved);
    if (o.numerics != VT_ENCODER_F32 && o.numerics != VT_ENCODER_INT8) return vt__fail(VT_ERR_INVALID, "encoder: numerics %d is not known", o.numerics);
    return vt__encoder_open(ctx, path, &(vt__encoder_params){o.numerics, o.cancel, o.progress, o.progress_user}, out);
}

vt_encoder *vt_encoder_retain(vt_encoder *enc) { return vt__encoder_retain(enc); }
void vt_encoder_release(vt_encoder *enc) { vt__encoder_release(enc); }

static vt_encoder_info info_of(const vt_encoder *enc) {
    const vt__encoder_facts *f = vt__encoder_info(enc);
    return (vt_encoder_info){
        .kind = f->kind,
        .numerics = f->numerics,
        .pooling = f->pooling,
        .dim = f->dim,
        .max_tokens = f->max_tokens,
        .n_positions = f->n_positions,
        .n_layers = f->n_layers,
        .n_heads = f->n_heads,
        .n_embd = f->n_embd,
        .n_ff = f->n_ff,
        .n_vocab = f->n_vocab,
        .n_params = f->n_params,
    };
}

vt_status vt_encoder_get_info(const vt_encoder *enc, vt_encoder_info *out) {
    enum { FIRST_SIZE = 88 }; /* sizeof in the first release */

    if (!enc || !out) return vt__fail(VT_ERR_INVALID, "encoder: encoder or out is NULL");
    vt_encoder_info info = info_of(enc);
    return vt__result_write("encoder info", out, &info, sizeof info, FIRST_SIZE);
}

vt_status vt_encoder_tokenizer(vt_encoder *enc, vt_tokenizer **out) {
    if (out) *out = NULL;
    if (!enc || !out) return vt__fail(VT_ERR_INVALID, "encoder: encoder or out is NULL");
    return vt__encoder_tokenizer(enc, out);
}

static vt_status read_options(const vt_encode_options *user_opt, vt__encode_params *out) {
    enum { FIRST_SIZE = 56 }; /* sizeof in the first release */
    vt_encode_options o;

    vt_status st = vt__options_read("encode", &o, sizeof o, FIRST_SIZE, user_opt);
    if (st != VT_OK) return st;
    if ((o.flags & ~(uint32_t)VT_ENCODE_RAW) || o.reserved) return vt__fail(VT_ERR_INVALID, "encode: unknown flags 0x%x, reserved %d", o.flags, o.reserved);
    *out = (vt__encode_params){(o.flags & VT_ENCODE_RAW) != 0, o.pooling, o.max_tokens, o.batch_tokens, o.cancel, o.progress, o.progress_user};
    return VT_OK;
}

vt_status vt_encode_texts(vt_encoder *enc, const char *const *texts, const size_t *sizes, int64_t n, const vt_encode_options *user_opt, vt_buffer **out_values,
                          vt_buffer **out_offsets) {
    vt__encode_params params;

    if (out_values) *out_values = NULL;
    if (out_offsets) *out_offsets = NULL;
    if (!enc || !out_values || n < 0 || (n > 0 && (!texts || !sizes))) return vt__fail(VT_ERR_INVALID, "encode: needs an encoder, n=%lld texts with sizes, out_values", (long long)n);
    vt_status st = read_options(user_opt, &params);
    return st == VT_OK ? vt__encode_texts(enc, texts, sizes, n, &params, out_values, out_offsets) : st;
}

vt_status vt_encode_ids(vt_encoder *enc, const int32_t *ids, const int64_t *offsets, int64_t n, const vt_encode_options *user_opt, vt_buffer **out_values,
                        vt_buffer **out_offsets) {
    vt__encode_params params;

    if (out_values) *out_values = NULL;
    if (out_offsets) *out_offsets = NULL;
    if (!enc || !out_values || !offsets || n < 0 || (n > 0 && !ids)) return vt__fail(VT_ERR_INVALID, "encode: needs an encoder, n=%lld lists of ids, offsets, out_values", (long long)n);
    vt_status st = read_options(user_opt, &params);
    return st == VT_OK ? vt__encode_ids(enc, ids, offsets, n, &params, out_values, out_offsets) : st;
}
