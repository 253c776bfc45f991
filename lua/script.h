/* A script inside the Lua module: the state, what its host lent it and its budget. Known to script*.c and the sandbox only. */
#ifndef VENTURI_LUA_SCRIPT_H
#define VENTURI_LUA_SCRIPT_H

#include <stdatomic.h>

#include "budget.h"
#include "capability.h"

typedef struct vt__script {
    vt_script head; /* first: what libventuri knows */
    atomic_int refs;
    atomic_int busy;     /* 1 while a call is in progress */
    vt__budget budget;   /* the state's extra space points here; its tokens are retained */
    vt__capability cap;  /* context and folder are retained; the token is the budget's */
    vt_progress_fn print;
    void *print_user;
    lua_State *L;
} vt__script;

vt__script *vt__script_of(lua_State *L);

vt_status vt__script_load(vt_script *script, const char *name, const char *text, size_t len);
vt_status vt__script_call(vt_script *script, const char *function, const void *args, size_t size, vt_buffer **out);
/* A loader for lua_load that books its work piece by piece: compiling is work too. */
typedef struct vt__source {
    const char *text;
    size_t left;
} vt__source;
const char *vt__source_read(lua_State *L, void *user, size_t *size);

#endif
