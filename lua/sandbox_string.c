/* The string library with its work booked on the budget. Patterns are in sandbox_match.c; dump is gone, since bytecode can break an interpreter. */
#include <lauxlib.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "sandbox.h"

/* string.rep(s, n, sep), filled by doubling. Stock Lua's goes round n times for an empty string, too. */
static int string_rep(lua_State *L) {
    size_t len, sep_len;
    const char *s = luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    const char *sep = luaL_optlstring(L, 3, "", &sep_len);
    luaL_Buffer b;
    size_t unit, total;

    if (n <= 0 || (len == 0 && sep_len == 0)) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (__builtin_add_overflow(len, sep_len, &unit) || __builtin_mul_overflow(unit, (size_t)n, &total) || total > (size_t)PTRDIFF_MAX)
        return luaL_error(L, "resulting string too large");
    total -= sep_len;
    vt__budget_fits(L, total);
    vt__budget_charge(L, total / 32);
    char *p = luaL_buffinitsize(L, &b, total);
    memcpy(p, s, len);
    if (n > 1) memcpy(p + len, sep, sep_len);
    for (size_t done = unit, more; done < total; done += more) {
        more = done < total - done ? done : total - done;
        memcpy(p + done, p, more);
    }
    luaL_pushresultsize(&b, total);
    return 1;
}

/* Upvalue: the stock function, which quotes (%q) at some nanoseconds a byte. */
static int string_format(lua_State *L) {
    uint64_t bytes = 0;
    for (int i = lua_gettop(L); i > 0; i--)
        if (lua_type(L, i) == LUA_TSTRING) bytes += lua_rawlen(L, i);
    vt__budget_charge(L, 1 + bytes / (bytes > 4096 ? 2 : 64));
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Books a format of pack: its length, and what its items of fixed size ("c1000") fill or read. */
static void charge_format(lua_State *L) {
    size_t len;
    const char *p = luaL_checklstring(L, 1, &len);
    vt__budget_charge(L, 1 + len / 2);
    while ((p = strchr(p, 'c')) != NULL) {
        char *end;
        unsigned long long size = strtoull(++p, &end, 10);
        if (end == p) continue;
        vt__budget_fits(L, size < SIZE_MAX ? (size_t)size : SIZE_MAX);
        vt__budget_charge(L, size / 8);
        p = end;
    }
}

/* pack, unpack. Upvalue: the stock function. */
static int string_pack(lua_State *L) {
    charge_format(L);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* First and last position, 1-based, of s:sub(i, j): in [1, len], or first > last. */
static void clip(lua_Integer i, lua_Integer j, size_t len, size_t *first, size_t *last) {
    lua_Integer n = (lua_Integer)len;
    if (i < 0) i = i < -n ? 1 : n + i + 1;
    if (j < 0) j = j < -n ? 0 : n + j + 1;
    *first = i < 1 ? 1 : (size_t)i;
    *last = j > n ? len : (size_t)j;
}

static int string_sub(lua_State *L) {
    size_t len, first, last;
    const char *s = luaL_checklstring(L, 1, &len);
    clip(luaL_checkinteger(L, 2), luaL_optinteger(L, 3, -1), len, &first, &last);
    if (first > last) {
        lua_pushliteral(L, "");
    } else {
        vt__budget_charge(L, (last - first) / 64);
        lua_pushlstring(L, s + first - 1, last - first + 1);
    }
    return 1;
}

/* Upvalue: the stock function. */
static int string_byte(lua_State *L) {
    size_t len, first, last;
    (void)luaL_checklstring(L, 1, &len);
    lua_Integer i = luaL_optinteger(L, 2, 1);
    clip(i, luaL_optinteger(L, 3, i), len, &first, &last);
    if (last > first) vt__budget_charge(L, (last - first) / 4);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void vt__sandbox_string(lua_State *L) {
    static const luaL_Reg own[] = {{"rep", string_rep}, {"sub", string_sub}, {NULL, NULL}};
    luaL_setfuncs(L, own, 0);
    vt__sandbox_wrap(L, "format", string_format);
    vt__sandbox_wrap(L, "pack", string_pack);
    vt__sandbox_wrap(L, "unpack", string_pack);
    vt__sandbox_wrap(L, "byte", string_byte);
    vt__sandbox_charged(L, "packsize", 1);
    vt__sandbox_charged(L, "upper", 2);
    vt__sandbox_charged(L, "lower", 2);
    vt__sandbox_charged(L, "reverse", 2);
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    vt__sandbox_match(L);
    /* Every string shares one metatable, through which a script could reach the arithmetic of all others. */
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}
