/* Dot products of 4 rows with 1 to 4 others, lanes along the row: the inner loop of float products and of attention scores. A sum's order
 * depends on the length only, so an element is the same in every tile. */
#ifndef VENTURI_KERNELS_DOT_AVX512_H
#define VENTURI_KERNELS_DOT_AVX512_H

#include "cpu/vector_avx512.h"

/* Columns i.. of w and x, 16 or, if part, as many as lanes says. */
VTK_INLINE void dot_step(__m512 sum[4][4], const unsigned char *const w[4], const float *const *x, int64_t i, int part, __mmask16 lanes,
                         int n_acts, int f16) {
    __m512 row[4];

    for (int r = 0; r < 4; r++) {
        if (f16) row[r] = part ? load_halves(lanes, w[r] + 2 * i) : load_16_halves(w[r] + 2 * i);
        else row[r] = part ? _mm512_maskz_loadu_ps(lanes, w[r] + 4 * i) : _mm512_loadu_ps(w[r] + 4 * i);
    }
    for (int a = 0; a < n_acts; a++) {
        __m512 v = part ? _mm512_maskz_loadu_ps(lanes, x[a] + i) : _mm512_loadu_ps(x[a] + i);
        for (int r = 0; r < 4; r++) sum[a][r] = _mm512_fmadd_ps(row[r], v, sum[a][r]);
    }
}

/* out[a] = the four dot products of x[a] with rows w[0..3]. w holds floats, or halves if f16. */
VTK_INLINE void dot_4_rows(__m128 *out, const unsigned char *const w[4], const float *const *x, int64_t n, int n_acts, int f16) {
    __m512 sum[4][4];
    int64_t i = 0;

    for (int a = 0; a < n_acts; a++) {
        for (int r = 0; r < 4; r++) sum[a][r] = _mm512_setzero_ps();
    }
    for (; i + 16 <= n; i += 16) dot_step(sum, w, x, i, 0, 0xffff, n_acts, f16);
    if (i < n) dot_step(sum, w, x, i, 1, first_lanes(n - i), n_acts, f16);
    for (int a = 0; a < n_acts; a++) out[a] = sum_lanes_of_4(sum[a][0], sum[a][1], sum[a][2], sum[a][3]);
}

#endif
