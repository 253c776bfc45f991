#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "core/pool.h"
#include "tiny_vocab.h"

static vt_context *ctx;
static gguf_build b;

static int setup(void **state) {
    (void)state;
    return vt__context_create(&(vt__context_params){0}, &ctx);
}

static int teardown(void **state) {
    (void)state;
    vt__context_release(ctx);
    return 0;
}

/* "gpt2" with these tokens and merges, each list one string with spaces between entries (of merges: commas). */
static void begin(int64_t more_keys, const char *family) {
    gguf_begin(&b, 3, 0, 1 + more_keys);
    gguf_key_str(&b, "tokenizer.ggml.model", family);
}
static void pre(const char *name) { gguf_key_str(&b, "tokenizer.ggml.pre", name); }
static void tokens(void) { gguf_array(&b, "tokenizer.ggml.tokens", VT__GGUF_STRING, 3), gguf_str(&b, "a"), gguf_str(&b, "b"), gguf_str(&b, "ab"); }
static void merges(const char *first) { gguf_array(&b, "tokenizer.ggml.merges", VT__GGUF_STRING, 1), gguf_str(&b, first); }
static void usual(int64_t more_keys) { begin(3 + more_keys, "gpt2"), pre("gpt-2"), tokens(), merges("a b"); }

static void good(void) { usual(0); }
static void no_model(void) { gguf_begin(&b, 3, 0, 1), tokens(); }
static void no_vocab(void) { begin(0, "no_vocab"); }
static void model_number(void) { gguf_begin(&b, 3, 0, 1), gguf_key_u32(&b, "tokenizer.ggml.model", 2); }
static void another_family(void) { begin(1, "rwkv"), tokens(); }
static void odd_family(void) { begin(1, "\x01\xFF" "a-name-that-goes-on-and-on-for-ever-and-ever"), tokens(); }
static void no_tokens(void) { begin(1, "gpt2"), pre("gpt-2"); }
static void tokens_empty(void) { begin(3, "gpt2"), pre("gpt-2"), gguf_array(&b, "tokenizer.ggml.tokens", VT__GGUF_STRING, 0), merges("a b"); }
static void tokens_numbers(void) { begin(1, "gpt2"), gguf_array(&b, "tokenizer.ggml.tokens", VT__GGUF_U32, 1), gguf_u32(&b, 0); }
static void token_with_nul(void) {
    begin(3, "gpt2"), pre("gpt-2"), gguf_array(&b, "tokenizer.ggml.tokens", VT__GGUF_STRING, 1), gguf_u64(&b, 2), gguf_bytes(&b, "a\0", 2), merges("a b");
}
static void no_merges(void) { begin(2, "gpt2"), pre("gpt-2"), tokens(); }
static void merge_of_one(void) { begin(3, "gpt2"), pre("gpt-2"), tokens(), merges("ab"); }
static void merge_of_nothing(void) { begin(3, "gpt2"), pre("gpt-2"), tokens(), merges(""); }
static void merge_right_empty(void) { begin(3, "gpt2"), pre("gpt-2"), tokens(), merges("a "); }
static void pre_missing(void) { begin(2, "gpt2"), tokens(), merges("a b"); }
static void pre_unknown(void) { begin(3, "gpt2"), pre("bloom"), tokens(), merges("a b"); }
static void types_short(void) { usual(1), gguf_array(&b, "tokenizer.ggml.token_type", VT__GGUF_I32, 2), gguf_u32(&b, 1), gguf_u32(&b, 1); }
static void types_7(void) { usual(1), gguf_array(&b, "tokenizer.ggml.token_type", VT__GGUF_I32, 3), gguf_u32(&b, 1), gguf_u32(&b, 7), gguf_u32(&b, 1); }
static void types_negative(void) { usual(1), gguf_array(&b, "tokenizer.ggml.token_type", VT__GGUF_I32, 3), gguf_u64(&b, UINT64_MAX), gguf_u32(&b, 1); }
static void bos_3(void) { usual(1), gguf_key_u32(&b, "tokenizer.ggml.bos_token_id", 3); }
static void eos_huge(void) { usual(1), gguf_key_u32(&b, "tokenizer.ggml.eos_token_id", UINT32_MAX); }
static void eot_text(void) { usual(1), gguf_key_str(&b, "tokenizer.ggml.eot_token_id", "2"); }
static void add_bos_number(void) { usual(1), gguf_key_u32(&b, "tokenizer.ggml.add_bos_token", 1); }
static void template_number(void) { usual(1), gguf_key_u32(&b, "tokenizer.chat_template", 1); }
static void charsmap_floats(void) { usual(1), gguf_array(&b, "tokenizer.ggml.precompiled_charsmap", VT__GGUF_F32, 1), gguf_f32(&b, 0); }
static void scores_short(void) { usual(1), gguf_array(&b, "tokenizer.ggml.scores", VT__GGUF_F32, 1), gguf_f32(&b, 0); }
static void scores_missing(void) { begin(1, "llama"), tokens(); }
static void pad_far_out(void) { usual(1), gguf_key_u32(&b, "tokenizer.ggml.padding_token_id", UINT32_MAX); }
static void unk_missing(void) { begin(1, "bert"), tokens(); }
static void special_too_long(void) {
    static char text[1026];
    memset(text, 'x', sizeof text - 1);
    begin(4, "gpt2"), pre("gpt-2"), gguf_array(&b, "tokenizer.ggml.tokens", VT__GGUF_STRING, 1), gguf_str(&b, text), merges("a b");
    gguf_array(&b, "tokenizer.ggml.token_type", VT__GGUF_I32, 1), gguf_u32(&b, VT__TOKEN_CONTROL);
}

