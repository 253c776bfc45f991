#include "cpu/softmax/softmax.h"

#include <float.h>

#include "cpu/vector_avx512.h"

enum { SECTION = 2048 }; /* the largest is looked for again in the section that has it */

int64_t vtk_row_best_avx512(const float *x, int64_t n) {
    const __m512 top = _mm512_set1_ps(FLT_MAX);
    float best = x[0];
    int64_t at = 0;
    for (int64_t from = 0; from < n; from += SECTION) {
        int64_t end = n - from < SECTION ? n : from + SECTION;
        __m512 a = _mm512_set1_ps(x[from]);
        unsigned bad = 0;
        for (int64_t i = from; i < end; i += 16) {
            __mmask16 lanes = first_lanes(end - i);
            __m512 v = _mm512_maskz_loadu_ps(lanes, x + i);
            bad |= _mm512_mask_cmp_ps_mask(lanes, v, top, _CMP_NLE_UQ);
            a = _mm512_mask_max_ps(a, lanes, a, v);
        }
        if (bad) return -1;
        float m = max_lanes(a);
        if (m > best) best = m, at = from;
    }
    while (x[at] != best) at++;
    return at;
}

int64_t vtk_row_select_avx512(int32_t *out, const float *x, int64_t n, float least) {
    const __m512 limit = _mm512_set1_ps(least);
    int64_t count = 0;
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        unsigned found = _mm512_mask_cmp_ps_mask(lanes, _mm512_maskz_loadu_ps(lanes, x + i), limit, _CMP_GE_OQ);
        for (; found; found &= found - 1) out[count++] = (int32_t)i + __builtin_ctz(found);
    }
    return count;
}

void vtk_row_weights_avx512(double sums[2], const float *x, int64_t n, float max) {
    const __m512 top = _mm512_set1_ps(max), least = _mm512_set1_ps(-104.0f);
    __m512d w[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()}, wd[2] = {_mm512_setzero_pd(), _mm512_setzero_pd()};
    double lanes[2][16];
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 in = first_lanes(n - i);
        __m512 d = _mm512_max_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(in, x + i), top), least);
        __m512 e = _mm512_maskz_mov_ps(in, exp_ps(d));
        __m512d low = _mm512_cvtps_pd(_mm512_castps512_ps256(e)), high = _mm512_cvtps_pd(_mm512_extractf32x8_ps(e, 1));
        w[0] = _mm512_add_pd(w[0], low);
        w[1] = _mm512_add_pd(w[1], high);
        /* not fused: the other bodies round the product */
        wd[0] = _mm512_add_pd(wd[0], _mm512_mul_pd(low, _mm512_cvtps_pd(_mm512_castps512_ps256(d))));
        wd[1] = _mm512_add_pd(wd[1], _mm512_mul_pd(high, _mm512_cvtps_pd(_mm512_extractf32x8_ps(d, 1))));
    }
    for (int i = 0; i < 2; i++) {
        _mm512_storeu_pd(lanes[0] + 8 * i, w[i]);
        _mm512_storeu_pd(lanes[1] + 8 * i, wd[i]);
    }
    sums[0] = sums[1] = 0;
    for (int i = 0; i < 16; i++) {
        sums[0] += lanes[0][i];
        sums[1] += lanes[1][i];
    }
}

void vtk_row_exp_avx512(float *w, const float *x, int64_t n, float max) {
    const __m512 top = _mm512_set1_ps(max), least = _mm512_set1_ps(-104.0f);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 in = first_lanes(n - i);
        _mm512_mask_storeu_ps(w + i, in, exp_ps(_mm512_max_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(in, x + i), top), least)));
    }
}

void vtk_row_temper_avx512(float *x, int64_t n, float from, float t) {
    const __m512 shift = _mm512_set1_ps(from), divisor = _mm512_set1_ps(t);
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 in = first_lanes(n - i);
        _mm512_mask_storeu_ps(x + i, in, _mm512_div_ps(_mm512_sub_ps(_mm512_maskz_loadu_ps(in, x + i), shift), divisor));
    }
}
