/* Numbers from Lua and back; see array.h. */
#include "array.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "box.h"
#include "capability.h"

/* The types of arrays, then after the end of what options may say those that vt.npy knows beside them. */
static const char *const NAMES[] = {"f32", "f64", "i32", "i64", "u8", NULL, "f16", "i8", "i16", "u16", "bool", "c64", "c128"};
static const int32_t CODES[] = {VT_DTYPE_F32, VT_DTYPE_F64, VT_DTYPE_I32, VT_DTYPE_I64, VT_DTYPE_U8, ARRAY_ANY, VT_DTYPE_F16, VT_DTYPE_I8, VT_DTYPE_I16,
    VT_DTYPE_U16, VT_DTYPE_BOOL, VT_DTYPE_C64, VT_DTYPE_C128};
static const size_t SIZES[] = {4, 8, 4, 8, 1};

static int position(int32_t dtype) {
    for (int i = 0; NAMES[i]; i++)
        if (CODES[i] == dtype) return i;
    return 0;
}

int32_t array_dtype(lua_State *L, int options, const char *what) {
    int i = box_choice(L, options, what, "dtype", NAMES, -1);
    return i < 0 ? ARRAY_ANY : CODES[i];
}

const char *array_dtype_name(int32_t dtype) {
    for (size_t i = 0; i < sizeof CODES / sizeof *CODES; i++)
        if (CODES[i] == dtype && NAMES[i]) return NAMES[i];
    return "?";
}

/* Bytes of n x dim elements; raises when that is more than any memory has. */
static size_t size_of(lua_State *L, const char *what, int64_t n, int64_t dim, int32_t dtype) {
    size_t size;
    if (__builtin_mul_overflow((size_t)n, (size_t)dim, &size) || __builtin_mul_overflow(size, SIZES[position(dtype)], &size) || size > PTRDIFF_MAX)
        box_raise(L, VT_ERR_NOMEM, "%s: %I x %I elements are too many", what, (LUAI_UACINT)n, (LUAI_UACINT)dim);
    return size;
}

void *array_new(lua_State *L, const char *what, int64_t n, int64_t dim, int32_t dtype) {
    size_t size = size_of(L, what, n, dim, dtype);
    return lua_newuserdatauv(L, size ? size : 1, 0);
}

/* ---- elements ---- */

/* Integer value of the number on the top, if it is one in [min, max]. */
static int whole(lua_State *L, lua_Integer min, lua_Integer max, lua_Integer *v) {
    int ok = 0;
    *v = lua_tointegerx(L, -1, &ok);
    return ok && *v >= min && *v <= max;
}

/* Puts the value on the top at its place; 0 when it is not a number of this type. */
static int store(lua_State *L, int32_t dtype, void *data, int64_t at) {
    lua_Integer v;
    if (lua_type(L, -1) != LUA_TNUMBER) return 0;
    switch (dtype) {
    case VT_DTYPE_F32: ((float *)data)[at] = (float)lua_tonumber(L, -1); return 1;
    case VT_DTYPE_F64: ((double *)data)[at] = lua_tonumber(L, -1); return 1;
    case VT_DTYPE_I32:
        if (!whole(L, INT32_MIN, INT32_MAX, &v)) return 0;
        ((int32_t *)data)[at] = (int32_t)v;
        return 1;
    case VT_DTYPE_I64:
        if (!whole(L, LUA_MININTEGER, LUA_MAXINTEGER, &v)) return 0;
        ((int64_t *)data)[at] = v;
        return 1;
    default:
        if (!whole(L, 0, UINT8_MAX, &v)) return 0;
        ((unsigned char *)data)[at] = (unsigned char)v;
        return 1;
    }
}

static void push(lua_State *L, int32_t dtype, const void *data, int64_t at) {
    switch (dtype) {
    case VT_DTYPE_F32: lua_pushnumber(L, (lua_Number)((const float *)data)[at]); break;
    case VT_DTYPE_F64: lua_pushnumber(L, ((const double *)data)[at]); break;
    case VT_DTYPE_I32: lua_pushinteger(L, ((const int32_t *)data)[at]); break;
    case VT_DTYPE_I64: lua_pushinteger(L, ((const int64_t *)data)[at]); break;
    default: lua_pushinteger(L, ((const unsigned char *)data)[at]); break;
    }
}

/* Raises about the value on the top; row 0: of a plain list. */
static void refuse(lua_State *L, const char *what, const char *key, int64_t row, int64_t at, int32_t dtype) {
    const char *got = lua_type(L, -1) == LUA_TNUMBER ? lua_tostring(L, -1) : luaL_typename(L, -1);
    const char *place = row ? lua_pushfstring(L, "%s[%I][%I]", key, (LUAI_UACINT)row, (LUAI_UACINT)at) : lua_pushfstring(L, "%s[%I]", key, (LUAI_UACINT)at);
    box_raise(L, VT_ERR_INVALID, "%s: %s must be a number that %s holds, got %s", what, place, array_dtype_name(dtype), got);
}

