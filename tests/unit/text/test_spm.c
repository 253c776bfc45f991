#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "one_context.h"
#include "text/tokenizer_internal.h"
#include "text_cases.h"

#define SPACE "\xE2\x96\x81"

typedef struct piece {
    const char *text;
    float score;
    int32_t type;
} piece;

enum { MOST = 400, NO_PREFIX = 1, WITH_BYTES = 2 };

/* Ids 0 <unk>, 1 <s>, 2 </s>, then the pieces up to one without a text, then bytes. */
static vt_status make_of(vt_context *c, const piece *pieces, int how, vt_tokenizer **out) {
    static char bytes[256][8];
    vt__span tokens[MOST] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}};
    int32_t types[MOST] = {VT__TOKEN_UNKNOWN, VT__TOKEN_CONTROL, VT__TOKEN_CONTROL};
    float scores[MOST] = {0};
    int64_t n = 3;
    for (const piece *p = pieces; p->text; p++, n++) {
        tokens[n] = (vt__span){p->text, strlen(p->text)};
        types[n] = p->type ? p->type : VT__TOKEN_NORMAL;
        scores[n] = p->score;
    }
    for (int i = 0; (how & WITH_BYTES) && i < 256; i++, n++) {
        (void)snprintf(bytes[i], sizeof bytes[i], "<0x%02X>", (unsigned)i);
        tokens[n] = (vt__span){bytes[i], 6};
        types[n] = VT__TOKEN_BYTE;
    }
    vt__vocab v = {.name = "spm", .family = {"llama", 5}, .pre = {"", 0}, .n_tokens = n, .tokens = tokens, .types = types, .scores = scores,
                   .add_bos = -1, .add_eos = -1, .no_space_prefix = how & NO_PREFIX};
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) v.special[i] = -1;
    return vt__tokenizer_create(c, &v, out);
}

static vt_tokenizer *make(const piece *pieces, int how) {
    vt_tokenizer *tok;
    if (make_of(ctx, pieces, how, &tok) != VT_OK) fail_msg("%s", vt__error_message());
    return tok;
}

/* 3 space, 4 a, 5 b, 6 c, 7 ab, 8 bc, 9 " a", 10 "<x>" of the user, 11 é */
static const piece small[] = {{SPACE, -9, 0}, {"a", -9, 0}, {"b", -9, 0}, {"c", -9, 0}, {"ab", -3, 0}, {"bc", -2, 0}, {SPACE "a", -4, 0},
                              {"<x>", 0, VT__TOKEN_USER}, {"\xC3\xA9", -9, 0}, {0}};

static void pairs_are_joined_by_score_then_from_the_left(void **state) {
    static const struct {
        int how;
        uint32_t flags;
        const char *text, *ids;
    } cases[] = {
        {NO_PREFIX, 0, "", ""},
        {NO_PREFIX, 0, "abc", "4 8"},
        {NO_PREFIX, 0, "ab", "7"},
        {NO_PREFIX, 0, "a abab", "4 3 7 7"}, /* "ab" beats " a" */
        {NO_PREFIX, 0, "aa a", "4 4 9"},
        {0, 0, "aa", "9 4"},                 /* a space in front */
        {0, 0, " a", "3 9"},
        {0, VT__TOKENIZE_CONTINUE, "aa", "4 4"},
        {0, 0, "a<x>a", "9 10 9"},           /* and behind what somebody added */
        {0, VT__TOKENIZE_SPECIAL, "a</s>a", "9 2 9"},
        {0, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS, "a", "1 9"},
        {0, VT__TOKENIZE_ADD_BOS, "", "1"},
        {0, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_SPECIAL, "<s>a", "1 9"},
        {NO_PREFIX, 0, "axxb", "4 0 5"},     /* a run of unknown characters is one */
        {NO_PREFIX, 0, "a\xFF\xE2\x82" "b", "4 0 5"},
        {NO_PREFIX | WITH_BYTES, 0, "ax\xE2\x82\xAC" "b", "4 132 238 142 184 5"},
        {NO_PREFIX | WITH_BYTES, 0, "\xC3\xA9\xC3", "11 207"},
        {NO_PREFIX | WITH_BYTES, 0, "a" SPACE "a", "4 9"}, /* U+2581 is a space */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_tokenizer *tok = make(small, cases[i].how);
        const char *got = ids_text(tok, cases[i].text, strlen(cases[i].text), cases[i].flags);
        if (strcmp(got, cases[i].ids) != 0) fail_msg("case %zu, '%s': %s instead of %s", i, cases[i].text, got, cases[i].ids);
        vt__tokenizer_release(tok);
    }
}

