#include <math.h>

#include "cpu/norm/norm.h"
#include "cpu/quant/q8_wide.h"
#include "cpu/quant/quant.h"
#include "vtk.h"

static double scale_of(const float *x, int64_t n, float eps) {
    double squares = 0.0;
    for (int64_t i = 0; i < n; i++) squares += (double)x[i] * (double)x[i];
    return 1.0 / sqrt(squares / (double)n + (double)eps);
}

static void norm_with(float *y, double scale, const float *x, const float *w, int64_t n) {
    for (int64_t i = 0; i < n; i++) y[i] = (float)((double)x[i] * scale * (double)w[i]);
}

void vtk_rms_norm_ref(float *y, const float *x, const float *w, int64_t n, float eps) { norm_with(y, scale_of(x, n, eps), x, w, n); }

void vtk_rms_norm_q8_ref(void *y, const float *x, const float *w, int64_t n, float eps) {
    double scale = scale_of(x, n, eps);
    float block[VTK_BLOCK];
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        norm_with(block, scale, x + b * VTK_BLOCK, w + b * VTK_BLOCK, VTK_BLOCK);
        vtk_put_q8_block_ref(y, n, b, block);
    }
    vtk_q8_choose_wide(y, n);
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        if (!vtk_q8_is_wide((unsigned char *)y + vtk_q8_wide_at(n), b)) continue;
        norm_with(block, scale, x + b * VTK_BLOCK, w + b * VTK_BLOCK, VTK_BLOCK);
        vtk_put_q8_wide_ref(y, n, b, block);
    }
}
