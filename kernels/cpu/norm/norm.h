/* Slot rms_norm of vtk_table. */
#ifndef VENTURI_KERNELS_NORM_H
#define VENTURI_KERNELS_NORM_H

#include <stdint.h>

void vtk_rms_norm_ref(float *y, const float *x, const float *w, int64_t n, float eps);

#endif
