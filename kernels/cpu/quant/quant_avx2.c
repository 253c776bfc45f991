#include "cpu/quant/half.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx2.h"
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

void vtk_encode_q8_row_avx2(void *y, const float *x, int64_t n) {
    unsigned char *q = y, *d_out = q + n, *sum_out = d_out + n / VTK_BLOCK * 4, *half_out = sum_out + n / VTK_BLOCK * 4;
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7); /* undoes the interleaving of the packs */

    for (int64_t b = 0; b < n / VTK_BLOCK; b++, x += VTK_BLOCK, q += VTK_BLOCK) {
        __m256 v[4];
        __m256i i[4];
        for (int j = 0; j < 4; j++) v[j] = _mm256_loadu_ps(x + 8 * j);
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
}
