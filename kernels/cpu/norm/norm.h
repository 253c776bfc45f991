/* Slots rms_norm, rms_norm_q8, layer_norm and softmax of vtk_table. */
#ifndef VENTURI_KERNELS_NORM_H
#define VENTURI_KERNELS_NORM_H

#include <stdint.h>

void vtk_rms_norm_ref(float *y, const float *x, const float *w, int64_t n, float eps);
void vtk_rms_norm_q8_ref(void *y, const float *x, const float *w, int64_t n, float eps);
void vtk_layer_norm_ref(float *y, const float *x, const float *w, const float *b, int64_t n, float eps);
void vtk_softmax_ref(float *x, int64_t n, float scale);

#if defined(__x86_64__)
void vtk_rms_norm_avx2(float *y, const float *x, const float *w, int64_t n, float eps);
void vtk_rms_norm_q8_avx2(void *y, const float *x, const float *w, int64_t n, float eps);
void vtk_layer_norm_avx2(float *y, const float *x, const float *w, const float *b, int64_t n, float eps);
void vtk_softmax_avx2(float *x, int64_t n, float scale);
void vtk_rms_norm_avx512(float *y, const float *x, const float *w, int64_t n, float eps);
void vtk_rms_norm_q8_avx512(void *y, const float *x, const float *w, int64_t n, float eps);
void vtk_softmax_avx512(float *x, int64_t n, float scale);
#endif

#endif
