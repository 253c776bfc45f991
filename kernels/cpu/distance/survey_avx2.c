#include "cpu/distance/survey.h"

#include "cpu/distance/distance.h"
#include "cpu/vector_avx2.h"

SURVEY(avx2)

VTK_INLINE __m256i load(const void *p) { return _mm256_loadu_si256(p); }

/* Rows of 4 words of 8 bytes become columns. */
VTK_INLINE void turn_4(__m256i x[4]) {
    __m256i a = _mm256_unpacklo_epi64(x[0], x[1]), b = _mm256_unpackhi_epi64(x[0], x[1]);
    __m256i c = _mm256_unpacklo_epi64(x[2], x[3]), d = _mm256_unpackhi_epi64(x[2], x[3]);
    x[0] = _mm256_permute2x128_si256(a, c, 0x20);
    x[1] = _mm256_permute2x128_si256(b, d, 0x20);
    x[2] = _mm256_permute2x128_si256(a, c, 0x31);
    x[3] = _mm256_permute2x128_si256(b, d, 0x31);
}

/* Rows of 8 words of 4 bytes become columns: pairs within two rows first, then pairs as words of 8 bytes. */
VTK_INLINE void turn_8(__m256i x[8]) {
    __m256i t[8];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        t[i] = _mm256_unpacklo_epi32(x[2 * i], x[2 * i + 1]);     /* columns 0 1, and 4 5 in the upper half */
        t[i + 4] = _mm256_unpackhi_epi32(x[2 * i], x[2 * i + 1]); /* columns 2 3, and 6 7 */
    }
    turn_4(t);
    turn_4(t + 4);
    x[0] = t[0], x[1] = t[1], x[4] = t[2], x[5] = t[3];
    x[2] = t[4], x[3] = t[5], x[6] = t[6], x[7] = t[7];
}

/* N words of `size` bytes fill a vector. */
VTK_INLINE int is_mirrored(const char *a, const char *b, int64_t edge, int64_t n_rows, int64_t n_columns, int64_t size) {
    const int64_t n = 32 / size, step = edge * size;
    __m256i differ = _mm256_setzero_si256(), x[8];

    for (int64_t r = 0; r < n_rows; r += n)
        for (int64_t c = 0; c < n_columns; c += n) {
#pragma GCC unroll 8
            for (int i = 0; i < n; i++) x[i] = load(b + (c + i) * step + r * size);
            if (n == 8) turn_8(x);
            else turn_4(x);
#pragma GCC unroll 8
            for (int i = 0; i < n; i++) differ = _mm256_or_si256(differ, _mm256_xor_si256(x[i], load(a + (r + i) * step + c * size)));
        }
    return _mm256_testz_si256(differ, differ);
}

int vtk_is_mirrored_32_avx2(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns) {
    return n_rows % 8 || n_columns % 8 ? is_mirrored_32(a, b, edge, n_rows, n_columns) : is_mirrored(a, b, edge, n_rows, n_columns, 4);
}

int vtk_is_mirrored_64_avx2(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns) {
    return n_rows % 4 || n_columns % 4 ? is_mirrored_64(a, b, edge, n_rows, n_columns) : is_mirrored(a, b, edge, n_rows, n_columns, 8);
}
