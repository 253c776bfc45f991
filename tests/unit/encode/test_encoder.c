/* Text encoders through the public calls, with the weights of a tiny model: from both formats, dense and sparse, and what is refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "folder.h"
#include "torture_each.h"
#include "venturi.h"

static vt_context *ctx;

static int setup(void **state) {
    (void)state;
    return vt_context_create(NULL, &ctx);
}

static int teardown(void **state) {
    (void)state;
    vt_context_release(ctx);
    return 0;
}

static vt_encoder *open_at(const char *path) {
    vt_encoder *enc;
    if (vt_encoder_open(ctx, path, NULL, &enc) != VT_OK) fail_msg("%s", vt_error_message());
    return enc;
}

static vt_encoder *open_gguf(void) {
    char path[600];
    return open_at(golden(path, "tiny_bert.gguf"));
}

/* Four sequences, one of them as long as the model allows. */
enum { N_SEQ = 4, N_IDS = 8 + 1 + 64 + 20 };
static const int64_t offsets[N_SEQ + 1] = {0, 8, 9, 73, 93};
static int32_t ids[N_IDS];

static void fill_ids(void) {
    for (int i = 0; i < N_IDS; i++) ids[i] = (i * 29 + 7) % 64;
}

static vt_buffer *encode(vt_encoder *enc, int64_t first, int64_t n, const vt_encode_options *opt) {
    vt_buffer *values, *none;
    int64_t at[N_SEQ + 1];
    for (int64_t i = 0; i <= n; i++) at[i] = offsets[first + i] - offsets[first];
    if (vt_encode_ids(enc, ids + offsets[first], at, n, opt, &values, &none) != VT_OK) fail_msg("%s", vt_error_message());
    assert_null(none);
    assert_int_equal(vt_buffer_size(values), n * 32 * 4);
    return values;
}

static void a_folder_gives_the_bits_of_a_gguf_file(void **state) {
    (void)state;
    vt_encoder *gguf = open_gguf();
    vt_buffer *want = encode(gguf, 0, N_SEQ, NULL);
    for (int older = 0; older < 2; older++) {
        char folder[64];
        make_folder(folder, older, 0);
        vt_encoder *enc = open_at(folder);
        vt_buffer *got = encode(enc, 0, N_SEQ, NULL);
        assert_memory_equal(vt_buffer_data(got), vt_buffer_data(want), N_SEQ * 32 * 4);
        vt_buffer_release(got);
        vt_encoder_release(enc);
        remove_folder(folder);
    }
    vt_buffer_release(want);
    vt_encoder_release(gguf);
}

static void a_text_does_not_depend_on_its_companions(void **state) {
    (void)state;
    vt_encode_options opt = VT_STRUCT_INIT(vt_encode_options);
    vt_encoder *enc = open_gguf();
    vt_buffer *all = encode(enc, 0, N_SEQ, NULL);
    for (int64_t i = 0; i < N_SEQ; i++) {
        vt_buffer *one = encode(enc, i, 1, NULL);
        assert_memory_equal(vt_buffer_data(one), (const char *)vt_buffer_data(all) + i * 128, 128);
        vt_buffer_release(one);
    }
    for (opt.batch_tokens = 1; opt.batch_tokens < 120; opt.batch_tokens += 17) {
        vt_buffer *again = encode(enc, 0, N_SEQ, &opt);
        assert_memory_equal(vt_buffer_data(again), vt_buffer_data(all), N_SEQ * 128);
        vt_buffer_release(again);
    }
    vt_buffer_release(all);
    vt_encoder_release(enc);
}

static void results_do_not_depend_on_threads(void **state) {
    (void)state;
    char path[600];
    vt_encoder *enc = open_gguf();
    vt_buffer *want = encode(enc, 0, N_SEQ, NULL);
    for (int32_t n = 1; n <= 5; n += 2) {
        vt_context_options o = VT_STRUCT_INIT(vt_context_options);
        vt_context *other;
        vt_encoder *e;
        vt_buffer *values;
        o.n_threads = n;
        assert_int_equal(vt_context_create(&o, &other), VT_OK);
        assert_int_equal(vt_encoder_open(other, golden(path, "tiny_bert.gguf"), NULL, &e), VT_OK);
        assert_int_equal(vt_encode_ids(e, ids, offsets, N_SEQ, NULL, &values, NULL), VT_OK);
        assert_memory_equal(vt_buffer_data(values), vt_buffer_data(want), N_SEQ * 128);
        vt_buffer_release(values);
        vt_encoder_release(e);
        vt_context_release(other);
    }
    vt_buffer_release(want);
    vt_encoder_release(enc);
}

