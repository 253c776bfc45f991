#include "core/hash.h"

#include <string.h>
#include <xxhash.h>

#include "core/memory.h"

/* Entries lie in one array in the order of their coming, keys one behind the other in another; the slots hold entry numbers only. So growing
 * moves four bytes an entry, the stored hash spares a look at most wrong keys, and nothing is ever in the table half. */
enum { FIRST_SLOTS = 16, MOST_ENTRIES = 1 << 30 };

uint64_t vt__hash(const void *data, size_t size) { return XXH3_64bits(data, size); }

void vt__map_init(vt__map *map, vt_context *ctx) { *map = (vt__map){.ctx = ctx}; }

void vt__map_free(vt__map *map) {
    vt__free(map->ctx, map->entries);
    vt__free(map->ctx, map->slots);
    vt__free(map->ctx, map->keys);
    vt__map_init(map, map->ctx);
}

const char *vt__map_key(const vt__map *map, int64_t i, size_t *out_len) {
    if (out_len) *out_len = (size_t)map->entries[i].len;
    return map->keys + map->entries[i].key;
}

/* Slot that holds the key, or the free one where it belongs. */
static int64_t probe(const vt__map *map, uint64_t hash, const void *key, size_t len) {
    uint64_t mask = (uint64_t)map->n_slots - 1;
    for (uint64_t at = hash & mask;; at = (at + 1) & mask) {
        int32_t i = map->slots[at];
        if (i < 0) return (int64_t)at;
        const vt__map_entry *e = &map->entries[i];
        if (e->hash == hash && e->len == (int64_t)len && (len == 0 || memcmp(map->keys + e->key, key, len) == 0)) return (int64_t)at;
    }
}

int64_t vt__map_find(const vt__map *map, const void *key, size_t len) {
    return map->count == 0 ? -1 : map->slots[probe(map, vt__hash(key, len), key, len)];
}

int64_t vt__map_get(const vt__map *map, const void *key, size_t len, int64_t absent) {
    int64_t i = vt__map_find(map, key, len);
    return i < 0 ? absent : map->entries[i].value;
}

/* The new slots are filled before the old ones go: on failure the table is as it was. */
static int rehash(vt__map *map, int64_t n_slots) {
    size_t bytes;
    int32_t *slots = vt__mul_size(n_slots, sizeof *slots, &bytes) ? NULL : vt__alloc(map->ctx, bytes);
    if (!slots) return 1;
    memset(slots, 0xff, bytes); /* -1 */
    for (int64_t i = 0; i < map->count; i++) {
        uint64_t mask = (uint64_t)n_slots - 1, at = map->entries[i].hash & mask;
        while (slots[at] >= 0) at = (at + 1) & mask;
        slots[at] = (int32_t)i;
    }
    vt__free(map->ctx, map->slots);
    map->slots = slots;
    map->n_slots = n_slots;
    return 0;
}

/* Room for one more entry and its key, so that adding it cannot fail half-way. */
static int make_room(vt__map *map, size_t len) {
    int64_t need;
    if (map->count >= MOST_ENTRIES || len > INT64_MAX - 1 || __builtin_add_overflow(map->keys_len, (int64_t)len + 1, &need)) return 1;
    if (vt__reserve(map->ctx, (void **)&map->keys, &map->keys_cap, need, 1)) return 1;
    if (vt__reserve(map->ctx, (void **)&map->entries, &map->cap, map->count + 1, sizeof *map->entries)) return 1;
    if ((map->count + 1) * 4 <= map->n_slots * 3) return 0;
    return rehash(map, map->n_slots ? map->n_slots * 2 : FIRST_SLOTS);
}

int64_t vt__map_add(vt__map *map, const void *key, size_t len, int64_t value) {
    int64_t found = vt__map_find(map, key, len);
    if (found >= 0) return found;
    if (make_room(map, len)) return -1;
    uint64_t hash = vt__hash(key, len);
    map->slots[probe(map, hash, key, len)] = (int32_t)map->count;
    map->entries[map->count] = (vt__map_entry){.hash = hash, .value = value, .key = map->keys_len, .len = (int64_t)len};
    if (len > 0) memcpy(map->keys + map->keys_len, key, len);
    map->keys[map->keys_len + (int64_t)len] = '\0';
    map->keys_len += (int64_t)len + 1;
    return map->count++;
}
