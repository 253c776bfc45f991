/* Four objects at a time, as msc_avx512.c has eight. Legend: msc_ref.c. */
#include "cpu/medoid/list_avx2.h"
#include "cpu/medoid/msc.h"
#include "cpu/medoid/msc_sums.h"

/* d1, d2, r12, r23 and r13 of four objects. */
typedef struct lines {
    __m256d d1, d2, r12, r23, r13;
} lines;

VTK_INLINE lines load_lines(const vtk_near3 *objects, const int32_t *hits) {
    const double *a = &objects[hits[0]].d1, *b = &objects[hits[1]].d1, *c = &objects[hits[2]].d1, *d = &objects[hits[3]].d1;
    const double *e = &objects[hits[0]].r23, *f = &objects[hits[1]].r23, *g = &objects[hits[2]].r23, *h = &objects[hits[3]].r23;
    __m256d ab = _mm256_loadu_pd(a), ba = _mm256_loadu_pd(b), cd = _mm256_loadu_pd(c), dc = _mm256_loadu_pd(d); /* d1 d2 d3 r12 */
    __m256d eg = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(e)), _mm_loadu_pd(g), 1);             /* r23 r13 of two */
    __m256d fh = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(f)), _mm_loadu_pd(h), 1);
    __m256d d2_r12_a = _mm256_unpackhi_pd(ab, ba), d2_r12_b = _mm256_unpackhi_pd(cd, dc);
    return (lines){_mm256_permute2f128_pd(_mm256_unpacklo_pd(ab, ba), _mm256_unpacklo_pd(cd, dc), 0x20), _mm256_permute2f128_pd(d2_r12_a, d2_r12_b, 0x20),
                   _mm256_permute2f128_pd(d2_r12_a, d2_r12_b, 0x31), _mm256_unpacklo_pd(eg, fh), _mm256_unpackhi_pd(eg, fh)};
}

/* x/y for x <= y, 0 where x is 0, 1 where x is infinite. */
VTK_INLINE __m256d ratio(__m256d x, __m256d y) {
    __m256d is_not_0 = _mm256_cmp_pd(x, _mm256_setzero_pd(), _CMP_NEQ_OQ);
    __m256d is_infinite = _mm256_cmp_pd(x, _mm256_set1_pd((double)INFINITY), _CMP_EQ_OQ);
    return _mm256_blendv_pd(_mm256_and_pd(_mm256_div_pd(x, y), is_not_0), _mm256_set1_pd(1.0), is_infinite);
}

VTK_INLINE __m256d ordered_ratio(__m256d x, __m256d y) { return ratio(_mm256_min_pd(x, y), _mm256_max_pd(x, y)); }

static double gains(double *sums, double shared, const vtk_near3 *objects, int32_t *hits, double *distances, int64_t n) {
    terms t;
    if (n == 0) return shared;
    pad(hits, distances, n);
    for (int64_t h = 0; h < n; h += 4) {
        const lines o = load_lines(objects, hits + h);
        const __m256d d = _mm256_loadu_pd(distances + h);
        const __m256d is_second = _mm256_cmp_pd(d, o.d2, _CMP_LT_OQ);
        const __m256d first = ordered_ratio(d, o.d1);
        const __m256d rest = ratio(_mm256_blendv_pd(o.d2, _mm256_add_pd(o.d1, d), is_second), _mm256_blendv_pd(d, o.d2, is_second));
        _mm256_storeu_pd(t.shared, _mm256_and_pd(is_second, _mm256_sub_pd(o.r12, first)));
        _mm256_storeu_pd(t.first, _mm256_sub_pd(_mm256_blendv_pd(o.r23, _mm256_add_pd(first, o.r23), is_second), rest));
        _mm256_storeu_pd(t.second, _mm256_sub_pd(o.r13, _mm256_blendv_pd(first, o.r12, is_second)));
        shared = add_terms(sums, shared, objects, hits + h, &t, n - h < 4 ? n - h : 4);
    }
    return shared;
}

static void two_ratios(double *losses, const double *d, const double *to0, const double *to1, int64_t n) {
    double a[4], b[4], sum_a = losses[0], sum_b = losses[1];
    for (int64_t i = 0; i < n; i += 4) {
        const int64_t m = n - i < 4 ? n - i : 4;
        const __m256i lanes = _mm256_cmpgt_epi64(_mm256_set1_epi64x(m), _mm256_setr_epi64x(0, 1, 2, 3));
        const __m256d x = _mm256_maskload_pd(d + i, lanes);
        _mm256_storeu_pd(a, ordered_ratio(x, _mm256_maskload_pd(to1 + i, lanes)));
        _mm256_storeu_pd(b, ordered_ratio(x, _mm256_maskload_pd(to0 + i, lanes)));
        for (int64_t l = 0; l < m; l++) {
            sum_a += a[l];
            sum_b += b[l];
        }
    }
    losses[0] = sum_a;
    losses[1] = sum_b;
}

#define ISA avx2
#define BODY "cpu/medoid/msc_body.h"
#include "cpu/medoid/medoid_types.h"
