/* A grammar along tokens: masks, ends, partial characters, rolling back, limits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "grammar/matcher.h"
#include "tiny_vocab.h"
#include "torture_each.h"
#include "venturi.h"

#include "one_context.h"

/* Ids from 256 on. */
enum { END = 256, ABC, AB, A_QUOTE, EURO_TWO, CONTROL, COPY, N_TOKENS };
static const tiny_token extra[] = {{"<|im_end|>", VT__TOKEN_CONTROL}, {"abc", VT__TOKEN_NORMAL}, {"ab", VT__TOKEN_NORMAL}, {"a\"", VT__TOKEN_NORMAL},
                                   {"\xC3\xA2\xC4\xA4", VT__TOKEN_NORMAL} /* E2 82 */, {"<|x|>", VT__TOKEN_CONTROL}, {"abc", VT__TOKEN_USER}, {NULL, 0}};

static vt_tokenizer *vocabulary(vt_context *c) {
    vt_tokenizer *tok;
    static const tiny_vocab v = {.tokens = extra, .eos = END};
    return tiny_tokenizer(c, &v, &tok) == VT_OK ? tok : NULL;
}

static vt__matcher *started(vt_tokenizer *tok, const char *gbnf) {
    vt_grammar *g;
    vt__matcher *m;
    if (vt_grammar_create(ctx, gbnf, strlen(gbnf), &g) != VT_OK) fail_msg("%s", vt_error_message());
    assert_int_equal(vt__matcher_create(g, tok, &m), VT_OK);
    vt_grammar_release(g);
    return m;
}

static int allows(vt__matcher *m, int32_t id) {
    const uint64_t *mask;
    int64_t n;
    if (vt__matcher_mask(m, &mask, &n) != VT_OK) fail_msg("%s", vt_error_message());
    assert_int_equal(n, N_TOKENS);
    return (int)(mask[id / 64] >> (id % 64) & 1);
}

static int count_allowed(vt__matcher *m) {
    int n = 0;
    for (int32_t i = 0; i < N_TOKENS; i++) n += allows(m, i);
    return n;
}

static void masks_hold_what_can_follow(void **state) {
    vt_tokenizer *tok = vocabulary(ctx);
    vt__matcher *m = started(tok, "root ::= \"a\" (\"bc\" | \"b\")? ");
    (void)state;
    assert_int_equal(count_allowed(m), 3 + 1); /* a, ab, abc twice */
    assert_true(allows(m, 'a') && allows(m, AB) && allows(m, ABC) && allows(m, COPY));
    assert_int_equal(vt__matcher_accept(m, AB), VT_OK);
    assert_true(allows(m, 'c') && allows(m, END));
    assert_int_equal(count_allowed(m), 2);
    assert_int_equal(vt__matcher_accept(m, 'x'), VT_ERR_INVALID);
    assert_int_equal(vt__matcher_accept(m, CONTROL), VT_ERR_INVALID);
    assert_int_equal(vt__matcher_accept(m, -1), VT_ERR_INVALID);
    assert_int_equal(vt__matcher_accept(m, N_TOKENS), VT_ERR_INVALID);
    assert_int_equal(count_allowed(m), 2); /* as before */
    assert_int_equal(vt__matcher_accept(m, END), VT_OK);
    assert_int_equal(count_allowed(m), 1); /* behind the end only the end */
    assert_int_equal(vt__matcher_accept(m, 'c'), VT_ERR_INVALID);
    assert_int_equal(vt__matcher_accept(m, END), VT_OK);
    assert_int_equal(vt__matcher_reset(m), VT_OK);
    assert_int_equal(count_allowed(m), 4);
    vt__matcher_free(m);
    vt_tokenizer_release(tok);
}

static void an_end_is_allowed_exactly_where_the_grammar_may_end(void **state) {
    vt_tokenizer *tok = vocabulary(ctx);
    vt__matcher *m = started(tok, "root ::= \"a\"{2,3}");
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(allows(m, END), i >= 2);
        if (i == 1) assert_int_equal(vt__matcher_accept(m, END), VT_ERR_INVALID);
        if (i < 3) assert_int_equal(vt__matcher_accept(m, 'a'), VT_OK);
    }
    vt__matcher_free(m);
    vt_tokenizer_release(tok);
}

static void a_character_may_come_in_parts(void **state) {
    vt_tokenizer *tok = vocabulary(ctx);
    vt__matcher *m = started(tok, "root ::= [\\u20AC\\u20AD]");
    (void)state;
    assert_int_equal(count_allowed(m), 2);
    assert_true(allows(m, 0xE2) && allows(m, EURO_TWO));
    assert_int_equal(vt__matcher_accept(m, EURO_TWO), VT_OK);
    assert_int_equal(count_allowed(m), 2);
    assert_true(allows(m, 0xAC) && allows(m, 0xAD));
    vt__matcher *copy;
    assert_int_equal(vt__matcher_copy(m, &copy), VT_OK);
    assert_int_equal(vt__matcher_accept(m, 0xAD), VT_OK);
    assert_true(allows(m, END));
    assert_true(allows(copy, 0xAC)); /* stays where it was made */
    vt__matcher_free(copy);
    vt__matcher_free(m);
    vt_tokenizer_release(tok);
}

