/* A tile is up to 6 rows of X times half a panel, 16 rows of W: 12 chains of sums in registers. */
#include "cpu/gemm/gemm.h"

#include <math.h>

#include "cpu/vector_avx2.h"

enum { PANEL = VTK_GEMM_PANEL, MAX_ROWS = 6 };

VTK_INLINE __m256 gelu(__m256 x) {
    static const float term[] = VTK_GELU_TERMS;
    __m256 one = _mm256_set1_ps(1.0f), t = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
    __m256 u = _mm256_div_ps(one, _mm256_fmadd_ps(t, _mm256_set1_ps(VTK_GELU_SLOPE), one));
    __m256 h = _mm256_set1_ps(term[8]);
    for (int i = 7; i >= 0; i--) h = _mm256_fmadd_ps(h, u, _mm256_set1_ps(term[i]));
    h = _mm256_mul_ps(_mm256_mul_ps(h, u), exp_ps(_mm256_mul_ps(_mm256_mul_ps(t, t), _mm256_set1_ps(-0.5f))));
    return _mm256_mul_ps(x, _mm256_blendv_ps(_mm256_sub_ps(one, h), h, x)); /* the blend looks at x's sign */
}

VTK_INLINE __m256 gelu_tanh(__m256 x) {
    __m256 slope = _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(VTK_GELU_TANH_B), _mm256_set1_ps(VTK_GELU_TANH_A));
    __m256 e = exp_ps(_mm256_mul_ps(_mm256_sub_ps(_mm256_setzero_ps(), x), slope));
    return _mm256_div_ps(x, _mm256_add_ps(e, _mm256_set1_ps(1.0f)));
}

/* Stores one vector of sums: row i, columns c..c+7 of the result. */
VTK_INLINE void finish(const vtk_gemm *p, int64_t i, int64_t c, __m256 y) {
    int64_t n = p->n - c;
    if (n <= 0) return;
    if (p->add) y = _mm256_add_ps(y, load_floats(p->add + i * p->ld_out + c, n));
    if (p->finish == VTK_GEMM_MAX) {
        store_floats(p->out + c, _mm256_max_ps(y, load_floats(p->out + c, n)), n);
        return;
    }
    if (p->finish == VTK_GEMM_GELU) y = gelu(y);
    if (p->finish == VTK_GEMM_GELU_TANH) y = gelu_tanh(y);
    store_floats(p->out + i * p->ld_out + c, y, n);
}

/* The sums of a tile begin with the bias. */
VTK_INLINE __m256 begin(const vtk_gemm *p, int64_t c) {
    return p->bias && c < p->n ? load_floats(p->bias + c, p->n - c) : _mm256_setzero_ps();
}

/* rows is a constant where this is called: the sums live in registers. */
VTK_INLINE void tile(const vtk_gemm *p, int64_t row0, int64_t column, int rows) {
    __m256 sum[MAX_ROWS][2];
    const float *x = p->x + row0 * p->ld_x, *w = p->panels + column / PANEL * PANEL * p->k + column % PANEL;
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
