/* A host with a Lua of its own, whose functions it exports as Redis does: none of them may be called by a script. They end the program. */
#include "script_host.h"

#include <stdlib.h>

#define FOREIGN(name) \
    void name(void);  \
    void name(void) { abort(); }
FOREIGN(lua_newstate)
FOREIGN(lua_close)
FOREIGN(lua_newthread)
FOREIGN(lua_pcallk)
FOREIGN(lua_callk)
FOREIGN(lua_load)
FOREIGN(lua_error)
FOREIGN(lua_resume)
FOREIGN(lua_yieldk)
FOREIGN(lua_gettop)
FOREIGN(lua_settop)
FOREIGN(lua_pushvalue)
FOREIGN(lua_pushnil)
FOREIGN(lua_pushinteger)
FOREIGN(lua_pushnumber)
FOREIGN(lua_pushlstring)
FOREIGN(lua_pushstring)
FOREIGN(lua_pushcclosure)
FOREIGN(lua_createtable)
FOREIGN(lua_getfield)
FOREIGN(lua_setfield)
FOREIGN(lua_rawget)
FOREIGN(lua_rawset)
FOREIGN(lua_rawgeti)
FOREIGN(lua_rawseti)
FOREIGN(lua_setmetatable)
FOREIGN(lua_getmetatable)
FOREIGN(lua_newuserdatauv)
FOREIGN(lua_sethook)
FOREIGN(lua_gc)
FOREIGN(lua_next)
FOREIGN(lua_type)
FOREIGN(lua_tolstring)
FOREIGN(lua_tointegerx)
FOREIGN(lua_version)
FOREIGN(luaL_newstate)
FOREIGN(luaL_openlibs)
FOREIGN(luaL_requiref)
FOREIGN(luaL_setfuncs)
FOREIGN(luaL_checkversion_)
FOREIGN(luaL_error)
FOREIGN(luaL_checklstring)
FOREIGN(luaL_checkinteger)
FOREIGN(luaL_newmetatable)
FOREIGN(luaL_loadbufferx)
FOREIGN(luaL_pushresult)
FOREIGN(luaL_buffinit)
FOREIGN(luaL_ref)
FOREIGN(luaopen_base)
FOREIGN(luaopen_string)
FOREIGN(luaopen_table)
FOREIGN(luaopen_math)
FOREIGN(luaopen_coroutine)
FOREIGN(luaopen_utf8)
FOREIGN(luaopen_os)
FOREIGN(msgpack_unpack_next)
FOREIGN(msgpack_zone_new)
FOREIGN(luaopen_venturi_core)

static void a_hosts_own_lua_is_left_alone(void **state) {
    script_host h;
    vt_status st;
    (void)state;
    host_open(&h, (vt_script_options)VT_STRUCT_INIT(vt_script_options));
    assert_int_equal(host_load(&h, "local vt = require('venturi')\n"
                                   "function f(t) local c = coroutine.wrap(function() for i = 1, #t do coroutine.yield(t[i]) end end)\n"
                                   "  return c(), c(), ('x=%d'):format(7), ('abc'):gsub('b', '-'), pcall(error, 'e'), vt.version() end"), VT_OK);
    const char *got = host_call(&h, "f", "[[1,{\"k\":[]}]]", &st);
    if (!got) fail_msg("%s", vt_error_message());
    assert_non_null(strstr(got, "[1,{\"k\":[]},\"x=7\",\"a-c\",false,"));
    assert_int_equal(host_load(&h, "error('x')"), VT_ERR_STATE);
    host_close(&h);
}

int main(void) {
    static const struct CMUnitTest tests[] = {cmocka_unit_test(a_hosts_own_lua_is_left_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
