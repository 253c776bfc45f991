#include "document/html.h"

#include <string.h>
#include <strings.h>

#include "core/error.h"
#include "core/memory.h"
#include "document/html_entity.h"
#include "document/html_token.h"

/* No tree is built: of nesting we need to know only which headings, preformatted texts and things to leave out are open. They and the
 * containers around them lie on a stack; an end tag closes its element and all that is open inside of it, and does nothing when none of its
 * kind is open, which a count tells without looking. So every tag costs what it opened, and depth costs no stack of ours. */

typedef enum kind { INLINE, BLOCK, LINE, CELL, HEADING, PRE, SKIPPED, RAW, EMPTY } kind;

typedef struct place {
    GumboTag tag;
    kind kind;
    int left_out; /* with all that is inside */
} place;

typedef struct walk {
    vt__cutter *c;
    vt__html_reader in;
    vt__entities entities;
    place *open; /* stack */
    int64_t n_open, cap_open;
    int64_t n_of[GUMBO_TAG_LAST + 1]; /* how many of each are on it */
    int64_t pre, headings, left_out;  /* how many of these are on it */
    int pre_begins;                   /* a line end right behind <pre> does not count */
    char **title;
    vt_status status;
} walk;

static kind kind_of(GumboTag tag) {
    switch (tag) {
    case GUMBO_TAG_H1: case GUMBO_TAG_H2: case GUMBO_TAG_H3: case GUMBO_TAG_H4: case GUMBO_TAG_H5: case GUMBO_TAG_H6: return HEADING;
    case GUMBO_TAG_PRE: case GUMBO_TAG_LISTING: return PRE;
    case GUMBO_TAG_BR: case GUMBO_TAG_LI: case GUMBO_TAG_TR: case GUMBO_TAG_DT: case GUMBO_TAG_DD: return LINE;
    case GUMBO_TAG_TD: case GUMBO_TAG_TH: return CELL;
    case GUMBO_TAG_P: case GUMBO_TAG_DIV: case GUMBO_TAG_UL: case GUMBO_TAG_OL: case GUMBO_TAG_DL: case GUMBO_TAG_TABLE: case GUMBO_TAG_CAPTION:
    case GUMBO_TAG_BLOCKQUOTE: case GUMBO_TAG_SECTION: case GUMBO_TAG_ARTICLE: case GUMBO_TAG_ASIDE: case GUMBO_TAG_HEADER: case GUMBO_TAG_FOOTER:
    case GUMBO_TAG_MAIN: case GUMBO_TAG_FIGURE: case GUMBO_TAG_FIGCAPTION: case GUMBO_TAG_ADDRESS: case GUMBO_TAG_HR: case GUMBO_TAG_FORM:
    case GUMBO_TAG_FIELDSET: case GUMBO_TAG_DETAILS: case GUMBO_TAG_SUMMARY: case GUMBO_TAG_CENTER: case GUMBO_TAG_DIR: case GUMBO_TAG_MENU:
    case GUMBO_TAG_HGROUP: case GUMBO_TAG_BODY: case GUMBO_TAG_THEAD: case GUMBO_TAG_TBODY: case GUMBO_TAG_TFOOT: return BLOCK;
    case GUMBO_TAG_NAV: case GUMBO_TAG_TEMPLATE: case GUMBO_TAG_NOSCRIPT: case GUMBO_TAG_SVG: case GUMBO_TAG_MATH: case GUMBO_TAG_OBJECT:
    case GUMBO_TAG_CANVAS: case GUMBO_TAG_AUDIO: case GUMBO_TAG_VIDEO: case GUMBO_TAG_SELECT: case GUMBO_TAG_BUTTON: return SKIPPED;
    case GUMBO_TAG_TITLE: case GUMBO_TAG_SCRIPT: case GUMBO_TAG_STYLE: case GUMBO_TAG_TEXTAREA: case GUMBO_TAG_IFRAME: case GUMBO_TAG_NOEMBED:
    case GUMBO_TAG_NOFRAMES: case GUMBO_TAG_XMP: case GUMBO_TAG_PLAINTEXT: return RAW;
    case GUMBO_TAG_AREA: case GUMBO_TAG_BASE: case GUMBO_TAG_BASEFONT: case GUMBO_TAG_BGSOUND: case GUMBO_TAG_COL: case GUMBO_TAG_EMBED:
    case GUMBO_TAG_FRAME: case GUMBO_TAG_IMG: case GUMBO_TAG_IMAGE: case GUMBO_TAG_INPUT: case GUMBO_TAG_KEYGEN: case GUMBO_TAG_LINK:
    case GUMBO_TAG_META: case GUMBO_TAG_PARAM: case GUMBO_TAG_SOURCE: case GUMBO_TAG_TRACK: case GUMBO_TAG_WBR: return EMPTY;
    default: return INLINE;
    }
}

