#include "cpu/distance/distance.h"
#include "cpu/vector_avx2.h"

VTK_INLINE __m256d candidates(const float *dense, int32_t column, int half) {
    return _mm256_cvtps_pd(_mm_loadu_ps(dense + (int64_t)column * VTK_SPARSE + half * 4));
}

/* Products of two floats are exact in a double: with one rounding or two, the sums are those of the reference. */
void vtk_sparse_dot_avx2(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n) {
    __m256d low = _mm256_setzero_pd(), high = low;
    for (int64_t i = 0; i < n; i++) {
        const __m256d v = _mm256_set1_pd((double)values[i]);
        low = _mm256_fmadd_pd(v, candidates(dense, columns[i], 0), low);
        high = _mm256_fmadd_pd(v, candidates(dense, columns[i], 1), high);
    }
    _mm256_storeu_pd(sums, low);
    _mm256_storeu_pd(sums + 4, high);
}

VTK_INLINE __m256d shared(__m256d a, __m256d b) {
    const __m256d sign = _mm256_set1_pd(-0.0);
    __m256d same_sign = _mm256_cmp_pd(_mm256_mul_pd(a, b), _mm256_setzero_pd(), _CMP_GT_OQ);
    return _mm256_and_pd(same_sign, _mm256_min_pd(_mm256_andnot_pd(sign, a), _mm256_andnot_pd(sign, b)));
}

void vtk_sparse_shared_avx2(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n) {
    __m256d low = _mm256_setzero_pd(), high = low;
    for (int64_t i = 0; i < n; i++) {
        const __m256d v = _mm256_set1_pd((double)values[i]);
        low = _mm256_add_pd(low, shared(v, candidates(dense, columns[i], 0)));
        high = _mm256_add_pd(high, shared(v, candidates(dense, columns[i], 1)));
    }
    _mm256_storeu_pd(sums, low);
    _mm256_storeu_pd(sums + 4, high);
}
