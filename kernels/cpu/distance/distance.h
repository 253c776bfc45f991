/* Slots distance_f32, distance_f64, distance_hamming and distance_jaccard of vtk_table. */
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
#endif

#endif
