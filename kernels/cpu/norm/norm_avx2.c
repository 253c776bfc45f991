/* Norms in double: they are a small part of a layer. */
#include "cpu/norm/norm.h"

#include <math.h>

#include "cpu/vector_avx2.h"

VTK_INLINE __m256d low(__m256 v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
VTK_INLINE __m256d high(__m256 v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }

VTK_INLINE double sum_pairs(__m256d a, __m256d b) {
    a = _mm256_add_pd(a, b);
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(a), _mm256_extractf128_pd(a, 1));
    return _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
}

/* v - mean, and 0 in lanes from n on. */
VTK_INLINE __m256d centred(__m256d v, __m256d mean, int64_t n) {
    __m256d lanes = _mm256_cmp_pd(_mm256_setr_pd(0, 1, 2, 3), _mm256_set1_pd((double)n), _CMP_LT_OQ);
    return _mm256_and_pd(lanes, _mm256_sub_pd(v, mean));
}

void vtk_layer_norm_avx2(float *y, const float *x, const float *w, const float *b, int64_t n, float eps) {
    __m256d sum0 = _mm256_setzero_pd(), sum1 = _mm256_setzero_pd();
    __m256d square0 = _mm256_setzero_pd(), square1 = _mm256_setzero_pd();

    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = load_floats(x + i, n - i);
        sum0 = _mm256_add_pd(sum0, low(v));
        sum1 = _mm256_add_pd(sum1, high(v));
    }
    __m256d mean = _mm256_set1_pd(sum_pairs(sum0, sum1) / (double)n);
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = load_floats(x + i, n - i);
        __m256d a = centred(low(v), mean, n - i), c = centred(high(v), mean, n - i - 4);
        square0 = _mm256_fmadd_pd(a, a, square0);
        square1 = _mm256_fmadd_pd(c, c, square1);
    }
    __m256d scale = _mm256_set1_pd(1.0 / sqrt(sum_pairs(square0, square1) / (double)n + (double)eps));
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = load_floats(x + i, n - i), g = load_floats(w + i, n - i), o = load_floats(b + i, n - i);
        __m256d a = _mm256_mul_pd(_mm256_sub_pd(low(v), mean), scale), c = _mm256_mul_pd(_mm256_sub_pd(high(v), mean), scale);
        __m128 l = _mm256_cvtpd_ps(_mm256_fmadd_pd(a, low(g), low(o))), h = _mm256_cvtpd_ps(_mm256_fmadd_pd(c, high(g), high(o)));
        store_floats(y + i, _mm256_set_m128(h, l), n - i);
    }
}

void vtk_softmax_avx2(float *x, int64_t n, float scale) {
    const __m256 factor = _mm256_set1_ps(scale), none = _mm256_set1_ps(-INFINITY);
    __m256 largest = none, sum = _mm256_setzero_ps();

    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = _mm256_mul_ps(load_floats(x + i, n - i), factor);
        v = _mm256_blendv_ps(none, v, _mm256_castsi256_ps(first_lanes(n - i)));
        largest = _mm256_max_ps(v, largest);
        store_floats(x + i, v, n - i);
    }
    largest = _mm256_set1_ps(max_lanes(largest));
    for (int64_t i = 0; i < n; i += 8) {
        __m256 e = exp_ps(_mm256_sub_ps(load_floats(x + i, n - i), largest));
        sum = _mm256_add_ps(sum, _mm256_and_ps(e, _mm256_castsi256_ps(first_lanes(n - i))));
        store_floats(x + i, e, n - i);
    }
    __m256 share = _mm256_set1_ps(1.0f / sum_lanes(sum));
    for (int64_t i = 0; i < n; i += 8) store_floats(x + i, _mm256_mul_ps(load_floats(x + i, n - i), share), n - i);
}
