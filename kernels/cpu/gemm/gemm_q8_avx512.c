#include "cpu/gemm/gemm.h"

#include <string.h>

#include "cpu/vector_avx512.h"

void vtk_gemm_q8_row_avx512(unsigned char *row, const float *x, int64_t k) {
    int64_t k4 = VTK_GEMM_Q8_K(k);
    __m512 least = _mm512_setzero_ps(), most = least;
    __m512i sums = _mm512_setzero_si512();

    for (int64_t c = 0; c < k; c += 16) {
        __m512 v = _mm512_maskz_loadu_ps(first_lanes(k - c), x + c);
        least = _mm512_min_ps(v, least);
        most = _mm512_max_ps(v, most);
    }
    float low = -max_lanes(_mm512_sub_ps(_mm512_setzero_ps(), least)), range = max_lanes(most) - low;
    float scale = range * (1.0f / 255.0f), inverse = range > 0 ? 255.0f / range : 0.0f;
    /* A row of no numbers makes this wrap. */
    int32_t zero = _mm_cvtsi128_si32(_mm_sub_epi32(_mm_cvtps_epi32(_mm_set_ss(-low * inverse)), _mm_set1_epi32(128)));
    for (int64_t c = 0; c < k4; c += 16) {
        __mmask16 lanes = first_lanes(k - c);
        __m512i q = _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_maskz_loadu_ps(lanes, x + c), _mm512_set1_ps(inverse)));
        q = _mm512_add_epi32(q, _mm512_set1_epi32(zero));
        q = _mm512_maskz_min_epi32(lanes, _mm512_max_epi32(q, _mm512_set1_epi32(-128)), _mm512_set1_epi32(127));
        sums = _mm512_add_epi32(sums, q);
        _mm512_mask_cvtepi32_storeu_epi8(row + c, first_lanes(k4 - c), q);
    }
    int32_t sum = _mm512_reduce_add_epi32(sums);
    memcpy(row + k4, &scale, sizeof scale);
    memcpy(row + k4 + 4, &zero, sizeof zero);
    memcpy(row + k4 + 8, &sum, sizeof sum);
}
