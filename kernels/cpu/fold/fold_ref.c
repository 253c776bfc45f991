/* Folds of blocks, element after element. */
#include <complex.h>
#include <math.h>

#include "cpu/fold/fold.h"

typedef double _Complex c128;

static double same_f32(float x) { return (double)x; }
static double same_f64(double x) { return x; }
static double square(double x) { return x * x; }
static double is_nonzero(double x) { return x != 0; }

/* A kind that adds up f(x) (or multiplies), for rows and columns of type T. */
#define FOLD_SIMPLE(name, T, S, START, STEP) \
    void vtk_fold_##name##_row(void *state, const void *p, int64_t n) { \
        const T *x = p; \
        S s = START; \
        for (int64_t i = 0; i < n; i++) { \
            S v = (S)x[i]; \
            s = STEP; \
        } \
        ((S *)state)[0] = s; \
    } \
    void vtk_fold_##name##_columns(void *a, void *b, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        const T *x = p; \
        S *to = a; \
        (void)b; \
        for (int64_t j = 0; j < n; j++) { \
            S s = START; \
            for (int64_t r = 0; r < n_rows; r++) { \
                S v = (S)x[r * ld + j]; \
                s = STEP; \
            } \
            to[j] = s; \
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
        const T *x = p; \
        S *best = a, *where = b; \
        for (int64_t j = 0; j < n; j++) { \
            S s = (S)x[j], at = 0; \
            for (int64_t r = 1; r < n_rows; r++) \
                if (BEATS((S)x[r * ld + j], s)) s = (S)x[r * ld + j], at = (S)r; \
            best[j] = s; \
            if (WITH_POSITION) where[j] = at; \
        } \
    }

#define FOLD_MOMENTS(name, T, VALUE) \
    static void name##_strided(double *mean, double *squares, const T *x, int64_t ld, int64_t n) { \
        double s = 0, q = 0; \
        for (int64_t i = 0; i < n; i++) s += VALUE(x[i * ld]); \
        s /= (double)n; \
        for (int64_t i = 0; i < n; i++) q += square(VALUE(x[i * ld]) - s); \
        *mean = s; \
        *squares = q; \
    } \
    void vtk_fold_##name##_row(void *state, const void *p, int64_t n) { name##_strided(state, (double *)state + 1, p, 1, n); } \
    void vtk_fold_##name##_columns(void *a, void *b, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        for (int64_t j = 0; j < n; j++) name##_strided((double *)a + j, (double *)b + j, (const T *)p + j, ld, n_rows); \
    }

#define FOLD_LSE(name, T, VALUE) \
    static void name##_strided(double *largest, double *sum, const T *x, int64_t ld, int64_t n) { \
        double m = VALUE(x[0]), s = 0; \
        for (int64_t i = 1; i < n; i++) m = ABOVE(VALUE(x[i * ld]), m) ? VALUE(x[i * ld]) : m; \
        double base = isinf(m) ? 0 : m; \
        for (int64_t i = 0; i < n; i++) s += exp(VALUE(x[i * ld]) - base); \
        *largest = m; \
        *sum = s; \
    } \
    void vtk_fold_##name##_row(void *state, const void *p, int64_t n) { name##_strided(state, (double *)state + 1, p, 1, n); } \
    void vtk_fold_##name##_columns(void *a, void *b, const void *p, int64_t ld, int64_t n_rows, int64_t n) { \
        for (int64_t j = 0; j < n; j++) name##_strided((double *)a + j, (double *)b + j, (const T *)p + j, ld, n_rows); \
    }

#define FOLD_FLOATS(suffix, T) \
    FOLD_SIMPLE(sum_##suffix, T, double, 0, s + v) \
    FOLD_SIMPLE(abs_##suffix, T, double, 0, s + fabs(v)) \
    FOLD_SIMPLE(squares_##suffix, T, double, 0, s + v * v) \
    FOLD_SIMPLE(prod_##suffix, T, double, 1, s * v) \
    FOLD_SIMPLE(nonzero_##suffix, T, double, 0, s + is_nonzero(v)) \
    FOLD_BEST(max_##suffix, T, double, ABOVE, 0) \
    FOLD_BEST(min_##suffix, T, double, BELOW, 0) \
    FOLD_BEST(argmax_##suffix, T, double, ABOVE, 1) \
    FOLD_BEST(argmin_##suffix, T, double, BELOW, 1) \
    FOLD_MOMENTS(moments_##suffix, T, same_##suffix) \
    FOLD_LSE(lse_##suffix, T, same_##suffix)
FOLD_FLOATS(f32, float)
FOLD_FLOATS(f64, double)

/* Integers wrap around. */
FOLD_SIMPLE(sum_i64, int64_t, uint64_t, 0, s + v)
FOLD_SIMPLE(prod_i64, int64_t, uint64_t, 1, s * v)
FOLD_SIMPLE(nonzero_i64, int64_t, int64_t, 0, s + (v != 0))
FOLD_BEST(max_i64, int64_t, int64_t, ABOVE, 0)
FOLD_BEST(min_i64, int64_t, int64_t, BELOW, 0)
FOLD_BEST(argmax_i64, int64_t, int64_t, ABOVE, 1)
FOLD_BEST(argmin_i64, int64_t, int64_t, BELOW, 1)

static c128 times(c128 a, c128 b) {
    return CMPLX(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
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
