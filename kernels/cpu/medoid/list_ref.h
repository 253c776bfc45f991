/* Lists of the objects that a column touches: list_<type> and list_touched_<type>, as medoid_body.h wants them. */
#ifndef VENTURI_KERNELS_MEDOID_LIST_REF_H
#define VENTURI_KERNELS_MEDOID_LIST_REF_H

#include <stdint.h>

enum { TILE = 1024 };

/* Nothing is fetched ahead. */
#define LIST_BODY(condition)                                   \
    do {                                                       \
        int64_t n_hits = 0;                                    \
        (void)ahead;                                           \
        for (int64_t i = 0; i < n; i++)                        \
            if (condition) hits[n_hits++] = base + (int32_t)i; \
        return n_hits;                                         \
    } while (0)

#define LISTS(type, suffix)                                                                                                                       \
    static inline int64_t list_##suffix(int32_t *hits, const type *d, const type *d2, int32_t base, int64_t n, const type *ahead) {              \
        LIST_BODY(d[i] < d2[i]);                                                                                                                 \
    }                                                                                                                                            \
    static inline int64_t list_touched_##suffix(int32_t *hits, const type *d, const type *d2, const int32_t *slot1, const int32_t *slot2,        \
                                                int32_t slot, int32_t base, int64_t n, const type *ahead) {                                      \
        LIST_BODY(d[i] < d2[i] || slot1[i] == slot || slot2[i] == slot);                                                                         \
    }

LISTS(float, f32)
LISTS(double, f64)
LISTS(int32_t, i32)
LISTS(int64_t, i64)

#undef LISTS
#undef LIST_BODY

#endif