/* Elements of the list on the top, into data. */
static void store_list(lua_State *L, const char *what, const char *key, int64_t row, int64_t n, int32_t dtype, void *data) {
    for (int64_t i = 0; i < n; i++) {
        lua_rawgeti(L, -1, i + 1);
        if (!store(L, dtype, data, i)) refuse(L, what, key, row, i + 1, dtype);
        lua_pop(L, 1);
    }
}

/* ---- packed strings ---- */

/* The string on the top is `size` bytes of elements; replaced by a copy where it is not aligned to them. */
static const void *packed(lua_State *L, const char *what, const char *key, size_t size, int32_t dtype) {
    const char *bytes = lua_tostring(L, -1);
    size_t len = lua_rawlen(L, -1);
    if (len != size)
        box_raise(L, VT_ERR_SHAPE, "%s: %s has %I bytes, its shape as %s needs %I", what, key, (LUAI_UACINT)len, array_dtype_name(dtype), (LUAI_UACINT)size);
    if ((uintptr_t)bytes % SIZES[position(dtype)] == 0) return bytes;
    vt__capability_charge_for(L, size, VT__COST_COPY);
    void *copy = lua_newuserdatauv(L, size ? size : 1, 0);
    memcpy(copy, bytes, size);
    lua_replace(L, -2);
    return copy;
}

/* Objects of a triangle of m distances; -1 for a number that is none. */
static int64_t objects_of(int64_t m) {
    static const int64_t most = (int64_t)INT32_MAX * (INT32_MAX - 1) / 2;
    if (m > most) return -1;
    int64_t n = (int64_t)((1 + sqrt(1 + 8 * (double)m)) / 2); /* one off at most */
    while (n * (n - 1) / 2 < m) n++;
    while (n * (n - 1) / 2 > m) n--;
    return n * (n - 1) / 2 == m ? n : -1;
}

/* Fills in what the length of a packed string says about the extent that is not given. */
static void settle(lua_State *L, const char *what, const char *key, int kind, size_t len, array *a) {
    int64_t items = (int64_t)(len / SIZES[position(a->dtype)]);
    if (kind == ARRAY_MATRIX && a->n > 0 && a->dim == 0) a->dim = a->n;
    if (kind == ARRAY_TRIANGLE && a->n == 0) a->n = objects_of(items);
    if (kind == ARRAY_TRIANGLE) a->dim = 1;
    if (kind == ARRAY_ROWS && a->dim > 0 && a->n == 0) a->n = items / a->dim;
    if (kind == ARRAY_ROWS && a->dim == 0 && a->n > 0) a->dim = items / a->n;
    if (a->n < 1 || a->dim < 1)
        box_raise(L, VT_ERR_SHAPE, "%s: %s is a string: option %s must be given and fit it", what, key, kind == ARRAY_ROWS ? "'dim'" : "'n'");
}

static void read_packed(lua_State *L, const char *what, const char *key, const array_shape *shape, array *a) {
    if (a->dtype == ARRAY_ANY) box_raise(L, VT_ERR_INVALID, "%s: %s is a string: option 'dtype' must say what its elements are", what, key);
    settle(L, what, key, shape->kind, lua_rawlen(L, -1), a);
    int64_t count = a->n;
    if (shape->kind == ARRAY_TRIANGLE && (a->n > INT32_MAX || __builtin_mul_overflow(a->n, a->n - 1, &count)))
        box_raise(L, VT_ERR_SHAPE, "%s: %I objects are too many", what, (LUAI_UACINT)a->n);
    if (shape->kind == ARRAY_TRIANGLE) count /= 2;
    a->data = packed(L, what, key, size_of(L, what, count, a->dim, a->dtype), a->dtype);
}

/* ---- { dtype =, shape =, data = } ---- */

static int64_t extent(lua_State *L, const char *what, const char *key, int64_t given, int i) {
    int ok = 0;
    lua_rawgeti(L, -1, i);
    lua_Integer v = lua_tointegerx(L, -1, &ok);
    if (!ok) box_raise(L, VT_ERR_SHAPE, "%s: %s.shape[%d] must be an integer >= 1, got %s", what, key, i, luaL_typename(L, -1));
    if (v < 1) box_raise(L, VT_ERR_SHAPE, "%s: %s.shape[%d] is %I, need 1 or more", what, key, i, (LUAI_UACINT)v);
    if (given && given != v) box_raise(L, VT_ERR_SHAPE, "%s: %s.shape[%d] is %I, the options say %I", what, key, i, (LUAI_UACINT)v, (LUAI_UACINT)given);
    lua_pop(L, 1);
    return v;
}

