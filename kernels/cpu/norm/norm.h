/* Slot rms_norm of vtk_table. */
#ifndef VENTURI_KERNELS_NORM_H
#define VENTURI_KERNELS_NORM_H

#include <stdint.h>

void vtk_rms_norm_ref(float *y, const float *x, const float *w, int64_t n, float eps);

#if defined(__x86_64__)
void vtk_rms_norm_avx2(float *y, const float *x, const float *w, int64_t n, float eps);
#endif

#endif
