/* Public calls of venturi_experimental.h on parts of the cache's codec: check and forward. */
#define VT_EXPERIMENTAL
#include <math.h>

#include "codec/arith.h"
#include "codec/table.h"
#include "core/error.h"
#include "core/options.h"
#include "kv/delta.h"
#include "venturi/context.h"
#include "venturi_experimental.h"

vt_status vt_codec_table(const uint64_t *counts, int64_t n, uint32_t *cum) {
    uint64_t sum = 0;
    if (!counts || !cum || n < 2 || n > VT__CUM_MOST_SYMBOLS) return vt__fail(VT_ERR_INVALID, "codec: counts or cum is NULL, or there are %lld symbols", (long long)n);
    for (int64_t i = 0; i < n; i++)
        if (counts[i] >> 47 || (sum += counts[i]) >> 47) return vt__fail(VT_ERR_INVALID, "codec: the counts are too large");
    if (sum == 0) return vt__fail(VT_ERR_INVALID, "codec: all counts are 0");
    vt__cum_from_counts(cum, counts, n);
    return VT_OK;
}

static vt_status check_table(const uint32_t *cum, int64_t n_symbols, const void *symbols, int64_t n) {
    if (!cum || (n && !symbols) || n < 0) return vt__fail(VT_ERR_INVALID, "codec: cum or symbols is NULL, or their number %lld negative", (long long)n);
    return vt__cum_check(cum, n_symbols) ? VT_OK : vt__fail(VT_ERR_INVALID, "codec: no table of %lld symbols", (long long)n_symbols);
}

vt_status vt_codec_arith_encode(vt_context *ctx, const uint32_t *cum, int64_t n_symbols, const int32_t *symbols, int64_t n, vt_buffer **out) {
    vt__bytes bytes;
    vt__arith_encoder e;
    if (out) *out = NULL;
    if (!ctx || !out) return vt__fail(VT_ERR_INVALID, "codec: ctx or out is NULL");
    vt_status st = check_table(cum, n_symbols, symbols, n);
    for (int64_t i = 0; st == VT_OK && i < n; i++)
        if (symbols[i] < 0 || symbols[i] >= n_symbols) st = vt__fail(VT_ERR_INVALID, "codec: symbol %d of %lld", symbols[i], (long long)n_symbols);
    if (st != VT_OK) return st;
    vt__bytes_init(&bytes, ctx);
    vt__arith_begin(&e, &bytes);
    for (int64_t i = 0; i < n; i++) vt__arith_put(&e, cum[symbols[i]], cum[symbols[i] + 1]);
    vt__arith_end(&e);
    return vt__bytes_finish(&bytes, "codec", out);
}

vt_status vt_codec_arith_decode(const uint32_t *cum, int64_t n_symbols, const void *data, size_t size, int32_t *symbols, int64_t n) {
    vt__arith_decoder d;
    vt_status st = check_table(cum, n_symbols, symbols, n);
    if (st != VT_OK) return st;
    if (size && !data) return vt__fail(VT_ERR_INVALID, "codec: data is NULL");
    vt__arith_open(&d, data, size);
    for (int64_t i = 0; i < n; i++) symbols[i] = vt__arith_get(&d, cum, n_symbols);
    return VT_OK;
}

static vt_status check_rows(const float *x, int64_t n_tokens, int64_t n_channels) {
    int64_t n;
    if (!x || n_tokens < 1 || n_channels < 1 || __builtin_mul_overflow(n_tokens, n_channels, &n) || n > INT64_MAX / 8)
        return vt__fail(VT_ERR_SHAPE, "codec: x is NULL, or [%lld, %lld] no shape", (long long)n_tokens, (long long)n_channels);
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(x[i])) return vt__fail(VT_ERR_NUMERIC, "codec: value %lld is not finite", (long long)i);
    return VT_OK;
}

vt_status vt_codec_delta_quantise(const vt_codec_delta *user, const float *x, float *scales, int8_t *anchors, int8_t *deltas, float *decoded) {
    enum { FIRST_SIZE = 40 };
    vt_codec_delta p;
    if (!user || !scales || !anchors || !deltas || !decoded) return vt__fail(VT_ERR_INVALID, "codec: an argument is NULL");
    vt_status st = vt__options_read("codec", &p, sizeof p, FIRST_SIZE, user);
    if (st == VT_OK) st = check_rows(x, p.n_tokens, p.n_channels);
    if (st != VT_OK) return st;
    if (p.most < 1 || p.most > 127 || p.group < 1 || !p.step) return vt__fail(VT_ERR_INVALID, "codec: most %d, group %lld, or no step", p.most, (long long)p.group);
    for (int64_t c = 0; c < p.n_channels; c++)
        if (!(p.step[c] > 0 && isfinite(p.step[c]))) return vt__fail(VT_ERR_INVALID, "codec: step %lld is %g", (long long)c, p.step[c]);
    vt__delta d = {p.n_tokens, p.n_channels, p.group, p.step, p.most};
    (void)vt__delta_quantise(&d, x, p.n_channels, scales, anchors, deltas);
    vt__delta_restore(&d, scales, anchors, deltas, decoded, p.n_channels);
    return VT_OK;
}

vt_status vt_codec_token_quantise(const float *x, int64_t n_tokens, int64_t n_channels, int32_t bins, float *largest, uint8_t *symbols) {
    if (!largest || !symbols || bins < 4 || bins > 256 || bins % 2) return vt__fail(VT_ERR_INVALID, "codec: largest or symbols is NULL, or %d bins", bins);
    vt_status st = check_rows(x, n_tokens, n_channels);
    if (st == VT_OK) vt__token_quantise(x, n_tokens, n_channels, bins, largest, symbols);
    return st;
}
