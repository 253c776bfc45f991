/* Lua values from and to MessagePack, over msgpack-c.
 *
 * nil <-> nil as an argument or a result; null (the light userdata NULL, venturi.null) inside tables and for a value that is null as a whole;
 * booleans, integers, floats; strings: str when valid UTF-8, else bin; tables: array for 1..n, map for string and integer keys, an empty table
 * is an array. The marks below decide for a table what it is. Metamethods are not called. Not here: JSON, which the library translates
 * (venturi/format.h). */
#ifndef VENTURI_LUA_MSGPACK_H
#define VENTURI_LUA_MSGPACK_H

#include <lua.h>
#include <stddef.h>

/* Pushes the value. `format` is what messages call it ("json", "msgpack"), here and below. Raises VT_ERR_FORMAT, VT_ERR_LIMIT (depth 64), VT_ERR_UNSUPPORTED (extensions, integers over 2^63-1, other map keys). */
void vt__msgpack_push(lua_State *L, const char *format, const void *data, size_t size);
/* Pushes the items of an array and returns their number; VT_ERR_FORMAT for anything else. */
int vt__msgpack_push_args(lua_State *L, const void *data, size_t size);

/* Packs the value at index: pushes a userdata that owns the bytes and returns them. Raises VT_ERR_UNSUPPORTED, naming the path ("value.x[3]"),
 * for functions, userdata, coroutines and other keys; VT_ERR_LIMIT for depth above 64, which catches cycles. */
const void *vt__msgpack_pack(lua_State *L, const char *format, int index, size_t *size);
/* The same for n values from index `first` as one array. */
const void *vt__msgpack_pack_values(lua_State *L, int first, int n, size_t *size);

/* Push the metatable that marks a table as an array, or as a map (decoding sets the latter on empty maps), and the value that stands for null. */
void vt__msgpack_push_array_mark(lua_State *L);
void vt__msgpack_push_map_mark(lua_State *L);
void vt__msgpack_push_null(lua_State *L);

#endif
