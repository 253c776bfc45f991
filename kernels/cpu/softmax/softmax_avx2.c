#include "cpu/softmax/softmax.h"

#include <float.h>

#include "cpu/vector_avx2.h"

enum { SECTION = 1024 }; /* the largest is looked for again in the section that has it */

/* The largest of x[0..n), n >= 1; *bad gets bits when there is a NaN or plus infinity. */
static float section_max(const float *x, int64_t n, int *bad) {
    const __m256 top = _mm256_set1_ps(FLT_MAX);
    __m256 a = _mm256_set1_ps(x[0]), wrong = _mm256_setzero_ps();
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        __m256 v = _mm256_loadu_ps(x + i);
        wrong = _mm256_or_ps(wrong, _mm256_cmp_ps(v, top, _CMP_NLE_UQ));
        a = _mm256_max_ps(a, v);
    }
    *bad |= _mm256_movemask_ps(wrong) | !(x[0] <= FLT_MAX);
    float m = max_lanes(a);
    for (; i < n; i++) {
        *bad |= !(x[i] <= FLT_MAX);
        m = x[i] > m ? x[i] : m;
    }
    return m;
}

int64_t vtk_row_best_avx2(const float *x, int64_t n) {
    float best = x[0];
    int64_t at = 0;
    int bad = 0;
    for (int64_t i = 0; i < n; i += SECTION) {
        float m = section_max(x + i, n - i < SECTION ? n - i : SECTION, &bad);
        if (bad) return -1;
        if (m > best) best = m, at = i;
    }
    while (x[at] != best) at++;
    return at;
}

int64_t vtk_row_select_avx2(int32_t *out, const float *x, int64_t n, float least) {
    const __m256 limit = _mm256_set1_ps(least);
    int64_t count = 0;
    for (int64_t i = 0; i < n; i += 8) {
        unsigned found = (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(load_floats(x + i, n - i), limit, _CMP_GE_OQ));
        if (n - i < 8) found &= (1u << (n - i)) - 1u;
        for (; found; found &= found - 1) out[count++] = (int32_t)i + __builtin_ctz(found);
    }
    return count;
}

VTK_INLINE void add_lanes(__m256d sum[2], __m256d sum_d[2], __m256 e, __m256 d, int half) {
    __m128 e4 = half ? _mm256_extractf128_ps(e, 1) : _mm256_castps256_ps128(e), d4 = half ? _mm256_extractf128_ps(d, 1) : _mm256_castps256_ps128(d);
    __m256d w = _mm256_cvtps_pd(e4);
    sum[half] = _mm256_add_pd(sum[half], w);
    sum_d[half] = _mm256_add_pd(sum_d[half], _mm256_mul_pd(w, _mm256_cvtps_pd(d4)));
}

VTK_INLINE void add_weights(__m256d w[2], __m256d wd[2], const float *x, int64_t n, __m256 max) {
    __m256 d = _mm256_max_ps(_mm256_sub_ps(load_floats(x, n), max), _mm256_set1_ps(-104.0f));
    __m256 e = exp_ps(d);
    if (n < 8) e = _mm256_and_ps(e, _mm256_castsi256_ps(first_lanes(n)));
    add_lanes(w, wd, e, d, 0);
    add_lanes(w, wd, e, d, 1);
}

void vtk_row_weights_avx2(double sums[2], const float *x, int64_t n, float max) {
    __m256d w[4], wd[4];
    double lanes[2][16];
    for (int i = 0; i < 4; i++) w[i] = wd[i] = _mm256_setzero_pd();
    for (int64_t i = 0; i < n; i += 16) {
        add_weights(w, wd, x + i, n - i, _mm256_set1_ps(max));
        if (n - i > 8) add_weights(w + 2, wd + 2, x + i + 8, n - i - 8, _mm256_set1_ps(max));
    }
    for (int i = 0; i < 4; i++) {
        _mm256_storeu_pd(lanes[0] + 4 * i, w[i]);
        _mm256_storeu_pd(lanes[1] + 4 * i, wd[i]);
    }
    sums[0] = sums[1] = 0;
    for (int i = 0; i < 16; i++) {
        sums[0] += lanes[0][i];
        sums[1] += lanes[1][i];
    }
}

void vtk_row_exp_avx2(float *w, const float *x, int64_t n, float max) {
    const __m256 top = _mm256_set1_ps(max), least = _mm256_set1_ps(-104.0f);
    for (int64_t i = 0; i < n; i += 8) store_floats(w + i, exp_ps(_mm256_max_ps(_mm256_sub_ps(load_floats(x + i, n - i), top), least)), n - i);
}

void vtk_row_temper_avx2(float *x, int64_t n, float from, float t) {
    const __m256 shift = _mm256_set1_ps(from), divisor = _mm256_set1_ps(t);
    for (int64_t i = 0; i < n; i += 8) store_floats(x + i, _mm256_div_ps(_mm256_sub_ps(load_floats(x + i, n - i), shift), divisor), n - i);
}
