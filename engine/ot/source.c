/* In few dimensions the points are those of an additive sequence, x_i = frac(shift + i a), a_j = g^-j with g^(dim+1) = g + 1: their masses err by about 1 / n
 * where random ones err by 1 / sqrt(n). In many dimensions that advantage is gone, and Philox's numbers are taken. */
#include "ot/source.h"

#include <math.h>

#include "core/rng.h"

/* Quantile of the standard normal: a rational start (Abramowitz and Stegun 26.2.23), then Halley's step twice, which leaves the error of erfc. */
static double normal_quantile(double p) {
    double q = p < 0.5 ? p : 1 - p, t = sqrt(-2 * log(q));
    double x = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 2; i++) { /* upper tail of x is to be q */
        double density = exp(-0.5 * x * x) * 0.39894228040143267794;
        double step = (0.5 * erfc(x * 0.70710678118654752440) - q) / density;
        x += step / (1 - 0.5 * x * step);
    }
    return p < 0.5 ? -x : x;
}

static double growth(int64_t dim) {
    double g = 2;
    for (int i = 0; i < 64; i++) g = pow(1 + g, 1.0 / (double)(dim + 1));
    return g;
}

static void spread(int uniform, uint64_t seed, uint64_t first, int64_t n, int64_t dim, double *out) {
    double shift[VT__OT_SPREAD_DIM], step[VT__OT_SPREAD_DIM], g = growth(dim), a = 1;
    vt__random_uniform(seed, 0, 0, shift, dim);
    for (int64_t d = 0; d < dim; d++) step[d] = a /= g;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t d = 0; d < dim; d++) {
            double u = fmod(shift[d] + step[d] * (double)(first + (uint64_t)i), 1.0);
            if (u < 0x1p-40) u = 0x1p-40;
            out[i * dim + d] = uniform ? u : normal_quantile(u);
        }
    }
}

void vt__ot_source(int uniform, uint64_t seed, uint64_t first, int64_t n, int64_t dim, double *out) {
    if (dim <= VT__OT_SPREAD_DIM) spread(uniform, seed, first, n, dim, out);
    else if (uniform) vt__random_uniform(seed, 0, first * (uint64_t)dim, out, n * dim);
    else vt__random_normal(seed, 0, first * (uint64_t)dim, out, n * dim);
}