static const struct {
    const char *name;
    void (*write)(void);
    vt_status want;
    const char *words;
} cases[] = {
    {"good", good, VT_OK, ""},
    {"no model key", no_model, VT_ERR_NOT_FOUND, "carries no vocabulary"},
    {"no_vocab", no_vocab, VT_ERR_NOT_FOUND, "carries no vocabulary"},
    {"model is a number", model_number, VT_ERR_FORMAT, "'tokenizer.ggml.model' is of type u32"},
    {"another family", another_family, VT_ERR_UNSUPPORTED, "family 'rwkv'"},
    {"family that is no text", odd_family, VT_ERR_UNSUPPORTED, "family '\?\?a-name"},
    {"no tokens", no_tokens, VT_ERR_NOT_FOUND, "'tokenizer.ggml.tokens' is missing"},
    {"empty tokens", tokens_empty, VT_ERR_FORMAT, "0 tokens"},
    {"tokens are numbers", tokens_numbers, VT_ERR_FORMAT, "array of u32, needed is array of string"},
    {"NUL in a token", token_with_nul, VT_ERR_FORMAT, "token 0 has a NUL"},
    {"no merges", no_merges, VT_ERR_FORMAT, "without merges"},
    {"merge of one text", merge_of_one, VT_ERR_FORMAT, "merge 0 of 2 bytes"},
    {"empty merge", merge_of_nothing, VT_ERR_FORMAT, "merge 0 of 0 bytes"},
    {"merge without a right part", merge_right_empty, VT_ERR_FORMAT, "merge 0 of 2 bytes"},
    {"no pre-tokenizer", pre_missing, VT_OK, ""},
    {"another pre-tokenizer", pre_unknown, VT_ERR_UNSUPPORTED, "pre-tokenizer 'bloom'"},
    {"types too few", types_short, VT_ERR_FORMAT, "2 entries for 3 tokens"},
    {"type 7", types_7, VT_ERR_FORMAT, "token 1 is of type 7, 0 to 6"},
    {"type -1", types_negative, VT_ERR_FORMAT, "token 0 is of type -1"},
    {"bos out of range", bos_3, VT_ERR_FORMAT, "'tokenizer.ggml.bos_token_id' is 3, 0 to 2"},
    {"eos out of range", eos_huge, VT_ERR_FORMAT, "is 4294967295, 0 to 2"},
    {"eot is text", eot_text, VT_ERR_FORMAT, "'tokenizer.ggml.eot_token_id' is of type string"},
    {"add_bos is a number", add_bos_number, VT_ERR_FORMAT, "'tokenizer.ggml.add_bos_token' is of type u32"},
    {"template is a number", template_number, VT_ERR_FORMAT, "'tokenizer.chat_template' is of type u32"},
    {"rules are floats", charsmap_floats, VT_ERR_FORMAT, "array of f32"},
    {"scores too few", scores_short, VT_ERR_FORMAT, "1 entries for 3 tokens"},
    {"SentencePiece without scores", scores_missing, VT_ERR_FORMAT, "without scores"},
    {"WordPiece without an unknown token", unk_missing, VT_ERR_FORMAT, "without a token for unknown words"},
    {"padding that is not there", pad_far_out, VT_OK, ""},
    {"special token too long", special_too_long, VT_ERR_FORMAT, "special token 0 has 1025 bytes"},
};

static void wrong_vocabularies_are_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt__gguf *g;
        vt_tokenizer *tok;
        cases[i].write();
        if (vt__gguf_parse(ctx, "vocab.gguf", b.data, b.len, &g) != VT_OK) fail_msg("%s: %s", cases[i].name, vt__error_message());
        vt_status st = vt__tokenizer_from_gguf(ctx, g, &tok);
        if (st != cases[i].want || (st != VT_OK && (tok || !strstr(vt__error_message(), cases[i].words) || !strstr(vt__error_message(), "vocab.gguf"))))
            fail_msg("%s: %s, %s", cases[i].name, vt__status_name(st), vt__error_message());
        vt__tokenizer_release(tok);
        vt__gguf_release(g);
    }
}

