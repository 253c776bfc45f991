/* Text and tags of HTML, as the standard's tokenizer finds them. Not here: what tags mean (html.h), character references (html_entity.h). */
#ifndef VENTURI_DOCUMENT_HTML_TOKEN_H
#define VENTURI_DOCUMENT_HTML_TOKEN_H

#include <gumbo.h>
#include <stddef.h>

typedef enum vt__html_kind { VT__HTML_TEXT, VT__HTML_START, VT__HTML_END } vt__html_kind;

typedef struct vt__html_token {
    vt__html_kind kind;
    GumboTag tag;     /* of a tag */
    const char *text; /* [len] TEXT: as it stands, references not decoded; START: the attributes */
    size_t len;
    int self_closing; /* "/>" */
} vt__html_token;

typedef struct vt__html_reader {
    const char *text;
    size_t len, at;
} vt__html_reader;

typedef struct vt__html_attribute {
    const char *name, *value;
    size_t name_len, value_len;
} vt__html_attribute;

/* 0 at the end. Comments, declarations and instructions are passed over; a tag that the text ends in is none. Linear. */
int vt__html_next(vt__html_reader *r, vt__html_token *out);

/* Behind the start of an element whose content is no markup (script, title, ...): the content up to its end tag, which is passed too. */
void vt__html_raw(vt__html_reader *r, const char *name, vt__html_token *out);

/* The attribute at *at of a start tag's, which moves on; 0 at the end. */
int vt__html_next_attribute(const vt__html_token *tag, size_t *at, vt__html_attribute *out);

#endif
