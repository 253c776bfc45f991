/* Tensors out of Lua values. OPTIONS: { dtype = "f32", device = "cpu", requires_grad = false }.
 *
 *   vt.tensor(number | boolean | lists in lists | tensor, OPTIONS)    dtype: what the numbers are (integers i64 unless a gradient is
 *                                                                     wanted, others f32), a tensor's own
 *   vt.zeros(2, 3, OPTIONS), vt.zeros({ 2, 3 }, OPTIONS), vt.ones, vt.empty (zeros: nothing is left unset)
 *   vt.full({ 2, 3 }, value, OPTIONS)
 *   vt.arange(stop), vt.arange(start, stop, step = 1, OPTIONS)        start, start + step, ... below stop; i64 where all are integers
 *   vt.linspace(start, stop, n, OPTIONS)                              n numbers, both ends among them
 *   vt.eye(n, m = n, OPTIONS)
 *   vt.from_string(bytes, dtype, shape)                               elements as they lie in memory, row-major */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "bind_tensor.h"
#include "capability.h"
#include "venturi/context.h"

typedef struct make {
    const char *what;
    int32_t dtype, device, requires_grad; /* dtype -1: not said */
} make;

static make options(lua_State *L, const char *what, int index, int32_t dtype) {
    static const char *const known[] = {"dtype", "device", "requires_grad", NULL}, *const devices[] = {"cpu", "opaque", NULL};
    make m = {what, dtype, 0, 0};
    (void)box_options(L, index, what, known);
    const char *name = box_string(L, index, what, "dtype", NULL);
    if (name) m.dtype = bind_tensor_dtype(L, what, name);
    m.device = box_choice(L, index, what, "device", devices, 0);
    m.requires_grad = box_boolean(L, index, what, "requires_grad", 0);
    return m;
}

int32_t bind_tensor_shape(lua_State *L, const char *what, int first, int last, int64_t *shape) {
    int is_list = first <= last && lua_istable(L, first);
    lua_Unsigned n = is_list ? lua_rawlen(L, first) : (lua_Unsigned)(last - first + 1);
    if (n > VT_MAX_DIMS) box_raise(L, VT_ERR_SHAPE, "%s: %I dimensions, at most %d are possible", what, (LUAI_UACINT)n, VT_MAX_DIMS);
    for (int i = 0; i < (int)n; i++) {
        int ok = 0;
        if (is_list) lua_rawgeti(L, first, i + 1);
        else lua_pushvalue(L, first + i);
        shape[i] = lua_tointegerx(L, -1, &ok);
        if (!ok || lua_type(L, -1) != LUA_TNUMBER) box_raise(L, VT_ERR_INVALID, "%s: extent %d must be an integer, got %s", what, i + 1, luaL_tolstring(L, -1, NULL));
        lua_pop(L, 1);
    }
    return (int32_t)n;
}

/* ---- elements ---- */

static int set_integer(int32_t dtype, void *data, int64_t i, lua_Integer v) {
    switch (dtype) {
    case VT_DTYPE_BOOL: ((uint8_t *)data)[i] = v != 0; return v == 0 || v == 1;
    case VT_DTYPE_U8: ((uint8_t *)data)[i] = (uint8_t)v; return v >= 0 && v <= UINT8_MAX;
    case VT_DTYPE_I8: ((int8_t *)data)[i] = (int8_t)v; return v >= INT8_MIN && v <= INT8_MAX;
    case VT_DTYPE_I32: ((int32_t *)data)[i] = (int32_t)v; return v >= INT32_MIN && v <= INT32_MAX;
    default: ((int64_t *)data)[i] = v; return 1;
    }
}

static void set_float(int32_t dtype, void *data, int64_t i, lua_Number v) {
    if (dtype == VT_DTYPE_F32) ((float *)data)[i] = (float)v;
    else ((double *)data)[i] = v;
}

static lua_Number part(lua_State *L, const char *what, int index, int k) {
    int ok = 0;
    if (lua_istable(L, index)) {
        lua_rawgeti(L, index, k + 1);
        lua_Number v = lua_tonumberx(L, -1, &ok);
        if (!ok || lua_rawlen(L, index) != 2) box_raise(L, VT_ERR_INVALID, "%s: a complex number is { re, im }", what);
        lua_pop(L, 1);
        return v;
    }
    lua_Number v = lua_tonumberx(L, index, &ok);
    if (!ok) box_raise(L, VT_ERR_INVALID, "%s: a number is needed, got %s", what, luaL_typename(L, index));
    return k == 0 ? v : 0;
}

