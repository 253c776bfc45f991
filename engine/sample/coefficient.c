#include "sample/coefficient.h"

#include <math.h>

/* sum_j z^j / (k + j)!, for |z| <= 1: 24 terms are beyond double precision. */
static double series(int32_t k, double z) {
    double term = 1, sum = 0;
    for (int32_t i = 2; i <= k; i++) term /= i;
    for (int32_t j = 0; j < 24; j++) {
        sum += term;
        term *= z / (k + j + 1);
    }
    return sum;
}

double vt__phi(int32_t k, double z) {
    if (k == 0) return exp(z);
    if (fabs(z) <= 1) return series(k, z);
    double value = expm1(z) / z, factorial = 1;
    for (int32_t i = 1; i < k; i++) {
        value = (value - 1 / factorial) / z;
        factorial *= i + 1;
    }
    return value;
}

static double lagrange(const double *node, int32_t n, int32_t j, double s) {
    double value = 1;
    for (int32_t m = 0; m < n; m++) {
        if (m != j) value *= (s - node[m]) / (node[j] - node[m]);
    }
    return value;
}

const double vt__gauss_point[8] = {0.0950125098376374402, 0.2816035507792589132, 0.4580167776572273863, 0.6178762444026437484,
                                   0.7554044083550030339, 0.8656312023878317439, 0.9445750230732325761, 0.9894009349916499326};
const double vt__gauss_weight[8] = {0.1894506104550684963, 0.1826034150449235889, 0.1691565193950025382, 0.1495959888165767321,
                                    0.1246289712555338720, 0.0951585116824927848, 0.0622535239386478929, 0.0271524594117540949};

void vt__lagrange_integrals(const double *node, int32_t n, double a, double b, vt__weight_fn w, void *user, double *out) {
    enum { PANELS = 4 };
    const double half = (b - a) / (2 * PANELS);
    for (int32_t j = 0; j < n; j++) out[j] = 0;
    for (int32_t panel = 0; panel < PANELS; panel++) {
        const double middle = a + (2 * panel + 1) * half;
        for (int32_t i = 0; i < 16; i++) {
            const double s = middle + (i & 1 ? half : -half) * vt__gauss_point[i / 2];
            const double value = vt__gauss_weight[i / 2] * half * (w ? w(user, s) : 1);
            for (int32_t j = 0; j < n; j++) out[j] += value * lagrange(node, n, j, s);
        }
    }
}

static void swap_rows(double *a, double *x, int32_t n, int32_t i, int32_t j) {
    for (int32_t c = 0; c < n; c++) {
        double held = a[i * n + c];
        a[i * n + c] = a[j * n + c];
        a[j * n + c] = held;
    }
    double held = x[i];
    x[i] = x[j];
    x[j] = held;
}

int vt__solve_small(double *a, const double *b, int32_t n, double *x) {
    for (int32_t i = 0; i < n; i++) x[i] = b[i];
    for (int32_t k = 0; k < n; k++) {
        int32_t best = k;
        for (int32_t i = k + 1; i < n; i++) {
            if (fabs(a[i * n + k]) > fabs(a[best * n + k])) best = i;
        }
        if (!(fabs(a[best * n + k]) > 0)) return 0;
        if (best != k) swap_rows(a, x, n, best, k);
        for (int32_t i = k + 1; i < n; i++) {
            const double f = a[i * n + k] / a[k * n + k];
            for (int32_t c = k; c < n; c++) a[i * n + c] -= f * a[k * n + c];
            x[i] -= f * x[k];
        }
    }
    for (int32_t k = n - 1; k >= 0; k--) {
        for (int32_t c = k + 1; c < n; c++) x[k] -= a[k * n + c] * x[c];
        x[k] /= a[k * n + k];
    }
    return 1;
}
