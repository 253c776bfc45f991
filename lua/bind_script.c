/* Lua face of venturi/script.h: vt.script{ memory =, instructions =, time_ms =, folder =, models =, write =, print = }, a sandbox inside of
 * a state that is none itself. */
#include <stdint.h>

#include "bind.h"
#include "capability.h"
#include "lua_msgpack.h"
#include "venturi/context.h"
#include "venturi/script.h"

static void release_script(void *handle) {
    vt_script_release(handle);
}
static const box_type script_type = {"vt.script", "script", release_script};

/* First user value of a script's box: the callback, whose own user value is the print function. */
static int print_body(lua_State *L) {
    const char *const *message = lua_touserdata(L, 2);
    lua_pushvalue(L, 1);
    lua_pushstring(L, *message);
    lua_call(L, 1, 0);
    return 0;
}

static int32_t print_line(void *user, double fraction, const char *message) {
    (void)fraction;
    return !callback_call(user, print_body, &message);
}

static uint32_t flag(lua_State *L, const char *key, uint32_t value) {
    return box_boolean(L, 1, "script", key, 0) ? value : 0;
}

static int script_new(lua_State *L) {
    static const char *const known[] = {"memory", "instructions", "time_ms", "folder", "models", "write", "print", NULL};
    const vt__capability *cap = vt__capability_get(L);
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    lua_settop(L, 1);
    if (cap->sandboxed) return box_raise(L, VT_ERR_UNSUPPORTED, "vt.script: a sandboxed script cannot make another");
    box_options(L, 1, "script", known);
    opt.memory_limit = (uint64_t)box_integer(L, 1, "script", "memory", 0, 0, LUA_MAXINTEGER);
    opt.instruction_limit = (uint64_t)box_integer(L, 1, "script", "instructions", 0, 0, LUA_MAXINTEGER);
    opt.time_limit_ms = box_integer(L, 1, "script", "time_ms", 0, 0, LUA_MAXINTEGER);
    opt.flags = flag(L, "models", VT_SCRIPT_ALLOW_MODELS) | flag(L, "write", VT_SCRIPT_ALLOW_WRITE);
    opt.cancel = cap->cancel;

    box *b = box_push(L, &script_type, 1);
    callback *print = lua_newuserdatauv(L, sizeof *print, 1);
    *print = (callback){0};
    lua_setiuservalue(L, 2, 1);
    if (box_field(L, 1, "print")) {
        luaL_checktype(L, -1, LUA_TFUNCTION);
        lua_getiuservalue(L, 2, 1);
        lua_insert(L, -2);
        lua_setiuservalue(L, -2, 1);
        opt.print = print_line;
        opt.print_user = print;
    }
    if (box_field(L, 1, "folder")) opt.folder = box_check(L, lua_gettop(L), &bind_folder_box);
    vt_script *script = NULL;
    box_ok(L, vt_script_create(cap->ctx, &opt, &script));
    b->handle = script;
    lua_settop(L, 2);
    return 1;
}

/* Takes the print function of script 1 into use. */
static callback *begin_call(lua_State *L) {
    lua_getiuservalue(L, 1, 1);
    callback *print = lua_touserdata(L, -1);
    if (print->L) box_raise(L, VT_ERR_STATE, "script: a call of this script is in progress");
    lua_getiuservalue(L, -1, 1);
    callback_begin(L, print);
    return print;
}

static void end_call(lua_State *L, callback *print, vt_status st) {
    callback_end(print);
    callback_raise(L, print);
    box_ok(L, st);
}

/* script:load(name, text) */
static int script_load(lua_State *L) {
    vt_script *script = box_check(L, 1, &script_type);
    size_t len;
    const char *name = luaL_checkstring(L, 2), *text = luaL_checklstring(L, 3, &len);
    callback *print = begin_call(L);
    end_call(L, print, vt_script_load(script, name, text, len));
    return 0;
}

/* script:call("name", ...) -> results */
static int script_call(lua_State *L) {
    vt_script *script = box_check(L, 1, &script_type);
    const char *name = luaL_checkstring(L, 2);
    size_t size;
    const void *args = vt__msgpack_pack_values(L, 3, lua_gettop(L) - 2, &size);
    box *b = box_push_buffer(L);
    vt_buffer *results = NULL;
    callback *print = begin_call(L);
    vt_status st = vt_script_call(script, name, args, size, &results);
    b->handle = results;
    end_call(L, print, st);
    int n = vt__msgpack_push_args(L, vt_buffer_data(results), vt_buffer_size(results));
    box_close_buffer(b);
    return n;
}

/* script:memory() -> bytes of its Lua objects */
static int script_memory(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)vt_script_memory(box_check(L, 1, &script_type)));
    return 1;
}

void bind_script(lua_State *L) {
    static const luaL_Reg methods[] = {{"load", script_load}, {"call", script_call}, {"memory", script_memory}, {NULL, NULL}};
    box_register(L, &script_type, methods);
    lua_pushcfunction(L, script_new);
    lua_setfield(L, -2, "script");
}
