/* A block of 32 activations as 8-bit integers, for the bodies that have it in registers. */
#ifndef VENTURI_KERNELS_Q8_BLOCK_AVX2_H
#define VENTURI_KERNELS_Q8_BLOCK_AVX2_H

#include <string.h>

#include "cpu/quant/half.h"
#include "cpu/vector_avx2.h"
#include "vtk.h"

/* Nearest integers, halves away from zero, within -127..127; NaN gives 0. */
VTK_INLINE __m256i to_int8(__m256 v) {
    const __m256 sign = _mm256_set1_ps(-0.0f), almost_half = _mm256_set1_ps(0x1.fffffep-2f); /* 0.5 itself would lift its neighbour below */
    __m256 r = _mm256_add_ps(v, _mm256_or_ps(_mm256_and_ps(v, sign), almost_half));
    r = _mm256_max_ps(_mm256_min_ps(r, _mm256_set1_ps(127.0f)), _mm256_set1_ps(-127.0f));
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

/* Block b of a row of n. */
VTK_INLINE void put_q8_block(unsigned char *row, int64_t n, int64_t b, const __m256 v[4]) {
    unsigned char *q = row + b * VTK_BLOCK, *d_out = row + n, *sum_out = d_out + n / VTK_BLOCK * 4, *half_out = sum_out + n / VTK_BLOCK * 4;
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* undoes the interleaving of the packs */
    __m256i i[4];
    float d = largest(v) / 127.0f;
    __m256 id = _mm256_set1_ps(d != 0.0f ? 1.0f / d : 0.0f);
    for (int j = 0; j < 4; j++) i[j] = to_int8(_mm256_mul_ps(v[j], id));
    int32_t first = sum_int32(_mm256_add_epi32(i[0], i[1]));
    float sum = (float)(first + sum_int32(_mm256_add_epi32(i[2], i[3]))), half = (float)first;
    __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
    _mm256_storeu_si256((__m256i *)(void *)q, _mm256_permutevar8x32_epi32(bytes, order));
    memcpy(d_out + 4 * b, &d, sizeof d);
    memcpy(sum_out + 4 * b, &sum, sizeof sum);
    memcpy(half_out + 4 * b, &half, sizeof half);
}

#endif
