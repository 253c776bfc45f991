/* A Lua function that the library calls back during a call of ours. Errors must not unwind through the library: one is caught, the work is
 * stopped by a status, and the error is raised again as it was once the library has returned. Nothing can yield through such a call:
 * coroutine.yield in the function raises Lua's "attempt to yield across a C-call boundary". */
#ifndef VENTURI_LUA_CALLBACK_H
#define VENTURI_LUA_CALLBACK_H

#include <lua.h>

typedef struct callback {
    lua_State *L; /* the thread that is inside of the library; NULL outside */
    int function; /* stack index of the Lua function there; the slot above takes its error */
    int failed;
} callback;

/* Takes the function on the top of the stack into use, and pushes the slot. Nothing may be raised from here to callback_end. */
void callback_begin(lua_State *L, callback *cb);
/* Calls body(function, light userdata `request`), protected. Returns 1 when it ended well; after an error, and outside of begin and end, 0. */
int callback_call(callback *cb, lua_CFunction body, void *request);
/* The library has returned. */
void callback_end(callback *cb);
/* Raises the error that the function had, if any; after callback_end, on the same stack. */
void callback_raise(lua_State *L, const callback *cb);

/* vt_progress_fn whose user is the callback of function(fraction, message), which answers true to cancel. */
int32_t callback_progress(void *user, double fraction, const char *message);

#endif
