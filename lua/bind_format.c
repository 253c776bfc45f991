/* Lua face of venturi/format.h: vt.json, vt.npy. A JSON value goes through MessagePack, in which null inside of tables is vt.null, an empty table is an
 * array unless vt.json.object marked it, and bytes that are not UTF-8 have no JSON form. */
#include "array.h"
#include "bind.h"
#include "capability.h"
#include "lua_msgpack.h"
#include "venturi/context.h"
#include "venturi/format.h"

/* vt.json.decode(text) -> value */
static int json_decode(lua_State *L) {
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    vt__capability_charge_for(L, len, VT__COST_JSON);
    box *b = box_push_buffer(L);
    vt_buffer *packed = NULL;
    box_ok(L, vt_json_to_msgpack(vt__capability_get(L)->ctx, text, len, &packed));
    b->handle = packed;
    vt__msgpack_push(L, "json", vt_buffer_data(packed), vt_buffer_size(packed));
    box_close_buffer(b);
    return 1;
}

/* vt.json.encode(value, { indent = false }) -> text */
static int json_encode(lua_State *L) {
    static const char *const known[] = {"indent", NULL};
    luaL_checkany(L, 1);
    lua_settop(L, 2);
    box_options(L, 2, "json", known);
    uint32_t flags = box_boolean(L, 2, "json", "indent", 0) ? VT_JSON_INDENT : 0;
    size_t size;
    const void *packed = vt__msgpack_pack(L, "json", 1, &size);
    vt__capability_charge_for(L, size, VT__COST_JSON);
    box *b = box_push_buffer(L);
    vt_buffer *text = NULL;
    box_ok(L, vt_json_from_msgpack(vt__capability_get(L)->ctx, packed, size, flags, &text));
    b->handle = text;
    box_push_text(L, b);
    return 1;
}

static int mark(lua_State *L, void (*push_mark)(lua_State *)) {
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    push_mark(L);
    lua_setmetatable(L, 1);
    return 1;
}

/* vt.json.array(t) -> t, an array also when it is empty */
static int json_array(lua_State *L) {
    return mark(L, vt__msgpack_push_array_mark);
}

/* vt.json.object(t) -> t, an object also when it is empty */
static int json_object(lua_State *L) {
    return mark(L, vt__msgpack_push_map_mark);
}

/* ---- NumPy ---- */

/* vt.npy(bytes, { dtype = "f32" | "f64": the file's }) -> { dtype = "f32", shape = { ... }, data = packed elements in C order } */
static int npy(lua_State *L) {
    static const char *const known[] = {"dtype", NULL};
    static const char *const floats[] = {"f32", "f64", NULL};
    static const int32_t float_types[] = {VT_DTYPE_F32, VT_DTYPE_F64, VT_NPY_SAME};
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    vt_npy info = VT_STRUCT_INIT(vt_npy);
    box_options(L, 2, "npy", known);
    int32_t dtype = float_types[box_choice(L, 2, "npy", "dtype", floats, 2)];
    vt__capability_charge_for(L, size, VT__COST_COPY);
    box_ok(L, vt_npy_parse(bytes, size, &info));
    lua_createtable(L, 0, 3);
    box *b = box_push_buffer(L);
    vt_buffer *data = NULL;
    box_ok(L, vt_npy_read(vt__capability_get(L)->ctx, bytes, size, dtype, &data));
    b->handle = data;
    box_push_text(L, b);
    lua_setfield(L, -3, "data");
    lua_pop(L, 1);
    lua_pushstring(L, array_dtype_name(dtype == VT_NPY_SAME ? info.dtype : dtype));
    lua_setfield(L, -2, "dtype");
    lua_createtable(L, info.n_dims, 0);
    for (int32_t i = 0; i < info.n_dims; i++) {
        lua_pushinteger(L, info.shape[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "shape");
    return 1;
}

void bind_format(lua_State *L) {
    static const luaL_Reg functions[] = {{"decode", json_decode}, {"encode", json_encode}, {"array", json_array}, {"object", json_object}, {NULL, NULL}};
    luaL_newlib(L, functions);
    vt__msgpack_push_null(L);
    lua_setfield(L, -2, "null");
    lua_setfield(L, -2, "json");
    vt__msgpack_push_null(L);
    lua_setfield(L, -2, "null");
    lua_pushcfunction(L, npy);
    lua_setfield(L, -2, "npy");
}
