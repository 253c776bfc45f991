/* Lua face of venturi/encode.h: text encoders, and vectors of texts or ids. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "array.h"
#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/encode.h"

static void release_encoder(void *handle) {
    vt_encoder_release(handle);
}
static const box_type encoder_type = {"vt.encoder", "encoder", release_encoder};

/* vt.encoder(path, { int8 = false }) */
static int encoder_open(lua_State *L) {
    static const char *const known[] = {"int8", NULL};
    const char *path = luaL_checkstring(L, 1);
    const vt__capability *cap = vt__capability_need(L, VT__CAN_MODELS, "vt.encoder");
    vt_encoder_options opt = VT_STRUCT_INIT(vt_encoder_options);
    box_options(L, 2, "encoder", known);
    opt.numerics = box_boolean(L, 2, "encoder", "int8", 0) ? VT_ENCODER_INT8 : VT_ENCODER_F32;
    opt.cancel = cap->cancel;
    box *b = box_push(L, &encoder_type, 0);
    vt_encoder *enc = NULL;
    box_ok(L, vt_encoder_open(cap->ctx, path, &opt, &enc));
    b->handle = enc;
    return 1;
}

static vt_encoder_info info_of(lua_State *L, const vt_encoder *enc) {
    vt_encoder_info info = VT_STRUCT_INIT(vt_encoder_info);
    box_ok(L, vt_encoder_get_info(enc, &info));
    return info;
}

static void set_integer(lua_State *L, const char *key, lua_Integer v) {
    lua_pushinteger(L, v);
    lua_setfield(L, -2, key);
}

static void set_name(lua_State *L, const char *key, const char *name) {
    lua_pushstring(L, name);
    lua_setfield(L, -2, key);
}

/* encoder:info() -> table with the names of vt_encoder_info; kind, numerics and pooling as words */
static int encoder_info(lua_State *L) {
    static const char *const pooling[] = {"model", "mean", "cls", "max", "tokens"};
    vt_encoder_info info = info_of(L, box_check(L, 1, &encoder_type));
    lua_createtable(L, 0, 12);
    set_name(L, "kind", info.kind == VT_ENCODER_SPARSE ? "sparse" : "dense");
    set_name(L, "numerics", info.numerics == VT_ENCODER_INT8 ? "int8" : "f32");
    if (info.kind == VT_ENCODER_DENSE) set_name(L, "pooling", pooling[info.pooling]);
    set_integer(L, "dim", info.dim);
    set_integer(L, "max_tokens", info.max_tokens);
    set_integer(L, "n_positions", info.n_positions);
    set_integer(L, "n_layers", info.n_layers);
    set_integer(L, "n_heads", info.n_heads);
    set_integer(L, "n_embd", info.n_embd);
    set_integer(L, "n_ff", info.n_ff);
    set_integer(L, "n_vocab", info.n_vocab);
    set_integer(L, "n_params", info.n_params);
    return 1;
}

static int encoder_tokenizer(lua_State *L) {
    vt_encoder *enc = box_check(L, 1, &encoder_type);
    box *b = box_push(L, &bind_tokenizer, 0);
    vt_tokenizer *tok = NULL;
    box_ok(L, vt_encoder_tokenizer(enc, &tok));
    b->handle = tok;
    return 1;
}

/* ---- encoding ---- */

/* What a call is given: texts, or lists of ids one after the other. The blocks are values on the stack. */
typedef struct input {
    int64_t n;
    const char **texts; /* NULL: ids */
    size_t *sizes;
    int32_t *ids;
    int64_t *offsets;
} input;

static void *block(lua_State *L, int64_t n, size_t elem) {
    if ((uint64_t)n >= PTRDIFF_MAX / elem) box_raise(L, VT_ERR_NOMEM, "encode: too many items");
    return lua_newuserdatauv(L, ((size_t)n + 1) * elem, 0);
}

