/* A block of 32 activations as 8-bit integers, for the bodies that have it in registers. */
#ifndef VENTURI_KERNELS_Q8_BLOCK_AVX512_H
#define VENTURI_KERNELS_Q8_BLOCK_AVX512_H

#include "cpu/quant/q8_wide.h"
#include "cpu/vector_avx512.h"

/* Nearest integers, halves away from zero, within -most..most; NaN gives 0. */
VTK_INLINE __m512i to_integers(__m512 v, float most) {
    const __m512 sign = _mm512_set1_ps(-0.0f), almost_half = _mm512_set1_ps(0x1.fffffep-2f); /* 0.5 itself would lift its neighbour below */
    __m512 r = _mm512_add_ps(v, _mm512_or_ps(_mm512_and_ps(v, sign), almost_half));
    r = _mm512_max_ps(_mm512_min_ps(r, _mm512_set1_ps(most)), _mm512_set1_ps(-most));
    return _mm512_maskz_cvttps_epi32(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), r);
}

VTK_INLINE void put_q8_sums(unsigned char *row, int64_t n, int64_t b, float d, __m512i q0, __m512i q1) {
    unsigned char *d_out = row + n, *sum_out = d_out + n / VTK_BLOCK * 4, *half_out = sum_out + n / VTK_BLOCK * 4;
    int32_t first = _mm512_reduce_add_epi32(q0);
    float sum = (float)(first + _mm512_reduce_add_epi32(q1)), half = (float)first;
    memcpy(d_out + 4 * b, &d, sizeof d);
    memcpy(sum_out + 4 * b, &sum, sizeof sum);
    memcpy(half_out + 4 * b, &half, sizeof half);
}

/* The lowest bytes. */
VTK_INLINE void put_q8_bytes(unsigned char *out, __m512i q0, __m512i q1) {
    _mm_storeu_si128((__m128i *)(void *)out, _mm512_cvtepi32_epi8(q0));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm512_cvtepi32_epi8(q1));
}

/* Block b of a row of n, with 8 bits. */
VTK_INLINE void put_q8_block(unsigned char *row, int64_t n, int64_t b, __m512 v0, __m512 v1) {
    const __m512i abs = _mm512_set1_epi32(0x7fffffff);
    __m512i a0 = _mm512_and_si512(_mm512_castps_si512(v0), abs), a1 = _mm512_and_si512(_mm512_castps_si512(v1), abs);
    /* bit patterns order like magnitudes, NaN on top */
    float d = vtk_float_of_bits(_mm512_reduce_max_epu32(_mm512_max_epu32(a0, a1))) / 127.0f;
    __m512 id = _mm512_set1_ps(d != 0.0f ? 1.0f / d : 0.0f);
    __m512i q0 = to_integers(_mm512_mul_ps(v0, id), 127.0f), q1 = to_integers(_mm512_mul_ps(v1, id), 127.0f);
    put_q8_bytes(row + b * VTK_BLOCK, q0, q1);
    put_q8_sums(row, n, b, d, q0, q1);
}

VTK_INLINE __m512i high_bytes(__m512i q) { return _mm512_srai_epi32(_mm512_add_epi32(q, _mm512_set1_epi32(128)), 8); }

/* Block b again, with 16. */
VTK_INLINE void put_q8_wide(unsigned char *row, int64_t n, int64_t b, __m512 v0, __m512 v1) {
    float d = vtk_load_f32(row + n + 4 * b) / 256.0f;
    __m512 id = _mm512_set1_ps(1.0f / d);
    __m512i q0 = to_integers(_mm512_mul_ps(v0, id), VTK_WIDE_MOST), q1 = to_integers(_mm512_mul_ps(v1, id), VTK_WIDE_MOST);
    put_q8_bytes(row + b * VTK_BLOCK, high_bytes(q0), high_bytes(q1));
    put_q8_bytes(row + vtk_q8_low_at(n) + b * VTK_BLOCK, q0, q1);
    put_q8_sums(row, n, b, d, q0, q1);
}

#endif
