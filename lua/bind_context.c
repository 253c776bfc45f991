/* Lua face of venturi/context.h: versions, the context that this Lua state has, its cancel token, counter-based random numbers. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "bind.h"
#include "capability.h"
#include "venturi/context.h"
#include "venturi/tensor.h"

#define MOST_NUMBERS 16000000 /* of one call; a list of more does not fit any script's memory limit */

static int version(lua_State *L) {
    lua_pushstring(L, vt_version());
    return 1;
}

static int abi_version(lua_State *L) {
    lua_pushinteger(L, vt_abi_version());
    return 1;
}

static int isa(lua_State *L) {
    lua_pushstring(L, vt_isa());
    return 1;
}

static int threads(lua_State *L) {
    lua_pushinteger(L, vt_context_threads(vt__capability_get(L)->ctx));
    return 1;
}

/* vt.memory() -> bytes alive now, most at one time */
static int memory(lua_State *L) {
    const vt_context *ctx = vt__capability_get(L)->ctx;
    lua_pushinteger(L, (lua_Integer)vt_context_memory(ctx));
    lua_pushinteger(L, (lua_Integer)vt_context_memory_peak(ctx));
    return 2;
}

/* vt.fft_select("own" or "fftw"): whose Fourier transforms the context of this state runs from now on */
static int fft_select(lua_State *L) {
    static const char *const names[] = {"own", "fftw", NULL}; /* in the order of VT_FFT_* */
    const vt__capability *cap = vt__capability_get(L);
    int32_t library = luaL_checkoption(L, 1, NULL, names);
    if (cap->sandboxed) return box_raise(L, VT_ERR_UNSUPPORTED, "fft_select: the context is the host's");
    box_ok(L, vt_fft_select(cap->ctx, library));
    return 0;
}

/* vt.poll(): raises VT_ERR_CANCELLED when the token of this state is raised; for long loops in Lua */
static int poll(lua_State *L) {
    if (vt_cancel_is_raised(vt__capability_get(L)->cancel)) return box_raise(L, VT_ERR_CANCELLED, "cancelled");
    return 0;
}

/* vt.hash(bytes) -> 64-bit integer, the same on every machine */
static int hash(lua_State *L) {
    size_t len;
    const char *bytes = luaL_checklstring(L, 1, &len);
    vt__capability_charge_for(L, len, VT__COST_HASH);
    lua_pushinteger(L, (lua_Integer)vt_hash(bytes, len));
    return 1;
}

/* vt.status_name(code) */
static int status_name(lua_State *L) {
    lua_Integer code = luaL_checkinteger(L, 1);
    lua_pushstring(L, vt_status_name(code >= INT32_MIN && code <= INT32_MAX ? (vt_status)code : INT32_MIN));
    return 1;
}

/* vt.fail("VT_ERR_FORMAT", message): raises what a failed call of the library raises, for readers that are written in Lua */
static int fail(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    vt_status st = VT_ERR_NOMEM;
    while (st > VT_ERR_INTERNAL && strcmp(name, vt_status_name(st)) != 0) st--;
    luaL_argcheck(L, strcmp(name, vt_status_name(st)) == 0, 1, "not the name of a status");
    return box_raise(L, st, "%s", luaL_checkstring(L, 2));
}

/* ---- random numbers ---- */

typedef struct draw {
    uint64_t seed, first;
    uint32_t stream;
    int64_t n;
} draw;

/* (seed, n, { stream = 0, first = 0 }) */
static draw check_draw(lua_State *L) {
    static const char *const known[] = {"stream", "first", NULL};
    draw d;
    d.seed = (uint64_t)luaL_checkinteger(L, 1);
    d.n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, d.n >= 0 && d.n <= MOST_NUMBERS, 2, "count must be in [0, 16000000]");
    box_options(L, 3, "random", known);
    d.stream = (uint32_t)box_integer(L, 3, "random", "stream", 0, 0, UINT32_MAX);
    d.first = (uint64_t)box_integer(L, 3, "random", "first", 0, 0, LUA_MAXINTEGER);
    return d;
}

/* vt.random.words(seed, n, options) -> list of n integers in [0, 2^32) */
static int random_words(lua_State *L) {
    draw d = check_draw(L);
    vt__capability_charge_for(L, (uint64_t)d.n, VT__COST_ITEM);
    uint32_t *out = lua_newuserdatauv(L, (size_t)(d.n ? d.n : 1) * sizeof *out, 0);
    box_ok(L, vt_random_words(d.seed, d.stream, d.first, out, d.n));
    lua_createtable(L, (int)d.n, 0);
    for (int64_t i = 0; i < d.n; i++) {
        lua_pushinteger(L, (lua_Integer)out[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

typedef vt_status (*fill_fn)(uint64_t seed, uint32_t stream, uint64_t first, double *out, int64_t n);

static int push_numbers(lua_State *L, fill_fn fill, uint32_t cost) {
    draw d = check_draw(L);
    vt__capability_charge_for(L, (uint64_t)d.n, cost);
    double *out = lua_newuserdatauv(L, (size_t)(d.n ? d.n : 1) * sizeof *out, 0);
    box_ok(L, fill(d.seed, d.stream, d.first, out, d.n));
    lua_createtable(L, (int)d.n, 0);
    for (int64_t i = 0; i < d.n; i++) {
        lua_pushnumber(L, out[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* vt.random.uniform(seed, n, options) -> numbers in [0, 1) */
static int random_uniform(lua_State *L) {
    return push_numbers(L, vt_random_uniform, VT__COST_ITEM);
}

/* vt.random.normal(seed, n, options) -> standard normal numbers */
static int random_normal(lua_State *L) {
    return push_numbers(L, vt_random_normal, VT__COST_NORMAL);
}

void bind_context(lua_State *L) {
    static const luaL_Reg functions[] = {{"version", version}, {"abi_version", abi_version}, {"isa", isa}, {"threads", threads},
        {"memory", memory}, {"fft_select", fft_select}, {"poll", poll}, {"hash", hash}, {"status_name", status_name}, {"fail", fail}, {NULL, NULL}};
    static const luaL_Reg randoms[] = {{"words", random_words}, {"uniform", random_uniform}, {"normal", random_normal}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    luaL_newlib(L, randoms);
    lua_setfield(L, -2, "random");
}
