#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "one_context.h"
#include "text/charsmap.h"
#include "text/tokenizer_internal.h"
#include "text_cases.h"

#define SPACE "\xE2\x96\x81"

/* Rules "A" -> "ab" and "AB" -> "c" as a double array: the root's children at 256 + byte, A's at 512 + byte, AB's leaf at 768. */
enum { UNITS = 1024 };
static unsigned char rules[4 + 4 * UNITS + 5];

static void put_unit(size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; i++) rules[4 + 4 * at + i] = (unsigned char)(value >> 8 * i);
}

static vt__span make_rules(void) {
    size_t a = 256 ^ 'A', a_children = a ^ 512, ab = a_children ^ 'B';
    memset(rules, 0, sizeof rules);
    rules[1] = 4 * UNITS >> 8;
    put_unit(0, 256u << 10);
    put_unit(a, 512u << 10 | 1u << 8 | 'A');   /* children and a leaf where a ^ 512 is */
    put_unit(a_children, 0x80000000u | 0);     /* text at 0 */
    put_unit(ab, 768u << 10 | 1u << 8 | 'B');
    put_unit(ab ^ 768, 0x80000000u | 3);       /* text at 3 */
    memcpy(rules + 4 + 4 * UNITS, "ab\0c", 5);
    return (vt__span){(const char *)rules, sizeof rules};
}

enum { KEEP = 1, NO_PREFIX = 2, RULES = 4 };

/* 3 space, 4 a, 5 b, 6 c, 7 ab, 8 " a", 9 abc, 10 "<x>" of the user, 11 "ba", unused */
static vt_status make_with(vt_context *c, int how, vt_tokenizer **out) {
    static const vt__span tokens[] = {{"<unk>", 5}, {"<s>", 3}, {"</s>", 4}, {SPACE, 3}, {"a", 1}, {"b", 1}, {"c", 1}, {"ab", 2}, {SPACE "a", 4},
                                      {"abc", 3}, {"<x>", 3}, {"ba", 2}};
    static const float scores[] = {0, 0, 0, -2, -3, -3, -4, -4, -4, -9, 0, 0};
    static const int32_t types[] = {VT__TOKEN_UNKNOWN, VT__TOKEN_CONTROL, VT__TOKEN_CONTROL, 1, 1, 1, 1, 1, 1, 1, VT__TOKEN_USER, VT__TOKEN_UNUSED};
    vt__vocab v = {.name = "unigram", .family = {"t5", 2}, .pre = {"", 0}, .n_tokens = 12, .tokens = tokens, .types = types, .scores = scores,
                   .add_bos = -1, .add_eos = -1, .no_space_prefix = (how & NO_PREFIX) != 0, .keep_spaces = (how & KEEP) != 0};
    if (how & RULES) v.charsmap = make_rules();
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) v.special[i] = -1;
    return vt__tokenizer_create(c, &v, out);
}

static vt_tokenizer *make(int how) {
    vt_tokenizer *tok;
    if (make_with(ctx, how, &tok) != VT_OK) fail_msg("%s", vt__error_message());
    return tok;
}

