#include "device/block.h"

#include <complex.h>
#include <string.h>

#include "cpu/quant/half.h"
#include "device/device.h"

int32_t vt__compute_type(int32_t dtype) {
    switch (vt__dtype_kind(dtype)) {
    case VT__KIND_COMPLEX: return VT_DTYPE_C128;
    case VT__KIND_FLOAT: return dtype == VT_DTYPE_F64 ? VT_DTYPE_F64 : VT_DTYPE_F32;
    default: return VT_DTYPE_I64;
    }
}

struct vt__view vt__view_broadcast(const struct vt__view *v, const struct vt__view *like) {
    struct vt__view r = *v;
    int32_t extra = like->ndim - v->ndim;
    r.ndim = like->ndim;
    for (int32_t i = 0; i < like->ndim; i++) {
        r.shape[i] = like->shape[i];
        r.strides[i] = i < extra || v->shape[i - extra] != like->shape[i] ? 0 : v->strides[i - extra];
    }
    return r;
}

/* A run of elements `step` apart: first element, how many. */
typedef void (*move_fn)(const char *p, int64_t step, int64_t n, char *row);

#define LOADER(name, T, COMPUTE, VALUE) \
    static void name(const char *p, int64_t step, int64_t n, char *row) { \
        COMPUTE *to = (COMPUTE *)(void *)row; \
        const T *from = (const T *)(const void *)p; \
        for (int64_t i = 0; i < n; i++) to[i] = (COMPUTE)VALUE(from[i * step]); \
    }
