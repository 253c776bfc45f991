/* As the AVX2 body, whose two sums are the halves of one here: the same additions, hence the same numbers. */
#include <math.h>

#include "cpu/norm/norm.h"
#include "cpu/quant/q8_block_avx512.h"

VTK_INLINE __m512d low(__m512 v) { return _mm512_cvtps_pd(_mm512_castps512_ps256(v)); }
VTK_INLINE __m512d high(__m512 v) { return _mm512_cvtps_pd(_mm512_extractf32x8_ps(v, 1)); }

VTK_INLINE __m512d scale_of(const float *x, int64_t n, float eps) {
    __m512d sum = _mm512_setzero_pd();
    for (int64_t i = 0; i < n; i += 16) {
        __m512 v = _mm512_maskz_loadu_ps(first_lanes(n - i), x + i);
        sum = _mm512_fmadd_pd(low(v), low(v), sum);
        sum = _mm512_fmadd_pd(high(v), high(v), sum);
    }
    __m256d half = _mm256_add_pd(_mm512_castpd512_pd256(sum), _mm512_extractf64x4_pd(sum, 1));
    __m128d s = _mm_add_pd(_mm256_castpd256_pd128(half), _mm256_extractf128_pd(half, 1));
    double squares = _mm_cvtsd_f64(_mm_add_sd(s, _mm_unpackhi_pd(s, s)));
    return _mm512_set1_pd(1.0 / sqrt(squares / (double)n + (double)eps));
}

VTK_INLINE __m512 norm_16(__m512 v, __m512 g, __m512d scale) {
    __m256 a = _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_mul_pd(low(v), scale), low(g)));
    __m256 b = _mm512_cvtpd_ps(_mm512_mul_pd(_mm512_mul_pd(high(v), scale), high(g)));
    return _mm512_insertf32x8(_mm512_castps256_ps512(a), b, 1);
}

void vtk_rms_norm_avx512(float *y, const float *x, const float *w, int64_t n, float eps) {
    __m512d scale = scale_of(x, n, eps);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        _mm512_mask_storeu_ps(y + i, lanes, norm_16(_mm512_maskz_loadu_ps(lanes, x + i), _mm512_maskz_loadu_ps(lanes, w + i), scale));
    }
}

/* By groups of blocks: the divisions of one overlap with the norms of the next, which they would not one by one. */
void vtk_rms_norm_q8_avx512(void *y, const float *x, const float *w, int64_t n, float eps) {
    enum { GROUP = 8 };
    __m512d scale = scale_of(x, n, eps);
    __m512 v[2 * GROUP];
    for (int64_t b = 0; b < n / VTK_BLOCK; b += GROUP) {
        int64_t end = n / VTK_BLOCK - b < GROUP ? n / VTK_BLOCK - b : GROUP;
        for (int64_t j = 0; j < 2 * end; j++) v[j] = norm_16(_mm512_loadu_ps(x + b * VTK_BLOCK + 16 * j), _mm512_loadu_ps(w + b * VTK_BLOCK + 16 * j), scale);
        for (int64_t j = 0; j < end; j++) put_q8_block(y, n, b + j, v[2 * j], v[2 * j + 1]);
    }
    vtk_q8_choose_wide(y, n);
    for (int64_t b = 0; b < n / VTK_BLOCK; b++) {
        if (!vtk_q8_is_wide((unsigned char *)y + vtk_q8_wide_at(n), b)) continue;
        for (int64_t j = 0; j < 2; j++) v[j] = norm_16(_mm512_loadu_ps(x + b * VTK_BLOCK + 16 * j), _mm512_loadu_ps(w + b * VTK_BLOCK + 16 * j), scale);
        put_q8_wide(y, n, b, v[0], v[1]);
    }
}
