/* Slots gemm_*, transpose_* and zip_16 of vtk_table. */
#ifndef VENTURI_KERNELS_GEMM_H
#define VENTURI_KERNELS_GEMM_H

#include "vtk.h"

void vtk_gemm_pack_ref(float *panels, const float *w, int64_t ld, int64_t n, int64_t k);
void vtk_gemm_f32_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_q8_pack_ref(unsigned char *panels, const float *w, int64_t ld, int64_t n, int64_t k);
void vtk_gemm_q8_row_ref(unsigned char *row, const float *x, int64_t k);
void vtk_gemm_q8_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_f64_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_bf16_ref(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_transpose_32_ref(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
void vtk_transpose_64_ref(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
void vtk_zip_16_ref(void *out, const void *a, const void *b, int64_t n);

#if defined(__x86_64__)
void vtk_gemm_q8_row_avx2(unsigned char *row, const float *x, int64_t k);
void vtk_gemm_q8_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_q8_row_avx512(unsigned char *row, const float *x, int64_t k);
void vtk_gemm_q8_avx512vnni(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_f32_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_pack_avx512(float *panels, const float *w, int64_t ld, int64_t n, int64_t k);
void vtk_gemm_f32_avx512(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_f64_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_f64_avx512(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_bf16_avx2(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_gemm_bf16_avx512bf16(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
void vtk_transpose_32_avx2(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
void vtk_transpose_32_avx512(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
void vtk_transpose_64_avx2(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
void vtk_transpose_64_avx512(void *out, int64_t ld_out, const void *in, int64_t ld_in, int64_t n_rows, int64_t n_columns);
void vtk_zip_16_avx2(void *out, const void *a, const void *b, int64_t n);
#endif

/* gelu(x) = x Phi(x). With t = |x| and h = 0.5 erfc(t / sqrt(2)) it is x - x h for x >= 0 and x h below, so that the left tail keeps its relative
 * accuracy. h = exp(-t^2 / 2) P(u), u = 1 / (1 + 0.33 t), P of degree 9 without a constant: a minimax fit on [0, 13.5], relative error below 5e-8.
 * Farther out h is below the smallest float. */
#define VTK_GELU_SLOPE 0.33f
#define VTK_GELU_TERMS {0x1.0d8edcp-3f, 0x1.0f07cap-3f, 0x1.c5d07cp-4f, 0x1.f77f98p-4f, -0x1.e519fep-5f, 0x1.d445b6p-3f, -0x1.154b8ep-2f, 0x1.ff76cap-4f, -0x1.5b115ep-6f}
/* The tanh formula is x / (1 + exp(-x (a + b x^2))), a = 2 sqrt(2 / pi), b = 0.044715 a. */
#define VTK_GELU_TANH_A 0x1.988454p+0f
#define VTK_GELU_TANH_B 0x1.2444f2p-4f

#endif
