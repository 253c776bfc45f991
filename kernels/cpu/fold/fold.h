/* Bodies of struct vtk_fold that several files make. */
#ifndef VENTURI_KERNELS_FOLD_H
#define VENTURI_KERNELS_FOLD_H

#include "vtk_fold.h"

#define VTK_FOLD_DECLARE(isa, suffix, T) \
    void vtk_fold_softmax_##suffix##_##isa(T *y, const T *x, int64_t n, int stream); \
    void vtk_fold_log_softmax_##suffix##_##isa(T *y, const T *x, int64_t n, int stream); \
    void vtk_fold_softmax_grad_##suffix##_##isa(T *dx, const T *g, const T *y, int64_t n); \
    void vtk_fold_log_softmax_grad_##suffix##_##isa(T *dx, const T *g, const T *y, int64_t n); \
    void vtk_fold_exp_shift_##suffix##_##isa(T *y, const T *x, int64_t n, double shift, double scale, double add); \
    void vtk_fold_layer_norm_##suffix##_##isa(T *y, const T *x, const T *w, const T *b, int64_t n, double eps, int stream); \
    void vtk_fold_rms_norm_##suffix##_##isa(T *y, const T *x, const T *w, int64_t n, double eps, int stream); \
    void vtk_fold_layer_norm_grad_##suffix##_##isa(T *dx, T *dw, T *db, const T *g, const T *x, const T *w, int64_t n, double eps); \
    void vtk_fold_rms_norm_grad_##suffix##_##isa(T *dx, T *dw, const T *g, const T *x, const T *w, int64_t n, double eps); \
    void vtk_fold_affine_##suffix##_##isa(T *y, const T *x, int64_t n, double mean, double scale, double shift, int stream); \
    void vtk_fold_dots_##suffix##_##isa(double sums[2], const T *g, const T *x, int64_t n, double mean); \
    void vtk_fold_affine_grad_##suffix##_##isa(T *dx, const T *g, const T *x, int64_t n, double a, double mean, double b, double c);

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
    .exp_shift_##suffix = vtk_fold_exp_shift_##suffix##_##isa, .layer_norm_##suffix = vtk_fold_layer_norm_##suffix##_##isa, \
    .rms_norm_##suffix = vtk_fold_rms_norm_##suffix##_##isa, .layer_norm_grad_##suffix = vtk_fold_layer_norm_grad_##suffix##_##isa, \
    .rms_norm_grad_##suffix = vtk_fold_rms_norm_grad_##suffix##_##isa, .affine_##suffix = vtk_fold_affine_##suffix##_##isa, \
    .dots_##suffix = vtk_fold_dots_##suffix##_##isa, .affine_grad_##suffix = vtk_fold_affine_grad_##suffix##_##isa

#endif
