#include <math.h>

#include "cpu/distance/nearest.h"
#include "cpu/distance/wide_avx2.h"

typedef float real;
typedef __m256 vec;
typedef __m256i ints;
enum { LANES = 8, VECS = 2 };

VTK_INLINE vec load(const real *x) { return _mm256_loadu_ps(x); }
VTK_INLINE vec spread(real x) { return _mm256_set1_ps(x); }
VTK_INLINE vec multiply_add(vec a, vec b, vec s) { return _mm256_fmadd_ps(a, b, s); }
VTK_INLINE void store(real *x, vec a) { _mm256_storeu_ps(x, a); }
VTK_INLINE ints spread_label(int32_t c) { return _mm256_set1_epi32(c); }
VTK_INLINE void store_labels(int32_t *p, ints a) { _mm256_storeu_si256((__m256i *)(void *)p, a); }
VTK_INLINE wide load_wide(const real *x) { return _mm256_cvtps_pd(_mm_loadu_ps(x)); }
VTK_INLINE wide load_wide_tail(const real *x, int64_t n) { return _mm256_cvtps_pd(_mm256_castps256_ps128(load_floats(x, n))); }

VTK_INLINE void keep(vec *best, ints *label, vec score, int32_t c) {
    vec m = _mm256_cmp_ps(score, *best, _CMP_GT_OQ);
    *best = _mm256_blendv_ps(*best, score, m);
    *label = _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(*label), _mm256_castsi256_ps(spread_label(c)), m));
}

#include "cpu/distance/nearest_tile.h" /* walks of k-means with the vectors of this file */

void vtk_nearest_f32_avx2(const vtk_nearest *p, int64_t panel0, int64_t panel1) { nearest(p, panel0, panel1); }
void vtk_sum_rows_f32_avx2(const vtk_row_sum *p) { sum_rows(p); }
