/* Boxes, option tables and error objects of the binding; see box.h. */
#include "box.h"

#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "capability.h"
#include "venturi/context.h"

#define ERROR_META "vt.error"
/* The collector sees a box as 16 bytes whatever hangs on it. So native memory is looked at when a box is made, and a full collection
 * runs when it has grown past a mark, which then moves to 1.4 times of what is really alive. Where memory has a limit the mark is at first, and at least,
 * a quarter of it. */
#define NATIVE_FLOOR ((lua_Integer)64 << 20)
static const char native_mark; /* its address is the registry key of the mark */

/* ---- errors ---- */

static int error_tostring(lua_State *L) {
    lua_getfield(L, 1, "where");
    lua_getfield(L, 1, "message");
    if (!lua_isstring(L, -2)) {
        lua_pushliteral(L, "");
        lua_replace(L, -3);
    }
    if (!lua_isstring(L, -1)) {
        lua_pushliteral(L, "(no message)");
        lua_replace(L, -2);
    }
    lua_concat(L, 2);
    return 1;
}

/* The message is on the top. */
static int raise_status(lua_State *L, vt_status st) {
    lua_createtable(L, 0, 4);
    lua_insert(L, -2);
    lua_setfield(L, -2, "message");
    lua_pushinteger(L, st);
    lua_setfield(L, -2, "code");
    lua_pushstring(L, vt_status_name(st));
    lua_setfield(L, -2, "name");
    luaL_where(L, 1);
    lua_setfield(L, -2, "where");
    if (luaL_newmetatable(L, ERROR_META)) {
        lua_pushcfunction(L, error_tostring);
        lua_setfield(L, -2, "__tostring");
        lua_pushstring(L, ERROR_META);
        lua_setfield(L, -2, "__name");
        lua_pushliteral(L, "locked"); /* shared by all errors; a script that put a __gc there would run code with no limits */
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return lua_error(L);
}

void box_ok(lua_State *L, vt_status st) {
    if (st == VT_OK) return;
    lua_pushstring(L, vt_error_message());
    raise_status(L, st);
}

int box_raise(lua_State *L, vt_status st, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    lua_pushvfstring(L, fmt, args);
    va_end(args);
    return raise_status(L, st);
}

/* ---- boxes ---- */

/* Upvalue 1: the box_type. */
static int close_method(lua_State *L) {
    const box_type *type = lua_touserdata(L, lua_upvalueindex(1));
    box_close(luaL_checkudata(L, 1, type->name), type);
    return 0;
}

static int tostring_method(lua_State *L) {
    const box_type *type = lua_touserdata(L, lua_upvalueindex(1));
    const box *b = luaL_checkudata(L, 1, type->name);
    lua_pushfstring(L, b->handle ? "%s: %p" : "%s (closed)", type->name, b->handle);
    return 1;
}

static void set_closure(lua_State *L, const box_type *type, const char *key, lua_CFunction f) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)type);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, key);
}

void box_register(lua_State *L, const box_type *type, const luaL_Reg *methods) {
    if (luaL_newmetatable(L, type->name)) {
        set_closure(L, type, "__gc", close_method);
        set_closure(L, type, "__close", close_method);
        set_closure(L, type, "__tostring", tostring_method);
        lua_newtable(L);
        luaL_setfuncs(L, methods, 0);
        set_closure(L, type, "close", close_method);
        lua_setfield(L, -2, "__index");
        lua_pushliteral(L, "locked"); /* a script cannot reach __gc */
        lua_setfield(L, -2, "__metatable");
    }
    lua_pop(L, 1);
}

static lua_Integer native_memory(lua_State *L, lua_Integer *least_mark) {
    const vt__capability *cap = vt__capability_get(L);
    uint64_t limit = UINT64_MAX, used = cap->native ? cap->native(L, &limit) : vt_context_memory(cap->ctx);
    *least_mark = limit / 4 < (uint64_t)NATIVE_FLOOR ? (lua_Integer)(limit / 4) : NATIVE_FLOOR;
    return (lua_Integer)used;
}

