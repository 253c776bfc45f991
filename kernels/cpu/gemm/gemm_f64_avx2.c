/* Tiles of float64, and transposing. */
#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx2.h"

enum { PANEL = VTK_GEMM_PANEL_F64 };

typedef double step;
typedef __m256d vector;

VTK_INLINE vector begin(const vtk_gemm *p, int64_t c) {
    (void)p, (void)c;
    return _mm256_setzero_pd();
}

VTK_INLINE vector add_product(vector sum, const step *x, const void *w) { return _mm256_fmadd_pd(_mm256_set1_pd(*x), _mm256_loadu_pd(w), sum); }

VTK_INLINE void end(const vtk_gemm *p, int64_t i, int64_t c, vector y) {
    double *out = (double *)p->out + i * p->ld_out + c;
    __m256i lanes = _mm256_cmpgt_epi64(_mm256_set1_epi64x(p->n - c), _mm256_setr_epi64x(0, 1, 2, 3));
    int all = p->n - c >= 4; /* some processors take long over masks */
    if (p->finish == VTK_GEMM_SCALE) {
        y = _mm256_mul_pd(y, _mm256_set1_pd(p->alpha));
        if (p->beta != 0) y = _mm256_fmadd_pd(_mm256_set1_pd(p->beta), all ? _mm256_loadu_pd(out) : _mm256_maskload_pd(out, lanes), y);
    }
    if (all) _mm256_storeu_pd(out, y);
    else _mm256_maskstore_pd(out, lanes, y);
}

#include "cpu/gemm/tiles_avx2.h"

void vtk_gemm_f64_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    all_tiles(p, p->ld_x, p->k, row0, row1, panel0, panel1);
}

/* ---- transposing ---- */

/* Four columns of four rows. */
VTK_INLINE void transpose_4(double *out, int64_t ld_out, const double *in, int64_t ld) {
    __m256d a = _mm256_loadu_pd(in), b = _mm256_loadu_pd(in + ld), c = _mm256_loadu_pd(in + 2 * ld), d = _mm256_loadu_pd(in + 3 * ld);
    __m256d ab = _mm256_unpacklo_pd(a, b), cd = _mm256_unpacklo_pd(c, d), ab1 = _mm256_unpackhi_pd(a, b), cd1 = _mm256_unpackhi_pd(c, d);
    _mm256_storeu_pd(out, _mm256_permute2f128_pd(ab, cd, 0x20));
    _mm256_storeu_pd(out + ld_out, _mm256_permute2f128_pd(ab1, cd1, 0x20));
    _mm256_storeu_pd(out + 2 * ld_out, _mm256_permute2f128_pd(ab, cd, 0x31));
    _mm256_storeu_pd(out + 3 * ld_out, _mm256_permute2f128_pd(ab1, cd1, 0x31));
}

void vtk_transpose_64_avx2(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns) {
    int64_t rows = n_rows / 4 * 4, columns = n_columns / 4 * 4;
    for (int64_t r = 0; r < rows; r += 4)
        for (int64_t c = 0; c < columns; c += 4) transpose_4((double *)out + c * ld_out + r, ld_out, (const double *)in + r * ld_in + c, ld_in);
    vtk_transpose_64_ref((double *)out + columns * ld_out, ld_out, (const double *)in + columns, ld_in, rows, n_columns - columns);
    vtk_transpose_64_ref((double *)out + rows, ld_out, (const double *)in + rows * ld_in, ld_in, n_rows - rows, n_columns);
}
