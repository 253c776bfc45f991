/* Lua face of venturi_experimental.h, as vt.experimental: raw quantised rows, attention of plain arrays, what a GGUF file holds, Philox
 * blocks.
 * The pre-tokenizer's pieces are a method of tokenizers (bind_text.c). */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#define VT_EXPERIMENTAL
#include "array.h"
#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi_experimental.h"

/* Names as GGUF tools print them, lower case; of every type that the public enumeration knows. */
static const struct {
    const char *name;
    int32_t code;
} dtypes[] = {{"f32", VT_DTYPE_F32}, {"f16", VT_DTYPE_F16}, {"bf16", VT_DTYPE_BF16}, {"q4_0", VT_DTYPE_Q4_0}, {"q4_1", VT_DTYPE_Q4_1},
    {"q5_0", VT_DTYPE_Q5_0}, {"q5_1", VT_DTYPE_Q5_1}, {"q8_0", VT_DTYPE_Q8_0}, {"q8_1", VT_DTYPE_Q8_1}, {"q2_k", VT_DTYPE_Q2_K},
    {"q3_k", VT_DTYPE_Q3_K}, {"q4_k", VT_DTYPE_Q4_K}, {"q5_k", VT_DTYPE_Q5_K}, {"q6_k", VT_DTYPE_Q6_K}, {"q8_k", VT_DTYPE_Q8_K},
    {"i8", VT_DTYPE_I8}, {"i16", VT_DTYPE_I16}, {"i32", VT_DTYPE_I32}, {"i64", VT_DTYPE_I64}, {"f64", VT_DTYPE_F64}};

static int32_t check_dtype(lua_State *L, int arg) {
    const char *name = luaL_checkstring(L, arg);
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (strcmp(name, dtypes[i].name) == 0) return dtypes[i].code;
    return box_raise(L, VT_ERR_DTYPE, "unknown dtype '%s'", name);
}

static const char *dtype_name(int32_t code) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].code == code) return dtypes[i].name;
    return "?";
}

/* quant_block(dtype) -> elements, bytes */
static int quant_block(lua_State *L) {
    int64_t elems = 0;
    size_t size = 0;
    box_ok(L, vt_quant_block(check_dtype(L, 1), &elems, &size));
    lua_pushinteger(L, elems);
    lua_pushinteger(L, (lua_Integer)size);
    return 2;
}

/* Elements and bytes of a row in whole blocks; one of the two is given, the other asked for. */
static void row_size(lua_State *L, int32_t dtype, int64_t *n, size_t *size) {
    int64_t elems = 0;
    size_t bytes = 0;
    box_ok(L, vt_quant_block(dtype, &elems, &bytes));
    int64_t blocks = *n ? *n / elems : (int64_t)(*size / bytes);
    if (*n ? *n % elems != 0 : *size % bytes != 0) box_raise(L, VT_ERR_SHAPE, "the row is not made of whole blocks");
    if (blocks < 1 || blocks > INT_MAX / elems) box_raise(L, VT_ERR_SHAPE, "a row of %I blocks", (LUAI_UACINT)blocks);
    *n = blocks * elems;
    *size = (size_t)blocks * bytes;
}

