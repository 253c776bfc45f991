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

enum { UNCASED = VT__WORDPIECE_LOWERCASE | VT__WORDPIECE_STRIP_ACCENTS | VT__WORDPIECE_IDEOGRAPHS | VT__WORDPIECE_CLEAN,
       CASED = VT__WORDPIECE_IDEOGRAPHS | VT__WORDPIECE_CLEAN };

static const char *const words[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "un", "##aff", "##able", "aff", "able", "cafe", "!", "\xE4\xB8\xAD", /* 12 */
                                    "\xE5\x9B\xBD", "##s", "a", "##a", "b", "\xC3\x89", "##\xC3\x89", "caf", "$", "\xE2\x80\x94", "K"};
enum { N_WORDS = sizeof words / sizeof words[0] };

static vt_status make_with(vt_context *c, uint32_t flags, int64_t max_word, vt_tokenizer **out) {
    vt__span tokens[N_WORDS];
    vt__wordpiece p = {.name = "vocab.txt", .n_tokens = N_WORDS, .tokens = tokens, .flags = flags, .max_word = max_word};
    for (size_t i = 0; i < N_WORDS; i++) tokens[i] = (vt__span){words[i], strlen(words[i])};
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) p.special[i] = -1;
    return vt__tokenizer_wordpiece(c, &p, out);
}

static vt_status make_uncased(vt_context *c, vt_tokenizer **out) { return make_with(c, UNCASED, 100, out); }

static vt_tokenizer *make(uint32_t flags, int64_t max_word) {
    vt_tokenizer *tok;
    if (make_with(ctx, flags, max_word, &tok) != VT_OK) fail_msg("%s", vt__error_message());
    return tok;
}