static void read_shaped(lua_State *L, const char *what, const char *key, const array_shape *shape, array *a) {
    static const char *const known[] = {"dtype", "shape", "data", NULL};
    int top = lua_gettop(L), n_extents = shape->kind == ARRAY_TRIANGLE ? 1 : 2;
    box_options(L, top, what, known);
    int32_t dtype = array_dtype(L, top, what);
    if (dtype == ARRAY_ANY) box_raise(L, VT_ERR_INVALID, "%s: %s has no 'dtype'", what, key);
    if (a->dtype != ARRAY_ANY && a->dtype != dtype)
        box_raise(L, VT_ERR_DTYPE, "%s: %s is %s, the options say %s", what, key, array_dtype_name(dtype), array_dtype_name(a->dtype));
    a->dtype = dtype;
    if (!box_field(L, top, "shape") || !lua_istable(L, -1) || lua_rawlen(L, -1) != (lua_Unsigned)n_extents)
        box_raise(L, VT_ERR_SHAPE, "%s: %s.shape must be a list of %d", what, key, n_extents);
    if (shape->kind == ARRAY_TRIANGLE) {
        int64_t n = objects_of(extent(L, what, key, 0, 1));
        if (n < 1 || (a->n && a->n != n)) box_raise(L, VT_ERR_SHAPE, "%s: %s.shape[1] is no n (n - 1) / 2 of the objects", what, key);
        a->n = n;
    } else {
        a->n = extent(L, what, key, a->n, 1);
        a->dim = extent(L, what, key, a->dim, 2);
    }
    lua_settop(L, top);
    if (!box_field(L, top, "data") || lua_type(L, -1) != LUA_TSTRING) box_raise(L, VT_ERR_INVALID, "%s: %s.data must be a string", what, key);
    lua_replace(L, top);
    read_packed(L, what, key, shape, a);
}

/* ---- lists of lists ---- */

/* The i-th list of the one on the top; pushes it and returns its length. */
static int64_t push_row(lua_State *L, const char *what, const char *key, int64_t i) {
    if (lua_rawgeti(L, -1, i + 1) != LUA_TTABLE)
        box_raise(L, VT_ERR_INVALID, "%s: %s[%I] must be a list of numbers, got %s", what, key, (LUAI_UACINT)i + 1, luaL_typename(L, -1));
    return (int64_t)lua_rawlen(L, -1);
}

/* Whether all numbers of the list of lists on the top are of Lua's integer type. */
static int is_integer(lua_State *L, const char *what, const char *key, int64_t n_rows) {
    int all = 1;
    for (int64_t i = 0; i < n_rows && all; i++) {
        int64_t len = push_row(L, what, key, i);
        for (int64_t j = 0; j < len && all; j++) {
            lua_rawgeti(L, -1, j + 1);
            all = lua_isinteger(L, -1);
            lua_pop(L, 1);
        }
        lua_pop(L, 1);
    }
    return all;
}

/* Extents of the list on the top: all rows as long as the first, or one longer each. */
static void measure(lua_State *L, const char *what, const char *key, const array_shape *shape, int64_t n_rows, array *a) {
    int triangle = shape->kind == ARRAY_TRIANGLE;
    int64_t dim = triangle ? 1 : shape->dim, n = triangle ? n_rows + 1 : n_rows;
    for (int64_t i = 0; i < n_rows; i++) {
        int64_t len = push_row(L, what, key, i), want = triangle ? i + 1 : dim ? dim : len;
        lua_pop(L, 1);
        if (len != want || len < 1)
            box_raise(L, VT_ERR_SHAPE, "%s: %s[%I] has %I numbers, need %I", what, key, (LUAI_UACINT)i + 1, (LUAI_UACINT)len, (LUAI_UACINT)(want < 1 ? 1 : want));
        if (!dim) dim = len;
    }
    if (n < 1 || (shape->n && shape->n != n)) box_raise(L, VT_ERR_SHAPE, "%s: %s has %I rows, need %I", what, key, (LUAI_UACINT)n, (LUAI_UACINT)(shape->n ? shape->n : 1));
    a->n = n;
    a->dim = dim;
}

