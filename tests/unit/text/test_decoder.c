#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "tiny_vocab.h"
#include "torture.h"

static vt_context *ctx;
static vt_tokenizer *tok;
static const tiny_token tokens[] = {{"<end>", VT__TOKEN_CONTROL}, {"euro\xC3\xA2\xC4\xA4", 1}, {NULL, 0}}; /* 257: "euro" and two bytes of U+20AC */

static int setup(void **state) {
    (void)state;
    vt_status st = vt__context_create(&(vt__context_params){0}, &ctx);
    return st == VT_OK ? tiny_tokenizer(ctx, &(tiny_vocab){.tokens = tokens}, &tok) : st;
}

static int teardown(void **state) {
    (void)state;
    vt__tokenizer_release(tok);
    vt__context_release(ctx);
    return 0;
}

static const struct {
    const char *name;
    int32_t ids[8]; /* up to -1 */
    uint32_t flags;
    const char *pieces; /* what each push lends, '|' behind each, then what finish lends */
} cases[] = {
    {"ascii", {'a', 'b', -1}, 0, "a|b|"},
    {"nothing", {-1}, 0, ""},
    {"code point over three tokens", {0xE2, 0x82, 0xAC, 'x', -1}, 0, "||\xE2\x82\xAC|x|"},
    {"text and the beginning of a code point", {257, 0xAC, -1}, 0, "euro|\xE2\x82\xAC|"},
    {"stray continuation", {0xAC, 'a', -1}, 0, "\xEF\xBF\xBD|a|"},
    {"broken off by text", {0xE2, 0x82, 'a', -1}, 0, "||\xEF\xBF\xBD" "a|"},
    {"broken off by another", {0xE2, 0xC3, 0xA9, -1}, 0, "|\xEF\xBF\xBD|\xC3\xA9|"},
    {"unfinished", {'a', 0xF0, 0x9F, -1}, 0, "a|||\xEF\xBF\xBD"},
    {"surrogate", {0xED, 0xA0, 0x80, -1}, 0, "|\xEF\xBF\xBD\xEF\xBF\xBD|\xEF\xBF\xBD|"},
    {"control hidden", {'a', 256, 'b', -1}, 0, "a||b|"},
    {"control shown", {'a', 256, 'b', -1}, VT__TOKENIZE_SPECIAL, "a|<end>|b|"},
};

static void lends_whole_code_points(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_decoder *dec;
        assert_int_equal(vt__decoder_create(tok, cases[i].flags, &dec), VT_OK);
        for (int again = 0; again < 2; again++) { /* finish starts afresh */
            char got[128] = "";
            const char *text;
            size_t len;
            for (const int32_t *id = cases[i].ids; *id >= 0; id++) {
                assert_int_equal(vt__decoder_push(dec, *id, &text, &len), VT_OK);
                (void)strncat(got, text, len);
                (void)strcat(got, "|");
            }
            assert_int_equal(vt__decoder_finish(dec, &text, &len), VT_OK);
            (void)strncat(got, text, len);
            if (strcmp(got, cases[i].pieces) != 0) fail_msg("%s: %s", cases[i].name, got);
        }
        vt__decoder_release(dec);
    }
}

static void a_wrong_id_changes_nothing(void **state) {
    vt_decoder *dec;
    const char *text;
    size_t len;
    (void)state;
    assert_int_equal(vt__decoder_create(tok, 0, &dec), VT_OK);
    assert_int_equal(vt__decoder_push(dec, 0xC3, &text, &len), VT_OK);
    assert_int_equal(vt__decoder_push(dec, 258, &text, &len), VT_ERR_INVALID);
    assert_int_equal(vt__decoder_push(dec, -1, &text, &len), VT_ERR_INVALID);
    assert_int_equal(vt__decoder_push(dec, 0xA9, &text, &len), VT_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(text, "\xC3\xA9", 2);
    vt__decoder_release(dec);
    vt__decoder_release(NULL);
}

static vt_status decode(torture *t) {
    vt_context *c;
    vt_tokenizer *own = NULL;
    vt_decoder *dec = NULL;
    const char *text;
    size_t len = 0;
    vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t}, &c);
    if (st != VT_OK) return st;
    st = tiny_tokenizer(c, &(tiny_vocab){.tokens = tokens}, &own);
    if (st == VT_OK) st = vt__decoder_create(own, 0, &dec);
    vt__tokenizer_release(own); /* the decoder keeps it */
    vt__context_release(c);
    for (int i = 0; i < 40 && st == VT_OK; i++) st = vt__decoder_push(dec, 257, &text, &len);
    if (st == VT_OK) st = vt__decoder_finish(dec, &text, &len);
    vt__decoder_release(dec);
    return st;
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++) {
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = decode(&t);
            assert_int_equal(t.live, 0);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            if (st != VT_ERR_NOMEM) fail_msg("allocation %ld: %s", k, vt__status_name(st));
        }
    }
}

