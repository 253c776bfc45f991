/* Lua face of the codec's parts in venturi_experimental.h, in vt.experimental. NUMBERS: a list or packed elements. */
#include <limits.h>
#include <stdint.h>

#define VT_EXPERIMENTAL
#include "array.h"
#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi_experimental.h"

static const void *need(lua_State *L, const char *what, const char *key, int32_t dtype, int64_t *n) {
    const void *x = array_option(L, 1, what, key, dtype, n);
    if (!x) box_raise(L, VT_ERR_INVALID, "%s: '%s' is missing", what, key);
    if (*n > INT_MAX / 8) box_raise(L, VT_ERR_LIMIT, "%s: '%s' has too many numbers", what, key);
    vt__capability_charge_for(L, (uint64_t)*n, VT__COST_ITEM);
    return x;
}

/* codec_table{ counts = NUMBERS } -> list of n + 1 begins */
static int table(lua_State *L) {
    static const char *const known[] = {"counts", NULL};
    uint32_t cum[257];
    int64_t n;
    box_options(L, 1, "codec_table", known);
    const int64_t *counts = need(L, "codec_table", "counts", VT_DTYPE_I64, &n);
    for (int64_t i = 0; i < n; i++)
        if (counts[i] < 0) box_raise(L, VT_ERR_INVALID, "codec_table: a count is negative");
    box_ok(L, vt_codec_table((const uint64_t *)(const void *)counts, n, cum));
    array_push(L, VT_DTYPE_I32, cum, n + 1);
    return 1;
}

static const uint32_t *need_table(lua_State *L, const char *what, int64_t *n_symbols) {
    const int32_t *cum = need(L, what, "cum", VT_DTYPE_I32, n_symbols);
    --*n_symbols;
    return (const uint32_t *)(const void *)cum;
}

/* arith_encode{ cum = NUMBERS, symbols = NUMBERS } -> bytes */
static int arith_encode(lua_State *L) {
    static const char *const known[] = {"cum", "symbols", NULL};
    int64_t n_symbols, n;
    vt_buffer *bytes = NULL;
    box_options(L, 1, "arith_encode", known);
    const uint32_t *cum = need_table(L, "arith_encode", &n_symbols);
    const int32_t *symbols = need(L, "arith_encode", "symbols", VT_DTYPE_I32, &n);
    box *b = box_push_buffer(L);
    box_ok(L, vt_codec_arith_encode(vt__capability_get(L)->ctx, cum, n_symbols, symbols, n, &bytes));
    b->handle = bytes;
    box_push_text(L, b);
    return 1;
}

/* arith_decode{ cum = NUMBERS, bytes = STRING, n = INTEGER } -> list of n symbols */
static int arith_decode(lua_State *L) {
    static const char *const known[] = {"cum", "bytes", "n", NULL};
    int64_t n_symbols;
    size_t size = 0;
    box_options(L, 1, "arith_decode", known);
    int64_t n = box_integer(L, 1, "arith_decode", "n", 0, 0, INT_MAX / 8);
    const uint32_t *cum = need_table(L, "arith_decode", &n_symbols);
    const char *bytes = box_string(L, 1, "arith_decode", "bytes", &size);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    int32_t *symbols = lua_newuserdatauv(L, (size_t)n * sizeof *symbols + 1, 0);
    box_ok(L, vt_codec_arith_decode(cum, n_symbols, bytes, size, symbols, n));
    array_push(L, VT_DTYPE_I32, symbols, n);
    return 1;
}

static void push_small(lua_State *L, const int8_t *x, int64_t n) {
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushinteger(L, x[i]);
        lua_rawseti(L, -2, i + 1);
    }
}

/* delta_quantise{ x = NUMBERS, step = NUMBERS, group = 10, most = 15 } -> scales, anchors, deltas, decoded; x [tokens, channels], channels: those of step */
static int delta_quantise(lua_State *L) {
    static const char *const known[] = {"x", "step", "group", "most", NULL};
    vt_codec_delta p = VT_STRUCT_INIT(vt_codec_delta);
    int64_t n;
    lua_settop(L, 1);
    box_options(L, 1, "delta_quantise", known);
    p.group = box_integer(L, 1, "delta_quantise", "group", 10, 1, INT_MAX);
    p.most = (int32_t)box_integer(L, 1, "delta_quantise", "most", 15, 1, 127);
    const float *x = need(L, "delta_quantise", "x", VT_DTYPE_F32, &n);
    p.step = need(L, "delta_quantise", "step", VT_DTYPE_F64, &p.n_channels);
    if (p.n_channels < 1 || n % p.n_channels) box_raise(L, VT_ERR_SHAPE, "delta_quantise: %I numbers of %I channels", (LUAI_UACINT)n, (LUAI_UACINT)p.n_channels);
    p.n_tokens = n / p.n_channels;
    int64_t n_groups = (p.n_tokens + p.group - 1) / p.group;
    float *scales = lua_newuserdatauv(L, (size_t)n_groups * sizeof *scales + 1, 0), *decoded = lua_newuserdatauv(L, (size_t)n * sizeof *decoded + 1, 0);
    int8_t *anchors = lua_newuserdatauv(L, (size_t)(n_groups * p.n_channels) + 1, 0), *deltas = lua_newuserdatauv(L, (size_t)n + 1, 0);
    box_ok(L, vt_codec_delta_quantise(&p, x, scales, anchors, deltas, decoded));
    array_push(L, VT_DTYPE_F32, scales, n_groups);
    push_small(L, anchors, n_groups * p.n_channels);
    push_small(L, deltas, n);
    array_push(L, VT_DTYPE_F32, decoded, n);
    return 4;
}

/* token_quantise{ x = NUMBERS, channels = INTEGER, bins = 32 } -> largest of each token, symbols */
static int token_quantise(lua_State *L) {
    static const char *const known[] = {"x", "channels", "bins", NULL};
    int64_t n;
    lua_settop(L, 1);
    box_options(L, 1, "token_quantise", known);
    int64_t channels = box_integer(L, 1, "token_quantise", "channels", 1, 1, INT_MAX);
    int32_t bins = (int32_t)box_integer(L, 1, "token_quantise", "bins", 32, 4, 256);
    const float *x = need(L, "token_quantise", "x", VT_DTYPE_F32, &n);
    if (n % channels) box_raise(L, VT_ERR_SHAPE, "token_quantise: %I numbers of %I channels", (LUAI_UACINT)n, (LUAI_UACINT)channels);
    float *largest = lua_newuserdatauv(L, (size_t)(n / channels) * sizeof *largest + 1, 0);
    uint8_t *symbols = lua_newuserdatauv(L, (size_t)n + 1, 0);
    box_ok(L, vt_codec_token_quantise(x, n / channels, channels, bins, largest, symbols));
    array_push(L, VT_DTYPE_F32, largest, n / channels);
    array_push(L, VT_DTYPE_U8, symbols, n);
    return 2;
}

const luaL_Reg bind_codec_functions[] = {{"codec_table", table}, {"arith_encode", arith_encode}, {"arith_decode", arith_decode},
    {"delta_quantise", delta_quantise}, {"token_quantise", token_quantise}, {NULL, NULL}};