static void read_texts(lua_State *L, int list, input *in) {
    in->texts = block(L, in->n, sizeof *in->texts);
    in->sizes = block(L, in->n, sizeof *in->sizes);
    for (int64_t i = 0; i < in->n; i++) {
        if (lua_rawgeti(L, list, i + 1) != LUA_TSTRING) box_raise(L, VT_ERR_INVALID, "encode: item %d is a %s, the first is a text", (int)i + 1, luaL_typename(L, -1));
        in->texts[i] = lua_tolstring(L, -1, &in->sizes[i]); /* the list keeps it */
        vt__capability_charge_for(L, in->sizes[i], VT__COST_ENCODE);
        lua_pop(L, 1);
    }
}

static void read_ids(lua_State *L, int list, input *in) {
    int64_t total = 0;
    for (int64_t i = 1; i <= in->n; i++) {
        if (lua_rawgeti(L, list, i) != LUA_TTABLE) box_raise(L, VT_ERR_INVALID, "encode: item %d is a %s, the first is a list of ids", (int)i, luaL_typename(L, -1));
        total += (int64_t)lua_rawlen(L, -1);
        lua_pop(L, 1);
    }
    vt__capability_charge_for(L, (uint64_t)total, VT__COST_ITEM);
    in->offsets = block(L, in->n + 1, sizeof *in->offsets);
    in->ids = block(L, total, sizeof *in->ids);
    in->offsets[0] = 0;
    for (int64_t i = 0; i < in->n; i++) {
        int64_t n;
        lua_rawgeti(L, list, i + 1);
        const int32_t *ids = box_ids(L, lua_gettop(L), &n);
        if (n > total - in->offsets[i]) box_raise(L, VT_ERR_INVALID, "encode: a list of ids has changed");
        memcpy(in->ids + in->offsets[i], ids, (size_t)n * sizeof *ids);
        in->offsets[i + 1] = in->offsets[i] + n;
        lua_pop(L, 2);
    }
}

/* A list of texts or of lists of ids at index 2; a lone text has become a list before. */
static input read_input(lua_State *L) {
    input in = {0};
    luaL_checktype(L, 2, LUA_TTABLE);
    in.n = (int64_t)lua_rawlen(L, 2);
    int first = in.n ? lua_rawgeti(L, 2, 1) : LUA_TSTRING;
    lua_settop(L, 3);
    if (first == LUA_TSTRING) read_texts(L, 2, &in);
    else if (first == LUA_TTABLE) read_ids(L, 2, &in);
    else box_raise(L, VT_ERR_INVALID, "encode: a list of texts or of lists of ids is needed, the first item is a %s", lua_typename(L, first));
    return in;
}

static vt_encode_options read_options(lua_State *L) {
    static const char *const known[] = {"pooling", "raw", "packed", "max_tokens", "batch_tokens", NULL};
    static const char *const pooling[] = {"model", "mean", "cls", "max", "tokens", NULL};
    vt_encode_options opt = VT_STRUCT_INIT(vt_encode_options);
    box_options(L, 3, "encode", known);
    opt.flags = box_boolean(L, 3, "encode", "raw", 0) ? VT_ENCODE_RAW : 0;
    opt.pooling = box_choice(L, 3, "encode", "pooling", pooling, VT_POOL_MODEL);
    opt.max_tokens = box_integer(L, 3, "encode", "max_tokens", 0, 0, INT32_MAX);
    opt.batch_tokens = box_integer(L, 3, "encode", "batch_tokens", 0, 0, INT32_MAX);
    opt.cancel = vt__capability_get(L)->cancel;
    return opt;
}

/* A list of { id, weight }. */
static void push_pairs(lua_State *L, const char *pairs, int64_t first, int64_t last) {
    lua_createtable(L, (int)(last - first), 0);
    for (int64_t k = first; k < last; k++) {
        int32_t id;
        float weight;
        memcpy(&id, pairs + k * 8, sizeof id);
        memcpy(&weight, pairs + k * 8 + 4, sizeof weight);
        lua_createtable(L, 2, 0);
        lua_pushinteger(L, id);
        lua_rawseti(L, -2, 1);
        lua_pushnumber(L, (lua_Number)weight);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, k - first + 1);
    }
}