static void nothing_to_follow_is_an_error_and_no_end(void **state) {
    static const tiny_vocab v = {.without_byte = 'q'};
    const uint64_t *mask;
    int64_t n;
    vt_tokenizer *tok;
    (void)state;
    assert_int_equal(tiny_tokenizer(ctx, &v, &tok), VT_OK);
    vt__matcher *m = started(tok, "root ::= \"a\" \"q\"");
    assert_int_equal(vt__matcher_mask(m, &mask, &n), VT_OK);
    assert_int_equal(vt__matcher_accept(m, 'a'), VT_OK);
    assert_int_equal(vt__matcher_mask(m, &mask, &n), VT_ERR_STATE);
    assert_non_null(strstr(vt_error_message(), "no token of the vocabulary can follow"));
    assert_int_equal(vt__matcher_reset(m), VT_OK);
    assert_int_equal(vt__matcher_mask(m, &mask, &n), VT_OK);
    vt__matcher_free(m);
    m = started(tok, "root ::= \"a\""); /* ends, but this vocabulary has no end token */
    assert_int_equal(vt__matcher_accept(m, 'a'), VT_OK);
    assert_int_equal(vt__matcher_mask(m, &mask, &n), VT_ERR_STATE);
    vt__matcher_free(m);
    vt_tokenizer_release(tok);
}

/* More states than are kept: the mask of a place does not depend on what was forgotten. */
static void forgotten_states_change_nothing(void **state) {
    vt_tokenizer *tok = vocabulary(ctx);
    vt__matcher *m = started(tok, "root ::= (\"a\" | \"b\" | \"c\"){0,60000} \"!\" | \"#$%&()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ\"");
    (void)state;
    for (int i = 0; i < 50000; i++) {
        if (i % 97 == 0) assert_true(allows(m, 'a') && allows(m, ABC) && allows(m, '!') && !allows(m, END) && !allows(m, A_QUOTE));
        assert_int_equal(vt__matcher_accept(m, i % 3 == 0 ? 'a' : AB), VT_OK);
        if (i % 3 != 0) i++;
    }
    vt__matcher_free(m);
    vt_tokenizer_release(tok);
}

/* 2^16 places that all differ, each with a row of more than 200 classes: one walk meets more states than are kept, and forgets the masks too. */
static void a_mask_outlives_what_its_own_walk_forgot(void **state) {
    enum { DEPTH = 16, N_WORDS = 1 << (DEPTH - 1), LAST = 256 + N_WORDS - 1 };
    static char text[LAST + 1][DEPTH];
    static vt__span tokens[LAST + 1];
    static const vt__span merge = {"\xC4\x80 \xC4\x80", 5};
    vt__vocab v = {.name = "words", .n_merges = 1, .merges = &merge, .family = {"gpt2", 4}, .pre = {"gpt-2", 5}, .n_tokens = LAST + 1, .tokens = tokens, .add_bos = -1, .add_eos = -1};
    static const char head[] = "root ::= \"?\" ([ab]* \"a\" [ab]{17} | \"c";
    char gbnf[2048];
    size_t len = sizeof head - 1;
    const uint64_t *mask;
    int64_t n;
    vt__alphabet alphabet;
    vt_tokenizer *tok;
    (void)state;
    vt__alphabet_init(&alphabet);
    for (int i = 0; i <= LAST; i++) {
        for (int k = 0; k < DEPTH && i >= 256; k++) text[i][k] = k + 1 < DEPTH && (i - 256) >> k & 1 ? 'a' : 'b';
        tokens[i] = (vt__span){text[i], i < 256 ? vt__alphabet_write(&alphabet, (unsigned char)i, text[i]) : DEPTH};
    }
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) v.special[i] = -1;
    memcpy(gbnf, head, len);
    for (unsigned c = 1; c < 0x80; c++) len += (size_t)snprintf(gbnf + len, sizeof gbnf - len, "\\x%02X", c);
    for (unsigned c = 0x80; c < 0x800; c += c < 0xC0 ? 1 : 0x40) len += (size_t)snprintf(gbnf + len, sizeof gbnf - len, "\\u%04X", c);
    len += (size_t)snprintf(gbnf + len, sizeof gbnf - len, "\")");
    assert_true(len < sizeof gbnf);
    if (vt__tokenizer_create(ctx, &v, &tok) != VT_OK) fail_msg("%s", vt_error_message());
    vt__matcher *m = started(tok, gbnf);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(vt__matcher_mask(m, &mask, &n), VT_OK);
        assert_int_equal(mask['?' / 64] >> '?' % 64 & 1, i == 0);
        assert_int_equal(mask['c' / 64] >> 'c' % 64 & 1, i == 1);
        assert_int_equal(mask['a' / 64] >> 'a' % 64 & 1, i > 0);
        assert_int_equal(mask[LAST / 64] >> LAST % 64 & 1, i > 0);
        assert_int_equal(vt__matcher_accept(m, "?ab"[i]), VT_OK);
    }
    vt__matcher_free(m);
    vt_tokenizer_release(tok);
}

