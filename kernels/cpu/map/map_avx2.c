#include "cpu/gemm/gemm.h" /* constants of GELU */
#include "cpu/map/blend.h"
#include "cpu/map/convert.h"
#include "cpu/map/plain.h"
#include "cpu/map/steps.h"
#include "cpu/quant/quant.h"
#include "cpu/vector_avx2.h"

typedef __m256 V;
typedef __m256i I;
typedef __m256 M; /* all bits of a lane */
enum { LANES = 8 };

VTK_INLINE V v_load_n(const float *p, int64_t n) { return load_floats(p, n); }
VTK_INLINE void v_store_n(float *p, V v, int64_t n) { store_floats(p, v, n); }
VTK_INLINE void v_stream(float *p, V v) { _mm256_stream_ps(p, v); }
VTK_INLINE V v_set1(float x) { return _mm256_set1_ps(x); }
VTK_INLINE V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
VTK_INLINE V v_min(V a, V b) { return _mm256_min_ps(a, b); }
VTK_INLINE V v_max(V a, V b) { return _mm256_max_ps(a, b); }
VTK_INLINE V v_abs(V a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
VTK_INLINE V v_round(V a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
VTK_INLINE M v_lt(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
VTK_INLINE M v_eq(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
VTK_INLINE V v_select(M m, V a, V b) { return _mm256_blendv_ps(b, a, m); }
VTK_INLINE int v_any(M m) { return _mm256_movemask_ps(m) != 0; }
VTK_INLINE I v_bits(V a) { return _mm256_castps_si256(a); }
VTK_INLINE V v_of_bits(I a) { return _mm256_castsi256_ps(a); }
VTK_INLINE I i_set1(int32_t x) { return _mm256_set1_epi32(x); }
VTK_INLINE I i_add(I a, I b) { return _mm256_add_epi32(a, b); }
VTK_INLINE I i_shift_left_23(I a) { return _mm256_slli_epi32(a, 23); }
VTK_INLINE I i_shift_right_20(I a) { return _mm256_srli_epi32(a, 20); }
VTK_INLINE I i_shift_right_22(I a) { return _mm256_srli_epi32(a, 22); }
VTK_INLINE M i_has_bit_0(I a) { return _mm256_castsi256_ps(_mm256_slli_epi32(a, 31)); } /* a blend looks at the sign */
VTK_INLINE M i_has_bit_1(I a) { return _mm256_castsi256_ps(_mm256_slli_epi32(a, 30)); }
/* Entry of a table of 8, by the low bits of a number. */
VTK_INLINE V v_pick(const float *table, I i) { return _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), i); }
/* y >= 0 with the sign of x. */
VTK_INLINE V v_with_sign(V y, V x) { return _mm256_or_ps(y, _mm256_and_ps(x, _mm256_set1_ps(-0.0f))); }
/* x = 2^k m with m in [3/4, 3/2). */
VTK_INLINE V v_split(V x, V *k) {
    M is_tiny = v_lt(x, v_set1(0x1p-126f));
    I u = v_bits(v_select(is_tiny, x * v_set1(0x1p23f), x));
    I e = _mm256_srai_epi32(_mm256_sub_epi32(u, i_set1(0x3f400000)), 23);
    *k = _mm256_cvtepi32_ps(e) - v_select(is_tiny, v_set1(23.0f), v_set1(0));
    return v_of_bits(_mm256_sub_epi32(u, i_shift_left_23(e)));
}
VTK_INLINE V v_power_of_2(V n) { return v_of_bits(i_shift_left_23(i_add(_mm256_cvtps_epi32(n), i_set1(127)))); }

/* x 2^n, rounded once where it is denormal: in two factors, as n = 128 and n = -150 are no exponents of floats. */
VTK_INLINE V v_scale(V x, V n) {
    I i = _mm256_cvtps_epi32(n), h = _mm256_srai_epi32(i, 1), bias = i_set1(127);
    return x * v_of_bits(i_shift_left_23(i_add(h, bias))) * v_of_bits(i_shift_left_23(_mm256_sub_epi32(i_add(i, bias), h)));
}

VTK_INLINE __m128i half_quadrant(__m128 x, __m128 *r) {
    __m256d wide = _mm256_cvtps_pd(x);
    __m256d n = _mm256_round_pd(_mm256_mul_pd(wide, _mm256_set1_pd(0x1.45f306dc9c883p-1)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    wide = _mm256_fnmadd_pd(n, _mm256_set1_pd(0x1.921fb54442d18p+0), wide); /* pi / 2 in two parts */
    wide = _mm256_fnmadd_pd(n, _mm256_set1_pd(0x1.1a62633145c07p-54), wide);
    *r = _mm256_cvtpd_ps(wide);
    return _mm256_cvtpd_epi32(n);
}

/* The number of quarter turns in x, and the rest of it. */
VTK_INLINE I v_quadrant(V x, V *r) {
    __m128 low, high;
    __m128i q = half_quadrant(_mm256_castps256_ps128(x), &low), p = half_quadrant(_mm256_extractf128_ps(x, 1), &high);
    *r = _mm256_set_m128(high, low);
    return _mm256_set_m128i(p, q);
}

#include "cpu/map/smooth.h"

VTK_INLINE void v_copy_line(char *to, const char *from) {
    __m256i a = _mm256_loadu_si256((const void *)from), b = _mm256_loadu_si256((const void *)(from + 32));
    _mm256_stream_si256((void *)to, a);
    _mm256_stream_si256((void *)(to + 32), b);
}

#include "cpu/map/stream.h"

static void f16_to_f32(void *out, const void *in, int64_t n) { vtk_decode_f16_avx2(out, in, n); }
static void f32_to_f16(void *out, const void *in, int64_t n) { vtk_encode_f16_avx2(out, in, n); }

const struct vtk_map vtk_map_avx2 = {
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
