#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "one_context.h"
#include "text/tokenizer_internal.h"
#include "text_cases.h"
#include "tiny_vocab.h"
#include "torture.h"

static const char *golden(const char *name, char *path, size_t room) {
    const char *folder = getenv("VT_GOLDEN");
    (void)snprintf(path, room, "%s/%s", folder ? folder : "tests/golden", name);
    return path;
}

static vt_tokenizer *open_golden(const char *name) {
    char path[1024];
    vt_tokenizer *tok;
    if (vt__tokenizer_open(ctx, golden(name, path, sizeof path), &tok) != VT_OK) fail_msg("%s", vt__error_message());
    return tok;
}

static vt_tokenizer *make(const tiny_vocab *v) {
    vt_tokenizer *tok;
    if (tiny_tokenizer(ctx, v, &tok) != VT_OK) fail_msg("%s", vt__error_message());
    return tok;
}

/* Ids as text, "1 2 3", for comparison with what is written in a test. */
static const char *ids_of(const vt_tokenizer *tok, const char *text, size_t len, uint32_t flags) {
    static char shown[4096];
    vt_buffer *ids;
    size_t at = 0;
    assert_int_equal(vt__tokenizer_encode(tok, text, len, flags, &ids), VT_OK);
    shown[0] = '\0';
    const int32_t *id = vt__buffer_data(ids);
    for (size_t i = 0; i < vt__buffer_size(ids) / 4 && at < sizeof shown - 16; i++)
        at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%d", i > 0 ? " " : "", id[i]);
    vt__buffer_release(ids);
    return shown;
}

static void expect_round_trip(const vt_tokenizer *tok, const char *text, size_t len) {
    vt_buffer *ids, *back, *pieces;
    assert_int_equal(vt__tokenizer_encode(tok, text, len, 0, &ids), VT_OK);
    assert_int_equal(vt__tokenizer_decode(tok, vt__buffer_data(ids), (int64_t)(vt__buffer_size(ids) / 4), 0, &back), VT_OK);
    assert_int_equal(vt__buffer_size(back), len);
    assert_memory_equal(vt__buffer_data(back), text, len);
    assert_int_equal(vt__tokenizer_pieces(tok, text, len, 0, &pieces), VT_OK);
    const int64_t *range = vt__buffer_data(pieces);
    int64_t at = 0;
    for (size_t i = 0; i < vt__buffer_size(pieces) / 16; i++) {
        assert_int_equal(range[2 * i], at);
        assert_true(range[2 * i + 1] > at);
        at = range[2 * i + 1];
    }
    assert_int_equal(at, len);
    vt__buffer_release(ids);
    vt__buffer_release(back);
    vt__buffer_release(pieces);
}

/* Pieces in the byte-level alphabet, as the golden files write them. */
static void expect_words(const vt_tokenizer *tok, const char *text, size_t len, const json_t *words) {
    vt_buffer *pieces;
    vt__alphabet a;
    vt__alphabet_init(&a);
    assert_int_equal(vt__tokenizer_pieces(tok, text, len, VT__TOKENIZE_SPECIAL, &pieces), VT_OK);
    const int64_t *range = vt__buffer_data(pieces);
    assert_int_equal(vt__buffer_size(pieces) / 16, json_array_size(words));
    for (size_t i = 0; i < json_array_size(words); i++) {
        char word[256];
        size_t n = 0;
        for (int64_t k = range[2 * i]; k < range[2 * i + 1] && n < sizeof word - 2; k++) n += vt__alphabet_write(&a, (unsigned char)text[k], word + n);
        word[n] = '\0';
        assert_string_equal(word, json_string_value(json_array_get(words, i)));
    }
    vt__buffer_release(pieces);
}