void box_collect(lua_State *L) {
    lua_Integer least;
    for (int i = 0; i < 2; i++) lua_gc(L, LUA_GCCOLLECT);
    lua_Integer alive = native_memory(L, &least), mark = alive / 5 * 7;
    lua_pushinteger(L, mark > least ? mark : least);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &native_mark);
}

static void account(lua_State *L) {
    lua_Integer least;
    lua_Integer used = native_memory(L, &least);
    if (used <= least) return;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &native_mark);
    lua_Integer mark = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : least;
    lua_pop(L, 1);
    if (used <= mark) return;
    lua_gc(L, LUA_GCCOLLECT);
    lua_Integer alive = native_memory(L, &least);
    mark = alive / 5 * 7 > least ? alive / 5 * 7 : least;
    lua_pushinteger(L, mark);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &native_mark);
}

box *box_push(lua_State *L, const box_type *type, int n_values) {
    account(L);
    box *b = lua_newuserdatauv(L, sizeof *b, n_values);
    b->handle = NULL;
    luaL_setmetatable(L, type->name);
    return b;
}

void *box_check(lua_State *L, int arg, const box_type *type) {
    const box *b = luaL_checkudata(L, arg, type->name);
    if (!b->handle) box_raise(L, VT_ERR_STATE, "%s is closed", type->noun);
    return b->handle;
}

void *box_test(lua_State *L, int index, const box_type *type) {
    const box *b = luaL_testudata(L, index, type->name);
    if (b && !b->handle) box_raise(L, VT_ERR_STATE, "%s is closed", type->noun);
    return b ? b->handle : NULL;
}

void box_close(box *b, const box_type *type) {
    void *handle = b->handle;
    b->handle = NULL; /* the second call sees NULL */
    if (handle) type->release(handle);
}

/* ---- options ---- */

static int is_known(const char *key, const char *const known[]) {
    for (; *known; known++)
        if (strcmp(key, *known) == 0) return 1;
    return 0;
}

/* "a, b, c" on the stack */
static void push_list(lua_State *L, const char *const names[]) {
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (int i = 0; names[i]; i++) {
        if (i) luaL_addstring(&b, ", ");
        luaL_addstring(&b, names[i]);
    }
    luaL_pushresult(&b);
}

int box_options(lua_State *L, int index, const char *what, const char *const known[]) {
    if (lua_isnoneornil(L, index)) return 0;
    if (!lua_istable(L, index)) box_raise(L, VT_ERR_INVALID, "%s: options must be a table, got %s", what, luaL_typename(L, index));
    lua_pushnil(L);
    while (lua_next(L, index)) {
        const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
        if (!key || !is_known(key, known)) {
            lua_pop(L, 1); /* the value; the key stays */
            key = luaL_tolstring(L, -1, NULL);
            push_list(L, known);
            box_raise(L, VT_ERR_INVALID, "%s: unknown option '%s' (known: %s)", what, key, lua_tostring(L, -1));
        }
        lua_pop(L, 1);
    }
    return 1;
}

int box_field(lua_State *L, int index, const char *key) {
    if (!lua_istable(L, index)) return 0;
    index = lua_absindex(L, index);
    lua_pushstring(L, key);
    if (lua_rawget(L, index) != LUA_TNIL) return 1;
    lua_pop(L, 1);
    return 0;
}

static int wrong_type(lua_State *L, const char *what, const char *key, const char *want) {
    const char *got = lua_type(L, -1) == LUA_TNUMBER ? lua_tostring(L, -1) : luaL_typename(L, -1);
    return box_raise(L, VT_ERR_INVALID, "%s: option '%s' must be %s, got %s", what, key, want, got);
}

lua_Integer box_integer(lua_State *L, int index, const char *what, const char *key, lua_Integer dflt, lua_Integer min, lua_Integer max) {
    if (!box_field(L, index, key)) return dflt;
    int ok = 0;
    lua_Integer v = lua_tointegerx(L, -1, &ok);
    if (!ok || lua_type(L, -1) != LUA_TNUMBER) wrong_type(L, what, key, "an integer");
    if (v < min || v > max)
        box_raise(L, VT_ERR_INVALID, "%s: option '%s' is %I, must be in [%I, %I]", what, key, (LUAI_UACINT)v, (LUAI_UACINT)min, (LUAI_UACINT)max);
    lua_pop(L, 1);
    return v;
}

