/* Pairs of symbols to the rank of their merge: open addressing, made once, then only read. */
#ifndef VENTURI_TEXT_MERGE_MAP_H
#define VENTURI_TEXT_MERGE_MAP_H

#include "venturi/types.h"

typedef struct vt__merge_slot {
    int32_t left, right;
    int32_t rank; /* -1: free */
} vt__merge_slot;

typedef struct vt__merge_map {
    vt__merge_slot *slot;
    uint64_t mask; /* slots - 1; at most half of them are taken */
} vt__merge_map;

/* Room for n pairs. Errors: NOMEM. */
vt_status vt__merge_map_create(vt_context *ctx, int64_t n, vt__merge_map *out);
void vt__merge_map_free(vt_context *ctx, vt__merge_map *map);
/* The first rank of a pair stays. */
void vt__merge_map_add(vt__merge_map *map, int32_t left, int32_t right, int32_t rank);

static inline uint64_t vt__merge_hash(int32_t left, int32_t right) {
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ h >> 32;
}
/* Rank of a pair, -1: no such merge. In the header, since it is the inner loop of all encoding. */
static inline int32_t vt__merge_map_find(const vt__merge_map *map, int32_t left, int32_t right) {
    for (uint64_t i = vt__merge_hash(left, right) & map->mask;; i = (i + 1) & map->mask) {
        const vt__merge_slot *s = &map->slot[i];
        if (s->rank < 0 || (s->left == left && s->right == right)) return s->rank;
    }
}

#endif
