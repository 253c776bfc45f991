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

/* What is left of n columns in a vector that begins at column c. */
VTK_INLINE __mmask8 lanes_at(int64_t n, int64_t c) { return c < n ? (__mmask8)first_lanes(n - c) : 0; }

/* Where the sums of a tile will go: fetched while they are made. */
VTK_INLINE void expect(const vtk_gemm *p, int64_t row0, int64_t column, int rows) {
    const double *out = (const double *)p->out + row0 * p->ld_out + column;
    for (int i = 0; i < rows; i++) {
        _mm_prefetch((const char *)(out + i * p->ld_out), _MM_HINT_ET0);
        _mm_prefetch((const char *)(out + i * p->ld_out + 8), _MM_HINT_ET0);
    }
}

VTK_INLINE void end(const vtk_gemm *p, int64_t row0, int64_t column, int rows, vector (*sum)[2]) {
    double *out = (double *)p->out + row0 * p->ld_out + column;
    __mmask8 low = lanes_at(p->n, column), high = lanes_at(p->n, column + 8);
    __m512d alpha = _mm512_set1_pd(p->alpha), beta = _mm512_set1_pd(p->beta);
    int scales = p->finish == VTK_GEMM_SCALE, reads = scales && p->beta != 0;
#pragma GCC unroll 14
    for (int i = 0; i < rows; i++, out += p->ld_out) {
        __m512d y = sum[i][0], z = sum[i][1];
        if (scales) y = _mm512_mul_pd(y, alpha), z = _mm512_mul_pd(z, alpha);
        if (reads) y = _mm512_fmadd_pd(beta, _mm512_maskz_loadu_pd(low, out), y), z = _mm512_fmadd_pd(beta, _mm512_maskz_loadu_pd(high, out + 8), z);
        _mm512_mask_storeu_pd(out, low, y);
        _mm512_mask_storeu_pd(out + 8, high, z);
    }
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
