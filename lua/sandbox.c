/* Opens the sandbox, and the base functions that differ from stock Lua's; see sandbox.h. */
#include "sandbox.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdint.h>
#include <string.h>

#include "lua_stdlib.h"
#include "script.h"
#include "utf8_text.h"

VT_API int luaopen_venturi_core(lua_State *L);

/* ---- stock functions with a charge ---- */

/* Upvalues: the stock function, the shift. The stock function runs in this frame, so that its messages name what the script called. */
static int charged(lua_State *L) {
    int shift = (int)lua_tointeger(L, lua_upvalueindex(2));
    uint64_t bytes = 0;
    for (int i = lua_gettop(L); i > 0; i--)
        if (lua_type(L, i) == LUA_TSTRING) bytes += lua_rawlen(L, i);
    vt__budget_charge(L, 1 + (bytes >> shift));
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

void vt__sandbox_charged(lua_State *L, const char *name, int shift) {
    lua_getfield(L, -1, name);
    lua_pushinteger(L, shift);
    lua_pushcclosure(L, charged, 2);
    lua_setfield(L, -2, name);
}

void vt__sandbox_wrap(lua_State *L, const char *name, lua_CFunction f) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

/* ---- errors that stay caught, and those that do not ---- */

/* Results of a protected call that ended, by return, error or after a yield; `before` values at the bottom are not results. */
static int finish_call(lua_State *L, int status, lua_KContext before) {
    if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)before;
    vt__budget_check(L); /* a killed call is not caught; one that runs out of memory again and again uses up its time */
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
}

static int base_pcall(lua_State *L) {
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1); /* true f args... */
    return finish_call(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call), 0);
}

/* Upvalue: the script's message handler. Errors of the hook come here with hooks off: nothing could stop a handler that loops. */
static int guarded_handler(lua_State *L) {
    lua_settop(L, 1);
    if (vt__budget_of(L)->killed) return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int base_xpcall(lua_State *L) {
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, guarded_handler, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2); /* f handler true f args... */
    return finish_call(L, lua_pcallk(L, lua_gettop(L) - 4, LUA_MULTRET, 2, 2, finish_call), 2);
}

/* ---- load and require ---- */

/* Pieces that a script's function returns. They are kept at index `slot`, where the collector sees them. */
typedef struct pieces {
    int function, slot;
} pieces;

static const char *read_piece(lua_State *L, void *user, size_t *size) {
    const pieces *p = user;
    luaL_checkstack(L, 2, "too many nested functions");
    lua_pushvalue(L, p->function);
    lua_call(L, 0, 1);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        *size = 0;
        return NULL;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "reader function must return a string");
    lua_replace(L, p->slot);
    const char *text = lua_tolstring(L, p->slot, size);
    vt__budget_charge(L, *size / 4 + 1);
    return text;
}

/* load(chunk, name, mode, env): text only, whatever the mode says. */
static int base_load(lua_State *L) {
    int has_env = !lua_isnone(L, 4), status;
    const char *mode = strchr(luaL_optstring(L, 3, "bt"), 't') ? "t" : ""; /* "" takes neither form */
    if (lua_type(L, 1) == LUA_TSTRING) {
        vt__source src = {NULL, 0};
        src.text = lua_tolstring(L, 1, &src.left);
        const char *name = luaL_optstring(L, 2, src.text);
        lua_settop(L, 5);
        status = lua_load(L, vt__source_read, &src, name, mode);
    } else {
        const char *name = luaL_optstring(L, 2, "=(load)");
        luaL_checktype(L, 1, LUA_TFUNCTION);
        lua_settop(L, 5);
        pieces p = {1, 5};
        status = lua_load(L, read_piece, &p, name, mode);
    }
    if (status == LUA_OK) {
        if (has_env) {
            lua_pushvalue(L, 4);
            if (!lua_setupvalue(L, -2, 1)) lua_pop(L, 1);
        }
        return 1;
    }
    vt__budget_check(L);
    luaL_pushfail(L);
    lua_insert(L, -2);
    return 2;
}

