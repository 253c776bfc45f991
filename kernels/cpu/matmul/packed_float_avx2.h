/* Products of 16-bit weights, 16 rows to two vectors (packed_float.h): 12 chains of sums, of six activation rows with a panel or of three with two.
 *
 * Included behind STEP (bytes of a panel that a step takes) and add_product(sum, x, w), w being the weights of eight rows. Everything static. */
#ifndef VENTURI_KERNELS_PACKED_FLOAT_AVX2_H
#define VENTURI_KERNELS_PACKED_FLOAT_AVX2_H

#include "cpu/matmul/packed_float.h"
#include "cpu/vector_avx2.h"

enum { LANES = VTK_PANEL_ROWS, FEW = 3, MANY = 6 };

/* rows and n_panels are constants where this is called: the sums live in registers. */
VTK_INLINE void tile(const vtk_matmul *p, int64_t i, int64_t row, int64_t row1, int64_t n, int rows, int n_panels) {
    const unsigned char *w = (const unsigned char *)p->w + (size_t)(row / LANES) * p->w_stride, *x = (const unsigned char *)p->x + (size_t)i * p->x_stride;
    __m256 sum[MANY][4];

    for (int a = 0; a < rows; a++)
        for (int g = 0; g < 2 * n_panels; g++) sum[a][g] = _mm256_setzero_ps();
    for (int64_t c = 0; c < n; c++) {
#pragma GCC unroll 6
        for (int a = 0; a < rows; a++)
#pragma GCC unroll 4
            for (int g = 0; g < 2 * n_panels; g++)
                sum[a][g] = add_product(sum[a][g], x + (size_t)a * p->x_stride + 4 * c, w + (size_t)(g / 2) * p->w_stride + (size_t)c * STEP + (size_t)(g % 2) * (STEP / 2));
    }
    for (int a = 0; a < rows; a++)
        for (int g = 0; g < 2 * n_panels; g++)
            if (row + 8 * g < row1) store_floats(p->out + (i + a) * p->ld_out + row + 8 * g, sum[a][g], row1 - row - 8 * g);
}

static __attribute__((noinline)) void one_panel(const vtk_matmul *p, int64_t i, int64_t row, int64_t row1, int64_t n, int64_t rows) {
    switch (rows) {
    case 1: tile(p, i, row, row1, n, 1, 1); break;
    case 2: tile(p, i, row, row1, n, 2, 1); break;
    case 3: tile(p, i, row, row1, n, 3, 1); break;
    case 4: tile(p, i, row, row1, n, 4, 1); break;
    case 5: tile(p, i, row, row1, n, 5, 1); break;
    default: tile(p, i, row, row1, n, 6, 1); break;
    }
}

static __attribute__((noinline)) void two_panels(const vtk_matmul *p, int64_t row, int64_t row1, int64_t n) {
    switch (p->m) {
    case 1: tile(p, 0, row, row1, n, 1, 2); break;
    case 2: tile(p, 0, row, row1, n, 2, 2); break;
    default: tile(p, 0, row, row1, n, 3, 2); break;
    }
}

/* n: steps of a row. Rows go in tiles of even height. */
VTK_INLINE void all_rows(const vtk_matmul *p, int64_t row0, int64_t row1, int64_t n) {
    int64_t row = row0, n_tiles = (p->m + MANY - 1) / MANY;
    if (p->m > 0 && p->m <= FEW)
        for (; row + LANES < row1; row += 2 * LANES) two_panels(p, row, row1, n);
    for (; row < row1; row += LANES)
        for (int64_t j = 0, i = 0, next; j < n_tiles; j++, i = next) {
            next = (j + 1) * p->m / n_tiles;
            one_panel(p, i, row, row1, n, next - i);
        }
}

#endif
