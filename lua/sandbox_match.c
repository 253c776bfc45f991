/* find, match, gmatch and gsub of the sandbox's string library, over the matcher of pattern.h. */
#define _GNU_SOURCE
#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

#include "budget.h"
#include "pattern.h"
#include "sandbox.h"

enum { WINDOW = 1 << 20 }; /* bytes searched between two charges */

/* 0-based start of a search; len + 1 when it lies behind the end. */
static size_t start_at(lua_Integer init, size_t len) {
    if (init > 0) return (lua_Unsigned)init > len + 1 ? len + 1 : (size_t)init - 1;
    if (init == 0 || init < -(lua_Integer)len) return 0;
    return (size_t)((lua_Integer)len + init);
}

/* ---- find and match ---- */

static int has_specials(const char *p, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (p[i] && strchr("^$*+?.([%-", p[i])) return 1;
    return 0;
}

/* memmem in windows that overlap by the needle, each booked before it is searched. */
static const char *find_plain(lua_State *L, const char *text, size_t len, const char *needle, size_t n) {
    size_t window = n < WINDOW / 2 ? WINDOW : 2 * n;
    for (size_t at = 0; len - at >= n && at <= len;) {
        size_t size = len - at < window ? len - at : window;
        vt__budget_charge(L, 1 + size / 32);
        const char *found = memmem(text + at, size, needle, n);
        if (found || size == len - at) return found;
        at += size - n + 1;
    }
    return NULL;
}

static int find_pattern(lua_State *L, const char *text, size_t len, size_t at, int want_range) {
    size_t pattern_len;
    const char *pattern = lua_tolstring(L, 2, &pattern_len);
    int anchored = *pattern == '^';
    vt__matcher m;
    vt__matcher_init(&m, L, vt__budget_charge, text, len, pattern + anchored, pattern_len - (size_t)anchored);
    const char *s = text + at, *end = NULL;
    do end = vt__matcher_run(&m, s);
    while (!end && !anchored && s++ < m.text_end);
    vt__matcher_book(&m);
    if (!end) {
        luaL_pushfail(L);
        return 1;
    }
    if (!want_range) return vt__matcher_push_all(&m, s, end);
    lua_pushinteger(L, s - text + 1);
    lua_pushinteger(L, end - text);
    return vt__matcher_push_all(&m, NULL, NULL) + 2;
}

static int find_or_match(lua_State *L, int find) {
    size_t len, pattern_len;
    const char *text = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &pattern_len);
    size_t at = start_at(luaL_optinteger(L, 3, 1), len);
    if (at > len) {
        luaL_pushfail(L);
        return 1;
    }
    if (!find || (!lua_toboolean(L, 4) && has_specials(pattern, pattern_len))) return find_pattern(L, text, len, at, find);
    const char *found = find_plain(L, text + at, len - at, pattern, pattern_len);
    if (!found) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, found - text + 1);
    lua_pushinteger(L, found - text + (lua_Integer)pattern_len);
    return 2;
}

static int string_find(lua_State *L) { return find_or_match(L, 1); }
static int string_match(lua_State *L) { return find_or_match(L, 0); }

/* ---- gmatch: upvalues text, pattern, position (0-based) of the next try, end of the last match (-1: none) ---- */

static int next_match(lua_State *L) {
    size_t len, pattern_len;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &len), *pattern = lua_tolstring(L, lua_upvalueindex(2), &pattern_len);
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    vt__matcher m;
    vt__matcher_init(&m, L, vt__budget_charge, text, len, pattern, pattern_len);
    for (const char *s = text + lua_tointeger(L, lua_upvalueindex(3)); s <= m.text_end; s++) {
        const char *end = vt__matcher_run(&m, s);
        if (!end || end - text == last) continue; /* an empty match right behind the last one is none */
        vt__matcher_book(&m);
        lua_pushinteger(L, end - text);
        lua_pushvalue(L, -1);
        lua_replace(L, lua_upvalueindex(3));
        lua_replace(L, lua_upvalueindex(4));
        return vt__matcher_push_all(&m, s, end);
    }
    vt__matcher_book(&m);
    return 0;
}

static int string_gmatch(lua_State *L) {
    size_t len;
    (void)luaL_checklstring(L, 1, &len);
    (void)luaL_checkstring(L, 2);
    size_t at = start_at(luaL_optinteger(L, 3, 1), len);
    lua_settop(L, 2);
    lua_pushinteger(L, (lua_Integer)at);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/* ---- gsub ---- */

/* Adds the replacement string with its %0 to %9 filled in. */
static void add_template(vt__matcher *m, luaL_Buffer *b, const char *start, const char *end) {
    size_t len;
    const char *p = lua_tolstring(m->L, 3, &len), *stop = p + len, *mark;
    while ((mark = memchr(p, '%', (size_t)(stop - p))) != NULL) {
        luaL_addlstring(b, p, (size_t)(mark - p));
        p = mark + 2;
        if (mark[1] == '%') {
            luaL_addchar(b, '%');
        } else if (mark[1] == '0') {
            luaL_addlstring(b, start, (size_t)(end - start));
        } else if (isdigit((unsigned char)mark[1])) {
            vt__matcher_push(m, mark[1] - '1', start, end);
            (void)luaL_tolstring(m->L, -1, NULL); /* a position becomes text */
            lua_remove(m->L, -2);
            luaL_addvalue(b);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
    }
    luaL_addlstring(b, p, (size_t)(stop - p));
}

/* Adds what replaces the match; 0 when the match stays as it is. */
static int add_replacement(vt__matcher *m, luaL_Buffer *b, const char *start, const char *end) {
    lua_State *L = m->L;
    size_t size = (size_t)(end - start);
    switch (lua_type(L, 3)) {
    case LUA_TFUNCTION:
        lua_pushvalue(L, 3);
        lua_call(L, vt__matcher_push_all(m, start, end), 1);
        break;
    case LUA_TTABLE:
        vt__matcher_push(m, 0, start, end);
        lua_gettable(L, 3);
        break;
    default: add_template(m, b, start, end); return 1;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(b, start, size);
        return 0;
    }
    if (!lua_isstring(L, -1)) return luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(b);
    return 1;
}

static int string_gsub(lua_State *L) {
    size_t len, pattern_len;
    const char *text = luaL_checklstring(L, 1, &len), *pattern = luaL_checklstring(L, 2, &pattern_len);
    int type = lua_type(L, 3), anchored = *pattern == '^', changed = 0;
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3, "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)len + 1), n = 0;
    vt__matcher m;
    luaL_Buffer b;

    vt__matcher_init(&m, L, vt__budget_charge, text, len, pattern + anchored, pattern_len - (size_t)anchored);
    luaL_buffinit(L, &b);
    const char *s = text, *last = NULL;
    while (n < most) {
        const char *end = vt__matcher_run(&m, s);
        if (end && end != last) {
            n++;
            changed |= add_replacement(&m, &b, s, end);
            s = last = end;
        } else if (s < m.text_end) {
            luaL_addchar(&b, *s++);
        } else {
            break;
        }
        if (anchored) break;
    }
    vt__matcher_book(&m);
    if (changed) {
        luaL_addlstring(&b, s, (size_t)(m.text_end - s));
        luaL_pushresult(&b);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, n);
    return 2;
}

void vt__sandbox_match(lua_State *L) {
    static const luaL_Reg own[] = {{"find", string_find}, {"match", string_match}, {"gmatch", string_gmatch}, {"gsub", string_gsub}, {NULL, NULL}};
    luaL_setfuncs(L, own, 0);
}
