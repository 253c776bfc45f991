/* A factor with a stride of 1 along its rows is copied by rows, one with a stride of 1 along its columns by tiles that the kernels transpose; any other
 * goes element by element. Pairs of bfloat16 are elements of 4 bytes as soon as they are pairs. */
#include "linalg/gemm_pack.h"

#include <string.h>

#include "vtk.h"

const vt__gemm_kind *vt__gemm_kind_of(int32_t dtype) {
    static const vt__gemm_kind f32 = {4, VTK_GEMM_PANEL, VT__GEMM_K, 1}, f64 = {8, VTK_GEMM_PANEL_F64, VT__GEMM_K / 2, 1},
                               bf16 = {2, VTK_GEMM_PANEL, VT__GEMM_K * 2, 2};
    return dtype == VT_DTYPE_F32 ? &f32 : dtype == VT_DTYPE_F64 ? &f64 : dtype == VT_DTYPE_BF16 ? &bf16 : NULL;
}

int64_t vt__gemm_padded(const vt__gemm_kind *kind, int64_t k) { return (k + kind->aligned - 1) / kind->aligned * kind->aligned; }

static const unsigned char *at(const vt__gemm_kind *kind, const vt__gemm_factor *x, int64_t i, int64_t j) {
    return (const unsigned char *)x->data + (i * x->row + j * x->column) * (int64_t)kind->size;
}

/* out[i * ld + j], any strides. */
static void gather(unsigned char *out, int64_t ld, const unsigned char *in, int64_t row, int64_t column, int64_t m, int64_t n, size_t size) {
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) memcpy(out + (i * ld + j) * (int64_t)size, in + (i * row + j * column) * (int64_t)size, size);
}

static void transpose(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns, size_t size) {
    (size == 8 ? vtk_get()->transpose_64 : vtk_get()->transpose_32)(out, ld_out, in, ld_in, n_rows, n_columns);
}

/* ---- rows of A ---- */

enum { ZIPPED = 32 };

/* bfloat16 whose columns lie in one piece: two of them become a row of pairs, and those are transposed. */
static void pack_columns_16(unsigned char *out, int64_t ld, const unsigned char *in, int64_t column, int64_t m, int64_t k) {
    uint16_t pairs[ZIPPED / 2][2 * ZIPPED] = {{0}}, zeros[ZIPPED] = {0};
    for (int64_t c = 0; c < k; c += ZIPPED)
        for (int64_t r = 0; r < m; r += ZIPPED) {
            int64_t rows = m - r < ZIPPED ? m - r : ZIPPED, columns = k - c < ZIPPED ? k - c : ZIPPED;
            for (int64_t j = 0; j < columns; j += 2) {
                const unsigned char *first = in + ((c + j) * column + r) * 2;
                vtk_get()->zip_16(pairs[j / 2], first, j + 1 < columns ? first + column * 2 : (const unsigned char *)zeros, rows);
            }
            vtk_get()->transpose_32(out + (r * ld + c) * 2, ld / 2, pairs, ZIPPED, (columns + 1) / 2, rows);
        }
}

void vt__gemm_pack_rows(const vt__gemm_kind *kind, void *out, const vt__gemm_factor *a, int64_t i, int64_t j, int64_t m, int64_t k) {
    const unsigned char *in = at(kind, a, i, j);
    int64_t ld = vt__gemm_padded(kind, k);
    unsigned char *row = out;

    if (a->column == 1) {
        for (int64_t r = 0; r < m; r++) memcpy(row + r * ld * (int64_t)kind->size, in + r * a->row * (int64_t)kind->size, (size_t)k * kind->size);
    } else if (a->row == 1 && kind->size == 2) {
        pack_columns_16(row, ld, in, a->column, m, k);
        return;
    } else if (a->row == 1) {
        transpose(out, ld, in, a->column, k, m, kind->size);
    } else {
        gather(row, ld, in, a->row, a->column, m, k, kind->size);
    }
    for (int64_t r = 0; r < m && k < ld; r++) memset(row + (r * ld + k) * (int64_t)kind->size, 0, (size_t)(ld - k) * kind->size);
}

/* ---- panels of B ---- */

enum { AHEAD = 24 };

