/* Lua face of venturi/sample.h: vt.sampler{ top_k = 40, top_p = 0.95, min_p = 0.05, temperature = 0.8, seed = 1 }. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/sample.h"

static void release_sampler(void *handle) {
    vt_sampler_release(handle);
}
const box_type bind_sampler = {"vt.sampler", "sampler", release_sampler};

/* The stages that the options name, in llama.cpp's order: top-k, top-p, min-p, temperature. */
static void add_stages(lua_State *L, int index, vt_sampler *s) {
    lua_Integer k = box_integer(L, index, "sampler", "top_k", 0, 0, INT64_MAX);
    lua_Number p = box_number(L, index, "sampler", "top_p", 1.0);
    lua_Number min_p = box_number(L, index, "sampler", "min_p", 0.0);
    lua_Number t = box_number(L, index, "sampler", "temperature", 0.0);
    if (k > 0) box_ok(L, vt_sampler_add_top_k(s, k)); /* 0 is off, as on llama.cpp's command line */
    if (p != 1.0) box_ok(L, vt_sampler_add_top_p(s, p));
    if (min_p != 0.0) box_ok(L, vt_sampler_add_min_p(s, min_p));
    box_ok(L, vt_sampler_add_temperature(s, t));
}

/* vt.sampler{...}: without a temperature it is greedy */
static int sampler_new(lua_State *L) {
    static const char *const known[] = {"temperature", "top_k", "top_p", "min_p", "seed", "sequence", NULL};
    vt_sampler_options opt = VT_STRUCT_INIT(vt_sampler_options);
    lua_settop(L, 1);
    box_options(L, 1, "sampler", known);
    opt.seed = (uint64_t)box_integer(L, 1, "sampler", "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
    opt.sequence = (uint32_t)box_integer(L, 1, "sampler", "sequence", 0, 0, UINT32_MAX);
    box *b = box_push(L, &bind_sampler, 0);
    vt_sampler *s = NULL;
    box_ok(L, vt_sampler_create(vt__capability_get(L)->ctx, &opt, &s));
    b->handle = s;
    add_stages(L, 1, s);
    return 1;
}

/* float32 copies of a list of numbers, in a userdata that is pushed */
static float *check_logits(lua_State *L, int arg, int64_t *n) {
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, arg);
    luaL_argcheck(L, count >= 1 && count <= INT_MAX, arg, "a list of logits");
    vt__capability_charge(L, count);
    float *x = lua_newuserdatauv(L, (size_t)count * sizeof *x, 0);
    for (lua_Unsigned i = 0; i < count; i++) {
        int ok = 0;
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        x[i] = (float)lua_tonumberx(L, -1, &ok);
        if (!ok) box_raise(L, VT_ERR_INVALID, "logits[%I] must be a number, got %s", (LUAI_UACINT)i + 1, luaL_typename(L, -1));
        lua_pop(L, 1);
    }
    *n = (int64_t)count;
    return x;
}

/* sampler:sample(logits) -> id */
static int sampler_sample(lua_State *L) {
    vt_sampler *s = box_check(L, 1, &bind_sampler);
    int64_t n;
    const float *x = check_logits(L, 2, &n);
    int32_t id = 0;
    box_ok(L, vt_sampler_sample(s, x, n, &id));
    lua_pushinteger(L, id);
    return 1;
}

void bind_push_pairs(lua_State *L, const vt_buffer *buffer) {
    const unsigned char *p = vt_buffer_data(buffer);
    size_t n = vt_buffer_size(buffer) / 8;
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (size_t i = 0; i < n; i++, p += 8) {
        int32_t id;
        float logit;
        memcpy(&id, p, sizeof id);
        memcpy(&logit, p + 4, sizeof logit);
        lua_createtable(L, 2, 0);
        lua_pushinteger(L, id);
        lua_rawseti(L, -2, 1);
        lua_pushnumber(L, (lua_Number)logit);
        lua_rawseti(L, -2, 2);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

/* sampler:filter(logits) -> list of { id, logit }, largest first: what the stages leave */
static int sampler_filter(lua_State *L) {
    vt_sampler *s = box_check(L, 1, &bind_sampler);
    int64_t n;
    const float *x = check_logits(L, 2, &n);
    box *b = box_push_buffer(L);
    vt_buffer *pairs = NULL;
    box_ok(L, vt_sampler_filter(s, x, n, &pairs));
    b->handle = pairs;
    bind_push_pairs(L, pairs);
    return 1;
}

static int sampler_reset(lua_State *L) {
    vt_sampler_reset(box_check(L, 1, &bind_sampler));
    return 0;
}

void bind_sample(lua_State *L) {
    static const luaL_Reg methods[] = {{"sample", sampler_sample}, {"filter", sampler_filter}, {"reset", sampler_reset}, {NULL, NULL}};
    box_register(L, &bind_sampler, methods);
    lua_pushcfunction(L, sampler_new);
    lua_setfield(L, -2, "sampler");
}
