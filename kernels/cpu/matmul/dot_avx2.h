/* Dot products of 4 rows with 1 or 2 others, lanes along the row: the inner loop of float products and of attention scores. A sum's order
 * depends on the length only, so an element is the same in every tile. */
#ifndef VENTURI_KERNELS_DOT_AVX2_H
#define VENTURI_KERNELS_DOT_AVX2_H

#include "cpu/vector_avx2.h"

/* Columns i.. of w and x, at most 8. */
VTK_INLINE void dot_step(__m256 sum[2][4], const unsigned char *const w[4], const float *const *x, int64_t i, int64_t n, int n_acts, int f16) {
    __m256 row[4];

    for (int r = 0; r < 4; r++) row[r] = f16 ? load_halves(w[r] + 2 * i, n) : load_floats((const float *)(const void *)(w[r] + 4 * i), n);
    for (int a = 0; a < n_acts; a++) {
        __m256 v = load_floats(x[a] + i, n);
        for (int r = 0; r < 4; r++) sum[a][r] = _mm256_fmadd_ps(row[r], v, sum[a][r]);
    }
}

/* out[a] = the four dot products of x[a] with rows w[0..3]. w holds floats, or halves if f16. */
VTK_INLINE void dot_4_rows(__m128 *out, const unsigned char *const w[4], const float *const *x, int64_t n, int n_acts, int f16) {
    __m256 sum[2][4];
    int64_t i = 0;

    for (int a = 0; a < n_acts; a++) {
        for (int r = 0; r < 4; r++) sum[a][r] = _mm256_setzero_ps();
    }
    for (; i + 8 <= n; i += 8) dot_step(sum, w, x, i, 8, n_acts, f16);
    if (i < n) dot_step(sum, w, x, i, n - i, n_acts, f16);
    for (int a = 0; a < n_acts; a++) out[a] = sum_lanes_of_4(sum[a][0], sum[a][1], sum[a][2], sum[a][3]);
}

#endif
