#include "quant/block.h"

#include "core/error.h"
#include "core/memory.h"
#include "vtk.h"

/* In the order of the numbers. Q8_1 and Q8_K are written by engines for activations and do not occur in files, but have numbers there. */
static const vt__block_type types[] = {
    {"F32", VT_DTYPE_F32, 1, 4, VTK_F32},        {"F16", VT_DTYPE_F16, 1, 2, VTK_F16},        {"Q4_0", VT_DTYPE_Q4_0, 32, 18, VTK_Q4_0},
    {"Q4_1", VT_DTYPE_Q4_1, 32, 20, VTK_Q4_1},   {"Q5_0", VT_DTYPE_Q5_0, 32, 22, VTK_Q5_0},   {"Q5_1", VT_DTYPE_Q5_1, 32, 24, VTK_Q5_1},
    {"Q8_0", VT_DTYPE_Q8_0, 32, 34, VTK_Q8_0},   {"Q8_1", VT_DTYPE_Q8_1, 32, 36, -1},         {"Q2_K", VT_DTYPE_Q2_K, 256, 84, VTK_Q2_K},
    {"Q3_K", VT_DTYPE_Q3_K, 256, 110, VTK_Q3_K}, {"Q4_K", VT_DTYPE_Q4_K, 256, 144, VTK_Q4_K}, {"Q5_K", VT_DTYPE_Q5_K, 256, 176, VTK_Q5_K},
    {"Q6_K", VT_DTYPE_Q6_K, 256, 210, VTK_Q6_K}, {"Q8_K", VT_DTYPE_Q8_K, 256, 292, VTK_Q8_K}, {"I8", VT_DTYPE_I8, 1, 1, -1},
    {"I16", VT_DTYPE_I16, 1, 2, -1},             {"I32", VT_DTYPE_I32, 1, 4, -1},             {"I64", VT_DTYPE_I64, 1, 8, -1},
    {"F64", VT_DTYPE_F64, 1, 8, -1},             {"BF16", VT_DTYPE_BF16, 1, 2, VTK_BF16},     {"U8", VT_DTYPE_U8, 1, 1, -1},
    {"BOOL", VT_DTYPE_BOOL, 1, 1, -1},           {"C64", VT_DTYPE_C64, 1, 8, -1},             {"C128", VT_DTYPE_C128, 1, 16, -1},
};

const vt__block_type *vt__block_type_of(int32_t dtype) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].dtype == dtype) return &types[i];
    }
    return NULL;
}

static vt_status unknown(int32_t dtype) { return vt__fail(VT_ERR_DTYPE, "blocks: dtype %d is not known", dtype); }

static vt_status count_bytes(const vt__block_type *t, int64_t cols, int64_t rows, size_t *out) {
    size_t blocks, bytes;

    if (cols < 0 || rows < 0 || cols % t->elems)
        return vt__fail(VT_ERR_SHAPE, "blocks: %lld rows of %lld elements: %s comes in blocks of %lld", (long long)rows, (long long)cols,
                        t->name, (long long)t->elems);
    if (vt__mul_size(cols / t->elems, rows, &blocks) || __builtin_mul_overflow(blocks, t->size, &bytes))
        return vt__fail(VT_ERR_SHAPE, "blocks: %lld rows of %lld elements of %s overflow", (long long)rows, (long long)cols, t->name);
    *out = bytes;
    return VT_OK;
}

vt_status vt__block_bytes(int32_t dtype, int64_t cols, int64_t rows, size_t *out) {
    const vt__block_type *t = vt__block_type_of(dtype);
    return t ? count_bytes(t, cols, rows, out) : unknown(dtype);
}

/* The kernel of a row of n elements in size bytes. */
static vt_status find_kernel(int32_t dtype, int64_t n, size_t size, int32_t *kernel) {
    const vt__block_type *t = vt__block_type_of(dtype);
    size_t want = 0;

    if (!t) return unknown(dtype);
    if (t->kernel < 0) return vt__fail(VT_ERR_UNSUPPORTED, "blocks: no kernel for %s yet", t->name);
    vt_status st = count_bytes(t, n, 1, &want);
    if (st != VT_OK) return st;
    if (want != size)
        return vt__fail(VT_ERR_SHAPE, "blocks: %lld elements of %s take %zu bytes, %zu given", (long long)n, t->name, want, size);
    *kernel = t->kernel;
    return VT_OK;
}

vt_status vt__block_decode(int32_t dtype, const void *data, size_t size, float *out, int64_t n) {
    int32_t kernel = 0;
    vt_status st = find_kernel(dtype, n, size, &kernel);
    if (st == VT_OK && n > 0) vtk_get()->decode[kernel](out, data, n);
    return st;
}

vt_status vt__block_encode(int32_t dtype, const float *x, int64_t n, void *out, size_t size) {
    int32_t kernel = 0;
    vt_status st = find_kernel(dtype, n, size, &kernel);
    if (st == VT_OK && n > 0) vtk_get()->encode[kernel](out, x, n);
    return st;
}