static void golden_cases_give_the_references_ids(void **state) {
    static const char *const files[] = {"tok_bpe_smollm.json", "tok_bpe_gpt2.json", "tok_bpe_llama3.json", "tok_bpe_qwen2.json"};
    (void)state;
    for (size_t f = 0; f < 4; f++) {
        char path[1024];
        json_t *doc = json_load_file(golden(files[f], path, sizeof path), 0, NULL), *c;
        size_t i;
        assert_non_null(doc);
        vt_tokenizer *tok = open_golden(json_string_value(json_object_get(doc, "vocab_file")));
        json_array_foreach(json_object_get(doc, "cases"), i, c) {
            const json_t *text = json_object_get(c, "text"), *ids = json_object_get(c, "ids"), *words = json_object_get(c, "words");
            vt_buffer *got, *back;
            assert_int_equal(vt__tokenizer_encode(tok, json_string_value(text), json_string_length(text), VT__TOKENIZE_SPECIAL, &got), VT_OK);
            assert_int_equal(vt__buffer_size(got) / 4, json_array_size(ids));
            const int32_t *id = vt__buffer_data(got);
            for (size_t k = 0; k < json_array_size(ids); k++) assert_int_equal(id[k], json_integer_value(json_array_get(ids, k)));
            if (json_is_array(words)) expect_words(tok, json_string_value(text), json_string_length(text), words);
            assert_int_equal(vt__tokenizer_decode(tok, id, (int64_t)json_array_size(ids), VT__TOKENIZE_SPECIAL, &back), VT_OK);
            assert_string_equal(vt__buffer_data(back), json_string_value(json_object_get(c, "decoded")));
            vt__buffer_release(got);
            vt__buffer_release(back);
        }
        vt__tokenizer_release(tok);
        json_decref(doc);
    }
}

static const struct {
    const char *pre, *text, *ends; /* where pieces end */
} cuts[] = {
    {"gpt-2", "a  b", "1 2 4"},
    {"gpt-2", "a \n b", "1 3 5"},
    {"gpt-2", "x12 34", "1 3 6"},
    {"gpt-2", "a   ", "1 4"},
    {"gpt-2", "we'll I'LL", "2 5 7 8 10"},
    {"gpt-2", "a\xC2\xA0" "b", "1 3 4"},          /* no-break space is white */
    {"gpt-2", "a \xE1\xA0\x8E" "b", "1 5 6"},     /* U+180E is not */
    {"gpt-2", "e\xCC\x81!", "1 4"},               /* marks are neither letters nor digits */
    {"gpt-2", "\xFF" "ab\xE2\x82", "1 3 4 5"},
    {"smollm", "x12 34", "1 2 3 4 5 6"},
    {"smollm", "a  1", "1 3 4"},                  /* space before a digit stays together */
    {"smollm", "a  b", "1 2 4"},
    {"smollm", "a \xC2\xBD", "1 2 4"},
    {"starcoder", "1  x", "1 2 4"},
    {"exaone", "", ""},
    {"llama-bpe", "we'LL (it)\n\n x", "2 5 7 9 12 14"},    /* a word takes one sign in front, signs take line ends along */
    {"llama-bpe", "12345 1", "3 5 6 7"},
    {"llama-bpe", "a \n \n  b", "1 5 6 8"},               /* up to the last line end of a run */
    {"llama-bpe", "a \r\n", "1 4"},
    {"llama-bpe", "  \t", "3"},
    {"smaug-bpe", "x\ty", "1 3"},
    {"qwen2", "12345 1", "1 2 3 4 5 6 7"},
    {"qwen35", "e\xCC\x81!", "3 4"},                     /* marks are letters there */
    {"default", "a, 12345=x\n", "1 2 3 6 8 9 10 11"},
    {"default", "1234567\xC2\xBD", "3 6 9"},
    {"falcon", "12345`x", "3 5 6 7"},
    {"deepseek-coder", "a 12\n\nb\xE4\xB8\x80", "1 2 3 4 5 6 7 10"},
};

static void text_is_cut_as_the_pre_tokenizer_says(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        vt_tokenizer *tok = make(&(tiny_vocab){.pre = cuts[i].pre});
        vt_buffer *pieces;
        char shown[256] = "";
        size_t at = 0;
        assert_int_equal(vt__tokenizer_pieces(tok, cuts[i].text, strlen(cuts[i].text), 0, &pieces), VT_OK);
        const int64_t *range = vt__buffer_data(pieces);
        for (size_t k = 0; k < vt__buffer_size(pieces) / 16; k++)
            at += (size_t)snprintf(shown + at, sizeof shown - at, "%s%lld", k > 0 ? " " : "", (long long)range[2 * k + 1]);
        if (strcmp(shown, cuts[i].ends) != 0) fail_msg("case %zu: %s", i, shown);
        vt__buffer_release(pieces);
        vt__tokenizer_release(tok);
    }
}

