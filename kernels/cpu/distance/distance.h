/* Slots distance_..., sparse_..., largest and is_mirrored_... of vtk_table. */
#ifndef VENTURI_KERNELS_DISTANCE_H
#define VENTURI_KERNELS_DISTANCE_H

#include "vtk.h"

void vtk_l2_f32_ref(const vtk_distance *p);
void vtk_l2_squared_f32_ref(const vtk_distance *p);
void vtk_l1_f32_ref(const vtk_distance *p);
void vtk_cosine_f32_ref(const vtk_distance *p);
void vtk_l2_f64_ref(const vtk_distance *p);
void vtk_l2_squared_f64_ref(const vtk_distance *p);
void vtk_l1_f64_ref(const vtk_distance *p);
void vtk_cosine_f64_ref(const vtk_distance *p);
void vtk_hamming_ref(const vtk_distance *p);
void vtk_jaccard_ref(const vtk_distance *p);
void vtk_sparse_dot_ref(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
void vtk_sparse_shared_ref(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
uint64_t vtk_largest_f32_ref(const vtk_survey *s);
uint64_t vtk_largest_f64_ref(const vtk_survey *s);
uint64_t vtk_largest_i32_ref(const vtk_survey *s);
uint64_t vtk_largest_i64_ref(const vtk_survey *s);
int vtk_is_mirrored_32_ref(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);
int vtk_is_mirrored_64_ref(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);

#if defined(__x86_64__)
void vtk_l2_f32_avx2(const vtk_distance *p);
void vtk_l2_squared_f32_avx2(const vtk_distance *p);
void vtk_l1_f32_avx2(const vtk_distance *p);
void vtk_cosine_f32_avx2(const vtk_distance *p);
void vtk_l2_f64_avx2(const vtk_distance *p);
void vtk_l2_squared_f64_avx2(const vtk_distance *p);
void vtk_l1_f64_avx2(const vtk_distance *p);
void vtk_cosine_f64_avx2(const vtk_distance *p);
void vtk_hamming_avx2(const vtk_distance *p);
void vtk_jaccard_avx2(const vtk_distance *p);
void vtk_sparse_dot_avx2(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
void vtk_sparse_shared_avx2(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
uint64_t vtk_largest_f32_avx2(const vtk_survey *s);
uint64_t vtk_largest_f64_avx2(const vtk_survey *s);
uint64_t vtk_largest_i32_avx2(const vtk_survey *s);
uint64_t vtk_largest_i64_avx2(const vtk_survey *s);
int vtk_is_mirrored_32_avx2(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);
int vtk_is_mirrored_64_avx2(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);

void vtk_l2_f32_avx512(const vtk_distance *p);
void vtk_l2_squared_f32_avx512(const vtk_distance *p);
void vtk_l1_f32_avx512(const vtk_distance *p);
void vtk_cosine_f32_avx512(const vtk_distance *p);
void vtk_l2_f64_avx512(const vtk_distance *p);
void vtk_l2_squared_f64_avx512(const vtk_distance *p);
void vtk_l1_f64_avx512(const vtk_distance *p);
void vtk_cosine_f64_avx512(const vtk_distance *p);
void vtk_hamming_avx512(const vtk_distance *p);
void vtk_jaccard_avx512(const vtk_distance *p);
uint64_t vtk_largest_f32_avx512(const vtk_survey *s);
uint64_t vtk_largest_f64_avx512(const vtk_survey *s);
uint64_t vtk_largest_i32_avx512(const vtk_survey *s);
uint64_t vtk_largest_i64_avx512(const vtk_survey *s);
void vtk_sparse_dot_avx512(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
void vtk_sparse_shared_avx512(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n);
#endif

#endif
