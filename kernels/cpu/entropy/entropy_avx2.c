/* Entropy coding: a line of a table is two vectors. */
#define NAME(x) x##_avx2
#include <immintrin.h>
#include <stdint.h>

/* Numbers are at most 4096: comparisons with a sign do. */
static inline uint32_t find(const uint16_t *table, int64_t lines, uint32_t slot) {
    const __m256i at = _mm256_broadcastw_epi16(_mm_cvtsi32_si128((int)slot));
    uint32_t above = 0;
    for (int64_t i = 0; i < lines; i++) {
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(table + i * 32));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(table + i * 32 + 16));
        __m256i both = _mm256_packs_epi16(_mm256_cmpgt_epi16(a, at), _mm256_cmpgt_epi16(b, at));
        above += (uint32_t)__builtin_popcount((uint32_t)_mm256_movemask_epi8(both));
    }
    return (uint32_t)lines * 32 - above;
}

#include "entropy_body.h"

const struct vtk_entropy vtk_entropy_avx2 = {.rans_decode = rans_decode_avx2, .dequantise = dequantise_avx2};
