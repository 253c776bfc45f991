#include "cpu/quant/half.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx512.h"
#include "vtk.h"

void vtk_decode_f16_avx512(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        _mm512_mask_storeu_ps(y + i, lanes, load_halves(lanes, p + 2 * i));
    }
}

void vtk_encode_f16_avx512(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m256i h = _mm512_cvtps_ph(_mm512_maskz_loadu_ps(lanes, x + i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        _mm256_mask_storeu_epi16(p + 2 * i, lanes, h);
    }
}

void vtk_decode_bf16_avx512(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512i v = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(lanes, p + 2 * i));
        _mm512_mask_storeu_epi32(y + i, lanes, _mm512_slli_epi32(v, 16));
    }
}

VTK_INLINE __m128i load_16(const unsigned char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
VTK_INLINE __m512 half_at(const unsigned char *p) { return _mm512_set1_ps(_cvtsh_ss(vtk_load_u16(p))); }

void vtk_decode_q8_0_avx512(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q8_0_SIZE, y += VTK_BLOCK) {
        __m512 d = half_at(p);
        _mm512_storeu_ps(y, _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_16(p + 2)))));
        _mm512_storeu_ps(y + 16, _mm512_mul_ps(d, _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(load_16(p + 18)))));
    }
}

/* The low and the high nibbles of 16 bytes, minus offset. */
VTK_INLINE void load_nibbles(__m512 v[2], const unsigned char *p, int offset) {
    __m512i bytes = _mm512_cvtepu8_epi32(load_16(p)), off = _mm512_set1_epi32(offset);
    v[0] = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_and_si512(bytes, _mm512_set1_epi32(15)), off));
    v[1] = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_srli_epi32(bytes, 4), off));
}

void vtk_decode_q4_0_avx512(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    __m512 v[2];
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_0_SIZE, y += VTK_BLOCK) {
        load_nibbles(v, p + 2, 8);
        for (int i = 0; i < 2; i++) _mm512_storeu_ps(y + 16 * i, _mm512_mul_ps(half_at(p), v[i]));
    }
}

/* The product is rounded before the sum, as the format's definition says. */
void vtk_decode_q4_1_avx512(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    __m512 v[2];
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_1_SIZE, y += VTK_BLOCK) {
        load_nibbles(v, p + 4, 0);
        for (int i = 0; i < 2; i++) _mm512_storeu_ps(y + 16 * i, _mm512_add_ps(_mm512_mul_ps(half_at(p), v[i]), half_at(p + 2)));
    }
}

/* Nearest integers, halves away from zero, within -127..127; NaN gives 0. */
VTK_INLINE __m512i to_int8(__m512 v) {
    const __m512 sign = _mm512_set1_ps(-0.0f), almost_half = _mm512_set1_ps(0x1.fffffep-2f); /* 0.5 itself would lift its neighbour below */
    __m512 r = _mm512_add_ps(v, _mm512_or_ps(_mm512_and_ps(v, sign), almost_half));
    r = _mm512_max_ps(_mm512_min_ps(r, _mm512_set1_ps(127.0f)), _mm512_set1_ps(-127.0f));
    return _mm512_maskz_cvttps_epi32(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), r);
}

void vtk_encode_q8_row_avx512(void *y, const float *x, int64_t n) {
    unsigned char *q = y, *d_out = q + n, *sum_out = d_out + n / VTK_BLOCK * 4, *half_out = sum_out + n / VTK_BLOCK * 4;
    const __m512i abs = _mm512_set1_epi32(0x7fffffff);

    for (int64_t b = 0; b < n / VTK_BLOCK; b++, x += VTK_BLOCK, q += VTK_BLOCK) {
        __m512 v0 = _mm512_loadu_ps(x), v1 = _mm512_loadu_ps(x + 16);
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
}
