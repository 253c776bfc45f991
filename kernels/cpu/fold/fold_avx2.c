/* Folds of float32 by AVX2; other types are the reference's. */
#define ISA avx2
#include "cpu/vector_avx2.h"

enum { W = 8 };
typedef __m256 F;
typedef __m256d D;

VTK_INLINE F f_load(const float *p, int64_t n) { return load_floats(p, n); }
VTK_INLINE void f_store(float *p, F v, int64_t n) { store_floats(p, v, n); }
VTK_INLINE void f_stream(float *p, F v) { _mm256_stream_ps(p, v); }
VTK_INLINE D d_low(F v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
VTK_INLINE D d_high(F v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }
VTK_INLINE F f_of(D low, D high) { return _mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low)); }
VTK_INLINE F f_all1(float x) { return _mm256_set1_ps(x); }
VTK_INLINE D d_all1(double x) { return _mm256_set1_pd(x); }
VTK_INLINE F f_and(F a, F b) { return _mm256_and_ps(a, b); }
VTK_INLINE F f_or(F a, F b) { return _mm256_or_ps(a, b); }
VTK_INLINE F f_abs(F v) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), v); }
VTK_INLINE F f_max(F v, F a) { return _mm256_max_ps(v, a); } /* a where v is NaN */
VTK_INLINE F f_fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
VTK_INLINE F f_power(F t) { return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t), 23)); }
VTK_INLINE F f_first(int64_t n) { return _mm256_castsi256_ps(first_lanes(n)); }
VTK_INLINE F f_nan(F v) { return _mm256_cmp_ps(v, v, _CMP_UNORD_Q); }
VTK_INLINE F f_infinite(F v) { return _mm256_cmp_ps(f_abs(v), _mm256_set1_ps(__builtin_inff()), _CMP_EQ_OQ); }
VTK_INLINE F f_pick(F mask, F a, F b) { return _mm256_blendv_ps(b, a, mask); }
/* v is larger, or the first NaN. */
VTK_INLINE F f_beats(F v, F best) {
    F first = _mm256_and_ps(_mm256_cmp_ps(v, v, _CMP_UNORD_Q), _mm256_cmp_ps(best, best, _CMP_ORD_Q));
    return _mm256_or_ps(_mm256_cmp_ps(v, best, _CMP_GT_OQ), first);
}
VTK_INLINE int f_any(F mask) { return _mm256_movemask_ps(mask) != 0; }
VTK_INLINE float f_largest(F v) { return max_lanes(v); }
VTK_INLINE __m256i d_lanes(int64_t n) { return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3)); }
VTK_INLINE D d_first(D v, int64_t n) { return _mm256_and_pd(v, _mm256_castsi256_pd(d_lanes(n))); }
VTK_INLINE D d_load(const double *p, int64_t n) { return n >= 4 ? _mm256_loadu_pd(p) : _mm256_maskload_pd(p, d_lanes(n)); }
VTK_INLINE void d_store(double *p, D v, int64_t n) {
    if (n >= 4) _mm256_storeu_pd(p, v);
    else _mm256_maskstore_pd(p, d_lanes(n), v);
}
VTK_INLINE double d_sum(D v) {
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

#include "cpu/fold/fold_f32_body.h"
#include "cpu/fold/rows_f32_body.h"
#include "cpu/fold/slots.h"
