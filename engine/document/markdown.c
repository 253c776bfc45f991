#include "document/markdown.h"

#include <string.h>

/* One line, without its end; indent: columns of white space in front (a tab is four). */
typedef struct line {
    const char *text; /* behind the indent */
    size_t len;       /* without trailing white space */
    const char *whole;
    size_t whole_len;
    int indent;
} line;

typedef struct reader {
    vt__cutter *c;
    const char *text;
    size_t len, at;
    vt__bytes para;  /* lines of the paragraph at hand, joined by spaces */
    int para_closed; /* the paragraph cannot become a heading (a list item, a table row) */
    char fence;      /* '`' or '~' inside of fenced code, else 0 */
    size_t fence_len;
} reader;

static int next_line(reader *r, line *l) {
    if (r->at >= r->len) return 0;
    const char *start = r->text + r->at, *newline = memchr(start, '\n', r->len - r->at);
    size_t len = newline ? (size_t)(newline - start) : r->len - r->at;
    r->at += len + 1;
    while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '\t' || start[len - 1] == '\r')) len--;
    *l = (line){.text = start, .len = len, .whole = start, .whole_len = len};
    while (l->len > 0 && (*l->text == ' ' || *l->text == '\t')) {
        l->indent += *l->text == '\t' ? 4 : 1;
        l->text++;
        l->len--;
    }
    return 1;
}

/* Number of bytes b at the start of the line. */
static size_t run_of(const line *l, char b) {
    size_t n = 0;
    while (n < l->len && l->text[n] == b) n++;
    return n;
}

static void end_paragraph(reader *r) {
    if (r->para.len > 0) vt__markdown_inline(r->c, r->para.data, (size_t)r->para.len);
    r->para.len = 0;
    r->para_closed = 0;
}

static void heading(reader *r, const char *text, size_t len, int32_t level) {
    vt__cutter_heading_begin(r->c);
    vt__markdown_inline(r->c, text, len);
    vt__cutter_heading_end(r->c, level);
}

/* ---- what a line can be; each answers 1 when it has taken the line ---- */

static int take_fence(reader *r, const line *l) {
    char b = l->len > 0 ? l->text[0] : 0;
    size_t n = run_of(l, b);
    if (r->fence) {
        if (b == r->fence && n >= r->fence_len && n == l->len && l->indent < 4) {
            r->fence = 0;
            vt__cutter_lines(r->c, 2);
        } else {
            vt__cutter_lines(r->c, l->len ? 1 : 2);
            vt__cutter_verbatim(r->c, l->whole, l->whole_len);
        }
        return 1;
    }
    if ((b != '`' && b != '~') || n < 3 || l->indent >= 4 || (b == '`' && memchr(l->text + n, '`', l->len - n))) return 0;
    end_paragraph(r);
    r->fence = b;
    r->fence_len = n;
    vt__cutter_lines(r->c, 2);
    return 1;
}

static int take_atx(reader *r, const line *l) {
    size_t n = run_of(l, '#'), end = l->len;
    if (n < 1 || n > 6 || l->indent >= 4 || (n < l->len && l->text[n] != ' ' && l->text[n] != '\t')) return 0;
    end_paragraph(r);
    size_t close = end;
    while (close > n && l->text[close - 1] == '#') close--;
    if (close < end && (close == n || l->text[close - 1] == ' ' || l->text[close - 1] == '\t')) end = close;
    heading(r, l->text + n, end - n, (int32_t)n);
    return 1;
}

/* A line of '=' or '-' only, under a paragraph. */
static int take_setext(reader *r, const line *l) {
    char b = l->len > 0 ? l->text[0] : 0;
    if ((b != '=' && b != '-') || run_of(l, b) != l->len || l->indent >= 4 || r->para.len == 0 || r->para_closed || r->para.failed) return 0;
    heading(r, r->para.data, (size_t)r->para.len, b == '=' ? 1 : 2);
    r->para.len = 0;
    return 1;
}

/* Three or more of one of "-*_", maybe with spaces: a rule; only "|:- ": the line under a table's head. Neither has words. */
static int take_rule(reader *r, const line *l) {
    size_t marks = 0, others = 0, table = 0;
    for (size_t i = 0; i < l->len; i++) {
        marks += l->text[i] == l->text[0];
        others += l->text[i] != l->text[0] && l->text[i] != ' ' && l->text[i] != '\t';
        table += l->text[i] == '|' || l->text[i] == ':' || l->text[i] == '-' || l->text[i] == ' ';
    }
    int rule = l->len > 0 && strchr("-*_", l->text[0]) && marks >= 3 && others == 0 && l->indent < 4;
    if (!rule && !(l->len >= 3 && table == l->len && memchr(l->text, '|', l->len) && memchr(l->text, '-', l->len))) return 0;
    end_paragraph(r);
    vt__cutter_lines(r->c, rule ? 2 : 1);
    return 1;
}

