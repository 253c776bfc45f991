/* Small things that AVX-512 bodies share: loads of a row's end, sums across lanes, exp. Everything static: the files that include this are
 * compiled for AVX-512 F, BW, DQ and VL, and nothing of them may leak into common code. */
#ifndef VENTURI_KERNELS_VECTOR_AVX512_H
#define VENTURI_KERNELS_VECTOR_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#define VTK_INLINE static inline __attribute__((always_inline))

/* The first n lanes, n >= 0. */
VTK_INLINE __mmask16 first_lanes(int64_t n) {
    uint32_t lanes = n >= 16 ? 0xffffu : (1u << n) - 1u;
    return (__mmask16)lanes;
}

VTK_INLINE __m512 load_16_halves(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256(p)); }
VTK_INLINE __m512 load_halves(__mmask16 lanes, const void *p) { return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(lanes, p)); }

/* The sums of a, b, c and d over their lanes. */
VTK_INLINE __m128 sum_lanes_of_4(__m512 a, __m512 b, __m512 c, __m512 d) {
    __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
    __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
    __m512 v = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m256 w = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    return _mm_add_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1));
}

VTK_INLINE float sum_lanes(__m512 a) { return _mm_cvtss_f32(sum_lanes_of_4(a, a, a, a)); }

VTK_INLINE float max_lanes(__m512 a) {
    __m256 w = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 v = _mm_max_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1));
    v = _mm_max_ps(v, _mm_movehl_ps(v, v));
    return _mm_cvtss_f32(_mm_max_ss(v, _mm_movehdup_ps(v)));
}

/* exp within 2 ulp, denormal results included; overflow gives infinity, NaN stays NaN. exp(x) = 2^n exp(r), |r| <= ln(2)/2, where the
 * Taylor polynomial of degree 7 is below half an ulp from the truth. */
VTK_INLINE __m512 exp_ps(__m512 x) {
    x = _mm512_max_ps(_mm512_set1_ps(-104.0f), _mm512_min_ps(_mm512_set1_ps(89.0f), x)); /* this order of arguments lets NaN through */
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(0x1.715476p+0f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e430p-1f), x); /* ln(2) in two parts */
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-0x1.05c610p-29f), r);
    __m512 e = _mm512_set1_ps(1.0f / 5040.0f);
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 720.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 120.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 24.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 6.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(0.5f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(e, n);
}

/* tanh within a few ulp: with m = exp(2|x|) - 1 it is m / (m + 2). m comes from the series of exp(r) - 1, so that small arguments lose nothing. */
VTK_INLINE __m512 tanh_ps(__m512 x) {
    __m512 y = _mm512_abs_ps(x);
    y = _mm512_min_ps(_mm512_set1_ps(40.0f), _mm512_add_ps(y, y)); /* this order of arguments lets NaN through */
    __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(y, _mm512_set1_ps(0x1.715476p+0f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0x1.62e430p-1f), y);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-0x1.05c610p-29f), r);
    __m512 e = _mm512_set1_ps(1.0f / 5040.0f);
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 720.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 120.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 24.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f / 6.0f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(0.5f));
    e = _mm512_fmadd_ps(_mm512_mul_ps(e, r), r, r);
    __m512 power = _mm512_scalef_ps(_mm512_set1_ps(1.0f), n);
    __m512 m = _mm512_fmadd_ps(e, power, _mm512_sub_ps(power, _mm512_set1_ps(1.0f)));
    __m512 t = _mm512_div_ps(m, _mm512_add_ps(m, _mm512_set1_ps(2.0f)));
    return _mm512_or_ps(t, _mm512_and_ps(x, _mm512_set1_ps(-0.0f)));
}

/* 2^x of x <= 0, within 1 ulp; 0 below -150, NaN stays NaN. 2^x = 2^n 2^r, |r| <= 1/2, where the polynomial of degree 6 (interpolated at Chebyshev's
 * nodes, 1 at 0) is within 6e-9. */
VTK_INLINE __m512 exp2_ps(__m512 x) {
    x = _mm512_max_ps(_mm512_set1_ps(-151.0f), x); /* this order of arguments lets NaN through */
    __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512 r = _mm512_sub_ps(x, n);
    __m512 e = _mm512_set1_ps(0x1.44138ap-13f);
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(0x1.5f0890p-10f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(0x1.3b2a54p-7f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(0x1.c6af6cp-5f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(0x1.ebfbe0p-3f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(0x1.62e430p-1f));
    e = _mm512_fmadd_ps(e, r, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(e, n);
}

#endif
