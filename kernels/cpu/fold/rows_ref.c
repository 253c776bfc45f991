/* Softmax and norms of rows, in float64. */
#include <math.h>
#include <stddef.h>

#include "cpu/fold/fold.h"

#define ROWS(suffix, T) \
    /* The largest, a NaN first of all. */ \
    static double largest_##suffix(const T *x, int64_t n) { \
        double m = (double)x[0]; \
        for (int64_t i = 1; i < n; i++) \
            if ((double)x[i] > m || isnan(x[i])) m = (double)x[i]; \
        return m; \
    } \
    void vtk_fold_softmax_##suffix##_ref(T *y, const T *x, int64_t n, int stream) { \
        (void)stream; \
        double m = largest_##suffix(x, n), s = 0; \
        for (int64_t i = 0; i < n; i++) s += exp((double)x[i] - m); \
        for (int64_t i = 0; i < n; i++) y[i] = (T)(exp((double)x[i] - m) / s); \
    } \
    void vtk_fold_log_softmax_##suffix##_ref(T *y, const T *x, int64_t n, int stream) { \
        (void)stream; \
        double m = largest_##suffix(x, n), s = 0; \
        for (int64_t i = 0; i < n; i++) s += exp((double)x[i] - m); \
        s = log(s); \
        for (int64_t i = 0; i < n; i++) y[i] = (T)((double)x[i] - m - s); \
    } \
    void vtk_fold_softmax_grad_##suffix##_ref(T *dx, const T *g, const T *y, int64_t n, int stream) { \
        (void)stream; \
        double s = 0; \
        for (int64_t i = 0; i < n; i++) s += (double)g[i] * (double)y[i]; \
        for (int64_t i = 0; i < n; i++) dx[i] = (T)((double)y[i] * ((double)g[i] - s)); \
    } \
    void vtk_fold_log_softmax_grad_##suffix##_ref(T *dx, const T *g, const T *y, int64_t n, int stream) { \
        (void)stream; \
        double s = 0; \
        for (int64_t i = 0; i < n; i++) s += (double)g[i]; \
        for (int64_t i = 0; i < n; i++) dx[i] = (T)((double)g[i] - exp((double)y[i]) * s); \
    } \
    void vtk_fold_exp_shift_##suffix##_ref(T *y, const T *x, int64_t n, double shift, double scale, double add) { \
        for (int64_t i = 0; i < n; i++) y[i] = (T)(exp((double)x[i] - shift) * scale + add); \
    } \
    void vtk_fold_exp_columns_##suffix##_ref(T *y, const T *x, int64_t n, const double *shift, const double *scale) { \
        for (int64_t i = 0; i < n; i++) y[i] = (T)(scale ? exp((double)x[i] - shift[i]) * scale[i] : (double)x[i] - shift[i]); \
    } \
    /* Mean and 1 / sqrt(variance + eps). */ \
    static void moments_##suffix(double *mean, double *scale, const T *x, int64_t n, double eps) { \
        double s = 0, q = 0; \
        for (int64_t i = 0; i < n; i++) s += (double)x[i]; \
        s /= (double)n; \
        for (int64_t i = 0; i < n; i++) q += ((double)x[i] - s) * ((double)x[i] - s); \
        *mean = s; \
        *scale = 1 / sqrt(q / (double)n + eps); \
    } \
    static double rms_##suffix(const T *x, int64_t n, double eps) { \
        double q = 0; \
        for (int64_t i = 0; i < n; i++) q += (double)x[i] * (double)x[i]; \
        return 1 / sqrt(q / (double)n + eps); \
    } \
    void vtk_fold_layer_norm_##suffix##_ref(T *y, const T *x, const T *w, const T *b, int64_t n, double eps, int stream) { \
        double mean, scale; \
        (void)stream; \
        moments_##suffix(&mean, &scale, x, n, eps); \
        for (int64_t i = 0; i < n; i++) { \
            double v = ((double)x[i] - mean) * scale; \
            if (w) v *= (double)w[i]; \
            if (b) v += (double)b[i]; \
            y[i] = (T)v; \
        } \
    } \
    void vtk_fold_rms_norm_##suffix##_ref(T *y, const T *x, const T *w, int64_t n, double eps, int stream) { \
        double scale = rms_##suffix(x, n, eps); \
        (void)stream; \
        for (int64_t i = 0; i < n; i++) y[i] = (T)((double)x[i] * scale * (w ? (double)w[i] : 1)); \
    } \
    /* With xhat the normalised row and h = g w: dx = (h - mean h - xhat mean(h xhat)) / sigma; without the mean of h for RMS. */ \
    static void norm_grad_##suffix(T *dx, T *dw, T *db, const T *g, const T *x, const T *w, int64_t n, double mean, double scale, int centred) { \
        double sum = 0, dot = 0; \
        for (int64_t i = 0; i < n; i++) { \
            double xhat = ((double)x[i] - mean) * scale, h = (double)g[i] * (w ? (double)w[i] : 1); \
            sum += h; \
            dot += h * xhat; \
        } \
        sum = centred ? sum / (double)n : 0; \
        dot /= (double)n; \
        for (int64_t i = 0; i < n; i++) { \
            double xhat = ((double)x[i] - mean) * scale, gi = (double)g[i]; \
            if (dw) dw[i] += (T)(gi * xhat); \
            if (db) db[i] += (T)gi; \
            if (dx) dx[i] = (T)((gi * (w ? (double)w[i] : 1) - sum - xhat * dot) * scale); \
        } \
    } \
    void vtk_fold_layer_norm_grad_##suffix##_ref(T *dx, T *dw, T *db, const T *g, const T *x, const T *w, int64_t n, double eps, int stream) { \
        double mean, scale; \
        (void)stream; \
        moments_##suffix(&mean, &scale, x, n, eps); \
        norm_grad_##suffix(dx, dw, db, g, x, w, n, mean, scale, 1); \
    } \
    void vtk_fold_rms_norm_grad_##suffix##_ref(T *dx, T *dw, const T *g, const T *x, const T *w, int64_t n, double eps, int stream) { \
        (void)stream; \
        norm_grad_##suffix(dx, dw, NULL, g, x, w, n, 0, rms_##suffix(x, n, eps), 0); \
    } \
    void vtk_fold_moments_##suffix##_ref(double state[2], const T *x, int64_t n) { vtk_fold_moments_##suffix##_row(state, x, n); } \
    void vtk_fold_affine_##suffix##_ref(T *y, const T *x, int64_t n, double mean, double scale, double shift, int stream) { \
        (void)stream; \
        for (int64_t i = 0; i < n; i++) y[i] = (T)(((double)x[i] - mean) * scale + shift); \
    } \
    void vtk_fold_dots_##suffix##_ref(double sums[2], const T *g, const T *x, int64_t n, double mean) { \
        double s = 0, d = 0; \
        for (int64_t i = 0; i < n; i++) { \
            s += (double)g[i]; \
            d += (double)g[i] * ((double)x[i] - mean); \
        } \
        sums[0] = s; \
        sums[1] = d; \
    } \
    void vtk_fold_affine_grad_##suffix##_ref(T *dx, const T *g, const T *x, int64_t n, double a, double mean, double b, double c, int stream) { \
        (void)stream; \
        for (int64_t i = 0; i < n; i++) dx[i] = (T)((double)g[i] * a + ((double)x[i] - mean) * b + c); \
    }

ROWS(f32, float)
ROWS(f64, double)