/* ---- in a sampler ---- */

static vt_sampler *sampler_of(vt_context *c, vt_tokenizer *tok, const char *gbnf, vt_status *st) {
    vt_grammar *g = NULL;
    vt_sampler *s = NULL;
    *st = vt_grammar_create(c, gbnf, strlen(gbnf), &g);
    if (*st == VT_OK) *st = vt_sampler_create(c, NULL, &s);
    if (*st == VT_OK) *st = vt_sampler_add_grammar(s, tok, g);
    vt_grammar_release(g);
    return s;
}

static void a_sampler_draws_texts_of_its_grammar(void **state) {
    static const char gbnf[] = "root ::= (\"abc\" | \"a\\\"\")+ [\\u20AC] ";
    vt_tokenizer *tok = vocabulary(ctx);
    float row[N_TOKENS + 5] = {0};
    vt_status st;
    int32_t id;
    (void)state;
    for (int trial = 0; trial < 50; trial++) {
        char text[64];
        size_t len = 0;
        int32_t is;
        vt_sampler *s = sampler_of(ctx, tok, gbnf, &st);
        assert_int_equal(st, VT_OK);
        if (trial % 2) assert_int_equal(vt_sampler_add_top_k(s, 1), VT_OK);
        for (int i = 0; i < N_TOKENS + 5; i++) row[i] = (float)((i * 7919 + trial * 104729) % 1000) / 100.0f;
        row[0xE2] += 20; /* or it would go on for ever */
        for (;;) {
            assert_int_equal(vt_sampler_sample(s, row, N_TOKENS + 5, &id), VT_OK);
            assert_int_equal(vt_sampler_accept(s, id), VT_OK);
            if (id == END) break;
            vt_buffer *b;
            assert_int_equal(vt_tokenizer_decode(tok, &id, 1, 0, &b), VT_OK);
            memcpy(text + len, vt_buffer_data(b), vt_buffer_size(b));
            len += vt_buffer_size(b);
            vt_buffer_release(b);
            assert_true(len < 60);
        }
        vt_grammar *g;
        assert_int_equal(vt_grammar_create(ctx, gbnf, strlen(gbnf), &g), VT_OK);
        assert_int_equal(vt_grammar_check(g, text, len, &is), VT_OK);
        assert_int_equal(is, VT_GRAMMAR_MATCH);
        vt_grammar_release(g);
        vt_sampler_release(s);
    }
    vt_tokenizer_release(tok);
}

static void barred_tokens_of_a_grammar_are_an_error_that_leaves_it_usable(void **state) {
    vt_tokenizer *tok = vocabulary(ctx);
    float row[N_TOKENS] = {0};
    vt_status st;
    int32_t id = -7;
    vt_sampler *s = sampler_of(ctx, tok, "root ::= \"q\"", &st);
    (void)state;
    row['q'] = -INFINITY;
    assert_int_equal(vt_sampler_sample(s, row, N_TOKENS, &id), VT_ERR_NUMERIC);
    assert_non_null(strstr(vt_error_message(), "grammar"));
    assert_int_equal(id, -7);
    row['q'] = -3;
    assert_int_equal(vt_sampler_sample(s, row, N_TOKENS, &id), VT_OK);
    assert_int_equal(id, 'q');
    assert_int_equal(vt_sampler_sample(s, row, 'a', &id), VT_ERR_NUMERIC); /* a row too short for it */
    vt_sampler_release(s);
    vt_tokenizer_release(tok);
}

static vt_status work(vt_context *c) {
    static const tiny_vocab v = {.tokens = extra, .eos = END};
    float row[N_TOKENS] = {0};
    vt_tokenizer *tok = NULL;
    vt_sampler *copy = NULL;
    int32_t id;
    vt_status st = tiny_tokenizer(c, &v, &tok);
    if (st != VT_OK) return st;
    vt_sampler *s = sampler_of(c, tok, "root ::= \"ab\"+ [\\u20AC]{1,3}", &st);
    for (int i = 0; i < 4 && st == VT_OK; i++) {
        st = vt_sampler_sample(s, row, N_TOKENS, &id);
        if (st == VT_OK) st = vt_sampler_accept(s, id);
    }
    if (st == VT_OK) st = vt_sampler_clone(s, &copy);
    if (st == VT_OK) st = vt_sampler_sample(copy, row, N_TOKENS, &id);
    vt_sampler_release(copy);
    vt_sampler_release(s);
    vt_tokenizer_release(tok);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_hold_what_can_follow),
        cmocka_unit_test(an_end_is_allowed_exactly_where_the_grammar_may_end),
        cmocka_unit_test(a_character_may_come_in_parts),
        cmocka_unit_test(nothing_to_follow_is_an_error_and_no_end),
        cmocka_unit_test(forgotten_states_change_nothing),
        cmocka_unit_test(a_mask_outlives_what_its_own_walk_forgot),
        cmocka_unit_test(a_sampler_draws_texts_of_its_grammar),
        cmocka_unit_test(barred_tokens_of_a_grammar_are_an_error_that_leaves_it_usable),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