static void unused_tokens_fall_apart_again(void **state) {
    static const piece pieces[] = {{"a", -9, 0}, {"b", -9, 0}, {"ab", -1, VT__TOKEN_UNUSED}, {"aba", -2, 0}, {"abb", -3, VT__TOKEN_UNUSED}, {0}};
    (void)state;
    vt_tokenizer *tok = make(pieces, NO_PREFIX);
    assert_string_equal(ids_text(tok, "ab", 2, 0), "3 4");
    assert_string_equal(ids_text(tok, "aba", 3, 0), "6");
    assert_string_equal(ids_text(tok, "abb", 3, 0), "3 4 4");
    vt__tokenizer_release(tok);
}

static void plain_text_never_becomes_a_special_token(void **state) {
    static const piece pieces[] = {{"<", -1, 0}, {"s", -1, 0}, {">", -1, 0}, {"<s", -1, 0}, {0}};
    (void)state;
    vt_tokenizer *tok = make(pieces, NO_PREFIX | WITH_BYTES);
    assert_string_equal(ids_text(tok, "<s>", 3, 0), "6 5");
    assert_string_equal(ids_text(tok, "<s>", 3, VT__TOKENIZE_SPECIAL), "1");
    assert_string_equal(ids_text(tok, "<0x41>", 6, VT__TOKENIZE_SPECIAL), "3 55 127 59 56 5"); /* "0x41" byte by byte */
    vt__tokenizer_release(tok);
}

/* The definition, for ASCII: the best pair of all is joined, until there is none. at: [n + 1] offsets; returns the new n. */
static size_t naive(const void *rules, const char *text, size_t *at, size_t n) {
    const piece *pieces = rules;
    for (;;) {
        size_t best = n;
        float score = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            size_t len = at[i + 2] - at[i];
            for (const piece *p = pieces; p->text; p++)
                if (strlen(p->text) == len && memcmp(p->text, text + at[i], len) == 0 && (best == n || p->score > score)) {
                    best = i;
                    score = p->score;
                }
        }
        if (best == n) return n;
        memmove(at + best + 1, at + best + 2, (n - best - 1) * sizeof *at);
        n--;
    }
}

static void long_and_short_texts_follow_one_definition(void **state) {
    static const piece pieces[] = {{"a", -50, 0}, {"b", -50, 0}, {"c", -50, 0}, {"ab", -3, 0}, {"bc", -2, 0}, {"ca", -3, 0}, {"aab", 1, 0}, {"bca", -3, 0},
                                   {"abab", -6, 0}, {"cc", -7, 0}, {"abc", -6, 0}, {"bcabab", 0, 0}, {"acca", -1, 0}, {0}};
    (void)state;
    vt_tokenizer *tok = make(pieces, NO_PREFIX);
    follow_definition(tok, naive, pieces, 4711);
    vt__tokenizer_release(tok);
}

static void expect_round_trip(const vt_tokenizer *tok, const char *text, size_t len) {
    vt_buffer *ids, *back;
    assert_int_equal(vt__tokenizer_encode(tok, text, len, 0, &ids), VT_OK);
    assert_int_equal(vt__tokenizer_decode(tok, vt__buffer_data(ids), (int64_t)(vt__buffer_size(ids) / 4), 0, &back), VT_OK);
    assert_int_equal(vt__buffer_size(back), len);
    assert_memory_equal(vt__buffer_data(back), text, len);
    vt__buffer_release(ids);
    vt__buffer_release(back);
}

static void any_bytes_come_back(void **state) {
    static const char alphabet[] = "abc <x>\xC3\xA9\n";
    char text[600];
    uint32_t seed = 99;
    (void)state;
    for (int how = WITH_BYTES; how <= (WITH_BYTES | NO_PREFIX); how++) {
        vt_tokenizer *tok = make(small, how);
        for (int round = 0; round < 300; round++) {
            size_t len = (size_t)round * 2;
            for (size_t i = 0; i < len; i++) {
                seed = seed * 1664525 + 1013904223;
                text[i] = (char)(round % 3 == 0 ? seed >> 24 : (uint32_t)alphabet[(seed >> 24) % (sizeof alphabet - 1)]);
            }
            expect_round_trip(tok, text, len);
        }
        vt__tokenizer_release(tok);
    }
}

