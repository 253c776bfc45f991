/* The world of a script: Lua's standard library without what reaches outside (files, processes, bytecode, other libraries, the debugger), every
 * function of it bound to the script's budget. Finalizers (__gc) are refused, since Lua runs them with hooks off: nothing could stop one.
 * Known residue: one collection of the whole heap cannot be interrupted. Untrusted scripts that must not cost even that belong in a process
 * of their own. */
#ifndef VENTURI_LUA_SANDBOX_H
#define VENTURI_LUA_SANDBOX_H

#include <lua.h>

/* A C function: fills the globals of a fresh state. May raise out of memory. */
int vt__sandbox_open(lua_State *L);

/* Each changes the stock table of its library, which is on the top of the stack. */
void vt__sandbox_base(lua_State *L);
void vt__sandbox_string(lua_State *L);
void vt__sandbox_match(lua_State *L); /* find, match, gmatch, gsub */
void vt__sandbox_table(lua_State *L);
void vt__sandbox_coroutine(lua_State *L);

/* Replaces the stock function `name` of the table on the top by itself with a charge before: one step for every 2^shift bytes of its string arguments. */
void vt__sandbox_charged(lua_State *L, const char *name, int shift);
/* Replaces it by f with the stock function as its upvalue. */
void vt__sandbox_wrap(lua_State *L, const char *name, lua_CFunction f);

#endif
