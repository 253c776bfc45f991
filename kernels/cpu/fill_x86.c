/* Slots that each instruction set of x86-64 improves; what it does not name stays as the one below left it. Compiled without any of their
 * flags: only addresses are taken here. */
#include "cpu/attention/attention.h"
#include "cpu/distance/distance.h"
#include "cpu/distance/nearest.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/flash/flash.h"
#include "cpu/gemm/gemm.h"
#include "cpu/matmul/matmul.h"
#include "cpu/matmul/packed.h"
#include "cpu/matmul/packed_float.h"
#include "cpu/medoid/medoid.h"
#include "cpu/medoid/msc.h"
#include "cpu/norm/norm.h"
#include "cpu/quant/quant.h"
#include "cpu/softmax/softmax.h"
#include "vtk.h"
#include "vtk_conv.h"
#include "vtk_entropy.h"
#include "vtk_fft.h"
#include "vtk_fold.h"
#include "vtk_map.h"

void vtk_fill_avx2(vtk_table *t) {
    t->isa = "avx2";
    t->fft = &vtk_fft_avx2;
    t->entropy = &vtk_entropy_avx2;
    t->fold = &vtk_fold_avx2;
    t->map = &vtk_map_avx2;
    t->row_best = vtk_row_best_avx2;
    t->row_select = vtk_row_select_avx2;
    t->row_weights = vtk_row_weights_avx2;
    t->row_exp = vtk_row_exp_avx2;
    t->row_temper = vtk_row_temper_avx2;
    t->decode[VTK_F16] = vtk_decode_f16_avx2;
    t->decode[VTK_BF16] = vtk_decode_bf16_avx2;
    t->decode[VTK_Q8_0] = vtk_decode_q8_0_avx2;
    t->decode[VTK_Q4_0] = vtk_decode_q4_0_avx2;
    t->decode[VTK_Q4_1] = vtk_decode_q4_1_avx2;
    t->decode[VTK_Q5_0] = vtk_decode_q5_0_avx2;
    t->decode[VTK_Q5_1] = vtk_decode_q5_1_avx2;
    t->decode[VTK_Q2_K] = vtk_decode_q2_k_avx2;
    t->decode[VTK_Q3_K] = vtk_decode_q3_k_avx2;
    t->decode[VTK_Q4_K] = vtk_decode_q4_k_avx2;
    t->decode[VTK_Q5_K] = vtk_decode_q5_k_avx2;
    t->decode[VTK_Q6_K] = vtk_decode_q6_k_avx2;
    t->decode[VTK_Q8_K] = vtk_decode_q8_k_avx2;
    t->encode[VTK_F16] = vtk_encode_f16_avx2;
    t->encode[VTK_BF16] = vtk_encode_bf16_avx2;
    t->encode[VTK_Q2_K] = vtk_encode_q2_k_avx2;
    t->encode[VTK_Q3_K] = vtk_encode_q3_k_avx2;
    t->encode[VTK_Q4_K] = vtk_encode_q4_k_avx2;
    t->encode[VTK_Q5_K] = vtk_encode_q5_k_avx2;
    t->encode[VTK_Q6_K] = vtk_encode_q6_k_avx2;
    t->encode_q8_row = vtk_encode_q8_row_avx2;
    t->matmul_f32[VTK_F32] = vtk_matmul_f32_avx2;
    t->matmul_f32[VTK_F16] = vtk_matmul_f16_avx2;
    t->matmul_f32[VTK_BF16] = vtk_matmul_bf16_avx2;
    t->matmul_f32[VTK_Q8_0] = vtk_matmul_q8_0_avx2;
    t->matmul_f32[VTK_Q4_0] = vtk_matmul_q4_0_avx2;
    t->matmul_f32[VTK_Q4_1] = vtk_matmul_q4_1_avx2;
    t->matmul_f32[VTK_Q5_0] = vtk_matmul_q5_0_avx2;
    t->matmul_f32[VTK_Q5_1] = vtk_matmul_q5_1_avx2;
    t->matmul_f32[VTK_Q2_K] = vtk_matmul_q2_k_avx2;
    t->matmul_f32[VTK_Q3_K] = vtk_matmul_q3_k_avx2;
    t->matmul_f32[VTK_Q4_K] = vtk_matmul_q4_k_avx2;
    t->matmul_f32[VTK_Q5_K] = vtk_matmul_q5_k_avx2;
    t->matmul_f32[VTK_Q6_K] = vtk_matmul_q6_k_avx2;
    t->matmul_f32[VTK_Q8_K] = vtk_matmul_q8_k_avx2;
    t->matmul_q8[VTK_Q8_0] = vtk_matmul_q8_0_q8_avx2;
    t->matmul_q8[VTK_Q4_0] = vtk_matmul_q4_0_q8_avx2;
    t->matmul_q8[VTK_Q4_1] = vtk_matmul_q4_1_q8_avx2;
    t->rms_norm = vtk_rms_norm_avx2;
    t->rms_norm_q8 = vtk_rms_norm_q8_avx2;
    t->layer_norm = vtk_layer_norm_avx2;
    t->softmax = vtk_softmax_avx2;
    t->gemm_f32 = vtk_gemm_f32_avx2;
    t->gemm_q8_row = vtk_gemm_q8_row_avx2;
    t->gemm_q8 = vtk_gemm_q8_avx2;
    t->gemm_f64 = vtk_gemm_f64_avx2;
    t->gemm_bf16 = vtk_gemm_bf16_avx2;
    t->transpose_32 = vtk_transpose_32_avx2;
    t->transpose_64 = vtk_transpose_64_avx2;
    t->zip_16 = vtk_zip_16_avx2;
    t->conv = &vtk_conv_avx2;
    t->flash = &vtk_flash_avx2;
    t->add = vtk_add_avx2;
    t->silu_mul = vtk_silu_mul_avx2;
    t->gelu_mul = vtk_gelu_mul_avx2;
    t->rope_pairs = vtk_rope_pairs_avx2;
    t->rope_halves = vtk_rope_halves_avx2;
    t->kv_put[VTK_KV_F16] = vtk_kv_put_f16_avx2;
    t->attention = vtk_attention_avx2;
    t->attention_parts = vtk_attention_parts_avx2;
    t->attention_merge = vtk_attention_merge_avx2;
    VTK_PACKED_FILL(t, avx2);
    t->matmul_packed[VTK_F16] = vtk_matmul_f16_packed_avx2;
    t->matmul_packed[VTK_BF16] = vtk_matmul_bf16_packed_avx2;
    VTK_MEDOID_FILL(t, avx2);
    VTK_MSC_FILL(t, avx2);
    t->distance_f32[VTK_L2] = vtk_l2_f32_avx2;
    t->distance_f32[VTK_L2_SQUARED] = vtk_l2_squared_f32_avx2;
    t->distance_f32[VTK_L1] = vtk_l1_f32_avx2;
    t->distance_f32[VTK_COSINE] = vtk_cosine_f32_avx2;
    t->distance_f64[VTK_L2] = vtk_l2_f64_avx2;
    t->distance_f64[VTK_L2_SQUARED] = vtk_l2_squared_f64_avx2;
    t->distance_f64[VTK_L1] = vtk_l1_f64_avx2;
    t->distance_f64[VTK_COSINE] = vtk_cosine_f64_avx2;
    t->distance_hamming = vtk_hamming_avx2;
    t->distance_jaccard = vtk_jaccard_avx2;
    t->sparse_dot = vtk_sparse_dot_avx2;
    t->sparse_shared = vtk_sparse_shared_avx2;
    t->nearest_f32 = vtk_nearest_f32_avx2;
    t->nearest_f64 = vtk_nearest_f64_avx2;
    t->sum_rows_f32 = vtk_sum_rows_f32_avx2;
    t->sum_rows_f64 = vtk_sum_rows_f64_avx2;
    t->largest[VTK_DISTANCE_F32] = vtk_largest_f32_avx2;
    t->largest[VTK_DISTANCE_F64] = vtk_largest_f64_avx2;
    t->largest[VTK_DISTANCE_I32] = vtk_largest_i32_avx2;
    t->largest[VTK_DISTANCE_I64] = vtk_largest_i64_avx2;
    t->is_mirrored_32 = vtk_is_mirrored_32_avx2;
    t->is_mirrored_64 = vtk_is_mirrored_64_avx2;
}