void bind_element_set(lua_State *L, const char *what, int32_t dtype, void *data, int64_t i, int index) {
    int ok = 1;
    index = lua_absindex(L, index);
    if (bind_dtype_is_complex(dtype)) {
        for (int k = 0; k < 2; k++) set_float(dtype == VT_DTYPE_C64 ? VT_DTYPE_F32 : VT_DTYPE_F64, data, 2 * i + k, part(L, what, index, k));
    } else if (lua_isboolean(L, index)) {
        if (bind_dtype_is_float(dtype)) set_float(dtype, data, i, lua_toboolean(L, index));
        else (void)set_integer(dtype, data, i, lua_toboolean(L, index));
    } else if (lua_type(L, index) != LUA_TNUMBER) {
        box_raise(L, VT_ERR_INVALID, "%s: a number is needed, got %s", what, luaL_typename(L, index));
    } else if (bind_dtype_is_float(dtype)) {
        set_float(dtype, data, i, lua_tonumber(L, index));
    } else {
        lua_Integer v = lua_tointegerx(L, index, &ok);
        if (ok) ok = set_integer(dtype, data, i, v);
    }
    if (!ok) box_raise(L, VT_ERR_INVALID, "%s: %s is no %s", what, luaL_tolstring(L, index, NULL), vt_dtype_name(dtype));
}

/* ---- making ---- */

static int is_half(int32_t dtype) { return dtype == VT_DTYPE_F16 || dtype == VT_DTYPE_BF16; }

/* The type in which the binding writes elements; the cast to f16 and bf16 is an operation's. */
static int32_t host_dtype(int32_t dtype) { return is_half(dtype) ? VT_DTYPE_F32 : dtype; }

/* Elements of a shape; raises where they cannot be. */
static int64_t elements(lua_State *L, const char *what, const int64_t *shape, int32_t n_dims) {
    int64_t n = 1;
    for (int32_t d = 0; d < n_dims; d++)
        if (shape[d] < 0 || __builtin_mul_overflow(n, shape[d], &n) || n > INT64_MAX / 32)
            box_raise(L, VT_ERR_SHAPE, "%s: extent %I in dimension %d", what, (LUAI_UACINT)shape[d], d + 1);
    return n;
}

/* Pushes a block for n elements of the type in which they are written. */
static void *block(lua_State *L, int32_t dtype, int64_t n) {
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    size_t size = (size_t)n * vt_dtype_size(host_dtype(dtype));
    return lua_newuserdatauv(L, size ? size : 1, 0);
}

/* Pushes the tensor of these elements; data NULL: zeros. */
static int finish(lua_State *L, const make *m, const int64_t *shape, int32_t n_dims, const void *data) {
    vt_tensor *t = NULL;
    int32_t dtype = host_dtype(m->dtype), mode;
    box *b = bind_tensor_push(L);
    if (!data) dtype = m->dtype;
    box_ok(L, vt_tensor_create(vt__capability_get(L)->ctx, dtype, shape, n_dims, m->device, &t));
    b->handle = t;
    if (data) box_ok(L, vt_tensor_write(t, data, (size_t)vt_tensor_count(t) * vt_dtype_size(dtype)));
    if (dtype != m->dtype) {
        vt_tensor *out[VT_OP_MAX_OUTPUTS] = {0};
        vt_attr attr = {.name = "dtype", .i = m->dtype};
        mode = vt_grad_mode_set(0);
        vt_status st = vt_op_run(vt__capability_get(L)->ctx, bind_tensor_find("cast"), &t, 1, &attr, 1, out);
        (void)vt_grad_mode_set(mode);
        box_ok(L, st);
        vt_tensor_release(t);
        b->handle = t = out[0];
    }
    if (m->requires_grad) box_ok(L, vt_tensor_set_requires_grad(t, 1));
    return 1;
}

void bind_tensor_scalar(lua_State *L, int index, const char *what, int32_t dtype, int32_t device) {
    make m = {what, dtype, device, 0};
    char number[16];
    bind_element_set(L, what, host_dtype(dtype), number, 0, index);
    (void)finish(L, &m, NULL, 0, number);
}

