/* Weights of 16 bits packed for products with many or few rows of activations: panels of 16 rows (vtk.h) whose elements lie column by column, so that a
 * vector lane is a row of weights and memory is read as one stream. The size is the file's.
 *
 *     type   a panel                                   activations
 *     F16    [k] of 16 halves                          rows of float32
 *     BF16   [k / 2] of 16 pairs of columns, k even    rows of bfloat16 (encode[VTK_BF16])
 *
 * Products are defined here too. A sum is one float32 chain in ascending order of k: of fused multiply-adds with F16, whose weights are exact floats, and of
 * pairs with BF16: the second column's product, then the first's, each added with one rounding, numbers below FLT_MIN being 0 in and out, which is what the
 * AVX-512 instruction does. All bodies, the reference too, do just this, so they agree bit for bit. */
#ifndef VENTURI_KERNELS_PACKED_FLOAT_H
#define VENTURI_KERNELS_PACKED_FLOAT_H

#include "vtk.h"

enum { PACKED_F16_STEP = 2 * VTK_PANEL_ROWS, PACKED_BF16_STEP = 4 * VTK_PANEL_ROWS }; /* bytes of a column, of a pair of columns */

void vtk_pack_half_panel(int type, void *out, const void *w, size_t w_stride, int64_t n_rows, int64_t k);

void vtk_matmul_f16_packed_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_bf16_packed_ref(const vtk_matmul *p, int64_t row0, int64_t row1);
#if defined(__x86_64__)
void vtk_matmul_f16_packed_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_bf16_packed_avx2(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_f16_packed_avx512(const vtk_matmul *p, int64_t row0, int64_t row1);
void vtk_matmul_bf16_packed_avx512bf16(const vtk_matmul *p, int64_t row0, int64_t row1);
#endif

#endif
