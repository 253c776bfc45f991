/* Slots kv_put, attention, attention_parts and attention_merge of vtk_table. */
#ifndef VENTURI_KERNELS_ATTENTION_H
#define VENTURI_KERNELS_ATTENTION_H

#include "vtk.h"

void vtk_kv_put_f32_ref(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim);
void vtk_kv_put_f16_ref(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim);
void vtk_kv_put_q8_0_ref(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim);
void vtk_attention_ref(const vtk_attention *p);
void vtk_attention_parts_ref(const vtk_attention *p, int64_t first, int64_t last, float *parts);
void vtk_attention_merge_ref(const vtk_attention *p, const float *parts, int64_t first, int64_t last);

#if defined(__x86_64__)
void vtk_kv_put_f16_avx2(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim);
void vtk_attention_avx2(const vtk_attention *p);
void vtk_attention_parts_avx2(const vtk_attention *p, int64_t first, int64_t last, float *parts);
void vtk_attention_merge_avx2(const vtk_attention *p, const float *parts, int64_t first, int64_t last);
void vtk_attention_avx512(const vtk_attention *p);
void vtk_attention_parts_avx512(const vtk_attention *p, int64_t first, int64_t last, float *parts);
void vtk_attention_merge_avx512(const vtk_attention *p, const float *parts, int64_t first, int64_t last);
#endif

#endif