/* "[name]: address" */
static int take_reference(reader *r, const line *l) {
    const char *close = l->len > 0 && l->text[0] == '[' ? memchr(l->text, ']', l->len) : NULL;
    size_t behind = close ? l->len - (size_t)(close - l->text) : 0;
    if (behind < 3 || close[1] != ':' || (close[2] != ' ' && close[2] != '\t') || l->indent >= 4 || r->para.len > 0) return 0;
    return 1;
}

/* Length of "- ", "* ", "+ ", "1. " or "1) " at the start, else 0. */
static size_t list_marker(const line *l) {
    size_t n = 0;
    while (n < l->len && n < 9 && l->text[n] >= '0' && l->text[n] <= '9') n++;
    int ok = n > 0 ? n < l->len && (l->text[n] == '.' || l->text[n] == ')') : l->len > 0 && strchr("-*+", l->text[0]) != NULL;
    return ok && n + 1 < l->len && l->text[n + 1] == ' ' ? n + 2 : 0;
}

static void take_text(reader *r, line *l) {
    while (l->len > 0 && l->text[0] == '>' && l->indent < 4) { /* quotations read as text */
        size_t skip = l->len > 1 && l->text[1] == ' ' ? 2 : 1;
        l->text += skip;
        l->len -= skip;
        r->para_closed = 1;
    }
    size_t marker = list_marker(l);
    if (marker || (l->len > 0 && l->text[0] == '|')) {
        end_paragraph(r);
        r->para_closed = 1;
        vt__cutter_lines(r->c, 1);
    } else if (l->indent >= 4 && r->para.len == 0) { /* indented code, or more of a list item: lines stay, markup too */
        vt__cutter_lines(r->c, 1);
        vt__cutter_verbatim(r->c, l->whole, l->whole_len);
        return;
    }
    if (r->para.len > 0) vt__bytes_append_byte(&r->para, ' ');
    vt__bytes_append(&r->para, l->text, l->len);
}

static void take_line(reader *r, line *l) {
    if (take_fence(r, l)) return;
    if (l->len == 0) {
        end_paragraph(r);
        vt__cutter_lines(r->c, 2);
        return;
    }
    if (take_atx(r, l) || take_setext(r, l) || take_rule(r, l) || take_reference(r, l)) return;
    take_text(r, l);
}

/* A block between lines "---" at the very start, or nothing. */
static void skip_front_matter(reader *r) {
    line l;
    if (!next_line(r, &l) || l.whole_len != 3 || memcmp(l.whole, "---", 3) != 0) {
        r->at = 0;
        return;
    }
    while (next_line(r, &l))
        if (l.whole_len == 3 && (memcmp(l.whole, "---", 3) == 0 || memcmp(l.whole, "...", 3) == 0)) return;
    r->at = 0;
}

/* "<!-- ... -->" that begins a line; one without an end is text. */
static int skip_comment(reader *r) {
    static const char END[] = "-->";
    if (r->fence || r->len - r->at < 7 || memcmp(r->text + r->at, "<!--", 4) != 0) return 0;
    for (size_t i = r->at + 4; i + 3 <= r->len; i++) {
        const char *dash = memchr(r->text + i, '-', r->len - i);
        if (!dash || (size_t)(dash - r->text) + 3 > r->len) return 0;
        i = (size_t)(dash - r->text);
        if (memcmp(dash, END, 3) == 0) {
            r->at = i + 3;
            return 1;
        }
    }
    return 0;
}

void vt__markdown_cut(vt__cutter *c, const char *text, size_t len) {
    reader r = {.c = c, .text = text, .len = len, .para.ctx = c->ctx};
    line l;
    int comments = 1; /* once one had no end no other has */
    skip_front_matter(&r);
    for (;;) {
        if (comments && r.at < len && text[r.at] == '<') {
            int skipped = skip_comment(&r);
            comments = skipped || r.fence || len - r.at < 4 || memcmp(text + r.at, "<!--", 4) != 0;
            if (skipped) continue;
        }
        if (!next_line(&r, &l)) break;
        take_line(&r, &l);
    }
    end_paragraph(&r);
    if (r.para.failed) c->failed = 1;
    vt__bytes_free(&r.para);
}
