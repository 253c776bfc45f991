/* Small things that AVX2 bodies share: loads of a row's end, sums across lanes, exp. Everything static: the files that include this are
 * compiled for AVX2, FMA and F16C, and nothing of them may leak into common code. */
#ifndef VENTURI_KERNELS_VECTOR_AVX2_H
#define VENTURI_KERNELS_VECTOR_AVX2_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VTK_INLINE static inline __attribute__((always_inline))

/* All ones in the first n lanes. */
VTK_INLINE __m256i first_lanes(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* n <= 8 floats, the rest zero; nothing behind them is touched. */
VTK_INLINE __m256 load_floats(const float *p, int64_t n) { return n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, first_lanes(n)); }

VTK_INLINE void store_floats(float *p, __m256 v, int64_t n) {
    if (n >= 8) _mm256_storeu_ps(p, v);
    else _mm256_maskstore_ps(p, first_lanes(n), v);
}

/* n <= 8 halves. */
VTK_INLINE __m256 load_halves(const unsigned char *p, int64_t n) {
    if (n >= 8) return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
    uint16_t h[8] = {0};
    memcpy(h, p, (size_t)n * 2);
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)h));
}

/* The sums of a, b, c and d over their lanes. */
VTK_INLINE __m128 sum_lanes_of_4(__m256 a, __m256 b, __m256 c, __m256 d) {
    __m256 ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    __m256 cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
    __m256 v = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
    return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
}

VTK_INLINE float sum_lanes(__m256 a) { return _mm_cvtss_f32(sum_lanes_of_4(a, a, a, a)); }

VTK_INLINE float max_lanes(__m256 a) {
    __m128 v = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    v = _mm_max_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_max_ss(v, _mm_movehdup_ps(v)));
}

/* exp within 2 ulp, denormal results included; overflow gives infinity, NaN stays NaN. exp(x) = 2^n exp(r), |r| <= ln(2)/2, where the
 * Taylor polynomial of degree 7 is below half an ulp from the truth. */
VTK_INLINE __m256 exp_ps(__m256 x) {
    x = _mm256_max_ps(_mm256_set1_ps(-104.0f), _mm256_min_ps(_mm256_set1_ps(89.0f), x)); /* this order of arguments lets NaN through */
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(0x1.715476p+0f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62e430p-1f), x); /* ln(2) in two parts */
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-0x1.05c610p-29f), r);
    __m256 e = _mm256_set1_ps(1.0f / 5040.0f);
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 720.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 120.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 24.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 6.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(0.5f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f));
    /* 2^n in two factors: n = 128 and n = -150 are no exponents of floats */
    __m256i i = _mm256_cvtps_epi32(n), h = _mm256_srai_epi32(i, 1), bias = _mm256_set1_epi32(127);
    __m256i f = _mm256_slli_epi32(_mm256_add_epi32(h, bias), 23);
    __m256i g = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(i, h), bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(e, _mm256_castsi256_ps(f)), _mm256_castsi256_ps(g));
}

/* tanh within a few ulp: with m = exp(2|x|) - 1 it is m / (m + 2). m comes from the series of exp(r) - 1, so that small arguments lose nothing. */
VTK_INLINE __m256 tanh_ps(__m256 x) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    __m256 y = _mm256_andnot_ps(sign, x);
    y = _mm256_min_ps(_mm256_set1_ps(40.0f), _mm256_add_ps(y, y)); /* this order of arguments lets NaN through */
    __m256 n = _mm256_round_ps(_mm256_mul_ps(y, _mm256_set1_ps(0x1.715476p+0f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0x1.62e430p-1f), y);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-0x1.05c610p-29f), r);
    __m256 e = _mm256_set1_ps(1.0f / 5040.0f);
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 720.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 120.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 24.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f / 6.0f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(0.5f));
    e = _mm256_fmadd_ps(_mm256_mul_ps(e, r), r, r);
    __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    __m256 power = _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
    __m256 m = _mm256_fmadd_ps(e, power, _mm256_sub_ps(power, _mm256_set1_ps(1.0f)));
    __m256 t = _mm256_div_ps(m, _mm256_add_ps(m, _mm256_set1_ps(2.0f)));
    return _mm256_or_ps(t, _mm256_and_ps(x, sign));
}

/* 2^x of x <= 0, within 1 ulp; 0 below -150, NaN stays NaN. 2^x = 2^n 2^r, |r| <= 1/2, where the polynomial of degree 6 (interpolated at Chebyshev's
 * nodes, 1 at 0) is within 6e-9. */
VTK_INLINE __m256 exp2_ps(__m256 x) {
    x = _mm256_max_ps(_mm256_set1_ps(-151.0f), x); /* this order of arguments lets NaN through */
    __m256 n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_sub_ps(x, n);
    __m256 e = _mm256_set1_ps(0x1.44138ap-13f);
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(0x1.5f0890p-10f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(0x1.3b2a54p-7f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(0x1.c6af6cp-5f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(0x1.ebfbe0p-3f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(0x1.62e430p-1f));
    e = _mm256_fmadd_ps(e, r, _mm256_set1_ps(1.0f));
    __m256i i = _mm256_cvtps_epi32(n), h = _mm256_srai_epi32(i, 1), bias = _mm256_set1_epi32(127); /* in two factors: -150 is no exponent of floats */
    __m256i f = _mm256_slli_epi32(_mm256_add_epi32(h, bias), 23);
    __m256i g = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(i, h), bias), 23);
    return _mm256_mul_ps(_mm256_mul_ps(e, _mm256_castsi256_ps(f)), _mm256_castsi256_ps(g));
}

#endif
