#include <string.h>

#include "core/memory.h"
#include "document/markdown.h"

/* Two passes over a paragraph. The first marks which bytes go; the second hands out the rest. Marks of emphasis go only in pairs whose outer
 * sides are white space, punctuation or the ends: "5*3", "snake_case" and "*.txt" keep theirs. Looking ahead is paid from a purse that grows
 * with the paragraph, so a row of a million brackets costs no more than a million letters; when it is empty the rest stays as it is. */
enum { MOST_LABEL = 1000, MOST_ADDRESS = 2000, RUN_KINDS = 8, PURSE_BASE = 1 << 20, PURSE_A_BYTE = 16 };

typedef struct inline_text {
    const char *text;
    size_t len;
    char *drop; /* [len], 1: markup */
    size_t purse;           /* bytes that may still be looked at ahead */
    size_t open[RUN_KINDS]; /* start + 1 of the last run of each kind that could open emphasis; 0: none */
} inline_text;

static int is_space(char b) { return b == ' ' || b == '\t' || b == '\n' || b == '\r'; }
static int is_punctuation(char b) { return b != '\0' && strchr("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", b) != NULL; }

static char before(const inline_text *t, size_t i) { return i > 0 ? t->text[i - 1] : ' '; }
static char at(const inline_text *t, size_t i) { return i < t->len ? t->text[i] : ' '; }

/* How far from i one may look for something that is at most `most` bytes away. */
static size_t horizon(inline_text *t, size_t i, size_t most) {
    size_t left = t->len - i;
    if (most > left) most = left;
    return i + (most > t->purse ? t->purse : most);
}

static void drop(inline_text *t, size_t from, size_t n) { memset(t->drop + from, 1, n); }

static size_t run_at(const inline_text *t, size_t i) {
    size_t n = 1;
    while (i + n < t->len && t->text[i + n] == t->text[i]) n++;
    return n;
}

/* "`code`": the marks go, what is between stays as it is. Answers the place behind it. */
static size_t take_code(inline_text *t, size_t i) {
    size_t n = run_at(t, i), end = horizon(t, i, MOST_ADDRESS);
    for (size_t j = i + n; j < end;) {
        size_t m = t->text[j] == '`' ? run_at(t, j) : 0;
        t->purse -= m && m < t->purse ? m : t->purse > 0;
        if (m == n) {
            drop(t, i, n);
            drop(t, j, n);
            return j + n;
        }
        j += m ? m : 1;
    }
    return i + n;
}

static size_t take_emphasis(inline_text *t, size_t i) {
    size_t n = run_at(t, i);
    char left = before(t, i), right = at(t, i + n);
    if (n > 3) return i + n;
    size_t *open = &t->open[(t->text[i] == '*' ? 0 : 4) + n];
    int closes = !is_space(left) && (is_space(right) || is_punctuation(right));
    int opens = !is_space(right) && (is_space(left) || is_punctuation(left));
    if (closes && *open) {
        drop(t, *open - 1, n);
        drop(t, i, n);
        *open = 0;
    } else if (opens) {
        *open = i + 1;
    }
    return i + n;
}

/* Place of the close that belongs to the open bracket at i, or 0 when it is too far or not there. */
static size_t closing(inline_text *t, size_t i, char open, char close, size_t most) {
    size_t end = horizon(t, i, most);
    int depth = 0;
    for (size_t j = i; j < end; j++) {
        char b = t->text[j];
        t->purse--;
        if (b == '\\') j++;
        else if (b == open) depth++;
        else if (b == close && --depth == 0) return j;
    }
    return 0;
}

/* "[label](address)", "[label][name]" and "![label](address)" at i (the bracket); of an image nothing stays. */
static size_t take_link(inline_text *t, size_t i, int image) {
    size_t label = closing(t, i, '[', ']', MOST_LABEL), end = 0;
    if (label && at(t, label + 1) == '(') end = closing(t, label + 1, '(', ')', MOST_ADDRESS);
    if (label && at(t, label + 1) == '[') end = closing(t, label + 1, '[', ']', MOST_LABEL);
    if (!end) return i + 1;
    if (image) {
        drop(t, i - 1, end - i + 2);
        return end + 1;
    }
    drop(t, i, 1);
    drop(t, label, end - label + 1);
    return i + 1; /* the label may hold emphasis, or an image */
}

static void find_markup(inline_text *t) {
    for (size_t i = 0; i < t->len;) {
        char b = t->text[i];
        if (b == '\\' && !t->drop[i] && is_punctuation(at(t, i + 1))) {
            drop(t, i, 1);
            i += 2;
        } else if (t->drop[i] || !strchr("`*_![", b)) i++; /* b is no NUL: the text is clean */
        else if (b == '`') i = take_code(t, i);
        else if (b == '*' || b == '_') i = take_emphasis(t, i);
        else if (b == '[') i = take_link(t, i, 0);
        else i = at(t, i + 1) == '[' ? take_link(t, i + 1, 1) : i + 1;
    }
}

/* The entities that people write by hand. Answers their length, 0 for none. */
static size_t entity(const char *text, size_t len, const char **out) {
    static const char *const known[][2] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&nbsp;", " "}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t n = strlen(known[i][0]);
        *out = known[i][1];
        if (n <= len && memcmp(text, known[i][0], n) == 0) return n;
    }
    return 0;
}

void vt__markdown_inline(vt__cutter *c, const char *text, size_t len) {
    inline_text t = {.text = text, .len = len, .drop = vt__calloc(c->ctx, len), .purse = PURSE_BASE + PURSE_A_BYTE * len};
    if (!t.drop) {
        c->failed = 1;
        return;
    }
    find_markup(&t);
    for (size_t i = 0; i < len;) {
        const char *plain;
        size_t end = i, n = !t.drop[i] && text[i] == '&' ? entity(text + i, len - i, &plain) : 0;
        if (n) vt__cutter_text(c, plain, strlen(plain));
        while (!n && end < len && t.drop[end] == t.drop[i] && (end == i || text[end] != '&')) end++;
        if (!n && !t.drop[i]) vt__cutter_text(c, text + i, end - i);
        i = n ? i + n : end;
    }
    vt__free(c->ctx, t.drop);
}
