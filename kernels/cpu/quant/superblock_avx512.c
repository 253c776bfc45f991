#include "cpu/vector_avx512.h"

/* y = a * code - b, or if not is_line a * code, of 16 signed bytes. */
VTK_INLINE void put_16(float *y, __m128i codes, float a, float b, int is_line) {
    __m512 v = _mm512_mul_ps(_mm512_set1_ps(a), _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(codes)));
    _mm512_storeu_ps(y, is_line ? _mm512_sub_ps(v, _mm512_set1_ps(b)) : v);
}

#include "cpu/quant/superblock_decode.h" /* with the put_16 of this file */

VTK_SUPERBLOCK_DECODERS(avx512)
