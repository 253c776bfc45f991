/* Slots row_best, row_select, row_weights, row_exp and row_temper of vtk_table. */
#ifndef VENTURI_KERNELS_SOFTMAX_H
#define VENTURI_KERNELS_SOFTMAX_H

#include <stdint.h>

int64_t vtk_row_best_ref(const float *x, int64_t n);
int64_t vtk_row_select_ref(int32_t *out, const float *x, int64_t n, float least);
void vtk_row_weights_ref(double sums[2], const float *x, int64_t n, float max);
void vtk_row_exp_ref(float *w, const float *x, int64_t n, float max);
void vtk_row_temper_ref(float *x, int64_t n, float from, float t);

#if defined(__x86_64__)
int64_t vtk_row_best_avx2(const float *x, int64_t n);
int64_t vtk_row_select_avx2(int32_t *out, const float *x, int64_t n, float least);
void vtk_row_weights_avx2(double sums[2], const float *x, int64_t n, float max);
void vtk_row_exp_avx2(float *w, const float *x, int64_t n, float max);
void vtk_row_temper_avx2(float *x, int64_t n, float from, float t);
int64_t vtk_row_best_avx512(const float *x, int64_t n);
int64_t vtk_row_select_avx512(int32_t *out, const float *x, int64_t n, float least);
void vtk_row_weights_avx512(double sums[2], const float *x, int64_t n, float max);
void vtk_row_exp_avx512(float *w, const float *x, int64_t n, float max);
void vtk_row_temper_avx512(float *x, int64_t n, float from, float t);
#endif

#endif