/* quant_decode(dtype, bytes) -> list of numbers */
static int quant_decode(lua_State *L) {
    int32_t dtype = check_dtype(L, 1);
    size_t size;
    int64_t n = 0;
    const char *data = luaL_checklstring(L, 2, &size);
    row_size(L, dtype, &n, &size);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    float *out = lua_newuserdatauv(L, (size_t)n * sizeof *out, 0);
    box_ok(L, vt_quant_decode(dtype, data, size, out, n));
    lua_createtable(L, (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushnumber(L, (lua_Number)out[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* quant_encode(dtype, numbers) -> bytes */
static int quant_encode(lua_State *L) {
    int32_t dtype = check_dtype(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, 2);
    luaL_argcheck(L, count >= 1 && count <= INT_MAX, 2, "a list of numbers");
    int64_t n = (int64_t)count;
    size_t size = 0;
    row_size(L, dtype, &n, &size);
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_QUANTISE);
    float *x = lua_newuserdatauv(L, (size_t)n * sizeof *x, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, i + 1);
        x[i] = (float)luaL_checknumber(L, -1);
        lua_pop(L, 1);
    }
    void *out = lua_newuserdatauv(L, size, 0);
    box_ok(L, vt_quant_encode(dtype, x, n, out, size));
    lua_pushlstring(L, out, size);
    return 1;
}

static void check_words(lua_State *L, int arg, uint32_t *out, int n) {
    luaL_checktype(L, arg, LUA_TTABLE);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, arg, i + 1);
        lua_Integer v = luaL_checkinteger(L, -1);
        luaL_argcheck(L, v >= 0 && v <= (lua_Integer)UINT32_MAX, arg, "words must be in [0, 2^32)");
        out[i] = (uint32_t)v;
        lua_pop(L, 1);
    }
}

/* ---- attention ---- */

static const float *attention_input(lua_State *L, const char *key, int64_t want) {
    int64_t n;
    const float *x = array_option(L, 1, "attention", key, VT_DTYPE_F32, &n);
    if (!x || n != want) box_raise(L, VT_ERR_SHAPE, "attention: '%s' has %I numbers, need %I", key, (LUAI_UACINT)n, (LUAI_UACINT)want);
    return x;
}

/* attention{ q = NUMBERS, k = , v = , batch = 1, heads = 1, kv_heads = heads, queries = , keys = , dim = , left = , right = , scale = 1,
 * softcap = 0, dtype = "f32" } -> list of the values, list of the lse. NUMBERS: a list or packed float32; left and right: nil for no bound. */
static int attention(lua_State *L) {
    static const char *const known[] = {"q", "k", "v", "batch", "heads", "kv_heads", "queries", "keys", "dim", "left", "right", "scale",
        "softcap", "dtype", NULL};
    static const char *const names[] = {"f32", "f16", "q8_0", NULL};
    static const int32_t codes[] = {VT_DTYPE_F32, VT_DTYPE_F16, VT_DTYPE_Q8_0};
    enum { MOST = 1 << 20 }; /* of each size, and of the products: what fits a Lua list */
    vt_attention_options o = VT_STRUCT_INIT(vt_attention_options);
    const vt__capability *cap = vt__capability_get(L);
    lua_settop(L, 1);
    box_options(L, 1, "attention", known);
    o.n_batch = box_integer(L, 1, "attention", "batch", 1, 1, MOST);
    o.n_heads = box_integer(L, 1, "attention", "heads", 1, 1, MOST);
    o.n_kv_heads = box_integer(L, 1, "attention", "kv_heads", o.n_heads, 1, MOST);
    o.n_queries = box_integer(L, 1, "attention", "queries", 0, 1, MOST);
    o.n_keys = box_integer(L, 1, "attention", "keys", 0, 1, MOST);
    o.head_dim = box_integer(L, 1, "attention", "dim", 0, 1, MOST);
    o.left = box_integer(L, 1, "attention", "left", -1, -1, INT64_MAX);
    o.right = box_integer(L, 1, "attention", "right", -1, -1, INT64_MAX);
    o.scale = box_number(L, 1, "attention", "scale", 1.0);
    o.softcap = box_number(L, 1, "attention", "softcap", 0.0);
    o.dtype = codes[box_choice(L, 1, "attention", "dtype", names, 0)];
    double rows = (double)o.n_batch * (double)o.n_heads * (double)o.n_queries, keys = (double)o.n_batch * (double)o.n_kv_heads * (double)o.n_keys;
    if (rows * (double)o.head_dim > INT_MAX || keys * (double)o.head_dim > INT_MAX) box_raise(L, VT_ERR_SHAPE, "attention: more than 2^31 numbers");
    int64_t n = (int64_t)rows * o.head_dim, n_keys = (int64_t)keys * o.head_dim;
    const float *q = attention_input(L, "q", n), *k = attention_input(L, "k", n_keys), *v = attention_input(L, "v", n_keys);
    vt__capability_charge_for(L, (uint64_t)n * (uint64_t)o.n_keys, VT__COST_ELEMENT);
    float *out = lua_newuserdatauv(L, (size_t)n * sizeof *out, 0), *lse = lua_newuserdatauv(L, (size_t)rows * sizeof *lse, 0);
    box_ok(L, vt_attention_run(cap->ctx, &o, q, k, v, out, lse));
    array_push(L, VT_DTYPE_F32, out, n);
    array_push(L, VT_DTYPE_F32, lse, (int64_t)rows);
    return 2;
}

/* ---- GGUF files ---- */

static void release_gguf(void *handle) {
    vt_gguf_release(handle);
}
static const box_type gguf_type = {"vt.gguf", "gguf", release_gguf};

/* gguf(path): what the file holds, also when no architecture or tokenizer of it is known */
static int gguf_open(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS, "vt.experimental.gguf");
    box *b = box_push(L, &gguf_type, 0);
    vt_gguf *gguf = NULL;
    box_ok(L, vt_gguf_open(cap->ctx, path, &gguf));
    b->handle = gguf;
    return 1;
}

