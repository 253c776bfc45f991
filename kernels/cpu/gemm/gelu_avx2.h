/* GELU and its approximation by tanh in vectors of AVX2; cpu/gemm/gemm.h has the formulas. */
#ifndef VENTURI_KERNELS_GEMM_GELU_AVX2_H
#define VENTURI_KERNELS_GEMM_GELU_AVX2_H

#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx2.h"

VTK_INLINE __m256 gelu(__m256 x) {
    static const float term[] = VTK_GELU_TERMS;
    __m256 one = _mm256_set1_ps(1.0f), t = _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
    __m256 u = _mm256_div_ps(one, _mm256_fmadd_ps(t, _mm256_set1_ps(VTK_GELU_SLOPE), one));
    __m256 h = _mm256_set1_ps(term[8]);
    for (int i = 7; i >= 0; i--) h = _mm256_fmadd_ps(h, u, _mm256_set1_ps(term[i]));
    h = _mm256_mul_ps(_mm256_mul_ps(h, u), exp_ps(_mm256_mul_ps(_mm256_mul_ps(t, t), _mm256_set1_ps(-0.5f))));
    return _mm256_mul_ps(x, _mm256_blendv_ps(_mm256_sub_ps(one, h), h, x)); /* the blend looks at x's sign */
}

VTK_INLINE __m256 gelu_tanh(__m256 x) {
    __m256 slope = _mm256_fmadd_ps(_mm256_mul_ps(x, x), _mm256_set1_ps(VTK_GELU_TANH_B), _mm256_set1_ps(VTK_GELU_TANH_A));
    __m256 e = exp_ps(_mm256_mul_ps(_mm256_sub_ps(_mm256_setzero_ps(), x), slope));
    return _mm256_div_ps(x, _mm256_add_ps(e, _mm256_set1_ps(1.0f)));
}

#endif
