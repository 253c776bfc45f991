/* Lua functions as the library's callbacks; see callback.h. */
#include "callback.h"

#include <lauxlib.h>

enum { SLOTS = 8 };

void callback_begin(lua_State *L, callback *cb) {
    luaL_checkstack(L, SLOTS, NULL); /* so that callback_call needs no memory of its own */
    lua_pushnil(L);
    cb->L = L;
    cb->function = lua_gettop(L) - 1;
    cb->failed = 0;
}

int callback_call(callback *cb, lua_CFunction body, void *request) {
    lua_State *L = cb->L;
    if (!L || cb->failed) return 0;
    lua_pushcfunction(L, body);
    lua_pushvalue(L, cb->function);
    lua_pushlightuserdata(L, request);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK) return 1;
    lua_replace(L, cb->function + 1);
    cb->failed = 1;
    return 0;
}

void callback_end(callback *cb) { cb->L = NULL; }

void callback_raise(lua_State *L, const callback *cb) {
    if (!cb->failed) return;
    lua_pushvalue(L, cb->function + 1);
    lua_error(L);
}

typedef struct report {
    double fraction;
    const char *message;
    int stop;
} report;

static int report_body(lua_State *L) {
    report *r = lua_touserdata(L, 2);
    lua_pushvalue(L, 1);
    lua_pushnumber(L, r->fraction);
    lua_pushstring(L, r->message);
    lua_call(L, 2, 1);
    r->stop = lua_toboolean(L, -1);
    return 0;
}

int32_t callback_progress(void *user, double fraction, const char *message) {
    report r = {fraction, message, 0};
    return !callback_call(user, report_body, &r) || r.stop;
}
