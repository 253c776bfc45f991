/* Lists of the objects that a column touches: list_<type> and list_touched_<type>, as medoid_body.h wants them. Objects are compared 16 at a time and
 * the places of those that pass are compressed to the front of a vector: no branch depends on the data. */
#ifndef VENTURI_KERNELS_MEDOID_LIST_AVX512_H
#define VENTURI_KERNELS_MEDOID_LIST_AVX512_H

#include "cpu/vector_avx512.h"

enum { TILE = 1024, LINE = 64 };

/* The lines of 16 elements of this size. */
VTK_INLINE void fetch(const char *p, size_t size) {
    for (size_t at = 0; at < 16 * size; at += LINE) __builtin_prefetch(p + at);
}

VTK_INLINE __mmask16 below_f32(__mmask16 lanes, const float *d, const float *d2) {
    return _mm512_mask_cmp_ps_mask(lanes, _mm512_maskz_loadu_ps(lanes, d), _mm512_maskz_loadu_ps(lanes, d2), _CMP_LT_OQ);
}

VTK_INLINE __mmask16 below_i32(__mmask16 lanes, const int32_t *d, const int32_t *d2) {
    return _mm512_mask_cmplt_epi32_mask(lanes, _mm512_maskz_loadu_epi32(lanes, d), _mm512_maskz_loadu_epi32(lanes, d2));
}

VTK_INLINE __mmask16 halves(__mmask8 low, __mmask8 high) { return (__mmask16)(low | high << 8); }

VTK_INLINE __mmask16 below_f64(__mmask16 lanes, const double *d, const double *d2) {
    __mmask8 a = (__mmask8)lanes, b = (__mmask8)(lanes >> 8);
    return halves(_mm512_mask_cmp_pd_mask(a, _mm512_maskz_loadu_pd(a, d), _mm512_maskz_loadu_pd(a, d2), _CMP_LT_OQ),
                  _mm512_mask_cmp_pd_mask(b, _mm512_maskz_loadu_pd(b, d + 8), _mm512_maskz_loadu_pd(b, d2 + 8), _CMP_LT_OQ));
}

VTK_INLINE __mmask16 below_i64(__mmask16 lanes, const int64_t *d, const int64_t *d2) {
    __mmask8 a = (__mmask8)lanes, b = (__mmask8)(lanes >> 8);
    return halves(_mm512_mask_cmplt_epi64_mask(a, _mm512_maskz_loadu_epi64(a, d), _mm512_maskz_loadu_epi64(a, d2)),
                  _mm512_mask_cmplt_epi64_mask(b, _mm512_maskz_loadu_epi64(b, d + 8), _mm512_maskz_loadu_epi64(b, d2 + 8)));
}

VTK_INLINE __mmask16 has_slot(__mmask16 lanes, const int32_t *slots, __m512i slot) {
    return _mm512_mask_cmpeq_epi32_mask(lanes, _mm512_maskz_loadu_epi32(lanes, slots), slot);
}

VTK_INLINE int32_t *put(int32_t *to, __mmask16 hits, __m512i places) {
    _mm512_storeu_si512(to, _mm512_maskz_compress_epi32(hits, places));
    return to + __builtin_popcount(hits);
}

/* mask(lanes) with all lanes, then with those of the end. */
#define LIST_BODY(mask)                                                                                                                        \
    do {                                                                                                                                       \
        int32_t *to = hits;                                                                                                                    \
        __m512i places = _mm512_add_epi32(_mm512_set1_epi32(base), _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)); \
        int64_t i = 0;                                                                                                                         \
        for (; i + 16 <= n; i += 16, places = _mm512_add_epi32(places, _mm512_set1_epi32(16))) {                                               \
            fetch((const char *)ahead + i * (int64_t)sizeof *d, sizeof *d);                                                                    \
            to = put(to, mask(0xffff), places);                                                                                                \
        }                                                                                                                                      \
        if (i < n) to = put(to, mask(first_lanes(n - i)), places);                                                                             \
        return to - hits;                                                                                                                      \
    } while (0)

#define LISTS(type, suffix)                                                                                                                          \
    VTK_INLINE int64_t list_##suffix(int32_t *hits, const type *d, const type *d2, int32_t base, int64_t n, const type *ahead) {                     \
        LIST_BODY(BELOW_##suffix);                                                                                                                   \
    }                                                                                                                                                \
    VTK_INLINE int64_t list_touched_##suffix(int32_t *hits, const type *d, const type *d2, const int32_t *slot1, const int32_t *slot2, int32_t slot, \
                                             int32_t base, int64_t n, const type *ahead) {                                                           \
        const __m512i wanted = _mm512_set1_epi32(slot);                                                                                              \
        LIST_BODY(TOUCHED_##suffix);                                                                                                                 \
    }

#define TOUCHED(lanes) (has_slot(lanes, slot1 + i, wanted) | has_slot(lanes, slot2 + i, wanted))
#define BELOW_f32(lanes) below_f32(lanes, d + i, d2 + i)
#define BELOW_f64(lanes) below_f64(lanes, d + i, d2 + i)
#define BELOW_i32(lanes) below_i32(lanes, d + i, d2 + i)
#define BELOW_i64(lanes) below_i64(lanes, d + i, d2 + i)
#define TOUCHED_f32(lanes) (__mmask16)(BELOW_f32(lanes) | TOUCHED(lanes))
#define TOUCHED_f64(lanes) (__mmask16)(BELOW_f64(lanes) | TOUCHED(lanes))
#define TOUCHED_i32(lanes) (__mmask16)(BELOW_i32(lanes) | TOUCHED(lanes))
#define TOUCHED_i64(lanes) (__mmask16)(BELOW_i64(lanes) | TOUCHED(lanes))

LISTS(float, f32)
LISTS(double, f64)
LISTS(int32_t, i32)
LISTS(int64_t, i64)

#undef LISTS
#undef LIST_BODY

#endif
