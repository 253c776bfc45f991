#include "cpu/softmax/softmax.h"

#include <float.h>
#include <math.h>

int64_t vtk_row_best_ref(const float *x, int64_t n) {
    int64_t best = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!(x[i] <= FLT_MAX)) return -1;
        if (x[i] > x[best]) best = i;
    }
    return best;
}

int64_t vtk_row_select_ref(int32_t *out, const float *x, int64_t n, float least) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++)
        if (x[i] >= least) out[count++] = (int32_t)i;
    return count;
}

/* exp of x in [-104, 0], the polynomial of the vectors (vector_avx2.h) operation by operation: the bodies agree to the bit. */
static float exp_of(float x) {
    static const float c[] = {1.0f / 720.0f, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
    float n = rintf(x * 0x1.715476p+0f), e = 1.0f / 5040.0f;
    float r = fmaf(n, 0x1.05c610p-29f, fmaf(-n, 0x1.62e430p-1f, x)); /* ln(2) in two parts */
    for (int i = 0; i < 7; i++) e = fmaf(e, r, c[i]);
    return ldexpf(e, (int)n);
}

/* Of x - max; minus infinity weighs nothing, as what is below -104. */
static float clamp(float d) { return d > -104.0f ? d : -104.0f; }

void vtk_row_exp_ref(float *w, const float *x, int64_t n, float max) {
    for (int64_t i = 0; i < n; i++) w[i] = exp_of(clamp(x[i] - max));
}

void vtk_row_temper_ref(float *x, int64_t n, float from, float t) {
    for (int64_t i = 0; i < n; i++) x[i] = (x[i] - from) / t;
}

enum { LANES = 16 };

/* Sixteen running sums, as a vector has them, added up from the first to the last. */
void vtk_row_weights_ref(double sums[2], const float *x, int64_t n, float max) {
    double w[LANES] = {0}, wd[LANES] = {0};
    for (int64_t i = 0; i < n; i++) {
        float d = clamp(x[i] - max);
        float e = exp_of(d);
        w[i % LANES] += (double)e;
        wd[i % LANES] += (double)e * (double)d;
    }
    sums[0] = sums[1] = 0;
    for (int i = 0; i < LANES; i++) {
        sums[0] += w[i];
        sums[1] += wd[i];
    }
}
