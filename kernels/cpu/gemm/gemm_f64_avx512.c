/* Tiles of float64. */
#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx512.h"

enum { PANEL = VTK_GEMM_PANEL_F64, MAX_ROWS = 14 };

typedef double step;
typedef __m512d vector;

VTK_INLINE vector begin(const vtk_gemm *p, int64_t c) {
    (void)p, (void)c;
    return _mm512_setzero_pd();
}

VTK_INLINE vector add_product(vector sum, const step *x, const void *w) { return _mm512_fmadd_pd(_mm512_set1_pd(*x), _mm512_loadu_pd(w), sum); }

VTK_INLINE void put(const vtk_gemm *p, double *out, __mmask8 lanes, __m512d y) {
    if (p->finish == VTK_GEMM_SCALE) {
        y = _mm512_mul_pd(y, _mm512_set1_pd(p->alpha));
        if (p->beta != 0) y = _mm512_fmadd_pd(_mm512_set1_pd(p->beta), _mm512_maskz_loadu_pd(lanes, out), y);
    }
    _mm512_mask_storeu_pd(out, lanes, y);
}

static __attribute__((noinline)) void put_tile(const vtk_gemm *p, int64_t row0, int64_t column, int rows, const double *sums) {
    for (int64_t c = column; c < column + PANEL && c < p->n; c += 8)
        for (int i = 0; i < rows; i++)
            put(p, (double *)p->out + (row0 + i) * p->ld_out + c, (__mmask8)first_lanes(p->n - c), _mm512_load_pd(sums + i * PANEL + (c - column)));
}

VTK_INLINE void end(const vtk_gemm *p, int64_t row0, int64_t column, int rows, vector (*sum)[2]) {
    double sums[MAX_ROWS * PANEL] __attribute__((aligned(64)));
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++) {
        _mm512_store_pd(sums + i * PANEL, sum[i][0]);
        _mm512_store_pd(sums + i * PANEL + 8, sum[i][1]);
    }
    put_tile(p, row0, column, rows, sums);
}

#include "cpu/gemm/tiles_avx512.h"

void vtk_gemm_f64_avx512(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    all_tiles(p, p->ld_x, p->k, row0, row1, panel0, panel1);
}

/* ---- transposing ---- */

VTK_INLINE void transpose_8(double *out, int64_t ld_out, __mmask8 stored, const double *in, int64_t ld, int64_t n, int64_t k) {
    __m512d v[8], t[8];
    __mmask8 lanes = (__mmask8)first_lanes(k);
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++) v[i] = i < n ? _mm512_maskz_loadu_pd(lanes, in + i * ld) : _mm512_setzero_pd();
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm512_unpacklo_pd(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_pd(v[i], v[i + 1]);
    }
    /* t[2 j + q] has in its quarter s column 2 s + q of rows 2 j, 2 j + 1 */
#pragma GCC unroll 2
    for (int q = 0; q < 2; q++) {
        __m512d a = _mm512_shuffle_f64x2(t[q], t[2 + q], 0x88), b = _mm512_shuffle_f64x2(t[q], t[2 + q], 0xdd);
        __m512d c = _mm512_shuffle_f64x2(t[4 + q], t[6 + q], 0x88), d = _mm512_shuffle_f64x2(t[4 + q], t[6 + q], 0xdd);
        v[q] = _mm512_shuffle_f64x2(a, c, 0x88);
        v[2 + q] = _mm512_shuffle_f64x2(b, d, 0x88);
        v[4 + q] = _mm512_shuffle_f64x2(a, c, 0xdd);
        v[6 + q] = _mm512_shuffle_f64x2(b, d, 0xdd);
    }
#pragma GCC unroll 8
    for (int c = 0; c < 8; c++)
        if (c < k) _mm512_mask_storeu_pd(out + c * ld_out, stored, v[c]);
}

void vtk_transpose_64_avx512(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns) {
    for (int64_t r = 0; r < n_rows; r += 8)
        for (int64_t c = 0; c < n_columns; c += 8)
            transpose_8((double *)out + c * ld_out + r, ld_out, (__mmask8)first_lanes(n_rows - r), (const double *)in + r * ld_in + c, ld_in, n_rows - r, n_columns - c);
}