static void merges_go_by_rank_then_from_the_left(void **state) {
    static const tiny_token tokens[] = {{"aa", 1}, {"ab", 1}, {"aab", 1}, {"bb", 1}, {NULL, 0}}; /* 256.. */
    static const char *const merges[] = {"a a", "a b", "aa b", "b b", "bb a", "bba a", NULL};    /* bba, bbaa: no tokens */
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = tokens, .merges = merges});
    assert_string_equal(ids_of(tok, "aaa", 3, 0), "256 97");
    assert_string_equal(ids_of(tok, "aaab", 4, 0), "256 257");
    assert_string_equal(ids_of(tok, "aab", 3, 0), "258");
    assert_string_equal(ids_of(tok, "", 0, 0), "");
    assert_string_equal(ids_of(tok, "bba", 3, 0), "98 98 97"); /* merged to a text that is no token: byte by byte */
    vt__tokenizer_release(tok);
}

/* The definition without any cleverness: symbol i is text[at[i], at[i + 1]); the number of symbols left. */
static size_t naive(const void *rules, const char *text, size_t *at, size_t n) {
    const char *const *merges = rules;
    for (size_t m = 0; merges[m];) {
        size_t i = 0;
        for (; i + 1 < n; i++) {
            size_t left = at[i + 1] - at[i], right = at[i + 2] - at[i + 1];
            if (strlen(merges[m]) == left + 1 + right && memcmp(merges[m], text + at[i], left) == 0 && merges[m][left] == ' ' &&
                memcmp(merges[m] + left + 1, text + at[i + 1], right) == 0)
                break;
        }
        if (i + 1 >= n) {
            m++;
            continue;
        }
        memmove(at + i + 1, at + i + 2, (n - i - 1) * sizeof *at);
        n--;
        m = 0; /* a better merge may have become possible */
    }
    return n;
}

static void long_and_short_words_follow_one_definition(void **state) {
    static const tiny_token tokens[] = {{"ab", 1}, {"bc", 1}, {"ca", 1}, {"aab", 1}, {"bca", 1}, {"abab", 1}, {"cc", 1}, {"abc", 1}, {"bcabab", 1}, {NULL, 0}};
    static const char *const merges[] = {"b c", "a b", "c a", "a ab", "bc a", "ab ab", "c c", "a bc", "bc abab", NULL};
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = tokens, .merges = merges});
    follow_definition(tok, naive, merges, 12345);
    vt__tokenizer_release(tok);
}

static void a_word_of_a_mebibyte_does_not_take_for_ever(void **state) {
    static const size_t len = 1 << 20;
    (void)state;
    vt_tokenizer *tok = open_golden("tok_bpe_gpt2.gguf");
    char *text = malloc(len);
    assert_non_null(text);
    static const char kinds[] = "e t\xFF";
    for (const char *kind = kinds; *kind; kind++) {
        memset(text, *kind, len);
        expect_round_trip(tok, text, len);
    }
    for (size_t i = 0; i < len; i++) text[i] = "ontherein"[i * i % 9];
    expect_round_trip(tok, text, len);
    free(text);
    vt__tokenizer_release(tok);
}

/* No rule goes back over what it has read. */
static void a_mebibyte_of_space_does_not_take_for_ever(void **state) {
    static const char *const pres[] = {"default", "llama-bpe", "qwen2", "falcon", "deepseek-coder", "smollm"};
    static const char *const kinds[] = {"\n", " ", " \n", "\r\n", "1", ".", "a \n", "'s", "\xC3\xA9"};
    static const size_t len = 1 << 20;
    (void)state;
    char *text = malloc(len);
    assert_non_null(text);
    for (size_t p = 0; p < sizeof pres / sizeof pres[0]; p++) {
        vt_tokenizer *tok = make(&(tiny_vocab){.pre = pres[p]});
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
            vt_buffer *pieces;
            for (size_t i = 0; i < len; i++) text[i] = kinds[k][i % strlen(kinds[k])];
            if (vt__tokenizer_pieces(tok, text, len, 0, &pieces) != VT_OK) fail_msg("%s, kind %zu: %s", pres[p], k, vt__error_message());
            const int64_t *range = vt__buffer_data(pieces);
            assert_int_equal(range[vt__buffer_size(pieces) / 8 - 1], len);
            vt__buffer_release(pieces);
        }
        vt__tokenizer_release(tok);
    }
    free(text);
}

