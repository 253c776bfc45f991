#include "text/words.h"

#include <string.h>
#include <utf8proc.h>

#include "core/buffer.h"
#include "core/error.h"

/* Normalisation is local: a text may be cut before any code point that never joins the one in front of it (a "starter"), and each piece
 * normalised alone with the same result. Pieces are a letter with its marks, so a few code points long; a longer row of marks than
 * Unicode's stream-safe text format has (30) is cut too, which bounds buffer and time on hostile text. */
enum {
    PIECE_MAX = 30,  /* source code points in a piece */
    EXPANSION = 32,  /* code points that one source code point can become (18 in Unicode 15) */
    TEXT_MAX = 64 << 20
};

typedef struct scanner {
    vt__word_fn fn;
    void *user;
    char word[VT__WORD_MAX + 4];
    size_t len; /* bytes in word */
    int32_t piece[PIECE_MAX * EXPANSION];
    int32_t n_piece; /* decomposed code points */
    int32_t n_source;
} scanner;

static int end_word(scanner *s) {
    size_t len = s->len;
    s->len = 0;
    return len ? s->fn(s->user, s->word, len) : 0;
}

static int is_word_char(int32_t c) {
    utf8proc_category_t cat = utf8proc_category(c);
    return cat >= UTF8PROC_CATEGORY_LU && cat <= UTF8PROC_CATEGORY_NO; /* L*, M*, N* in this order */
}

static int put_char(scanner *s, int32_t c) {
    utf8proc_uint8_t bytes[4];
    if (!is_word_char(c)) return end_word(s);
    size_t n = (size_t)utf8proc_encode_char(c, bytes);
    if (s->len + n > VT__WORD_MAX) {
        int r = end_word(s);
        if (r) return r;
    }
    memcpy(s->word + s->len, bytes, n);
    s->len += n;
    return 0;
}

static int combining_class(int32_t c) { return utf8proc_get_property(c)->combining_class; }

/* Marks into canonical order: stable insertion sort of the runs of non-starters; pieces are short. */
static void order_marks(int32_t *c, int32_t n) {
    for (int32_t i = 1; i < n; i++) {
        int32_t mark = c[i], j = i;
        int cls = combining_class(mark);
        for (; cls > 0 && j > 0 && combining_class(c[j - 1]) > cls; j--) c[j] = c[j - 1];
        c[j] = mark;
    }
}

static int end_piece(scanner *s) {
    int r = 0;
    int32_t n = s->n_piece;
    s->n_piece = s->n_source = 0;
    if (n > 1) {
        order_marks(s->piece, n);
        n = (int32_t)utf8proc_normalize_utf32(s->piece, n, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    }
    for (int32_t i = 0; r == 0 && i < n; i++) r = put_char(s, s->piece[i]);
    return r;
}

/* Starters that can join what stands in front are all marks or the medial and final jamo of Hangul. */
static int joins_backward(int32_t c) {
    utf8proc_category_t cat = utf8proc_category(c);
    return (cat >= UTF8PROC_CATEGORY_MN && cat <= UTF8PROC_CATEGORY_ME) || (c >= 0x1160 && c <= 0x11FF);
}

static int take_char(scanner *s, int32_t c) {
    int32_t folded[EXPANSION];
    int boundclass = 0, r = 0;
    utf8proc_ssize_t n = utf8proc_decompose_char(c, folded, EXPANSION,
                                                 UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, &boundclass);
    if (n < 0 || n > EXPANSION) { /* not assigned: no letter */
        r = end_piece(s);
        return r ? r : end_word(s);
    }
    if (n == 0) return 0; /* ignorable */
    if (s->n_source == PIECE_MAX || !joins_backward(folded[0])) r = end_piece(s);
    memcpy(s->piece + s->n_piece, folded, (size_t)n * sizeof *folded);
    s->n_piece += (int32_t)n;
    s->n_source++;
    return r;
}

/* Most text is ASCII: no piece is open, and the next byte is no mark that would join. */
static int take_ascii(scanner *s, unsigned char b) {
    int r = s->n_piece ? end_piece(s) : 0;
    int lower = b | 0x20;
    if (r) return r;
    if (lower >= 'a' && lower <= 'z') b = (unsigned char)lower;
    else if (b < '0' || b > '9') return end_word(s);
    if (s->len + 1 > VT__WORD_MAX) r = end_word(s);
    s->word[s->len++] = (char)b;
    return r;
}

int vt__words_each(const char *text, size_t len, vt__word_fn fn, void *user) {
    scanner s;
    int r = 0;
    s.fn = fn;
    s.user = user;
    s.len = 0;
    s.n_piece = s.n_source = 0;
    for (size_t i = 0; r == 0 && i < len;) {
        unsigned char b = (unsigned char)text[i];
        if (b < 0x80 && (i + 1 == len || (unsigned char)text[i + 1] < 0x80)) { /* what follows cannot join it */
            r = take_ascii(&s, b);
            i++;
            continue;
        }
        utf8proc_int32_t c;
        size_t left = len - i;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + i, left > 4 ? 4 : (utf8proc_ssize_t)left, &c);
        if (n > 0) {
            r = take_char(&s, c);
        } else {
            r = end_piece(&s);
            if (r == 0) r = end_word(&s);
        }
        i += n > 0 ? (size_t)n : 1;
    }
    if (r == 0) r = end_piece(&s);
    return r ? r : end_word(&s);
}

static int append_line(void *user, const char *word, size_t len) {
    vt__bytes *out = user;
    vt__bytes_append(out, word, len);
    vt__bytes_append_byte(out, '\n');
    return out->failed;
}

vt_status vt__text_words(vt_context *ctx, const char *text, size_t len, vt_buffer **out) {
    vt__bytes lines;
    *out = NULL;
    if (len > TEXT_MAX) return vt__fail(VT_ERR_LIMIT, "words: text of %zu bytes, at most %d", len, (int)TEXT_MAX);
    vt__bytes_init(&lines, ctx);
    (void)vt__words_each(text, len, append_line, &lines);
    return vt__bytes_finish(&lines, "words", out);
}
