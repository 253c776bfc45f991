/* Coroutines whose hook is the script's, whose errors are not kept once the call is killed, and whose closing cannot exhaust the C stack.
 * yield, status, running and isyieldable are stock. */
#include <lauxlib.h>

#include "budget.h"
#include "sandbox.h"

enum {
    CREATE_STEPS = 130, /* what a coroutine can do unseen before its hook runs first, and its making */
    RESUME_STEPS = 10,
    MAX_CLOSING = 8     /* Lua 5.4.4 does not count C calls across a close: each level may use up a whole C stack limit */
};

static lua_State *check_coroutine(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTHREAD);
    return lua_tothread(L, 1);
}

static int create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    vt__budget_charge(L, CREATE_STEPS);
    lua_State *co = lua_newthread(L);
    vt__budget_adopt(vt__budget_of(L), co);
    lua_pushvalue(L, 1);
    lua_xmove(L, co, 1);
    return 1;
}

/* Moves n values from L to co and runs it. Number of results, which are moved to L; -1 when it failed, with the error value moved. */
static int run(lua_State *L, lua_State *co, int n) {
    vt__budget *b = vt__budget_of(L);
    int n_results = 0;

    vt__budget_charge(L, RESUME_STEPS + (uint64_t)n / 8);
    if (!lua_checkstack(co, n)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, co, n);
    lua_State *before = vt__budget_enter(b, co);
    int status = lua_resume(co, L, n, &n_results);
    vt__budget_leave(b, before);
    if (status == LUA_OK || status == LUA_YIELD) {
        if (lua_checkstack(L, n_results + 1)) {
            lua_xmove(co, L, n_results);
            return n_results;
        }
        lua_pop(co, n_results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    vt__budget_check(L); /* a killed call goes on being killed out here */
    lua_xmove(co, L, 1);
    return -1;
}

static int resume(lua_State *L) {
    lua_State *co = check_coroutine(L);
    int n = run(L, co, lua_gettop(L) - 1);
    lua_pushboolean(L, n >= 0);
    if (n < 0) n = 1;
    lua_insert(L, -(n + 1));
    return n + 1;
}

/* Runs the pending to-be-closed variables of co; the status is theirs, with the error value on co's top. */
static int close_pending(lua_State *L, lua_State *co) {
    vt__budget *b = vt__budget_of(L);
    if (b->closing >= MAX_CLOSING) luaL_error(L, "C stack overflow (coroutines closed inside each other)");
    vt__budget_charge(L, RESUME_STEPS);
    b->closing++;
    lua_State *before = vt__budget_enter(b, co);
    int status = lua_resetthread(co);
    vt__budget_leave(b, before);
    b->closing--;
    if (status != LUA_OK) vt__budget_check(L);
    return status;
}

/* Upvalue: the coroutine. */
static int wrapped(lua_State *L) {
    lua_State *co = lua_tothread(L, lua_upvalueindex(1));
    int n = run(L, co, lua_gettop(L));
    if (n >= 0) return n;
    int status = lua_status(co); /* OK or YIELD: it did not fail, it was dead before or cannot be resumed from here */
    if (status != LUA_OK && status != LUA_YIELD) {
        status = close_pending(L, co);
        if (status != LUA_OK) {
            lua_pop(L, 1);
            lua_xmove(co, L, 1);
        }
    }
    if (status != LUA_ERRMEM && lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap(lua_State *L) {
    create(L);
    lua_pushcclosure(L, wrapped, 1);
    return 1;
}

static int close_coroutine(lua_State *L) {
    lua_State *co = check_coroutine(L);
    lua_Debug frame;
    int status = lua_status(co);
    int idle = status == LUA_YIELD || (co != L && status == LUA_OK && lua_getstack(co, 0, &frame) == 0);
    int failed = status != LUA_OK && status != LUA_YIELD;
    if (!idle && !failed) return luaL_error(L, "cannot close a %s coroutine", co == L ? "running" : "normal");
    if (close_pending(L, co) == LUA_OK) {
        lua_pushboolean(L, 1);
        return 1;
    }
    lua_pushboolean(L, 0);
    lua_xmove(co, L, 1);
    return 2;
}

void vt__sandbox_coroutine(lua_State *L) {
    static const luaL_Reg own[] = {{"create", create}, {"resume", resume}, {"wrap", wrap}, {"close", close_coroutine}, {NULL, NULL}};
    luaL_setfuncs(L, own, 0);
}
