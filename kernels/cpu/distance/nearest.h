/* Slots nearest_f32, nearest_f64, sum_rows_f32 and sum_rows_f64 of vtk_table. */
#ifndef VENTURI_KERNELS_NEAREST_H
#define VENTURI_KERNELS_NEAREST_H

#include "vtk.h"

void vtk_nearest_f32_ref(const vtk_nearest *p, int64_t panel0, int64_t panel1);
void vtk_nearest_f64_ref(const vtk_nearest *p, int64_t panel0, int64_t panel1);
void vtk_sum_rows_f32_ref(const vtk_row_sum *p);
void vtk_sum_rows_f64_ref(const vtk_row_sum *p);

#if defined(__x86_64__)
void vtk_nearest_f32_avx2(const vtk_nearest *p, int64_t panel0, int64_t panel1);
void vtk_nearest_f64_avx2(const vtk_nearest *p, int64_t panel0, int64_t panel1);
void vtk_sum_rows_f32_avx2(const vtk_row_sum *p);
void vtk_sum_rows_f64_avx2(const vtk_row_sum *p);

void vtk_nearest_f32_avx512(const vtk_nearest *p, int64_t panel0, int64_t panel1);
void vtk_nearest_f64_avx512(const vtk_nearest *p, int64_t panel0, int64_t panel1);
void vtk_sum_rows_f32_avx512(const vtk_row_sum *p);
void vtk_sum_rows_f64_avx512(const vtk_row_sum *p);
#endif

#endif