/* Pushes the loader of a module and where it comes from; raises when there is none. */
static void push_loader(lua_State *L, const char *name) {
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    if (lua_istable(L, -1) && lua_getfield(L, -1, name) != LUA_TNIL) {
        lua_pushliteral(L, ":preload:");
        return;
    }
    if (strcmp(name, "venturi.core") == 0) {
        lua_pushcfunction(L, luaopen_venturi_core);
        lua_pushliteral(L, ":venturi:");
        return;
    }
    const vt__stdlib_module *m = vt__stdlib_find(name);
    if (!m) {
        luaL_error(L, "module '%s' not found: not in package.preload, not loaded by the host, not part of venturi", name);
        return;
    }
    vt__source src = {(const char *)m->text, m->size};
    if (lua_load(L, vt__source_read, &src, m->chunk, "t") != LUA_OK) lua_error(L);
    lua_pushstring(L, m->chunk);
}

static int base_require(lua_State *L) {
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_getfield(L, 2, name);
    if (lua_toboolean(L, 3)) return 1;
    push_loader(L, name);
    int where = lua_gettop(L);
    lua_pushvalue(L, where - 1);
    lua_pushvalue(L, 1);
    lua_pushvalue(L, where);
    lua_call(L, 2, 1);
    if (lua_isnil(L, -1) && lua_getfield(L, 2, name) == LUA_TNIL) lua_pushboolean(L, 1); /* the module may have put itself there */
    lua_pushvalue(L, -1);
    lua_setfield(L, 2, name);
    lua_pushvalue(L, where);
    return 2;
}

/* ---- the rest ---- */

/* Upvalue: the stock function. */
static int base_setmetatable(lua_State *L) {
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "a script cannot have finalizers (__gc); __close works");
        lua_pop(L, 1);
    }
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Metatables of userdata belong to the library. */
static int base_getmetatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    if (luaL_getmetafield(L, 1, "__metatable") == LUA_TNIL && lua_type(L, 1) == LUA_TUSERDATA) lua_pushboolean(L, 0);
    return 1;
}

static int base_collectgarbage(lua_State *L) {
    static const char *const names[] = {"collect", "count", "step", NULL};
    const vt__budget *b = vt__budget_of(L);
    lua_Integer step = luaL_optinteger(L, 2, 0);
    switch (luaL_checkoption(L, 1, "collect", names)) {
    case 0:
        vt__budget_charge(L, b->used / 64);
        lua_pushinteger(L, lua_gc(L, LUA_GCCOLLECT));
        break;
    case 1: lua_pushnumber(L, (lua_Number)b->used / 1024); break;
    default:
        luaL_argcheck(L, step >= 0 && step <= 1 << 20, 2, "need 0 to 1048576 KiB");
        vt__budget_charge(L, 1000 + (uint64_t)step * 16);
        lua_pushboolean(L, lua_gc(L, LUA_GCSTEP, (int)step));
        break;
    }
    return 1;
}

/* Hands one line to the host, as the UTF-8 without NUL bytes that a vt_progress_fn takes. */
static void print_line(lua_State *L, const vt__script *s, const char *line, size_t len) {
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = 0, n; i < len; i += n) {
        n = vt__utf8_step(line + i, len - i);
        if (n > 0 && line[i])
            luaL_addlstring(&b, line + i, n);
        else
            luaL_addlstring(&b, "\xEF\xBF\xBD", 3);
        if (n == 0) n = 1;
    }
    luaL_pushresult(&b);
    vt__budget_step_out(vt__budget_of(L));
    int32_t stop = s->print(s->print_user, -1.0, lua_tostring(L, -1));
    vt__budget_step_in(vt__budget_of(L));
    lua_pop(L, 1);
    if (stop) vt__budget_kill(L, VT_ERR_CANCELLED);
}

