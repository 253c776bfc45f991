/* Folds of blocks, element after element. */
#include <complex.h>
#include <math.h>
#include <string.h>

#include "cpu/fold/fold.h"

typedef double _Complex c128;

static double square(double x) { return x * x; }
static double is_nonzero(double x) { return x != 0; }

enum { LANES = 8 }; /* running states beside one another: no addition waits for the one before it */

/* A kind that adds up f(x) (or multiplies), for rows and columns of type T. STEP takes v into s, JOIN merges states. */
#define FOLD_SIMPLE(name, T, S, START, STEP, JOIN) \
    void vtk_fold_##name##_row(void *state, const void *p, int64_t n) { \
        const T *x = p; \
        S lanes[LANES], all = START; \
        int64_t i = 0; \
        for (int k = 0; k < LANES; k++) lanes[k] = START; \
        for (; i + LANES <= n; i += LANES) \
            for (int k = 0; k < LANES; k++) { \
                S v = (S)x[i + k], s = lanes[k]; \
                lanes[k] = STEP; \
            } \
        for (; i < n; i++) { \
            S v = (S)x[i], s = all; \
            all = STEP; \
        } \
        for (int k = 0; k < LANES; k++) { \
            S v = lanes[k], s = all; \
            all = JOIN; \
        } \
        ((S *)state)[0] = all; \
    } \
    void vtk_fold_##name##_columns(void *a, void *b, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        S *to = a; \
        (void)b; \
        for (int64_t j = 0; j < n; j++) to[j] = START; \
        for (int64_t r = 0; r < n_rows; r++) { \
            const T *x = (const T *)p + r * ld; \
            for (int64_t j = 0; j < n; j++) { \
                S v = (S)x[j], s = to[j]; \
                to[j] = STEP; \
            } \
        } \
    }

/* x beats what stands: a NaN does unless one stands. */
#define ABOVE(x, s) ((x) > (s) || ((x) != (x) && (s) == (s)))
#define BELOW(x, s) ((x) < (s) || ((x) != (x) && (s) == (s)))

/* The best and where it is first; without the position when it is not asked for. */
#define FOLD_BEST(name, T, S, BEATS, WITH_POSITION) \
    void vtk_fold_##name##_row(void *state, const void *p, int64_t n) { \
        const T *x = p; \
        S s = (S)x[0], at = 0; \
        for (int64_t i = 1; i < n; i++) \
            if (BEATS((S)x[i], s)) s = (S)x[i], at = (S)i; \
        ((S *)state)[0] = s; \
        if (WITH_POSITION) ((S *)state)[1] = at; \
    } \
    void vtk_fold_##name##_columns(void *a, void *b, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        S *best = a, *where = b; \
        for (int64_t r = 0; r < n_rows; r++) { \
            const T *x = (const T *)p + r * ld; \
            for (int64_t j = 0; j < n; j++) { \
                if (r > 0 && !BEATS((S)x[j], best[j])) continue; \
                best[j] = (S)x[j]; \
                if (WITH_POSITION) where[j] = (S)r; \
            } \
        } \
    }

#define FOLD_MOMENTS(suffix, T) \
    void vtk_fold_moments_##suffix##_row(void *state, const void *p, int64_t n) { \
        const T *x = p; \
        double *to = state, q = 0; \
        vtk_fold_sum_##suffix##_row(state, p, n); \
        to[0] /= (double)n; \
        for (int64_t i = 0; i < n; i++) q += square((double)x[i] - to[0]); \
        to[1] = q; \
    } \
    void vtk_fold_moments_##suffix##_columns(void *a, void *b, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        double *mean = a, *squares = b; \
        vtk_fold_sum_##suffix##_columns(a, b, p, ld, n_rows, n); \
        for (int64_t j = 0; j < n; j++) mean[j] /= (double)n_rows, squares[j] = 0; \
        for (int64_t r = 0; r < n_rows; r++) { \
            const T *x = (const T *)p + r * ld; \
            for (int64_t j = 0; j < n; j++) squares[j] += square((double)x[j] - mean[j]); \
        } \
    }

