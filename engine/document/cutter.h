/* Makes sections: takes a document's text in reading order, joins and separates it, starts a section at each heading. */
#ifndef VENTURI_DOCUMENT_CUTTER_H
#define VENTURI_DOCUMENT_CUTTER_H

#include "core/buffer.h"
#include "venturi/types.h"

/* A section in the making; offsets in `strings`, where a NUL follows each string. */
typedef struct vt__cut {
    int32_t level;
    int64_t title, title_len;
    int64_t text, text_len;
} vt__cut;

typedef struct vt__cutter {
    vt_context *ctx;
    vt__bytes strings;
    vt__cut *cuts;
    int64_t n_cuts, cap_cuts;
    vt__bytes heading; /* title being read */
    int in_heading;
    int32_t level; /* of the section being read, 0 before the first heading */
    int64_t title, title_len, text; /* of the section being read */
    int lines; /* line ends due before the next text: 0, 1, 2 */
    char gap;  /* ' ' or '\t' due before the next text, or 0 */
    int failed;
} vt__cutter;

void vt__cutter_init(vt__cutter *c, vt_context *ctx);
void vt__cutter_free(vt__cutter *c);

/* Nothing here fails at once: `failed` is looked at by vt__cutter_finish. */
void vt__cutter_text(vt__cutter *c, const char *text, size_t len);     /* white space collapses, across calls too */
void vt__cutter_verbatim(vt__cutter *c, const char *text, size_t len); /* lines stay; in a heading as vt__cutter_text */
void vt__cutter_lines(vt__cutter *c, int lines); /* the next text begins 1: on a new line, 2: after an empty one */
void vt__cutter_gap(vt__cutter *c, char gap);    /* the next text is kept apart by ' ' or '\t' */
void vt__cutter_heading_begin(vt__cutter *c);
void vt__cutter_heading_end(vt__cutter *c, int32_t level); /* a heading without text starts no section */
/* Ends the last section. Errors: NOMEM. */
vt_status vt__cutter_finish(vt__cutter *c);

#endif
