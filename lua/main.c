/* The `venturi` program: a Lua state with the library, the interrupt signal tied to it, and control handed to lua/venturi/cli.
 * Everything a user sees is written there; what Lua lacks for it is in program.c. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "lua_stdlib.h"
#include "program.h"

/* Arguments: argc, argv. Result: the exit code that venturi.cli.main returned. */
static int start(lua_State *L) {
    int argc = (int)lua_tointeger(L, 1);
    char **argv = lua_touserdata(L, 2);
    luaL_openlibs(L);
    vt__stdlib_install(L);
    luaL_requiref(L, "venturi.core", luaopen_venturi_core, 0);
    luaL_requiref(L, "venturi.program", vt__program_open, 0);
    lua_settop(L, 2);
    lua_gc(L, LUA_GCGEN, 0, 0);

    lua_getglobal(L, "require");
    lua_pushliteral(L, "venturi.cli");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "main");
    lua_createtable(L, argc, 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i); /* [0] is the program's name */
    }
    lua_call(L, 1, 1);
    return 1;
}

int main(int argc, char **argv) {
    lua_State *L = luaL_newstate();
    if (!L) {
        fputs("venturi: out of memory\n", stderr);
        return 5;
    }
    lua_pushcfunction(L, start);
    lua_pushinteger(L, argc);
    lua_pushlightuserdata(L, argv);
    int code = 1;
    if (lua_pcall(L, 2, 1, 0) == LUA_OK)
        code = (int)lua_tointeger(L, -1);
    else
        fprintf(stderr, "venturi: %s\n", luaL_tolstring(L, -1, NULL)); /* the CLI catches what it can name; this is for a broken build */
    vt__program_close(L);
    lua_close(L);
    return fflush(stdout) == 0 || code != 0 ? code : 1; /* a full disk behind stdout is a failure */
}
