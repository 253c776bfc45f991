/* The box pattern of the binding: a userdata that holds one handle of the library, made before the handle so that no path leaks it,
 * and released once by __gc, __close or :close(), whichever comes first. Also what every binding file needs around it: option tables
 * whose keys are checked, and failed statuses as error objects. Not here: any particular handle. */
#ifndef VENTURI_LUA_BOX_H
#define VENTURI_LUA_BOX_H

#include <lauxlib.h>
#include <lua.h>

#include "venturi/types.h"

/* One a handle type; static in its binding file. `noun` is what messages call it ("model is closed"). */
typedef struct box_type {
    const char *name; /* metatable: "vt.model" */
    const char *noun;
    void (*release)(void *handle);
} box_type;

typedef struct box {
    void *handle; /* NULL after close */
} box;

/* Makes the metatable: methods, __index, __name, __gc, __close, close. Leaves the stack as it was. */
void box_register(lua_State *L, const box_type *type, const luaL_Reg *methods);

/* Runs the collector until nothing unreachable holds native memory: what the first run finalizes may have held on to more. */
void box_collect(lua_State *L);
/* Pushes an empty box with `n_values` user values. Runs the collector first when native memory has grown much since it last ran. */
box *box_push(lua_State *L, const box_type *type, int n_values);
/* The handle of argument `arg`; raises on another type and on a closed box. */
void *box_check(lua_State *L, int arg, const box_type *type);
/* The same for the value at any index, or NULL when it is not such a box; raises on a closed one. */
void *box_test(lua_State *L, int index, const box_type *type);
/* Releases now; for boxes that are only scaffolding within one call. */
void box_close(box *b, const box_type *type);

/* Raises {code, name, message} when st is not VT_OK; the message is the library's. Never returns then. */
void box_ok(lua_State *L, vt_status st);
/* Raises such an object with this code and a message of our own: "%s" and "%d" as lua_pushfstring has them. */
int box_raise(lua_State *L, vt_status st, const char *fmt, ...);

/* ---- option tables: index may hold a table, nil or nothing ---- */

/* Refuses keys that are not in `known` (NULL at the end), by name. Returns 1 when there is a table. */
int box_options(lua_State *L, int index, const char *what, const char *const known[]);
/* Metamethods are not called, so that no script code runs between box_check and the library: a field that only __index would give is absent.
 * Pushes the field; 0 and nothing pushed where there is no table or the field is nil. */
int box_field(lua_State *L, int index, const char *key);
/* Field of the table, or the default where it is nil; a wrong type or a value out of [min, max] raises. */
lua_Integer box_integer(lua_State *L, int index, const char *what, const char *key, lua_Integer dflt, lua_Integer min, lua_Integer max);
lua_Number box_number(lua_State *L, int index, const char *what, const char *key, lua_Number dflt);
int box_boolean(lua_State *L, int index, const char *what, const char *key, int dflt);
/* The string stays alive as long as the table holds it. NULL where it is nil. */
const char *box_string(lua_State *L, int index, const char *what, const char *key, size_t *len);
/* flags[] of a named choice, as luaL_checkoption: position of the string in `names`, or dflt. */
int box_choice(lua_State *L, int index, const char *what, const char *key, const char *const names[], int dflt);

/* ---- buffers and ids ---- */

/* Box that releases a vt_buffer; a result is put into b->handle and read with vt_buffer_data. */
box *box_push_buffer(lua_State *L);
void box_close_buffer(box *b);
/* Pushes the buffer's bytes as a string, closes the box. */
void box_push_text(lua_State *L, box *buffer);
/* Ids of the list at `arg` in a new userdata that is pushed; *n how many. Raises unless all are integers that fit. */
int32_t *box_ids(lua_State *L, int arg, int64_t *n);
/* Pushes a list of ids. */
void box_push_ids(lua_State *L, const int32_t *ids, int64_t n);

#endif