/* Phi-3 is known by its name: its special tokens eat white space behind them. */
static void some_special_tokens_eat_white_space(void **state) {
    static const char *const names[] = {"My PHI-3 mini", "another"};
    static const size_t want[] = {1, 4}; /* tokens: <u>, and the space in front of what is behind it and its two */
    (void)state;
    for (int i = 0; i < 2; i++) {
        vt__gguf *g;
        vt_tokenizer *tok;
        vt_buffer *ids;
        begin(4, "llama"), gguf_key_str(&b, "general.name", names[i]);
        gguf_array(&b, "tokenizer.ggml.tokens", VT__GGUF_STRING, 2), gguf_str(&b, "<u>"), gguf_str(&b, "\xE2\x96\x81");
        gguf_array(&b, "tokenizer.ggml.token_type", VT__GGUF_I32, 2), gguf_u32(&b, VT__TOKEN_USER), gguf_u32(&b, VT__TOKEN_NORMAL);
        gguf_array(&b, "tokenizer.ggml.scores", VT__GGUF_F32, 2), gguf_f32(&b, 0), gguf_f32(&b, 0);
        assert_int_equal(vt__gguf_parse(ctx, "vocab.gguf", b.data, b.len, &g), VT_OK);
        if (vt__tokenizer_from_gguf(ctx, g, &tok) != VT_OK) fail_msg("%s", vt__error_message());
        assert_int_equal(vt__tokenizer_encode(tok, "<u>  ", 5, VT__TOKENIZE_CONTINUE, &ids), VT_OK);
        assert_int_equal(vt__buffer_size(ids) / 4, want[i]);
        vt__buffer_release(ids);
        vt__tokenizer_release(tok);
        vt__gguf_release(g);
    }
}

static void nothing_of_the_file_is_needed_later(void **state) {
    vt__gguf *g;
    vt_tokenizer *tok;
    (void)state;
    good();
    assert_int_equal(vt__gguf_parse(ctx, "vocab.gguf", b.data, b.len, &g), VT_OK);
    assert_int_equal(vt__tokenizer_from_gguf(ctx, g, &tok), VT_OK);
    vt__gguf_release(g);
    memset(&b, 0xEE, sizeof b);
    assert_string_equal(vt__tokenizer_token(tok, 2), "ab");
    vt_buffer *ids;
    assert_int_equal(vt__tokenizer_encode(tok, "abba", 4, 0, &ids), VT_OK);
    assert_int_equal(vt__buffer_size(ids), 12);
    assert_memory_equal(vt__buffer_data(ids), ((const int32_t[]){2, 1, 0}), 12);
    vt__buffer_release(ids);
    vt__tokenizer_release(tok);
}

static const char shared_text[] = "abba <|x|> aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabababab 12 \xFF";

static void encode_again(void *user, int64_t chunk) {
    vt_buffer *ids, *back;
    (void)chunk;
    for (int i = 0; i < 20; i++) {
        if (vt__tokenizer_encode(user, shared_text, sizeof shared_text - 1, VT__TOKENIZE_SPECIAL, &ids) != VT_OK) abort();
        if (vt__tokenizer_decode(user, vt__buffer_data(ids), (int64_t)(vt__buffer_size(ids) / 4), VT__TOKENIZE_SPECIAL, &back) != VT_OK) abort();
        if (strcmp(vt__buffer_data(back), shared_text) != 0) abort();
        vt__buffer_release(ids);
        vt__buffer_release(back);
    }
}

static void one_tokenizer_serves_many_threads(void **state) {
    static const tiny_token extra[] = {{"ab", 1}, {"<|x|>", 3}, {"aa", 1}, {NULL, 0}};
    static const char *const pairs[] = {"a b", "a a", NULL};
    vt_context *own;
    vt_tokenizer *tok;
    (void)state;
    assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = 4}, &own), VT_OK);
    assert_int_equal(tiny_tokenizer(own, &(tiny_vocab){.tokens = extra, .merges = pairs}, &tok), VT_OK);
    vt__parallel(own, 8, encode_again, tok);
    vt__tokenizer_release(tok);
    vt__context_release(own);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wrong_vocabularies_are_named), cmocka_unit_test(some_special_tokens_eat_white_space),
                                       cmocka_unit_test(nothing_of_the_file_is_needed_later),
                                       cmocka_unit_test(one_tokenizer_serves_many_threads)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
