#include "cpu/gemm/gemm.h" /* constants of GELU */
#include "cpu/map/blend.h"
#include "cpu/map/convert.h"
#include "cpu/map/plain.h"
#include "cpu/map/steps.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx512.h"

typedef __m512 V;
typedef __m512i I;
typedef __mmask16 M;
enum { LANES = 16 };

VTK_INLINE V v_load_n(const float *p, int64_t n) { return n >= LANES ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(first_lanes(n), p); }
VTK_INLINE void v_store_n(float *p, V v, int64_t n) {
    if (n >= LANES) _mm512_storeu_ps(p, v);
    else _mm512_mask_storeu_ps(p, first_lanes(n), v);
}
VTK_INLINE void v_stream(float *p, V v) { _mm512_stream_ps(p, v); }
VTK_INLINE V v_set1(float x) { return _mm512_set1_ps(x); }
VTK_INLINE V v_fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
VTK_INLINE V v_min(V a, V b) { return _mm512_min_ps(a, b); }
VTK_INLINE V v_max(V a, V b) { return _mm512_max_ps(a, b); }
VTK_INLINE V v_abs(V a) { return _mm512_abs_ps(a); }
VTK_INLINE V v_round(V a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VTK_INLINE M v_lt(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
VTK_INLINE M v_eq(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
VTK_INLINE V v_select(M m, V a, V b) { return _mm512_mask_blend_ps(m, b, a); }
VTK_INLINE int v_any(M m) { return m != 0; }
VTK_INLINE I v_bits(V a) { return _mm512_castps_si512(a); }
VTK_INLINE V v_of_bits(I a) { return _mm512_castsi512_ps(a); }
VTK_INLINE I i_set1(int32_t x) { return _mm512_set1_epi32(x); }
VTK_INLINE I i_add(I a, I b) { return _mm512_add_epi32(a, b); }
VTK_INLINE I i_shift_left_23(I a) { return _mm512_slli_epi32(a, 23); }
VTK_INLINE I i_shift_right_20(I a) { return _mm512_srli_epi32(a, 20); }
VTK_INLINE I i_shift_right_22(I a) { return _mm512_srli_epi32(a, 22); }
VTK_INLINE M i_has_bit_0(I a) { return _mm512_test_epi32_mask(a, _mm512_set1_epi32(1)); }
VTK_INLINE M i_has_bit_1(I a) { return _mm512_test_epi32_mask(a, _mm512_set1_epi32(2)); }
/* Entry of a table of 8, by the low bits of a number. */
VTK_INLINE V v_pick(const float *table, I i) { return _mm512_permutexvar_ps(i, _mm512_broadcast_f32x8(_mm256_loadu_ps(table))); }
/* y >= 0 with the sign of x. */
VTK_INLINE V v_with_sign(V y, V x) { return _mm512_or_ps(y, _mm512_and_ps(x, _mm512_set1_ps(-0.0f))); }
/* x = 2^k m with m in [3/4, 3/2). */
VTK_INLINE V v_split(V x, V *k) {
    V m = _mm512_getmant_ps(x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_src), e = _mm512_getexp_ps(x);
    *k = _mm512_mask_add_ps(e, v_lt(m, v_set1(1.0f)), e, v_set1(1.0f));
    return m;
}
VTK_INLINE V v_power_of_2(V n) { return _mm512_scalef_ps(_mm512_set1_ps(1.0f), n); }

/* x 2^n, rounded once where it is denormal. */
VTK_INLINE V v_scale(V x, V n) { return _mm512_scalef_ps(x, n); }

VTK_INLINE __m256i half_quadrant(__m256 x, __m256 *r) {
    __m512d wide = _mm512_cvtps_pd(x);
    __m512d n = _mm512_roundscale_pd(_mm512_mul_pd(wide, _mm512_set1_pd(0x1.45f306dc9c883p-1)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    wide = _mm512_fnmadd_pd(n, _mm512_set1_pd(0x1.921fb54442d18p+0), wide); /* pi / 2 in two parts */
    wide = _mm512_fnmadd_pd(n, _mm512_set1_pd(0x1.1a62633145c07p-54), wide);
    *r = _mm512_cvtpd_ps(wide);
    return _mm512_cvtpd_epi32(n);
}

/* The number of quarter turns in x, and the rest of it. */
VTK_INLINE I v_quadrant(V x, V *r) {
    __m256 low, high;
    __m256i q = half_quadrant(_mm512_castps512_ps256(x), &low), p = half_quadrant(_mm512_extractf32x8_ps(x, 1), &high);
    *r = _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
    return _mm512_inserti32x8(_mm512_castsi256_si512(q), p, 1);
}

#include "cpu/map/smooth.h"

VTK_INLINE void v_copy_line(char *to, const char *from) { _mm512_stream_si512((void *)to, _mm512_loadu_si512((const void *)from)); }

#include "cpu/map/stream.h"

static void f16_to_f32(void *out, const void *in, int64_t n) { vtk_decode_f16_avx512(out, in, n); }
static void f32_to_f16(void *out, const void *in, int64_t n) { vtk_encode_f16_avx512(out, in, n); }

const struct vtk_map vtk_map_avx512 = {
    .f32 = {PLAIN_SLOTS(F32_SLOT) F32_SLOT(complex) VTK_MAP_SMOOTH_UNARY(F32_SLOT) F32_SLOT(pow) F32_SLOT(atan2) F32_SLOT(fmod) F32_SLOT(gelu_tanh) F32_SLOT(gelu_grad)
            F32_SLOT(gelu_tanh_grad) F32_SLOT(silu_grad) VTK_MAP_F32_REF_SLOT(remainder) VTK_MAP_F32_REF_SLOT(floor_divide)},
    .f64 = {PLAIN_SLOTS(F64_SLOT) VTK_MAP_SMOOTH(VTK_MAP_F64_REF_SLOT) VTK_MAP_F64_REF_SLOT(complex)},
    .i64 = {I64_SLOTS VTK_MAP_DIVISION_SLOTS},
    .c64 = {C64_SLOTS},
    .c128 = {VTK_MAP_COMPLEX_SLOTS},
    .select = SIZE_SLOTS(select),
    .fill = SIZE_SLOTS(fill),
    .convert = CONVERSIONS,
    .gather = SIZE_SLOTS(gather),
    .scatter = SIZE_SLOTS(scatter),
    .past_f32 = {PAST_SLOTS},
    .stream = stream,
    .fence = fence,
    .step = STEP_SLOTS,
    .blend = BLEND_SLOTS,
};
