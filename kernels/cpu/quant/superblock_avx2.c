#include "cpu/vector_avx2.h"

/* y = a * code - b, or if not is_line a * code, of 16 signed bytes. */
VTK_INLINE void put_16(float *y, __m128i codes, float a, float b, int is_line) {
    __m256 scale = _mm256_set1_ps(a), min = _mm256_set1_ps(b);
    __m256 v0 = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(codes)));
    __m256 v1 = _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(codes, codes))));
    _mm256_storeu_ps(y, is_line ? _mm256_sub_ps(v0, min) : v0);
    _mm256_storeu_ps(y + 8, is_line ? _mm256_sub_ps(v1, min) : v1);
}

#include "cpu/quant/superblock_decode.h" /* with the put_16 of this file */

VTK_SUPERBLOCK_DECODERS(avx2)
