#include <float.h>

#include "cpu/flash/flash.h"
#include "cpu/vector_avx512.h"

typedef __m512 V;
typedef float REAL;
#define LOWEST -FLT_MAX
enum { LANES = 16 };

VTK_INLINE V v_load_n(const float *p, int64_t n) { return n >= LANES ? _mm512_loadu_ps(p) : _mm512_maskz_loadu_ps(first_lanes(n), p); }
VTK_INLINE void v_store_n(float *p, V v, int64_t n) {
    if (n >= LANES) _mm512_storeu_ps(p, v);
    else _mm512_mask_storeu_ps(p, first_lanes(n), v);
}
VTK_INLINE V v_set1(float x) { return _mm512_set1_ps(x); }
VTK_INLINE V v_add(V a, V b) { return _mm512_add_ps(a, b); }
VTK_INLINE V v_sub(V a, V b) { return _mm512_sub_ps(a, b); }
VTK_INLINE V v_mul(V a, V b) { return _mm512_mul_ps(a, b); }
VTK_INLINE V v_div(V a, V b) { return _mm512_div_ps(a, b); }
VTK_INLINE V v_fma(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
VTK_INLINE V v_fnma(V a, V b, V c) { return _mm512_fnmadd_ps(a, b, c); }
VTK_INLINE V v_max(V a, V b) { return _mm512_max_ps(a, b); }
VTK_INLINE V v_abs(V x) { return _mm512_abs_ps(x); }
VTK_INLINE V v_tanh(V x) { return tanh_ps(x); }
VTK_INLINE V v_exp2(V x) { return exp2_ps(x); }
VTK_INLINE V v_iota(void) { return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }
VTK_INLINE void v_sum_4(float *out, const V *v) { _mm_storeu_ps(out, sum_lanes_of_4(v[0], v[1], v[2], v[3])); }
VTK_INLINE void v_max_4(float *out, const V *v) {
    __m512 ab = _mm512_max_ps(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]));
    __m512 cd = _mm512_max_ps(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]));
    __m512 m = _mm512_max_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
    __m256 w = _mm256_max_ps(_mm512_castps512_ps256(m), _mm512_extractf32x8_ps(m, 1));
    _mm_storeu_ps(out, _mm_max_ps(_mm256_castps256_ps128(w), _mm256_extractf128_ps(w, 1)));
}

VTK_INLINE V v_keep(V v, V other, int64_t first, int64_t last) {
    __mmask16 before = first_lanes(first > 0 ? first : 0), kept = first_lanes(last > 0 ? last : 0);
    return _mm512_mask_blend_ps((__mmask16)(kept & ~before), other, v);
}

#include "cpu/flash/flash_body.h"
#include "cpu/flash/flash_adjust.h"

static const struct vtk_flash_type f32 = {adjust, weigh, slopes, shrink, multiply, dot, sum_rows, finish};
const struct vtk_flash vtk_flash_avx512 = {&f32, &vtk_flash_f64_avx512};
