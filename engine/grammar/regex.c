/* Regular expressions of `pattern` (ECMA 262, the part without assertions and back references) to GBNF for what stands between the quotes of a
 * JSON string: quotes, backslashes and control characters are written as escapes; control characters without a short escape are left out. */
#include <stdio.h>

#include "core/error.h"
#include "grammar/schema_internal.h"

enum { NESTING = 32, MOST_RANGES = 256, HIGHEST = 0x10FFFF };

typedef struct regex {
    vt__bytes *out;
    const char *at, *end;
    int nesting;
} regex;

typedef struct set {
    struct {
        uint32_t low, high;
    } r[MOST_RANGES];
    int n;
} set;

static vt_status refuse(const char *what) { return vt__fail(VT_ERR_UNSUPPORTED, "schema: pattern with %s is not supported", what); }
static vt_status broken(const char *what) { return vt__fail(VT_ERR_FORMAT, "schema: pattern with %s", what); }

static int peek(const regex *x) { return x->at < x->end ? (unsigned char)*x->at : -1; }

static int take(regex *x, const char *text) {
    size_t n = strlen(text);
    if ((size_t)(x->end - x->at) < n || memcmp(x->at, text, n) != 0) return 0;
    x->at += n;
    return 1;
}

/* ---- sets of characters ---- */

static vt_status add(set *s, uint32_t low, uint32_t high) {
    int i = s->n;
    if (s->n == MOST_RANGES) return vt__fail(VT_ERR_LIMIT, "schema: pattern with a class of more than %d ranges", MOST_RANGES);
    for (; i > 0 && s->r[i - 1].low > low; i--) s->r[i] = s->r[i - 1];
    s->r[i].low = low;
    s->r[i].high = high;
    s->n++;
    return VT_OK;
}

/* All that is not in `s`. */
static vt_status add_others(set *out, const set *s) {
    uint32_t from = 0;
    vt_status st = VT_OK;
    for (int i = 0; i < s->n && st == VT_OK; i++) {
        if (s->r[i].low > from) st = add(out, from, s->r[i].low - 1);
        if (s->r[i].high + 1 > from) from = s->r[i].high + 1;
    }
    if (st == VT_OK && from <= HIGHEST) st = add(out, from, HIGHEST);
    return st;
}

/* \d \w \s and, in capitals, all others. */
static vt_status add_kind(set *out, int c) {
    static const uint32_t digits[] = {'0', '9', 0}, words[] = {'0', '9', 'A', 'Z', '_', '_', 'a', 'z', 0},
                          spaces[] = {9, 13, ' ', ' ', 0xA0, 0xA0, 0x1680, 0x1680, 0x2000, 0x200A, 0x2028, 0x2029, 0x202F, 0x202F, 0x205F, 0x205F, 0x3000, 0x3000,
                                      0xFEFF, 0xFEFF, 0};
    const uint32_t *r = c == 'd' || c == 'D' ? digits : c == 'w' || c == 'W' ? words : spaces;
    set kind = {.n = 0};
    vt_status st = VT_OK;
    for (; *r && st == VT_OK; r += 2) st = add(c >= 'a' ? out : &kind, r[0], r[1]);
    return st == VT_OK && c < 'a' ? add_others(out, &kind) : st;
}

/* A part of a class in GBNF; ASCII by its escape, so that nothing has a meaning of its own. */
static void write_char(vt__bytes *out, uint32_t c) {
    char text[16];
    snprintf(text, sizeof text, c < 0x80 ? "\\x%02X" : "\\U%08X", (unsigned)c);
    vt__schema_text(out, text);
}

static void write_plain(vt__bytes *out, uint32_t low, uint32_t high, int *n) {
    if (low > high || (low >= 0xD800 && high <= 0xDFFF)) return;
    if (low >= 0xD800 && low <= 0xDFFF) low = 0xE000;
    if (high >= 0xD800 && high <= 0xDFFF) high = 0xD7FF;
    vt__schema_text(out, (*n)++ == 0 ? "[" : "");
    write_char(out, low);
    if (high == low) return;
    vt__schema_text(out, "-");
    write_char(out, high);
}

static int holds(const set *s, uint32_t c) {
    for (int i = 0; i < s->n; i++)
        if (c >= s->r[i].low && c <= s->r[i].high) return 1;
    return 0;
}