static void words_are_cut_into_the_longest_pieces(void **state) {
    static const struct {
        uint32_t make, flags;
        const char *text, *ids;
    } cases[] = {
        {UNCASED, 0, "", ""},
        {UNCASED, 0, "unaffable", "5 6 7"},
        {UNCASED, 0, "  Un\taff\nABLE ", "5 8 9"},
        {UNCASED, 0, "unaffably", "1"},           /* what does not come out even is unknown as a whole */
        {UNCASED, 0, "unaffably un", "1 5"},
        {UNCASED, 0, "caf\xC3\xA9", "10"},        /* e with acute */
        {UNCASED, 0, "cafe\xCC\x81", "10"},       /* the same, decomposed */
        {UNCASED, 0, "un!un", "5 11 5"},
        {UNCASED, 0, "a$a", "15 21 15"},
        {UNCASED, 0, "a\xE2\x80\x94" "a", "15 22 15"},  /* dash */
        {UNCASED, 0, "\xE4\xB8\xAD\xE5\x9B\xBD", "12 13"},
        {UNCASED, 0, "\xE4\xB8\xAD" "as", "12 15 14"},
        {UNCASED, 0, "a\xE2\x80\x8D" "a", "15 16"},     /* a joiner is dropped */
        {UNCASED, 0, "a\x01\xEF\xBF\xBD" "a\xFF", "15 16"},
        {UNCASED, 0, "a\xC2\xA0" "a", "15 15"},         /* no-break space */
        {UNCASED, 0, "a\x0C" "a", "15 16"},             /* a control character to BERT's makers */
        {UNCASED & ~VT__WORDPIECE_CLEAN, 0, "a\x0C" "a", "15 15"},
        {UNCASED, 0, "\xE2\x84\xAA", "1"},              /* Kelvin sign: K, then k */
        {UNCASED, 0, "[CLS] a", "1 1 1 15"},
        {UNCASED, VT__TOKENIZE_SPECIAL, "[CLS] a", "2 15"},
        {UNCASED, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS, "a", "2 15 3"},
        {UNCASED, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS, "", "2 3"},
        {UNCASED, VT__TOKENIZE_SPECIAL | VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_ADD_EOS, "[CLS]a [MASK][SEP]", "2 15 4 3"},
        {CASED, 0, "caf\xC3\x89", "20 19"},
        {CASED, 0, "\xC3\x89", "18"},
        {CASED, 0, "Un", "1"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_tokenizer *tok = make(cases[i].make, 100);
        const char *got = ids_text(tok, cases[i].text, strlen(cases[i].text), cases[i].flags);
        if (strcmp(got, cases[i].ids) != 0) fail_msg("case %zu, '%s': %s instead of %s", i, cases[i].text, got, cases[i].ids);
        vt__tokenizer_release(tok);
    }
}

static void long_words_are_unknown_where_the_model_says(void **state) {
    char text[101];
    (void)state;
    memset(text, 'a', sizeof text);
    vt_tokenizer *tok = make(UNCASED, 100);
    assert_string_equal(ids_text(tok, text, 101, 0), "1");
    assert_int_equal(strlen(ids_text(tok, text, 100, 0)), 100 * 3 - 1);
    vt__tokenizer_release(tok);
    tok = make(UNCASED, 0);
    assert_int_equal(strlen(ids_text(tok, text, 101, 0)), 101 * 3 - 1);
    vt__tokenizer_release(tok);
}

static void decoding_puts_spaces_between_words(void **state) {
    static const int32_t ids[] = {2, 5, 6, 7, 15, 11, 3};
    (void)state;
    vt_tokenizer *tok = make(UNCASED, 100);
    assert_string_equal(decoded_text(tok, ids, 7, 0), "unaffable a !");
    assert_string_equal(decoded_text(tok, ids, 7, VT__TOKENIZE_SPECIAL), "[CLS]unaffable a ![SEP]");
    assert_string_equal(decoded_text(tok, ids + 4, 2, VT__TOKENIZE_CONTINUE), " a !");
    vt__tokenizer_release(tok);
}

static void special_ids_are_found_by_their_texts(void **state) {
    (void)state;
    vt_tokenizer *tok = make(UNCASED, 100);
    assert_int_equal(vt__tokenizer_special(tok, VT__SPECIAL_PAD), 0);
    assert_int_equal(vt__tokenizer_special(tok, VT__SPECIAL_UNK), 1);
    assert_int_equal(vt__tokenizer_special(tok, VT__SPECIAL_CLS), 2);
    assert_int_equal(vt__tokenizer_special(tok, VT__SPECIAL_SEP), 3);
    assert_int_equal(vt__tokenizer_special(tok, VT__SPECIAL_MASK), 4);
    assert_int_equal(vt__tokenizer_special(tok, VT__SPECIAL_EOT), -1);
    assert_int_equal(vt__tokenizer_special(tok, VT__SPECIAL_COUNT), -1);
    assert_int_equal(vt__tokenizer_special(tok, -1), -1);
    assert_int_equal(vt__tokenizer_bos(tok), 2);
    assert_int_equal(vt__tokenizer_eos(tok), 3);
    assert_string_equal(vt__tokenizer_family(tok), "WordPiece");
    vt__tokenizer_release(tok);
}

static void pieces_are_the_words_in_the_text(void **state) {
    static const char text[] = " Un!\x01 caf\xC3\xA9\xE4\xB8\xAD";
    static const int64_t want[] = {1, 3, 3, 4, 6, 11, 11, 14};
    vt_buffer *pieces;
    (void)state;
    vt_tokenizer *tok = make(UNCASED, 100);
    assert_int_equal(vt__tokenizer_pieces(tok, text, sizeof text - 1, 0, &pieces), VT_OK);
    assert_int_equal(vt__buffer_size(pieces), sizeof want);
    assert_memory_equal(vt__buffer_data(pieces), want, sizeof want);
    vt__buffer_release(pieces);
    vt__tokenizer_release(tok);
}

static void a_vocabulary_that_cannot_work_is_refused(void **state) {
    static char text[1026];
    vt__span tokens[2] = {{"[UNK]", 5}, {"a", 1}};
    vt__wordpiece p = {.name = "vocab.txt", .n_tokens = 2, .tokens = tokens, .flags = UNCASED};
    vt_tokenizer *tok;
    (void)state;
    for (int i = 0; i < VT__SPECIAL_COUNT; i++) p.special[i] = -1;
    memset(text, 'x', sizeof text);
    tokens[1] = (vt__span){text, 1025};
    assert_int_equal(vt__tokenizer_wordpiece(ctx, &p, &tok), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "vocab.txt: piece 1 has 1025 bytes"));
    tokens[1] = tokens[0] = (vt__span){"a", 1};
    assert_int_equal(vt__tokenizer_wordpiece(ctx, &p, &tok), VT_ERR_FORMAT);
    assert_non_null(strstr(vt__error_message(), "without a token for unknown words"));
    p.special[VT__SPECIAL_UNK] = 2;
    assert_int_equal(vt__tokenizer_wordpiece(ctx, &p, &tok), VT_ERR_FORMAT);
    assert_null(tok);
    p.n_tokens = 0;
    assert_int_equal(vt__tokenizer_wordpiece(ctx, &p, &tok), VT_ERR_FORMAT);
}

static void a_mebibyte_does_not_take_for_ever(void **state) {
    static const size_t len = 1 << 20;
    (void)state;
    vt_tokenizer *tok = make(UNCASED, 0);
    char *text = malloc(len);
    assert_non_null(text);
    for (const char *kind = "a !\xFF"; *kind; kind++) {
        memset(text, *kind, len);
        vt_buffer *ids;
        assert_int_equal(vt__tokenizer_encode(tok, text, len, 0, &ids), VT_OK);
        vt__buffer_release(ids);
    }
    free(text);
    vt__tokenizer_release(tok);
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    const char *wrong = torture_tokenizer(make_uncased, "[CLS] Unaffable caf\xC3\xA9, \xE4\xB8\xAD unaffably");
    if (wrong) fail_msg("%s", wrong);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_cut_into_the_longest_pieces),
        cmocka_unit_test(long_words_are_unknown_where_the_model_says),
        cmocka_unit_test(decoding_puts_spaces_between_words),
        cmocka_unit_test(special_ids_are_found_by_their_texts),
        cmocka_unit_test(pieces_are_the_words_in_the_text),
        cmocka_unit_test(a_vocabulary_that_cannot_work_is_refused),
        cmocka_unit_test(a_mebibyte_does_not_take_for_ever),
        cmocka_unit_test(survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
