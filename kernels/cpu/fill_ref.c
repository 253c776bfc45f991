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

void vtk_fill_ref(vtk_table *t) {
    *t = (vtk_table){
        .isa = "ref",
        .decode = {[VTK_F32] = vtk_decode_f32_ref, [VTK_F16] = vtk_decode_f16_ref, [VTK_BF16] = vtk_decode_bf16_ref,
                   [VTK_Q8_0] = vtk_decode_q8_0_ref, [VTK_Q4_0] = vtk_decode_q4_0_ref, [VTK_Q4_1] = vtk_decode_q4_1_ref,
                   [VTK_Q5_0] = vtk_decode_q5_0_ref, [VTK_Q5_1] = vtk_decode_q5_1_ref, [VTK_Q2_K] = vtk_decode_q2_k_ref,
                   [VTK_Q3_K] = vtk_decode_q3_k_ref, [VTK_Q4_K] = vtk_decode_q4_k_ref, [VTK_Q5_K] = vtk_decode_q5_k_ref,
                   [VTK_Q6_K] = vtk_decode_q6_k_ref, [VTK_Q8_K] = vtk_decode_q8_k_ref},
        .encode = {[VTK_F32] = vtk_encode_f32_ref, [VTK_F16] = vtk_encode_f16_ref, [VTK_BF16] = vtk_encode_bf16_ref,
                   [VTK_Q8_0] = vtk_encode_q8_0_ref, [VTK_Q4_0] = vtk_encode_q4_0_ref, [VTK_Q4_1] = vtk_encode_q4_1_ref,
                   [VTK_Q5_0] = vtk_encode_q5_0_ref, [VTK_Q5_1] = vtk_encode_q5_1_ref, [VTK_Q2_K] = vtk_encode_q2_k_ref,
                   [VTK_Q3_K] = vtk_encode_q3_k_ref, [VTK_Q4_K] = vtk_encode_q4_k_ref, [VTK_Q5_K] = vtk_encode_q5_k_ref,
                   [VTK_Q6_K] = vtk_encode_q6_k_ref, [VTK_Q8_K] = vtk_encode_q8_k_ref},
        .encode_q8_row = vtk_encode_q8_row_ref,
        .matmul_f32 = {[VTK_F32] = vtk_matmul_f32_ref, [VTK_F16] = vtk_matmul_f16_ref, [VTK_BF16] = vtk_matmul_bf16_ref,
                       [VTK_Q8_0] = vtk_matmul_q8_0_ref, [VTK_Q4_0] = vtk_matmul_q4_0_ref, [VTK_Q4_1] = vtk_matmul_q4_1_ref,
                       [VTK_Q5_0] = vtk_matmul_q5_0_ref, [VTK_Q5_1] = vtk_matmul_q5_1_ref, [VTK_Q2_K] = vtk_matmul_q2_k_ref,
                       [VTK_Q3_K] = vtk_matmul_q3_k_ref, [VTK_Q4_K] = vtk_matmul_q4_k_ref, [VTK_Q5_K] = vtk_matmul_q5_k_ref,
                       [VTK_Q6_K] = vtk_matmul_q6_k_ref, [VTK_Q8_K] = vtk_matmul_q8_k_ref},
        .matmul_packed = {[VTK_F16] = vtk_matmul_f16_packed_ref, [VTK_BF16] = vtk_matmul_bf16_packed_ref},
        .matmul_q8 = {[VTK_Q8_0] = vtk_matmul_q8_0_q8_ref, [VTK_Q4_0] = vtk_matmul_q4_0_q8_ref, [VTK_Q4_1] = vtk_matmul_q4_1_q8_ref},
        .rms_norm = vtk_rms_norm_ref,
        .rms_norm_q8 = vtk_rms_norm_q8_ref,
        .layer_norm = vtk_layer_norm_ref,
        .softmax = vtk_softmax_ref,
        .add = vtk_add_ref,
        .silu_mul = vtk_silu_mul_ref,
        .gelu_mul = vtk_gelu_mul_ref,
        .rope_pairs = vtk_rope_pairs_ref,
        .rope_halves = vtk_rope_halves_ref,
        .kv_put = {[VTK_KV_F32] = vtk_kv_put_f32_ref, [VTK_KV_F16] = vtk_kv_put_f16_ref, [VTK_KV_Q8_0] = vtk_kv_put_q8_0_ref},
        .attention = vtk_attention_ref,
        .attention_parts = vtk_attention_parts_ref,
        .attention_merge = vtk_attention_merge_ref,
        .distance_f32 = {[VTK_L2] = vtk_l2_f32_ref, [VTK_L2_SQUARED] = vtk_l2_squared_f32_ref, [VTK_L1] = vtk_l1_f32_ref, [VTK_COSINE] = vtk_cosine_f32_ref},
        .distance_f64 = {[VTK_L2] = vtk_l2_f64_ref, [VTK_L2_SQUARED] = vtk_l2_squared_f64_ref, [VTK_L1] = vtk_l1_f64_ref, [VTK_COSINE] = vtk_cosine_f64_ref},
        .distance_hamming = vtk_hamming_ref,
        .distance_jaccard = vtk_jaccard_ref,
        .sparse_dot = vtk_sparse_dot_ref,
        .sparse_shared = vtk_sparse_shared_ref,
        .nearest_f32 = vtk_nearest_f32_ref,
        .nearest_f64 = vtk_nearest_f64_ref,
        .sum_rows_f32 = vtk_sum_rows_f32_ref,
        .sum_rows_f64 = vtk_sum_rows_f64_ref,
        .largest = {[VTK_DISTANCE_F32] = vtk_largest_f32_ref, [VTK_DISTANCE_F64] = vtk_largest_f64_ref, [VTK_DISTANCE_I32] = vtk_largest_i32_ref,
                    [VTK_DISTANCE_I64] = vtk_largest_i64_ref},
        .is_mirrored_32 = vtk_is_mirrored_32_ref,
        .is_mirrored_64 = vtk_is_mirrored_64_ref,
        .row_best = vtk_row_best_ref,
        .row_select = vtk_row_select_ref,
        .row_weights = vtk_row_weights_ref,
        .row_exp = vtk_row_exp_ref,
        .row_temper = vtk_row_temper_ref,
        .gemm_pack = vtk_gemm_pack_ref,
        .gemm_f32 = vtk_gemm_f32_ref,
        .gemm_q8_pack = vtk_gemm_q8_pack_ref,
        .gemm_q8_row = vtk_gemm_q8_row_ref,
        .gemm_q8 = vtk_gemm_q8_ref,
        .gemm_f64 = vtk_gemm_f64_ref,
        .gemm_bf16 = vtk_gemm_bf16_ref,
        .transpose_32 = vtk_transpose_32_ref,
        .transpose_64 = vtk_transpose_64_ref,
        .zip_16 = vtk_zip_16_ref,
        .conv = &vtk_conv_ref,
        .flash = &vtk_flash_ref,
        .fft = &vtk_fft_ref,
        .entropy = &vtk_entropy_ref,
        .fold = &vtk_fold_ref,
        .map = &vtk_map_ref,
    };
    VTK_PACKED_FILL(t, ref);
    VTK_MEDOID_FILL(t, ref);
    VTK_MSC_FILL(t, ref);
}