static void the_likeliest_pieces_are_taken(void **state) {
    static const struct {
        int how;
        uint32_t flags;
        const char *text, *ids;
    } cases[] = {
        {0, 0, "", ""},
        {0, 0, "a", "8"},            /* a space in front */
        {0, 0, "  a   a ", "8 8"},   /* runs of spaces are one */
        {0, 0, "   ", ""},
        {KEEP, 0, " a", "3 8"},
        {KEEP, 0, " ", "3 3"},
        {NO_PREFIX, 0, "a", "4"},
        {NO_PREFIX, 0, "  a a ", "4 8"},
        {NO_PREFIX, 0, "ab", "7"},
        {NO_PREFIX, 0, "abc", "7 6"}, /* -4 - 4 beats -9 */
        {NO_PREFIX, 0, "ba", "5 4"},  /* unused pieces are not taken */
        {NO_PREFIX, 0, "azza", "4 0 4"},
        {NO_PREFIX, 0, "a\xFF\xE2\x82" "a", "4 0 4"},
        {NO_PREFIX, 0, "a" SPACE "a", "4 8"},
        {NO_PREFIX, 0, "a<x>c", "4 10 6"},
        {0, 0, "a<x>a", "8 10 8"},
        {0, VT__TOKENIZE_SPECIAL, "a</s>a", "8 2 8"},
        {0, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS, "a", "8 2"}, /* nothing at the beginning */
        {NO_PREFIX | RULES, 0, "A", "7"},
        {NO_PREFIX | RULES, 0, "ABA", "6 7"}, /* the longest rule */
        {NO_PREFIX | RULES, 0, "bA", "5 7"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_tokenizer *tok = make(cases[i].how);
        const char *got = ids_text(tok, cases[i].text, strlen(cases[i].text), cases[i].flags);
        if (strcmp(got, cases[i].ids) != 0) fail_msg("case %zu, '%s': %s instead of %s", i, cases[i].text, got, cases[i].ids);
        vt__tokenizer_release(tok);
    }
}

static void decoding_gives_the_normalised_text(void **state) {
    (void)state;
    vt_tokenizer *tok = make(0);
    assert_string_equal(decoded_text(tok, (const int32_t[]){8, 8, 3, 7, 2}, 5, 0), "a a ab");
    assert_string_equal(decoded_text(tok, (const int32_t[]){8, 0}, 2, VT__TOKENIZE_SPECIAL), "a \xE2\x81\x87 ");
    assert_string_equal(vt__tokenizer_family(tok), "unigram");
    vt__tokenizer_release(tok);
}

/* Viterbi against all ways there are. */
static double best_score(const vt_tokenizer *tok, const float *scores, const char *text, size_t len) {
    double best = -1e9;
    if (len == 0) return 0;
    for (int32_t id = 3; id < 10; id++) {
        const char *piece = vt__tokenizer_token(tok, id);
        size_t n = strlen(piece);
        if (n > len || memcmp(piece, text, n) != 0) continue;
        double s = (double)scores[id] + best_score(tok, scores, text + n, len - n);
        if (s > best) best = s;
    }
    return best;
}

static void no_other_way_scores_higher(void **state) {
    static const float scores[] = {0, 0, 0, -2, -3, -3, -4, -4, -4, -9};
    uint32_t seed = 5;
    (void)state;
    vt_tokenizer *tok = make(NO_PREFIX);
    for (int round = 0; round < 200; round++) {
        char text[12];
        vt_buffer *ids;
        double score = 0;
        for (size_t i = 0; i < sizeof text; i++) {
            seed = seed * 1664525 + 1013904223;
            text[i] = "abc"[(seed >> 24) % 3];
        }
        assert_int_equal(vt__tokenizer_encode(tok, text, sizeof text, 0, &ids), VT_OK);
        const int32_t *id = vt__buffer_data(ids);
        for (size_t i = 0; i < vt__buffer_size(ids) / 4; i++) score += (double)scores[id[i]];
        vt__buffer_release(ids);
        assert_true(score == best_score(tok, scores, text, sizeof text)); /* small whole numbers */
    }
    vt__tokenizer_release(tok);
}

static void rules_of_any_bytes_are_safe(void **state) {
    uint32_t seed = 77;
    (void)state;
    for (int round = 0; round < 2000; round++) {
        unsigned char bytes[260];
        char text[64];
        vt__charsmap map;
        vt__span to;
        size_t len = 4 + (size_t)round % 256;
        for (size_t i = 0; i < sizeof bytes; i++) {
            seed = seed * 1664525 + 1013904223;
            bytes[i] = (unsigned char)(seed >> 24);
            text[i % 64] = (char)(seed >> 16);
        }
        size_t units = (len - 4) / 8 * 4;
        memcpy(bytes, (unsigned char[]){(unsigned char)units, 0, 0, 0}, 4);
        if (round % 2) bytes[len - 1] = 0;
        if (vt__charsmap_create(ctx, "fuzz", (vt__span){(const char *)bytes, len}, &map) == VT_OK) {
            for (size_t i = 0; i < sizeof text; i++) {
                size_t n = vt__charsmap_match(&map, text + i, sizeof text - i, &to);
                assert_true(n <= sizeof text - i);
                if (n > 0) assert_true(to.data >= map.text && to.data + to.len < map.text + map.text_len);
            }
        }
        vt__charsmap_free(ctx, &map);
    }
}

static void wrong_rules_are_refused(void **state) {
    static const struct {
        const char *bytes;
        size_t len;
    } bad[] = {{"\0\0\0", 3}, {"\0\0\0\0", 4}, {"\4\0\0\0abc", 7}, {"\3\0\0\0abcd", 8}, {"\xFC\xFF\xFF\xFF" "abcd", 8}, {"\4\0\0\0abcdx", 9}};
    vt__charsmap map;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(vt__charsmap_create(ctx, "bad", (vt__span){bad[i].bytes, bad[i].len}, &map), VT_ERR_FORMAT);
        assert_non_null(strstr(vt__error_message(), "bad: "));
        vt__charsmap_free(ctx, &map);
    }
    assert_int_equal(vt__charsmap_create(ctx, "none", (vt__span){NULL, 0}, &map), VT_OK);
    assert_int_equal(vt__charsmap_match(&map, "a", 1, &(vt__span){0}), 0);
    vt__charsmap_free(ctx, &map);
}

