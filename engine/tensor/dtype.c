#include "tensor/dtype.h"

#include <string.h>

/* In the order of promotion within a kind. */
static const struct type {
    int32_t dtype;
    enum vt__kind kind;
    size_t size;
    const char *name;
} types[] = {
    {VT_DTYPE_BOOL, VT__KIND_BOOL, 1, "bool"},
    {VT_DTYPE_U8, VT__KIND_INT, 1, "u8"},
    {VT_DTYPE_I8, VT__KIND_INT, 1, "i8"},
    {VT_DTYPE_I32, VT__KIND_INT, 4, "i32"},
    {VT_DTYPE_I64, VT__KIND_INT, 8, "i64"},
    {VT_DTYPE_F16, VT__KIND_FLOAT, 2, "f16"},
    {VT_DTYPE_BF16, VT__KIND_FLOAT, 2, "bf16"},
    {VT_DTYPE_F32, VT__KIND_FLOAT, 4, "f32"},
    {VT_DTYPE_F64, VT__KIND_FLOAT, 8, "f64"},
    {VT_DTYPE_C64, VT__KIND_COMPLEX, 8, "c64"},
    {VT_DTYPE_C128, VT__KIND_COMPLEX, 16, "c128"},
};
enum { N_TYPES = sizeof types / sizeof types[0] };

static const struct type *find(int32_t dtype) {
    for (int i = 0; i < N_TYPES; i++)
        if (types[i].dtype == dtype) return &types[i];
    return NULL;
}

size_t vt__dtype_size(int32_t dtype) {
    const struct type *t = find(dtype);
    return t ? t->size : 0;
}

enum vt__kind vt__dtype_kind(int32_t dtype) {
    const struct type *t = find(dtype);
    return t ? t->kind : VT__KIND_NONE;
}

const char *vt__dtype_name(int32_t dtype) {
    const struct type *t = find(dtype);
    return t ? t->name : "unknown";
}

int vt__dtype_find(const char *name, int32_t *out) {
    for (int i = 0; i < N_TYPES; i++)
        if (strcmp(types[i].name, name) == 0) return *out = types[i].dtype, 1;
    return 0;
}

int32_t vt__dtype_promote(int32_t a, int32_t b) {
    const struct type *lo = find(a), *hi = find(b);
    if (a == b || !lo || !hi) return a;
    if (lo > hi) {
        const struct type *t = lo;
        lo = hi, hi = t;
    }
    if (lo->kind == hi->kind && lo->size == hi->size) return hi->kind == VT__KIND_INT ? VT_DTYPE_I32 : VT_DTYPE_F32;
    if (hi->dtype == VT_DTYPE_C64 && lo->dtype == VT_DTYPE_F64) return VT_DTYPE_C128;
    return hi->dtype;
}

int32_t vt__dtype_float(int32_t dtype) { return vt__dtype_has_grad(dtype) ? dtype : VT_DTYPE_F32; }

int32_t vt__dtype_real(int32_t dtype) {
    return dtype == VT_DTYPE_C64 ? VT_DTYPE_F32 : dtype == VT_DTYPE_C128 ? VT_DTYPE_F64 : dtype;
}

int32_t vt__dtype_complex(int32_t dtype) { return dtype == VT_DTYPE_F64 || dtype == VT_DTYPE_C128 ? VT_DTYPE_C128 : VT_DTYPE_C64; }
