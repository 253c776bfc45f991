#include <float.h>

#include "cpu/flash/flash.h"
#include "cpu/vector_avx2.h"

typedef __m256d V;
typedef double REAL;
#define LOWEST -DBL_MAX
enum { LANES = 4 };

/* All ones in the first n lanes, any n. */
VTK_INLINE __m256i lanes(int64_t n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
VTK_INLINE V v_load_n(const double *p, int64_t n) { return n >= LANES ? _mm256_loadu_pd(p) : _mm256_maskload_pd(p, lanes(n)); }
VTK_INLINE void v_store_n(double *p, V v, int64_t n) {
    if (n >= LANES) _mm256_storeu_pd(p, v);
    else _mm256_maskstore_pd(p, lanes(n), v);
}
VTK_INLINE V v_set1(double x) { return _mm256_set1_pd(x); }
VTK_INLINE V v_add(V a, V b) { return _mm256_add_pd(a, b); }
VTK_INLINE V v_sub(V a, V b) { return _mm256_sub_pd(a, b); }
VTK_INLINE V v_mul(V a, V b) { return _mm256_mul_pd(a, b); }
VTK_INLINE V v_div(V a, V b) { return _mm256_div_pd(a, b); }
VTK_INLINE V v_fma(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
VTK_INLINE V v_max(V a, V b) { return _mm256_max_pd(a, b); }
VTK_INLINE double v_sum_lanes(V v) {
    __m128d h = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(h, _mm_unpackhi_pd(h, h)));
}
VTK_INLINE double v_max_lanes(V v) {
    __m128d h = _mm_max_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_max_sd(h, _mm_unpackhi_pd(h, h)));
}
VTK_INLINE void v_max_4(double *out, const V *v) {
    for (int i = 0; i < 4; i++) out[i] = v_max_lanes(v[i]);
}
VTK_INLINE void v_sum_4(double *out, const V *v) {
    for (int i = 0; i < 4; i++) out[i] = v_sum_lanes(v[i]);
}

/* 2^x within 2 ulp for x <= 1023; 0 below -1100, NaN stays NaN. 2^x = 2^n 2^r, |r| <= 1/2, where the Taylor series to r^13 is within 4e-18. */
VTK_INLINE V v_exp2(V x) {
    static const double terms[] = {0x1.816193166d0f9p-40, 0x1.c3bd650fc2986p-36, 0x1.e8cac7351bb25p-32, 0x1.e4cf5158b8ecap-28, 0x1.b5253d395e7c4p-24, 0x1.62c0223a5c824p-20, 0x1.ffcbfc588b0c7p-17,
                                   0x1.430912f86c787p-13, 0x1.5d87fe78a6731p-10, 0x1.3b2ab6fba4e77p-7, 0x1.c6b08d704a0cp-5, 0x1.ebfbdff82c58fp-3, 0x1.62e42fefa39efp-1, 0x1p+0};
    x = _mm256_max_pd(_mm256_set1_pd(-1100.0), x); /* this order of arguments lets NaN through */
    V n = _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC), r = _mm256_sub_pd(x, n), e = _mm256_set1_pd(terms[0]);
#pragma GCC unroll 13
    for (int i = 1; i < 14; i++) e = _mm256_fmadd_pd(e, r, _mm256_set1_pd(terms[i]));
    /* in two factors: -1100 is no exponent of doubles */
    __m128i i = _mm256_cvtpd_epi32(n), h = _mm_srai_epi32(i, 1), bias = _mm_set1_epi32(1023);
    __m256i f = _mm256_slli_epi64(_mm256_cvtepi32_epi64(_mm_add_epi32(h, bias)), 52);
    __m256i g = _mm256_slli_epi64(_mm256_cvtepi32_epi64(_mm_add_epi32(_mm_sub_epi32(i, h), bias)), 52);
    return _mm256_mul_pd(_mm256_mul_pd(e, _mm256_castsi256_pd(f)), _mm256_castsi256_pd(g));
}

VTK_INLINE V v_keep(V v, V other, int64_t first, int64_t last) {
    return _mm256_blendv_pd(other, v, _mm256_castsi256_pd(_mm256_andnot_si256(lanes(first), lanes(last))));
}

#include "cpu/flash/flash_body.h"

/* No tanh of vectors here: soft caps, slopes and biases are the reference's. */
const struct vtk_flash_type vtk_flash_f64_avx2 = {vtk_flash_adjust_f64_ref, weigh, slopes, shrink, multiply, dot, sum_rows, finish};
