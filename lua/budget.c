/* Limits of a script; see budget.h. */
#define _GNU_SOURCE
#include "budget.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "venturi/context.h"

enum {
    PERIOD = 1000,           /* instructions between two looks of the hook */
    COROUTINE_PERIOD = 128,  /* short, since what a coroutine did when it ends between two looks is never booked; paid for when it is made */
    FRESH = 1 << 20,         /* bytes asked for between two looks */
    LARGE_CLASS = 19,        /* 2^19 bytes: blocks from here on shorten the period */
    REACH = 128 << 20,       /* bytes that the instructions of one period may touch, at most */
    NS_PER_STEP = 5          /* a pessimist's guess for work that is booked before it is done */
};

static int64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- memory ---- */

static int size_class(size_t size) { return 63 - __builtin_clzll((unsigned long long)size | 1); }

static void count_large(vt__budget *b, size_t size, int by) {
    int c = size_class(size);
    if (c >= VT__SIZE_CLASSES) c = VT__SIZE_CLASSES - 1;
    if (c >= LARGE_CLASS) b->large[c] = (uint32_t)((int)b->large[c] + by);
}

static int has_limits(const vt__budget *b) { return b->instruction_limit || b->time_limit_ms || b->cancel; }

static void hook(lua_State *L, lua_Debug *ar);

void *vt__budget_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    vt__budget *b = user;
    if (!ptr) old_size = 0; /* for a new block Lua says its type here */
    if (!ptr && new_size == 0) return NULL;
    if (new_size > old_size && (new_size > b->memory_limit || b->used - old_size > b->memory_limit - new_size)) return NULL;
    void *p = b->host->alloc(b->ctx, ptr, old_size, new_size);
    if (new_size > 0 && !p) return NULL;
    b->used += new_size - old_size;
    count_large(b, old_size, -1);
    count_large(b, new_size, 1);
    if (new_size > old_size) b->fresh += new_size - old_size;
    /* lua_sethook may be called at any moment, from a signal handler even: the hook runs before the next instruction. */
    if (b->fresh >= FRESH && b->running && has_limits(b) && !b->killed && lua_gethookcount(b->running) != 1)
        lua_sethook(b->running, hook, LUA_MASKCOUNT, 1);
    return p;
}

void vt__budget_fits(lua_State *L, size_t size) {
    if (size <= vt__budget_of(L)->memory_limit) return;
    lua_pushliteral(L, "not enough memory"); /* Lua's words, without a position */
    lua_error(L);
}

/* ---- the hook's period ---- */

static int period(const vt__budget *b, const lua_State *L) {
    uint64_t n = L == b->main ? PERIOD : COROUTINE_PERIOD;
    for (int c = VT__SIZE_CLASSES - 1; c >= LARGE_CLASS; c--) {
        uint64_t reach = (uint64_t)REACH >> c;
        if (b->large[c] == 0) continue;
        if (reach < n) n = reach;
        break;
    }
    if (b->instruction_limit && b->instruction_limit - b->steps < n) n = b->instruction_limit - b->steps;
    return n > 0 ? (int)n : 1;
}

static void arm(const vt__budget *b, lua_State *L) {
    if (!b->killed && !has_limits(b)) {
        lua_sethook(L, NULL, 0, 0);
        return;
    }
    int n = b->killed ? 1 : period(b, L);
    if (!lua_gethook(L) || lua_gethookcount(L) != n) lua_sethook(L, hook, LUA_MASKCOUNT, n);
}

/* ---- limits ---- */

/* Raises the error of a killed call, with the position of the code at this level. */
static int raise_killed(lua_State *L, const vt__budget *b, int level) {
    luaL_checkstack(L, 4, NULL);
    luaL_where(L, level);
    if (b->killed == VT_ERR_CANCELLED)
        lua_pushliteral(L, "cancelled");
    else if (b->instruction_limit && b->steps >= b->instruction_limit)
        lua_pushfstring(L, "instruction limit of %I reached", (LUAI_UACINT)b->instruction_limit);
    else
        lua_pushfstring(L, "time limit of %I ms reached", (LUAI_UACINT)b->time_limit_ms);
    lua_concat(L, 2);
    return lua_error(L);
}

