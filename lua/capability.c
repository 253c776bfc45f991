/* Grants of a Lua state; see capability.h. */
#include "capability.h"

#include <lauxlib.h>
#include <stdint.h>

#include "box.h"
#include "venturi/context.h"

static const char grant_key; /* its address is the registry key */

void vt__capability_grant(lua_State *L, const vt__capability *cap) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)cap);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &grant_key);
}

static int release_default(lua_State *L) {
    vt__capability *cap = lua_touserdata(L, 1);
    vt_context *ctx = cap->ctx;
    cap->ctx = NULL;
    vt_context_release(ctx);
    return 0;
}

/* The box comes first, so that the context cannot leak. Lua closes a state's userdata in reverse order of creation: the context outlives
 * what was made with it. */
static const vt__capability *grant_default(lua_State *L) {
    vt__capability *cap = lua_newuserdatauv(L, sizeof *cap, 0);
    *cap = (vt__capability){.may = VT__CAN_MODELS | VT__CAN_WRITE};
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, release_default);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    box_ok(L, vt_context_create(NULL, &cap->ctx));
    lua_rawsetp(L, LUA_REGISTRYINDEX, &grant_key);
    return cap;
}

const vt__capability *vt__capability_get(lua_State *L) {
    luaL_checkstack(L, 3, NULL);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &grant_key);
    const vt__capability *cap = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return cap ? cap : grant_default(L);
}

const vt__capability *vt__capability_need(lua_State *L, uint32_t what, const char *who) {
    const vt__capability *cap = vt__capability_get(L);
    if (what & ~cap->may)
        box_raise(L, VT_ERR_UNSUPPORTED, "%s: the host did not allow this script to %s", who, what & VT__CAN_WRITE & ~cap->may ? "write" : "open files by path");
    return cap;
}

void vt__capability_charge(lua_State *L, uint64_t steps) {
    const vt__capability *cap = vt__capability_get(L);
    if (cap->charge) cap->charge(L, steps);
}

uint64_t vt__capability_times(uint64_t a, uint64_t b) {
    uint64_t product;
    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

void vt__capability_charge_for(lua_State *L, uint64_t n, uint32_t cost) {
    uint64_t units = vt__capability_times(n, cost);
    vt__capability_charge(L, units == UINT64_MAX ? units : units / 64);
}
