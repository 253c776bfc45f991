/* Lists of the objects that a column touches: list_<type> and list_touched_<type>, as medoid_body.h wants them. Objects are compared 8 at a time; a
 * table turns four bits of the mask into the places of those that pass: no branch depends on the data. */
#ifndef VENTURI_KERNELS_MEDOID_LIST_AVX2_H
#define VENTURI_KERNELS_MEDOID_LIST_AVX2_H

#include "cpu/vector_avx2.h"

enum { TILE = 1024 };

/* The numbers of the bits that are set, ascending, then zeros. */
static const int32_t BITS[16][4] = {{0},    {0},    {1},    {0, 1},    {2},    {0, 2},    {1, 2},    {0, 1, 2},
                                    {3},    {0, 3}, {1, 3}, {0, 1, 3}, {2, 3}, {0, 2, 3}, {1, 2, 3}, {0, 1, 2, 3}};

VTK_INLINE unsigned below_f32(const float *d, const float *d2) {
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(d), _mm256_loadu_ps(d2), _CMP_LT_OQ));
}

VTK_INLINE __m256i load_256(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
VTK_INLINE unsigned mask_32(__m256i v) { return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(v)); }
VTK_INLINE unsigned mask_64(__m256i v) { return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(v)); }

VTK_INLINE unsigned below_i32(const int32_t *d, const int32_t *d2) { return mask_32(_mm256_cmpgt_epi32(load_256(d2), load_256(d))); }

VTK_INLINE unsigned below_f64(const double *d, const double *d2) {
    __m256d low = _mm256_cmp_pd(_mm256_loadu_pd(d), _mm256_loadu_pd(d2), _CMP_LT_OQ);
    __m256d high = _mm256_cmp_pd(_mm256_loadu_pd(d + 4), _mm256_loadu_pd(d2 + 4), _CMP_LT_OQ);
    return (unsigned)_mm256_movemask_pd(low) | (unsigned)_mm256_movemask_pd(high) << 4;
}

VTK_INLINE unsigned below_i64(const int64_t *d, const int64_t *d2) {
    return mask_64(_mm256_cmpgt_epi64(load_256(d2), load_256(d))) | mask_64(_mm256_cmpgt_epi64(load_256(d2 + 4), load_256(d + 4))) << 4;
}

VTK_INLINE unsigned has_slot(const int32_t *slots, __m256i slot) { return mask_32(_mm256_cmpeq_epi32(load_256(slots), slot)); }

VTK_INLINE int32_t *put_4(int32_t *to, unsigned hits, int32_t first) {
    __m128i places = _mm_add_epi32(_mm_loadu_si128((const __m128i *)(const void *)BITS[hits]), _mm_set1_epi32(first));
    _mm_storeu_si128((__m128i *)(void *)to, places);
    return to + __builtin_popcount(hits);
}

VTK_INLINE int32_t *put(int32_t *to, unsigned hits, int32_t first) { return put_4(put_4(to, hits & 15, first), hits >> 4, first + 4); }

#define LIST_BODY(mask_of_8, is_hit)                                                      \
    do {                                                                                  \
        int32_t *to = hits;                                                               \
        int64_t i = 0;                                                                    \
        for (; i + 8 <= n; i += 8) {                                                      \
            __builtin_prefetch((const char *)ahead + i * (int64_t)sizeof *d);             \
            to = put(to, mask_of_8, base + (int32_t)i);                                   \
        }                                                                                 \
        for (; i < n; i++)                                                                \
            if (is_hit) *to++ = base + (int32_t)i;                                        \
        return to - hits;                                                                 \
    } while (0)

#define LISTS(type, suffix)                                                                                                                          \
    VTK_INLINE int64_t list_##suffix(int32_t *hits, const type *d, const type *d2, int32_t base, int64_t n, const type *ahead) {                     \
        LIST_BODY(below_##suffix(d + i, d2 + i), d[i] < d2[i]);                                                                                      \
    }                                                                                                                                                \
    VTK_INLINE int64_t list_touched_##suffix(int32_t *hits, const type *d, const type *d2, const int32_t *slot1, const int32_t *slot2, int32_t slot, \
                                             int32_t base, int64_t n, const type *ahead) {                                                           \
        const __m256i wanted = _mm256_set1_epi32(slot);                                                                                              \
        LIST_BODY(below_##suffix(d + i, d2 + i) | has_slot(slot1 + i, wanted) | has_slot(slot2 + i, wanted),                                         \
                  d[i] < d2[i] || slot1[i] == slot || slot2[i] == slot);                                                                             \
    }

LISTS(float, f32)
LISTS(double, f64)
LISTS(int32_t, i32)
LISTS(int64_t, i64)

#undef LISTS
#undef LIST_BODY

#endif
