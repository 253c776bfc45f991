/* Lua face of venturi/tensor.h: the box, its properties, and numbers on their way to Lua.
 *
 *   t.shape, t.dtype, t.device, t.ndim, t.requires_grad, t.is_leaf, t.grad     (requires_grad and grad can be set)
 *   t:item(), t:totable(), t:tostring_bytes(), t:size(d), t:count(), t:to(device), t:split(sizes, d), #t
 *   vt.dtype_size("f32")
 *
 * Numbers of dimensions and positions count from 1; values of tensors (classes, indices) from 0. A number of a complex type is { re, im }. */
#include "bind_tensor.h"

#include <limits.h>
#include <string.h>

#include "bind.h"
#include "capability.h"

static void release_tensor(void *handle) {
    vt_tensor_release(handle);
}
const box_type bind_tensor_box = {"vt.tensor", "tensor", release_tensor};

vt_tensor *bind_tensor_check(lua_State *L, int arg) { return box_check(L, arg, &bind_tensor_box); }

vt_tensor *bind_tensor_test(lua_State *L, int index) { return box_test(L, index, &bind_tensor_box); }

box *bind_tensor_push(lua_State *L) { return box_push(L, &bind_tensor_box, 0); }

int32_t bind_tensor_dtype(lua_State *L, const char *what, const char *name) {
    int32_t dtype = 0;
    if (vt_dtype_find(name, &dtype) != VT_OK) box_raise(L, VT_ERR_DTYPE, "%s: there is no type '%s'", what, name);
    return dtype;
}

int bind_dtype_is_complex(int32_t dtype) { return dtype == VT_DTYPE_C64 || dtype == VT_DTYPE_C128; }

int bind_dtype_is_float(int32_t dtype) {
    return dtype == VT_DTYPE_F16 || dtype == VT_DTYPE_BF16 || dtype == VT_DTYPE_F32 || dtype == VT_DTYPE_F64;
}

/* ---- operations by name ---- */

int32_t bind_tensor_find(const char *name) {
    int32_t op = -1;
    return vt_op_find(name, &op) == VT_OK ? op : -1;
}

void bind_tensor_run(lua_State *L, const char *name, vt_tensor *const *in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs) {
    vt_tensor *out[VT_OP_MAX_OUTPUTS] = {0};
    int32_t op = -1;
    box *b = bind_tensor_push(L);
    box_ok(L, vt_op_find(name, &op));
    box_ok(L, vt_op_run(vt__capability_get(L)->ctx, op, in, n_in, attrs, n_attrs, out));
    b->handle = out[0];
}

void bind_tensor_cast(lua_State *L, vt_tensor *t, int32_t dtype) {
    vt_attr attr = {.name = "dtype", .i = dtype};
    bind_tensor_run(L, "cast", &t, 1, &attr, 1);
}

/* ---- numbers to Lua ---- */

void bind_element_push(lua_State *L, int32_t dtype, const void *data, int64_t i) {
    switch (dtype) {
    case VT_DTYPE_BOOL: lua_pushboolean(L, ((const uint8_t *)data)[i]); return;
    case VT_DTYPE_U8: lua_pushinteger(L, ((const uint8_t *)data)[i]); return;
    case VT_DTYPE_I8: lua_pushinteger(L, ((const int8_t *)data)[i]); return;
    case VT_DTYPE_I32: lua_pushinteger(L, ((const int32_t *)data)[i]); return;
    case VT_DTYPE_I64: lua_pushinteger(L, ((const int64_t *)data)[i]); return;
    case VT_DTYPE_F32: lua_pushnumber(L, (lua_Number)((const float *)data)[i]); return;
    case VT_DTYPE_F64: lua_pushnumber(L, ((const double *)data)[i]); return;
    default: break;
    }
    int32_t part = dtype == VT_DTYPE_C64 ? VT_DTYPE_F32 : VT_DTYPE_F64;
    lua_createtable(L, 2, 0);
    for (int k = 0; k < 2; k++) {
        bind_element_push(L, part, data, 2 * i + k);
        lua_rawseti(L, -2, k + 1);
    }
}

