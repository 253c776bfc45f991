/* In double: a norm is a small part of a layer, and squares of large floats overflow. */
#include "cpu/norm/norm.h"

#include <math.h>

#include "cpu/vector_avx2.h"

VTK_INLINE __m256d low(__m256 v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
VTK_INLINE __m256d high(__m256 v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }

void vtk_rms_norm_avx2(float *y, const float *x, const float *w, int64_t n, float eps) {
    __m256d sum0 = _mm256_setzero_pd(), sum1 = _mm256_setzero_pd();

    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = load_floats(x + i, n - i);
        sum0 = _mm256_fmadd_pd(low(v), low(v), sum0);
        sum1 = _mm256_fmadd_pd(high(v), high(v), sum1);
    }
    sum0 = _mm256_add_pd(sum0, sum1);
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(sum0), _mm256_extractf128_pd(sum0, 1));
    double squares = _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
    __m256d scale = _mm256_set1_pd(1.0 / sqrt(squares / (double)n + (double)eps));
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = load_floats(x + i, n - i), g = load_floats(w + i, n - i);
        __m128 a = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_mul_pd(low(v), scale), low(g)));
        __m128 b = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_mul_pd(high(v), scale), high(g)));
        store_floats(y + i, _mm256_set_m128(b, a), n - i);
    }
}
