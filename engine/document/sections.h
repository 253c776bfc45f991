/* A document cut at its headings: the handle. The formats are in html.h and markdown.h, the making of sections in cutter.h. */
#ifndef VENTURI_DOCUMENT_SECTIONS_H
#define VENTURI_DOCUMENT_SECTIONS_H

#include "venturi/types.h"

enum { VT__DOCUMENT_TEXT = 0, VT__DOCUMENT_MARKDOWN = 1, VT__DOCUMENT_HTML = 2 }; /* the public numbers */

typedef struct vt__section {
    int32_t level;
    const char *title; /* NUL-terminated, as text is */
    size_t title_len;
    const char *text;
    size_t text_len;
} vt__section;

/* Errors: LIMIT (over 64 MiB; HTML nested or tangled beyond reason), NOMEM. */
vt_status vt__sections_parse(vt_context *ctx, int32_t format, const char *text, size_t len, vt_sections **out);
vt_sections *vt__sections_retain(vt_sections *sections);
void vt__sections_release(vt_sections *sections);
int64_t vt__sections_count(const vt_sections *sections);
const char *vt__sections_title(const vt_sections *sections);
vt__section vt__sections_get(const vt_sections *sections, int64_t i); /* i in [0, count) */

#endif
