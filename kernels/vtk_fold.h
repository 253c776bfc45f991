/* Kernels that fold many numbers into few, and what is made of them: reductions, softmax, norms. A whole table for each instruction set.
 *
 * A fold is made of blocks: a kernel folds one block into a state of two numbers, the engine merges states in order. States of float elements are
 * float64, so that sums of float32 lose nothing on the way:
 *
 *     |result - exact| <= 2^-24 |exact| + n 2^-52 sum |x|    (float32; float64 without the first term)
 *
 * and a block's lanes are added in an order that depends on its length only. Sums of exponentials of float32 add a relative error of 2^-20. Bodies agree
 * within these bounds, and to the bit for MAX, MIN, ARGMAX, ARGMIN, NONZERO and integers. NaN is larger than everything for MAX and ARGMAX, smaller for
 * MIN and ARGMIN: it always wins. */
#ifndef VENTURI_VTK_FOLD_H
#define VENTURI_VTK_FOLD_H

#include <stdint.h>

/* Kinds and their states. */
enum {
    VTK_FOLD_SUM,     /* sum */
    VTK_FOLD_ABS,     /* sum of magnitudes */
    VTK_FOLD_SQUARES, /* sum of squares */
    VTK_FOLD_PROD,    /* product */
    VTK_FOLD_MAX,     /* largest */
    VTK_FOLD_MIN,
    VTK_FOLD_ARGMAX,  /* largest, position of the first one like it */
    VTK_FOLD_ARGMIN,
    VTK_FOLD_NONZERO, /* how many are not 0 */
    VTK_FOLD_MOMENTS, /* mean, sum of squared deviations from it */
    VTK_FOLD_LSE,     /* largest m, sum of exp(x - m), where an infinite m counts as 0 in the difference */
    VTK_N_FOLDS
};
/* Types of elements. State: two float64; int64 for I64; real and imaginary part for C128, which has SUM, PROD and NONZERO only (NULL else). I64 lacks
 * ABS, SQUARES, MOMENTS and LSE. */
enum { VTK_FOLD_F32, VTK_FOLD_F64, VTK_FOLD_I64, VTK_FOLD_C128, VTK_N_FOLD_TYPES };

enum {
    VTK_FOLD_BLOCK = 4096, /* elements of a block of a row, at most */
    VTK_FOLD_ROWS = 128,   /* rows of a block of columns, at most */
    VTK_FOLD_STRIP = 512   /* columns of it, at most */
};

/* x [n], 1 <= n <= BLOCK, into state [2]. */
typedef void (*vtk_fold_row_fn)(void *state, const void *x, int64_t n);
/* Each of n columns of x [n_rows, n], rows ld elements apart, into a[j], b[j]; 1 <= n_rows <= ROWS, 1 <= n <= STRIP. */
typedef void (*vtk_fold_columns_fn)(void *a, void *b, const void *x, int64_t ld, int64_t n_rows, int64_t n);

struct vtk_fold {
    const char *isa;
    vtk_fold_row_fn row[VTK_N_FOLD_TYPES][VTK_N_FOLDS];
    vtk_fold_columns_fn columns[VTK_N_FOLD_TYPES][VTK_N_FOLDS];

