#include "text/charsmap.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* A unit of the double array: a leaf holds the offset of its text, the others where their children are. */
static uint32_t label_of(uint32_t unit) { return unit & 0x800000FFu; } /* a leaf's high bit equals no byte */
static int has_leaf(uint32_t unit) { return unit >> 8 & 1; }
static uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }
static uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFFu; }

static uint32_t load(const unsigned char *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

/* Bytes of one replacement, which bounds what a text can grow to, and of what it replaces: units that lead in a circle would read a whole text at
 * each of its places. Unicode's longest has 33. */
enum { MOST_TEXT = 255 };

static vt_status check_texts(const char *name, const char *text, size_t len) {
    if (len > 0 && text[len - 1] != '\0') return vt__fail(VT_ERR_FORMAT, "%s: the last text of the normalisation rules does not end", name);
    for (size_t i = 0, n; i < len; i += n + 1) {
        n = strlen(text + i);
        if (n > MOST_TEXT) return vt__fail(VT_ERR_FORMAT, "%s: a text of the normalisation rules has %zu bytes, at most %d are allowed", name, n, MOST_TEXT);
    }
    return VT_OK;
}

vt_status vt__charsmap_create(vt_context *ctx, const char *name, vt__span data, vt__charsmap *out) {
    const unsigned char *p = (const unsigned char *)data.data;
    *out = (vt__charsmap){0};
    if (!p || data.len == 0) return VT_OK;
    size_t units = data.len >= 4 ? load(p) : 0;
    if (data.len < 4 || units > data.len - 4 || units % 4 != 0 || units == 0)
        return vt__fail(VT_ERR_FORMAT, "%s: normalisation rules of %zu bytes hold %zu bytes of units", name, data.len, units);
    const char *text = data.data + 4 + units;
    out->text_len = data.len - 4 - units;
    vt_status st = check_texts(name, text, out->text_len);
    if (st != VT_OK) return st;
    out->n_units = units / 4;
    out->unit = vt__alloc(ctx, units);
    out->text = vt__alloc(ctx, out->text_len);
    if (!out->unit || !out->text) return vt__fail_nomem("tokenizer", data.len);
    for (size_t i = 0; i < out->n_units; i++) out->unit[i] = load(p + 4 + 4 * i);
    if (out->text_len > 0) memcpy(out->text, text, out->text_len);
    return VT_OK;
}

void vt__charsmap_free(vt_context *ctx, vt__charsmap *map) {
    vt__free(ctx, map->unit);
    vt__free(ctx, map->text);
    *map = (vt__charsmap){0};
}

size_t vt__charsmap_match(const vt__charsmap *map, const char *p, size_t left, vt__span *out_to) {
    size_t taken = 0;
    if (map->n_units == 0) return 0;
    uint32_t at = offset_of(map->unit[0]);
    for (size_t i = 0; i < left && i < MOST_TEXT; i++) {
        unsigned char byte = (unsigned char)p[i];
        at ^= byte;
        if (byte == 0 || at >= map->n_units || label_of(map->unit[at]) != byte) break;
        uint32_t unit = map->unit[at];
        at ^= offset_of(unit);
        if (!has_leaf(unit)) continue;
        /* A leaf lies where the children are; one that points outside is no rule. */
        if (at >= map->n_units || value_of(map->unit[at]) >= map->text_len) continue;
        const char *to = map->text + value_of(map->unit[at]);
        *out_to = (vt__span){to, strlen(to)}; /* a NUL ends the block */
        taken = i + 1;
    }
    return taken;
}