void *bind_tensor_elements(lua_State *L, vt_tensor *t, int32_t *dtype) {
    *dtype = vt_tensor_dtype(t);
    int is_half = *dtype == VT_DTYPE_F16 || *dtype == VT_DTYPE_BF16;
    if (is_half) {
        int32_t mode = vt_grad_mode_set(0);
        vt_attr attr = {.name = "dtype", .i = *dtype = VT_DTYPE_F32};
        vt_tensor *wide[VT_OP_MAX_OUTPUTS] = {0};
        box *b = bind_tensor_push(L);
        vt_status st = vt_op_run(vt__capability_get(L)->ctx, bind_tensor_find("cast"), &t, 1, &attr, 1, wide);
        (void)vt_grad_mode_set(mode);
        box_ok(L, st);
        b->handle = t = wide[0];
    }
    size_t size = (size_t)vt_tensor_count(t) * vt_dtype_size(*dtype);
    vt__capability_charge_for(L, size, VT__COST_COPY);
    void *data = lua_newuserdatauv(L, size ? size : 1, 0);
    box_ok(L, vt_tensor_read(t, data, size));
    if (is_half) lua_remove(L, -2);
    return data;
}

/* Pushes the elements of dimension d and behind, beginning with number *at. */
static void push_nested(lua_State *L, const vt_tensor *t, int32_t dtype, const void *data, int32_t d, int64_t *at) {
    if (d == vt_tensor_n_dims(t)) {
        bind_element_push(L, dtype, data, (*at)++);
        return;
    }
    int64_t n = vt_tensor_shape(t)[d];
    luaL_checkstack(L, 4, NULL);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        push_nested(L, t, dtype, data, d + 1, at);
        lua_rawseti(L, -2, i + 1);
    }
}

/* t:totable() -> lists in lists; a number where there is no dimension */
static int totable(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1);
    int64_t at = 0, lists = 1;
    int32_t dtype;
    for (int32_t d = 0; d < vt_tensor_n_dims(t); d++) { /* an extent of 0 behind large ones makes lists, too */
        if (__builtin_mul_overflow(lists, vt_tensor_shape(t)[d], &lists)) box_raise(L, VT_ERR_SHAPE, "totable: too many lists");
        vt__capability_charge_for(L, (uint64_t)lists, VT__COST_ITEM);
    }
    const void *data = bind_tensor_elements(L, t, &dtype);
    push_nested(L, t, dtype, data, 0, &at);
    return 1;
}

/* t:item() -> the number of a tensor that has one */
static int item(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1);
    int32_t dtype;
    if (vt_tensor_count(t) != 1) box_raise(L, VT_ERR_SHAPE, "item: the tensor has %I elements", (LUAI_UACINT)vt_tensor_count(t));
    const void *data = bind_tensor_elements(L, t, &dtype);
    bind_element_push(L, dtype, data, 0);
    return 1;
}

/* t:tostring_bytes() -> the elements as they lie in memory, row-major */
static int tostring_bytes(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1);
    size_t size = (size_t)vt_tensor_count(t) * vt_dtype_size(vt_tensor_dtype(t));
    vt__capability_charge_for(L, size, VT__COST_COPY);
    luaL_Buffer b;
    char *to = luaL_buffinitsize(L, &b, size ? size : 1);
    box_ok(L, vt_tensor_read(t, to, size));
    luaL_pushresultsize(&b, size);
    return 1;
}

/* ---- properties ---- */

static int push_shape(lua_State *L, const vt_tensor *t) {
    int32_t n = vt_tensor_n_dims(t);
    lua_createtable(L, n, 0);
    for (int32_t i = 0; i < n; i++) {
        lua_pushinteger(L, vt_tensor_shape(t)[i]);
        lua_rawseti(L, -2, i + 1);
    }
    return 1;
}

/* t:size() -> extents; t:size(d) -> one; d from 1, negative from the end */
static int size(lua_State *L) {
    const vt_tensor *t = bind_tensor_check(L, 1);
    if (lua_isnoneornil(L, 2)) return push_shape(L, t);
    lua_Integer d = luaL_checkinteger(L, 2), n = vt_tensor_n_dims(t);
    if (d == 0 || d > n || d < -n) box_raise(L, VT_ERR_SHAPE, "size: dimension %I of a tensor that has %I", (LUAI_UACINT)d, (LUAI_UACINT)n);
    lua_pushinteger(L, vt_tensor_shape(t)[d > 0 ? d - 1 : n + d]);
    return 1;
}

static int count(lua_State *L) {
    lua_pushinteger(L, vt_tensor_count(bind_tensor_check(L, 1)));
    return 1;
}

static int length(lua_State *L) {
    const vt_tensor *t = bind_tensor_check(L, 1);
    if (vt_tensor_n_dims(t) == 0) box_raise(L, VT_ERR_SHAPE, "#: the tensor has no dimensions");
    lua_pushinteger(L, vt_tensor_shape(t)[0]);
    return 1;
}