    /* Rows of n >= 1 elements; y may be x, dx may be g. A row with NaN or plus infinity, or of nothing but minus infinity, is all NaN.
     * In float32 exp of less than -87 may count as 0.
     * stream, here and below: y (or dx) is large, not read soon and no input: it may go past the caches, until vtk_map.fence nobody else may read it. */
    void (*softmax_f32)(float *y, const float *x, int64_t n, int stream);
    void (*softmax_f64)(double *y, const double *x, int64_t n, int stream);
    void (*log_softmax_f32)(float *y, const float *x, int64_t n, int stream);
    void (*log_softmax_f64)(double *y, const double *x, int64_t n, int stream);
    void (*softmax_grad_f32)(float *dx, const float *g, const float *y, int64_t n, int stream); /* y (g - sum g y) */
    void (*softmax_grad_f64)(double *dx, const double *g, const double *y, int64_t n, int stream);
    void (*log_softmax_grad_f32)(float *dx, const float *g, const float *y, int64_t n, int stream); /* g - exp(y) sum g */
    void (*log_softmax_grad_f64)(double *dx, const double *g, const double *y, int64_t n, int stream);
    /* y = exp(x - shift) scale + add */
    void (*exp_shift_f32)(float *y, const float *x, int64_t n, double shift, double scale, double add);
    void (*exp_shift_f64)(double *y, const double *x, int64_t n, double shift, double scale, double add);
    /* One row of columns that each have their own shift and scale: y = exp(x - shift) scale, or x - shift where scale is NULL. */
    void (*exp_columns_f32)(float *y, const float *x, int64_t n, const double *shift, const double *scale);
    void (*exp_columns_f64)(double *y, const double *x, int64_t n, const double *shift, const double *scale);

    /* Rows of n >= 1: (x - mean) / sqrt(variance + eps) w + b, and x / sqrt(mean of squares + eps) w. w, b: NULL for 1, 0. y may be x.
     * In float32 moments and sums over a row are added up in float32 for 8 vectors before float64 takes over: a relative error of 2^-20 of the sum of
     * magnitudes, those of deviations for a mean. */
    void (*layer_norm_f32)(float *y, const float *x, const float *w, const float *b, int64_t n, double eps, int stream);
    void (*layer_norm_f64)(double *y, const double *x, const double *w, const double *b, int64_t n, double eps, int stream);
    void (*rms_norm_f32)(float *y, const float *x, const float *w, int64_t n, double eps, int stream);
    void (*rms_norm_f64)(double *y, const double *x, const double *w, int64_t n, double eps, int stream);
    /* Their gradients by a row: dx is written, dw and db [n] are added to. Each may be NULL (db: always for rms). */
    void (*layer_norm_grad_f32)(float *dx, float *dw, float *db, const float *g, const float *x, const float *w, int64_t n, double eps, int stream);
    void (*layer_norm_grad_f64)(double *dx, double *dw, double *db, const double *g, const double *x, const double *w, int64_t n, double eps, int stream);
    void (*rms_norm_grad_f32)(float *dx, float *dw, const float *g, const float *x, const float *w, int64_t n, double eps, int stream);
    void (*rms_norm_grad_f64)(double *dx, double *dw, const double *g, const double *x, const double *w, int64_t n, double eps, int stream);

    /* Mean and sum of squared deviations of n >= 1 elements, for norms: MOMENTS but for rounding. */
    void (*moments_f32)(double state[2], const float *x, int64_t n);
    void (*moments_f64)(double state[2], const double *x, int64_t n);
    /* Norms over channels. affine: y = (x - mean) scale + shift. dots: the sums of g and of g (x - mean). affine_grad: dx = g a + (x - mean) b + c. */
    void (*affine_f32)(float *y, const float *x, int64_t n, double mean, double scale, double shift, int stream);
    void (*affine_f64)(double *y, const double *x, int64_t n, double mean, double scale, double shift, int stream);
    void (*dots_f32)(double sums[2], const float *g, const float *x, int64_t n, double mean);
    void (*dots_f64)(double sums[2], const double *g, const double *x, int64_t n, double mean);
    void (*affine_grad_f32)(float *dx, const float *g, const float *x, int64_t n, double a, double mean, double b, double c, int stream);
    void (*affine_grad_f64)(double *dx, const double *g, const double *x, int64_t n, double a, double mean, double b, double c, int stream);
};

extern const struct vtk_fold vtk_fold_ref;
#if defined(__x86_64__)
extern const struct vtk_fold vtk_fold_avx2, vtk_fold_avx512;
#endif

#endif
