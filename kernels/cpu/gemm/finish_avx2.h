/* What is done with a vector of finished sums: residual, activation, maximum, storing. Everything static. */
#ifndef VENTURI_KERNELS_GEMM_FINISH_AVX2_H
#define VENTURI_KERNELS_GEMM_FINISH_AVX2_H

#include "cpu/gemm/gelu_avx2.h"
#include "cpu/gemm/gemm.h"
#include "cpu/vector_avx2.h"

enum { PANEL = VTK_GEMM_PANEL };

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