static vt_status look(vt__budget *b, uint64_t ahead) {
    b->steps += b->fresh >> 10; /* also makes up for the period that the allocator cut short */
    b->unseen = 0;
    b->fresh = 0;
    if (b->instruction_limit && b->steps >= b->instruction_limit) return VT_ERR_LIMIT;
    if (vt_cancel_is_raised(b->cancel)) return VT_ERR_CANCELLED;
    if (b->deadline_ns == INT64_MAX) return VT_OK;
    int64_t left = b->deadline_ns - now_ns();
    return left <= 0 || ahead > (uint64_t)left / NS_PER_STEP ? VT_ERR_LIMIT : VT_OK;
}

vt_status vt__budget_look(vt__budget *b) { return b->killed ? b->killed : look(b, 0); }

static void book(lua_State *L, vt__budget *b, uint64_t steps, int force, int level) {
    if (!b->killed) {
        b->steps = steps > UINT64_MAX - b->steps ? UINT64_MAX : b->steps + steps;
        b->unseen += steps;
        if (!force && b->unseen < PERIOD && b->fresh < FRESH && !(b->instruction_limit && b->steps >= b->instruction_limit)) return;
        b->killed = look(b, steps);
    }
    if (b->killed) {
        arm(b, L);
        raise_killed(L, b, level);
    }
}

static void hook(lua_State *L, lua_Debug *ar) {
    vt__budget *b = vt__budget_of(L);
    (void)ar;
    book(L, b, (uint64_t)lua_gethookcount(L), 1, 0);
    arm(b, L);
}

void vt__budget_charge(lua_State *L, uint64_t steps) { book(L, vt__budget_of(L), steps, 0, 1); }
void vt__budget_check(lua_State *L) { book(L, vt__budget_of(L), 1, 1, 1); }

int vt__budget_kill(lua_State *L, vt_status code) {
    vt__budget *b = vt__budget_of(L);
    if (!b->killed) b->killed = code;
    arm(b, L);
    return raise_killed(L, b, 1);
}

/* ---- threads and calls ---- */

void vt__budget_attach(lua_State *L, vt__budget *b) {
    b->main = L;
    memcpy(lua_getextraspace(L), &b, sizeof b);
}

vt__budget *vt__budget_of(lua_State *L) {
    vt__budget *b;
    memcpy(&b, lua_getextraspace(L), sizeof b);
    return b;
}

lua_State *vt__budget_enter(vt__budget *b, lua_State *co) {
    lua_State *before = b->running;
    b->running = co;
    arm(b, co);
    return before;
}

void vt__budget_leave(vt__budget *b, lua_State *before) { b->running = before; }

vt_status vt__budget_begin(vt__budget *b, lua_State *L) {
    int64_t now = b->time_limit_ms ? now_ns() : 0;
    b->steps = b->unseen = b->fresh = 0;
    b->closing = 0;
    b->killed = VT_OK;
    b->deadline_ns = b->time_limit_ms && b->time_limit_ms < (INT64_MAX - now) / 1000000 ? now + b->time_limit_ms * 1000000 : INT64_MAX;
    if (vt_cancel_is_raised(b->cancel)) return VT_ERR_CANCELLED;
    b->host->set_deadline(b->token, b->deadline_ns);
    b->running = L;
    lua_sethook(L, NULL, 0, 0); /* so that the count begins afresh */
    arm(b, L);
    return VT_OK;
}

void vt__budget_end(vt__budget *b, lua_State *L) {
    b->host->set_deadline(b->token, INT64_MAX);
    b->running = NULL;
    lua_sethook(L, NULL, 0, 0);
}