static vt_status write_set(vt__bytes *out, const set *s) {
    static const struct {
        uint32_t c;
        const char *text; /* a GBNF literal of its JSON escape */
    } escapes[] = {{'"', "\"\\\\\\\"\""}, {'\\', "\"\\\\\\\\\""}, {'\n', "\"\\\\n\""}, {'\r', "\"\\\\r\""}, {'\t', "\"\\\\t\""}, {'\b', "\"\\\\b\""}, {'\f', "\"\\\\f\""}};
    static const uint32_t cuts[][2] = {{0x20, 0x21}, {0x23, 0x5B}, {0x5D, HIGHEST}}; /* what needs no escape */
    int n = 0;
    vt__schema_text(out, "(");
    for (int i = 0; i < s->n; i++)
        for (size_t k = 0; k < 3; k++)
            write_plain(out, s->r[i].low > cuts[k][0] ? s->r[i].low : cuts[k][0], s->r[i].high < cuts[k][1] ? s->r[i].high : cuts[k][1], &n);
    if (n > 0) vt__schema_text(out, "]");
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        if (!holds(s, escapes[i].c)) continue;
        vt__schema_text(out, n++ > 0 ? " | " : "");
        vt__schema_text(out, escapes[i].text);
    }
    vt__schema_text(out, ")");
    return n > 0 ? VT_OK : refuse("a class of control characters");
}

/* ---- characters ---- */

static vt_status read_hex(regex *x, int n, uint32_t *out) {
    *out = 0;
    for (int i = 0; i < n; i++, x->at++) {
        int c = peek(x), v = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (v < 0) return broken("an escape with too few hexadecimal digits");
        *out = *out << 4 | (uint32_t)v;
    }
    return *out >= 0xD800 && *out <= 0xDFFF ? refuse("half of a surrogate pair") : VT_OK;
}

/* Behind a backslash: one character, or a kind of them (*kind, then *out does not matter). */
static vt_status read_escape(regex *x, uint32_t *out, int *kind) {
    int c = peek(x);
    *kind = 0;
    if (c < 0) return broken("a backslash at its end");
    x->at++;
    switch (c) {
    case 'd': case 'D': case 'w': case 'W': case 's': case 'S': *kind = c; return VT_OK;
    case 'n': *out = '\n'; return VT_OK;
    case 'r': *out = '\r'; return VT_OK;
    case 't': *out = '\t'; return VT_OK;
    case 'f': *out = '\f'; return VT_OK;
    case 'v': *out = '\v'; return VT_OK;
    case 'x': return read_hex(x, 2, out);
    case 'u': return read_hex(x, 4, out);
    default: break;
    }
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80) {
        char what[] = "the escape '\\?'";
        what[sizeof what - 3] = (char)(c < 0x80 ? c : '?');
        return refuse(what);
    }
    *out = (uint32_t)c;
    return VT_OK;
}

/* A character that stands for itself; the text is valid UTF-8. */
static uint32_t read_char(regex *x) {
    unsigned char c = (unsigned char)*x->at++;
    int n = c < 0x80 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    uint32_t v = n == 0 ? c : c & (0x3Fu >> n);
    while (n-- > 0 && x->at < x->end) v = v << 6 | ((unsigned char)*x->at++ & 0x3Fu);
    return v;
}

static vt_status read_class_char(regex *x, uint32_t *out, int *kind) {
    *kind = 0;
    if (peek(x) < 0) return broken("a class that does not end");
    if (take(x, "\\b")) {
        *out = '\b';
        return VT_OK;
    }
    if (take(x, "\\")) return read_escape(x, out, kind);
    *out = read_char(x);
    return VT_OK;
}

static vt_status read_class(regex *x) {
    set s = {.n = 0}, others = {.n = 0};
    int negated = take(x, "^"), kind, high_kind;
    vt_status st = VT_OK;
    while (st == VT_OK && !take(x, "]")) {
        uint32_t low = 0, high;
        st = read_class_char(x, &low, &kind);
        high = low;
        if (st == VT_OK && !kind && peek(x) == '-' && x->at + 1 < x->end && x->at[1] != ']') {
            x->at++;
            st = read_class_char(x, &high, &high_kind);
            if (st == VT_OK && (high_kind || high < low)) st = broken("a range that is none");
        }
        if (st == VT_OK) st = kind ? add_kind(&s, kind) : add(&s, low, high);
    }
    if (st == VT_OK && negated) st = add_others(&others, &s);
    return st == VT_OK ? write_set(x->out, negated ? &others : &s) : st;
}

/* ---- expressions ---- */

static vt_status read_choice(regex *x);

