#include "document/sections.h"

#include <stdatomic.h>
#include <string.h>
#include <utf8proc.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "document/cutter.h"
#include "document/html.h"
#include "document/markdown.h"

enum { DOCUMENT_MAX = 64 << 20 };

struct vt_sections {
    atomic_int refs;
    vt_context *ctx;
    char *strings; /* of all sections */
    vt__cut *cuts;
    int64_t n;
    char *title; /* of the document; NULL: none */
};

/* ---- input: UTF-8 with no NUL and no byte order mark ---- */

/* The readers, the index and the model behind it may then take UTF-8 for granted. Most documents are clean and are not copied. */

/* Length of the code point at text, or 0 for a bad byte. NUL counts as bad: the strings we hand out end with one. */
static size_t good_at(const char *text, size_t left) {
    utf8proc_int32_t c;
    if ((unsigned char)text[0] < 0x80) return text[0] != '\0';
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text, left > 4 ? 4 : (utf8proc_ssize_t)left, &c);
    return n > 0 ? (size_t)n : 0;
}

/* *out is NULL when the text is clean as it is. */
static vt_status repair(vt_context *ctx, const char *text, size_t len, char **out, size_t *out_len) {
    size_t bad = 0, at = 0;
    *out = NULL;
    for (size_t i = 0; i < len;) {
        size_t n = good_at(text + i, len - i);
        bad += n == 0;
        i += n ? n : 1;
    }
    if (bad == 0) return VT_OK;
    char *clean = vt__alloc(ctx, len + 2 * bad);
    if (!clean) return vt__fail_nomem("sections", len + 2 * bad);
    for (size_t i = 0; i < len;) {
        size_t n = good_at(text + i, len - i);
        memcpy(clean + at, n ? text + i : "\xEF\xBF\xBD", n ? n : 3);
        at += n ? n : 3;
        i += n ? n : 1;
    }
    *out = clean;
    *out_len = at;
    return VT_OK;
}

/* Lines stay as they are; rows of empty ones become one. */
static void cut_plain(vt__cutter *c, const char *text, size_t len) {
    for (size_t i = 0; i < len;) {
        const char *newline = memchr(text + i, '\n', len - i);
        size_t end = newline ? (size_t)(newline - text) : len, stop = end;
        while (stop > i && (text[stop - 1] == ' ' || text[stop - 1] == '\t' || text[stop - 1] == '\r')) stop--;
        vt__cutter_lines(c, stop > i ? 1 : 2);
        vt__cutter_verbatim(c, text + i, stop - i);
        i = end + 1;
    }
}

static vt_status cut(vt__cutter *c, int32_t format, const char *text, size_t len, char **out_title) {
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        text += 3;
        len -= 3;
    }
    vt_status st = VT_OK;
    if (format == VT__DOCUMENT_HTML) st = vt__html_cut(c, text, len, out_title);
    else if (format == VT__DOCUMENT_MARKDOWN) vt__markdown_cut(c, text, len);
    else cut_plain(c, text, len);
    return st == VT_OK ? vt__cutter_finish(c) : st;
}

vt_status vt__sections_parse(vt_context *ctx, int32_t format, const char *text, size_t len, vt_sections **out) {
    vt__cutter c;
    char *clean;
    vt_sections *s = NULL;

    *out = NULL;
    if (len > DOCUMENT_MAX) return vt__fail(VT_ERR_LIMIT, "sections: document of %zu bytes, at most %d", len, (int)DOCUMENT_MAX);
    vt__cutter_init(&c, ctx);
    vt_status st = repair(ctx, text, len, &clean, &len);
    if (st != VT_OK) return st;
    s = vt__calloc(ctx, sizeof *s);
    if (!s) {
        st = vt__fail_nomem("sections", sizeof *s);
        goto done;
    }
    atomic_init(&s->refs, 1);
    s->ctx = vt__context_retain(ctx);
    st = cut(&c, format, clean ? clean : text, len, &s->title);
    if (st != VT_OK) goto done;
    s->strings = c.strings.data;
    s->cuts = c.cuts;
    s->n = c.n_cuts;
    c.strings.data = NULL;
    c.cuts = NULL;
    *out = s;
    s = NULL;

done:
    vt__sections_release(s);
    vt__cutter_free(&c);
    vt__free(ctx, clean);
    return st;
}

vt_sections *vt__sections_retain(vt_sections *sections) {
    if (sections) atomic_fetch_add(&sections->refs, 1);
    return sections;
}

void vt__sections_release(vt_sections *sections) {
    if (!sections || atomic_fetch_sub(&sections->refs, 1) != 1) return;
    vt_context *ctx = sections->ctx;
    vt__free(ctx, sections->strings);
    vt__free(ctx, sections->cuts);
    vt__free(ctx, sections->title);
    vt__free(ctx, sections);
    vt__context_release(ctx);
}

int64_t vt__sections_count(const vt_sections *sections) { return sections->n; }
const char *vt__sections_title(const vt_sections *sections) { return sections->title ? sections->title : ""; }

vt__section vt__sections_get(const vt_sections *sections, int64_t i) {
    const vt__cut *k = &sections->cuts[i];
    vt__section s = {.level = k->level, .title = "", .text = sections->strings + k->text, .text_len = (size_t)k->text_len};
    if (k->title_len > 0) {
        s.title = sections->strings + k->title;
        s.title_len = (size_t)k->title_len;
    }
    return s;
}