/* A panel takes two lines of each row; the rows are too far apart for the hardware to foresee them. */
static void fetch(const unsigned char *row) {
    __builtin_prefetch(row);
    __builtin_prefetch(row + 64);
}

/* Pairs of rows of bfloat16, which lie in one piece. */
static void zip_rows_16(unsigned char *out, const unsigned char *in, int64_t row, int64_t k, int64_t n) {
    const uint16_t zeros[VTK_GEMM_PANEL] = {0};
    for (int64_t c = 0; c < k; c += 2) {
        if (c + AHEAD + 1 < k) fetch(in + (c + AHEAD) * row * 2), fetch(in + (c + AHEAD + 1) * row * 2);
        vtk_get()->zip_16(out + c * VTK_GEMM_PANEL * 2, in + c * row * 2, c + 1 < k ? in + (c + 1) * row * 2 : (const unsigned char *)zeros, n);
    }
}

/* Any other strides, by pieces of a row that lies in one piece. */
static void gather_rows_16(unsigned char *out, const vt__gemm_factor *b, const unsigned char *in, int64_t k, int64_t n) {
    uint16_t two[2][VTK_GEMM_PANEL];
    for (int64_t c = 0; c < k; c += 2) {
        int64_t rows = c + 1 < k ? 2 : 1;
        memset(two, 0, sizeof two);
        gather((unsigned char *)two, VTK_GEMM_PANEL, in + c * b->row * 2, b->row, b->column, rows, n, 2);
        vtk_get()->zip_16(out + c * VTK_GEMM_PANEL * 2, two[0], two[1], n);
    }
}

/* Columns that lie in one piece are rows of pairs; where they begin at odd elements, they are moved first. */
static void turn_columns_16(unsigned char *out, const unsigned char *in, int64_t column, int64_t k, int64_t n) {
    uint16_t moved[VTK_GEMM_PANEL][2 * ZIPPED];
    for (int64_t c = 0; c < k; c += 2 * ZIPPED) {
        int64_t here = k - c < 2 * ZIPPED ? k - c : 2 * ZIPPED;
        for (int64_t r = 0; r < n; r++) {
            memcpy(moved[r], in + (r * column + c) * 2, (size_t)here * 2);
            if (here % 2) moved[r][here] = 0;
        }
        vtk_get()->transpose_32(out + c * VTK_GEMM_PANEL * 2, VTK_GEMM_PANEL, moved, ZIPPED, n, (here + 1) / 2);
    }
}

static void pack_panel_16(unsigned char *out, const vt__gemm_factor *b, const unsigned char *in, int64_t k, int64_t n) {
    if (b->column == 1) zip_rows_16(out, in, b->row, k, n);
    else if (b->row == 1 && b->column % 2 == 0 && k % 2 == 0) vtk_get()->transpose_32(out, VTK_GEMM_PANEL, in, b->column / 2, n, k / 2);
    else if (b->row == 1) turn_columns_16(out, in, b->column, k, n);
    else gather_rows_16(out, b, in, k, n);
}

void vt__gemm_pack_panel(const vt__gemm_kind *kind, void *out, const vt__gemm_factor *b, int64_t i, int64_t j, int64_t k, int64_t n) {
    const unsigned char *in = at(kind, b, i, j);
    unsigned char *to = out;
    size_t step = (size_t)kind->panel * kind->size;

    if (n < kind->panel) memset(out, 0, (size_t)vt__gemm_padded(kind, k) * step);
    if (kind->size == 2) {
        pack_panel_16(out, b, in, k, n);
    } else if (b->column == 1 && n == kind->panel) {
        for (int64_t c = 0; c < k; c++) {
            const unsigned char *row = in + c * b->row * (int64_t)kind->size;
            if (c + AHEAD < k) fetch(row + AHEAD * b->row * (int64_t)kind->size);
            memcpy(to + (size_t)c * step, row, VTK_GEMM_PANEL * 4);
        }
    } else if (b->column == 1) {
        for (int64_t c = 0; c < k; c++) memcpy(to + (size_t)c * step, in + c * b->row * (int64_t)kind->size, (size_t)n * kind->size);
    } else if (b->row == 1) {
        transpose(out, kind->panel, in, b->column, n, k, kind->size);
    } else {
        gather(to, kind->panel, in, b->row, b->column, k, n, kind->size);
    }
}