#define FOLD_LSE(suffix, T) \
    void vtk_fold_lse_##suffix##_row(void *state, const void *p, int64_t n) { \
        const T *x = p; \
        double *to = state, s = 0; \
        vtk_fold_max_##suffix##_row(state, p, n); \
        double base = isinf(to[0]) ? 0 : to[0]; \
        for (int64_t i = 0; i < n; i++) s += exp((double)x[i] - base); \
        to[1] = s; \
    } \
    void vtk_fold_lse_##suffix##_columns(void *a, void *b, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        double *largest = a, *sum = b; \
        vtk_fold_max_##suffix##_columns(a, b, p, ld, n_rows, n); \
        for (int64_t j = 0; j < n; j++) sum[j] = 0; \
        for (int64_t r = 0; r < n_rows; r++) { \
            const T *x = (const T *)p + r * ld; \
            for (int64_t j = 0; j < n; j++) sum[j] += exp((double)x[j] - (isinf(largest[j]) ? 0 : largest[j])); \
        } \
    }

#define FOLD_FLOATS(suffix, T) \
    FOLD_SIMPLE(sum_##suffix, T, double, 0, s + v, s + v) \
    FOLD_SIMPLE(abs_##suffix, T, double, 0, s + fabs(v), s + v) \
    FOLD_SIMPLE(squares_##suffix, T, double, 0, s + v * v, s + v) \
    FOLD_SIMPLE(prod_##suffix, T, double, 1, s * v, s * v) \
    FOLD_SIMPLE(nonzero_##suffix, T, double, 0, s + is_nonzero(v), s + v) \
    FOLD_BEST(max_##suffix, T, double, ABOVE, 0) \
    FOLD_BEST(min_##suffix, T, double, BELOW, 0) \
    FOLD_BEST(argmax_##suffix, T, double, ABOVE, 1) \
    FOLD_BEST(argmin_##suffix, T, double, BELOW, 1) \
    FOLD_MOMENTS(suffix, T) \
    FOLD_LSE(suffix, T)
FOLD_FLOATS(f32, float)
FOLD_FLOATS(f64, double)

/* Integers wrap around. */
FOLD_SIMPLE(sum_i64, int64_t, uint64_t, 0, s + v, s + v)
FOLD_SIMPLE(prod_i64, int64_t, uint64_t, 1, s * v, s * v)
FOLD_SIMPLE(nonzero_i64, int64_t, int64_t, 0, s + (v != 0), s + v)
FOLD_BEST(max_i64, int64_t, int64_t, ABOVE, 0)
FOLD_BEST(min_i64, int64_t, int64_t, BELOW, 0)
FOLD_BEST(argmax_i64, int64_t, int64_t, ABOVE, 1)
FOLD_BEST(argmin_i64, int64_t, int64_t, BELOW, 1)

static c128 times(c128 a, c128 b) {
    const double parts[2] = {creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b)};
    double _Complex z; /* CMPLX is not there for every compiler */
    memcpy(&z, parts, sizeof z);
    return z;
}

void vtk_fold_sum_c128_row(void *state, const void *p, int64_t n) {
    c128 s = 0;
    for (int64_t i = 0; i < n; i++) s += ((const c128 *)p)[i];
    *(c128 *)state = s;
}

void vtk_fold_prod_c128_row(void *state, const void *p, int64_t n) {
    c128 s = 1;
    for (int64_t i = 0; i < n; i++) s = times(s, ((const c128 *)p)[i]);
    *(c128 *)state = s;
}

void vtk_fold_nonzero_c128_row(void *state, const void *p, int64_t n) {
    double s = 0;
    for (int64_t i = 0; i < n; i++) s += ((const c128 *)p)[i] != 0;
    ((double *)state)[0] = s;
}

const struct vtk_fold vtk_fold_ref = {
    .isa = "ref",
    .row = {[VTK_FOLD_F32] = VTK_FOLD_FLOAT_KINDS(f32, row), VTK_FOLD_OTHER_ROWS},
    .columns = {[VTK_FOLD_F32] = VTK_FOLD_FLOAT_KINDS(f32, columns), VTK_FOLD_OTHER_COLUMNS},
    VTK_FOLD_ROWS_OF(ref, f32),
    VTK_FOLD_ROWS_OF(ref, f64),
};
