/* t.NAME: a property or a method; t[...]: views by position, and writing to them.
 *
 *   t[2], t[-1]                        the second and the last place of the first dimension, which is gone
 *   t[{ 2, {}, { 1, 3 }, { 1, -1, 2 } }]   an item a dimension: a place; all; first to last place, both included; the same in steps
 *   t[indices], t[mask]                places by a tensor (bind_tensor_pick.c), a copy; indices count from 0 as all values of tensors do
 *   t[...] = number, boolean or tensor     as copy_, with the value's extents broadcast
 *   for i, row in pairs(t)                 places of the first dimension
 *   t:split(sizes, dim)                    a list of views
 *
 * Positions count from 1, negative ones from the end. Dimensions without an item are whole. */
#include "bind_tensor.h"
#include "capability.h"
#include "venturi/context.h"

static const char WHAT[] = "index";

/* Position p of dimension d in 0-based places; one that is not there raises. */
static int64_t place(lua_State *L, int64_t p, int64_t extent, int32_t d) {
    int64_t at = p > 0 ? p - 1 : p + extent;
    if (p == 0 || at < 0 || at >= extent)
        box_raise(L, VT_ERR_SHAPE, "%s: position %I in dimension %d, which has %I places from 1", WHAT, (LUAI_UACINT)p, d + 1, (LUAI_UACINT)extent);
    return at;
}

/* Pushes the view of t at one place of dimension d. */
static void push_place(lua_State *L, vt_tensor *t, int32_t d, int64_t p, int32_t named) {
    int64_t at = place(L, p, vt_tensor_shape(t)[d], named);
    vt_attr attrs[] = {{.name = "dim", .i = d}, {.name = "index", .i = at}};
    bind_tensor_run(L, "select", &t, 1, attrs, 2);
}

static int64_t bound(lua_State *L, int item, int i, int64_t dflt) {
    int ok = 0;
    if (lua_rawgeti(L, item, i) == LUA_TNIL) {
        lua_pop(L, 1);
        return dflt;
    }
    int64_t v = lua_tointegerx(L, -1, &ok);
    if (!ok) box_raise(L, VT_ERR_INVALID, "%s: a range is { first, last, step } of integers, got %s", WHAT, luaL_typename(L, -1));
    lua_pop(L, 1);
    return v;
}

/* Pushes the view of t with the range at stack index `item`; an empty range is one whose last place is just before the first. */
static void push_range(lua_State *L, vt_tensor *t, int32_t d, int item, int32_t named) {
    int64_t extent = vt_tensor_shape(t)[d], first = bound(L, item, 1, 1), last = bound(L, item, 2, -1), step = bound(L, item, 3, 1);
    int is_whole = lua_rawlen(L, item) == 0;
    if (lua_rawlen(L, item) > 3 || step < 1)
        box_raise(L, VT_ERR_INVALID, "%s: a range is { first, last, step }, the step at least 1", WHAT);
    int64_t start = is_whole ? 0 : first > 0 ? first - 1 : first + extent, stop = is_whole ? extent : last > 0 ? last : last + extent + 1;
    if (last == 0) stop = 0;
    if ((first == 0 && !is_whole) || start < 0 || stop < start || stop > extent)
        box_raise(L, VT_ERR_SHAPE, "%s: places %I to %I of dimension %d, which has %I from 1", WHAT, (LUAI_UACINT)first, (LUAI_UACINT)last, named + 1,
                  (LUAI_UACINT)extent);
    vt_attr attrs[] = {{.name = "dim", .i = d}, {.name = "start", .i = start}, {.name = "stop", .i = stop}, {.name = "step", .i = step}};
    bind_tensor_run(L, "slice", &t, 1, attrs, 4);
}

