/* In double: a norm is a small part of a layer, and squares of large floats overflow. */
#include <math.h>

#include "cpu/norm/norm.h"
#include "cpu/quant/q8_block_avx2.h"

VTK_INLINE __m256d low(__m256 v) { return _mm256_cvtps_pd(_mm256_castps256_ps128(v)); }
VTK_INLINE __m256d high(__m256 v) { return _mm256_cvtps_pd(_mm256_extractf128_ps(v, 1)); }

VTK_INLINE __m256d scale_of(const float *x, int64_t n, float eps) {
    __m256d sum0 = _mm256_setzero_pd(), sum1 = _mm256_setzero_pd();
    for (int64_t i = 0; i < n; i += 8) {
        __m256 v = load_floats(x + i, n - i);
        sum0 = _mm256_fmadd_pd(low(v), low(v), sum0);
        sum1 = _mm256_fmadd_pd(high(v), high(v), sum1);
    }
    sum0 = _mm256_add_pd(sum0, sum1);
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(sum0), _mm256_extractf128_pd(sum0, 1));
    double squares = _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
    return _mm256_set1_pd(1.0 / sqrt(squares / (double)n + (double)eps));
}

VTK_INLINE __m256 norm_8(__m256 v, __m256 g, __m256d scale) {
    __m128 a = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_mul_pd(low(v), scale), low(g)));
    __m128 b = _mm256_cvtpd_ps(_mm256_mul_pd(_mm256_mul_pd(high(v), scale), high(g)));
    return _mm256_set_m128(b, a);
}

void vtk_rms_norm_avx2(float *y, const float *x, const float *w, int64_t n, float eps) {
    __m256d scale = scale_of(x, n, eps);
    for (int64_t i = 0; i < n; i += 8) store_floats(y + i, norm_8(load_floats(x + i, n - i), load_floats(w + i, n - i), scale), n - i);
}

/* By groups of blocks: the divisions of one overlap with the norms of the next, which they would not one by one. */
void vtk_rms_norm_q8_avx2(void *y, const float *x, const float *w, int64_t n, float eps) {
    enum { GROUP = 8 };
    __m256d scale = scale_of(x, n, eps);
    __m256 v[4 * GROUP];
    for (int64_t b = 0; b < n / VTK_BLOCK; b += GROUP) {
        int64_t end = n / VTK_BLOCK - b < GROUP ? n / VTK_BLOCK - b : GROUP;
        for (int64_t j = 0; j < 4 * end; j++) v[j] = norm_8(_mm256_loadu_ps(x + b * VTK_BLOCK + 8 * j), _mm256_loadu_ps(w + b * VTK_BLOCK + 8 * j), scale);
        for (int64_t j = 0; j < end; j++) put_q8_block(y, n, b + j, v + 4 * j);
    }
    vtk_q8_choose_wide(y, n);
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        if (!vtk_q8_is_wide((unsigned char *)y + vtk_q8_wide_at(n), b)) continue;
        for (int64_t j = 0; j < 4; j++) v[j] = norm_8(_mm256_loadu_ps(x + b * VTK_BLOCK + 8 * j), _mm256_loadu_ps(w + b * VTK_BLOCK + 8 * j), scale);
        put_q8_wide(y, n, b, v);
    }
}
