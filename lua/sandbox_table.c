/* The table library with every loop booked on the budget: with __len and __index a script chooses how long they are, and a metamethod in C
 * never meets the hook. pack is stock. */
#include <lauxlib.h>
#include <limits.h>
#include <stdint.h>

#include "budget.h"
#include "sandbox.h"

/* A table, or an object that acts as one. */
static void check_table(lua_State *L, int arg) {
    if (lua_istable(L, arg)) return;
    if (!lua_getmetatable(L, arg)) luaL_checktype(L, arg, LUA_TTABLE);
    static const char *const needs[] = {"__index", "__newindex", "__len"};
    for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
        lua_pushstring(L, needs[i]);
        if (lua_rawget(L, -2) == LUA_TNIL) luaL_checktype(L, arg, LUA_TTABLE);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
}

static lua_Integer length(lua_State *L, int arg) {
    check_table(L, arg);
    return luaL_len(L, arg);
}

/* t[to] = t[from] */
static void copy_item(lua_State *L, int from_table, lua_Integer from, int to_table, lua_Integer to) {
    vt__budget_charge(L, 1);
    lua_geti(L, from_table, from);
    lua_seti(L, to_table, to);
}

static int table_insert(lua_State *L) {
    lua_Integer end = (lua_Integer)((lua_Unsigned)length(L, 1) + 1), at = end;
    int n_args = lua_gettop(L);
    if (n_args != 2 && n_args != 3) return luaL_error(L, "wrong number of arguments to 'insert'");
    if (n_args == 3) {
        at = luaL_checkinteger(L, 2);
        luaL_argcheck(L, (lua_Unsigned)at - 1u < (lua_Unsigned)end, 2, "position out of bounds");
        for (lua_Integer i = end; i > at; i--) copy_item(L, 1, i - 1, 1, i);
    }
    lua_seti(L, 1, at);
    return 0;
}

static int table_remove(lua_State *L) {
    lua_Integer size = length(L, 1);
    lua_Integer at = luaL_optinteger(L, 2, size);
    if (at != size) luaL_argcheck(L, (lua_Unsigned)at - 1u <= (lua_Unsigned)size, 2, "position out of bounds");
    lua_geti(L, 1, at);
    for (; at < size; at++) copy_item(L, 1, at + 1, 1, at);
    lua_pushnil(L);
    lua_seti(L, 1, at);
    return 1;
}

static int table_move(lua_State *L) {
    lua_Integer first = luaL_checkinteger(L, 2), last = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int dst = lua_isnoneornil(L, 5) ? 1 : 5;
    check_table(L, 1);
    check_table(L, dst);
    if (last >= first) {
        luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
        lua_Integer n = last - first + 1;
        luaL_argcheck(L, to <= LUA_MAXINTEGER - n + 1, 4, "destination wrap around");
        int forward = to > last || to <= first || (dst != 1 && !lua_compare(L, 1, dst, LUA_OPEQ));
        for (lua_Integer i = 0; i < n; i++) {
            lua_Integer k = forward ? i : n - 1 - i;
            copy_item(L, 1, first + k, dst, to + k);
        }
    }
    lua_pushvalue(L, dst);
    return 1;
}

static void add_item(lua_State *L, luaL_Buffer *b, lua_Integer i) {
    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid value (%s) at index %I in table for 'concat'", luaL_typename(L, -1), (LUAI_UACINT)i);
    vt__budget_charge(L, 1 + lua_rawlen(L, -1) / 64);
    luaL_addvalue(b);
}

static int table_concat(lua_State *L) {
    lua_Integer size = length(L, 1);
    size_t sep_len;
    const char *sep = luaL_optlstring(L, 2, "", &sep_len);
    lua_Integer i = luaL_optinteger(L, 3, 1), last = luaL_optinteger(L, 4, size);
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (; i < last; i++) {
        add_item(L, &b, i);
        vt__budget_charge(L, sep_len / 64);
        luaL_addlstring(&b, sep, sep_len);
    }
    if (i == last) add_item(L, &b, i);
    luaL_pushresult(&b);
    return 1;
}

