/* Rows of weights to floats and back, and activations to 8-bit integers. Slots decode, encode and encode_q8_row of vtk_table.
 * Block layouts: Q8_0 half d, int8[32]; Q4_0 half d, nibbles[16]; Q4_1 half d, half m, nibbles[16]; Q5_0 and Q5_1 the same with a uint32
 * before the nibbles, whose bit i is the fifth of element i. Element i < 16 is the low nibble of byte i, element i >= 16 the high nibble
 * of byte i - 16. Superblocks: superblock.h. Blocks need no alignment. */
#ifndef VENTURI_KERNELS_QUANT_H
#define VENTURI_KERNELS_QUANT_H

#include <stdint.h>

enum {
    VTK_Q8_0_SIZE = 34, VTK_Q4_0_SIZE = 18, VTK_Q4_1_SIZE = 20, VTK_Q5_0_SIZE = 22, VTK_Q5_1_SIZE = 24,
    VTK_Q2_K_SIZE = 84, VTK_Q3_K_SIZE = 110, VTK_Q4_K_SIZE = 144, VTK_Q5_K_SIZE = 176, VTK_Q6_K_SIZE = 210, VTK_Q8_K_SIZE = 292
};

void vtk_decode_f32_ref(float *y, const void *x, int64_t n);
void vtk_decode_f16_ref(float *y, const void *x, int64_t n);
void vtk_decode_bf16_ref(float *y, const void *x, int64_t n);
void vtk_decode_q8_0_ref(float *y, const void *x, int64_t n);
void vtk_decode_q4_0_ref(float *y, const void *x, int64_t n);
void vtk_decode_q4_1_ref(float *y, const void *x, int64_t n);
void vtk_decode_q5_0_ref(float *y, const void *x, int64_t n);
void vtk_decode_q5_1_ref(float *y, const void *x, int64_t n);
void vtk_decode_q2_k_ref(float *y, const void *x, int64_t n);
void vtk_decode_q3_k_ref(float *y, const void *x, int64_t n);
void vtk_decode_q4_k_ref(float *y, const void *x, int64_t n);
void vtk_decode_q5_k_ref(float *y, const void *x, int64_t n);
void vtk_decode_q6_k_ref(float *y, const void *x, int64_t n);
void vtk_decode_q8_k_ref(float *y, const void *x, int64_t n);

void vtk_encode_f32_ref(void *y, const float *x, int64_t n);
void vtk_encode_f16_ref(void *y, const float *x, int64_t n);
void vtk_encode_bf16_ref(void *y, const float *x, int64_t n);
void vtk_encode_q8_0_ref(void *y, const float *x, int64_t n);
void vtk_encode_q4_0_ref(void *y, const float *x, int64_t n);
void vtk_encode_q4_1_ref(void *y, const float *x, int64_t n);
void vtk_encode_q5_0_ref(void *y, const float *x, int64_t n);
void vtk_encode_q5_1_ref(void *y, const float *x, int64_t n);
void vtk_encode_q2_k_ref(void *y, const float *x, int64_t n);
void vtk_encode_q3_k_ref(void *y, const float *x, int64_t n);
void vtk_encode_q4_k_ref(void *y, const float *x, int64_t n);
void vtk_encode_q5_k_ref(void *y, const float *x, int64_t n);
void vtk_encode_q6_k_ref(void *y, const float *x, int64_t n);
void vtk_encode_q8_k_ref(void *y, const float *x, int64_t n);

void vtk_encode_q8_row_ref(void *y, const float *x, int64_t n);
/* Block b of a row of n with 8 bits, and again with 16: q8_row.h. */
void vtk_put_q8_block_ref(unsigned char *row, int64_t n, int64_t b, const float x[32]);
void vtk_put_q8_wide_ref(unsigned char *row, int64_t n, int64_t b, const float x[32]);

#if defined(__x86_64__)
void vtk_decode_f16_avx2(float *y, const void *x, int64_t n);
void vtk_decode_bf16_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q8_0_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q4_0_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q4_1_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q5_0_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q5_1_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q2_k_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q3_k_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q4_k_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q5_k_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q6_k_avx2(float *y, const void *x, int64_t n);
void vtk_decode_q8_k_avx2(float *y, const void *x, int64_t n);
void vtk_encode_f16_avx2(void *y, const float *x, int64_t n);
void vtk_encode_bf16_avx2(void *y, const float *x, int64_t n);
void vtk_encode_q2_k_avx2(void *y, const float *x, int64_t n);
void vtk_encode_q3_k_avx2(void *y, const float *x, int64_t n);
void vtk_encode_q4_k_avx2(void *y, const float *x, int64_t n);
void vtk_encode_q5_k_avx2(void *y, const float *x, int64_t n);
void vtk_encode_q6_k_avx2(void *y, const float *x, int64_t n);
void vtk_encode_q8_row_avx2(void *y, const float *x, int64_t n);
void vtk_decode_f16_avx512(float *y, const void *x, int64_t n);
void vtk_decode_bf16_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q8_0_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q4_0_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q4_1_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q5_0_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q5_1_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q2_k_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q3_k_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q4_k_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q5_k_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q6_k_avx512(float *y, const void *x, int64_t n);
void vtk_decode_q8_k_avx512(float *y, const void *x, int64_t n);
void vtk_encode_f16_avx512(void *y, const float *x, int64_t n);
void vtk_encode_bf16_avx512(void *y, const float *x, int64_t n);
void vtk_encode_q2_k_avx512(void *y, const float *x, int64_t n);
void vtk_encode_q3_k_avx512(void *y, const float *x, int64_t n);
void vtk_encode_q4_k_avx512(void *y, const float *x, int64_t n);
void vtk_encode_q5_k_avx512(void *y, const float *x, int64_t n);
void vtk_encode_q6_k_avx512(void *y, const float *x, int64_t n);
void vtk_encode_q8_row_avx512(void *y, const float *x, int64_t n);
#endif

#endif
