/* require "venturi" from a plain lua5.4: venturi.so opens the core, which makes the embedded standard library known, and hands over to it. */
#include <lauxlib.h>
#include <lua.h>

#include "lua_stdlib.h"
#include "venturi/types.h"

VT_API int luaopen_venturi(lua_State *L);
VT_API int luaopen_venturi_core(lua_State *L);

int luaopen_venturi(lua_State *L) {
    const vt__stdlib_module *m = vt__stdlib_find("venturi");
    luaL_requiref(L, "venturi.core", luaopen_venturi_core, 0);
    lua_pop(L, 1);
    if (!m) return luaL_error(L, "venturi: built without its standard library");
    if (luaL_loadbufferx(L, (const char *)m->text, m->size, m->chunk, "t") != LUA_OK) return lua_error(L);
    lua_pushliteral(L, "venturi");
    lua_call(L, 1, 1);
    return 1;
}