/* Pushes the view that the items of the table at stack index `key` say. */
static void push_items(lua_State *L, vt_tensor *t, int key) {
    lua_Unsigned n = lua_rawlen(L, key);
    int32_t d = 0;
    if (n > (lua_Unsigned)vt_tensor_n_dims(t))
        box_raise(L, VT_ERR_SHAPE, "%s: %I items for a tensor of %d dimensions", WHAT, (LUAI_UACINT)n, vt_tensor_n_dims(t));
    luaL_checkstack(L, 2 * VT_MAX_DIMS + LUA_MINSTACK, NULL);
    lua_pushvalue(L, 1);
    for (int i = 0; i < (int)n; i++) {
        t = bind_tensor_check(L, -1);
        lua_rawgeti(L, key, i + 1);
        int item = lua_gettop(L), ok = 0;
        if (lua_istable(L, item)) {
            push_range(L, t, d++, item, i);
        } else {
            int64_t p = lua_tointegerx(L, item, &ok);
            if (!ok) box_raise(L, VT_ERR_INVALID, "%s: item %d must be an integer or a range, got %s", WHAT, i + 1, luaL_typename(L, item));
            push_place(L, t, d, p, i);
        }
        lua_remove(L, item);
    }
}

/* Pushes what t[key] is, t at index 1 and the key at 2. */
static void push_part(lua_State *L, vt_tensor *t) {
    vt_tensor *by = bind_tensor_test(L, 2);
    int ok = 0;
    if (lua_istable(L, 2)) {
        push_items(L, t, 2);
        return;
    }
    if (by) {
        bind_tensor_pick(L, t, by);
        return;
    }
    int64_t p = lua_tointegerx(L, 2, &ok);
    if (!ok) box_raise(L, VT_ERR_INVALID, "%s: an integer, a table or a name is needed, got %s", WHAT, luaL_typename(L, 2));
    if (vt_tensor_n_dims(t) == 0) box_raise(L, VT_ERR_SHAPE, "%s: the tensor has no dimensions", WHAT);
    push_place(L, t, 0, p, 0);
}

/* Upvalue 1: the methods. */
int bind_tensor_index(lua_State *L) {
    if (lua_type(L, 2) != LUA_TSTRING) {
        push_part(L, bind_tensor_check(L, 1));
        return 1;
    }
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    if (!bind_tensor_property(L, bind_tensor_check(L, 1), lua_tostring(L, 2))) lua_pushnil(L);
    return 1;
}

/* Extent of piece i, from 1: of the list at index 2, or that number for all but a shorter last one. */
static int64_t piece(lua_State *L, int i, int64_t left) {
    int ok = 0;
    int64_t n;
    if (lua_istable(L, 2)) {
        lua_rawgeti(L, 2, i);
        n = lua_tointegerx(L, -1, &ok);
        lua_pop(L, 1);
        if (!ok || n < 0 || n > left) box_raise(L, VT_ERR_SHAPE, "split: piece %d is no extent of at most %I", i, (LUAI_UACINT)left);
        return n;
    }
    n = luaL_checkinteger(L, 2);
    if (n < 1) box_raise(L, VT_ERR_INVALID, "split: pieces of %I places", (LUAI_UACINT)n);
    return n < left ? n : left;
}

/* t:split(size, dim = 1), t:split({ size, ... }, dim = 1) -> list of views one behind the other */
int bind_tensor_split(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1);
    int32_t n_dims = vt_tensor_n_dims(t);
    lua_Integer dim = luaL_optinteger(L, 3, 1);
    if (dim == 0 || dim > n_dims || dim < -n_dims) box_raise(L, VT_ERR_SHAPE, "split: dimension %I of a tensor that has %d", (LUAI_UACINT)dim, n_dims);
    int32_t d = (int32_t)(dim > 0 ? dim - 1 : dim + n_dims);
    int64_t start = 0, extent = vt_tensor_shape(t)[d], n_pieces = lua_istable(L, 2) ? (int64_t)lua_rawlen(L, 2) : -1;
    lua_settop(L, 3);
    lua_newtable(L);
    for (int i = 1; n_pieces < 0 ? start < extent : i <= n_pieces; i++) {
        int64_t n = piece(L, i, extent - start);
        vt_attr attrs[] = {{.name = "dim", .i = d}, {.name = "start", .i = start}, {.name = "stop", .i = start + n}};
        vt__capability_charge_for(L, 1, VT__COST_ITEM);
        bind_tensor_run(L, "slice", &t, 1, attrs, 3);
        lua_rawseti(L, 4, i);
        start += n;
    }
    if (start != extent) box_raise(L, VT_ERR_SHAPE, "split: pieces of %I places in all, the dimension has %I", (LUAI_UACINT)start, (LUAI_UACINT)extent);
    return 1;
}

