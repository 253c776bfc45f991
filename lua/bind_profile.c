/* Lua face of venturi/profile.h: vt.profile.start(), stop(), stages(), spans(), of the context that this state has. The clocks are the host's:
 * a sandboxed script has none of them. */
#include <limits.h>

#include "bind.h"
#include "capability.h"
#include "venturi/profile.h"

static vt_context *context(lua_State *L) {
    const vt__capability *cap = vt__capability_get(L);
    if (cap->sandboxed) box_raise(L, VT_ERR_UNSUPPORTED, "profile: not in a sandboxed script");
    return cap->ctx;
}

static void set_integer(lua_State *L, const char *key, lua_Integer v) {
    lua_pushinteger(L, v);
    lua_setfield(L, -2, key);
}

static void set_seconds(lua_State *L, const char *key, int64_t ns) {
    lua_pushnumber(L, (lua_Number)ns * 1e-9);
    lua_setfield(L, -2, key);
}

static vt_profile_stage stage_of(lua_State *L, const vt_context *ctx, int32_t i) {
    vt_profile_stage s = VT_STRUCT_INIT(vt_profile_stage);
    box_ok(L, vt_profile_get_stage(ctx, i, &s));
    return s;
}

/* vt.profile.start{ spans = 0 }: from zero */
static int start(lua_State *L) {
    static const char *const known[] = {"spans", NULL};
    vt_profile_options opt = VT_STRUCT_INIT(vt_profile_options);
    vt_context *ctx = context(L);
    box_options(L, 1, "profile", known);
    opt.max_spans = box_integer(L, 1, "profile", "spans", 0, 0, INT64_MAX);
    box_ok(L, vt_profile_start(ctx, &opt));
    return 0;
}

static int stop(lua_State *L) {
    vt_profile_stop(context(L));
    return 0;
}

/* vt.profile.stages() -> list of { name, count, tokens, seconds } */
static int stages(lua_State *L) {
    const vt_context *ctx = context(L);
    lua_createtable(L, VT_STAGE_COUNT, 0);
    for (int32_t i = 0; i < VT_STAGE_COUNT; i++) {
        vt_profile_stage s = stage_of(L, ctx, i);
        lua_createtable(L, 0, 4);
        lua_pushstring(L, s.name);
        lua_setfield(L, -2, "name");
        set_integer(L, "count", s.count);
        set_integer(L, "tokens", s.n_tokens);
        set_seconds(L, "seconds", s.duration_ns);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* vt.profile.spans() -> list of { name, tokens, begin, seconds } in the order in which they ended, and how many there was no room for */
static int spans(lua_State *L) {
    const vt_context *ctx = context(L);
    int64_t n = vt_profile_span_count(ctx);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        vt_profile_span s = VT_STRUCT_INIT(vt_profile_span);
        box_ok(L, vt_profile_get_span(ctx, i, &s));
        lua_createtable(L, 0, 4);
        lua_pushstring(L, stage_of(L, ctx, s.stage).name);
        lua_setfield(L, -2, "name");
        set_integer(L, "tokens", s.n_tokens);
        set_seconds(L, "begin", s.begin_ns);
        set_seconds(L, "seconds", s.duration_ns);
        lua_rawseti(L, -2, i + 1);
    }
    lua_pushinteger(L, vt_profile_span_lost(ctx));
    return 2;
}

void bind_profile(lua_State *L) {
    static const luaL_Reg functions[] = {{"start", start}, {"stop", stop}, {"stages", stages}, {"spans", spans}, {NULL, NULL}};
    luaL_newlib(L, functions);
    lua_setfield(L, -2, "profile");
}
