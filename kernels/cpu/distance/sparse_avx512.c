#include "cpu/distance/distance.h"
#include "cpu/vector_avx512.h"

VTK_INLINE __m512d candidates(const float *dense, int32_t column) { return _mm512_cvtps_pd(_mm256_loadu_ps(dense + (int64_t)column * VTK_SPARSE)); }

/* Products of two floats are exact in a double: with one rounding or two, the sums are those of the reference. */
void vtk_sparse_dot_avx512(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n) {
    __m512d sum = _mm512_setzero_pd();
    for (int64_t i = 0; i < n; i++) sum = _mm512_fmadd_pd(_mm512_set1_pd((double)values[i]), candidates(dense, columns[i]), sum);
    _mm512_storeu_pd(sums, sum);
}

void vtk_sparse_shared_avx512(double *sums, const float *dense, const int32_t *columns, const float *values, int64_t n) {
    __m512d sum = _mm512_setzero_pd();
    for (int64_t i = 0; i < n; i++) {
        const __m512d a = _mm512_set1_pd((double)values[i]), b = candidates(dense, columns[i]);
        __mmask8 same_sign = _mm512_cmp_pd_mask(_mm512_mul_pd(a, b), _mm512_setzero_pd(), _CMP_GT_OQ);
        sum = _mm512_mask_add_pd(sum, same_sign, sum, _mm512_min_pd(_mm512_abs_pd(a), _mm512_abs_pd(b)));
    }
    _mm512_storeu_pd(sums, sum);
}
