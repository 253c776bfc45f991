/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Documents: text, Markdown and HTML cut at their headings, as plain text. Not here: search (venturi/retrieve.h). */
#ifndef VENTURI_DOCUMENT_H
#define VENTURI_DOCUMENT_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sections are immutable after creation and shareable between threads. */

enum { VT_DOCUMENT_TEXT = 0, VT_DOCUMENT_MARKDOWN = 1, VT_DOCUMENT_HTML = 2 };

typedef struct vt_section {
    uint32_t struct_size; /* set by the caller */
    int32_t level;        /* 1..6; 0 for what stands before the first heading */
    const char *title;    /* heading, one line; "" when there is none. Borrowed from the sections, like text */
    size_t title_len;
    const char *text;     /* body as plain text, paragraphs separated by an empty line; "" when there is none */
    size_t text_len;
} vt_section;

/**
 * Cuts a document at its headings, in reading order. Markup goes; scripts, styles and navigation go; preformatted text keeps its lines.
 *
 * format   VT_DOCUMENT_*: plain text is one section; Markdown knows ATX and setext headings outside code fences; HTML h1..h6.
 * Input that is not UTF-8 is read with U+FFFD for each bad byte.
 * Errors:  VT_ERR_INVALID, VT_ERR_LIMIT (over 64 MiB), VT_ERR_NOMEM. No input is a format error: HTML has none.
 */
VT_API VT_MUST_USE vt_status vt_sections_parse(vt_context *ctx, int32_t format, const char *text, size_t len, vt_sections **out);
VT_API vt_sections *vt_sections_retain(vt_sections *sections);
VT_API void vt_sections_release(vt_sections *sections);
VT_API int64_t vt_sections_count(const vt_sections *sections);
/** Document title (HTML <title>), "" when there is none. Borrowed until release. */
VT_API const char *vt_sections_title(const vt_sections *sections);
/** Fills section i of [0, count). Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_sections_get(const vt_sections *sections, int64_t i, vt_section *out);

#ifdef __cplusplus
}
#endif
#endif