static void the_space_in_front_goes_where_it_came(void **state) {
    static const int32_t ids[] = {9, 2, 9, 10, 9, 3};
    (void)state;
    vt_tokenizer *tok = make(small, 0);
    assert_string_equal(decoded_text(tok, ids, 1, 0), "a");
    assert_string_equal(decoded_text(tok, ids, 1, VT__TOKENIZE_CONTINUE), " a");
    assert_string_equal(decoded_text(tok, ids, 6, 0), "a a<x>a ");
    assert_string_equal(decoded_text(tok, ids, 6, VT__TOKENIZE_SPECIAL), "a</s>a<x>a ");
    assert_string_equal(decoded_text(tok, (const int32_t[]){0, 9}, 2, VT__TOKENIZE_SPECIAL), " \xE2\x81\x87  a");
    vt__tokenizer_release(tok);
    tok = make(small, NO_PREFIX);
    assert_string_equal(decoded_text(tok, ids, 1, 0), " a");
    vt__tokenizer_release(tok);
}

static void a_stream_of_ids_is_the_text(void **state) {
    static const int32_t ids[] = {9, 12 + 0xE2, 12 + 0x82, 12 + 0xAC, 12 + 0xFF, 9};
    static const char *const want[] = {"a", "", "", "\xE2\x82\xAC", "\xEF\xBF\xBD", " a"};
    const char *text;
    size_t len;
    (void)state;
    vt_tokenizer *tok = make(small, WITH_BYTES);
    vt_decoder *dec;
    assert_int_equal(vt__decoder_create(tok, 0, &dec), VT_OK);
    for (int round = 0; round < 2; round++) { /* finishing starts afresh */
        for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
            assert_int_equal(vt__decoder_push(dec, ids[i], &text, &len), VT_OK);
            assert_int_equal(len, strlen(want[i]));
            assert_memory_equal(text, want[i], len);
        }
        assert_int_equal(vt__decoder_finish(dec, &text, &len), VT_OK);
        assert_int_equal(len, 0);
    }
    vt__decoder_release(dec);
    assert_int_equal(vt__decoder_create(tok, VT__TOKENIZE_CONTINUE, &dec), VT_OK);
    assert_int_equal(vt__decoder_push(dec, 9, &text, &len), VT_OK);
    assert_int_equal(len, 2);
    vt__decoder_release(dec);
    vt__tokenizer_release(tok);
}

static void a_mebibyte_does_not_take_for_ever(void **state) {
    static const size_t len = 1 << 20;
    static char long_piece[1025];
    piece pieces[] = {{SPACE, -9, 0}, {"a", -9, 0}, {"aa", -1, 0}, {"aaaa", 0, 0}, {"aaaaaaaa", 2, 0}, {long_piece, 3, 0}, {0}};
    (void)state;
    memset(long_piece, 'a', sizeof long_piece - 1);
    vt_tokenizer *tok = make(pieces, WITH_BYTES);
    char *text = malloc(len);
    assert_non_null(text);
    for (const char *kind = "a \xFFz"; *kind; kind++) {
        memset(text, *kind, len);
        expect_round_trip(tok, text, len);
    }
    free(text);
    vt__tokenizer_release(tok);
}

static void wrong_vocabularies_are_refused(void **state) {
    static char too_long[1026];
    static const float bad[] = {0.0f / 0.0f, 1.0f / 0.0f, -1.0f / 0.0f};
    vt_tokenizer *tok;
    (void)state;
    memset(too_long, 'a', sizeof too_long - 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(make_of(ctx, (const piece[]){{"a", bad[i], 0}, {0}}, 0, &tok), VT_ERR_FORMAT);
        assert_non_null(strstr(vt__error_message(), "spm: the score of token 3 is not finite"));
    }
    assert_int_equal(make_of(ctx, (const piece[]){{too_long, 0, 0}, {0}}, 0, &tok), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "piece 3 has 1025 bytes"));
    vt__vocab v = {.name = "spm", .family = {"llama", 5}, .pre = {"", 0}, .n_tokens = 1, .tokens = &(vt__span){"a", 1}};
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) v.special[i] = -1;
    assert_int_equal(vt__tokenizer_create(ctx, &v, &tok), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "without scores"));
    assert_null(tok);
}

