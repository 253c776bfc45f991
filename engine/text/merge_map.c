#include "text/merge_map.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* Slots for n entries: a power of two, at least twice as many. 0 when that is too much. */
static int64_t slots_for(int64_t n) {
    int64_t slots = 16;
    while (slots < 2 * n && slots > 0 && slots < INT64_C(1) << 40) slots *= 2;
    return slots;
}

vt_status vt__merge_map_create(vt_context *ctx, int64_t n, vt__merge_map *out) {
    int64_t slots = slots_for(n);
    size_t bytes;
    if (vt__mul_size(slots, sizeof *out->slot, &bytes)) return vt__fail_nomem("tokenizer", 0);
    out->slot = vt__alloc(ctx, bytes);
    out->mask = (uint64_t)slots - 1;
    if (!out->slot) return vt__fail_nomem("tokenizer", bytes);
    memset(out->slot, 0xFF, bytes); /* rank -1 */
    return VT_OK;
}

void vt__merge_map_free(vt_context *ctx, vt__merge_map *map) {
    vt__free(ctx, map->slot);
    map->slot = NULL;
}

void vt__merge_map_add(vt__merge_map *map, int32_t left, int32_t right, int32_t rank) {
    uint64_t i = vt__merge_hash(left, right) & map->mask;
    while (map->slot[i].rank >= 0) {
        if (map->slot[i].left == left && map->slot[i].right == right) return;
        i = (i + 1) & map->mask;
    }
    map->slot[i] = (vt__merge_slot){.left = left, .right = right, .rank = rank};
}
