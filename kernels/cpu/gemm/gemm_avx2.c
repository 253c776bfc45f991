/* A tile is up to 6 rows of X times half a panel, 16 rows of W: 12 chains of sums in registers. */
#include "cpu/gemm/finish_avx2.h"
#include "cpu/gemm/gemm.h"

enum { MAX_ROWS = 6 };

/* The sums of a tile begin with the bias. */
VTK_INLINE __m256 begin(const vtk_gemm *p, int64_t c) {
    return p->bias && c < p->n ? load_floats(p->bias + c, p->n - c) : _mm256_setzero_ps();
}

/* rows is a constant where this is called: the sums live in registers. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t row0, int64_t column, int rows) {
    __m256 sum[MAX_ROWS][2];
    const float *x = (const float *)p->x + row0 * p->ld_x, *w = (const float *)p->panels + column / PANEL * PANEL * p->k + column % PANEL;
    int64_t ld = p->ld_x, k = p->k;

#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) sum[i][0] = begin(p, column), sum[i][1] = begin(p, column + 8);
    for (int64_t c = 0; c < k; c++) {
        __m256 a = _mm256_loadu_ps(w + c * PANEL), b = _mm256_loadu_ps(w + c * PANEL + 8);
#pragma GCC unroll 6
        for (int i = 0; i < rows; i++) {
            __m256 v = _mm256_set1_ps(x[i * ld + c]);
            sum[i][0] = _mm256_fmadd_ps(v, a, sum[i][0]);
            sum[i][1] = _mm256_fmadd_ps(v, b, sum[i][1]);
        }
    }
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
        finish(p, row0 + i, column, sum[i][0]);
        finish(p, row0 + i, column + 8, sum[i][1]);
    }
}

static void one_tile(const vtk_gemm *p, int64_t row0, int64_t column, int64_t rows) {
    switch (rows) {
    case 1: tile(p, row0, column, 1); break;
    case 2: tile(p, row0, column, 2); break;
    case 3: tile(p, row0, column, 3); break;
    case 4: tile(p, row0, column, 4); break;
    case 5: tile(p, row0, column, 5); break;
    default: tile(p, row0, column, 6); break;
    }
}

/* Rows go in tiles of even height. */
void vtk_gemm_f32_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    int64_t m = row1 - row0, n_tiles = (m + MAX_ROWS - 1) / MAX_ROWS;
    for (int64_t column = panel0 * PANEL; column < panel1 * PANEL; column += PANEL / 2)
        for (int64_t t = 0, at = 0, end; t < n_tiles; t++, at = end) {
            end = (t + 1) * m / n_tiles;
            one_tile(p, row0 + at, column, end - at);
        }
}
