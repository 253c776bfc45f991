#include "cpu/quant/half.h"
#include "cpu/quant/q8_block_avx2.h"
#include "cpu/quant/quant.h"
#include "vtk.h"

VTK_INLINE __m128i load_16(const unsigned char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
VTK_INLINE __m256 half_at(const unsigned char *p) { return _mm256_set1_ps(_cvtsh_ss(vtk_load_u16(p))); }

void vtk_decode_f16_avx2(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t i = 0; i < n; i += 8) store_floats(y + i, load_halves(p + 2 * i, n - i), n - i);
}

void vtk_encode_f16_avx2(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    for (int64_t i = 0; i < n; i += 8) {
        uint16_t h[8];
        __m128i v = _mm256_cvtps_ph(load_floats(x + i, n - i), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
        if (n - i >= 8) {
            _mm_storeu_si128((__m128i *)(void *)(p + 2 * i), v);
        } else {
            _mm_storeu_si128((__m128i *)(void *)h, v);
            memcpy(p + 2 * i, h, (size_t)(n - i) * 2);
        }
    }
}

void vtk_decode_bf16_avx2(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i v = _mm256_slli_epi32(_mm256_cvtepu16_epi32(load_16(p + 2 * i)), 16);
        _mm256_storeu_si256((__m256i *)(void *)(y + i), v);
    }
    for (; i < n; i++) y[i] = vtk_bf16_to_float(vtk_load_u16(p + 2 * i));
}

/* Nearest, ties to even, in integers; a NaN becomes quiet. */
void vtk_encode_bf16_avx2(void *y, const float *x, int64_t n) {
    unsigned char *p = y;
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256i u = _mm256_castps_si256(_mm256_loadu_ps(x + i)), high = _mm256_srli_epi32(u, 16);
        __m256i is_nan = _mm256_cmpgt_epi32(_mm256_and_si256(u, _mm256_set1_epi32(0x7fffffff)), _mm256_set1_epi32(0x7f800000));
        __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1)), v = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
        v = _mm256_blendv_epi8(v, _mm256_or_si256(high, _mm256_set1_epi32(0x40)), is_nan);
        _mm_storeu_si128((__m128i *)(void *)(p + 2 * i), _mm_packus_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1)));
    }
    for (; i < n; i++) vtk_store_u16(p + 2 * i, vtk_float_to_bf16(x[i]));
}

void vtk_decode_q8_0_avx2(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q8_0_SIZE, y += VTK_BLOCK) {
        __m256 d = half_at(p);
        for (int i = 0; i < 4; i++) {
            __m128i q = _mm_loadl_epi64((const __m128i *)(const void *)(p + 2 + 8 * i));
            _mm256_storeu_ps(y + 8 * i, _mm256_mul_ps(d, _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q))));
        }
    }
}

/* The low nibbles, then the high ones, of 16 bytes, minus offset. */
VTK_INLINE void load_nibbles(__m256 v[4], const unsigned char *p, int8_t offset) {
    __m128i bytes = load_16(p), low = _mm_set1_epi8(15), off = _mm_set1_epi8(offset);
    __m128i lo = _mm_sub_epi8(_mm_and_si128(bytes, low), off), hi = _mm_sub_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low), off);
    v[0] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(lo));
    v[1] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(lo, lo)));
    v[2] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(hi));
    v[3] = _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(hi, hi)));
}

void vtk_decode_q4_0_avx2(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    __m256 v[4];
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_0_SIZE, y += VTK_BLOCK) {
        load_nibbles(v, p + 2, 8);
        for (int i = 0; i < 4; i++) _mm256_storeu_ps(y + 8 * i, _mm256_mul_ps(half_at(p), v[i]));
    }
}

/* The product is rounded before the sum, as the format's definition says. */
void vtk_decode_q4_1_avx2(float *y, const void *x, int64_t n) {
    const unsigned char *p = x;
    __m256 v[4];
    for (int64_t b = 0; b < n / VTK_BLOCK; b++, p += VTK_Q4_1_SIZE, y += VTK_BLOCK) {
        load_nibbles(v, p + 4, 0);
        for (int i = 0; i < 4; i++) _mm256_storeu_ps(y + 8 * i, _mm256_add_ps(_mm256_mul_ps(half_at(p), v[i]), half_at(p + 2)));
    }
}

void vtk_encode_q8_row_avx2(void *y, const float *x, int64_t n) {
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        __m256 v[4];
        for (int j = 0; j < 4; j++) v[j] = _mm256_loadu_ps(x + b * VTK_BLOCK + 8 * j);
        put_q8_block(y, n, b, v);
    }
    vtk_q8_choose_wide(y, n);
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        __m256 v[4];
        if (!vtk_q8_is_wide((unsigned char *)y + vtk_q8_wide_at(n), b)) continue;
        for (int j = 0; j < 4; j++) v[j] = _mm256_loadu_ps(x + b * VTK_BLOCK + 8 * j);
        put_q8_wide(y, n, b, v);
    }
}
