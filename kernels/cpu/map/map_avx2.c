#include "cpu/gemm/gelu_avx2.h"
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
VTK_INLINE V v_of_int(I a) { return _mm256_cvtepi32_ps(a); }
VTK_INLINE I i_set1(int32_t x) { return _mm256_set1_epi32(x); }
VTK_INLINE I i_add(I a, I b) { return _mm256_add_epi32(a, b); }
VTK_INLINE I i_sub(I a, I b) { return _mm256_sub_epi32(a, b); }
VTK_INLINE I i_shift_left_23(I a) { return _mm256_slli_epi32(a, 23); }
VTK_INLINE I i_shift_right_23(I a) { return _mm256_srai_epi32(a, 23); }
VTK_INLINE M i_has_bit_0(I a) { return _mm256_castsi256_ps(_mm256_slli_epi32(a, 31)); } /* a blend looks at the sign */
VTK_INLINE M i_has_bit_1(I a) { return _mm256_castsi256_ps(_mm256_slli_epi32(a, 30)); }
VTK_INLINE V v_power_of_2(V n) { return v_of_bits(i_shift_left_23(i_add(_mm256_cvtps_epi32(n), i_set1(127)))); }

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
    .step = STEP_SLOTS,
};
