/* Slots distance_..., sparse_..., largest and is_mirrored_... of vtk_table. */
#ifndef VENTURI_KERNELS_DISTANCE_H
#define VENTURI_KERNELS_DISTANCE_H

#include "vtk.h"

/* What each instruction set has. */
#define VTK_DISTANCE_OF(isa)                                                                                                          \
    void vtk_l2_f32_##isa(const vtk_distance *p);                                                                                     \
    void vtk_l2_squared_f32_##isa(const vtk_distance *p);                                                                             \
    void vtk_l1_f32_##isa(const vtk_distance *p);                                                                                     \
    void vtk_cosine_f32_##isa(const vtk_distance *p);                                                                                 \
    void vtk_l2_f64_##isa(const vtk_distance *p);                                                                                     \
    void vtk_l2_squared_f64_##isa(const vtk_distance *p);                                                                             \
    void vtk_l1_f64_##isa(const vtk_distance *p);                                                                                     \
    void vtk_cosine_f64_##isa(const vtk_distance *p);                                                                                 \
    void vtk_hamming_##isa(const vtk_distance *p);                                                                                    \
    void vtk_jaccard_##isa(const vtk_distance *p);                                                                                    \
    void vtk_sparse_dot_##isa(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);              \
    void vtk_sparse_shared_##isa(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);           \
    uint64_t vtk_largest_f32_##isa(const vtk_survey *s);                                                                              \
    uint64_t vtk_largest_f64_##isa(const vtk_survey *s);                                                                              \
    uint64_t vtk_largest_i32_##isa(const vtk_survey *s);                                                                              \
    uint64_t vtk_largest_i64_##isa(const vtk_survey *s)

VTK_DISTANCE_OF(ref);
int vtk_is_mirrored_32_ref(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);
int vtk_is_mirrored_64_ref(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);

#if defined(__x86_64__)
VTK_DISTANCE_OF(avx2);
VTK_DISTANCE_OF(avx512);
int vtk_is_mirrored_32_avx2(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);
int vtk_is_mirrored_64_avx2(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);
#endif

#endif
