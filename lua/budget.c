/* Limits of a script; see budget.h. */
#include "budget.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "venturi/context.h"
#include "venturi/tensor.h"

enum {
    PERIOD = 1000,           /* instructions between two looks of the hook */
    COROUTINE_PERIOD = 128,  /* a coroutine's first: what it did when it ends between two looks is never booked, so it pays when it is made */
    FRESH = 1 << 20,         /* bytes asked for between two looks */
    LARGE_CLASS = 19,        /* 2^19 bytes: blocks from here on shorten the period */
    TRAILER = 16,            /* behind a large block: whether it is a string */
    STRING_REACH = 1 << 27,  /* bytes of strings that the instructions of one period may compare, hash or read as a number */
    OTHER_REACH = 1 << 30,   /* bytes of tables and stacks that they may walk or copy */
    NS_PER_STEP = 5          /* a pessimist's guess for work that is booked before it is done */
};

static int64_t now_ns(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- memory ---- */

static int size_class(size_t size) {
    int c = 63 - __builtin_clzll((unsigned long long)size | 1);
    return c < VT__SIZE_CLASSES ? c : VT__SIZE_CLASSES - 1;
}

static int is_large(size_t size) { return size >> LARGE_CLASS != 0; }

/* What is asked of the host for a block of this size; 0 stays 0. */
static size_t real_size(size_t size) { return is_large(size) ? size + TRAILER : size; }

/* Lua says what a block is when it asks for it, not when it gives it back: large blocks carry it behind them. */
static void count_large(vt__budget *b, unsigned char *block, size_t size, int is_string) {
    if (!is_large(size)) return;
    block[size] = (unsigned char)is_string;
    b->large[is_string][size_class(size)]++;
}

static int uncount_large(vt__budget *b, const unsigned char *block, size_t size) {
    if (!is_large(size)) return 0;
    int is_string = block[size];
    b->large[is_string][size_class(size)]--;
    return is_string;
}

static int has_limits(const vt__budget *b) { return b->instruction_limit || b->time_limit_ms || b->cancel; }

static void hook(lua_State *L, lua_Debug *ar);

uint64_t vt__budget_used(const vt__budget *b) { return b->used + (b->account ? b->host->account_used(b->account) : 0); }

static int fits(const vt__budget *b, uint64_t more, uint64_t used) { return more <= b->memory_limit && used <= b->memory_limit - more; }

/* Dropped tensors may not take the room that Lua's objects need: when Lua is out of memory it collects without finalizers, which alone give tensors back. */
static int is_nearly_full(const vt__budget *b, uint64_t more) {
    uint64_t mark = b->collect_at ? b->collect_at : b->memory_limit / 8 * 7;
    return more > mark || vt__budget_used(b) > mark - more;
}

/* The next time is when a fourth of what is left now is gone: a script whose tensors are alive pays for few collections in vain. */
static void collect_tensors(lua_State *L, vt__budget *b) {
    b->steps += b->used >> 10;
    (void)lua_gc(L, LUA_GCCOLLECT);
    uint64_t used = vt__budget_used(b), least = b->memory_limit / 8 * 7;
    b->collect_at = used >= b->memory_limit ? b->memory_limit : used + (b->memory_limit - used) / 4;
    if (b->collect_at < least) b->collect_at = least;
}

/* A collection inside of a library call finds all that it works on still held by the stack or by the library. */
int vt__budget_fits_tensor(void *user, uint64_t bytes) {
    vt__budget *b = user;
    if (b->running && bytes <= b->memory_limit && (is_nearly_full(b, bytes) || !fits(b, bytes, vt__budget_used(b)))) collect_tensors(b->running, b);
    return fits(b, bytes, vt__budget_used(b));
}

void *vt__budget_alloc(void *user, void *ptr, size_t old_size, size_t new_size) {
    vt__budget *b = user;
    int is_string = !ptr && old_size == LUA_TSTRING;
    if (!ptr) old_size = 0;
    if (!ptr && new_size == 0) return NULL;
    if (new_size > old_size && !fits(b, new_size, vt__budget_used(b) - old_size)) return NULL;
    if (ptr) is_string = uncount_large(b, ptr, old_size);
    void *p = b->host->alloc(b->ctx, ptr, real_size(old_size), real_size(new_size));
    if (new_size > 0 && !p) {
        if (ptr) count_large(b, ptr, old_size, is_string);
        return NULL;
    }
    b->used += new_size - old_size;
    if (p) count_large(b, p, new_size, is_string);
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

static uint64_t reach_of_largest(const uint32_t *large, uint64_t reach) {
    for (int c = VT__SIZE_CLASSES - 1; c >= LARGE_CLASS; c--)
        if (large[c]) return reach >> c;
    return PERIOD;
}

/* The longest period that is allowed now: the larger the largest block, the more one instruction can touch. */
static int longest(const vt__budget *b) {
    uint64_t n = PERIOD, others = reach_of_largest(b->large[0], OTHER_REACH), strings = reach_of_largest(b->large[1], STRING_REACH);
    if (others < n) n = others;
    if (strings < n) n = strings;
    if (b->instruction_limit && b->instruction_limit - b->steps < n) n = b->instruction_limit - b->steps;
    return n > 0 ? (int)n : 1;
}

/* 0: no hook. A hook of the same period goes on counting where it is. */
static void set_period(lua_State *L, int n) {
    if (n == 0)
        lua_sethook(L, NULL, 0, 0);
    else if (!lua_gethook(L) || lua_gethookcount(L) != n)
        lua_sethook(L, hook, LUA_MASKCOUNT, n);
}

/* Period of a thread that wants to run so many instructions unseen. */
static int allowed(const vt__budget *b, int wanted) {
    int most = b->killed ? 1 : has_limits(b) ? longest(b) : 0;
    return wanted < most ? wanted : most;
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
        set_period(L, 1);
        raise_killed(L, b, level);
    }
}

static void hook(lua_State *L, lua_Debug *ar) {
    vt__budget *b = vt__budget_of(L);
    int n = lua_gethookcount(L);
    (void)ar;
    book(L, b, (uint64_t)n, 1, 0);
    /* A coroutine earns longer periods by what it has shown: what it never shows is at most as much. */
    int wanted = L == b->main ? PERIOD : 2 * n < COROUTINE_PERIOD ? COROUTINE_PERIOD : 2 * n;
    set_period(L, allowed(b, wanted));
}

void vt__budget_charge(lua_State *L, uint64_t steps) { book(L, vt__budget_of(L), steps, 0, 1); }

void vt__budget_check(lua_State *L) {
    vt__budget *b = vt__budget_of(L);
    if (is_nearly_full(b, 0)) collect_tensors(L, b);
    book(L, b, 1, 1, 1);
}


int vt__budget_kill(lua_State *L, vt_status code) {
    vt__budget *b = vt__budget_of(L);
    if (!b->killed) b->killed = code;
    set_period(L, 1);
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

void vt__budget_adopt(vt__budget *b, lua_State *co) {
    lua_sethook(co, NULL, 0, 0); /* what it took over from its maker */
    set_period(co, allowed(b, COROUTINE_PERIOD));
}

lua_State *vt__budget_enter(vt__budget *b, lua_State *co) {
    lua_State *before = b->running;
    int n = lua_gethook(co) ? lua_gethookcount(co) : 0;
    b->running = co;
    set_period(co, allowed(b, n > 1 ? n : COROUTINE_PERIOD)); /* 1: a killed call left it so */
    return before;
}

void vt__budget_step_in(vt__budget *b) {
    b->outer_token = vt_op_cancel_set(b->token);
    b->outer_account = b->host->account_set(b->account);
}

void vt__budget_step_out(vt__budget *b) {
    (void)vt_op_cancel_set(b->outer_token);
    (void)b->host->account_set(b->outer_account);
}

void vt__budget_leave(vt__budget *b, lua_State *before) { b->running = before; }

vt_status vt__budget_begin(vt__budget *b, lua_State *L) {
    int64_t now = b->time_limit_ms ? now_ns() : 0;
    b->collect_at = 0;
    if (is_nearly_full(b, 0)) collect_tensors(L, b);
    b->steps = b->unseen = b->fresh = 0;
    b->closing = 0;
    b->killed = VT_OK;
    b->deadline_ns = b->time_limit_ms && b->time_limit_ms < (INT64_MAX - now) / 1000000 ? now + b->time_limit_ms * 1000000 : INT64_MAX;
    if (vt_cancel_is_raised(b->cancel)) return VT_ERR_CANCELLED;
    b->host->set_deadline(b->token, b->deadline_ns);
    b->running = L;
    vt__budget_step_in(b);
    lua_sethook(L, NULL, 0, 0); /* so that the count begins afresh */
    set_period(L, allowed(b, PERIOD));
    return VT_OK;
}

void vt__budget_end(vt__budget *b, lua_State *L) {
    b->host->set_deadline(b->token, INT64_MAX);
    vt__budget_step_out(b);
    b->running = NULL;
    lua_sethook(L, NULL, 0, 0);
}
