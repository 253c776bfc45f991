/* Compiled normalisation rules of SentencePiece: a double array of byte strings, each with the text that takes its place. The bytes come from
 * a file: every step is checked against them. */
#ifndef VENTURI_TEXT_CHARSMAP_H
#define VENTURI_TEXT_CHARSMAP_H

#include "text/tokenizer.h"

typedef struct vt__charsmap {
    uint32_t *unit;  /* [n_units] */
    size_t n_units;
    char *text;      /* replacements, each with a NUL behind; the last byte is one */
    size_t text_len;
} vt__charsmap;

/* Copies the rules; data NULL: none. name is for messages. Errors: FORMAT, NOMEM. Release a half-made one too. */
vt_status vt__charsmap_create(vt_context *ctx, const char *name, vt__span data, vt__charsmap *out);
void vt__charsmap_free(vt_context *ctx, vt__charsmap *map);

/* The longest rule that fits the text at p: bytes that it takes, 0 when there is none. *out_to: what takes their place. */
size_t vt__charsmap_match(const vt__charsmap *map, const char *p, size_t left, vt__span *out_to);

#endif
