/* Hashes of bytes, and a table from byte strings to 64-bit values. Entries have numbers in the order of their coming, so that whoever
 * walks the table gets the same order on every machine. Not here: taking entries out. */
#ifndef VENTURI_CORE_HASH_H
#define VENTURI_CORE_HASH_H

#include "venturi/types.h"

/* XXH3, 64 bits. For tables and for finding damage; not against forgers. */
uint64_t vt__hash(const void *data, size_t size);

typedef struct vt__map_entry {
    uint64_t hash;
    int64_t value;
    int64_t key; /* offset in keys; a NUL follows the key there */
    int64_t len;
} vt__map_entry;

/* Open addressing with linear probing over entry numbers; at most three quarters full. */
typedef struct vt__map {
    vt_context *ctx;
    vt__map_entry *entries; /* [count] */
    int64_t count, cap;
    int32_t *slots; /* [n_slots], a power of two: entry number or -1 */
    int64_t n_slots;
    char *keys; /* copies of all keys */
    int64_t keys_len, keys_cap;
} vt__map;

void vt__map_init(vt__map *map, vt_context *ctx);
void vt__map_free(vt__map *map);
/* Number of the key's entry, or -1. */
int64_t vt__map_find(const vt__map *map, const void *key, size_t len);
/* Value of the key, or `absent`. */
int64_t vt__map_get(const vt__map *map, const void *key, size_t len, int64_t absent);
/* Number of the key's entry, made with `value` if there is none; a value that is there stays. -1: out of memory (or 2^30 entries). */
int64_t vt__map_add(vt__map *map, const void *key, size_t len, int64_t value);
/* Key of entry i, NUL-terminated; borrowed until the next vt__map_add. */
const char *vt__map_key(const vt__map *map, int64_t i, size_t *out_len);

#endif