/* "ab" is a token, but no merge makes it; Llama 3's files take it, and ask for a beginning-of-sequence token. */
static void a_word_that_is_a_token_is_taken_whole_where_the_model_says(void **state) {
    static const tiny_token tokens[] = {{"ab", 1}, {"<s>", 3}, {"\xC4\xA0" "ab", 1}, {NULL, 0}};
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.pre = "llama-bpe", .tokens = tokens, .bos = 257});
    assert_string_equal(ids_of(tok, "ab ab aba", 9, 0), "256 258 32 97 98 97");
    vt__tokenizer_release(tok);
    tok = make(&(tiny_vocab){.pre = "smaug-bpe", .tokens = tokens});
    assert_string_equal(ids_of(tok, "ab", 2, 0), "97 98");
    vt__tokenizer_release(tok);
}

static void any_bytes_come_back(void **state) {
    static const char alphabet[] = "the <|im_end|>\xE2\x82\xAC 12\n";
    char text[600];
    uint32_t seed = 99;
    (void)state;
    vt_tokenizer *tok = open_golden("tok_bpe_smollm.gguf");
    expect_round_trip(tok, "", 0);
    expect_round_trip(tok, "\0", 1);
    expect_round_trip(tok, "caf\xC3", 4);
    expect_round_trip(tok, "\xED\xA0\x80\xC0\xAF\xF5", 6);
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

static void a_byte_without_a_token_is_left_out(void **state) {
    vt_buffer *back;
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.without_byte = 0xFF});
    assert_string_equal(ids_of(tok, "a\xFF" "b", 3, 0), "97 98");
    assert_string_equal(ids_of(tok, "\xFF", 1, 0), "");
    assert_int_equal(vt__tokenizer_decode(tok, (const int32_t[]){0xFF}, 1, 0, &back), VT_OK);
    assert_string_equal(vt__buffer_data(back), "[gone]");
    vt__buffer_release(back);
    vt__tokenizer_release(tok);
}

/* abc=256 control, cdefg=257 user, ab=258 control, <x>=259 unknown, defg=260 control, Gtok=261 user with a space */
static const tiny_token special[] = {{"abc", 3}, {"cdefg", 4}, {"ab", 3}, {"<x>", 2}, {"defg", 3}, {"G tok", 4}, {"\xC4\xA0z", 3}, {NULL, 0}};

static void special_tokens_are_found_longest_first(void **state) {
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = special});
    assert_string_equal(ids_of(tok, "abc", 3, 0), "97 98 99"); /* plain text stays text */
    assert_string_equal(ids_of(tok, "abc", 3, 1), "256");
    assert_string_equal(ids_of(tok, "xcdefgx", 7, 0), "120 257 120"); /* user tokens always */
    assert_string_equal(ids_of(tok, "abcdefg", 7, 1), "258 257");     /* cdefg, then ab in what is left */
    assert_string_equal(ids_of(tok, "abcdefg", 7, 0), "97 98 257");
    assert_string_equal(ids_of(tok, "abcabab<x>ab", 12, 1), "256 258 258 259 258");
    assert_string_equal(ids_of(tok, "cdefg", 4, 1), "99 100 101 102");
    assert_string_equal(ids_of(tok, "G tok", 5, 0), "261");
    assert_string_equal(ids_of(tok, " z", 2, 1), "32 122"); /* its text is not " z" */
    vt__tokenizer_release(tok);
}