/* ---- stop strings ---- */

static const struct {
    const char *name, *stops[3], *text; /* pushed byte by byte */
    const char *want;
    int64_t stopped;
} stop_cases[] = {
    {"none met", {"xy"}, "abcx", "abcx", -1},
    {"met", {"xy"}, "abcxyz", "abc", 0},
    {"a beginning that is none", {"aab"}, "aaab", "a", 0},
    {"the first in the text, not in the list", {"cd", "b"}, "abcd", "a", 1},
    {"two at one place: the one that is complete first", {"bcd", "bc"}, "abcd", "a", 1},
    {"more bytes than one", {"\xE2\x82\xAC!"}, "a\xE2\x82\xAC\xE2\x82\xAC!b", "a\xE2\x82\xAC", 0},
    {"a broken code point is no part", {"\xE2\x82\xAC"}, "a\xE2\x82", "a\xEF\xBF\xBD", -1},
    {"at the very end", {"\n\n"}, "ab\n\n", "ab", 0},
};

static void text_ends_before_the_first_stop_string(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof stop_cases / sizeof stop_cases[0]; i++) {
        char got[64] = "";
        const char *text;
        size_t len;
        vt_decoder *dec;
        int64_t n = 0;
        while (n < 3 && stop_cases[i].stops[n]) n++;
        assert_int_equal(vt__decoder_create(tok, 0, &dec), VT_OK);
        assert_int_equal(vt__decoder_set_stops(dec, stop_cases[i].stops, n), VT_OK);
        for (int round = 0; round < 2; round++) { /* the second time as if nothing had been */
            got[0] = '\0';
            for (const char *p = stop_cases[i].text; *p; p++) {
                assert_int_equal(vt__decoder_push(dec, (unsigned char)*p, &text, &len), VT_OK);
                strncat(got, text, len);
                assert_int_equal(strncmp(got, stop_cases[i].want, strlen(got)), 0); /* never too much */
            }
            assert_int_equal(vt__decoder_finish(dec, &text, &len), VT_OK);
            strncat(got, text, len);
            if (strcmp(got, stop_cases[i].want) != 0) fail_msg("%s: '%s'", stop_cases[i].name, got);
            assert_int_equal(vt__decoder_stopped(dec), stop_cases[i].stopped);
        }
        vt__decoder_release(dec);
    }
}

static void a_stop_string_inside_a_token_ends_the_text_there(void **state) {
    const char *stop = "ro", *text;
    size_t len;
    vt_decoder *dec;
    (void)state;
    assert_int_equal(vt__decoder_create(tok, 0, &dec), VT_OK);
    assert_int_equal(vt__decoder_set_stops(dec, &stop, 1), VT_OK);
    assert_int_equal(vt__decoder_push(dec, 257, &text, &len), VT_OK);
    assert_int_equal(len, 2);
    assert_memory_equal(text, "eu", 2);
    assert_int_equal(vt__decoder_push(dec, 'x', &text, &len), VT_OK);
    assert_int_equal(len, 0);
    vt__decoder_release(dec);
}

static void wrong_stop_strings_are_refused(void **state) {
    static const char *const wrong[] = {"", "\xFF", NULL};
    const char *many[65];
    vt_decoder *dec;
    (void)state;
    assert_int_equal(vt__decoder_create(tok, 0, &dec), VT_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(vt__decoder_set_stops(dec, &wrong[i], 1), VT_ERR_INVALID);
    for (int i = 0; i < 65; i++) many[i] = "a";
    assert_int_equal(vt__decoder_set_stops(dec, many, 65), VT_ERR_INVALID);
    assert_int_equal(vt__decoder_set_stops(dec, many, 64), VT_OK);
    vt__decoder_release(dec);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lends_whole_code_points), cmocka_unit_test(a_wrong_id_changes_nothing),
                                       cmocka_unit_test(survives_every_failing_allocation),
                                       cmocka_unit_test(text_ends_before_the_first_stop_string),
                                       cmocka_unit_test(a_stop_string_inside_a_token_ends_the_text_there),
                                       cmocka_unit_test(wrong_stop_strings_are_refused)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
