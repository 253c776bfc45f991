#include "cpu/elementwise/elementwise.h"
#include "cpu/vector_avx512.h"

/* g times 1 / (1 + exp(-s)), for the sign of s and with e = exp(-|s|), which cannot overflow: 1 / (1 + e) for s >= 0 and e / (1 + e) below. */
VTK_INLINE __m512 gate_by(__m512 g, __m512 s) {
    const __m512 one = _mm512_set1_ps(1.0f);
    __m512 e = exp_ps(_mm512_or_ps(s, _mm512_set1_ps(-0.0f)));
    __m512 top = _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(s)), one, e);
    return _mm512_div_ps(_mm512_mul_ps(g, top), _mm512_add_ps(one, e));
}

void vtk_silu_mul_avx512(float *y, const float *gate, const float *up, int64_t n) {
    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512 g = _mm512_maskz_loadu_ps(lanes, gate + i), u = _mm512_maskz_loadu_ps(lanes, up + i);
        _mm512_mask_storeu_ps(y + i, lanes, _mm512_mul_ps(gate_by(g, g), u));
    }
}

void vtk_gelu_mul_avx512(float *y, const float *gate, const float *up, int64_t n) {
    const __m512 linear = _mm512_set1_ps(1.5957691216057307f), cubic = _mm512_set1_ps(0.07135481627260025f); /* 2 sqrt(2/pi), times 0.044715 */

    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512 g = _mm512_maskz_loadu_ps(lanes, gate + i), u = _mm512_maskz_loadu_ps(lanes, up + i);
        __m512 s = _mm512_mul_ps(g, _mm512_fmadd_ps(_mm512_mul_ps(g, g), cubic, linear));
        _mm512_mask_storeu_ps(y + i, lanes, _mm512_mul_ps(gate_by(g, s), u));
    }
}
