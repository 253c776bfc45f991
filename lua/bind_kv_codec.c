/* Lua face of coded caches (venturi/kv.h), as vt.kv: profiles, encode, decode, info. */
#include <limits.h>
#include <stdint.h>

#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/kv.h"
#include "venturi/llm.h"

static void release_profile(void *handle) {
    vt_kv_profile_release(handle);
}
static const box_type profile_type = {"vt.kv_profile", "kv profile", release_profile};

enum { MOST_SESSIONS = 256 };

static const char *const modes[] = {"auto", "token", "direct", "delta", NULL};
static const char *const coders[] = {"rans", "arith", "int8", "int4", "raw", NULL};

static void set_integer(lua_State *L, const char *key, lua_Integer v) {
    lua_pushinteger(L, v);
    lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double v) {
    lua_pushnumber(L, v);
    lua_setfield(L, -2, key);
}

/* A hash, which need not fit an integer's positive half, as 16 digits. */
static void set_hash(lua_State *L, const char *key, uint64_t v) {
    char digits[17];
    for (int i = 0; i < 16; i++) digits[i] = "0123456789abcdef"[v >> (60 - 4 * i) & 15];
    lua_pushlstring(L, digits, 16);
    lua_setfield(L, -2, key);
}

/* Numbers of the list in option `key`, at most `most`; returns how many. */
static int numbers(lua_State *L, const char *key, float *out, int most) {
    if (!box_field(L, 1, key)) return 0;
    if (!lua_istable(L, -1) || lua_rawlen(L, -1) > (lua_Unsigned)most) box_raise(L, VT_ERR_INVALID, "kv profile: '%s' is no list of at most %d numbers", key, most);
    int n = (int)lua_rawlen(L, -1);
    for (int i = 0; i < n; i++) {
        lua_rawgeti(L, -1, i + 1);
        if (!lua_isnumber(L, -1)) box_raise(L, VT_ERR_INVALID, "kv profile: '%s' has what is no number", key);
        out[i] = (float)lua_tonumber(L, -1);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return n;
}

static int32_t check_sessions(lua_State *L, vt_session **sessions) {
    if (!box_field(L, 1, "sessions") || !lua_istable(L, -1)) box_raise(L, VT_ERR_INVALID, "kv profile: 'sessions' is no list");
    lua_Unsigned n = lua_rawlen(L, -1);
    if (n < 1 || n > MOST_SESSIONS) box_raise(L, VT_ERR_INVALID, "kv profile: need 1 to %d sessions", (int)MOST_SESSIONS);
    for (lua_Unsigned i = 0; i < n; i++) {
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        sessions[i] = box_test(L, -1, &bind_session);
        if (!sessions[i]) box_raise(L, VT_ERR_INVALID, "kv profile: entry %d is no session", (int)i + 1);
        lua_pop(L, 1);
    }
    return (int32_t)n; /* the list stays on the stack and holds them */
}

/* vt.kv.profile{ sessions = { SESSION, ... }, mode = "auto", group = 10, levels = { 31, 20, 15, 12, 9, 6 }, default = 4, depth = { 1, 1, 1 }, keys = 1,
 * values = 1, kept = 1 } */
static int profile_new(lua_State *L) {
    static const char *const known[] = {"sessions", "mode", "group", "levels", "default", "depth", "keys", "values", "kept", NULL};
    vt_session *sessions[MOST_SESSIONS];
    vt_kv_profile_options opt = VT_STRUCT_INIT(vt_kv_profile_options);
    vt_kv_profile *profile = NULL;
    int64_t tokens = 0;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    box_options(L, 1, "kv profile", known);
    opt.mode = box_choice(L, 1, "kv profile", "mode", modes, VT_KV_MODE_AUTO);
    opt.group_tokens = (int32_t)box_integer(L, 1, "kv profile", "group", 0, 1, 4096);
    opt.n_levels = numbers(L, "levels", opt.fineness, VT_KV_MAX_LEVELS);
    opt.default_level = (int32_t)box_integer(L, 1, "kv profile", "default", 0, 1, VT_KV_MAX_LEVELS);
    (void)numbers(L, "depth", opt.depth, 3);
    opt.keys = (float)box_number(L, 1, "kv profile", "keys", 0);
    opt.values = (float)box_number(L, 1, "kv profile", "values", 0);
    lua_Integer kept = box_integer(L, 1, "kv profile", "kept", -1, 0, 16);
    opt.n_kept = kept < 0 ? 0 : kept == 0 ? -1 : (int32_t)kept;
    int32_t n = check_sessions(L, sessions);
    for (int32_t i = 0; i < n; i++) tokens += vt_session_count(sessions[i]);
    vt__capability_charge_for(L, (uint64_t)tokens * 65536, VT__COST_ELEMENT);
    box *b = box_push(L, &profile_type, 0);
    box_ok(L, vt_kv_profile_create(sessions, n, &opt, &profile));
    b->handle = profile;
    return 1;
}

/* vt.kv.load(bytes) -> profile */
static int profile_load(lua_State *L) {
    size_t size;
    const char *data = luaL_checklstring(L, 1, &size);
    vt_kv_profile *profile = NULL;
    vt__capability_charge_for(L, size, VT__COST_COPY);
    box *b = box_push(L, &profile_type, 0);
    box_ok(L, vt_kv_profile_load(vt__capability_get(L)->ctx, data, size, &profile));
    b->handle = profile;
    return 1;
}

/* profile:save() -> bytes */
static int profile_save(lua_State *L) {
    vt_buffer *bytes = NULL;
    const vt_kv_profile *profile = box_check(L, 1, &profile_type);
    box *b = box_push_buffer(L);
    box_ok(L, vt_kv_profile_save(profile, &bytes));
    b->handle = bytes;
    vt__capability_charge_for(L, vt_buffer_size(bytes), VT__COST_COPY);
    box_push_text(L, b);
    return 1;
}

/* profile:info() -> table; levels: list of { fineness, bits, token, direct, delta } */
static int profile_info(lua_State *L) {
    vt_kv_profile_info info = VT_STRUCT_INIT(vt_kv_profile_info);
    box_ok(L, vt_kv_profile_get_info(box_check(L, 1, &profile_type), &info));
    lua_createtable(L, 0, 8);
    set_hash(L, "id", info.id);
    set_hash(L, "model", info.model);
    set_integer(L, "layers", info.n_layers);
    set_integer(L, "heads", info.n_kv_heads);
    set_integer(L, "head_dim", info.head_dim);
    set_integer(L, "group", info.group_tokens);
    set_integer(L, "kept", info.n_kept);
    set_integer(L, "default", info.default_level);
    lua_createtable(L, info.n_levels, 0);
    for (int i = 0; i < info.n_levels; i++) {
        lua_createtable(L, 0, 5);
        set_number(L, "fineness", (double)info.fineness[i]);
        set_number(L, "bits", (double)info.bits[i]);
        set_integer(L, "token", info.n_token[i]);
        set_integer(L, "direct", info.n_direct[i]);
        set_integer(L, "delta", info.n_delta[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "levels");
    return 1;
}

static const vt_kv_profile *profile_option(lua_State *L, int options) {
    if (!box_field(L, options, "profile")) return NULL;
    const vt_kv_profile *profile = box_test(L, -1, &profile_type);
    if (!profile) box_raise(L, VT_ERR_INVALID, "kv: 'profile' is no profile");
    return profile; /* stays on the stack */
}

/* vt.kv.encode(session, { profile = , level = , coder = "rans", chunk = 256 }) -> bytes, { level, tokens, values, beside, size, bits, rmse } */
static int encode(lua_State *L) {
    static const char *const known[] = {"profile", "level", "coder", "chunk", NULL};
    vt_kv_encode_options opt = VT_STRUCT_INIT(vt_kv_encode_options);
    vt_kv_stats stats = VT_STRUCT_INIT(vt_kv_stats);
    vt_buffer *bytes = NULL;
    lua_settop(L, 2);
    vt_session *session = box_check(L, 1, &bind_session);
    box_options(L, 2, "kv", known);
    opt.coder = box_choice(L, 2, "kv", "coder", coders, VT_KV_CODER_RANS);
    opt.level = (int32_t)box_integer(L, 2, "kv", "level", 0, 1, VT_KV_MAX_LEVELS);
    opt.chunk_tokens = box_integer(L, 2, "kv", "chunk", 0, 1, INT_MAX);
    const vt_kv_profile *profile = profile_option(L, 2);
    box *b = box_push_buffer(L);
    box_ok(L, vt_kv_encode(session, profile, &opt, &bytes, &stats));
    b->handle = bytes;
    vt__capability_charge_for(L, stats.n_values > 0 ? (uint64_t)stats.n_values : 0, VT__COST_COPY);
    box_push_text(L, b);
    lua_createtable(L, 0, 7);
    set_integer(L, "level", stats.level);
    set_integer(L, "tokens", stats.n_tokens);
    set_integer(L, "values", stats.n_values);
    set_integer(L, "beside", stats.n_beside);
    set_integer(L, "size", (lua_Integer)stats.size);
    set_number(L, "bits", stats.bits);
    set_number(L, "rmse", stats.rmse);
    return 2;
}

/* vt.kv.decode(session, bytes, { profile = , convert = false }) -> session */
static int decode(lua_State *L) {
    static const char *const known[] = {"profile", "convert", NULL};
    size_t size;
    lua_settop(L, 3);
    vt_session *session = box_check(L, 1, &bind_session);
    const char *data = luaL_checklstring(L, 2, &size);
    box_options(L, 3, "kv", known);
    uint32_t flags = box_boolean(L, 3, "kv", "convert", 0) ? VT_KV_CONVERT : 0;
    const vt_kv_profile *profile = profile_option(L, 3);
    vt__capability_charge_for(L, size, VT__COST_COPY * 4);
    box_ok(L, vt_kv_decode(session, profile, data, size, flags));
    lua_pushvalue(L, 1);
    return 1;
}

/* vt.kv.info(bytes) -> table */
static int info(lua_State *L) {
    vt_kv_file_info f = VT_STRUCT_INIT(vt_kv_file_info);
    size_t size;
    const char *data = luaL_checklstring(L, 1, &size);
    vt__capability_charge_for(L, size, VT__COST_HASH);
    box_ok(L, vt_kv_file_get_info(data, size, &f));
    lua_createtable(L, 0, 12);
    lua_pushstring(L, coders[f.coder]);
    lua_setfield(L, -2, "coder");
    lua_pushstring(L, f.dtype == VT_DTYPE_F32 ? "f32" : f.dtype == VT_DTYPE_F16 ? "f16" : f.dtype == VT_DTYPE_Q8_0 ? "q8_0" : "?");
    lua_setfield(L, -2, "dtype");
    set_integer(L, "level", f.level);
    set_integer(L, "layers", f.n_layers);
    set_integer(L, "heads", f.n_kv_heads);
    set_integer(L, "head_dim", f.head_dim);
    set_integer(L, "tokens", f.n_tokens);
    set_integer(L, "chunk", f.chunk_tokens);
    set_integer(L, "chunks", f.n_chunks);
    set_integer(L, "size", (lua_Integer)size);
    set_hash(L, "profile", f.profile);
    set_hash(L, "model", f.model);
    set_hash(L, "rope", f.rope);
    return 1;
}

void bind_kv_codec(lua_State *L) {
    static const luaL_Reg methods[] = {{"save", profile_save}, {"info", profile_info}, {NULL, NULL}};
    static const luaL_Reg functions[] = {{"profile", profile_new}, {"load", profile_load}, {"encode", encode}, {"decode", decode}, {"info", info}, {NULL, NULL}};
    box_register(L, &profile_type, methods);
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "kv");
}
