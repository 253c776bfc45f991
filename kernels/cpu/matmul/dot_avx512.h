/* Dot products of 4 rows with 1 to 4 others, lanes along the row: the inner loop of float products. A sum's order depends on the length only,
 * so an element is the same in every tile. */
#ifndef VENTURI_KERNELS_DOT_AVX512_H
#define VENTURI_KERNELS_DOT_AVX512_H

#include "cpu/vector_avx512.h"
#include "vtk.h"

VTK_INLINE __m512 load_16_bfloats(__mmask16 lanes, const unsigned char *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, p)), 16));
}

/* Columns i.. of w and x, 16 or, if part, as many as lanes says. */
VTK_INLINE void dot_step(__m512 sum[4][4], const unsigned char *const w[4], const float *const *x, int64_t i, int part, __mmask16 lanes,
                         int n_acts, int kind) {
    __m512 row[4];

    for (int r = 0; r < 4; r++) {
        if (kind == VTK_BF16) row[r] = load_16_bfloats(part ? lanes : 0xffff, w[r] + 2 * i);
        else if (kind == VTK_F16) row[r] = part ? load_halves(lanes, w[r] + 2 * i) : load_16_halves(w[r] + 2 * i);
        else row[r] = part ? _mm512_maskz_loadu_ps(lanes, w[r] + 4 * i) : _mm512_loadu_ps(w[r] + 4 * i);
    }
    for (int a = 0; a < n_acts; a++) {
        __m512 v = part ? _mm512_maskz_loadu_ps(lanes, x[a] + i) : _mm512_loadu_ps(x[a] + i);
        for (int r = 0; r < 4; r++) sum[a][r] = _mm512_fmadd_ps(row[r], v, sum[a][r]);
    }
}

/* out[a] = the four dot products of x[a] with rows w[0..3] of a kind of VTK_F32, VTK_F16, VTK_BF16. ahead: bytes from w to what is wanted next; 0:
 * it is near. */
VTK_INLINE void dot_4_rows(__m128 *out, const unsigned char *const w[4], const float *const *x, int64_t n, size_t ahead, int n_acts, int kind) {
    int64_t i = 0, line = kind == VTK_F32 ? 16 : 32;
    __m512 sum[4][4];

    for (int a = 0; a < n_acts; a++) {
        for (int r = 0; r < 4; r++) sum[a][r] = _mm512_setzero_ps();
    }
    for (; i + 16 <= n; i += 16) {
        for (int r = 0; r < 4 && ahead && i % line == 0; r++) _mm_prefetch((const char *)w[r] + ahead + i / line * 64, _MM_HINT_T0);
        dot_step(sum, w, x, i, 0, 0xffff, n_acts, kind);
    }
    if (i < n) dot_step(sum, w, x, i, 1, first_lanes(n - i), n_acts, kind);
    for (int a = 0; a < n_acts; a++) out[a] = sum_lanes_of_4(sum[a][0], sum[a][1], sum[a][2], sum[a][3]);
}

#endif