static void a_mebibyte_does_not_take_for_ever(void **state) {
    static const size_t len = 1 << 20;
    (void)state;
    vt_tokenizer *tok = make(RULES);
    char *text = malloc(len);
    assert_non_null(text);
    for (const char *kind = "aA z\xFF"; *kind; kind++) {
        vt_buffer *ids;
        memset(text, *kind, len);
        assert_int_equal(vt__tokenizer_encode(tok, text, len, 0, &ids), VT_OK);
        vt__buffer_release(ids);
    }
    free(text);
    vt__tokenizer_release(tok);
}

static vt_status make_all(vt_context *c, vt_tokenizer **out) { return make_with(c, RULES, out); }

static void survives_every_failing_allocation(void **state) {
    (void)state;
    const char *wrong = torture_tokenizer(make_all, "<s>abc A<x> AB z  \xE2\x82\xAC a");
    if (wrong) fail_msg("%s", wrong);
}

/* Unit 'a' leads back to where it was found: without an end to a rule each place would read the rest of the text. */
static void rules_that_go_in_a_circle_end(void **state) {
    enum { RING = 'a' + 1, LEN = 1 << 18 };
    static unsigned char bytes[4 + 4 * RING];
    static char text[LEN];
    vt__charsmap map;
    vt__span to;
    (void)state;
    bytes[0] = (unsigned char)(4 * RING % 256);
    bytes[1] = (unsigned char)(4 * RING / 256);
    bytes[4 + 4 * 'a'] = 'a';
    bytes[4 + 4 * 'a' + 1] = (unsigned char)('a' << 2 & 0xFF); /* the offset stands above bit 10 */
    bytes[4 + 4 * 'a' + 2] = 'a' >> 6;
    memset(text, 'a', LEN);
    assert_int_equal(vt__charsmap_create(ctx, "circle", (vt__span){(const char *)bytes, sizeof bytes}, &map), VT_OK);
    for (size_t i = 0; i < LEN; i++) assert_int_equal(vt__charsmap_match(&map, text + i, LEN - i, &to), 0);
    vt__charsmap_free(ctx, &map);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_likeliest_pieces_are_taken),
        cmocka_unit_test(decoding_gives_the_normalised_text),
        cmocka_unit_test(no_other_way_scores_higher),
        cmocka_unit_test(rules_of_any_bytes_are_safe),
        cmocka_unit_test(wrong_rules_are_refused),
        cmocka_unit_test(a_mebibyte_does_not_take_for_ever),
        cmocka_unit_test(survives_every_failing_allocation),
        cmocka_unit_test(rules_that_go_in_a_circle_end),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
