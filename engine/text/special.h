/* Tokens that are found in raw text before anything else: control and unknown tokens (special), and tokens that somebody added (user). */
#ifndef VENTURI_TEXT_SPECIAL_H
#define VENTURI_TEXT_SPECIAL_H

#include "venturi/types.h"

enum { VT__CLASS_SPECIAL = 1, VT__CLASS_USER = 2 };

/* Tokens of one length: ranks [first, next group's first). */
typedef struct vt__special_group {
    int64_t first;
    size_t len;
} vt__special_group;

typedef struct vt__specials {
    int64_t n;
    int32_t *id; /* by rank: longest text first, then by bytes, then by id */
    int64_t n_groups;
    vt__special_group *group; /* [n_groups + 1], the last one closes the list */
    uint8_t first[256];       /* classes that have a token beginning with this byte */
    uint8_t classes;          /* classes that have a token at all */
} vt__specials;

/* A place in a text where a special token stands. */
typedef struct vt__special_hit {
    size_t begin, len;
    int32_t id;
} vt__special_hit;

typedef struct vt__special_hits {
    vt__special_hit *hit;
    int64_t n, cap;
} vt__special_hits;

/* Fills tok->specials from tok's texts and types; name is for messages. Errors: FORMAT (a text too long), NOMEM. */
vt_status vt__specials_create(vt_tokenizer *tok, const char *name);
void vt__specials_free(vt_context *ctx, vt__specials *specials);

/* All special tokens of these classes in a text, left to right, not overlapping. Where they would overlap the longest one wins, then the
 * leftmost. hits: empty at first; caller frees hits->hit, also on failure. Errors: NOMEM. */
vt_status vt__specials_find(const vt_tokenizer *tok, int classes, const char *text, size_t len, vt__special_hits *hits);

#endif
