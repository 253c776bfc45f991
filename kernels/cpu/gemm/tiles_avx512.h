/* A tile is up to 14 rows of X times a panel, two vectors of W: 28 chains of sums in registers, two loads of weights and 14 broadcasts for 28
 * multiplications a step. Fewer rows take two panels at once, so that there are always enough chains to hide the latency of an addition. The panel is the
 * outer loop: it stays in the caches while the tiles of the rows go by.
 *
 * Included behind `step` (what a row of X advances by), `vector`, begin(p, column), expect(p, row0, column, rows), add_product(sum, x, w) and
 * end(p, row0, column, rows, sums), with
 * PANEL columns. Everything static: the same code for different types and flags. */
#ifndef VENTURI_KERNELS_GEMM_TILES_AVX512_H
#define VENTURI_KERNELS_GEMM_TILES_AVX512_H

#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx512.h"

enum { WIDE_ROWS = 7, LINE = 64, STEP_BYTES = 2 * LINE };

/* rows and n_panels are constants where this is called: the sums live in registers. x: n steps of each row, ld from row to row. No panel: the first
 * vector of one, the last of W whose second has no column. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t ld, int64_t n, int64_t row0, int64_t panel, int rows, int n_panels) {
    vector sum[MAX_ROWS][2], sum2[WIDE_ROWS][2];
    const step *x = (const step *)p->x + row0 * ld;
    const unsigned char *w = (const unsigned char *)p->panels + panel * n * STEP_BYTES, *w2 = w + n * STEP_BYTES;
    int64_t column = panel * PANEL;
    vector low = begin(p, column), high = begin(p, column + PANEL / 2), low2 = low, high2 = high;

    expect(p, row0, column, rows);
    if (n_panels == 2) low2 = begin(p, column + PANEL), high2 = begin(p, column + PANEL * 3 / 2);
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        sum[i][0] = low, sum[i][1] = high;
        if (n_panels == 2) sum2[i][0] = low2, sum2[i][1] = high2;
    }
    for (int64_t c = 0; c < n; c++, w += STEP_BYTES, w2 += STEP_BYTES) {
#pragma GCC unroll 14
        for (int i = 0; i < rows; i++) {
            sum[i][0] = add_product(sum[i][0], x + i * ld + c, w);
            if (n_panels > 0) sum[i][1] = add_product(sum[i][1], x + i * ld + c, w + LINE);
            if (n_panels == 2) {
                sum2[i][0] = add_product(sum2[i][0], x + i * ld + c, w2);
                sum2[i][1] = add_product(sum2[i][1], x + i * ld + c, w2 + LINE);
            }
        }
    }
    end(p, row0, column, rows, sum);
    if (n_panels == 2) end(p, row0, column + PANEL, rows, sum2);
}

#define TILE(rows, n_panels) \
    static void tile_##rows##_##n_panels(const vtk_gemm *p, int64_t ld, int64_t n, int64_t i, int64_t panel) { tile(p, ld, n, i, panel, rows, n_panels); }
TILE(1, 0) TILE(2, 0) TILE(3, 0) TILE(4, 0) TILE(5, 0) TILE(6, 0) TILE(7, 0)
TILE(8, 0) TILE(9, 0) TILE(10, 0) TILE(11, 0) TILE(12, 0) TILE(13, 0) TILE(14, 0)
TILE(1, 1) TILE(2, 1) TILE(3, 1) TILE(4, 1) TILE(5, 1) TILE(6, 1) TILE(7, 1)
TILE(8, 1) TILE(9, 1) TILE(10, 1) TILE(11, 1) TILE(12, 1) TILE(13, 1) TILE(14, 1)
TILE(1, 2) TILE(2, 2) TILE(3, 2) TILE(4, 2) TILE(5, 2) TILE(6, 2) TILE(7, 2)

typedef void (*tile_fn)(const vtk_gemm *p, int64_t ld, int64_t n, int64_t row0, int64_t panel);
static const tile_fn half_panel[MAX_ROWS + 1] = {NULL,     tile_1_0, tile_2_0, tile_3_0,  tile_4_0,  tile_5_0,  tile_6_0, tile_7_0,
                                                 tile_8_0, tile_9_0, tile_10_0, tile_11_0, tile_12_0, tile_13_0, tile_14_0};
static const tile_fn narrow[MAX_ROWS + 1] = {NULL,     tile_1_1, tile_2_1, tile_3_1,  tile_4_1,  tile_5_1,  tile_6_1, tile_7_1,
                                             tile_8_1, tile_9_1, tile_10_1, tile_11_1, tile_12_1, tile_13_1, tile_14_1};
static const tile_fn wide[WIDE_ROWS + 1] = {NULL, tile_1_2, tile_2_2, tile_3_2, tile_4_2, tile_5_2, tile_6_2, tile_7_2};

/* Rows go in tiles of even height: 128 rows are ten tiles of 12 or 13, not nine of 14 and a slow one of 2. */
VTK_INLINE void all_tiles(const vtk_gemm *p, int64_t ld, int64_t n, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t m = row1 - row0, n_tiles = (m + MAX_ROWS - 1) / MAX_ROWS, panel = panel0;
    if (m <= WIDE_ROWS && m > 0)
        for (; panel + 2 <= panel1; panel += 2) wide[m](p, ld, n, row0, panel);
    for (; panel < panel1; panel++) {
        const tile_fn *tiles = p->n - panel * PANEL > PANEL / 2 ? narrow : half_panel;
        for (int64_t t = 0, at = 0, next; t < n_tiles; t++, at = next) {
            next = (t + 1) * m / n_tiles;
            tiles[next - at](p, ld, n, row0 + at, panel);
        }
    }
}

#endif