/* Result i of each: a list. */
static void push_lists(lua_State *L, const vt_buffer *values, const vt_buffer *places, int64_t n, int is_sparse, int64_t dim) {
    const int64_t *at = vt_buffer_data(places);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        if (is_sparse) push_pairs(L, vt_buffer_data(values), at[i], at[i + 1]);
        else array_push_rows(L, VT_DTYPE_F32, (const float *)vt_buffer_data(values) + at[i] * dim, at[i + 1] - at[i], dim);
        lua_rawseti(L, -2, i + 1);
    }
}

/* { dtype = "f32", shape = { n, dim }, data = packed }, as vt.npy gives; takes the buffer on the top. */
static void push_packed(lua_State *L, box *values, int64_t n, int64_t dim) {
    box_push_text(L, values);
    lua_createtable(L, 0, 3);
    lua_insert(L, -2);
    lua_setfield(L, -2, "data");
    set_name(L, "dtype", "f32");
    lua_createtable(L, 2, 0);
    lua_pushinteger(L, n);
    lua_rawseti(L, -2, 1);
    lua_pushinteger(L, dim);
    lua_rawseti(L, -2, 2);
    lua_setfield(L, -2, "shape");
}

/* encoder:encode(texts, { pooling = "model", raw = false, packed = false, max_tokens = 0, batch_tokens = 0 }): texts is a text, a list of texts or a
 * list of lists of ids. Dense -> a vector each; sparse -> a list of { id, weight } each, largest first; packed: dense ones in one table as of vt.npy. */
static int encoder_encode(lua_State *L) {
    vt_encoder *enc = box_check(L, 1, &encoder_type);
    int is_one = lua_type(L, 2) == LUA_TSTRING;
    lua_settop(L, 3);
    if (is_one) {
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, 2);
        lua_rawseti(L, -2, 1);
        lua_replace(L, 2);
    }
    vt_encoder_info info = info_of(L, enc);
    vt_encode_options opt = read_options(L);
    int has_places = info.kind == VT_ENCODER_SPARSE || opt.pooling == VT_POOL_TOKENS, packed = box_boolean(L, 3, "encode", "packed", 0);
    if (packed && (has_places || is_one)) return box_raise(L, VT_ERR_INVALID, "encode: packed is for lists of texts and one vector a text");
    input in = read_input(L);
    box *places = box_push_buffer(L), *values = box_push_buffer(L);
    vt_buffer *v = NULL, *p = NULL;
    vt_status st = in.texts ? vt_encode_texts(enc, in.texts, in.sizes, in.n, &opt, &v, &p) : vt_encode_ids(enc, in.ids, in.offsets, in.n, &opt, &v, &p);
    values->handle = v;
    places->handle = p;
    box_ok(L, st);
    vt__capability_charge_for(L, vt_buffer_size(v) / 4, VT__COST_ITEM);
    if (packed) push_packed(L, values, in.n, info.dim);
    else if (has_places) push_lists(L, v, p, in.n, info.kind == VT_ENCODER_SPARSE, info.n_embd);
    else array_push_rows(L, VT_DTYPE_F32, vt_buffer_data(v), in.n, info.dim);
    if (is_one) lua_rawgeti(L, -1, 1);
    return 1;
}

void bind_encode(lua_State *L) {
    static const luaL_Reg methods[] = {{"info", encoder_info}, {"tokenizer", encoder_tokenizer}, {"encode", encoder_encode}, {NULL, NULL}};
    box_register(L, &encoder_type, methods);
    lua_pushcfunction(L, encoder_open);
    lua_setfield(L, -2, "encoder");
}
