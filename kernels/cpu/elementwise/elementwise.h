/* Slots add, silu_mul, gelu_mul, rope_pairs and rope_halves of vtk_table. */
#ifndef VENTURI_KERNELS_ELEMENTWISE_H
#define VENTURI_KERNELS_ELEMENTWISE_H

#include <stdint.h>

void vtk_add_ref(float *y, const float *x, int64_t n);
void vtk_silu_mul_ref(float *y, const float *gate, const float *up, int64_t n);
void vtk_gelu_mul_ref(float *y, const float *gate, const float *up, int64_t n);
void vtk_rope_pairs_ref(float *x, const float *cos, const float *sin, int64_t n_pairs);
void vtk_rope_halves_ref(float *x, const float *cos, const float *sin, int64_t n_pairs);

#if defined(__x86_64__)
void vtk_add_avx2(float *y, const float *x, int64_t n);
void vtk_silu_mul_avx2(float *y, const float *gate, const float *up, int64_t n);
void vtk_gelu_mul_avx2(float *y, const float *gate, const float *up, int64_t n);
void vtk_rope_pairs_avx2(float *x, const float *cos, const float *sin, int64_t n_pairs);
void vtk_rope_halves_avx2(float *x, const float *cos, const float *sin, int64_t n_pairs);
void vtk_silu_mul_avx512(float *y, const float *gate, const float *up, int64_t n);
void vtk_gelu_mul_avx512(float *y, const float *gate, const float *up, int64_t n);
#endif

#endif
