/* Loading text into a script and calling its functions: everything that enters the state goes through protect(), and every error leaves as
 * a status and a message. */
#include <lauxlib.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "lua_msgpack.h"
#include "script.h"
#include "utf8_text.h"
#include "venturi/context.h"

enum { PIECE = 4096, MESSAGE_SIZE = 400 };

static const char exports_key; /* registry: what loaded chunks returned, by name */

typedef struct request {
    vt__script *script;
    const char *name;     /* load: chunk's name; call: function's */
    const void *data;     /* load: text; call: arguments */
    size_t size;
    vt_buffer **out;      /* call: may be NULL */
    vt_status code;       /* of a failure that the script did not cause; VT_OK: found out from the error value */
} request;

/* ---- errors ---- */

/* Hosts show messages as UTF-8; a script's may be any bytes. */
static void copy_message(char *out, size_t size, const char *text, size_t len) {
    size_t n = 0;
    for (size_t i = 0, step; i < len && n + 5 < size; i += step) {
        step = vt__utf8_step(text + i, len - i);
        if (step > 0 && text[i]) {
            memcpy(out + n, text + i, step);
            n += step;
        } else {
            out[n++] = '?';
            step = 1;
        }
    }
    out[n] = '\0';
}

/* Error value -> its text, its code. */
static int describe(lua_State *L) {
    lua_Integer code = VT_ERR_STATE;
    if (lua_istable(L, 1)) {
        lua_pushliteral(L, "code");
        lua_rawget(L, 1);
        if (lua_isinteger(L, -1) && lua_tointeger(L, -1) < VT_OK && lua_tointeger(L, -1) >= VT_ERR_INTERNAL) code = lua_tointeger(L, -1);
        lua_pushliteral(L, "message");
        lua_rawget(L, 1);
        if (luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL)
            luaL_tolstring(L, 1, NULL);
        else if (lua_type(L, -1) != LUA_TSTRING)
            lua_pushliteral(L, "the script raised a table without a message");
    } else {
        static const char words[] = "not enough memory"; /* Lua's own; a caught error and a coroutine hand them on as text */
        size_t len;
        const char *text = luaL_tolstring(L, 1, &len);
        if (len >= sizeof words - 1 && strcmp(text + len - (sizeof words - 1), words) == 0) code = VT_ERR_NOMEM;
    }
    lua_pushinteger(L, code);
    return 2;
}

/* A library call that was stopped says "cancelled": whether the host or the clock did it is known here. */
static vt_status why_stopped(vt__script *s, vt_status code, char message[MESSAGE_SIZE]) {
    if (s->budget.killed) return s->budget.killed;
    vt_status why = vt__budget_look(&s->budget);
    size_t len = strlen(message);
    if (why == VT_ERR_LIMIT) (void)snprintf(message + len, MESSAGE_SIZE - len, " (a limit of the script is reached)");
    return why == VT_OK ? code : why;
}

/* The error value is on the top. */
static vt_status translate(vt__script *s, int status, vt_status code) {
    lua_State *L = s->L;
    char message[MESSAGE_SIZE] = "the script raised an error whose text cannot be had";

    if (status == LUA_ERRMEM && !s->budget.killed) return s->budget.host->fail(VT_ERR_NOMEM, "script: out of memory (the context's or memory_limit)");
    lua_pushcfunction(L, describe);
    lua_insert(L, -2);
    int described = lua_pcall(L, 1, 2, 0) == LUA_OK;
    if (described && code == VT_OK) code = (vt_status)lua_tointeger(L, -1);
    if (described || lua_type(L, -1) == LUA_TSTRING) { /* else: what describe itself raised, such as a limit reached in a __tostring */
        size_t len;
        const char *text = lua_tolstring(L, described ? -2 : -1, &len);
        copy_message(message, sizeof message, text, len);
    }
    if (s->budget.killed || code == VT_ERR_CANCELLED) code = why_stopped(s, code, message);
    return s->budget.host->fail(code == VT_OK ? VT_ERR_STATE : code, message);
}

static vt_status protect(request *r, lua_CFunction body) {
    vt__script *s = r->script;
    lua_State *L = s->L;

    if (atomic_exchange(&s->busy, 1)) return s->budget.host->fail(VT_ERR_STATE, "script: a call of this script is in progress");
    vt_script *keep = s->head.module->retain(&s->head); /* a callback may drop the host's last reference */
    vt_status st = vt__budget_begin(&s->budget, L);
    if (st != VT_OK) {
        (void)s->budget.host->fail(st, "script: cancelled");
    } else {
        lua_pushcfunction(L, body);
        lua_pushlightuserdata(L, r);
        int status = lua_pcall(L, 1, 0, 0);
        if (status != LUA_OK) st = translate(s, status, r->code);
        lua_settop(L, 0);
        vt__budget_end(&s->budget, L);
    }
    atomic_store(&s->busy, 0);
    s->head.module->release(keep);
    return st;
}

