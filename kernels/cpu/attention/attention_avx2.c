#include "cpu/attention/attention.h"
#include "cpu/quant/half.h"
#include "cpu/vector_avx2.h"

typedef __m256 V;
enum { LANES = 8, MANY = 6 };

VTK_INLINE V v_load(const float *p) { return _mm256_loadu_ps(p); }
VTK_INLINE V v_load_n(const float *p, int64_t n) { return load_floats(p, n); }
VTK_INLINE void v_store(float *p, V v) { _mm256_storeu_ps(p, v); }
VTK_INLINE void v_store_n(float *p, V v, int64_t n) { store_floats(p, v, n); }
VTK_INLINE V v_set1(float x) { return _mm256_set1_ps(x); }
VTK_INLINE V v_zero(void) { return _mm256_setzero_ps(); }
VTK_INLINE V v_add(V a, V b) { return _mm256_add_ps(a, b); }
VTK_INLINE V v_sub(V a, V b) { return _mm256_sub_ps(a, b); }
VTK_INLINE V v_mul(V a, V b) { return _mm256_mul_ps(a, b); }
VTK_INLINE V v_div(V a, V b) { return _mm256_div_ps(a, b); }
VTK_INLINE V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
VTK_INLINE V v_max(V a, V b) { return _mm256_max_ps(a, b); }
VTK_INLINE V v_tanh(V x) { return tanh_ps(x); }
VTK_INLINE V v_exp2(V x) { return exp2_ps(x); }
VTK_INLINE V v_halves(const unsigned char *p) { return load_halves(p, 8); }
VTK_INLINE V v_halves_n(const unsigned char *p, int64_t n) { return load_halves(p, n); }
VTK_INLINE V v_half1(const unsigned char *p) { return _mm256_cvtph_ps(_mm_set1_epi16((short)vtk_load_u16(p))); }
VTK_INLINE V v_bytes(const unsigned char *p) { return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p))); }
VTK_INLINE float v_max_lanes(V v) { return max_lanes(v); }

VTK_INLINE float v_sum16(const V *v) {
    __m256 w = _mm256_add_ps(v[0], v[1]);
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

VTK_INLINE V v_keep(V v, V other, int64_t first, int64_t last) {
    __m256i kept = _mm256_andnot_si256(first_lanes(first > 0 ? first : 0), first_lanes(last > 0 ? last : 0));
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(kept));
}

#include "cpu/attention/attention_body.h"

void vtk_attention_avx2(const vtk_attention *p) { attend(p); }
void vtk_attention_parts_avx2(const vtk_attention *p, int64_t first, int64_t last, float *parts) { attend_parts(p, first, last, parts); }
void vtk_attention_merge_avx2(const vtk_attention *p, const float *parts, int64_t first, int64_t last) { attend_merge(p, parts, first, last); }

/* A key's halves go into a column, 16 apart. */
void vtk_kv_put_f16_avx2(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim) {
    uint16_t *k = (uint16_t *)keys + slot, *v = (uint16_t *)values + slot * dim, half[8];
    for (int64_t j = 0; j < dim; j += 8) {
        int64_t n = dim - j < 8 ? dim - j : 8;
        _mm_storeu_si128((__m128i *)(void *)half, _mm256_cvtps_ph(load_floats(key + j, n), _MM_FROUND_TO_NEAREST_INT));
        for (int64_t i = 0; i < n; i++) k[(j + i) * VTK_KV_BLOCK] = half[i];
        _mm_storeu_si128((__m128i *)(void *)half, _mm256_cvtps_ph(load_floats(value + j, n), _MM_FROUND_TO_NEAREST_INT));
        memcpy(v + j, half, (size_t)n * sizeof *v);
    }
}
