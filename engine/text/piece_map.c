#include "text/piece_map.h"

#include "core/error.h"
#include "core/hash.h"
#include "text/tokenizer_internal.h"

#define UNDERLINE "\xE2\x96\x81" /* U+2581 */

size_t vt__speak(char *to, const char *text, size_t len) {
    size_t n = 0;
    while (len > 0) {
        const char *mark = memchr(text, UNDERLINE[0], len);
        size_t plain = mark ? (size_t)(mark - text) : len;
        memcpy(to + n, text, plain);
        n += plain;
        text += plain;
        len -= plain;
        if (len >= 3 && memcmp(text, UNDERLINE, 3) == 0) {
            to[n++] = ' ';
            text += 3;
            len -= 3;
        } else if (len > 0) {
            to[n++] = *text++;
            len--;
        }
    }
    return n;
}

vt_status vt__piece_map_create(const vt_tokenizer *tok, int with_table, vt__piece_map *out) {
    int64_t slots = 16;
    size_t bytes;
    *out = (vt__piece_map){0};
    while (with_table && slots < 2 * tok->n_tokens) slots *= 2; /* n_tokens <= 2^30 */
    if (vt__mul_size(slots, sizeof *out->slot, &bytes)) return vt__fail_nomem("tokenizer", 0);
    out->pool = vt__alloc(tok->ctx, tok->start[tok->n_tokens]);
    out->start = vt__calloc2(tok->ctx, tok->n_tokens + 1, 1, sizeof *out->start);
    out->slot = vt__alloc(tok->ctx, bytes);
    if (!out->pool || !out->start || !out->slot) return vt__fail_nomem("tokenizer", bytes);
    memset(out->slot, 0xFF, bytes); /* id -1 */
    out->mask = (uint64_t)slots - 1;
    for (int64_t id = 0; id < tok->n_tokens; id++) {
        vt__span text = vt__token_text(tok, id);
        out->start[id + 1] = out->start[id] + vt__speak(out->pool + out->start[id], text.data, text.len);
    }
    return VT_OK;
}

void vt__piece_map_free(vt_context *ctx, vt__piece_map *map) {
    vt__free(ctx, map->pool);
    vt__free(ctx, map->start);
    vt__free(ctx, map->slot);
    *map = (vt__piece_map){0};
}

/* Slot of a text, or the free one where it belongs. */
static vt__piece_slot *probe(const vt__piece_map *map, const char *text, size_t len, uint32_t *out_hash) {
    uint64_t hash = vt__hash(text, len);
    uint32_t tag = *out_hash = (uint32_t)(hash >> 32);
    for (uint64_t i = hash & map->mask;; i = (i + 1) & map->mask) {
        vt__piece_slot *s = &map->slot[i];
        if (s->id < 0) return s;
        vt__span key = s->hash == tag ? vt__piece_text(map, s->id) : (vt__span){NULL, 0};
        if (key.data && key.len == len && memcmp(key.data, text, len) == 0) return s;
    }
}

void vt__piece_map_add(vt__piece_map *map, int32_t id) {
    vt__span text = vt__piece_text(map, id);
    uint32_t hash;
    vt__piece_slot *s = probe(map, text.data, text.len, &hash);
    if (s->id < 0) *s = (vt__piece_slot){.hash = hash, .id = id};
    if (text.len > map->longest) map->longest = text.len;
}

int32_t vt__piece_map_find(const vt__piece_map *map, const char *text, size_t len) {
    uint32_t hash;
    return len > map->longest ? -1 : probe(map, text, len, &hash)->id;
}
