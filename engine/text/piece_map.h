/* Texts of SentencePiece vocabularies to ids, as they are spoken: U+2581, which stands for a space there, is one. Made once, then only read;
 * all texts lie in one block, and the table is sized once. */
#ifndef VENTURI_TEXT_PIECE_MAP_H
#define VENTURI_TEXT_PIECE_MAP_H

#include "text/tokenizer.h"

typedef struct vt__piece_slot {
    uint32_t hash;
    int32_t id; /* -1: free */
} vt__piece_slot;

typedef struct vt__piece_map {
    char *pool;    /* spoken texts */
    size_t *start; /* [n + 1] offsets into pool */
    vt__piece_slot *slot;
    uint64_t mask; /* slots - 1; at most half of them are taken */
    size_t longest; /* bytes of the longest text that is in the table */
} vt__piece_map;

/* Spoken texts of all tokens, and, if asked for, a table that none is in yet. Errors: NOMEM. Release a half-made one too. */
vt_status vt__piece_map_create(const vt_tokenizer *tok, int with_table, vt__piece_map *out);
void vt__piece_map_free(vt_context *ctx, vt__piece_map *map);
/* Puts a token into the table; the first one of a text stays. */
void vt__piece_map_add(vt__piece_map *map, int32_t id);
/* Id of a text, -1: it is none. */
int32_t vt__piece_map_find(const vt__piece_map *map, const char *text, size_t len);

static inline vt__span vt__piece_text(const vt__piece_map *map, int32_t id) {
    return (vt__span){map->pool + map->start[id], map->start[id + 1] - map->start[id]};
}

/* Copies a text, U+2581 as spaces; `to` has room for len bytes. Returns the bytes written. */
size_t vt__speak(char *to, const char *text, size_t len);

#endif
