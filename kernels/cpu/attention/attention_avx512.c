#include "cpu/attention/attention.h"
#include "cpu/quant/half.h"
#include "cpu/vector_avx512.h"

typedef __m512 V;
enum { LANES = 16, MANY = 12 };

VTK_INLINE V v_load(const float *p) { return _mm512_loadu_ps(p); }
VTK_INLINE V v_load_n(const float *p, int64_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
VTK_INLINE void v_store(float *p, V v) { _mm512_storeu_ps(p, v); }
VTK_INLINE void v_store_n(float *p, V v, int64_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v); }
VTK_INLINE V v_set1(float x) { return _mm512_set1_ps(x); }
VTK_INLINE V v_zero(void) { return _mm512_setzero_ps(); }
VTK_INLINE V v_add(V a, V b) { return _mm512_add_ps(a, b); }
VTK_INLINE V v_sub(V a, V b) { return _mm512_sub_ps(a, b); }
VTK_INLINE V v_mul(V a, V b) { return _mm512_mul_ps(a, b); }
VTK_INLINE V v_div(V a, V b) { return _mm512_div_ps(a, b); }
VTK_INLINE V v_fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
VTK_INLINE V v_max(V a, V b) { return _mm512_max_ps(a, b); }
VTK_INLINE V v_tanh(V x) { return tanh_ps(x); }
VTK_INLINE V v_exp2(V x) { return exp2_ps(x); }
VTK_INLINE V v_halves(const unsigned char *p) { return load_16_halves(p); }
VTK_INLINE V v_halves_n(const unsigned char *p, int64_t n) { return load_halves(first_lanes(n), p); }
VTK_INLINE V v_half1(const unsigned char *p) { return _mm512_cvtph_ps(_mm256_set1_epi16((short)vtk_load_u16(p))); }
VTK_INLINE V v_bytes(const unsigned char *p) { return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p))); }
VTK_INLINE float v_max_lanes(V v) { return max_lanes(v); }

/* Halves onto halves, as the other body adds its two vectors. */
VTK_INLINE float v_sum16(const V *v) {
    __m256 w = _mm256_add_ps(_mm512_castps512_ps256(v[0]), _mm512_extractf32x8_ps(v[0], 1));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

VTK_INLINE V v_keep(V v, V other, int64_t first, int64_t last) {
    __mmask16 before = first_lanes(first > 0 ? first : 0), kept = first_lanes(last > 0 ? last : 0);
    return _mm512_mask_blend_ps((__mmask16)(kept & ~before), other, v);
}

#include "cpu/attention/attention_body.h"

void vtk_attention_avx512(const vtk_attention *p) { attend(p); }
void vtk_attention_parts_avx512(const vtk_attention *p, int64_t first, int64_t last, float *parts) { attend_parts(p, first, last, parts); }
void vtk_attention_merge_avx512(const vtk_attention *p, const float *parts, int64_t first, int64_t last) { attend_merge(p, parts, first, last); }