/* ---- text ---- */

static void say_plain(walk *w, const char *text, size_t len) {
    if (w->pre_begins && len > 0) {
        size_t skip = text[0] == '\n' ? 1 : text[0] == '\r' ? 1 + (size_t)(len > 1 && text[1] == '\n') : 0;
        w->pre_begins = 0;
        text += skip;
        len -= skip;
    }
    if (w->pre > 0) vt__cutter_verbatim(w->c, text, len);
    else vt__cutter_text(w->c, text, len);
}

static void say(walk *w, const char *text, size_t len) {
    for (size_t i = 0; i < len && w->status == VT_OK;) {
        const char *sign = memchr(text + i, '&', len - i), *meaning;
        size_t end = sign ? (size_t)(sign - text) : len, used;
        say_plain(w, text + i, end - i);
        i = end;
        if (i == len) break;
        w->status = vt__entity_decode(&w->entities, text + i, len - i, &meaning, &used);
        if (w->status == VT_OK) say_plain(w, meaning, strlen(meaning));
        i += used;
    }
}

/* One line, white space collapsed: a heading. The first title is the document's. */
static void keep_title(walk *w, const vt__html_token *content) {
    vt__cutter line, *body = w->c;
    if (*w->title || w->left_out > 0) return;
    vt__cutter_init(&line, body->ctx);
    vt__cutter_heading_begin(&line);
    w->c = &line;
    say(w, content->text, content->len);
    w->c = body;
    vt__bytes_append_byte(&line.heading, '\0');
    if (line.heading.failed) body->failed = 1;
    *w->title = line.heading.data;
    line.heading.data = NULL;
    vt__cutter_free(&line);
}

/* ---- elements ---- */

static int is_one_of(const char *word, size_t len, const char *const *words) {
    for (; *words; words++)
        if (strlen(*words) == len && memcmp(*words, word, len) == 0) return 1;
    return 0;
}

static int has_word(const vt__html_attribute *a, const char *const *words) {
    for (size_t i = 0, n; i < a->value_len; i += n + 1) {
        for (n = 0; i + n < a->value_len && !strchr(" \t\r\n\f", a->value[i + n]);) n++;
        if (is_one_of(a->value + i, n, words)) return 1;
    }
    return 0;
}

/* Hidden, or a way through documents that is no <nav>: by role of WAI-ARIA, or by class as DocBook, Sphinx, Doxygen and the like write them. */
static int is_left_out(const vt__html_token *t) {
    static const char *const roles[] = {"navigation", "search", NULL};
    static const char *const classes[] = {"nav", "navbar", "navheader", "navfooter", "navigation", "toc", "breadcrumb", "breadcrumbs", "headerlink", NULL};
    vt__html_attribute a;
    for (size_t at = 0; vt__html_next_attribute(t, &at, &a);) {
        if (a.name_len == 6 && strncasecmp(a.name, "hidden", 6) == 0) return 1;
        if (a.name_len == 4 && strncasecmp(a.name, "role", 4) == 0 && has_word(&a, roles)) return 1;
        if (a.name_len == 5 && strncasecmp(a.name, "class", 5) == 0 && has_word(&a, classes)) return 1;
    }
    return 0;
}

static void pop(walk *w) {
    place p = w->open[--w->n_open];
    w->n_of[p.tag]--;
    w->left_out -= p.left_out;
    if (p.kind == PRE) {
        w->pre--;
        w->pre_begins = 0;
    }
    if (w->left_out > 0 || p.left_out) return;
    if (p.kind == BLOCK || p.kind == PRE) vt__cutter_lines(w->c, 2);
    /* A heading inside of a heading belongs to it. */
    if (p.kind == HEADING && --w->headings == 0) vt__cutter_heading_end(w->c, (int32_t)(p.tag - GUMBO_TAG_H1) + 1);
}

static void push(walk *w, GumboTag tag, kind k, int left_out) {
    if (vt__reserve(w->c->ctx, (void **)&w->open, &w->cap_open, w->n_open + 1, sizeof *w->open)) {
        w->status = vt__fail_nomem("html", 0);
        return;
    }
    w->open[w->n_open++] = (place){.tag = tag, .kind = k, .left_out = left_out};
    w->n_of[tag]++;
    w->left_out += left_out;
    w->pre += k == PRE;
    if (k == HEADING && w->left_out == 0 && w->headings++ == 0) vt__cutter_heading_begin(w->c);
}