/* Lua makes a boolean of whatever < and <= give. */
static int compare(lua_State *L) { return box_raise(L, VT_ERR_INVALID, "tensors: < and <= have one answer; elements are compared by a:lt(b) and a:le(b)"); }

/* Names as in { device = "opaque" }: the second one computes like the first, over addresses that nobody but its own code can read. */
static const char *const devices[] = {"cpu", "opaque", NULL};

static int to_device(lua_State *L) {
    vt_tensor *t = bind_tensor_check(L, 1), *out = NULL;
    int32_t device = luaL_checkoption(L, 2, NULL, devices);
    box *b = bind_tensor_push(L);
    box_ok(L, vt_tensor_to_device(t, device, &out));
    b->handle = out;
    return 1;
}

enum { SHAPE, DTYPE, NDIM, DEVICE, REQUIRES_GRAD, IS_LEAF, GRAD };
static const char *const properties[] = {"shape", "dtype", "ndim", "device", "requires_grad", "is_leaf", "grad"};

static int find_property(const char *name) {
    for (int i = 0; i < (int)(sizeof properties / sizeof *properties); i++)
        if (strcmp(name, properties[i]) == 0) return i;
    return -1;
}

int bind_tensor_property(lua_State *L, vt_tensor *t, const char *name) {
    vt_tensor *grad;
    switch (find_property(name)) {
    case SHAPE: return push_shape(L, t);
    case DTYPE: lua_pushstring(L, vt_dtype_name(vt_tensor_dtype(t))); return 1;
    case NDIM: lua_pushinteger(L, vt_tensor_n_dims(t)); return 1;
    case DEVICE: lua_pushstring(L, devices[vt_tensor_device(t) == VT_DEVICE_CPU ? 0 : 1]); return 1;
    case REQUIRES_GRAD: lua_pushboolean(L, vt_tensor_requires_grad(t)); return 1;
    case IS_LEAF: lua_pushboolean(L, vt_tensor_is_leaf(t)); return 1;
    case GRAD: break;
    default: return 0;
    }
    box *b = bind_tensor_push(L);
    grad = vt_tensor_grad(t);
    b->handle = grad;
    if (!grad) lua_pushnil(L);
    return 1;
}

int bind_tensor_set_property(lua_State *L, vt_tensor *t, const char *name, int value) {
    switch (find_property(name)) {
    case REQUIRES_GRAD: box_ok(L, vt_tensor_set_requires_grad(t, lua_toboolean(L, value))); return 1;
    case GRAD: box_ok(L, vt_tensor_set_grad(t, lua_isnil(L, value) ? NULL : bind_tensor_check(L, value))); return 1;
    default: return 0;
    }
}

/* ---- module ---- */

/* vt.is_tensor(value) -> boolean; a closed one is one too */
static int is_tensor(lua_State *L) {
    lua_pushboolean(L, luaL_testudata(L, 1, bind_tensor_box.name) != NULL);
    return 1;
}

static int dtype_size(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)vt_dtype_size(bind_tensor_dtype(L, "dtype_size", luaL_checkstring(L, 1))));
    return 1;
}

static void metamethod(lua_State *L, const char *name, lua_CFunction f) {
    lua_pushvalue(L, -2); /* the methods */
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
}

void bind_tensor(lua_State *L) {
    static const luaL_Reg methods[] = {{"item", item}, {"totable", totable}, {"tostring_bytes", tostring_bytes}, {"size", size}, {"count", count},
        {"to", to_device}, {"split", bind_tensor_split}, {NULL, NULL}};
    box_register(L, &bind_tensor_box, methods);
    luaL_getmetatable(L, bind_tensor_box.name);
    lua_getfield(L, -1, "__index");
    if (!lua_istable(L, -1)) lua_getupvalue(L, -1, 1), lua_remove(L, -2); /* opened before in this state */
    lua_insert(L, -2);
    metamethod(L, "__index", bind_tensor_index);
    metamethod(L, "__newindex", bind_tensor_newindex);
    metamethod(L, "__len", length);
    metamethod(L, "__pairs", bind_tensor_pairs);
    metamethod(L, "__lt", compare);
    metamethod(L, "__le", compare);
    metamethod(L, "__tostring", bind_tensor_tostring);
    lua_pop(L, 1);
    lua_insert(L, -2); /* the methods below the module */
    lua_pushcfunction(L, dtype_size);
    lua_setfield(L, -2, "dtype_size");
    lua_pushcfunction(L, is_tensor);
    lua_setfield(L, -2, "is_tensor");
    bind_tensor_make(L);
    bind_tensor_file(L);
    bind_tensor_ops(L);
    bind_autograd(L);
    lua_remove(L, -2);
}
