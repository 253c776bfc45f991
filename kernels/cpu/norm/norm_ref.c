#include "cpu/norm/norm.h"

#include <math.h>

void vtk_rms_norm_ref(float *y, const float *x, const float *w, int64_t n, float eps) {
    double squares = 0.0;
    for (int64_t i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];
    double scale = 1.0 / sqrt(squares / (double)n + (double)eps);
    for (int64_t i = 0; i < n; i++) y[i] = (float)((double)x[i] * scale * (double)w[i]);
}
