/* Entropy coding: a line of a table is one vector. */
#define NAME(x) x##_avx512
#include <immintrin.h>
#include <stdint.h>

static inline uint32_t find(const uint16_t *table, int64_t lines, uint32_t slot) {
    const __m512i at = _mm512_broadcastw_epi16(_mm_cvtsi32_si128((int)slot));
    uint32_t n = 0;
    for (int64_t i = 0; i < lines; i++)
        n += (uint32_t)__builtin_popcount(_mm512_cmple_epu16_mask(_mm512_loadu_si512((const void *)(table + i * 32)), at));
    return n;
}

#include "entropy_body.h"

const struct vtk_entropy vtk_entropy_avx512 = {.rans_decode = rans_decode_avx512, .dequantise = dequantise_avx512};
