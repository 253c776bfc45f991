/* A tile is up to 6 rows of X times half a panel, two vectors of W: 12 chains of sums in registers.
 *
 * Included behind `step` (what a row of X advances by), `vector`, begin(p, column), add_product(sum, x, w) and end(p, row, column, sum), with PANEL
 * columns, four vectors. Everything static: the same code for different types. */
#ifndef VENTURI_KERNELS_GEMM_TILES_AVX2_H
#define VENTURI_KERNELS_GEMM_TILES_AVX2_H

#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx2.h"

enum { MAX_ROWS = 6, LANES = PANEL / 4, STEP_BYTES = 128, HALF_STEP = STEP_BYTES / 2 };

/* Where the sums of a tile will go: fetched while they are made. A row is as long as a line, and may lie across two. */
VTK_INLINE void expect(const vtk_gemm *p, int64_t row0, int64_t column, int rows) {
    enum { OUT_SIZE = (int)sizeof(vector) / LANES };
    const char *out = (const char *)p->out + (row0 * p->ld_out + column) * OUT_SIZE;
    if (p->finish == VTK_GEMM_MAX) return;
    for (int i = 0; i < rows; i++, out += p->ld_out * OUT_SIZE) {
        __builtin_prefetch(out, 1);
        __builtin_prefetch(out + 2 * sizeof(vector) - 1, 1);
    }
}

/* rows is a constant where this is called: the sums live in registers. x: n steps of each row, ld from row to row. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t ld, int64_t n, int64_t row0, int64_t column, int rows) {
    vector sum[MAX_ROWS][2];
    const step *x = (const step *)p->x + row0 * ld;
    const unsigned char *w = (const unsigned char *)p->panels + column / PANEL * n * STEP_BYTES + column % PANEL / (PANEL / 2) * HALF_STEP;

    expect(p, row0, column, rows);
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) sum[i][0] = begin(p, column), sum[i][1] = begin(p, column + LANES);
    for (int64_t c = 0; c < n; c++, w += STEP_BYTES) {
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            sum[i][0] = add_product(sum[i][0], x + i * ld + c, w);
            sum[i][1] = add_product(sum[i][1], x + i * ld + c, w + HALF_STEP / 2);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        end(p, row0 + i, column, sum[i][0]);
        end(p, row0 + i, column + LANES, sum[i][1]);
    }
}

static __attribute__((noinline)) void one_tile(const vtk_gemm *p, int64_t ld, int64_t n, int64_t row0, int64_t column, int64_t rows) {
    switch (rows) {
    case 1: tile(p, ld, n, row0, column, 1); break;
    case 2: tile(p, ld, n, row0, column, 2); break;
    case 3: tile(p, ld, n, row0, column, 3); break;
    case 4: tile(p, ld, n, row0, column, 4); break;
    case 5: tile(p, ld, n, row0, column, 5); break;
    default: tile(p, ld, n, row0, column, 6); break;
    }
}

/* Rows go in tiles of even height. */
VTK_INLINE void all_tiles(const vtk_gemm *p, int64_t ld, int64_t n, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t m = row1 - row0, n_tiles = (m + MAX_ROWS - 1) / MAX_ROWS;
    for (int64_t column = panel0 * PANEL; column < panel1 * PANEL; column += PANEL / 2)
        for (int64_t t = 0, at = 0, next; t < n_tiles; t++, at = next) {
            next = (t + 1) * m / n_tiles;
            one_tile(p, ld, n, row0 + at, column, next - at);
        }
}

#endif
