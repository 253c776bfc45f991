/* Reads GBNF: rules `name ::= ...` of literals, classes, '.', names, groups, alternatives, and the repetitions ? * + {m} {m,} {m,n}. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "grammar/syntax.h"
#include "text/utf8.h"

enum { END = -1, HIGHEST = 0x10FFFF };

typedef struct reader {
    vt__syntax *s;
    const char *text, *at, *end;
    int nesting;
    const char *counted; /* line breaks before it are in `line` */
    int32_t line;
} reader;

/* ---- where and what ---- */

static vt_status fail_at(const reader *r, const char *what) {
    long long line = 1, column = 1;
    for (const char *p = r->text; p < r->at; p++) {
        column = *p == '\n' ? 1 : column + 1;
        line += *p == '\n';
    }
    return vt__fail(VT_ERR_FORMAT, "grammar: line %lld, column %lld: %s", line, column, what);
}

static int peek(const reader *r) { return r->at < r->end ? (unsigned char)*r->at : END; }

static int take(reader *r, char c) {
    if (peek(r) != (unsigned char)c) return 0;
    r->at++;
    return 1;
}

/* Blanks and comments; line breaks only where they may stand. */
static void skip(reader *r, int lines) {
    for (;;) {
        int c = peek(r);
        if (c == '#')
            while (r->at < r->end && *r->at != '\n') r->at++;
        else if (c == ' ' || c == '\t' || (lines && (c == '\n' || c == '\r')))
            r->at++;
        else
            return;
    }
}

/* An alternative on the next line goes on with the rule. */
static void skip_to_bar(reader *r) {
    reader ahead = *r;
    skip(&ahead, 1);
    if (peek(&ahead) == '|') r->at = ahead.at;
}

