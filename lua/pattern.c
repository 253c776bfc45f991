/* Backtracking matcher of Lua's patterns; see pattern.h.
 *
 * A pattern is a sequence of items. Items that consume one byte each ("one": a byte, '.', %a, [set]) go round in a loop, so that a plain
 * sequence needs no recursion; captures and repetitions recurse for what follows them, at most MAX_DEPTH deep. */
#include "pattern.h"

#include <ctype.h>
#include <lauxlib.h>
#include <string.h>

enum { MAX_DEPTH = 200, BOOK_AT = 2048 };

static int complain(const vt__matcher *m, const char *what) { return luaL_error(m->L, "%s", what); }

static void step(vt__matcher *m, size_t n) {
    m->steps += n;
    if (m->steps >= BOOK_AT) vt__matcher_book(m);
}

/* ---- items of one byte ---- */

/* First byte of the pattern behind the item at p. */
static const char *item_end(const vt__matcher *m, const char *p) {
    char c = *p++;
    if (c == '%') {
        if (p == m->pattern_end) complain(m, "malformed pattern (ends with '%')");
        return p + 1;
    }
    if (c != '[') return p;
    if (p < m->pattern_end && *p == '^') p++;
    do { /* a ']' that comes first is a member */
        if (p == m->pattern_end) complain(m, "malformed pattern (missing ']')");
        c = *p++;
        if (c == '%' && p < m->pattern_end) p++; /* "%]" does not end the set */
    } while (p == m->pattern_end || *p != ']');
    return p + 1;
}

/* c in class %name? An upper-case name is the complement; any other byte stands for itself. */
static int in_class(int c, int name) {
    int in;
    switch (tolower(name)) {
    case 'a': in = isalpha(c); break;
    case 'c': in = iscntrl(c); break;
    case 'd': in = isdigit(c); break;
    case 'g': in = isgraph(c); break;
    case 'l': in = islower(c); break;
    case 'p': in = ispunct(c); break;
    case 's': in = isspace(c); break;
    case 'u': in = isupper(c); break;
    case 'w': in = isalnum(c); break;
    case 'x': in = isxdigit(c); break;
    case 'z': in = c == 0; break; /* not in the manual any more, still in Lua */
    default: return name == c;
    }
    return isupper(name) ? !in : in != 0;
}

/* c in the set between '[' at p and its ']' at close? */
static int in_set(int c, const char *p, const char *close) {
    int wanted = 1;
    if (p[1] == '^') {
        wanted = 0;
        p++;
    }
    for (p++; p < close; p++) {
        if (*p == '%') {
            p++;
            if (in_class(c, (unsigned char)*p)) return wanted;
        } else if (p[1] == '-' && p + 2 < close) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return wanted;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return wanted;
        }
    }
    return !wanted;
}

/* Does the item [p, end) take the byte at s? */
static int takes(vt__matcher *m, const char *s, const char *p, const char *end) {
    step(m, *p == '[' ? 1 + (size_t)(end - p) / 8 : 1); /* a set is as long as the script likes */
    if (s >= m->text_end) return 0;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.': return 1;
    case '%': return in_class(c, (unsigned char)p[1]);
    case '[': return in_set(c, p, end - 1);
    default: return (unsigned char)*p == c;
    }
}

/* ---- matching ---- */

static const char *match(vt__matcher *m, const char *s, const char *p);

/* As many as possible first. */
static const char *match_longest(vt__matcher *m, const char *s, const char *p, const char *end) {
    ptrdiff_t n = 0;
    while (takes(m, s + n, p, end)) n++;
    for (; n >= 0; n--) {
        const char *found = match(m, s + n, end + 1);
        if (found) return found;
        step(m, 1);
    }
    return NULL;
}

/* As few as possible first. */
static const char *match_shortest(vt__matcher *m, const char *s, const char *p, const char *end) {
    for (;;) {
        const char *found = match(m, s, end + 1);
        if (found) return found;
        if (!takes(m, s, p, end)) return NULL;
        s++;
    }
}

/* %bxy, p at x */
static const char *match_balanced(vt__matcher *m, const char *s, const char *p) {
    if (p + 1 >= m->pattern_end) complain(m, "malformed pattern (missing arguments to '%b')");
    if (s >= m->text_end || *s != p[0]) return NULL;
    int64_t open = 1;
    while (++s < m->text_end) {
        step(m, 1);
        if (*s == p[1]) {
            if (--open == 0) return s + 1;
        } else if (*s == p[0]) {
            open++;
        }
    }
    return NULL;
}

static const char *match_open(vt__matcher *m, const char *s, const char *p, ptrdiff_t kind) {
    if (m->n_captures >= VT__MAX_CAPTURES) complain(m, "too many captures");
    m->captures[m->n_captures++] = (vt__capture){s, kind};
    const char *found = match(m, s, p);
    if (!found) m->n_captures--;
    return found;
}

static const char *match_close(vt__matcher *m, const char *s, const char *p) {
    int i = m->n_captures - 1;
    while (i >= 0 && m->captures[i].len != VT__CAPTURE_OPEN) i--;
    if (i < 0) {
        complain(m, "invalid pattern capture");
        return NULL;
    }
    m->captures[i].len = s - m->captures[i].start;
    const char *found = match(m, s, p);
    if (!found) m->captures[i].len = VT__CAPTURE_OPEN;
    return found;
}

