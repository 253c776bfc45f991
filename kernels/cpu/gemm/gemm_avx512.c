/* Tiles of float32, and panels of them. */
#include "cpu/gemm/finish_avx512.h"
#include "cpu/gemm/gemm.h"

/* ---- tiles ---- */

typedef float step;
typedef __m512 vector;

/* The sums of a tile begin with the bias. */
VTK_INLINE vector begin(const vtk_gemm *p, int64_t c) {
    return p->bias ? _mm512_maskz_loadu_ps(lanes_at(p->n, c), p->bias + c) : _mm512_setzero_ps();
}

VTK_INLINE vector add_product(vector sum, const step *x, const void *w) { return _mm512_fmadd_ps(_mm512_set1_ps(*x), _mm512_loadu_ps(w), sum); }

#include "cpu/gemm/tiles_avx512.h"

void vtk_gemm_f32_avx512(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1) {
    all_tiles(p, p->ld_x, p->k, row0, row1, panel0, panel1);
}

/* ---- packing ---- */

/* Up to 16 columns of n rows, all 16 from 16 on, transposed: out[c * ld_out + r] for those lanes of r that are to be stored. Rows that are not there are 0. */
VTK_INLINE void transpose_16(float *out, int64_t ld_out, __mmask16 stored, const float *w, int64_t ld, int64_t n, int64_t k) {
    __m512 v[16], t[16];
    __mmask16 lanes = first_lanes(k);
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) v[i] = i < n ? _mm512_maskz_loadu_ps(lanes, w + i * ld) : _mm512_setzero_ps();
#pragma GCC unroll 8
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 16; i += 4) {
        v[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        v[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        v[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        v[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    /* v[4 j + q] has in its quarter s column 4 s + q of rows 4 j .. 4 j + 3 */
#pragma GCC unroll 4
    for (int q = 0; q < 4; q++) {
        __m512 a = _mm512_shuffle_f32x4(v[q], v[4 + q], 0x88), b = _mm512_shuffle_f32x4(v[q], v[4 + q], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(v[8 + q], v[12 + q], 0x88), d = _mm512_shuffle_f32x4(v[8 + q], v[12 + q], 0xdd);
        t[q] = _mm512_shuffle_f32x4(a, c, 0x88);
        t[4 + q] = _mm512_shuffle_f32x4(b, d, 0x88);
        t[8 + q] = _mm512_shuffle_f32x4(a, c, 0xdd);
        t[12 + q] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
#pragma GCC unroll 16
    for (int c = 0; c < 16; c++)
        if (c < k) _mm512_mask_storeu_ps(out + c * ld_out, stored, t[c]);
}

void vtk_gemm_pack_avx512(float *panels, const float *w, int64_t ld, int64_t n, int64_t k) {
    for (int64_t r = 0; r < n; r += PANEL)
        for (int64_t half = 0; half < PANEL; half += 16)
            for (int64_t c = 0; c < k; c += 16) {
                int64_t row = r + half < n ? r + half : n - 1; /* none left: no row is read */
                transpose_16(panels + (r * k + c * PANEL + half), PANEL, 0xffff, w + row * ld + c, ld, n - r - half, k - c);
            }
}

void vtk_transpose_32_avx512(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns) {
    for (int64_t r = 0; r < n_rows; r += 16)
        for (int64_t c = 0; c < n_columns; c += 16)
            transpose_16((float *)out + c * ld_out + r, ld_out, first_lanes(n_rows - r), (const float *)in + r * ld_in + c, ld_in, n_rows - r, n_columns - c);
}
