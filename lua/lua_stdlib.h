/* The Lua standard library inside the binary: sources that embed.lua put into a C table, and the `require` searcher that finds them. */
#ifndef VENTURI_LUA_STDLIB_H
#define VENTURI_LUA_STDLIB_H

#include <lua.h>
#include <stddef.h>

typedef struct vt__stdlib_module {
    const char *name;          /* "venturi.json"; NULL ends the table */
    const char *chunk;         /* "@venturi/json.lua", for messages */
    const unsigned char *text; /* source, size bytes and a NUL */
    size_t size;
} vt__stdlib_module;

extern const vt__stdlib_module vt__stdlib_modules[]; /* generated */

/* NULL when there is no such module. */
const vt__stdlib_module *vt__stdlib_find(const char *name);
/* Puts the searcher behind package.preload's, so that a file on the disk does not shadow the library. Does nothing without `package`. */
void vt__stdlib_install(lua_State *L);

#endif