void bind_tensor_variable(lua_State *L, int index, const char *variable, int32_t dtype, int32_t device) {
    vt_context *ctx = vt__capability_get(L)->ctx;
    vt_tensor *t = NULL;
    vt_attr value = {.name = "value", .f = lua_tonumber(L, index), .text = variable};
    box *b = bind_tensor_push(L);
    box_ok(L, vt_tensor_create(ctx, dtype, NULL, 0, device, &t));
    b->handle = t;
    box_ok(L, vt_op_run_into(ctx, bind_tensor_find("fill"), &t, 1, &value, 1, &t, 1));
}

/* ---- vt.tensor ---- */

typedef struct nest {
    const make *m;
    int64_t shape[VT_MAX_DIMS + 1];
    int32_t n_dims, has_float, has_integer;
    int64_t at;
    void *data;
} nest;

/* Extents along the first elements; the other elements are checked while they are read. */
static void measure(lua_State *L, nest *n) {
    int most = VT_MAX_DIMS + (n->m->dtype >= 0 && bind_dtype_is_complex(n->m->dtype)); /* the innermost list is { re, im } */
    lua_pushvalue(L, 1);
    while (lua_istable(L, -1)) {
        if (n->n_dims == most) box_raise(L, VT_ERR_SHAPE, "%s: lists deeper than %d", n->m->what, most);
        n->shape[n->n_dims++] = (int64_t)lua_rawlen(L, -1);
        lua_rawgeti(L, -1, 1);
        lua_remove(L, -2);
    }
    if (most > VT_MAX_DIMS && n->n_dims > 0 && (n->n_dims == most || n->shape[n->n_dims - 1] != 0)) n->n_dims--;
    lua_pop(L, 1);
}

/* The value on the top, dimension d of the nest: what types its numbers have. */
static void look(lua_State *L, nest *n, int32_t d) {
    if (d == n->n_dims) {
        if (lua_type(L, -1) == LUA_TNUMBER) *(lua_isinteger(L, -1) ? &n->has_integer : &n->has_float) = 1;
        return;
    }
    if (!lua_istable(L, -1) || (int64_t)lua_rawlen(L, -1) != n->shape[d])
        box_raise(L, VT_ERR_SHAPE, "%s: a list of %I is needed in dimension %d, as the first one is", n->m->what, (LUAI_UACINT)n->shape[d], d + 1);
    for (int64_t i = 0; i < n->shape[d]; i++) {
        lua_rawgeti(L, -1, i + 1);
        look(L, n, d + 1);
        lua_pop(L, 1);
    }
}

static void fill(lua_State *L, nest *n, int32_t d) {
    if (d == n->n_dims) {
        bind_element_set(L, n->m->what, host_dtype(n->m->dtype), n->data, n->at++, -1);
        return;
    }
    for (int64_t i = 0; i < n->shape[d]; i++) {
        lua_rawgeti(L, -1, i + 1);
        fill(L, n, d + 1);
        lua_pop(L, 1);
    }
}

static int from_tensor(lua_State *L, vt_tensor *t) {
    make m = options(L, "tensor", 2, vt_tensor_dtype(t));
    vt_tensor *moved = NULL;
    box *b = bind_tensor_push(L);
    int32_t mode = vt_grad_mode_set(0);
    vt_attr attr = {.name = "dtype", .i = m.dtype};
    vt_tensor *out[VT_OP_MAX_OUTPUTS] = {0};
    int is_cast = m.dtype != vt_tensor_dtype(t);
    vt_status st = vt_op_run(vt__capability_get(L)->ctx, bind_tensor_find(is_cast ? "cast" : "copy"), &t, 1, &attr, is_cast, out);
    (void)vt_grad_mode_set(mode);
    box_ok(L, st);
    b->handle = out[0];
    box_ok(L, vt_tensor_to_device(out[0], m.device, &moved));
    vt_tensor_release(out[0]);
    b->handle = moved;
    if (m.requires_grad) box_ok(L, vt_tensor_set_requires_grad(moved, 1));
    return 1;
}

