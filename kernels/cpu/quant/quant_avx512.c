#include "cpu/quant/half.h"
#include "cpu/quant/q8_block_avx512.h"
#include "cpu/quant/quant.h"
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

/* Nearest, ties to even, in integers; a NaN becomes quiet. */
void vtk_encode_bf16_avx512(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512i u = _mm512_maskz_loadu_epi32(lanes, x + i), high = _mm512_srli_epi32(u, 16);
        __mmask16 is_nan = _mm512_cmpgt_epi32_mask(_mm512_and_si512(u, _mm512_set1_epi32(0x7fffffff)), _mm512_set1_epi32(0x7f800000));
        __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1)), v = _mm512_add_epi32(u, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
        v = _mm512_mask_or_epi32(_mm512_srli_epi32(v, 16), is_nan, high, _mm512_set1_epi32(0x40));
        _mm256_mask_storeu_epi16(p + 2 * i, lanes, _mm512_cvtepi32_epi16(v));
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

void vtk_encode_q8_row_avx512(void *y, const float *x, int64_t n) {
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) put_q8_block(y, n, b, _mm512_loadu_ps(x + b * VTK_BLOCK), _mm512_loadu_ps(x + b * VTK_BLOCK + 16));
    vtk_q8_choose_wide(y, n);
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        if (vtk_q8_is_wide((unsigned char *)y + vtk_q8_wide_at(n), b))
            put_q8_wide(y, n, b, _mm512_loadu_ps(x + b * VTK_BLOCK), _mm512_loadu_ps(x + b * VTK_BLOCK + 16));
    }
}