static void special_tokens_are_written_only_on_request(void **state) {
    static const int32_t ids[] = {97, 256, 261, 259, 32};
    vt_buffer *text;
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = special});
    assert_int_equal(vt__tokenizer_decode(tok, ids, 5, 0, &text), VT_OK);
    assert_string_equal(vt__buffer_data(text), "aG tok ");
    vt__buffer_release(text);
    assert_int_equal(vt__tokenizer_decode(tok, ids, 5, VT__TOKENIZE_SPECIAL, &text), VT_OK);
    assert_string_equal(vt__buffer_data(text), "aabcG tok<x> ");
    vt__buffer_release(text);
    assert_int_equal(vt__tokenizer_decode(tok, (const int32_t[]){263}, 1, 0, &text), VT_ERR_INVALID);
    assert_null(text);
    assert_int_equal(vt__tokenizer_decode(tok, (const int32_t[]){-1}, 1, 0, &text), VT_ERR_INVALID);
    assert_non_null(strstr(vt__error_message(), "id -1, 0 to 262"));
    vt__tokenizer_release(tok);
}

/* 1000 nested tokens, a text where all of them overlap at every place: the rule holds and time stays bounded. */
static void overlapping_special_tokens_stay_cheap(void **state) {
    static tiny_token tokens[101];
    static char text[101][102];
    char a[3001];
    (void)state;
    for (size_t i = 0; i < 100; i++) {
        memset(text[i], 'a', i + 1);
        tokens[i] = (tiny_token){text[i], VT__TOKEN_CONTROL};
    }
    memset(a, 'a', sizeof a);
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = tokens});
    vt_buffer *ids;
    assert_int_equal(vt__tokenizer_encode(tok, a, sizeof a, VT__TOKENIZE_SPECIAL, &ids), VT_OK);
    assert_int_equal(vt__buffer_size(ids) / 4, 31);
    const int32_t *id = vt__buffer_data(ids);
    assert_int_equal(id[0], 256 + 99);
    assert_int_equal(id[30], 256);
    vt__buffer_release(ids);
    vt__tokenizer_release(tok);
}

/* The lowest id of each class stands for all tokens of one text; a vocabulary full of them costs no more than one without. */
static void equal_special_tokens_count_once(void **state) {
    enum { COPIES = 600 };
    static tiny_token tokens[COPIES + 1];
    (void)state;
    for (int i = 0; i < COPIES; i++) tokens[i] = (tiny_token){"aa", i % 3 == 1 ? VT__TOKEN_USER : VT__TOKEN_CONTROL};
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = tokens});
    assert_int_equal(tok->specials.n, 2);
    assert_string_equal(ids_of(tok, "aa", 2, VT__TOKENIZE_SPECIAL), "256");
    assert_string_equal(ids_of(tok, "aa", 2, 0), "257");
    vt__tokenizer_release(tok);
}

static void plain_text_never_becomes_a_control_token(void **state) {
    static const tiny_token tokens[] = {{"ab", VT__TOKEN_CONTROL}, {"abc", VT__TOKEN_NORMAL}, {NULL, 0}};
    static const char *const merges[] = {"a b", "ab c", NULL};
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = tokens, .merges = merges});
    assert_string_equal(ids_of(tok, "ab", 2, 0), "97 98"); /* merged, but the token is control */
    assert_string_equal(ids_of(tok, "abc", 3, 0), "257");
    vt__tokenizer_release(tok);
}

