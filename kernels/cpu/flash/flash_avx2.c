#include <float.h>

#include "cpu/flash/flash.h"
#include "cpu/vector_avx2.h"

typedef __m256 V;
typedef float REAL;
#define LOWEST -FLT_MAX
enum { LANES = 8 };

VTK_INLINE V v_load_n(const float *p, int64_t n) { return load_floats(p, n); }
VTK_INLINE void v_store_n(float *p, V v, int64_t n) { store_floats(p, v, n); }
VTK_INLINE V v_set1(float x) { return _mm256_set1_ps(x); }
VTK_INLINE V v_add(V a, V b) { return _mm256_add_ps(a, b); }
VTK_INLINE V v_sub(V a, V b) { return _mm256_sub_ps(a, b); }
VTK_INLINE V v_mul(V a, V b) { return _mm256_mul_ps(a, b); }
VTK_INLINE V v_div(V a, V b) { return _mm256_div_ps(a, b); }
VTK_INLINE V v_fma(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
VTK_INLINE V v_fnma(V a, V b, V c) { return _mm256_fnmadd_ps(a, b, c); }
VTK_INLINE V v_max(V a, V b) { return _mm256_max_ps(a, b); }
VTK_INLINE V v_abs(V x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
VTK_INLINE V v_tanh(V x) { return tanh_ps(x); }
VTK_INLINE V v_exp2(V x) { return exp2_ps(x); }
VTK_INLINE V v_iota(void) { return _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7); }
VTK_INLINE void v_sum_4(float *out, const V *v) { _mm_storeu_ps(out, sum_lanes_of_4(v[0], v[1], v[2], v[3])); }
VTK_INLINE void v_max_4(float *out, const V *v) {
    __m256 ab = _mm256_max_ps(_mm256_unpacklo_ps(v[0], v[1]), _mm256_unpackhi_ps(v[0], v[1]));
    __m256 cd = _mm256_max_ps(_mm256_unpacklo_ps(v[2], v[3]), _mm256_unpackhi_ps(v[2], v[3]));
    __m256 m = _mm256_max_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
    _mm_storeu_ps(out, _mm_max_ps(_mm256_castps256_ps128(m), _mm256_extractf128_ps(m, 1)));
}

VTK_INLINE int64_t within(int64_t x) { return x < 0 ? 0 : x > LANES ? LANES : x; }

VTK_INLINE V v_keep(V v, V other, int64_t first, int64_t last) {
    __m256i kept = _mm256_andnot_si256(first_lanes(within(first)), first_lanes(within(last)));
    return _mm256_blendv_ps(other, v, _mm256_castsi256_ps(kept));
}

#include "cpu/flash/flash_body.h"
#include "cpu/flash/flash_adjust.h"

static const struct vtk_flash_type f32 = {adjust, weigh, slopes, shrink, multiply, dot, sum_rows, finish};
const struct vtk_flash vtk_flash_avx2 = {&f32, &vtk_flash_f64_avx2};
