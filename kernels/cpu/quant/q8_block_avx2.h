/* A block of 32 activations as 8-bit integers, for the bodies that have it in registers. */
#ifndef VENTURI_KERNELS_Q8_BLOCK_AVX2_H
#define VENTURI_KERNELS_Q8_BLOCK_AVX2_H

#include "cpu/quant/q8_wide.h"
#include "cpu/vector_avx2.h"

/* Nearest integers, halves away from zero, within -most..most; NaN gives 0. */
VTK_INLINE __m256i to_integers(__m256 v, float most) {
    const __m256 sign = _mm256_set1_ps(-0.0f), almost_half = _mm256_set1_ps(0x1.fffffep-2f); /* 0.5 itself would lift its neighbour below */
    __m256 r = _mm256_add_ps(v, _mm256_or_ps(_mm256_and_ps(v, sign), almost_half));
    r = _mm256_max_ps(_mm256_min_ps(r, _mm256_set1_ps(most)), _mm256_set1_ps(-most));
    return _mm256_cvttps_epi32(_mm256_and_ps(r, _mm256_cmp_ps(v, v, _CMP_ORD_Q)));
}

/* Largest |x| of 32; bit patterns order like magnitudes, NaN on top. */
VTK_INLINE float largest(const __m256 v[4]) {
    const __m256i abs = _mm256_set1_epi32(0x7fffffff);
    __m256i m = _mm256_and_si256(_mm256_castps_si256(v[0]), abs);
    for (int i = 1; i < 4; i++) m = _mm256_max_epi32(m, _mm256_and_si256(_mm256_castps_si256(v[i]), abs));
    __m128i h = _mm_max_epi32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    h = _mm_max_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    h = _mm_max_epi32(h, _mm_shuffle_epi32(h, 0xb1));
    return vtk_float_of_bits((uint32_t)_mm_cvtsi128_si32(h));
}

VTK_INLINE int32_t sum_int32(__m256i v) {
    __m128i h = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    h = _mm_add_epi32(h, _mm_shuffle_epi32(h, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(h, _mm_shuffle_epi32(h, 0xb1)));
}

VTK_INLINE void put_q8_sums(unsigned char *row, int64_t n, int64_t b, float d, const __m256i q[4]) {
    unsigned char *d_out = row + n, *sum_out = d_out + n / VTK_BLOCK * 4, *half_out = sum_out + n / VTK_BLOCK * 4;
    int32_t first = sum_int32(_mm256_add_epi32(q[0], q[1]));
    float sum = (float)(first + sum_int32(_mm256_add_epi32(q[2], q[3]))), half = (float)first;
    memcpy(d_out + 4 * b, &d, sizeof d);
    memcpy(sum_out + 4 * b, &sum, sizeof sum);
    memcpy(half_out + 4 * b, &half, sizeof half);
}

/* Integers that fit a byte. */
VTK_INLINE void put_q8_bytes(unsigned char *out, const __m256i q[4]) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* undoes the interleaving of the packs */
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(q[0], q[1]), _mm256_packs_epi32(q[2], q[3]));
    _mm256_storeu_si256((__m256i *)(void *)out, _mm256_permutevar8x32_epi32(bytes, order));
}

/* Block b of a row of n, with 8 bits. */
VTK_INLINE void put_q8_block(unsigned char *row, int64_t n, int64_t b, const __m256 v[4]) {
    __m256i q[4];
    float d = largest(v) / 127.0f;
    __m256 id = _mm256_set1_ps(d != 0.0f ? 1.0f / d : 0.0f);
    for (int j = 0; j < 4; j++) q[j] = to_integers(_mm256_mul_ps(v[j], id), 127.0f);
    put_q8_bytes(row + b * VTK_BLOCK, q);
    put_q8_sums(row, n, b, d, q);
}

/* Block b again, with 16. */
VTK_INLINE void put_q8_wide(unsigned char *row, int64_t n, int64_t b, const __m256 v[4]) {
    __m256i q[4], high[4], low[4];
    float d = vtk_load_f32(row + n + 4 * b) / 256.0f;
    __m256 id = _mm256_set1_ps(1.0f / d);
    for (int j = 0; j < 4; j++) {
        q[j] = to_integers(_mm256_mul_ps(v[j], id), VTK_WIDE_MOST);
        high[j] = _mm256_srai_epi32(_mm256_add_epi32(q[j], _mm256_set1_epi32(128)), 8);
        low[j] = _mm256_srai_epi32(_mm256_slli_epi32(q[j], 24), 24);
    }
    put_q8_bytes(row + b * VTK_BLOCK, high);
    put_q8_bytes(row + vtk_q8_low_at(n) + b * VTK_BLOCK, low);
    put_q8_sums(row, n, b, d, q);
}

#endif