#define SAME(x) (x)
#define HALF(x) vtk_half_to_float(x)
#define BF16(x) vtk_float_of_bits((uint32_t)(x) << 16)
typedef float _Complex c64;
typedef double _Complex c128;
/* To each of the four types that arithmetic is done in. Complex numbers are never made real: no operation asks for it. */
#define LOADERS(name, T, VALUE) \
    LOADER(name##_f32, T, float, VALUE) \
    LOADER(name##_f64, T, double, VALUE) \
    LOADER(name##_i64, T, int64_t, VALUE) \
    LOADER(name##_c128, T, c128, VALUE)
LOADERS(load_bool, uint8_t, SAME)
LOADERS(load_i8, int8_t, SAME)
LOADERS(load_i32, int32_t, SAME)
LOADERS(load_i64, int64_t, SAME)
LOADERS(load_f16, uint16_t, HALF)
LOADERS(load_bf16, uint16_t, BF16)
LOADERS(load_f32, float, SAME)
LOADERS(load_f64, double, SAME)
LOADER(load_c64_c128, c64, c128, SAME)
LOADER(load_c128_c128, c128, c128, SAME)

/* Column of the tables below. */
static int column(int32_t compute) {
    return compute == VT_DTYPE_F32 ? 0 : compute == VT_DTYPE_F64 ? 1 : compute == VT_DTYPE_I64 ? 2 : 3;
}

#define ROW(name) {name##_f32, name##_f64, name##_i64, name##_c128}
static move_fn loader(int32_t dtype, int32_t compute) {
    static const struct {
        int32_t dtype;
        move_fn fn[4];
    } rows[] = {{VT_DTYPE_BOOL, ROW(load_bool)}, {VT_DTYPE_U8, ROW(load_bool)}, {VT_DTYPE_I8, ROW(load_i8)}, {VT_DTYPE_I32, ROW(load_i32)},
        {VT_DTYPE_I64, ROW(load_i64)}, {VT_DTYPE_F16, ROW(load_f16)}, {VT_DTYPE_BF16, ROW(load_bf16)}, {VT_DTYPE_F32, ROW(load_f32)},
        {VT_DTYPE_F64, ROW(load_f64)}, {VT_DTYPE_C64, {NULL, NULL, NULL, load_c64_c128}}, {VT_DTYPE_C128, {NULL, NULL, NULL, load_c128_c128}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].dtype == dtype) return rows[i].fn[column(compute)];
    return NULL;
}

/* Floats out of an integer type's range become its lowest number, as the processor's conversion says; NaN too. */
static int64_t to_i64(double x) { return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (int64_t)x : INT64_MIN; }

#define STORER(name, T, COMPUTE, VALUE) \
    static void name(const char *p, int64_t step, int64_t n, char *row) { \
        const COMPUTE *from = (const COMPUTE *)(const void *)row; \
        T *to = (T *)(uintptr_t)p; \
        for (int64_t i = 0; i < n; i++) to[i * step] = (T)VALUE(from[i]); \
    }
#define TO_INT(x) to_i64((double)(x))
#define TO_BOOL(x) ((x) != 0)
#define TO_HALF(x) vtk_float_to_half((float)(x))
#define TO_BF16(x) vtk_float_to_bf16((float)(x))
STORER(store_f32_bool, uint8_t, float, TO_BOOL)
STORER(store_f64_bool, uint8_t, double, TO_BOOL)
STORER(store_i64_bool, uint8_t, int64_t, TO_BOOL)
STORER(store_c128_bool, uint8_t, c128, TO_BOOL)
#define REAL_STORERS(name, T, FROM_FLOAT) \
    STORER(store_f32_##name, T, float, FROM_FLOAT) \
    STORER(store_f64_##name, T, double, FROM_FLOAT) \
    STORER(store_i64_##name, T, int64_t, SAME)
REAL_STORERS(i8, uint8_t, TO_INT)
REAL_STORERS(i32, uint32_t, TO_INT)
REAL_STORERS(i64, int64_t, TO_INT)
REAL_STORERS(f32, float, SAME)
REAL_STORERS(f64, double, SAME)
STORER(store_f32_f16, uint16_t, float, TO_HALF)
STORER(store_f64_f16, uint16_t, double, TO_HALF)
STORER(store_i64_f16, uint16_t, int64_t, TO_HALF)
STORER(store_f32_bf16, uint16_t, float, TO_BF16)
STORER(store_f64_bf16, uint16_t, double, TO_BF16)
STORER(store_i64_bf16, uint16_t, int64_t, TO_BF16)
REAL_STORERS(c64, c64, SAME)
REAL_STORERS(c128, c128, SAME)
STORER(store_c128_c64, c64, c128, SAME)
STORER(store_c128_c128, c128, c128, SAME)

#define STORE_ROW(name) {store_f32_##name, store_f64_##name, store_i64_##name, NULL}
static move_fn storer(int32_t dtype, int32_t compute) {
    static const struct {
        int32_t dtype;
        move_fn fn[4];
    } rows[] = {{VT_DTYPE_BOOL, {store_f32_bool, store_f64_bool, store_i64_bool, store_c128_bool}}, {VT_DTYPE_U8, STORE_ROW(i8)},
        {VT_DTYPE_I8, STORE_ROW(i8)}, {VT_DTYPE_I32, STORE_ROW(i32)}, {VT_DTYPE_I64, STORE_ROW(i64)}, {VT_DTYPE_F16, STORE_ROW(f16)},
        {VT_DTYPE_BF16, STORE_ROW(bf16)}, {VT_DTYPE_F32, STORE_ROW(f32)}, {VT_DTYPE_F64, STORE_ROW(f64)},
        {VT_DTYPE_C64, {store_f32_c64, store_f64_c64, store_i64_c64, store_c128_c64}},
        {VT_DTYPE_C128, {store_f32_c128, store_f64_c128, store_i64_c128, store_c128_c128}}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].dtype == dtype) return rows[i].fn[column(compute)];
    return NULL;
}

/* Calls move for each run along the last dimension that elements first to first+n-1 lie in. */
static void walk(const struct vt__view *v, int64_t first, int64_t n, move_fn move, char *row, size_t width) {
    int64_t at[VT__MAX_DIMS] = {0}, offset = 0, rest = first;
    size_t size = vt__dtype_size(v->dtype);
    int32_t last = v->ndim - 1;
    for (int32_t d = last; d >= 0; d--) {
        at[d] = rest % v->shape[d];
        rest /= v->shape[d];
        offset += at[d] * v->strides[d];
    }
    while (n > 0) {
        int64_t take = last < 0 ? 1 : v->shape[last] - at[last], d = last - 1;
        if (take > n) take = n;
        move((const char *)v->data + offset * (int64_t)size, last < 0 ? 0 : v->strides[last], take, row);
        row += (size_t)take * width;
        n -= take;
        if (n <= 0) break;
        offset -= at[last] * v->strides[last];
        at[last] = 0;
        for (; d >= 0; d--) {
            offset += v->strides[d];
            if (++at[d] < v->shape[d]) break;
            offset -= at[d] * v->strides[d];
            at[d] = 0;
        }
    }
}

const void *vt__block_load(const struct vt__view *v, int64_t first, int64_t n, int32_t compute, void *buffer) {
    size_t width = vt__dtype_size(compute);
    if (v->dtype == compute && vt__view_is_dense(v)) return (const char *)v->data + (size_t)first * width;
    walk(v, first, n, loader(v->dtype, compute), buffer, width);
    return buffer;
}

void vt__block_store(const struct vt__view *v, int64_t first, int64_t n, int32_t compute, const void *values) {
    walk(v, first, n, storer(v->dtype, compute), (char *)(uintptr_t)values, vt__dtype_size(compute));
}
