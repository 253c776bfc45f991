#include "cpu/distance/distance.h"
#include "cpu/vector_avx512.h"

typedef __m512i vec;
enum { LANES = 8 };

VTK_INLINE vec load(const uint64_t *x) { return _mm512_loadu_si512(x); }
VTK_INLINE vec spread(uint64_t x) { return _mm512_set1_epi64((int64_t)x); }
VTK_INLINE vec zero(void) { return _mm512_setzero_si512(); }
VTK_INLINE vec differ(vec a, vec b) { return _mm512_xor_si512(a, b); }
VTK_INLINE vec either(vec a, vec b) { return _mm512_or_si512(a, b); }
VTK_INLINE vec add(vec a, vec b) { return _mm512_add_epi64(a, b); }
VTK_INLINE vec add_bytes(vec a, vec b) { return _mm512_add_epi8(a, b); }
VTK_INLINE vec sums(vec a) { return _mm512_sad_epu8(a, zero()); }

VTK_INLINE vec bytes(vec a) {
    const vec of_nibble = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4)), low = _mm512_set1_epi8(15);
    vec l = _mm512_and_si512(a, low), h = _mm512_and_si512(_mm512_srli_epi16(a, 4), low);
    return _mm512_add_epi8(_mm512_shuffle_epi8(of_nibble, l), _mm512_shuffle_epi8(of_nibble, h));
}

VTK_INLINE void put_i32(int32_t *out, vec n) { _mm256_storeu_si256((__m256i *)(void *)out, _mm512_cvtepi64_epi32(n)); }

/* differ / either, and 0 / 0 = 0. */
VTK_INLINE void put_quotient(float *out, vec n_differ, vec n_either) {
    __mmask8 any = _mm512_test_epi64_mask(n_either, n_either);
    __m512d q = _mm512_maskz_div_pd(any, _mm512_cvtepi64_pd(n_differ), _mm512_cvtepi64_pd(n_either));
    _mm256_storeu_ps(out, _mm512_cvtpd_ps(q));
}

#include "cpu/distance/bits.h" /* walks panels and centres with the vectors of this file */

void vtk_hamming_avx512(const vtk_distance *p) { hamming(p); }
void vtk_jaccard_avx512(const vtk_distance *p) { jaccard(p); }
