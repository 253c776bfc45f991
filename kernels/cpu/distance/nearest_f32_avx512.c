#include <math.h>

#include "cpu/distance/nearest.h"
#include "cpu/distance/wide_avx512.h"

typedef float real;
typedef __m512 vec;
typedef __m512i ints;
enum { LANES = 16, VECS = 4 };

VTK_INLINE vec load(const real *x) { return _mm512_loadu_ps(x); }
VTK_INLINE vec spread(real x) { return _mm512_set1_ps(x); }
VTK_INLINE vec multiply_add(vec a, vec b, vec s) { return _mm512_fmadd_ps(a, b, s); }
VTK_INLINE void store(real *x, vec a) { _mm512_storeu_ps(x, a); }
VTK_INLINE ints spread_label(int32_t c) { return _mm512_set1_epi32(c); }
VTK_INLINE void store_labels(int32_t *p, ints a) { _mm512_storeu_si512(p, a); }
VTK_INLINE wide load_wide(const real *x) { return _mm512_cvtps_pd(_mm256_loadu_ps(x)); }
VTK_INLINE wide load_wide_tail(const real *x, int64_t n) { return _mm512_cvtps_pd(_mm256_maskz_loadu_ps((__mmask8)first_lanes(n), x)); }

VTK_INLINE void keep(vec *best, ints *label, vec score, int32_t c) {
    __mmask16 m = _mm512_cmp_ps_mask(score, *best, _CMP_GT_OQ);
    *best = _mm512_mask_mov_ps(*best, m, score);
    *label = _mm512_mask_mov_epi32(*label, m, spread_label(c));
}

#include "cpu/distance/nearest_tile.h" /* walks of k-means with the vectors of this file */

void vtk_nearest_f32_avx512(const vtk_nearest *p, int64_t panel0, int64_t panel1) { nearest(p, panel0, panel1); }
void vtk_sum_rows_f32_avx512(const vtk_row_sum *p) { sum_rows(p); }
