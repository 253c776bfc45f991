/* Eight objects at a time: their lines are turned into vectors of d1, d2 and the ratios, and both branches of the reference become one expression
 * with a mask. What they add is put down and added object after object. Legend: msc_ref.c. */
#include "cpu/medoid/list_avx512.h"
#include "cpu/medoid/msc.h"
#include "cpu/medoid/msc_sums.h"

/* d1, d2, r12, r23 and r13 of eight objects. */
typedef struct lines {
    __m512d d1, d2, r12, r23, r13;
} lines;

/* Places 0 and 4 of each 128-bit pair of eight vectors, given as pairs of neighbours. */
VTK_INLINE __m512d even_pairs(__m512d a, __m512d b) { return _mm512_shuffle_f64x2(a, b, _MM_SHUFFLE(2, 0, 2, 0)); }
VTK_INLINE __m512d odd_pairs(__m512d a, __m512d b) { return _mm512_shuffle_f64x2(a, b, _MM_SHUFFLE(3, 1, 3, 1)); }

VTK_INLINE lines load_lines(const vtk_near3 *objects, const int32_t *hits) {
    __m512d low[4], high[4];
    for (int i = 0; i < 4; i++) {
        __m512d a = _mm512_loadu_pd(&objects[hits[2 * i]]), b = _mm512_loadu_pd(&objects[hits[2 * i + 1]]);
        low[i] = _mm512_unpacklo_pd(a, b);  /* d1 d3 r23 slots */
        high[i] = _mm512_unpackhi_pd(a, b); /* d2 r12 r13 slots */
    }
    __m512d d1_r23_a = even_pairs(low[0], low[1]), d1_r23_b = even_pairs(low[2], low[3]);
    __m512d d2_r13_a = even_pairs(high[0], high[1]), d2_r13_b = even_pairs(high[2], high[3]);
    __m512d r12_a = odd_pairs(high[0], high[1]), r12_b = odd_pairs(high[2], high[3]);
    return (lines){even_pairs(d1_r23_a, d1_r23_b), even_pairs(d2_r13_a, d2_r13_b), even_pairs(r12_a, r12_b), odd_pairs(d1_r23_a, d1_r23_b),
                   odd_pairs(d2_r13_a, d2_r13_b)};
}

/* x/y for x <= y, 0 where x is 0, 1 where x is infinite. */
VTK_INLINE __m512d ratio(__m512d x, __m512d y) {
    __mmask8 is_not_0 = _mm512_cmp_pd_mask(x, _mm512_setzero_pd(), _CMP_NEQ_OQ);
    __mmask8 is_infinite = _mm512_cmp_pd_mask(x, _mm512_set1_pd((double)INFINITY), _CMP_EQ_OQ);
    return _mm512_mask_mov_pd(_mm512_maskz_div_pd(is_not_0, x, y), is_infinite, _mm512_set1_pd(1.0));
}

VTK_INLINE __m512d ordered_ratio(__m512d x, __m512d y) { return ratio(_mm512_min_pd(x, y), _mm512_max_pd(x, y)); }

static double gains(double *sums, double shared, const vtk_near3 *objects, int32_t *hits, double *distances, int64_t n) {
    terms t;
    if (n == 0) return shared;
    pad(hits, distances, n);
    for (int64_t h = 0; h < n; h += 8) {
        const lines o = load_lines(objects, hits + h);
        const __m512d d = _mm512_loadu_pd(distances + h);
        const __mmask8 is_second = _mm512_cmp_pd_mask(d, o.d2, _CMP_LT_OQ);
        const __m512d first = ordered_ratio(d, o.d1);
        const __m512d rest = ratio(_mm512_mask_add_pd(o.d2, is_second, o.d1, d), _mm512_mask_mov_pd(d, is_second, o.d2));
        _mm512_storeu_pd(t.shared, _mm512_maskz_sub_pd(is_second, o.r12, first));
        _mm512_storeu_pd(t.first, _mm512_sub_pd(_mm512_mask_add_pd(o.r23, is_second, first, o.r23), rest));
        _mm512_storeu_pd(t.second, _mm512_sub_pd(o.r13, _mm512_mask_mov_pd(first, is_second, o.r12)));
        shared = add_terms(sums, shared, objects, hits + h, &t, n - h < 8 ? n - h : 8);
    }
    return shared;
}

static void two_ratios(double *losses, const double *d, const double *to0, const double *to1, int64_t n) {
    double a[8], b[8], sum_a = losses[0], sum_b = losses[1];
    for (int64_t i = 0; i < n; i += 8) {
        const int64_t m = n - i < 8 ? n - i : 8;
        const __mmask8 lanes = (__mmask8)first_lanes(m);
        const __m512d x = _mm512_maskz_loadu_pd(lanes, d + i);
        _mm512_storeu_pd(a, ordered_ratio(x, _mm512_maskz_loadu_pd(lanes, to1 + i)));
        _mm512_storeu_pd(b, ordered_ratio(x, _mm512_maskz_loadu_pd(lanes, to0 + i)));
        for (int64_t l = 0; l < m; l++) {
            sum_a += a[l];
            sum_b += b[l];
        }
    }
    losses[0] = sum_a;
    losses[1] = sum_b;
}

#define ISA avx512
#define BODY "cpu/medoid/msc_body.h"
#include "cpu/medoid/medoid_types.h"