static void push_extents(lua_State *L, const int64_t *shape, int32_t n_dims) {
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    luaL_addchar(&b, '[');
    for (int32_t d = 0; d < n_dims; d++) {
        if (d) luaL_addchar(&b, ',');
        lua_pushinteger(L, shape[d]);
        luaL_addvalue(&b);
    }
    luaL_addchar(&b, ']');
    luaL_pushresult(&b);
}

vt_tensor *bind_tensor_push_value(lua_State *L, int index, const vt_tensor *like, const int64_t *shape, int32_t n_dims) {
    vt_tensor *value = bind_tensor_test(L, index);
    if (!value) {
        bind_tensor_scalar(L, index, WHAT, vt_tensor_dtype(like), vt_tensor_device(like));
    } else if (vt_tensor_dtype(value) != vt_tensor_dtype(like)) {
        bind_tensor_cast(L, value, vt_tensor_dtype(like));
    } else {
        lua_pushvalue(L, index);
    }
    value = bind_tensor_check(L, -1);
    int32_t n = vt_tensor_n_dims(value), fits = n <= n_dims;
    for (int32_t d = 1; fits && d <= n; d++) fits = vt_tensor_shape(value)[n - d] == 1 || vt_tensor_shape(value)[n - d] == shape[n_dims - d];
    if (!fits) {
        push_extents(L, vt_tensor_shape(value), n);
        push_extents(L, shape, n_dims);
        box_raise(L, VT_ERR_SHAPE, "%s: a value of %s for places of %s", WHAT, lua_tostring(L, -2), lua_tostring(L, -1));
    }
    vt_attr attr = {.name = "shape", .list = shape, .n_list = n_dims};
    bind_tensor_run(L, "expand", &value, 1, &attr, 1);
    return bind_tensor_check(L, -1);
}

static int next_row(lua_State *L) {
    lua_Integer i = luaL_checkinteger(L, 2) + 1;
    if (i > vt_tensor_shape(bind_tensor_check(L, 1))[0]) return 0;
    lua_pushinteger(L, i);
    lua_geti(L, 1, i);
    return 2;
}

int bind_tensor_pairs(lua_State *L) {
    if (vt_tensor_n_dims(bind_tensor_check(L, 1)) == 0) box_raise(L, VT_ERR_SHAPE, "pairs: the tensor has no dimensions");
    lua_pushcfunction(L, next_row);
    lua_pushvalue(L, 1);
    lua_pushinteger(L, 0);
    return 3;
}

int bind_tensor_newindex(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1), *part, *value;
    if (lua_type(L, 2) == LUA_TSTRING) {
        if (bind_tensor_set_property(L, t, lua_tostring(L, 2), 3)) return 0;
        return box_raise(L, VT_ERR_INVALID, "tensor: '%s' cannot be set", lua_tostring(L, 2));
    }
    if (bind_tensor_test(L, 2)) {
        bind_tensor_put(L, t, bind_tensor_test(L, 2), 3);
        return 0;
    }
    push_part(L, t);
    part = bind_tensor_check(L, -1);
    value = bind_tensor_push_value(L, 3, part, vt_tensor_shape(part), vt_tensor_n_dims(part));
    box_ok(L, vt_op_run_into(vt__capability_get(L)->ctx, bind_tensor_find("copy"), &value, 1, NULL, 0, &part, 1));
    return 0;
}
