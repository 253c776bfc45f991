/* Character references of HTML ("&eacute;", "&#233;") as UTF-8. */
#ifndef VENTURI_DOCUMENT_HTML_ENTITY_H
#define VENTURI_DOCUMENT_HTML_ENTITY_H

#include "core/buffer.h"
#include "core/hash.h"

/* Named references met in a document, so that each is looked up once. */
typedef struct vt__entities {
    vt__map known;    /* value: offset in `texts` of what it stands for, NUL-terminated */
    vt__bytes texts;
    char number[8];   /* the last numeric reference */
} vt__entities;

void vt__entities_init(vt__entities *e, vt_context *ctx);
void vt__entities_free(vt__entities *e);

/* What the reference at text[0] == '&' stands for, borrowed until the next call, and how many bytes it has. *used 1 and "&": it is none.
 * Errors: NOMEM. */
vt_status vt__entity_decode(vt__entities *e, const char *text, size_t len, const char **out, size_t *used);

#endif
