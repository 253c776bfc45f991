#include "cpu/distance/distance.h"
#include "cpu/vector_avx2.h"

typedef __m256i vec;
enum { LANES = 4 };

VTK_INLINE vec load(const uint64_t *x) { return _mm256_loadu_si256((const __m256i *)(const void *)x); }
VTK_INLINE vec spread(uint64_t x) { return _mm256_set1_epi64x((int64_t)x); }
VTK_INLINE vec zero(void) { return _mm256_setzero_si256(); }
VTK_INLINE vec differ(vec a, vec b) { return _mm256_xor_si256(a, b); }
VTK_INLINE vec either(vec a, vec b) { return _mm256_or_si256(a, b); }
VTK_INLINE vec add(vec a, vec b) { return _mm256_add_epi64(a, b); }
VTK_INLINE vec add_bytes(vec a, vec b) { return _mm256_add_epi8(a, b); }
VTK_INLINE vec sums(vec a) { return _mm256_sad_epu8(a, zero()); }

VTK_INLINE vec bytes(vec a) {
    const vec of_nibble = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4)), low = _mm256_set1_epi8(15);
    vec l = _mm256_and_si256(a, low), h = _mm256_and_si256(_mm256_srli_epi16(a, 4), low);
    return _mm256_add_epi8(_mm256_shuffle_epi8(of_nibble, l), _mm256_shuffle_epi8(of_nibble, h));
}

/* The low halves of the words: counts stay below 2^31. */
VTK_INLINE __m128i narrow(vec n) { return _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(n, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6))); }

VTK_INLINE void put_i32(int32_t *out, vec n) { _mm_storeu_si128((__m128i *)(void *)out, narrow(n)); }

/* differ / either, and 0 / 0 = 0. */
VTK_INLINE void put_quotient(float *out, vec n_differ, vec n_either) {
    __m256d either_pd = _mm256_cvtepi32_pd(narrow(n_either)), any = _mm256_cmp_pd(either_pd, _mm256_setzero_pd(), _CMP_NEQ_OQ);
    __m256d q = _mm256_div_pd(_mm256_cvtepi32_pd(narrow(n_differ)), either_pd);
    _mm_storeu_ps(out, _mm256_cvtpd_ps(_mm256_and_pd(any, q)));
}

#include "cpu/distance/bits.h" /* walks panels and centres with the vectors of this file */

void vtk_hamming_avx2(const vtk_distance *p) { hamming(p); }
void vtk_jaccard_avx2(const vtk_distance *p) { jaccard(p); }