/* Each way of pooling from the states of the tokens. */
static void pooling_is_what_it_says(void **state) {
    (void)state;
    vt_encode_options opt = VT_STRUCT_INIT(vt_encode_options);
    vt_encoder *enc = open_gguf();
    vt_buffer *tokens, *places;
    opt.flags = VT_ENCODE_RAW;
    opt.pooling = VT_POOL_TOKENS;
    assert_int_equal(vt_encode_ids(enc, ids, offsets, N_SEQ, &opt, &tokens, &places), VT_OK);
    assert_memory_equal(vt_buffer_data(places), offsets, sizeof offsets);
    const float *x = vt_buffer_data(tokens);
    for (opt.pooling = VT_POOL_MODEL; opt.pooling <= VT_POOL_MAX; opt.pooling++) {
        vt_buffer *got = encode(enc, 0, N_SEQ, &opt);
        const float *y = vt_buffer_data(got);
        for (int i = 0; i < N_SEQ * 32; i++) {
            int64_t first = offsets[i / 32], n = offsets[i / 32 + 1] - first;
            double mean = 0, most = -INFINITY;
            for (int64_t t = first; t < first + n; t++) {
                mean += (double)x[t * 32 + i % 32] / (double)n;
                most = fmax(most, (double)x[t * 32 + i % 32]);
            }
            double want = opt.pooling == VT_POOL_CLS ? (double)x[first * 32 + i % 32] : opt.pooling == VT_POOL_MAX ? most : mean;
            assert_true(fabs((double)y[i] - want) < 1e-5);
        }
        vt_buffer_release(got);
    }
    vt_buffer *unit = encode(enc, 0, N_SEQ, NULL);
    double squares = 0;
    for (int i = 0; i < 32; i++) squares += pow((double)((const float *)vt_buffer_data(unit))[i], 2);
    assert_true(fabs(squares - 1) < 1e-6);
    vt_buffer_release(unit);
    vt_buffer_release(tokens);
    vt_buffer_release(places);
    vt_encoder_release(enc);
}

/* ---- sparse ---- */

static void lexicon_weights_come_largest_first(void **state) {
    (void)state;
    char folder[64];
    vt_encoder_info info = VT_STRUCT_INIT(vt_encoder_info);
    vt_buffer *pairs, *places, *none;
    make_folder(folder, 1, 1);
    vt_encoder *enc = open_at(folder);
    assert_int_equal(vt_encoder_get_info(enc, &info), VT_OK);
    assert_true(info.kind == VT_ENCODER_SPARSE && info.dim == 64 && info.n_embd == 32 && info.max_tokens == 64 && info.n_layers == 2);
    assert_int_equal(vt_encode_ids(enc, ids, offsets, N_SEQ, NULL, &pairs, &places), VT_OK);
    const int64_t *at = vt_buffer_data(places);
    const struct { int32_t id; float weight; } *p = vt_buffer_data(pairs);
    assert_int_equal(at[N_SEQ] * 8, vt_buffer_size(pairs));
    for (int i = 0; i < N_SEQ; i++) {
        assert_true(at[i + 1] > at[i]);
        for (int64_t k = at[i]; k < at[i + 1]; k++) {
            assert_true(p[k].weight > 0 && p[k].id >= 0 && p[k].id < 64);
            if (k > at[i]) assert_true(p[k - 1].weight > p[k].weight || (p[k - 1].weight == p[k].weight && p[k - 1].id < p[k].id));
        }
    }
    assert_int_equal(vt_encode_ids(enc, ids, offsets, N_SEQ, NULL, &none, NULL), VT_ERR_INVALID);
    assert_null(none);
    vt_buffer_release(pairs);
    vt_buffer_release(places);
    vt_encoder_release(enc);
    remove_folder(folder);
}

/* ---- texts ---- */

/* 64 pieces: [PAD] [UNK] [CLS] [SEP] [MASK], letters, and letters inside words. */
static void make_vocab(char out[2000]) {
    size_t n = (size_t)sprintf(out, "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n");
    for (int i = 0; i < 59; i++) n += i < 26 ? (size_t)sprintf(out + n, "%c\n", 'a' + i) : i < 52 ? (size_t)sprintf(out + n, "##%c\n", 'a' + i - 26) : (size_t)sprintf(out + n, "[unused%d]\n", i);
}

