/* t.NAME: a property or a method; t.NAME = value. */
#include "bind_tensor.h"

/* Upvalue 1: the methods. */
int bind_tensor_index(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING) return luaL_error(L, "tensor: it is indexed by names, got %s", luaL_typename(L, 2));
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    return bind_tensor_property(L, bind_tensor_check(L, 1), lua_tostring(L, 2)) || (lua_pushnil(L), 1);
}

int bind_tensor_newindex(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1);
    if (lua_type(L, 2) != LUA_TSTRING || !bind_tensor_set_property(L, t, lua_tostring(L, 2), 3))
        return box_raise(L, VT_ERR_INVALID, "tensor: %s cannot be set", luaL_tolstring(L, 2, NULL));
    return 0;
}
