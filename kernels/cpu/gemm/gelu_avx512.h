/* GELU and its approximation by tanh in vectors of AVX-512; cpu/gemm/gemm.h has the formulas. */
#ifndef VENTURI_KERNELS_GEMM_GELU_AVX512_H
#define VENTURI_KERNELS_GEMM_GELU_AVX512_H

#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx512.h"

VTK_INLINE __m512 gelu(__m512 x) {
    static const float term[] = VTK_GELU_TERMS;
    __m512 t = _mm512_abs_ps(x), one = _mm512_set1_ps(1.0f);
    __m512 u = _mm512_div_ps(one, _mm512_fmadd_ps(t, _mm512_set1_ps(VTK_GELU_SLOPE), one));
    __m512 h = _mm512_set1_ps(term[8]);
    for (int i = 7; i >= 0; i--) h = _mm512_fmadd_ps(h, u, _mm512_set1_ps(term[i]));
    h = _mm512_mul_ps(_mm512_mul_ps(h, u), exp_ps(_mm512_mul_ps(_mm512_mul_ps(t, t), _mm512_set1_ps(-0.5f))));
    __mmask16 is_negative = _mm512_movepi32_mask(_mm512_castps_si512(x));
    __m512 share = _mm512_mask_mov_ps(_mm512_sub_ps(one, h), is_negative, h);
    return _mm512_mul_ps(x, share);
}

VTK_INLINE __m512 gelu_tanh(__m512 x) {
    __m512 slope = _mm512_fmadd_ps(_mm512_mul_ps(x, x), _mm512_set1_ps(VTK_GELU_TANH_B), _mm512_set1_ps(VTK_GELU_TANH_A));
    __m512 e = exp_ps(_mm512_mul_ps(_mm512_sub_ps(_mm512_setzero_ps(), x), slope));
    return _mm512_div_ps(x, _mm512_add_ps(e, _mm512_set1_ps(1.0f)));
}

#endif