void vtk_fill_avx512(vtk_table *t) {
    t->isa = "avx512";
    t->fft = &vtk_fft_avx512;
    t->entropy = &vtk_entropy_avx512;
    t->fold = &vtk_fold_avx512;
    t->map = &vtk_map_avx512;
    t->row_best = vtk_row_best_avx512;
    t->row_select = vtk_row_select_avx512;
    t->row_weights = vtk_row_weights_avx512;
    t->row_exp = vtk_row_exp_avx512;
    t->row_temper = vtk_row_temper_avx512;
    t->decode[VTK_F16] = vtk_decode_f16_avx512;
    t->decode[VTK_BF16] = vtk_decode_bf16_avx512;
    t->decode[VTK_Q8_0] = vtk_decode_q8_0_avx512;
    t->decode[VTK_Q4_0] = vtk_decode_q4_0_avx512;
    t->decode[VTK_Q4_1] = vtk_decode_q4_1_avx512;
    t->decode[VTK_Q5_0] = vtk_decode_q5_0_avx512;
    t->decode[VTK_Q5_1] = vtk_decode_q5_1_avx512;
    t->decode[VTK_Q2_K] = vtk_decode_q2_k_avx512;
    t->decode[VTK_Q3_K] = vtk_decode_q3_k_avx512;
    t->decode[VTK_Q4_K] = vtk_decode_q4_k_avx512;
    t->decode[VTK_Q5_K] = vtk_decode_q5_k_avx512;
    t->decode[VTK_Q6_K] = vtk_decode_q6_k_avx512;
    t->decode[VTK_Q8_K] = vtk_decode_q8_k_avx512;
    t->encode[VTK_F16] = vtk_encode_f16_avx512;
    t->encode[VTK_BF16] = vtk_encode_bf16_avx512;
    t->encode[VTK_Q2_K] = vtk_encode_q2_k_avx512;
    t->encode[VTK_Q3_K] = vtk_encode_q3_k_avx512;
    t->encode[VTK_Q4_K] = vtk_encode_q4_k_avx512;
    t->encode[VTK_Q5_K] = vtk_encode_q5_k_avx512;
    t->encode[VTK_Q6_K] = vtk_encode_q6_k_avx512;
    t->encode_q8_row = vtk_encode_q8_row_avx512;
    t->matmul_f32[VTK_F32] = vtk_matmul_f32_avx512;
    t->matmul_f32[VTK_F16] = vtk_matmul_f16_avx512;
    t->matmul_f32[VTK_BF16] = vtk_matmul_bf16_avx512;
    t->matmul_f32[VTK_Q8_0] = vtk_matmul_q8_0_avx512;
    t->matmul_f32[VTK_Q4_0] = vtk_matmul_q4_0_avx512;
    t->matmul_f32[VTK_Q4_1] = vtk_matmul_q4_1_avx512;
    t->matmul_f32[VTK_Q5_0] = vtk_matmul_q5_0_avx512;
    t->matmul_f32[VTK_Q5_1] = vtk_matmul_q5_1_avx512;
    t->matmul_f32[VTK_Q2_K] = vtk_matmul_q2_k_avx512;
    t->matmul_f32[VTK_Q3_K] = vtk_matmul_q3_k_avx512;
    t->matmul_f32[VTK_Q4_K] = vtk_matmul_q4_k_avx512;
    t->matmul_f32[VTK_Q5_K] = vtk_matmul_q5_k_avx512;
    t->matmul_f32[VTK_Q6_K] = vtk_matmul_q6_k_avx512;
    t->matmul_f32[VTK_Q8_K] = vtk_matmul_q8_k_avx512;
    t->matmul_q8[VTK_Q8_0] = vtk_matmul_q8_0_q8_avx512;
    t->matmul_q8[VTK_Q4_0] = vtk_matmul_q4_0_q8_avx512;
    t->matmul_q8[VTK_Q4_1] = vtk_matmul_q4_1_q8_avx512;
    t->rms_norm = vtk_rms_norm_avx512;
    t->rms_norm_q8 = vtk_rms_norm_q8_avx512;
    t->silu_mul = vtk_silu_mul_avx512;
    t->gelu_mul = vtk_gelu_mul_avx512;
    t->softmax = vtk_softmax_avx512;
    t->gemm_pack = vtk_gemm_pack_avx512;
    t->gemm_f32 = vtk_gemm_f32_avx512;
    t->gemm_q8_row = vtk_gemm_q8_row_avx512;
    t->gemm_f64 = vtk_gemm_f64_avx512;
    t->transpose_32 = vtk_transpose_32_avx512;
    t->transpose_64 = vtk_transpose_64_avx512;
    t->conv = &vtk_conv_avx512;
    t->flash = &vtk_flash_avx512;
    t->attention = vtk_attention_avx512;
    t->attention_parts = vtk_attention_parts_avx512;
    t->attention_merge = vtk_attention_merge_avx512;
    VTK_PACKED_FILL(t, avx512);
    t->matmul_packed[VTK_F16] = vtk_matmul_f16_packed_avx512;
    VTK_MEDOID_FILL(t, avx512);
    VTK_MSC_FILL(t, avx512);
    t->distance_f32[VTK_L2] = vtk_l2_f32_avx512;
    t->distance_f32[VTK_L2_SQUARED] = vtk_l2_squared_f32_avx512;
    t->distance_f32[VTK_L1] = vtk_l1_f32_avx512;
    t->distance_f32[VTK_COSINE] = vtk_cosine_f32_avx512;
    t->distance_f64[VTK_L2] = vtk_l2_f64_avx512;
    t->distance_f64[VTK_L2_SQUARED] = vtk_l2_squared_f64_avx512;
    t->distance_f64[VTK_L1] = vtk_l1_f64_avx512;
    t->distance_f64[VTK_COSINE] = vtk_cosine_f64_avx512;
    t->distance_hamming = vtk_hamming_avx512;
    t->distance_jaccard = vtk_jaccard_avx512;
    t->largest[VTK_DISTANCE_F32] = vtk_largest_f32_avx512;
    t->largest[VTK_DISTANCE_F64] = vtk_largest_f64_avx512;
    t->largest[VTK_DISTANCE_I32] = vtk_largest_i32_avx512;
    t->largest[VTK_DISTANCE_I64] = vtk_largest_i64_avx512;
    t->sparse_dot = vtk_sparse_dot_avx512;
    t->sparse_shared = vtk_sparse_shared_avx512;
    t->nearest_f32 = vtk_nearest_f32_avx512;
    t->nearest_f64 = vtk_nearest_f64_avx512;
    t->sum_rows_f32 = vtk_sum_rows_f32_avx512;
    t->sum_rows_f64 = vtk_sum_rows_f64_avx512;
}

void vtk_fill_avx512vnni(vtk_table *t) {
    t->isa = "avx512vnni";
    t->gemm_q8 = vtk_gemm_q8_avx512vnni;
    t->matmul_q8[VTK_Q8_0] = vtk_matmul_q8_0_q8_avx512vnni;
    t->matmul_q8[VTK_Q4_0] = vtk_matmul_q4_0_q8_avx512vnni;
    t->matmul_q8[VTK_Q4_1] = vtk_matmul_q4_1_q8_avx512vnni;
    VTK_PACKED_FILL(t, avx512vnni);
}

void vtk_fill_avx512bf16(vtk_table *t) {
    t->isa = "avx512bf16";
    t->gemm_bf16 = vtk_gemm_bf16_avx512bf16;
    t->matmul_packed[VTK_BF16] = vtk_matmul_bf16_packed_avx512bf16;
}
