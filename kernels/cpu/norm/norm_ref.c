#include "cpu/norm/norm.h"

#include <math.h>

void vtk_layer_norm_ref(float *y, const float *x, const float *w, const float *b, int64_t n, float eps) {
    double sum = 0.0, squares = 0.0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i];
    double mean = sum / (double)n;
    for (int64_t i = 0; i < n; i++) squares += ((double)x[i] - mean) * ((double)x[i] - mean);
    double scale = 1.0 / sqrt(squares / (double)n + (double)eps);
    for (int64_t i = 0; i < n; i++) y[i] = (float)(((double)x[i] - mean) * scale * (double)w[i] + (double)b[i]);
}

void vtk_softmax_ref(float *x, int64_t n, float scale) {
    double largest = -INFINITY, sum = 0.0;
    for (int64_t i = 0; i < n; i++) largest = fmax(largest, (double)x[i] * (double)scale);
    for (int64_t i = 0; i < n; i++) sum += exp((double)x[i] * (double)scale - largest);
    for (int64_t i = 0; i < n; i++) x[i] = (float)(exp((double)x[i] * (double)scale - largest) / sum);
}
