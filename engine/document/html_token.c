#include "document/html_token.h"

#include <string.h>
#include <strings.h>

static int is_space(char b) { return b == ' ' || b == '\t' || b == '\n' || b == '\r' || b == '\f'; }
static int is_letter(char b) { return (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z'); }

/* What ends a tag's name: nothing of these may be in it. */
static int ends_name(char b) { return is_space(b) || b == '/' || b == '>'; }

/* Offset of the first b at or behind `at`; len if there is none. */
static size_t find(const char *text, size_t at, size_t len, char b) {
    const char *p = at < len ? memchr(text + at, b, len - at) : NULL;
    return p ? (size_t)(p - text) : len;
}

/* Reads one attribute at *at. 1: there was one; 0: '>' or the end is at *at. A value whose quote is not closed runs to the end. */
static int read_attribute(const char *text, size_t len, size_t *at, vt__html_attribute *out) {
    size_t i = *at;
    while (i < len && (is_space(text[i]) || text[i] == '/')) i++;
    *at = i;
    if (i == len || text[i] == '>') return 0;
    out->name = text + i++; /* a first '=' belongs to the name */
    while (i < len && !ends_name(text[i]) && text[i] != '=') i++;
    out->name_len = (size_t)(text + i - out->name);
    out->value = "";
    out->value_len = 0;
    size_t sign = i;
    while (sign < len && is_space(text[sign])) sign++;
    *at = i;
    if (sign == len || text[sign] != '=') return 1;
    i = sign + 1;
    while (i < len && is_space(text[i])) i++;
    if (i < len && (text[i] == '"' || text[i] == '\'')) {
        size_t end = find(text, i + 1, len, text[i]);
        out->value = text + i + 1;
        out->value_len = end - i - 1;
        *at = end < len ? end + 1 : len;
        return 1;
    }
    out->value = text + i;
    while (i < len && !is_space(text[i]) && text[i] != '>') i++;
    out->value_len = (size_t)(text + i - out->value);
    *at = i;
    return 1;
}

/* A tag whose name begins at `name`; the place behind its '>', or 0 when the text ends first. */
static size_t read_tag(const vt__html_reader *r, size_t name, vt__html_token *out) {
    vt__html_attribute a;
    size_t i = name;
    while (i < r->len && !ends_name(r->text[i])) i++;
    out->tag = gumbo_tagn_enum(r->text + name, (unsigned)(i - name));
    out->text = r->text + i;
    while (read_attribute(r->text, r->len, &i, &a)) {}
    if (i == r->len) return 0;
    out->len = (size_t)(r->text + i - out->text);
    out->self_closing = r->text[i - 1] == '/';
    return i + 1;
}

/* Behind "<!--": the place behind the comment. */
static size_t comment_end(const char *text, size_t at, size_t len) {
    if (at < len && text[at] == '>') return at + 1;
    if (at + 1 < len && text[at] == '-' && text[at + 1] == '>') return at + 2;
    for (size_t i = at;; i++) {
        i = find(text, i, len, '-');
        if (i + 2 >= len) return len;
        if (text[i + 1] != '-') continue;
        if (text[i + 2] == '>') return i + 3;
        if (text[i + 2] == '!' && i + 3 < len && text[i + 3] == '>') return i + 4;
    }
}

/* '<' at `at` begins a comment, a declaration or an instruction: the place behind it. 0: it begins none. */
static size_t silent_end(const vt__html_reader *r, size_t at) {
    size_t left = r->len - at;
    const char *p = r->text + at;
    if (left >= 4 && memcmp(p, "<!--", 4) == 0) return comment_end(r->text, at + 4, r->len);
    if (left < 2 || (p[1] != '!' && p[1] != '?' && p[1] != '/')) return 0;
    if (p[1] == '/' && left == 2) return 0;
    size_t end = find(r->text, at + 2, r->len, '>');
    return end < r->len ? end + 1 : r->len;
}

int vt__html_next(vt__html_reader *r, vt__html_token *out) {
    size_t start = r->at;
    while (r->at < r->len) {
        size_t at = r->at, behind;
        char second = at + 1 < r->len ? r->text[at + 1] : '\0';
        int is_end = second == '/' && at + 2 < r->len && is_letter(r->text[at + 2]);
        if (r->text[at] != '<') {
            r->at = find(r->text, at, r->len, '<');
            continue;
        }
        if (!is_letter(second) && !is_end && silent_end(r, at) == 0) { /* a sign like any other */
            r->at++;
            continue;
        }
        if (at > start) break;
        *out = (vt__html_token){.kind = is_end ? VT__HTML_END : VT__HTML_START};
        behind = is_end ? read_tag(r, at + 2, out) : is_letter(second) ? read_tag(r, at + 1, out) : silent_end(r, at);
        r->at = start = behind ? behind : r->len;
        if (behind && (is_end || is_letter(second))) return 1;
    }
    *out = (vt__html_token){.kind = VT__HTML_TEXT, .text = r->text + start, .len = r->at - start};
    return r->at > start;
}

/* Whether "</name" stands at p, which has left bytes. */
static int is_end_of(const char *p, size_t left, const char *name, size_t n) {
    return left > n + 2 && p[1] == '/' && strncasecmp(p + 2, name, n) == 0 && ends_name(p[n + 2]);
}

void vt__html_raw(vt__html_reader *r, const char *name, vt__html_token *out) {
    size_t n = strlen(name), start = r->at, i = find(r->text, start, r->len, '<');
    vt__html_token end;
    while (i < r->len && !is_end_of(r->text + i, r->len - i, name, n)) i = find(r->text, i + 1, r->len, '<');
    *out = (vt__html_token){.kind = VT__HTML_TEXT, .text = r->text + start, .len = i - start};
    size_t behind = i < r->len ? read_tag(r, i + 2, &end) : 0;
    r->at = behind ? behind : r->len;
}

int vt__html_next_attribute(const vt__html_token *tag, size_t *at, vt__html_attribute *out) {
    return read_attribute(tag->text, tag->len, at, out);
}
