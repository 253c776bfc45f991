/* Folds of float32 by AVX-512; other types are the reference's. */
#define ISA avx512
#include "cpu/vector_avx512.h"

enum { W = 16 };
typedef __m512 F;
typedef __m512d D;

VTK_INLINE F f_load(const float *p, int64_t n) { return n >= W ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(first_lanes(n), p); }
VTK_INLINE void f_store(float *p, F v, int64_t n) {
    if (n >= W) _mm512_storeu_ps(p, v);
    else _mm512_mask_storeu_ps(p, first_lanes(n), v);
}
VTK_INLINE void f_stream(float *p, F v) { _mm512_stream_ps(p, v); }
VTK_INLINE D d_low(F v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
VTK_INLINE D d_high(F v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }
VTK_INLINE F f_of(D low, D high) { return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(low)), _mm512_cvtpd_ps(high), 1); }
VTK_INLINE F f_all1(float x) { return _mm512_set1_ps(x); }
VTK_INLINE D d_all1(double x) { return _mm512_set1_pd(x); }
VTK_INLINE F f_and(F a, F b) { return _mm512_and_ps(a, b); }
VTK_INLINE F f_or(F a, F b) { return _mm512_or_ps(a, b); }
VTK_INLINE F f_abs(F v) { return _mm512_abs_ps(v); }
VTK_INLINE F f_max(F v, F a) { return _mm512_max_ps(v, a); } /* a where v is NaN */
VTK_INLINE F f_fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
VTK_INLINE F f_power(F t) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(t), 23)); }
VTK_INLINE F f_mask(__mmask16 m) { return _mm512_castsi512_ps(_mm512_movm_epi32(m)); }
VTK_INLINE F f_first(int64_t n) { return f_mask(first_lanes(n)); }
VTK_INLINE F f_nan(F v) { return f_mask(_mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q)); }
VTK_INLINE F f_infinite(F v) { return f_mask(_mm512_cmp_ps_mask(_mm512_abs_ps(v), _mm512_set1_ps(__builtin_inff()), _CMP_EQ_OQ)); }
VTK_INLINE F f_pick(F mask, F a, F b) { return _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(mask)), b, a); }
/* v is larger, or the first NaN. */
VTK_INLINE F f_beats(F v, F best) {
    __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), number = _mm512_cmp_ps_mask(best, best, _CMP_ORD_Q);
    return f_mask((__mmask16)(_mm512_cmp_ps_mask(v, best, _CMP_GT_OQ) | (nan & number)));
}
VTK_INLINE int f_any(F mask) { return _mm512_movepi32_mask(_mm512_castps_si512(mask)) != 0; }
VTK_INLINE float f_largest(F v) { return max_lanes(v); }
VTK_INLINE __mmask8 d_lanes(int64_t n) { return (__mmask8)(n >= 8 ? 0xffu : n <= 0 ? 0u : (1u << n) - 1u); }
VTK_INLINE D d_first(D v, int64_t n) { return _mm512_maskz_mov_pd(d_lanes(n), v); }
VTK_INLINE D d_load(const double *p, int64_t n) { return _mm512_maskz_loadu_pd(d_lanes(n), p); }
VTK_INLINE void d_store(double *p, D v, int64_t n) { _mm512_mask_storeu_pd(p, d_lanes(n), v); }
VTK_INLINE double d_sum(D v) {
    __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

#include "cpu/fold/fold_f32_body.h"
#include "cpu/fold/rows_f32_body.h"
#include "cpu/fold/slots.h"