static int table_unpack(lua_State *L) {
    lua_Integer first = luaL_optinteger(L, 2, 1);
    lua_Integer last = lua_isnoneornil(L, 3) ? luaL_len(L, 1) : luaL_checkinteger(L, 3);
    if (first > last) return 0;
    lua_Unsigned n = (lua_Unsigned)last - (lua_Unsigned)first;
    if (n >= (unsigned)INT_MAX || !lua_checkstack(L, (int)(n + 1))) return luaL_error(L, "too many results to unpack");
    for (lua_Unsigned i = 0; i <= n; i++) {
        if (i % 64 == 0) vt__budget_charge(L, 64);
        lua_geti(L, 1, (lua_Integer)((lua_Unsigned)first + i));
    }
    return (int)n + 1;
}

/* ---- sort: bottom-up merge between two tables of our own ----
 * Few comparisons, stable, and no order function however wrong can lead it out of bounds. */

enum { ITEMS = 1, LESS = 2, FROM = 3, INTO = 4 };

/* Is the item at `a` of FROM to come after the one at `b`? */
static int is_after(lua_State *L, lua_Integer a, lua_Integer b) {
    int after;
    vt__budget_charge(L, 2);
    lua_rawgeti(L, FROM, a);
    lua_rawgeti(L, FROM, b);
    if (lua_isnil(L, LESS)) {
        if (lua_type(L, -1) == LUA_TSTRING) vt__budget_charge(L, lua_rawlen(L, -1) / 16);
        after = lua_compare(L, -1, -2, LUA_OPLT);
        lua_pop(L, 2);
    } else {
        lua_pushvalue(L, LESS);
        lua_rotate(L, -3, 1); /* less a b */
        lua_insert(L, -2);    /* less b a */
        lua_call(L, 2, 1);
        after = lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
    return after;
}

/* Merges FROM[low, mid) and FROM[mid, high) into INTO[low, high). */
static void merge(lua_State *L, lua_Integer low, lua_Integer mid, lua_Integer high) {
    lua_Integer a = low, b = mid;
    for (lua_Integer i = low; i < high; i++) {
        int second = a >= mid || (b < high && is_after(L, a, b));
        lua_rawgeti(L, FROM, second ? b++ : a++);
        lua_rawseti(L, INTO, i);
    }
    vt__budget_charge(L, (uint64_t)(high - low));
}

static int table_sort(lua_State *L) {
    lua_Integer n = length(L, ITEMS);
    if (!lua_isnoneornil(L, LESS)) luaL_checktype(L, LESS, LUA_TFUNCTION);
    lua_settop(L, LESS);
    if (n < 2) return 0;
    luaL_argcheck(L, n < INT_MAX, 1, "array too big");
    vt__budget_fits(L, (size_t)n * 16);
    vt__budget_charge(L, (uint64_t)n);
    lua_createtable(L, (int)n, 0);
    lua_createtable(L, (int)n, 0);
    for (lua_Integer i = 1; i <= n; i++) {
        vt__budget_charge(L, 1);
        lua_geti(L, ITEMS, i);
        lua_rawseti(L, FROM, i);
    }
    for (lua_Integer width = 1; width < n; width *= 2) {
        for (lua_Integer low = 1; low <= n; low += 2 * width) {
            lua_Integer mid = low + width <= n ? low + width : n + 1, high = mid + width <= n ? mid + width : n + 1;
            merge(L, low, mid, high);
        }
        lua_pushvalue(L, FROM);
        lua_copy(L, INTO, FROM);
        lua_replace(L, INTO);
    }
    for (lua_Integer i = 1; i <= n; i++) {
        vt__budget_charge(L, 1);
        lua_rawgeti(L, FROM, i);
        lua_seti(L, ITEMS, i);
    }
    return 0;
}

void vt__sandbox_table(lua_State *L) {
    static const luaL_Reg own[] = {{"insert", table_insert}, {"remove", table_remove}, {"move", table_move}, {"concat", table_concat},
                                   {"unpack", table_unpack}, {"sort", table_sort},     {NULL, NULL}};
    luaL_setfuncs(L, own, 0);
}
