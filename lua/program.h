/* What the command line needs of the operating system and Lua's own library lacks: `require "venturi.program"` in the program only. */
#ifndef VENTURI_LUA_PROGRAM_H
#define VENTURI_LUA_PROGRAM_H

#include <lua.h>

int luaopen_venturi_core(lua_State *L); /* bind_core.c */

/* Opens venturi.program: start, clock, tty, width, kind, realpath, list, mkdirs, interrupted, rearm, readline. */
int vt__program_open(lua_State *L);
/* Puts the interrupt signal back as it was; before the state is closed. */
void vt__program_close(lua_State *L);

#endif
