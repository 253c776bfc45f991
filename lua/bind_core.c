/* Opens the module "venturi.core": the handles of the library as Lua objects. */
#include <lauxlib.h>
#include <lua.h>

#include "lua_stdlib.h"
#include "venturi/context.h"

VT_API int luaopen_venturi_core(lua_State *L);

static int core_version(lua_State *L) {
    lua_pushstring(L, vt_version());
    return 1;
}

int luaopen_venturi_core(lua_State *L) {
    static const luaL_Reg functions[] = {{"version", core_version}, {NULL, NULL}};
    vt__stdlib_install(L);
    luaL_newlib(L, functions);
    return 1;
}
