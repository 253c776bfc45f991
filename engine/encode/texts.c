/* Texts to ids, then as ids. */
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"
#include "encode/encoder_internal.h"
#include "text/tokenizer.h"

/* Keeps the first most - 1 ids and the last one, which is [SEP]. */
static vt_status append_text(const vt_encoder *enc, const char *text, size_t size, int64_t most, vt__bytes *ids) {
    vt_buffer *one;
    vt_status st = vt__tokenizer_encode(enc->tokenizer, text, size, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS, &one);
    if (st != VT_OK) return st;
    const int32_t *id = vt__buffer_data(one);
    int64_t n = (int64_t)(vt__buffer_size(one) / sizeof *id), kept = n > most ? most - 1 : n;
    vt__bytes_append(ids, id, (size_t)kept * sizeof *id);
    if (kept < n) vt__bytes_append(ids, id + n - 1, sizeof *id);
    vt__buffer_release(one);
    return ids->failed ? vt__fail_nomem("encode", 0) : VT_OK;
}

vt_status vt__encode_texts(vt_encoder *enc, const char *const *texts, const size_t *sizes, int64_t n, const vt__encode_params *params,
                           vt_buffer **out_values, vt_buffer **out_offsets) {
    int64_t most = params->max_tokens ? params->max_tokens : enc->facts.max_tokens;
    vt__bytes ids;

    *out_values = NULL;
    if (out_offsets) *out_offsets = NULL;
    if (!enc->tokenizer) return vt__fail(enc->tokenizer_status, "%s", enc->tokenizer_error);
    if (most < 3 || most > enc->facts.max_tokens)
        return vt__fail(VT_ERR_INVALID, "encode: max_tokens %lld, 3 to %lld are allowed", (long long)most, (long long)enc->facts.max_tokens);
    int64_t *offsets = vt__calloc2(enc->ctx, n + 1, 1, sizeof *offsets);
    if (!offsets) return vt__fail_nomem("encode", 0);
    vt__bytes_init(&ids, enc->ctx);
    vt_status st = VT_OK;
    for (int64_t i = 0; i < n && st == VT_OK; i++) {
        if (!texts[i] && sizes[i]) st = vt__fail(VT_ERR_INVALID, "encode: text %lld is NULL", (long long)i);
        if (st == VT_OK) st = append_text(enc, texts[i] ? texts[i] : "", sizes[i], most, &ids);
        offsets[i + 1] = ids.len / (int64_t)sizeof(int32_t);
    }
    if (st == VT_OK) st = vt__encode_ids(enc, (const int32_t *)(const void *)ids.data, offsets, n, params, out_values, out_offsets);
    vt__bytes_free(&ids);
    vt__free(enc->ctx, offsets);
    return st;
}