static void bos_comes_once_and_where_the_model_asks(void **state) {
    static const tiny_token tokens[] = {{"<s>", VT__TOKEN_CONTROL}, {"</s>", VT__TOKEN_CONTROL}, {"<|im_end|>", VT__TOKEN_CONTROL}, {"<|end|>", 1}, {NULL, 0}};
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){.tokens = tokens, .bos = 256, .eos = 65, .add_bos = 1});
    assert_string_equal(ids_of(tok, "a", 1, 0), "97");
    assert_string_equal(ids_of(tok, "a", 1, VT__TOKENIZE_ADD_BOS), "256 97");
    assert_string_equal(ids_of(tok, "", 0, VT__TOKENIZE_ADD_BOS), "256");
    assert_string_equal(ids_of(tok, "<s>a", 4, VT__TOKENIZE_ADD_BOS | VT__TOKENIZE_SPECIAL), "256 97");
    assert_string_equal(ids_of(tok, "<s>", 3, VT__TOKENIZE_ADD_BOS), "256 60 115 62");
    assert_int_equal(vt__tokenizer_bos(tok), 256);
    assert_int_equal(vt__tokenizer_eos(tok), 65);
    assert_true(vt__tokenizer_is_eog(tok, 65) && vt__tokenizer_is_eog(tok, 257) && vt__tokenizer_is_eog(tok, 258));
    assert_false(vt__tokenizer_is_eog(tok, 256) || vt__tokenizer_is_eog(tok, 259) || vt__tokenizer_is_eog(tok, 260) || vt__tokenizer_is_eog(tok, -1));
    vt__tokenizer_release(tok);
    tok = make(&(tiny_vocab){.tokens = tokens, .bos = 256});
    assert_string_equal(ids_of(tok, "a", 1, VT__TOKENIZE_ADD_BOS), "97");
    assert_int_equal(vt__tokenizer_eos(tok), -1);
    assert_int_equal(vt__tokenizer_count(tok), 260);
    assert_string_equal(vt__tokenizer_token(tok, ' '), "\xC4\xA0");
    assert_null(vt__tokenizer_token(tok, 260));
    vt__tokenizer_release(tok);
}

static void too_long_a_text_is_refused_unread(void **state) {
    vt_buffer *ids;
    (void)state;
    vt_tokenizer *tok = make(&(tiny_vocab){0});
    assert_int_equal(vt__tokenizer_encode(tok, "a", ((size_t)1 << 30) + 1, 0, &ids), VT_ERR_LIMIT);
    assert_null(ids);
    vt__tokenizer_release(tok);
}

static vt_status open_encode_decode(torture *t) {
    static const char text[] = "<|im_start|>user\nHello  world 123 \xFF<|im_end|> andandandandandandandandandandandandandandandandandand";
    char path[1024];
    vt_context *c;
    vt_tokenizer *tok = NULL;
    vt_buffer *ids = NULL, *back = NULL;
    vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t}, &c);
    if (st != VT_OK) return st;
    st = vt__tokenizer_open(c, golden("tok_bpe_smollm.gguf", path, sizeof path), &tok);
    if (st == VT_OK) st = vt__tokenizer_encode(tok, text, sizeof text - 1, VT__TOKENIZE_SPECIAL, &ids);
    if (st == VT_OK) st = vt__tokenizer_decode(tok, vt__buffer_data(ids), (int64_t)(vt__buffer_size(ids) / 4), VT__TOKENIZE_SPECIAL, &back);
    if (st == VT_OK) assert_string_equal(vt__buffer_data(back), text);
    vt__buffer_release(ids);
    vt__buffer_release(back);
    vt__tokenizer_release(tok);
    vt__context_release(c);
    return st;
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++) {
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = open_encode_decode(&t);
            if (t.live != 0) fail_msg("allocation %ld: %ld blocks left", k, t.live);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            if (st != VT_ERR_NOMEM) fail_msg("allocation %ld: %s", k, vt__status_name(st));
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases_give_the_references_ids),
        cmocka_unit_test(text_is_cut_as_the_pre_tokenizer_says),
        cmocka_unit_test(merges_go_by_rank_then_from_the_left),
        cmocka_unit_test(long_and_short_words_follow_one_definition),
        cmocka_unit_test(a_word_of_a_mebibyte_does_not_take_for_ever),
        cmocka_unit_test(a_mebibyte_of_space_does_not_take_for_ever),
        cmocka_unit_test(a_word_that_is_a_token_is_taken_whole_where_the_model_says),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(a_byte_without_a_token_is_left_out),
        cmocka_unit_test(special_tokens_are_found_longest_first),
        cmocka_unit_test(special_tokens_are_written_only_on_request),
        cmocka_unit_test(overlapping_special_tokens_stay_cheap),
        cmocka_unit_test(equal_special_tokens_count_once),
        cmocka_unit_test(plain_text_never_becomes_a_control_token),
        cmocka_unit_test(bos_comes_once_and_where_the_model_asks),
        cmocka_unit_test(too_long_a_text_is_refused_unread),
        cmocka_unit_test(survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
