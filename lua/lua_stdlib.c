/* Finds and loads the embedded standard library; see lua_stdlib.h. */
#include "lua_stdlib.h"

#include <lauxlib.h>
#include <string.h>

const vt__stdlib_module *vt__stdlib_find(const char *name) {
    for (const vt__stdlib_module *m = vt__stdlib_modules; m->name; m++)
        if (strcmp(m->name, name) == 0) return m;
    return NULL;
}

/* A searcher as package.searchers has them: loader and where it was found, or a text for the list of failures. */
static int search(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    const vt__stdlib_module *m = vt__stdlib_find(name);
    if (!m) {
        lua_pushfstring(L, "no embedded module '%s'", name);
        return 1;
    }
    if (luaL_loadbufferx(L, (const char *)m->text, m->size, m->chunk, "t") != LUA_OK) return lua_error(L);
    lua_pushstring(L, m->chunk);
    return 2;
}

static int is_installed(lua_State *L, lua_Integer n) {
    int found = 0;
    for (lua_Integer i = 1; i <= n && !found; i++) {
        lua_rawgeti(L, -1, i);
        found = lua_tocfunction(L, -1) == search;
        lua_pop(L, 1);
    }
    return found;
}

void vt__stdlib_install(lua_State *L) {
    int top = lua_gettop(L);
    if (lua_getglobal(L, "package") == LUA_TTABLE && lua_getfield(L, -1, "searchers") == LUA_TTABLE) {
        lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
        if (!is_installed(L, n)) {
            for (lua_Integer i = n; i >= 2; i--) {
                lua_rawgeti(L, -1, i);
                lua_rawseti(L, -2, i + 1);
            }
            lua_pushcfunction(L, search);
            lua_rawseti(L, -2, 2);
        }
    }
    lua_settop(L, top);
}
