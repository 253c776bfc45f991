#include "cpu/elementwise/elementwise.h"
#include "cpu/vector_avx2.h"

void vtk_add_avx2(float *y, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i += 8) store_floats(y + i, _mm256_add_ps(load_floats(y + i, n - i), load_floats(x + i, n - i)), n - i);
}

/* g times 1 / (1 + exp(-s)), for the sign of s and with e = exp(-|s|), which cannot overflow: 1 / (1 + e) for s >= 0 and e / (1 + e) below. */
VTK_INLINE __m256 gate_by(__m256 g, __m256 s) {
    const __m256 one = _mm256_set1_ps(1.0f);
    __m256 e = exp_ps(_mm256_or_ps(s, _mm256_set1_ps(-0.0f)));
    return _mm256_div_ps(_mm256_mul_ps(g, _mm256_blendv_ps(one, e, s)), _mm256_add_ps(one, e)); /* the blend looks at s's sign */
}

void vtk_silu_mul_avx2(float *y, const float *gate, const float *up, int64_t n) {
    for (int64_t i = 0; i < n; i += 8) {
        __m256 g = load_floats(gate + i, n - i);
        store_floats(y + i, _mm256_mul_ps(gate_by(g, g), load_floats(up + i, n - i)), n - i);
    }
}

void vtk_gelu_mul_avx2(float *y, const float *gate, const float *up, int64_t n) {
    const __m256 linear = _mm256_set1_ps(1.5957691216057307f), cubic = _mm256_set1_ps(0.07135481627260025f); /* 2 sqrt(2/pi), times 0.044715 */

    for (int64_t i = 0; i < n; i += 8) {
        __m256 g = load_floats(gate + i, n - i);
        __m256 s = _mm256_mul_ps(g, _mm256_fmadd_ps(_mm256_mul_ps(g, g), cubic, linear));
        store_floats(y + i, _mm256_mul_ps(gate_by(g, s), load_floats(up + i, n - i)), n - i);
    }
}

/* Four pairs a vector: cosines and sines are spread over both members of a pair. */
void vtk_rope_pairs_avx2(float *x, const float *cos, const float *sin, int64_t n_pairs) {
    const __m256i spread = _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3);

    for (int64_t j = 0; j < n_pairs; j += 4) {
        int64_t n = n_pairs - j < 4 ? n_pairs - j : 4;
        __m256 v = load_floats(x + 2 * j, 2 * n);
        __m256 c = _mm256_permutevar8x32_ps(load_floats(cos + j, n), spread), s = _mm256_permutevar8x32_ps(load_floats(sin + j, n), spread);
        __m256 turned = _mm256_mul_ps(_mm256_permute_ps(v, 0xb1), s);
        store_floats(x + 2 * j, _mm256_fmaddsub_ps(v, c, turned), 2 * n);
    }
}

void vtk_rope_halves_avx2(float *x, const float *cos, const float *sin, int64_t n_pairs) {
    for (int64_t j = 0; j < n_pairs; j += 8) {
        int64_t n = n_pairs - j;
        __m256 a = load_floats(x + j, n), b = load_floats(x + n_pairs + j, n), c = load_floats(cos + j, n), s = load_floats(sin + j, n);
        store_floats(x + j, _mm256_fmsub_ps(a, c, _mm256_mul_ps(b, s)), n);
        store_floats(x + n_pairs + j, _mm256_fmadd_ps(a, s, _mm256_mul_ps(b, c)), n);
    }
}
