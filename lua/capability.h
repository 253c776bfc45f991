/* What a Lua state may do and on whose behalf: the context, cancel token and folder that its host lent it, and what it may open by path.
 * A sandboxed script is granted what vt_script_options says. A state without a grant (the `venturi` program, a plain lua5.4 that loaded the
 * C module) may do everything, with a context of its own that is made at first need and lives as long as the state. */
#ifndef VENTURI_LUA_CAPABILITY_H
#define VENTURI_LUA_CAPABILITY_H

#include <lua.h>

#include "venturi/types.h"

enum {
    VT__CAN_MODELS = 1, /* open models, tokenizers and indexes by path; VT_SCRIPT_ALLOW_MODELS */
    VT__CAN_WRITE = 2   /* create and commit index files by path; VT_SCRIPT_ALLOW_WRITE */
};

typedef struct vt__capability {
    vt_context *ctx;
    vt_cancel *cancel;  /* what long calls poll; may be NULL */
    vt_folder *folder;  /* what vt.folder() without a path gives; may be NULL */
    uint32_t may;       /* VT__CAN_* */
    int sandboxed;      /* 0: the state belongs to its user, who may open any folder too */
    /* Books `steps` units of work, each about one virtual machine instruction, on the script's limits, and raises when one is reached. NULL: no limits. */
    void (*charge)(lua_State *L, uint64_t steps);
} vt__capability;

/* Lends cap to the state: everything in it, and cap itself, stays alive as long as the state. Raises only when out of memory. */
void vt__capability_grant(lua_State *L, const vt__capability *cap);
/* The state's; never NULL, and neither is its context. Raises when the default context cannot be made. Borrowed from the state. */
const vt__capability *vt__capability_get(lua_State *L);
/* The same; raises VT_ERR_UNSUPPORTED "WHO: ..." unless all of `what` is granted. */
const vt__capability *vt__capability_need(lua_State *L, uint32_t what, const char *who);
/* Calls charge where there is one: for loops in C whose length a script chooses. */
void vt__capability_charge(lua_State *L, uint64_t steps);

#endif
