/* HTML into sections. */
#ifndef VENTURI_DOCUMENT_HTML_H
#define VENTURI_DOCUMENT_HTML_H

#include "document/cutter.h"

/* text: clean UTF-8. *out_title: the document's title, a block of vt__alloc, or NULL when it has none; NULL on failure too. Linear in len.
 * Errors: NOMEM (some are kept in the cutter). */
vt_status vt__html_cut(vt__cutter *c, const char *text, size_t len, char **out_title);

#endif