/* ---- load ---- */

const char *vt__source_read(lua_State *L, void *user, size_t *size) {
    vt__source *src = user;
    const char *text = src->text;
    *size = src->left < PIECE ? src->left : PIECE;
    src->text += *size;
    src->left -= *size;
    vt__budget_charge(L, *size / 4 + 1);
    return text;
}

/* "dir/name.lua" -> "name" */
static void push_module_name(lua_State *L, const char *name) {
    const char *slash = strrchr(name, '/');
    if (slash) name = slash + 1;
    size_t len = strlen(name);
    if (len > 4 && strcmp(name + len - 4, ".lua") == 0) len -= 4;
    lua_pushlstring(L, name, len);
}

/* What a chunk returned is on the top: make it known under the chunk's name, and a table's functions under their own. */
static void add_exports(lua_State *L, const char *name) {
    int value = lua_gettop(L);
    if (lua_isnil(L, value)) return;
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    push_module_name(L, name);
    lua_pushvalue(L, value);
    lua_rawset(L, -3);
    if (!lua_istable(L, value)) return;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &exports_key);
    if (!lua_istable(L, -1)) {
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_rawsetp(L, LUA_REGISTRYINDEX, &exports_key);
    }
    int exports = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, value);) {
        vt__budget_charge(L, 1);
        lua_pushvalue(L, -2); /* key value key */
        lua_insert(L, -2);
        if (lua_type(L, -2) == LUA_TSTRING)
            lua_rawset(L, exports);
        else
            lua_pop(L, 2);
    }
}

static int load_body(lua_State *L) {
    request *r = lua_touserdata(L, 1);
    vt__source src = {r->data, r->size};
    const char *chunk = lua_pushfstring(L, "@%s", r->name);
    int status = lua_load(L, vt__source_read, &src, chunk, "t");
    if (status == LUA_ERRSYNTAX) r->code = VT_ERR_FORMAT;
    if (status != LUA_OK) return lua_error(L);
    lua_call(L, 0, 1);
    add_exports(L, r->name);
    return 0;
}

vt_status vt__script_load(vt_script *script, const char *name, const char *text, size_t len) {
    request r = {.script = (vt__script *)script, .name = name, .data = text ? text : "", .size = len};
    return protect(&r, load_body);
}

/* ---- call ---- */

/* Pushes the value at `path` inside the value on the top, which it replaces; nil when there is none. */
static void reach(lua_State *L, const char *path) {
    while (*path) {
        size_t n = strcspn(path, ".");
        if (!lua_istable(L, -1)) {
            lua_pushnil(L);
        } else {
            lua_pushlstring(L, path, n);
            lua_gettable(L, -2);
        }
        lua_remove(L, -2);
        path += n + (path[n] == '.');
    }
}

static int is_callable(lua_State *L) {
    if (lua_isfunction(L, -1)) return 1;
    if (luaL_getmetafield(L, -1, "__call") == LUA_TNIL) return 0;
    lua_pop(L, 1);
    return 1;
}

/* Looks among what loaded chunks returned, then among the globals, then in the module whose name stands before the last dot. */
static void push_function(lua_State *L, request *r) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &exports_key);
    reach(L, r->name);
    if (is_callable(L)) return;
    lua_pop(L, 1);
    lua_pushglobaltable(L);
    reach(L, r->name);
    if (is_callable(L)) return;
    lua_pop(L, 1);
    const char *dot = strrchr(r->name, '.');
    if (dot) {
        luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
        lua_pushlstring(L, r->name, (size_t)(dot - r->name));
        lua_rawget(L, -2);
        lua_remove(L, -2);
        reach(L, dot + 1);
        if (is_callable(L)) return;
    }
    r->code = VT_ERR_NOT_FOUND;
    luaL_error(L, "script: no function '%s'", r->name);
}

static int call_body(lua_State *L) {
    request *r = lua_touserdata(L, 1);
    push_function(L, r);
    int n_args = r->size ? vt__msgpack_push_args(L, r->data, r->size) : 0;
    lua_call(L, n_args, LUA_MULTRET);
    if (!r->out) return 0;
    size_t size;
    const void *bytes = vt__msgpack_pack_values(L, 2, lua_gettop(L) - 1, &size);
    r->code = r->script->budget.host->buffer(r->script->cap.ctx, bytes, size, r->out);
    return r->code == VT_OK ? 0 : luaL_error(L, "script: out of memory for %I bytes of results", (LUAI_UACINT)size);
}

vt_status vt__script_call(vt_script *script, const char *function, const void *args, size_t size, vt_buffer **out) {
    request r = {.script = (vt__script *)script, .name = function, .data = args, .size = size, .out = out};
    return protect(&r, call_body);
}