static void texts_are_the_ids_of_their_pieces(void **state) {
    (void)state;
    static const char *const texts[] = {"ab C", "", "zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz zz"};
    static const int32_t pieces[] = {2, 5, 32, 7, 3, 2, 3};
    static const int64_t at[] = {0, 5, 7, 71};
    size_t sizes[3];
    int32_t all[71];
    char folder[64], vocab[2000];
    vt_buffer *got, *want;
    for (int i = 0; i < 3; i++) sizes[i] = strlen(texts[i]);
    memcpy(all, pieces, sizeof pieces);
    for (int i = 0; i < 64; i++) all[7 + i] = i == 0 ? 2 : i == 63 ? 3 : i % 2 ? 30 : 56; /* cut, and [SEP] last */
    make_folder(folder, 0, 0);
    vt_encoder *bare = open_at(folder);
    assert_int_equal(vt_encode_texts(bare, texts, sizes, 3, NULL, &got, NULL), VT_ERR_NOT_FOUND);
    vt_encoder_release(bare);
    make_vocab(vocab);
    put_text(folder, "vocab.txt", vocab);
    vt_encoder *enc = open_at(folder);
    if (vt_encode_texts(enc, texts, sizes, 3, NULL, &got, NULL) != VT_OK) fail_msg("%s", vt_error_message());
    assert_int_equal(vt_encode_ids(enc, all, at, 3, NULL, &want, NULL), VT_OK);
    assert_memory_equal(vt_buffer_data(got), vt_buffer_data(want), 3 * 128);
    vt_buffer_release(got);
    vt_buffer_release(want);
    vt_encoder_release(enc);
    remove_folder(folder);
}

/* ---- refusals ---- */

static const struct { const char *file, *text, *word; vt_status want; } folders[] = {
    {"config.json", TINY_CONFIG("relu"), "hidden_act", VT_ERR_UNSUPPORTED},
    {"config.json", "{}", "num_hidden_layers", VT_ERR_FORMAT},
    {"config.json", "[1]", "num_hidden_layers", VT_ERR_FORMAT},
    {"config.json", "{", "config.json", VT_ERR_FORMAT},
    {"config.json", "{\"model_type\":\"gpt2\"}", "model_type", VT_ERR_UNSUPPORTED},
    {"config.json", "{\"position_embedding_type\":\"relative_key\"}", "position_embedding_type", VT_ERR_UNSUPPORTED},
    {"config.json", "{\"num_hidden_layers\":2,\"num_attention_heads\":5,\"hidden_size\":32,\"intermediate_size\":48,\"max_position_embeddings\":64,\"vocab_size\":64}",
     "5 heads", VT_ERR_FORMAT},
    {"config.json", "{\"num_hidden_layers\":3,\"num_attention_heads\":4,\"hidden_size\":32,\"intermediate_size\":48,\"max_position_embeddings\":64,\"vocab_size\":64}",
     "encoder.layer.2.attention.self.query.weight is missing", VT_ERR_FORMAT},
    {"config.json", "{\"num_hidden_layers\":2,\"num_attention_heads\":4,\"hidden_size\":64,\"intermediate_size\":48,\"max_position_embeddings\":64,\"vocab_size\":64}",
     "[64, 32], need [64, 64]", VT_ERR_FORMAT},
    {"1_Pooling/config.json", "{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}", "2 ways", VT_ERR_UNSUPPORTED},
    {"1_Pooling/config.json", "{\"pooling_mode_lasttoken\":true}", "lasttoken", VT_ERR_UNSUPPORTED},
    {"sentence_bert_config.json", "{\"max_seq_length\":1}", "max_seq_length", VT_ERR_FORMAT},
    {"vocab.txt", "a\nb\n", "unknown", VT_ERR_FORMAT},
    {"model.safetensors", "12345678{}", "header", VT_ERR_FORMAT},
};

static void broken_folders_are_refused_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char folder[64], path[600];
        vt_encoder *enc = (vt_encoder *)&i;
        make_folder(folder, 0, 0);
        (void)snprintf(path, sizeof path, "%s/1_Pooling", folder);
        assert_int_equal(mkdir(path, 0700), 0);
        put_text(folder, folders[i].file, folders[i].text);
        vt_status st = vt_encoder_open(ctx, folder, NULL, &enc);
        if (st != folders[i].want || !strstr(vt_error_message(), folders[i].word)) fail_msg("%s %s: %d %s", folders[i].file, folders[i].text, st, vt_error_message());
        assert_null(enc);
        remove_folder(folder);
    }
}