/* %1 to %9: the text of a closed capture again. */
static const char *match_again(vt__matcher *m, const char *s, int digit) {
    int i = digit - '1';
    if (i < 0 || i >= m->n_captures || m->captures[i].len == VT__CAPTURE_OPEN) luaL_error(m->L, "invalid capture index %%%d", i + 1);
    size_t len = (size_t)m->captures[i].len; /* of a position capture: longer than any text */
    if ((size_t)(m->text_end - s) < len || memcmp(m->captures[i].start, s, len) != 0) return NULL;
    step(m, len / 16);
    return s + len;
}

/* %f[set], p at '[': between a byte outside the set and one in it; the ends of the text count as NUL. */
static int at_frontier(vt__matcher *m, const char *s, const char *p, const char *end) {
    int before = s == m->text ? 0 : (unsigned char)s[-1], here = s < m->text_end ? (unsigned char)*s : 0;
    step(m, 1 + (size_t)(end - p) / 4);
    return !in_set(before, p, end - 1) && in_set(here, p, end - 1);
}

/* Items that begin with '%' and are no class: *s and *p move behind what matched. 1 matched, 0 not, -1 not such an item. */
static int match_special(vt__matcher *m, const char **s, const char **p) {
    const char *item = *p;
    char kind = item + 1 < m->pattern_end ? item[1] : '\0';
    if (kind == 'b') {
        *s = match_balanced(m, *s, item + 2);
        *p = item + 4;
    } else if (kind == 'f') {
        if (item + 2 >= m->pattern_end || item[2] != '[') complain(m, "missing '[' after '%f' in pattern");
        *p = item_end(m, item + 2);
        return at_frontier(m, *s, item + 2, *p);
    } else if (kind >= '0' && kind <= '9') {
        *s = match_again(m, *s, kind);
        *p = item + 2;
    } else {
        return -1;
    }
    return *s != NULL;
}

static const char *match_items(vt__matcher *m, const char *s, const char *p) {
    while (p != m->pattern_end) {
        if (*p == '(') return p[1] == ')' ? match_open(m, s, p + 2, VT__CAPTURE_POSITION) : match_open(m, s, p + 1, VT__CAPTURE_OPEN);
        if (*p == ')') return match_close(m, s, p + 1);
        if (*p == '$' && p + 1 == m->pattern_end) return s == m->text_end ? s : NULL;
        if (*p == '%') {
            int special = match_special(m, &s, &p);
            if (special == 0) return NULL;
            if (special > 0) continue;
        }
        const char *end = item_end(m, p);
        int one = takes(m, s, p, end);
        char repeat = end < m->pattern_end ? *end : '\0';
        if (repeat == '?' && one) {
            const char *found = match(m, s + 1, end + 1);
            if (found) return found;
        }
        if (repeat == '+') return one ? match_longest(m, s + 1, p, end) : NULL;
        if (repeat == '*' && one) return match_longest(m, s, p, end);
        if (repeat == '-' && one) return match_shortest(m, s, p, end);
        if (repeat == '*' || repeat == '-' || repeat == '?') {
            p = end + 1; /* none of it */
        } else if (one) {
            s++;
            p = end;
        } else {
            return NULL;
        }
    }
    return s;
}

static const char *match(vt__matcher *m, const char *s, const char *p) {
    if (m->depth-- == 0) complain(m, "pattern too complex");
    step(m, 1);
    const char *found = match_items(m, s, p);
    m->depth++;
    return found;
}

/* ---- interface ---- */

void vt__matcher_book(vt__matcher *m) {
    uint64_t steps = m->steps;
    m->steps = 0;
    if (m->charge) m->charge(m->L, steps);
}

void vt__matcher_init(vt__matcher *m, lua_State *L, void (*charge)(lua_State *, uint64_t), const char *text, size_t text_len, const char *pattern,
                      size_t pattern_len) {
    m->L = L;
    m->charge = charge;
    m->text = text;
    m->text_end = text + text_len;
    m->pattern = pattern;
    m->pattern_end = pattern + pattern_len;
    m->n_captures = 0;
    m->depth = MAX_DEPTH;
    m->steps = 0;
}

const char *vt__matcher_run(vt__matcher *m, const char *at) {
    m->n_captures = 0;
    m->depth = MAX_DEPTH;
    return match(m, at, m->pattern);
}

void vt__matcher_push(vt__matcher *m, int i, const char *start, const char *end) {
    if (i >= m->n_captures) {
        if (i > 0) luaL_error(m->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(m->L, start, (size_t)(end - start));
        return;
    }
    const vt__capture *c = &m->captures[i];
    if (c->len == VT__CAPTURE_OPEN) complain(m, "unfinished capture");
    if (c->len == VT__CAPTURE_POSITION)
        lua_pushinteger(m->L, c->start - m->text + 1);
    else
        lua_pushlstring(m->L, c->start, (size_t)c->len);
}

int vt__matcher_push_all(vt__matcher *m, const char *start, const char *end) {
    int n = m->n_captures == 0 && start ? 1 : m->n_captures;
    luaL_checkstack(m->L, n, "too many captures");
    for (int i = 0; i < n; i++) vt__matcher_push(m, i, start, end);
    return n;
}
