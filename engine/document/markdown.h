/* Markdown into sections: ATX and setext headings outside of code, front matter left out, simple inline markup taken off. */
#ifndef VENTURI_DOCUMENT_MARKDOWN_H
#define VENTURI_DOCUMENT_MARKDOWN_H

#include "document/cutter.h"

/* text: clean UTF-8. Linear in its length. What is not surely markup stays as it is. */
void vt__markdown_cut(vt__cutter *c, const char *text, size_t len);

/* Words of a paragraph or heading without their inline markup: emphasis, code marks, links and images, escapes. */
void vt__markdown_inline(vt__cutter *c, const char *text, size_t len);

#endif
