#include <math.h>

#include "cpu/distance/nearest.h"
#include "cpu/distance/wide_avx2.h"

typedef double real;
typedef __m256d vec;
typedef __m256i ints;
enum { LANES = 4, VECS = 2 };

VTK_INLINE vec load(const real *x) { return _mm256_loadu_pd(x); }
VTK_INLINE vec spread(real x) { return _mm256_set1_pd(x); }
VTK_INLINE vec multiply_add(vec a, vec b, vec s) { return _mm256_fmadd_pd(a, b, s); }
VTK_INLINE void store(real *x, vec a) { _mm256_storeu_pd(x, a); }
VTK_INLINE ints spread_label(int32_t c) { return _mm256_set1_epi64x(c); }
VTK_INLINE void store_labels(int32_t *p, ints a) {
    ints low = _mm256_permutevar8x32_epi32(a, _mm256_setr_epi32(0, 2, 4, 6, 0, 0, 0, 0)); /* the low halves first */
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(low));
}
VTK_INLINE wide load_wide(const real *x) { return _mm256_loadu_pd(x); }
VTK_INLINE wide load_wide_tail(const real *x, int64_t n) { return load_sums_tail(x, n); }

VTK_INLINE void keep(vec *best, ints *label, vec score, int32_t c) {
    vec m = _mm256_cmp_pd(score, *best, _CMP_GT_OQ);
    *best = _mm256_blendv_pd(*best, score, m);
    *label = _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(*label), _mm256_castsi256_pd(spread_label(c)), m));
}

#include "cpu/distance/nearest_tile.h" /* walks of k-means with the vectors of this file */

void vtk_nearest_f64_avx2(const vtk_nearest *p, int64_t panel0, int64_t panel1) { nearest(p, panel0, panel1); }
void vtk_sum_rows_f64_avx2(const vtk_row_sum *p) { sum_rows(p); }