static int base_print(lua_State *L) {
    const vt__script *s = vt__script_of(L);
    int n = lua_gettop(L);
    luaL_Buffer b;
    size_t len;

    vt__budget_charge(L, (uint64_t)n + 1);
    luaL_buffinit(L, &b);
    for (int i = 1; i <= n; i++) {
        if (i > 1) luaL_addchar(&b, '\t');
        luaL_tolstring(L, i, NULL);
        luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
    const char *text = lua_tolstring(L, -1, &len);
    vt__budget_charge(L, len / 32);
    if (!s->print) return 0;
    for (const char *end = text + len, *eol; text <= end; text = eol + 1) {
        eol = memchr(text, '\n', (size_t)(end - text));
        if (!eol) eol = end;
        print_line(L, s, text, (size_t)(eol - text));
    }
    return 0;
}

void vt__sandbox_base(lua_State *L) {
    static const luaL_Reg own[] = {{"pcall", base_pcall},
                                   {"xpcall", base_xpcall},
                                   {"load", base_load},
                                   {"require", base_require},
                                   {"getmetatable", base_getmetatable},
                                   {"collectgarbage", base_collectgarbage},
                                   {"print", base_print},
                                   {"dofile", NULL},
                                   {"loadfile", NULL},
                                   {NULL, NULL}};
    for (const luaL_Reg *f = own; f->name; f++) {
        if (f->func)
            lua_pushcfunction(L, f->func);
        else
            lua_pushnil(L);
        lua_setfield(L, -2, f->name);
    }
    vt__sandbox_wrap(L, "setmetatable", base_setmetatable);
    vt__sandbox_charged(L, "tonumber", 3);
}

/* Upvalue: the stock function, whose results are bits of an address. */
static int math_randomseed(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

static void sandbox_math(lua_State *L) {
    vt__sandbox_wrap(L, "randomseed", math_randomseed);
}

/* utf8.len(s, i, ...): upvalue the stock function. */
static int utf8_len(lua_State *L) {
    size_t len;
    (void)luaL_checklstring(L, 1, &len);
    lua_Integer first = luaL_optinteger(L, 2, 1);
    size_t skipped = first > 1 ? (size_t)(first - 1) : 0;
    vt__budget_charge(L, 1 + (skipped < len ? len - skipped : 0) / 4);
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* utf8.offset(s, n, ...): goes |n| characters, of four bytes where they are well formed. */
static int utf8_offset(lua_State *L) {
    size_t len;
    (void)luaL_checklstring(L, 1, &len);
    lua_Integer n = luaL_checkinteger(L, 2);
    lua_Unsigned far = (n < 0 ? 0u - (lua_Unsigned)n : (lua_Unsigned)n) + 1;
    vt__budget_charge(L, 1 + (far < len / 4 ? far : len / 4));
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

static void sandbox_utf8(lua_State *L) {
    vt__sandbox_wrap(L, "len", utf8_len);
    vt__sandbox_wrap(L, "offset", utf8_offset);
}

/* Time, and nothing else of os. Built on the side, so that the stock table is never within reach. */
static void open_os(lua_State *L) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_createtable(L, 0, 2);
    lua_pushcfunction(L, luaopen_os);
    lua_call(L, 0, 1);
    lua_getfield(L, -1, "clock");
    lua_setfield(L, -3, "clock");
    lua_getfield(L, -1, "time");
    lua_setfield(L, -3, "time");
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_setglobal(L, "os");
    lua_setfield(L, -2, "os");
    lua_pop(L, 1);
}

/* package.loaded and package.preload, which require looks into. */
static void open_package(lua_State *L) {
    lua_createtable(L, 0, 2);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, "package");
    lua_setfield(L, -2, "loaded");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_setfield(L, -2, "preload");
    lua_setglobal(L, "package");
}

int vt__sandbox_open(lua_State *L) {
    static const struct {
        const char *name;
        lua_CFunction open;
        void (*change)(lua_State *L);
    } libs[] = {{LUA_GNAME, luaopen_base, vt__sandbox_base},
                {LUA_STRLIBNAME, luaopen_string, vt__sandbox_string},
                {LUA_TABLIBNAME, luaopen_table, vt__sandbox_table},
                {LUA_MATHLIBNAME, luaopen_math, sandbox_math},
                {LUA_UTF8LIBNAME, luaopen_utf8, sandbox_utf8},
                {LUA_COLIBNAME, luaopen_coroutine, vt__sandbox_coroutine}};
    for (size_t i = 0; i < sizeof libs / sizeof *libs; i++) {
        luaL_requiref(L, libs[i].name, libs[i].open, 1);
        libs[i].change(L);
        lua_pop(L, 1);
    }
    open_os(L);
    open_package(L);
    vt__capability_grant(L, &vt__script_of(L)->cap);
    return 0;
}