static void read_lists(lua_State *L, const char *what, const char *key, const array_shape *shape, array *a) {
    int64_t n_rows = (int64_t)lua_rawlen(L, -1);
    int triangle = shape->kind == ARRAY_TRIANGLE;
    if (n_rows >= INT32_MAX) box_raise(L, VT_ERR_SHAPE, "%s: %s has too many rows", what, key);
    measure(L, what, key, shape, n_rows, a);
    (void)size_of(L, what, a->n, triangle ? n_rows : a->dim, VT_DTYPE_F64); /* a table may claim any length */
    uint64_t items = triangle ? (uint64_t)n_rows * (uint64_t)a->n / 2 : (uint64_t)(a->n * a->dim);
    vt__capability_charge_for(L, items, VT__COST_ITEM);
    if (a->dtype == ARRAY_ANY) a->dtype = shape->kind != ARRAY_ROWS && is_integer(L, what, key, n_rows) ? VT_DTYPE_I64 : VT_DTYPE_F64;
    char *data = array_new(L, what, (int64_t)items, 1, a->dtype);
    lua_insert(L, -2);
    for (int64_t i = 0, at = 0; i < n_rows; i++) {
        int64_t len = triangle ? i + 1 : a->dim; /* as measured: a finaliser may have changed the lists since */
        (void)push_row(L, what, key, i);
        store_list(L, what, key, i + 1, len, a->dtype, data + (size_t)at * SIZES[position(a->dtype)]);
        lua_pop(L, 1);
        at += len;
    }
    lua_pop(L, 1);
    a->data = data;
}

void array_read(lua_State *L, const char *what, const char *key, const array_shape *shape, array *a) {
    luaL_checkstack(L, 8, NULL);
    *a = (array){.n = shape->n, .dim = shape->dim, .dtype = shape->dtype};
    if (lua_type(L, -1) == LUA_TSTRING) {
        read_packed(L, what, key, shape, a);
    } else if (lua_type(L, -1) != LUA_TTABLE) {
        box_raise(L, VT_ERR_INVALID, "%s: %s must be a list of lists, a string or a table with a shape, got %s", what, key, luaL_typename(L, -1));
    } else if (box_field(L, -1, "data")) {
        lua_pop(L, 1);
        read_shaped(L, what, key, shape, a);
    } else {
        read_lists(L, what, key, shape, a);
    }
    if (shape->kind == ARRAY_MATRIX && a->n != a->dim)
        box_raise(L, VT_ERR_SHAPE, "%s: %s is %I x %I, need a square", what, key, (LUAI_UACINT)a->n, (LUAI_UACINT)a->dim);
}

void array_widen(lua_State *L, array *a) {
    const unsigned char *bytes = a->data;
    float *wide = array_new(L, "array", a->n, a->dim, VT_DTYPE_F32);
    int64_t n = a->n * a->dim;
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_COPY);
    for (int64_t i = 0; i < n; i++) wide[i] = (float)bytes[i];
    lua_replace(L, -2);
    a->data = wide;
    a->dtype = VT_DTYPE_F32;
}

/* ---- lists ---- */

const void *array_vector(lua_State *L, const char *what, const char *key, int32_t dtype, int64_t *n) {
    size_t width = SIZES[position(dtype)];
    luaL_checkstack(L, 8, NULL);
    if (lua_type(L, -1) == LUA_TSTRING) {
        *n = (int64_t)(lua_rawlen(L, -1) / width);
        return packed(L, what, key, (size_t)*n * width, dtype);
    }
    if (lua_type(L, -1) != LUA_TTABLE) box_raise(L, VT_ERR_INVALID, "%s: %s must be a list of numbers, got %s", what, key, luaL_typename(L, -1));
    *n = (int64_t)lua_rawlen(L, -1);
    vt__capability_charge_for(L, (uint64_t)*n, VT__COST_ITEM);
    void *data = array_new(L, what, *n, 1, dtype);
    lua_insert(L, -2);
    store_list(L, what, key, 0, *n, dtype, data);
    lua_pop(L, 1);
    return data;
}

const void *array_option(lua_State *L, int options, const char *what, const char *key, int32_t dtype, int64_t *n) {
    *n = 0;
    return box_field(L, options, key) ? array_vector(L, what, key, dtype, n) : NULL;
}

void array_push(lua_State *L, int32_t dtype, const void *data, int64_t n) {
    vt__capability_charge_for(L, (uint64_t)n, VT__COST_ITEM);
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        push(L, dtype, data, i);
        lua_rawseti(L, -2, i + 1);
    }
}

void array_push_rows(lua_State *L, int32_t dtype, const void *data, int64_t n, int64_t dim) {
    lua_createtable(L, n > INT_MAX ? INT_MAX : (int)n, 0);
    for (int64_t i = 0; i < n; i++) {
        array_push(L, dtype, (const char *)data + (size_t)(i * dim) * SIZES[position(dtype)], dim);
        lua_rawseti(L, -2, i + 1);
    }
}
