/* What is done with a vector of finished sums: residual, activation, maximum, storing. Everything static. */
#ifndef VENTURI_KERNELS_GEMM_FINISH_AVX2_H
#define VENTURI_KERNELS_GEMM_FINISH_AVX2_H

#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx2.h"

enum { PANEL = VTK_GEMM_PANEL };

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

/* Stores one vector of sums: row i, columns c..c+7 of the result. */
VTK_INLINE void finish(const vtk_gemm *p, int64_t i, int64_t c, __m256 y) {
    int64_t n = p->n - c;
    if (n <= 0) return;
    float *out = (float *)p->out + i * p->ld_out + c;
    if (p->finish == VTK_GEMM_SCALE) {
        y = _mm256_mul_ps(y, _mm256_set1_ps((float)p->alpha));
        if (p->beta != 0) y = _mm256_fmadd_ps(_mm256_set1_ps((float)p->beta), load_floats(out, n), y);
    }
    if (p->add) y = _mm256_add_ps(y, load_floats(p->add + i * p->ld_out + c, n));
    if (p->finish == VTK_GEMM_MAX) {
        out = (float *)p->out + c;
        store_floats(out, _mm256_max_ps(y, load_floats(out, n)), n);
        return;
    }
    if (p->finish == VTK_GEMM_GELU) y = gelu(y);
    if (p->finish == VTK_GEMM_GELU_TANH) y = gelu_tanh(y);
    store_floats(out, y, n);
}

#endif
