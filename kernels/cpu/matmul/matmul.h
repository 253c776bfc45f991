/* Products of rows of weights with rows of activations. Slots matmul_f32 and matmul_q8 of vtk_table. */
#ifndef VENTURI_KERNELS_MATMUL_H
#define VENTURI_KERNELS_MATMUL_H

#include "vtk.h"

void vtk_matmul_f32_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_f16_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_bf16_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_0_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_0_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_1_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_0_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_1_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q2_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q3_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q6_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_k_ref(const vtk_matmul *p, int64_t row0, int64_t row1);

void vtk_matmul_q8_0_q8_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_0_q8_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_1_q8_ref(const vtk_matmul *p, int64_t row0, int64_t row1);

#if defined(__x86_64__)
void vtk_matmul_f32_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_f16_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_bf16_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_0_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_0_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_1_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_0_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_1_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q2_k_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q3_k_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_k_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_k_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q6_k_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_k_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_0_q8_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_0_q8_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_1_q8_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);

void vtk_matmul_f32_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_f16_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_bf16_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_0_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_0_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_1_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_0_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_1_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q2_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q3_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q5_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q6_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_k_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q8_0_q8_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_0_q8_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_1_q8_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);

void vtk_matmul_q8_0_q8_avx512vnni(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_0_q8_avx512vnni(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_q4_1_q8_avx512vnni(const vtk_matmul *p, int64_t row0, int64_t row1);
#endif

#endif