static void files_without_types_have_special_tokens_all_the_same(void **state) {
    static const vt__span tokens[] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}, {"<0x41>", 6}, {"<", 1}, {"s", 1}, {">", 1}, {"<s", 2}};
    static const float scores[8] = {0};
    vt_tokenizer *tok;
    (void)state;
    vt__vocab v = {.name = "spm", .family = {"llama", 5}, .pre = {"", 0}, .n_tokens = 8, .tokens = tokens, .scores = scores, .no_space_prefix = 1};
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) v.special[i] = -1;
    assert_int_equal(vt__tokenizer_create(ctx, &v, &tok), VT_OK);
    assert_string_equal(ids_text(tok, "<s>A", 4, 0), "7 6 3");
    assert_string_equal(ids_text(tok, "<s>A", 4, VT__TOKENIZE_SPECIAL), "1 3");
    assert_string_equal(decoded_text(tok, (const int32_t[]){1, 3}, 2, 0), "A");
    assert_true(vt__tokenizer_is_eog(tok, 2));
    vt__tokenizer_release(tok);
}

static void white_space_beside_a_token_goes_with_it(void **state) {
    static const vt__span tokens[] = {{"<unk>", 5}, {"<l>", 3}, {"<r>", 3}, {"a", 1}, {SPACE, 3}};
    static const int32_t types[] = {VT__TOKEN_UNKNOWN, VT__TOKEN_CONTROL, VT__TOKEN_CONTROL, VT__TOKEN_NORMAL, VT__TOKEN_NORMAL};
    static const uint8_t strips[] = {0, VT__STRIP_LEFT, VT__STRIP_RIGHT, 0, 0};
    static const float scores[5] = {0};
    static const char text[] = "a  <l> a <r> \n <r>";
    static const int64_t want[] = {0, 1, 1, 6, 6, 9, 9, 15, 15, 18};
    vt_tokenizer *tok;
    vt_buffer *pieces;
    (void)state;
    vt__vocab v = {.name = "spm", .family = {"llama", 5}, .pre = {"", 0}, .n_tokens = 5, .tokens = tokens, .types = types, .scores = scores,
                   .strips = strips, .no_space_prefix = 1};
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) v.special[i] = -1;
    assert_int_equal(vt__tokenizer_create(ctx, &v, &tok), VT_OK);
    assert_string_equal(ids_text(tok, text, sizeof text - 1, VT__TOKENIZE_SPECIAL), "3 1 4 3 4 2 2");
    assert_int_equal(vt__tokenizer_pieces(tok, text, sizeof text - 1, VT__TOKENIZE_SPECIAL, &pieces), VT_OK);
    assert_int_equal(vt__buffer_size(pieces), sizeof want);
    assert_memory_equal(vt__buffer_data(pieces), want, sizeof want);
    vt__buffer_release(pieces);
    vt__tokenizer_release(tok);
}

static vt_status make_small(vt_context *c, vt_tokenizer **out) { return make_of(c, small, WITH_BYTES, out); }
static vt_status make_unused(vt_context *c, vt_tokenizer **out) {
    static const piece pieces[] = {{"a", -9, 0}, {"b", -9, 0}, {"ab", -1, VT__TOKEN_UNUSED}, {0}};
    return make_of(c, pieces, 0, out);
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    const char *wrong = torture_tokenizer(make_small, "<s>abc \xE2\x82\xAC<x> aaaaaaaaaabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcab");
    if (!wrong) wrong = torture_tokenizer(make_unused, "ab ab");
    if (wrong) fail_msg("%s", wrong);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_joined_by_score_then_from_the_left),
        cmocka_unit_test(unused_tokens_fall_apart_again),
        cmocka_unit_test(plain_text_never_becomes_a_special_token),
        cmocka_unit_test(long_and_short_texts_follow_one_definition),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(the_space_in_front_goes_where_it_came),
        cmocka_unit_test(a_stream_of_ids_is_the_text),
        cmocka_unit_test(a_mebibyte_does_not_take_for_ever),
        cmocka_unit_test(wrong_vocabularies_are_refused),
        cmocka_unit_test(files_without_types_have_special_tokens_all_the_same),
        cmocka_unit_test(white_space_beside_a_token_goes_with_it),
        cmocka_unit_test(survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