static vt_status read_group(regex *x) {
    if (take(x, "?")) {
        if (!take(x, ":")) return refuse("an assertion, or a named group");
    }
    if (++x->nesting > NESTING) return vt__fail(VT_ERR_LIMIT, "schema: pattern with more than %d groups inside each other", NESTING);
    vt__schema_text(x->out, "(");
    vt_status st = read_choice(x);
    vt__schema_text(x->out, ")");
    x->nesting--;
    if (st == VT_OK && !take(x, ")")) return broken("a group that does not end");
    return st;
}

static vt_status read_atom(regex *x) {
    set s = {.n = 0};
    uint32_t c;
    int kind = 0;
    vt_status st;
    if (take(x, "(")) return read_group(x);
    if (take(x, "[")) return read_class(x);
    if (take(x, ".")) {
        set breaks = {.n = 0};
        st = add(&breaks, '\n', '\n');
        if (st == VT_OK) st = add(&breaks, '\r', '\r');
        if (st == VT_OK) st = add(&breaks, 0x2028, 0x2029);
        if (st == VT_OK) st = add_others(&s, &breaks);
        return st == VT_OK ? write_set(x->out, &s) : st;
    }
    if (peek(x) == '^' || peek(x) == '$') return refuse("'^' or '$' inside");
    if (peek(x) == '*' || peek(x) == '+' || peek(x) == '?') return broken("a repetition of nothing");
    if (peek(x) == '{' || peek(x) == '}' || peek(x) == ']') return broken("a bracket that belongs to nothing");
    if (take(x, "\\")) {
        st = read_escape(x, &c, &kind);
        if (st != VT_OK) return st;
    } else {
        c = read_char(x);
    }
    st = kind ? add_kind(&s, kind) : add(&s, c, c);
    return st == VT_OK ? write_set(x->out, &s) : st;
}

/* Least or greedy makes no difference to what matches in whole. */
static vt_status read_repetition(regex *x) {
    int64_t least = 0, most = -1;
    if (take(x, "*")) vt__schema_text(x->out, "*");
    else if (take(x, "+")) vt__schema_text(x->out, "+");
    else if (take(x, "?")) vt__schema_text(x->out, "?");
    else if (take(x, "{")) {
        int digits = 0;
        for (; peek(x) >= '0' && peek(x) <= '9' && least < 1000000; digits++) least = least * 10 + (*x->at++ - '0');
        most = least;
        if (take(x, ",")) {
            most = peek(x) >= '0' && peek(x) <= '9' ? 0 : -1;
            while (peek(x) >= '0' && peek(x) <= '9' && most < 1000000) most = most * 10 + (*x->at++ - '0');
        }
        if (digits == 0 || !take(x, "}") || (most >= 0 && most < least)) return broken("a repetition {...} that is none");
        vt__schema_repeat(x->out, least, most);
    } else {
        return VT_OK;
    }
    take(x, "?");
    if (peek(x) == '*' || peek(x) == '+' || peek(x) == '?' || peek(x) == '{') return broken("a repetition of a repetition");
    return VT_OK;
}

/* A '$' that ends an alternative of the outermost level. */
static int at_last_anchor(const regex *x) { return x->nesting == 0 && peek(x) == '$' && (x->at + 1 == x->end || x->at[1] == '|'); }

static vt_status read_sequence(regex *x) {
    vt_status st = VT_OK;
    int anchored = x->nesting > 0 || take(x, "^");
    vt__schema_text(x->out, anchored ? "\"\" " : "char* ");
    while (st == VT_OK && peek(x) >= 0 && peek(x) != '|' && peek(x) != ')' && !at_last_anchor(x)) {
        st = read_atom(x);
        if (st == VT_OK) st = read_repetition(x);
        vt__schema_text(x->out, " ");
    }
    if (x->nesting == 0 && !take(x, "$")) vt__schema_text(x->out, "char*");
    return st;
}

static vt_status read_choice(regex *x) {
    vt_status st = read_sequence(x);
    while (st == VT_OK && take(x, "|")) {
        vt__schema_text(x->out, " | ");
        st = read_sequence(x);
    }
    return st;
}

vt_status vt__schema_regex(vt__bytes *out, const char *text, size_t len) {
    regex x = {out, text, text + len, 0};
    vt__schema_text(out, "(");
    vt_status st = read_choice(&x);
    vt__schema_text(out, ")");
    if (st == VT_OK && x.at < x.end) return broken("')' that belongs to nothing");
    return st;
}