static int tensor(lua_State *L) {
    lua_settop(L, 2);
    vt_tensor *t = bind_tensor_test(L, 1);
    if (t) return from_tensor(L, t);
    make m = options(L, "tensor", 2, -1);
    nest n = {.m = &m};
    luaL_checkstack(L, VT_MAX_DIMS + 8, NULL);
    measure(L, &n);
    int64_t count = elements(L, m.what, n.shape, n.n_dims);
    vt__capability_charge_for(L, (uint64_t)count, VT__COST_ITEM);
    lua_pushvalue(L, 1);
    look(L, &n, 0);
    if (m.dtype < 0) m.dtype = n.has_float || m.requires_grad || count == 0 ? VT_DTYPE_F32 : n.has_integer ? VT_DTYPE_I64 : VT_DTYPE_BOOL;
    n.data = block(L, m.dtype, count);
    lua_insert(L, -2);
    fill(L, &n, 0);
    return finish(L, &m, n.shape, n.n_dims, n.data);
}

/* ---- by a rule ---- */

/* Extents in front of an optional table of options; *last: index of the options. */
static int32_t leading_shape(lua_State *L, const char *what, int64_t *shape, int *opt) {
    int top = lua_gettop(L), last = top;
    if (top > 1 && lua_istable(L, top)) last--;
    *opt = last + 1;
    if (last >= 1 && lua_istable(L, 1) && last > 1) box_raise(L, VT_ERR_INVALID, "%s: extents are a list or several integers", what);
    return bind_tensor_shape(L, what, 1, last, shape);
}

/* A tensor whose elements are all the value at index `value`; 0: zero. */
static int filled(lua_State *L, const make *m, const int64_t *shape, int32_t n_dims, int value) {
    int64_t n = elements(L, m->what, shape, n_dims);
    if (!value) {
        vt__capability_charge_for(L, vt__capability_times((uint64_t)n, vt_dtype_size(m->dtype)), VT__COST_COPY);
        return finish(L, m, shape, n_dims, NULL);
    }
    char *data = block(L, m->dtype, n);
    size_t size = vt_dtype_size(host_dtype(m->dtype));
    if (n) bind_element_set(L, m->what, host_dtype(m->dtype), data, 0, value);
    for (int64_t i = 1; i < n; i++) memcpy(data + (size_t)i * size, data, size);
    return finish(L, m, shape, n_dims, data);
}

static int zeros(lua_State *L) {
    int64_t shape[VT_MAX_DIMS];
    int opt;
    int32_t n = leading_shape(L, "zeros", shape, &opt);
    make m = options(L, "zeros", opt, VT_DTYPE_F32);
    return filled(L, &m, shape, n, 0);
}

static int ones(lua_State *L) {
    int64_t shape[VT_MAX_DIMS];
    int opt;
    int32_t n = leading_shape(L, "ones", shape, &opt);
    make m = options(L, "ones", opt, VT_DTYPE_F32);
    lua_pushinteger(L, 1);
    return filled(L, &m, shape, n, lua_gettop(L));
}

static int full(lua_State *L) {
    int64_t shape[VT_MAX_DIMS];
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 3);
    int32_t n = bind_tensor_shape(L, "full", 1, 1, shape);
    make m = options(L, "full", 3, lua_isboolean(L, 2) ? VT_DTYPE_BOOL : lua_isinteger(L, 2) ? VT_DTYPE_I64 : VT_DTYPE_F32);
    return filled(L, &m, shape, n, 2);
}

static void set_number(lua_State *L, const make *m, void *data, int64_t i, lua_Number v) {
    if (bind_dtype_is_float(m->dtype)) {
        set_float(host_dtype(m->dtype), data, i, v);
        return;
    }
    lua_pushnumber(L, v);
    bind_element_set(L, m->what, m->dtype, data, i, -1);
    lua_pop(L, 1);
}

static int arange(lua_State *L) {
    luaL_checkany(L, 1);
    int last = lua_istable(L, -1) ? lua_gettop(L) - 1 : lua_gettop(L), whole = 1;
    luaL_argcheck(L, last >= 1 && last <= 3, last, "stop, or start, stop and a step");
    for (int i = 1; i <= last; i++) whole &= lua_isinteger(L, i);
    lua_Number start = last == 1 ? 0 : luaL_checknumber(L, 1), stop = luaL_checknumber(L, last == 1 ? 1 : 2), step = last < 3 ? 1 : luaL_checknumber(L, 3);
    make m = options(L, "arange", last + 1, whole ? VT_DTYPE_I64 : VT_DTYPE_F32);
    lua_Number count = ceil((stop - start) / step);
    if (!(fabs(step) > 0) || !(count <= 1e15)) box_raise(L, VT_ERR_INVALID, "arange: from %f to %f by %f", start, stop, step);
    int64_t n = count > 0 ? (int64_t)count : 0;
    void *data = block(L, m.dtype, n);
    if (whole && m.dtype == VT_DTYPE_I64) { /* beyond what floats hold, too; i step is within start and stop */
        lua_Integer from = last == 1 ? 0 : lua_tointeger(L, 1), by = last < 3 ? 1 : lua_tointeger(L, 3);
        for (int64_t i = 0; i < n; i++) ((int64_t *)data)[i] = (int64_t)((uint64_t)from + (uint64_t)i * (uint64_t)by);
    } else {
        for (int64_t i = 0; i < n; i++) set_number(L, &m, data, i, start + (lua_Number)i * step);
    }
    return finish(L, &m, &n, 1, data);
}

