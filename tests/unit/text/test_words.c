/* Words for lexical search, through the public call. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include <cmocka.h>

#include "text/words.h"
#include "torture.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

static const struct {
    const char *name, *in, *want;
} cases[] = {
    {"empty", "", ""},
    {"no word", " ,.- \n", ""},
    {"ascii", "Don't PANIC, 42!", "don\nt\npanic\n42\n"},
    {"letters and digits run together", "x86_64 mp3", "x86\n64\nmp3\n"},
    {"sharp s", "Stra\u00DFe STRASSE \u1E9E", "strasse\nstrasse\nss\n"},
    {"full width", "\uFF26\uFF35\uFF2C\uFF2C\uFF11\uFF12", "full12\n"},
    {"composed and not", "\u00C9 e\u0301 E\u0301", "\u00E9\n\u00E9\n\u00E9\n"},
    {"marks in any order", "a\u0323\u0302 a\u0302\u0323 \u1EAD", "\u1EAD\n\u1EAD\n\u1EAD\n"},
    {"ligatures", "\uFB01n \uFB03", "fin\nffi\n"},
    {"superscripts and fractions", "m\u00B2 \u00BD", "m2\n1\n2\n"},
    {"roman numeral", "\u2167", "viii\n"},
    {"digits of other scripts", "\u0664\u0662 \u0967\u0968 \u1369", "\u0664\u0662\n\u0967\u0968\n\u1369\n"},
    {"greek final sigma", "\u039F\u03B4\u03CC\u03C2", "\u03BF\u03B4\u03CC\u03C3\n"},
    {"turkish dotted capital", "\u0130", "i\u0307\n"},
    {"han is one run", "\u6771\u4EAC\u90FD\u3001\u65E5\u672C", "\u6771\u4EAC\u90FD\n\u65E5\u672C\n"},
    {"hangul jamo join", "\u1112\u1161\u11AB", "\uD55C\n"},
    {"kana with voicing marks", "\uFF76\uFF9E", "\u30AC\n"},
    {"devanagari keeps its vowel signs", "\u0939\u093F\u0928\u094D\u0926\u0940", "\u0939\u093F\u0928\u094D\u0926\u0940\n"},
    {"emoji are no words", "a\U0001F44D\U0001F3FDb \u2764\uFE0F", "a\nb\n"},
    {"soft hyphen and joiners vanish", "so\u00ADft zero\u200Dwidth", "soft\nzerowidth\n"},
    {"bad bytes part words", "a\xFF"
                             "b\xC3(c\xE2\x82",
     "a\nb\nc\n"},
    {"surrogates and overlong forms are bad", "a\xED\xA0\x80"
                                              "b\xC0\xAF"
                                              "c",
     "a\nb\nc\n"},
};

static void check(const char *name, const char *in, size_t len, const char *want) {
    vt_buffer *b;
    assert_int_equal(vt_text_words(ctx, in, len, &b), VT_OK);
    if (strcmp(vt_buffer_data(b), want) != 0 || vt_buffer_size(b) != strlen(want))
        fail_msg("%s: got\n%s\nwant\n%s", name, (const char *)vt_buffer_data(b), want);
    vt_buffer_release(b);
}

static void words_by_case(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check(cases[i].name, cases[i].in, strlen(cases[i].in), cases[i].want);
    check("NUL parts words", "a\0b", 3, "a\nb\n");
}

/* Ours, piece by piece, against the library's normalisation of the whole text at once. */
static int take_word(void *user, const char *word, size_t len) {
    char *out = user;
    strncat(out, word, len);
    strcat(out, "\n");
    return 0;
}

static void words_of_normal_form(const char *text, char *out) {
    utf8proc_uint8_t *folded = utf8proc_NFKC_Casefold((const utf8proc_uint8_t *)text);
    size_t at = 0;
    int open = 0;
    assert_non_null(folded);
    for (const utf8proc_uint8_t *p = folded; *p;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate(p, -1, &c);
        utf8proc_category_t cat = utf8proc_category(c);
        int letter = cat >= UTF8PROC_CATEGORY_LU && cat <= UTF8PROC_CATEGORY_NO;
        if (letter) memcpy(out + at, p, (size_t)n), at += (size_t)n;
        else if (open) out[at++] = '\n';
        open = letter;
        p += n;
    }
    if (open) out[at++] = '\n';
    out[at] = '\0';
    free(folded);
}

