/* What a script may use up: memory, instructions, time. One budget a script, reached from every one of its threads (coroutines) through the
 * state's extra space.
 *
 * Work is counted in steps, each about one virtual machine instruction. A count hook books what the interpreter does; C functions of the sandbox
 * book what they do with vt__budget_charge, since the hook sees nothing of them. Memory that is asked for counts too: an instruction such as `..`
 * may copy megabytes, so the allocator makes the hook come early after each megabyte, and the larger the largest block alive, the shorter the
 * hook's period (one instruction can compare or hash a whole string).
 *
 * A reached limit kills the call: an error that no pcall of the sandbox keeps, raised again at every instruction until the host's call ends. */
#ifndef VENTURI_LUA_BUDGET_H
#define VENTURI_LUA_BUDGET_H

#include <lua.h>

#include "lua_module.h"

enum { VT__SIZE_CLASSES = 48 };

typedef struct vt__budget {
    const vt__lua_host *host;
    vt_context *ctx;
    vt_cancel *cancel;          /* the host's; may be NULL */
    vt_cancel *token;           /* of what the script calls: cancel, and the deadline */
    struct vt__account *account; /* of its tensors */
    uint64_t memory_limit;      /* bytes, of both */
    uint64_t instruction_limit; /* 0: none */
    int64_t time_limit_ms;      /* 0: none */
    uint64_t used;              /* bytes of Lua objects alive */
    uint64_t collect_at;        /* bytes of both from which on dropped tensors are collected; 0: seven eighths of the limit */
    uint32_t large[2][VT__SIZE_CLASSES]; /* blocks alive of 2^i bytes and more, from 512 KiB up: tables and the like, strings */
    lua_State *main;
    const vt_cancel *outer_token; /* what the thread had before the call in progress */
    struct vt__account *outer_account;
    /* The call in progress; running is NULL between calls. */
    lua_State *running;  /* the thread that executes now */
    uint64_t steps;      /* booked so far */
    uint64_t unseen;     /* of these, since clock and token were last looked at */
    uint64_t fresh;      /* bytes asked for since then */
    int64_t deadline_ns; /* monotonic clock; INT64_MAX: none */
    int closing;         /* coroutines being closed, one inside the other */
    vt_status killed;    /* VT_OK, or what ends this call: LIMIT, CANCELLED */
} vt__budget;

/* Lua's allocator; user is the budget. */
void *vt__budget_alloc(void *user, void *ptr, size_t old_size, size_t new_size);
/* Makes L's extra space, and that of threads made later, point to the budget. */
void vt__budget_attach(lua_State *L, vt__budget *b);
vt__budget *vt__budget_of(lua_State *L);

/* Around each call of the host: limits count anew. VT_OK, or CANCELLED when the token is up already. */
vt_status vt__budget_begin(vt__budget *b, lua_State *L);
void vt__budget_end(vt__budget *b, lua_State *L);

/* Bytes of Lua objects and of tensors alive. */
uint64_t vt__budget_used(const vt__budget *b);
/* vt__account_fits_fn of a budget: collects what the script has dropped when seven eighths are full. */
int vt__budget_fits_tensor(void *user, uint64_t bytes);
/* Around what a call hands to the host: operations on tensors that it runs on this thread are its own, not the script's. */
void vt__budget_step_out(vt__budget *b);
void vt__budget_step_in(vt__budget *b);

/* LIMIT or CANCELLED when a limit is reached or the token up now, raised or not yet. */
vt_status vt__budget_look(vt__budget *b);

/* Books work that is about to be done, and raises if that reaches a limit: before work that could not be done in time is begun. */
void vt__budget_charge(lua_State *L, uint64_t steps);
/* Looks at every limit now, and collects where memory is nearly full. After whatever caught an error: a killed call raises again here. */
void vt__budget_check(lua_State *L);
/* Ends the call with this code; raises. */
int vt__budget_kill(lua_State *L, vt_status code);
/* Raises Lua's memory error when a block of this size cannot be had, without the collection that asking for it would cost. */
void vt__budget_fits(lua_State *L, size_t size);
/* Sets the hook of a coroutine that was just made. */
void vt__budget_adopt(vt__budget *b, lua_State *co);
/* Looks after the hook of a coroutine that is about to run, and makes it the running thread; returns the one before. */
lua_State *vt__budget_enter(vt__budget *b, lua_State *co);
void vt__budget_leave(vt__budget *b, lua_State *before);

#endif