/* gguf:meta() -> list of { key, value as text }, in the file's order */
static int gguf_meta(lua_State *L) {
    const vt_gguf *gguf = box_check(L, 1, &gguf_type);
    int64_t n = vt_gguf_key_count(gguf);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        vt_buffer *text = NULL;
        lua_createtable(L, 2, 0);
        lua_pushstring(L, vt_gguf_key(gguf, i));
        lua_rawseti(L, -2, 1);
        box *b = box_push_buffer(L);
        box_ok(L, vt_gguf_value_text(gguf, i, &text));
        b->handle = text;
        box_push_text(L, b);
        lua_rawseti(L, -3, 2);
        lua_pop(L, 1); /* the buffer's box */
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* gguf:tensors() -> list of { name, dtype, shape, size }, in the file's order; shape fastest first */
static int gguf_tensors(lua_State *L) {
    const vt_gguf *gguf = box_check(L, 1, &gguf_type);
    int64_t n = vt_gguf_tensor_count(gguf);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        vt_gguf_tensor t = VT_STRUCT_INIT(vt_gguf_tensor);
        box_ok(L, vt_gguf_get_tensor(gguf, i, &t));
        lua_createtable(L, 0, 4);
        lua_pushstring(L, t.name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, dtype_name(t.dtype));
        lua_setfield(L, -2, "dtype");
        lua_createtable(L, t.n_dims, 0);
        for (int d = 0; d < t.n_dims; d++) {
            lua_pushinteger(L, t.ne[d]);
            lua_rawseti(L, -2, d + 1);
        }
        lua_setfield(L, -2, "shape");
        lua_pushinteger(L, (lua_Integer)t.size);
        lua_setfield(L, -2, "size");
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* ---- the rest ---- */

/* philox_block({ c0, c1, c2, c3 }, { k0, k1 }) -> { w0, w1, w2, w3 } */
static int philox_block(lua_State *L) {
    uint32_t ctr[4], key[2], out[4];
    check_words(L, 1, ctr, 4);
    check_words(L, 2, key, 2);
    vt_philox_block(ctr, key, out);
    lua_createtable(L, 4, 0);
    for (int i = 0; i < 4; i++) {
        lua_pushinteger(L, (lua_Integer)out[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* arena_plan({ { first =, last =, size = }, ... }, "number" | "size" | "best") -> offsets, size of the arena, least size */
static int arena_plan(lua_State *L) {
    static const char *const orders[] = {"number", "size", "best", NULL};
    static const char *const known[] = {"first", "last", "size", NULL};
    luaL_checktype(L, 1, LUA_TTABLE);
    int32_t order = luaL_checkoption(L, 2, "best", orders);
    lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
    if (n > 4096) box_raise(L, VT_ERR_LIMIT, "arena_plan: %I spans, at most 4096 are possible", (LUAI_UACINT)n);
    vt__capability_charge_for(L, (uint64_t)(n * n), VT__COST_ITEM);
    vt_arena_span *spans = lua_newuserdatauv(L, (size_t)n * sizeof *spans + 1, 0);
    uint64_t *offsets = lua_newuserdatauv(L, (size_t)n * sizeof *offsets + 1, 0), size, least;
    for (lua_Integer i = 0; i < n; i++) {
        lua_rawgeti(L, 1, i + 1);
        int at = lua_gettop(L);
        if (!box_options(L, at, "span", known)) box_raise(L, VT_ERR_INVALID, "arena_plan: span %I is no table", (LUAI_UACINT)i + 1);
        spans[i].first = box_integer(L, at, "span", "first", 0, 0, INT64_MAX);
        spans[i].last = box_integer(L, at, "span", "last", 0, 0, INT64_MAX);
        spans[i].size = (uint64_t)box_integer(L, at, "span", "size", 0, 0, INT64_MAX);
        lua_pop(L, 1);
    }
    box_ok(L, vt_arena_plan(vt__capability_get(L)->ctx, spans, n, order, offsets, &size, &least));
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 0; i < n; i++) {
        lua_pushinteger(L, (lua_Integer)offsets[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, (lua_Integer)size);
    lua_pushinteger(L, (lua_Integer)least);
    return 3;
}

void bind_experimental(lua_State *L) {
    static const luaL_Reg functions[] = {{"arena_plan", arena_plan}, {"quant_block", quant_block}, {"quant_decode", quant_decode}, {"quant_encode", quant_encode},
        {"attention", attention}, {"gguf", gguf_open}, {"philox_block", philox_block}, {NULL, NULL}};
    static const luaL_Reg gguf_methods[] = {{"meta", gguf_meta}, {"tensors", gguf_tensors}, {NULL, NULL}};
    box_register(L, &gguf_type, gguf_methods);
    luaL_newlib(L, functions);
    luaL_setfuncs(L, bind_codec_functions, 0);
    lua_setfield(L, -2, "experimental");
}