static void pieces_normalise_like_the_whole(void **state) {
    /* letters with marks, jamo, compatibility forms, ignorables, separators */
    static const uint32_t alphabet[] = {'a', 'E', ' ', '1', 0x301, 0x302, 0x323, 0x345, 0x1100, 0x1161, 0x11A8, 0xAC00, 0xFB03, 0xDF, 0x130, 0x3A3,
                                        0xAD, 0x200D, 0x93F, 0x915, 0x93C, 0xFF76, 0xFF9E, 0x3099, 0x30AB, 0x2167, 0xBD, 0x9C7, 0x9BE, 0x1D15E, 0xFDFA,
                                        0x1F88, 0x1E9B, 0x1F1E6, 0xB47, 0xB56, 0xDD9, 0xDCA, 0xDCF, 0x1025, 0x102E};
    uint32_t seed = 1;
    (void)state;
    for (int round = 0; round < 20000; round++) {
        char text[64], got[2000] = "", want[2000] = "";
        size_t len = 0;
        for (int i = 0; i < 12; i++) {
            seed = seed * 1664525u + 1013904223u;
            len += (size_t)utf8proc_encode_char((utf8proc_int32_t)alphabet[(seed >> 16) % (sizeof alphabet / sizeof *alphabet)], (utf8proc_uint8_t *)text + len);
        }
        text[len] = '\0';
        (void)vt__words_each(text, len, take_word, got);
        words_of_normal_form(text, want);
        if (strcmp(got, want) != 0) fail_msg("round %d: %s\ngot  %s\nwant %s", round, text, got, want);
    }
}

typedef struct lengths {
    size_t longest, total;
    int64_t n, most;
} lengths;

static int measure(void *user, const char *word, size_t len) {
    lengths *l = user;
    (void)word;
    l->longest = len > l->longest ? len : l->longest;
    l->total += len;
    l->n++;
    return l->n == l->most;
}

static void long_runs_are_cut_between_code_points(void **state) {
    enum { N = 300000 };
    char *text = malloc(N);
    static const char *const units[] = {"x", "\u6771", "e\u0301\u0302", "\u0301"};
    (void)state;
    assert_non_null(text);
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        size_t len = strlen(units[u]), n = N / len * len;
        lengths l = {0};
        for (size_t i = 0; i < n; i += len) memcpy(text + i, units[u], len);
        assert_int_equal(vt__words_each(text, n, measure, &l), 0);
        assert_true(l.longest <= VT__WORD_MAX && l.longest > VT__WORD_MAX - 8);
        assert_true(l.n > 100);
        lengths few = {.most = 3};
        assert_int_equal(vt__words_each(text, n, measure, &few), 1);
        assert_int_equal(few.n, 3);
    }
    free(text);
}

static void wrong_arguments_are_refused(void **state) {
    vt_buffer *b;
    (void)state;
    assert_int_equal(vt_text_words(NULL, "a", 1, &b), VT_ERR_INVALID);
    assert_null(b);
    assert_int_equal(vt_text_words(ctx, NULL, 1, &b), VT_ERR_INVALID);
    assert_int_equal(vt_text_words(ctx, "a", 1, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_text_words(ctx, "a", ((size_t)64 << 20) + 1, &b), VT_ERR_LIMIT);
    assert_int_equal(vt_text_words(ctx, NULL, 0, &b), VT_OK);
    assert_int_equal(vt_buffer_size(b), 0);
    vt_buffer_release(b);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1, going = 1; going; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_context_options o = VT_STRUCT_INIT(vt_context_options);
            vt_context *own;
            vt_buffer *b = NULL;
            o.alloc = torture_alloc;
            o.alloc_user = &t;
            o.n_threads = 1;
            vt_status st = vt_context_create(&o, &own);
            if (st == VT_OK) {
                st = vt_text_words(own, "some words that grow the buffer", 31, &b);
                vt_buffer_release(b);
                vt_context_release(own);
            }
            going = t.calls >= k;
            assert_int_equal(st, going ? VT_ERR_NOMEM : VT_OK);
            assert_int_equal(t.live, 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_by_case),
        cmocka_unit_test(pieces_normalise_like_the_whole),
        cmocka_unit_test(long_runs_are_cut_between_code_points),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
