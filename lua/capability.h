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
    /* Bytes of the state's tensors, and the limit that they share with Lua's objects. NULL: no limit of its own. */
    uint64_t (*native)(lua_State *L, uint64_t *limit);
} vt__capability;

/* Lends cap to the state: everything in it, and cap itself, stays alive as long as the state. Raises only when out of memory. */
void vt__capability_grant(lua_State *L, const vt__capability *cap);
/* The state's; never NULL, and neither is its context. Raises when the default context cannot be made. Borrowed from the state. */
const vt__capability *vt__capability_get(lua_State *L);
/* The same; raises VT_ERR_UNSUPPORTED "WHO: ..." unless all of `what` is granted. */
const vt__capability *vt__capability_need(lua_State *L, uint32_t what, const char *who);
/* Calls charge where there is one: for loops in C whose length a script chooses. */
void vt__capability_charge(lua_State *L, uint64_t steps);

/* What library calls cost that look at no clock, in 64ths of a step a byte or an item; a step is 5 to 20 ns of work. Booked before the
 * call, so that what cannot end in time does not begin. */
enum {
    VT__COST_HASH = 1,       /* bytes */
    VT__COST_ELEMENT = 1,    /* numbers of rows that are read to make a distance */
    VT__COST_COPY = 2,       /* bytes: read, copied, written */
    VT__COST_LOOKUP = 8,     /* distances that a search looks at */
    VT__COST_PARSE = 64,     /* bytes of a document */
    VT__COST_WORDS = 64,     /* bytes cut into words and looked up */
    VT__COST_JSON = 128,     /* bytes */
    VT__COST_INFLATE = 2048, /* compressed bytes, which become a thousand times as many at worst */
    VT__COST_ENCODE = 128,   /* bytes of a tokenizer's input */
    VT__COST_ITEM = 64,      /* items of a list that is read or made: ids, numbers, terms, passages of an index */
    VT__COST_NORMAL = 128,   /* normal random numbers */
    VT__COST_QUANTISE = 1024, /* elements: superblocks look for their scales */
    VT__COST_FILE = 16384    /* files of a folder that is listed anew */
};
void vt__capability_charge_for(lua_State *L, uint64_t n, uint32_t cost);
/* a b, or the largest number where that does not fit: counts of work. */
uint64_t vt__capability_times(uint64_t a, uint64_t b);

#endif
