/* Dot products of 4 rows with 1 or 2 others, lanes along the row: the inner loop of float products. A sum's order depends on the length only,
 * so an element is the same in every tile. */
#ifndef VENTURI_KERNELS_DOT_AVX2_H
#define VENTURI_KERNELS_DOT_AVX2_H

#include "cpu/vector_avx2.h"
#include "vtk.h"

/* n <= 8 bfloats. */
VTK_INLINE __m256 load_bfloats(const unsigned char *p, int64_t n) {
    uint16_t b[8] = {0};
    memcpy(b, p, n >= 8 ? 16 : (size_t)n * 2);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)b)), 16));
}

VTK_INLINE __m256 load_row(const unsigned char *w, int64_t i, int64_t n, int kind) {
    if (kind == VTK_F32) return load_floats((const float *)(const void *)(w + 4 * i), n);
    return kind == VTK_F16 ? load_halves(w + 2 * i, n) : load_bfloats(w + 2 * i, n);
}

/* Columns i.. of w and x, at most 8. */
VTK_INLINE void dot_step(__m256 sum[2][4], const unsigned char *const w[4], const float *const *x, int64_t i, int64_t n, int n_acts, int kind) {
    __m256 row[4];

    for (int r = 0; r < 4; r++) row[r] = load_row(w[r], i, n, kind);
    for (int a = 0; a < n_acts; a++) {
        __m256 v = load_floats(x[a] + i, n);
        for (int r = 0; r < 4; r++) sum[a][r] = _mm256_fmadd_ps(row[r], v, sum[a][r]);
    }
}

/* out[a] = the four dot products of x[a] with rows w[0..3] of a kind of VTK_F32, VTK_F16, VTK_BF16. ahead: bytes from w to what is wanted next; 0:
 * it is near. */
VTK_INLINE void dot_4_rows(__m128 *out, const unsigned char *const w[4], const float *const *x, int64_t n, size_t ahead, int n_acts, int kind) {
    int64_t i = 0, line = kind == VTK_F32 ? 16 : 32;
    __m256 sum[2][4];

    for (int a = 0; a < n_acts; a++) {
        for (int r = 0; r < 4; r++) sum[a][r] = _mm256_setzero_ps();
    }
    for (; i + 8 <= n; i += 8) {
        for (int r = 0; r < 4 && ahead && i % line == 0; r++) _mm_prefetch((const char *)w[r] + ahead + i / line * 64, _MM_HINT_T0);
        dot_step(sum, w, x, i, 8, n_acts, kind);
    }
    if (i < n) dot_step(sum, w, x, i, n - i, n_acts, kind);
    for (int a = 0; a < n_acts; a++) out[a] = sum_lanes_of_4(sum[a][0], sum[a][1], sum[a][2], sum[a][3]);
}

#endif