static int linspace(lua_State *L) {
    lua_Number start = luaL_checknumber(L, 1), stop = luaL_checknumber(L, 2);
    int64_t n = luaL_checkinteger(L, 3);
    luaL_argcheck(L, n >= 0, 3, "a number of elements");
    make m = options(L, "linspace", 4, VT_DTYPE_F32);
    void *data = block(L, m.dtype, elements(L, "linspace", &n, 1));
    for (int64_t i = 0; i < n; i++) /* from the nearer end, so that both are met exactly */
        set_number(L, &m, data, i, i < n / 2 || n == 1 ? start + (lua_Number)i * ((stop - start) / (lua_Number)(n > 1 ? n - 1 : 1))
                                              : stop - (lua_Number)(n - 1 - i) * ((stop - start) / (lua_Number)(n - 1)));
    return finish(L, &m, &n, 1, data);
}

static int eye(lua_State *L) {
    int opt = lua_isinteger(L, 2) ? 3 : 2;
    int64_t shape[] = {luaL_checkinteger(L, 1), opt == 3 ? lua_tointeger(L, 2) : luaL_checkinteger(L, 1)};
    make m = options(L, "eye", opt, VT_DTYPE_F32);
    int64_t n = elements(L, "eye", shape, 2);
    char *data = block(L, m.dtype, n);
    memset(data, 0, (size_t)n * vt_dtype_size(host_dtype(m.dtype)));
    lua_pushinteger(L, 1);
    for (int64_t i = 0; i < shape[0] && i < shape[1]; i++) bind_element_set(L, "eye", host_dtype(m.dtype), data, i * shape[1] + i, -1);
    return finish(L, &m, shape, 2, data);
}

static int from_string(lua_State *L) {
    int64_t shape[VT_MAX_DIMS];
    size_t size;
    const char *bytes = luaL_checklstring(L, 1, &size);
    make m = {"from_string", bind_tensor_dtype(L, "from_string", luaL_checkstring(L, 2)), 0, 0};
    luaL_checktype(L, 3, LUA_TTABLE);
    int32_t n_dims = bind_tensor_shape(L, "from_string", 3, 3, shape);
    int64_t n = elements(L, "from_string", shape, n_dims);
    if ((size_t)n * vt_dtype_size(m.dtype) != size)
        box_raise(L, VT_ERR_SHAPE, "from_string: %I bytes for %I elements of type %s", (LUAI_UACINT)size, (LUAI_UACINT)n, vt_dtype_name(m.dtype));
    for (int64_t i = 0; m.dtype == VT_DTYPE_BOOL && i < n; i++)
        if (bytes[i] & ~1) box_raise(L, VT_ERR_FORMAT, "from_string: byte %I of a bool is neither 0 nor 1", (LUAI_UACINT)i + 1);
    vt__capability_charge_for(L, size, VT__COST_COPY);
    vt_tensor *t = NULL;
    box *b = bind_tensor_push(L);
    box_ok(L, vt_tensor_create(vt__capability_get(L)->ctx, m.dtype, shape, n_dims, VT_DEVICE_CPU, &t));
    b->handle = t;
    box_ok(L, vt_tensor_write(t, bytes, size));
    return 1;
}

void bind_tensor_make(lua_State *L) {
    static const luaL_Reg functions[] = {{"tensor", tensor}, {"zeros", zeros}, {"empty", zeros}, {"ones", ones}, {"full", full}, {"arange", arange},
        {"linspace", linspace}, {"eye", eye}, {"from_string", from_string}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
