/* Bodies of struct vtk_fold that several files make. */
#ifndef VENTURI_KERNELS_FOLD_H
#define VENTURI_KERNELS_FOLD_H

#include "vtk_fold.h"

/* The reference's folds, which other tables take where they have nothing better. */
#define VTK_FOLD_KIND(name) \
    void vtk_fold_##name##_row(void *state, const void *x, int64_t n); \
    void vtk_fold_##name##_columns(void *a, void *b, const void *x, int64_t ld, int64_t n_rows, int64_t n);
#define VTK_FOLD_KINDS(suffix) \
    VTK_FOLD_KIND(sum_##suffix) VTK_FOLD_KIND(prod_##suffix) VTK_FOLD_KIND(max_##suffix) VTK_FOLD_KIND(min_##suffix) VTK_FOLD_KIND(argmax_##suffix) \
    VTK_FOLD_KIND(argmin_##suffix) VTK_FOLD_KIND(nonzero_##suffix)
#define VTK_FOLD_MORE_KINDS(suffix) \
    VTK_FOLD_KIND(abs_##suffix) VTK_FOLD_KIND(squares_##suffix) VTK_FOLD_KIND(moments_##suffix) VTK_FOLD_KIND(lse_##suffix)
VTK_FOLD_KINDS(f32)
VTK_FOLD_MORE_KINDS(f32)
VTK_FOLD_KINDS(f64)
VTK_FOLD_MORE_KINDS(f64)
VTK_FOLD_KINDS(i64)
void vtk_fold_sum_c128_row(void *state, const void *x, int64_t n);
void vtk_fold_prod_c128_row(void *state, const void *x, int64_t n);
void vtk_fold_nonzero_c128_row(void *state, const void *x, int64_t n);

#define VTK_FOLD_SLOT(kind, name, part) [VTK_FOLD_##kind] = vtk_fold_##name##_##part
#define VTK_FOLD_INT_KINDS(suffix, part) \
    VTK_FOLD_SLOT(SUM, sum_##suffix, part), VTK_FOLD_SLOT(PROD, prod_##suffix, part), VTK_FOLD_SLOT(MAX, max_##suffix, part), \
    VTK_FOLD_SLOT(MIN, min_##suffix, part), VTK_FOLD_SLOT(ARGMAX, argmax_##suffix, part), VTK_FOLD_SLOT(ARGMIN, argmin_##suffix, part), \
    VTK_FOLD_SLOT(NONZERO, nonzero_##suffix, part)
#define VTK_FOLD_FLOAT_KINDS(suffix, part) \
    {VTK_FOLD_INT_KINDS(suffix, part), VTK_FOLD_SLOT(ABS, abs_##suffix, part), VTK_FOLD_SLOT(SQUARES, squares_##suffix, part), \
     VTK_FOLD_SLOT(MOMENTS, moments_##suffix, part), VTK_FOLD_SLOT(LSE, lse_##suffix, part)}
/* Rows and columns of all types but float32. */
#define VTK_FOLD_OTHER_ROWS \
    [VTK_FOLD_F64] = VTK_FOLD_FLOAT_KINDS(f64, row), [VTK_FOLD_I64] = {VTK_FOLD_INT_KINDS(i64, row)}, \
    [VTK_FOLD_C128] = {[VTK_FOLD_SUM] = vtk_fold_sum_c128_row, [VTK_FOLD_PROD] = vtk_fold_prod_c128_row, [VTK_FOLD_NONZERO] = vtk_fold_nonzero_c128_row}
#define VTK_FOLD_OTHER_COLUMNS [VTK_FOLD_F64] = VTK_FOLD_FLOAT_KINDS(f64, columns), [VTK_FOLD_I64] = {VTK_FOLD_INT_KINDS(i64, columns)}

#define VTK_FOLD_DECLARE(isa, suffix, T) \
    void vtk_fold_softmax_##suffix##_##isa(T *y, const T *x, int64_t n, int stream); \
    void vtk_fold_log_softmax_##suffix##_##isa(T *y, const T *x, int64_t n, int stream); \
    void vtk_fold_softmax_grad_##suffix##_##isa(T *dx, const T *g, const T *y, int64_t n, int stream); \
    void vtk_fold_log_softmax_grad_##suffix##_##isa(T *dx, const T *g, const T *y, int64_t n, int stream); \
    void vtk_fold_exp_shift_##suffix##_##isa(T *y, const T *x, int64_t n, double shift, double scale, double add); \
    void vtk_fold_exp_columns_##suffix##_##isa(T *y, const T *x, int64_t n, const double *shift, const double *scale); \
    void vtk_fold_layer_norm_##suffix##_##isa(T *y, const T *x, const T *w, const T *b, int64_t n, double eps, int stream); \
    void vtk_fold_rms_norm_##suffix##_##isa(T *y, const T *x, const T *w, int64_t n, double eps, int stream); \
    void vtk_fold_layer_norm_grad_##suffix##_##isa(T *dx, T *dw, T *db, const T *g, const T *x, const T *w, int64_t n, double eps, int stream); \
    void vtk_fold_rms_norm_grad_##suffix##_##isa(T *dx, T *dw, const T *g, const T *x, const T *w, int64_t n, double eps, int stream); \
    void vtk_fold_moments_##suffix##_##isa(double state[2], const T *x, int64_t n); \
    void vtk_fold_affine_##suffix##_##isa(T *y, const T *x, int64_t n, double mean, double scale, double shift, int stream); \
    void vtk_fold_dots_##suffix##_##isa(double sums[2], const T *g, const T *x, int64_t n, double mean); \
    void vtk_fold_affine_grad_##suffix##_##isa(T *dx, const T *g, const T *x, int64_t n, double a, double mean, double b, double c, int stream);

VTK_FOLD_DECLARE(ref, f32, float)
VTK_FOLD_DECLARE(ref, f64, double)
#if defined(__x86_64__)
VTK_FOLD_DECLARE(avx2, f32, float)
VTK_FOLD_DECLARE(avx512, f32, float)
#endif

/* Their slots in a table. */
#define VTK_FOLD_ROWS_OF(isa, suffix) \
    .softmax_##suffix = vtk_fold_softmax_##suffix##_##isa, .log_softmax_##suffix = vtk_fold_log_softmax_##suffix##_##isa, \
    .softmax_grad_##suffix = vtk_fold_softmax_grad_##suffix##_##isa, .log_softmax_grad_##suffix = vtk_fold_log_softmax_grad_##suffix##_##isa, \
    .exp_shift_##suffix = vtk_fold_exp_shift_##suffix##_##isa, .exp_columns_##suffix = vtk_fold_exp_columns_##suffix##_##isa, \
    .layer_norm_##suffix = vtk_fold_layer_norm_##suffix##_##isa, \
    .rms_norm_##suffix = vtk_fold_rms_norm_##suffix##_##isa, .layer_norm_grad_##suffix = vtk_fold_layer_norm_grad_##suffix##_##isa, \
    .rms_norm_grad_##suffix = vtk_fold_rms_norm_grad_##suffix##_##isa, .moments_##suffix = vtk_fold_moments_##suffix##_##isa, .affine_##suffix = vtk_fold_affine_##suffix##_##isa, \
    .dots_##suffix = vtk_fold_dots_##suffix##_##isa, .affine_grad_##suffix = vtk_fold_affine_grad_##suffix##_##isa

#endif