lua_Number box_number(lua_State *L, int index, const char *what, const char *key, lua_Number dflt) {
    if (!box_field(L, index, key)) return dflt;
    if (lua_type(L, -1) != LUA_TNUMBER) wrong_type(L, what, key, "a number");
    lua_Number v = lua_tonumber(L, -1);
    lua_pop(L, 1);
    return v;
}

int box_boolean(lua_State *L, int index, const char *what, const char *key, int dflt) {
    if (!box_field(L, index, key)) return dflt;
    if (!lua_isboolean(L, -1)) wrong_type(L, what, key, "true or false");
    int v = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return v;
}

const char *box_string(lua_State *L, int index, const char *what, const char *key, size_t *len) {
    if (len) *len = 0;
    if (!box_field(L, index, key)) return NULL;
    if (lua_type(L, -1) != LUA_TSTRING) wrong_type(L, what, key, "a string");
    const char *s = lua_tolstring(L, -1, len);
    lua_pop(L, 1); /* still held by the table */
    return s;
}

int box_choice(lua_State *L, int index, const char *what, const char *key, const char *const names[], int dflt) {
    if (!box_field(L, index, key)) return dflt;
    if (lua_type(L, -1) != LUA_TSTRING) wrong_type(L, what, key, "a string");
    const char *s = lua_tostring(L, -1); /* stays on the stack while it is read */
    for (int i = 0; names[i]; i++) {
        if (strcmp(s, names[i]) != 0) continue;
        lua_pop(L, 1);
        return i;
    }
    push_list(L, names);
    return box_raise(L, VT_ERR_INVALID, "%s: option '%s' is '%s', must be one of %s", what, key, s, lua_tostring(L, -1));
}

/* ---- buffers and ids ---- */

static void release_buffer(void *handle) {
    vt_buffer_release(handle);
}
static const box_type buffer_type = {"vt.buffer", "buffer", release_buffer};

box *box_push_buffer(lua_State *L) {
    static const luaL_Reg none[] = {{NULL, NULL}};
    box_register(L, &buffer_type, none);
    box *b = lua_newuserdatauv(L, sizeof *b, 0);
    b->handle = NULL;
    luaL_setmetatable(L, buffer_type.name);
    return b;
}

void box_close_buffer(box *b) {
    box_close(b, &buffer_type);
}

void box_push_text(lua_State *L, box *buffer) {
    lua_pushlstring(L, vt_buffer_data(buffer->handle), vt_buffer_size(buffer->handle));
    box_close_buffer(buffer);
}

int32_t *box_ids(lua_State *L, int arg, int64_t *n) {
    luaL_checktype(L, arg, LUA_TTABLE);
    lua_Unsigned count = lua_rawlen(L, arg);
    if (count > (lua_Unsigned)INT_MAX) luaL_argerror(L, arg, "too many ids");
    vt__capability_charge(L, count);
    int32_t *ids = lua_newuserdatauv(L, (size_t)(count ? count : 1) * sizeof *ids, 0);
    for (lua_Unsigned i = 0; i < count; i++) {
        int ok = 0;
        lua_rawgeti(L, arg, (lua_Integer)i + 1);
        lua_Integer v = lua_tointegerx(L, -1, &ok);
        if (!ok || v < INT32_MIN || v > INT32_MAX)
            box_raise(L, VT_ERR_INVALID, "ids[%I] must be a 32-bit integer, got %s", (LUAI_UACINT)i + 1, luaL_tolstring(L, -1, NULL));
        lua_pop(L, 1);
        ids[i] = (int32_t)v;
    }
    *n = (int64_t)count;
    return ids;
}

void box_push_ids(lua_State *L, const int32_t *ids, int64_t n) {
    vt__capability_charge(L, (uint64_t)n);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        lua_pushinteger(L, ids[i]);
        lua_rawseti(L, -2, i + 1);
    }
}