static int is_name(int c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

/* ---- building ---- */

static vt_status add_expr(reader *r, vt__expr e, int32_t *out) {
    vt__syntax *s = r->s;
    void *exprs = s->exprs;
    if (s->n_exprs == VT__GBNF_EXPRS) return vt__fail(VT_ERR_LIMIT, "grammar: more than %d expressions", VT__GBNF_EXPRS);
    if (vt__reserve(s->ctx, &exprs, &s->cap_exprs, s->n_exprs + 1, sizeof e)) return vt__fail_nomem("grammar", sizeof e);
    s->exprs = exprs;
    e.sibling = -1;
    *out = (int32_t)s->n_exprs;
    s->exprs[s->n_exprs++] = e;
    return VT_OK;
}

static vt_status add_range(reader *r, uint32_t low, uint32_t high) {
    vt__syntax *s = r->s;
    void *ranges = s->ranges;
    if (vt__reserve(s->ctx, &ranges, &s->cap_ranges, s->n_ranges + 1, sizeof *s->ranges)) return vt__fail_nomem("grammar", sizeof *s->ranges);
    s->ranges = ranges;
    s->ranges[s->n_ranges++] = (vt__char_range){low, high};
    return VT_OK;
}

/* Number of the rule of this name, made if it is new. */
static vt_status rule_of(reader *r, const char *name, size_t len, int32_t *out) {
    vt__syntax *s = r->s;
    void *rules = s->rules;
    int64_t i = vt__map_add(&s->names, name, len, 0);
    if (i < 0) return vt__fail_nomem("grammar", len);
    *out = (int32_t)i;
    if (i < s->n_rules) return VT_OK;
    if (i >= VT__GBNF_RULES) return vt__fail(VT_ERR_LIMIT, "grammar: more than %d rules", VT__GBNF_RULES);
    if (vt__reserve(s->ctx, &rules, &s->cap_rules, i + 1, sizeof *s->rules)) return vt__fail_nomem("grammar", sizeof *s->rules);
    s->rules = rules;
    for (; r->counted < name; r->counted++) r->line += *r->counted == '\n';
    s->rules[s->n_rules++] = (vt__rule){.body = -1, .line = r->line};
    return VT_OK;
}

/* ---- characters ---- */

static int hex_value(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static vt_status read_hex(reader *r, int n, uint32_t *out) {
    *out = 0;
    for (int i = 0; i < n; i++) {
        int v = hex_value(peek(r));
        if (v < 0) return fail_at(r, "an escape with too few hexadecimal digits");
        *out = *out << 4 | (uint32_t)v;
        r->at++;
    }
    if (*out > HIGHEST || (*out >= 0xD800 && *out <= 0xDFFF)) return fail_at(r, "an escape that is no code point");
    return VT_OK;
}

static vt_status read_escape(reader *r, uint32_t *out) {
    int c = peek(r);
    r->at += c != END;
    switch (c) {
    case 'x': return read_hex(r, 2, out);
    case 'u': return read_hex(r, 4, out);
    case 'U': return read_hex(r, 8, out);
    case 'n': *out = '\n'; return VT_OK;
    case 'r': *out = '\r'; return VT_OK;
    case 't': *out = '\t'; return VT_OK;
    case '\\':
    case '"':
    case '[':
    case ']':
    case '-':
    case '^': *out = (uint32_t)c; return VT_OK;
    default: return fail_at(r, "an escape that is not known");
    }
}

/* One code point as written in a literal or a class. */
static vt_status read_char(reader *r, uint32_t *out) {
    size_t n;
    if (take(r, '\\')) return read_escape(r, out);
    if (peek(r) == END || peek(r) == '\n') return fail_at(r, "the line ends inside quotes or brackets");
    if (vt__utf8_step(r->at, (size_t)(r->end - r->at), &n) != VT__UTF8_VALID) return fail_at(r, "bytes that are not UTF-8");
    const unsigned char *p = (const unsigned char *)r->at;
    uint32_t c = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) c = c << 6 | (p[i] & 0x3Fu);
    r->at += n;
    *out = c;
    return VT_OK;
}

static int by_low(const void *a, const void *b) {
    const vt__char_range *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

/* The ranges from `first` on: sorted (few: by insertion), joined, negated if asked for, without surrogates. */
static vt_status close_class(reader *r, int64_t first, int negated) {
    vt__syntax *s = r->s;
    for (int64_t i = first + 1; i < s->n_ranges; i++)
        for (int64_t j = i; j > first && by_low(&s->ranges[j], &s->ranges[j - 1]) < 0; j--) {
            vt__char_range t = s->ranges[j];
            s->ranges[j] = s->ranges[j - 1];
            s->ranges[j - 1] = t;
        }
    int64_t n = s->n_ranges;
    uint32_t from = 0; /* first code point that no range before has */
    vt_status st = VT_OK;
    for (int64_t i = first; i <= n && st == VT_OK; i++) {
        vt__char_range x = i < n ? s->ranges[i] : (vt__char_range){HIGHEST + 1, HIGHEST + 1};
        if (negated && x.low > from) st = add_range(r, from, x.low - 1);
        if (!negated && i < n && x.high >= from) st = add_range(r, x.low > from ? x.low : from, x.high);
        if (x.high + 1 > from) from = x.high + 1;
    }
    int64_t end = s->n_ranges, to = first;
    for (int64_t i = n; i < end && st == VT_OK; i++) { /* D800..DFFF are no characters */
        vt__char_range x = s->ranges[i], below = {x.low, x.high < 0xD7FF ? x.high : 0xD7FF}, above = {x.low > 0xE000 ? x.low : 0xE000, x.high};
        if (below.low <= below.high) s->ranges[to++] = below;
        if (above.low <= above.high && above.high >= 0xE000) {
            if (to > i) st = add_range(r, 0, 0); /* room for one more than there was */
            s->ranges[to++] = above;
        }
    }
    if (st == VT_OK && to == first) return fail_at(r, "a class without characters");
    if (st == VT_OK) s->n_ranges = to;
    return st;
}

static vt_status add_chars(reader *r, int64_t first, int32_t *out) {
    return add_expr(r, (vt__expr){.kind = VT__EXPR_CHARS, .first = (int32_t)first, .count = (int32_t)(r->s->n_ranges - first)}, out);
}

static vt_status read_class(reader *r, int32_t *out) {
    enum { MOST = 1024 }; /* ranges as written: sorting is quadratic */
    int64_t first = r->s->n_ranges;
    int negated = take(r, '^');
    vt_status st = VT_OK;
    while (st == VT_OK && !take(r, ']')) {
        uint32_t low, high;
        st = read_char(r, &low);
        high = low;
        if (st == VT_OK && peek(r) == '-' && r->at + 1 < r->end && r->at[1] != ']') {
            r->at++;
            st = read_char(r, &high);
        }
        if (st == VT_OK && high < low) st = fail_at(r, "a range that ends before it begins");
        if (st == VT_OK && r->s->n_ranges - first == MOST) st = vt__fail(VT_ERR_LIMIT, "grammar: a class of more than %d ranges", MOST);
        if (st == VT_OK) st = add_range(r, low, high);
    }
    if (st == VT_OK) st = close_class(r, first, negated);
    return st == VT_OK ? add_chars(r, first, out) : st;
}

static vt_status read_literal(reader *r, int32_t *out) {
    int32_t last = -1, e;
    vt_status st = add_expr(r, (vt__expr){.kind = VT__EXPR_SEQUENCE, .first = -1}, out);
    while (st == VT_OK && !take(r, '"')) {
        uint32_t c;
        int64_t first = r->s->n_ranges;
        st = read_char(r, &c);
        if (st == VT_OK) st = add_range(r, c, c);
        if (st == VT_OK) st = add_chars(r, first, &e);
        if (st != VT_OK) break;
        if (last < 0) r->s->exprs[*out].first = e;
        else r->s->exprs[last].sibling = e;
        last = e;
    }
    return st;
}

static vt_status read_any(reader *r, int32_t *out) {
    int64_t first = r->s->n_ranges;
    vt_status st = close_class(r, first, 1);
    return st == VT_OK ? add_chars(r, first, out) : st;
}

/* ---- expressions ---- */

static vt_status read_choice(reader *r, int32_t *out);

static vt_status read_name(reader *r, int32_t *out) {
    const char *name = r->at;
    int32_t rule;
    while (is_name(peek(r))) r->at++;
    vt_status st = rule_of(r, name, (size_t)(r->at - name), &rule);
    return st == VT_OK ? add_expr(r, (vt__expr){.kind = VT__EXPR_RULE, .first = rule}, out) : st;
}

static vt_status read_group(reader *r, int32_t *out) {
    if (r->nesting == VT__GBNF_NESTING) return vt__fail(VT_ERR_LIMIT, "grammar: more than %d parentheses inside each other", VT__GBNF_NESTING);
    r->nesting++;
    skip(r, 1);
    vt_status st = read_choice(r, out);
    r->nesting--;
    if (st != VT_OK) return st;
    return take(r, ')') ? VT_OK : fail_at(r, "')' is missing");
}

static vt_status read_item(reader *r, int32_t *out) {
    if (take(r, '"')) return read_literal(r, out);
    if (take(r, '[')) return read_class(r, out);
    if (take(r, '(')) return read_group(r, out);
    if (take(r, '.')) return read_any(r, out);
    return read_name(r, out);
}

static vt_status read_count(reader *r, int32_t *out) {
    int32_t n = 0;
    if (!(peek(r) >= '0' && peek(r) <= '9')) return fail_at(r, "a number is missing");
    while (peek(r) >= '0' && peek(r) <= '9') {
        n = n * 10 + (*r->at++ - '0');
        if (n > VT__GBNF_REPEAT) return vt__fail(VT_ERR_LIMIT, "grammar: a repetition of more than %d", VT__GBNF_REPEAT);
    }
    *out = n;
    return VT_OK;
}

static vt_status read_bounds(reader *r, int32_t *least, int32_t *most) {
    skip(r, 0);
    vt_status st = read_count(r, least);
    *most = *least;
    skip(r, 0);
    if (st == VT_OK && take(r, ',')) {
        skip(r, 0);
        *most = -1;
        if (peek(r) != '}') st = read_count(r, most);
        skip(r, 0);
    }
    if (st != VT_OK) return st;
    if (!take(r, '}')) return fail_at(r, "'}' is missing");
    return *most >= 0 && *most < *least ? fail_at(r, "a repetition whose most is below its least") : VT_OK;
}

/* An item and the repetitions behind it. */
static vt_status read_repeated(reader *r, int32_t *out) {
    int repeats = 0;
    vt_status st = read_item(r, out);
    while (st == VT_OK) {
        int32_t least = 0, most = -1;
        if (take(r, '?')) most = 1;
        else if (take(r, '+')) least = 1;
        else if (take(r, '{')) st = read_bounds(r, &least, &most);
        else if (!take(r, '*')) break;
        if (st == VT_OK && ++repeats > VT__GBNF_NESTING) st = vt__fail(VT_ERR_LIMIT, "grammar: more than %d repetitions of one item", VT__GBNF_NESTING);
        if (st == VT_OK) st = add_expr(r, (vt__expr){.kind = VT__EXPR_REPEAT, .first = *out, .count = least, .most = most}, out);
    }
    return st;
}

static int begins_item(int c) { return c == '"' || c == '[' || c == '(' || c == '.' || is_name(c); }

static vt_status read_sequence(reader *r, int32_t *out) {
    int32_t last = -1, e;
    vt_status st = add_expr(r, (vt__expr){.kind = VT__EXPR_SEQUENCE, .first = -1}, out);
    while (st == VT_OK && begins_item(peek(r))) {
        st = read_repeated(r, &e);
        if (st != VT_OK) break;
        if (last < 0) r->s->exprs[*out].first = e;
        else r->s->exprs[last].sibling = e;
        last = e;
        skip(r, r->nesting > 0);
    }
    return st;
}

static vt_status read_choice(reader *r, int32_t *out) {
    int32_t last, e;
    vt_status st = read_sequence(r, &last);
    *out = last;
    for (int32_t n = 0; st == VT_OK; n++) {
        skip_to_bar(r);
        if (!take(r, '|')) break;
        skip(r, 1);
        if (n == 0) st = add_expr(r, (vt__expr){.kind = VT__EXPR_CHOICE, .first = last}, out);
        if (st == VT_OK) st = read_sequence(r, &e);
        if (st != VT_OK) break;
        r->s->exprs[last].sibling = e;
        last = e;
    }
    return st;
}

static vt_status read_rule(reader *r) {
    const char *name = r->at;
    int32_t rule, body;
    while (is_name(peek(r))) r->at++;
    if (r->at == name) return fail_at(r, "the name of a rule is missing");
    vt_status st = rule_of(r, name, (size_t)(r->at - name), &rule);
    if (st != VT_OK) return st;
    if (r->s->rules[rule].body >= 0) return fail_at(r, "a rule of this name stands above");
    skip(r, 0);
    if (r->end - r->at < 3 || memcmp(r->at, "::=", 3) != 0) return fail_at(r, "'::=' is missing");
    r->at += 3;
    skip(r, 1);
    st = read_choice(r, &body);
    if (st != VT_OK) return st;
    r->s->rules[rule].body = body;
    skip(r, 0);
    if (peek(r) != END && peek(r) != '\n' && peek(r) != '\r') return fail_at(r, "a character that begins nothing");
    return VT_OK;
}

vt_status vt__syntax_parse(vt_context *ctx, const char *gbnf, size_t len, vt__syntax *out) {
    vt_status st = VT_OK;
    reader r = {out, gbnf, gbnf, gbnf + len, 0, gbnf, 1};
    *out = (vt__syntax){.ctx = ctx};
    vt__map_init(&out->names, ctx);
    if (len > VT__GBNF_SIZE) return vt__fail(VT_ERR_LIMIT, "grammar: text of %zu bytes, at most %d are taken", len, VT__GBNF_SIZE);
    for (skip(&r, 1); st == VT_OK && r.at < r.end; skip(&r, 1)) st = read_rule(&r);
    if (st != VT_OK) return st;
    for (int64_t i = 0; i < out->n_rules; i++)
        if (out->rules[i].body < 0) {
            size_t n;
            return vt__fail(VT_ERR_FORMAT, "grammar: line %d: rule '%.80s' is not defined", out->rules[i].line, vt__map_key(&out->names, i, &n));
        }
    int64_t root = vt__map_find(&out->names, "root", 4);
    if (root < 0) return vt__fail(VT_ERR_FORMAT, "grammar: there is no rule 'root'");
    out->root = (int32_t)root;
    return VT_OK;
}

void vt__syntax_free(vt__syntax *s) {
    vt__free(s->ctx, s->exprs);
    vt__free(s->ctx, s->ranges);
    vt__free(s->ctx, s->rules);
    vt__map_free(&s->names);
}
