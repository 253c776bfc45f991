#include "cpu/elementwise/elementwise.h"
#include "cpu/vector_avx512.h"

/* With e = exp(-|g|), which cannot overflow: 1 / (1 + exp(-g)) is 1 / (1 + e) for g >= 0 and e / (1 + e) below. */
void vtk_silu_mul_avx512(float *y, const float *gate, const float *up, int64_t n) {
    const __m512 one = _mm512_set1_ps(1.0f), sign = _mm512_set1_ps(-0.0f);

    for (int64_t i = 0; i < n; i += 16) {
        __mmask16 lanes = first_lanes(n - i);
        __m512 g = _mm512_maskz_loadu_ps(lanes, gate + i), u = _mm512_maskz_loadu_ps(lanes, up + i);
        __m512 e = exp_ps(_mm512_or_ps(g, sign));
        __m512 top = _mm512_mask_blend_ps(_mm512_movepi32_mask(_mm512_castps_si512(g)), one, e);
        __m512 s = _mm512_div_ps(_mm512_mul_ps(g, top), _mm512_add_ps(one, e));
        _mm512_mask_storeu_ps(y + i, lanes, _mm512_mul_ps(s, u));
    }
}