static void bad_arguments_are_refused(void **state) {
    (void)state;
    static const int64_t long_list[] = {0, 65}, empty[] = {0, 3, 3}, late[] = {1, 2}, back[] = {0, 3, 2};
    int32_t many[65] = {0}, bad[] = {0, 64, 0};
    char path[600];
    vt_encoder *enc = open_gguf(), *other;
    vt_encoder_options open = VT_STRUCT_INIT(vt_encoder_options);
    vt_encode_options opt = VT_STRUCT_INIT(vt_encode_options);
    vt_buffer *out;
    const char *text = "a";
    size_t size = 1;
    open.numerics = 7;
    assert_int_equal(vt_encoder_open(ctx, golden(path, "tiny_bert.gguf"), &open, &other), VT_ERR_INVALID);
    assert_int_equal(vt_encoder_open(ctx, golden(path, "tiny_llama.gguf"), NULL, &other), VT_ERR_UNSUPPORTED);
    assert_int_equal(vt_encoder_open(ctx, "/nowhere", NULL, &other), VT_ERR_NOT_FOUND);
    assert_int_equal(vt_encoder_open(NULL, "x", NULL, &other), VT_ERR_INVALID);
    assert_int_equal(vt_encode_ids(enc, many, long_list, 1, NULL, &out, NULL), VT_ERR_LIMIT);
    assert_int_equal(vt_encode_ids(enc, many, empty, 2, NULL, &out, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_encode_ids(enc, many, back, 2, NULL, &out, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_encode_ids(enc, bad, empty, 1, NULL, &out, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_encode_ids(enc, many, late, 1, NULL, &out, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_encode_texts(enc, &text, &size, 1, NULL, &out, NULL), VT_ERR_NOT_FOUND); /* the file has no vocabulary */
    opt.pooling = 5;
    assert_int_equal(vt_encode_ids(enc, many, empty, 1, &opt, &out, NULL), VT_ERR_INVALID);
    opt.pooling = VT_POOL_TOKENS;
    assert_int_equal(vt_encode_ids(enc, many, empty, 1, &opt, &out, NULL), VT_ERR_INVALID);
    opt.pooling = 0;
    opt.batch_tokens = -1;
    assert_int_equal(vt_encode_ids(enc, many, empty, 1, &opt, &out, NULL), VT_ERR_INVALID);
    opt.batch_tokens = 0;
    opt.flags = 2;
    assert_int_equal(vt_encode_ids(enc, many, empty, 1, &opt, &out, NULL), VT_ERR_INVALID);
    assert_null(out);
    assert_int_equal(vt_encode_ids(enc, NULL, long_list, 0, NULL, &out, NULL), VT_OK); /* nothing is fine */
    assert_int_equal(vt_buffer_size(out), 0);
    vt_buffer_release(out);
    vt_encoder_release(enc);
    vt_encoder_release(NULL);
}

static int stop(void *user, double fraction, const char *message) {
    (void)fraction;
    (void)message;
    return ++*(int *)user >= 1;
}

static void work_can_be_cancelled(void **state) {
    (void)state;
    vt_encode_options opt = VT_STRUCT_INIT(vt_encode_options);
    int calls = 0;
    vt_buffer *out;
    vt_encoder *enc = open_gguf();
    opt.progress = stop;
    opt.progress_user = &calls;
    assert_int_equal(vt_encode_ids(enc, ids, offsets, N_SEQ, &opt, &out, NULL), VT_ERR_CANCELLED);
    assert_null(out);
    opt.progress = NULL;
    assert_int_equal(vt_cancel_create(ctx, &opt.cancel), VT_OK);
    vt_cancel_raise(opt.cancel);
    assert_int_equal(vt_encode_ids(enc, ids, offsets, N_SEQ, &opt, &out, NULL), VT_ERR_CANCELLED);
    vt_cancel_release(opt.cancel);
    vt_encoder_release(enc);
}

/* ---- torture ---- */

static char torture_folder[64];

static vt_status whole_life(vt_context *c) {
    static const char *const texts[] = {"ab c", "hello"};
    static const size_t sizes[] = {4, 5};
    vt_encoder *enc = NULL;
    vt_buffer *values = NULL, *places = NULL;
    vt_status st = vt_encoder_open(c, torture_folder, NULL, &enc);
    if (st == VT_OK) st = vt_encode_texts(enc, texts, sizes, 2, NULL, &values, &places);
    vt_buffer_release(values);
    vt_buffer_release(places);
    vt_encoder_release(enc);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    char vocab[2000];
    make_vocab(vocab);
    for (int sparse = 0; sparse < 2; sparse++) {
        make_folder(torture_folder, 0, sparse);
        put_text(torture_folder, "vocab.txt", vocab);
        torture_each(whole_life);
        remove_folder(torture_folder);
    }
}

int main(void) {
    fill_ids();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_gives_the_bits_of_a_gguf_file),
        cmocka_unit_test(a_text_does_not_depend_on_its_companions),
        cmocka_unit_test(results_do_not_depend_on_threads),
        cmocka_unit_test(pooling_is_what_it_says),
        cmocka_unit_test(lexicon_weights_come_largest_first),
        cmocka_unit_test(texts_are_the_ids_of_their_pieces),
        cmocka_unit_test(broken_folders_are_refused_by_name),
        cmocka_unit_test(bad_arguments_are_refused),
        cmocka_unit_test(work_can_be_cancelled),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