/* Whether an element on top of the stack, without an end tag of its own, ends where this one begins. Only what is left out gets there. */
static int ends_before(GumboTag top, GumboTag tag, kind k) {
    switch (top) {
    case GUMBO_TAG_P: return k == BLOCK || k == HEADING || k == PRE || (k == LINE && tag != GUMBO_TAG_BR) || k == CELL;
    case GUMBO_TAG_LI: return tag == GUMBO_TAG_LI;
    case GUMBO_TAG_DT: case GUMBO_TAG_DD: return tag == GUMBO_TAG_DT || tag == GUMBO_TAG_DD;
    case GUMBO_TAG_TD: case GUMBO_TAG_TH: return k == CELL || tag == GUMBO_TAG_TR;
    case GUMBO_TAG_TR: return tag == GUMBO_TAG_TR;
    default: return 0;
    }
}

/* The content of an element that holds no markup. Inside of drawings and formulas they are elements like others, and left out anyway. */
static void take_raw(walk *w, GumboTag tag) {
    vt__html_token content;
    if (w->n_of[GUMBO_TAG_SVG] + w->n_of[GUMBO_TAG_MATH] > 0) return;
    vt__html_raw(&w->in, gumbo_normalized_tagname(tag), &content);
    if (tag == GUMBO_TAG_TITLE) keep_title(w, &content);
    if (w->left_out > 0 || (tag != GUMBO_TAG_XMP && tag != GUMBO_TAG_PLAINTEXT)) return;
    vt__cutter_lines(w->c, 2);
    vt__cutter_verbatim(w->c, content.text, content.len);
    vt__cutter_lines(w->c, 2);
}

static void take_start(walk *w, const vt__html_token *t) {
    kind k = kind_of(t->tag);
    int foreign = t->tag == GUMBO_TAG_SVG || t->tag == GUMBO_TAG_MATH;
    while (w->n_open > 0 && ends_before(w->open[w->n_open - 1].tag, t->tag, k)) pop(w);
    if (k == HEADING && w->n_open > 0 && w->open[w->n_open - 1].kind == HEADING) pop(w); /* the one before was not closed */
    if (w->left_out == 0) {
        if (k == LINE) vt__cutter_lines(w->c, 1);
        if (k == BLOCK || k == PRE) vt__cutter_lines(w->c, 2);
        if (k == CELL) vt__cutter_gap(w->c, '\t');
    }
    if (k == RAW) take_raw(w, t->tag);
    if (k == EMPTY || k == RAW || t->tag == GUMBO_TAG_BR || t->tag == GUMBO_TAG_HR || (foreign && t->self_closing)) return;
    int left_out = k == SKIPPED || is_left_out(t);
    int contains = (k == BLOCK && t->tag != GUMBO_TAG_P && t->tag != GUMBO_TAG_BODY) || k == HEADING || k == PRE;
    if (left_out || contains) push(w, t->tag, k, left_out);
    w->pre_begins = k == PRE;
}

static int is_heading(GumboTag tag) { return kind_of(tag) == HEADING; }

static void take_end(walk *w, const vt__html_token *t) {
    kind k = kind_of(t->tag);
    int64_t open = w->n_of[t->tag];
    if (k == HEADING) /* any heading's end ends any heading */
        for (GumboTag h = GUMBO_TAG_H1; h <= GUMBO_TAG_H6; h++) open += h != t->tag ? w->n_of[h] : 0;
    while (open > 0) {
        GumboTag top = w->open[w->n_open - 1].tag;
        pop(w);
        if (top == t->tag || (k == HEADING && is_heading(top))) break;
    }
    if (w->left_out > 0) return;
    if (k == LINE) vt__cutter_lines(w->c, 1);
    if (k == BLOCK || k == HEADING) vt__cutter_lines(w->c, 2);
}

vt_status vt__html_cut(vt__cutter *c, const char *text, size_t len, char **out_title) {
    walk w = {.c = c, .in = {text, len, 0}, .title = out_title, .status = VT_OK};
    vt__html_token t;

    *out_title = NULL;
    vt__entities_init(&w.entities, c->ctx);
    while (w.status == VT_OK && !c->failed && vt__html_next(&w.in, &t)) {
        if (t.kind == VT__HTML_START) take_start(&w, &t);
        else if (t.kind == VT__HTML_END) take_end(&w, &t);
        else if (w.left_out == 0) say(&w, t.text, t.len);
    }
    while (w.n_open > 0) pop(&w);
    vt__entities_free(&w.entities);
    vt__free(c->ctx, w.open);
    return w.status;
}
