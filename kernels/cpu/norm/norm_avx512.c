#include "cpu/norm/norm.h"

#include <math.h>

#include "cpu/vector_avx512.h"

void vtk_softmax_avx512(float *x, int64_t n, float scale) {
    const __m512 factor = _mm512_set1_ps(scale), none = _mm512_set1_ps(-INFINITY);
    __m512 largest = none, sum = _mm512_setzero_ps();

    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512 v = _mm512_mask_mul_ps(none, lanes, _mm512_maskz_loadu_ps(lanes, x + i), factor);
        largest = _mm512_max_ps(v, largest);
    }
    largest = _mm512_set1_ps(max_lanes(largest));
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512 v = _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), factor);
        __m512 e = _mm512_maskz_mov_ps(lanes, exp_ps(_mm512_sub_ps(v, largest)));
        sum = _mm512_add_ps(sum, e);
        _mm512_mask_storeu_ps(x + i, lanes, e);
    }
    __m512 share = _mm512_set1_ps(1.0f / sum_lanes(sum));
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        _mm512_mask_storeu_ps(x + i, lanes, _mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + i), share));
    }
}
