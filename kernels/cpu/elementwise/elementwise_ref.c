#include "cpu/elementwise/elementwise.h"

#include <math.h>

void vtk_add_ref(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

void vtk_silu_mul_ref(float *y, const float *gate, const float *up, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        double g = (double)gate[i];
        y[i] = (float)(g / (1.0 + exp(-g)) * (double)up[i]);
    }
}

void vtk_gelu_mul_ref(float *y, const float *gate, const float *up, int64_t n) {
    const double root = 0.79788456080286535588; /* sqrt(2 / pi) */
    for (int64_t i = 0; i < n; i++) {
        double g = (double)gate[i], u = root * (g + 0.044715 * g * g * g);
        y[i] = (float)(g / (1.0 + exp(-2.0 * u)) * (double)up[i]);
    }
}

static void rotate(float *a, float *b, float cos, float sin) {
    double x = (double)*a, y = (double)*b, c = (double)cos, s = (double)sin;
    *a = (float)(x * c - y * s);
    *b = (float)(x * s + y * c);
}

void vtk_rope_pairs_ref(float *x, const float *cos, const float *sin, int64_t n_pairs) {
    for (int64_t j = 0; j < n_pairs; j++) rotate(&x[2 * j], &x[2 * j + 1], cos[j], sin[j]);
}

void vtk_rope_halves_ref(float *x, const float *cos, const float *sin, int64_t n_pairs) {
    for (int64_t j = 0; j < n_pairs; j++) rotate(&x[j], &x[j + n_pairs], cos[j], sin[j]);
}
