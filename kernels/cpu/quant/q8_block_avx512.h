/* A block of 32 activations as 8-bit integers, for the bodies that have it in registers. */
#ifndef VENTURI_KERNELS_Q8_BLOCK_AVX512_H
#define VENTURI_KERNELS_Q8_BLOCK_AVX512_H

#include <string.h>

#include "cpu/quant/half.h"
#include "cpu/vector_avx512.h"
#include "vtk.h"

/* Nearest integers, halves away from zero, within -127..127; NaN gives 0. */
VTK_INLINE __m512i to_int8(__m512 v) {
    const __m512 sign = _mm512_set1_ps(-0.0f), almost_half = _mm512_set1_ps(0x1.fffffep-2f); /* 0.5 itself would lift its neighbour below */
    __m512 r = _mm512_add_ps(v, _mm512_or_ps(_mm512_and_ps(v, sign), almost_half));
    r = _mm512_max_ps(_mm512_min_ps(r, _mm512_set1_ps(127.0f)), _mm512_set1_ps(-127.0f));
    return _mm512_maskz_cvttps_epi32(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), r);
}

/* Block b of a row of n. */
VTK_INLINE void put_q8_block(unsigned char *row, int64_t n, int64_t b, __m512 v0, __m512 v1) {
    unsigned char *q = row + b * VTK_BLOCK, *d_out = row + n, *sum_out = d_out + n / VTK_BLOCK * 4, *half_out = sum_out + n / VTK_BLOCK * 4;
    const __m512i abs = _mm512_set1_epi32(0x7fffffff);
    __m512i a0 = _mm512_and_si512(_mm512_castps_si512(v0), abs), a1 = _mm512_and_si512(_mm512_castps_si512(v1), abs);
    /* bit patterns order like magnitudes, NaN on top */
    float d = vtk_float_of_bits(_mm512_reduce_max_epu32(_mm512_max_epu32(a0, a1))) / 127.0f;
    __m512 id = _mm512_set1_ps(d != 0.0f ? 1.0f / d : 0.0f);
    __m512i q0 = to_int8(_mm512_mul_ps(v0, id)), q1 = to_int8(_mm512_mul_ps(v1, id));
    int32_t first = _mm512_reduce_add_epi32(q0);
    float sum = (float)(first + _mm512_reduce_add_epi32(q1)), half = (float)first;
    _mm_storeu_si128((__m128i *)(void *)q, _mm512_cvtepi32_epi8(q0));
    _mm_storeu_si128((__m128i *)(void *)(q + 16), _mm512_cvtepi32_epi8(q1));
    memcpy(d_out + 4 * b, &d, sizeof d);
    memcpy(sum_out + 4 * b, &sum, sizeof sum);
    memcpy(half_out + 4 * b, &half, sizeof half);
}

#endif
