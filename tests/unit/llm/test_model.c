/* Opening models: what is refused and how it is named, what is read, what a cancelled or starved opening leaves. */
#include "craft.h"
#include "tiny.h"
#include "torture.h"

/* ---- refusals ---- */

static void broken_models_are_refused_by_name(void **state) {
    static const struct {
        craft c;
        vt_status want;
        const char *says;
    } cases[] = {
        {{.keys = {{.key = "general.architecture"}}}, VT_ERR_FORMAT, "general.architecture"},
        {{.keys = {{"general.architecture", 's', 0, "mamba"}}}, VT_ERR_UNSUPPORTED, "mamba"},
        {{.keys = {{"general.architecture", 'u', 1, NULL}}}, VT_ERR_FORMAT, "general.architecture"},
        {{.keys = {{.key = "llama.block_count"}}}, VT_ERR_FORMAT, "llama.block_count"},
        {{.keys = {{"llama.block_count", 'u', 0, NULL}}}, VT_ERR_FORMAT, "llama.block_count"},
        {{.keys = {{"llama.block_count", 'u', 3, NULL}}}, VT_ERR_FORMAT, "blk.2.attn_norm.weight is missing"},
        {{.keys = {{"llama.block_count", 'u', 1, NULL}}}, VT_ERR_UNSUPPORTED, "blk.1."},
        {{.keys = {{"llama.block_count", 'u', 4000, NULL}}}, VT_ERR_FORMAT, "4000 layers"},
        {{.keys = {{"llama.block_count", 'u', 4294967295.0, NULL}}}, VT_ERR_FORMAT, "llama.block_count"},
        {{.keys = {{"llama.block_count", 's', 0, "two"}}}, VT_ERR_FORMAT, "llama.block_count"},
        {{.keys = {{"llama.context_length", 'u', 0, NULL}}}, VT_ERR_FORMAT, "llama.context_length"},
        {{.keys = {{"llama.embedding_length", 'u', 32, NULL}}}, VT_ERR_FORMAT, "token_embd.weight"},
        {{.keys = {{"llama.embedding_length", 'u', 4294967295.0, NULL}}}, VT_ERR_FORMAT, "llama.embedding_length"},
        {{.keys = {{"llama.feed_forward_length", 'u', 33, NULL}}}, VT_ERR_FORMAT, "blk.0.ffn_gate.weight"},
        {{.keys = {{"llama.attention.head_count", 'u', 0, NULL}}}, VT_ERR_FORMAT, "head_count"},
        {{.keys = {{"llama.attention.head_count", 'u', 128, NULL}}}, VT_ERR_FORMAT, "128 heads"},
        {{.keys = {{"llama.attention.head_count_kv", 'u', 3, NULL}}}, VT_ERR_FORMAT, "4 heads, 3 key/value heads"},
        {{.keys = {{.key = "llama.attention.head_count_kv"}}}, VT_ERR_FORMAT, "blk.0.attn_k.weight"},
        {{.keys = {{"llama.attention.value_length", 'u', 8, NULL}}}, VT_ERR_UNSUPPORTED, "values of 8"},
        {{.keys = {{"llama.rope.dimension_count", 'u', 7, NULL}}}, VT_ERR_FORMAT, "7 rotated"},
        {{.keys = {{"llama.rope.dimension_count", 'u', 18, NULL}}}, VT_ERR_FORMAT, "18 rotated"},
        {{.keys = {{"llama.rope.scaling.type", 's', 0, "longrope"}}}, VT_ERR_UNSUPPORTED, "longrope"},
        {{.keys = {{"llama.rope.scaling.factor", 'f', -2, NULL}}}, VT_ERR_FORMAT, "factor -2"},
        {{.keys = {{"llama.rope.freq_base", 'f', 0, NULL}}}, VT_ERR_FORMAT, "freq_base"},
        {{.keys = {{"llama.attention.layer_norm_rms_epsilon", 'f', -1, NULL}}}, VT_ERR_FORMAT, "epsilon -1"},
        {{.keys = {{"llama.expert_count", 'u', 8, NULL}}}, VT_ERR_UNSUPPORTED, "llama.expert_count is 8"},
        {{.keys = {{"llama.attention.sliding_window", 'u', 4096, NULL}}}, VT_ERR_UNSUPPORTED, "sliding_window"},
        {{.keys = {{"llama.vocab_size", 'u', 259, NULL}}}, VT_ERR_FORMAT, "vocab_size is 259"},
        {{.tensors = {{"token_embd.weight", -1, 0, 0}}}, VT_ERR_FORMAT, "token_embd.weight is missing"},
        {{.tensors = {{"blk.1.ffn_up.weight", -1, 0, 0}}}, VT_ERR_FORMAT, "blk.1.ffn_up.weight is missing"},
        {{.tensors = {{"blk.0.attn_q.weight", 0, CRAFT_EMBD, CRAFT_EMBD + 1}}}, VT_ERR_FORMAT, "blk.0.attn_q.weight is [64, 65, 1, 1], need [64, 64]"},
        {{.tensors = {{"blk.0.attn_q.weight", 24, CRAFT_EMBD, CRAFT_EMBD}}}, VT_ERR_UNSUPPORTED, "type I8"},
        {{.tensors = {{"output_norm.weight", 1, CRAFT_EMBD, 0}}}, VT_ERR_UNSUPPORTED, "output_norm.weight has type 1"},
        {{.tensors = {{"blk.0.attn_q.bias", 0, CRAFT_EMBD, 0}}}, VT_ERR_UNSUPPORTED, "blk.0.attn_q.bias"},
        {{.tensors = {{"rope_freqs.weight", 0, 9, 0}}}, VT_ERR_FORMAT, "rope_freqs.weight"},
    };
    vt_context *ctx = tiny_context(1);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_model *m;
        vt_status st = vt_model_open(ctx, craft_write(&cases[i].c), NULL, &m);
        if (st != cases[i].want || !strstr(vt_error_message(), cases[i].says)) print_error("case %zu: %d, %s\n", i, st, vt_error_message());
        assert_int_equal(st, cases[i].want);
        assert_null(m);
        assert_non_null(strstr(vt_error_message(), cases[i].says));
    }
    vt_context_release(ctx);
}

static void wrong_arguments_are_refused(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m;
    vt_model_options opt = VT_STRUCT_INIT(vt_model_options);
    (void)state;
    assert_int_equal(vt_model_open(ctx, "/nonexistent/model.gguf", NULL, &m), VT_ERR_NOT_FOUND);
    assert_int_equal(vt_model_open(ctx, NULL, NULL, &m), VT_ERR_INVALID);
    assert_int_equal(vt_model_open(NULL, "x", NULL, &m), VT_ERR_INVALID);
    assert_int_equal(vt_model_open(ctx, "x", NULL, NULL), VT_ERR_INVALID);
    opt.flags = 2;
    assert_int_equal(vt_model_open(ctx, "x", &opt, &m), VT_ERR_INVALID);
    vt_model_release(NULL);
    vt_context_release(ctx);
}

/* ---- reading ---- */

static void info_and_metadata_are_those_of_the_file(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m;
    vt_model_info info = VT_STRUCT_INIT(vt_model_info);
    vt_buffer *text;
    int64_t at = -1;
    (void)state;
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){0}), NULL, &m), VT_OK);
    assert_int_equal(vt_model_get_info(m, &info), VT_OK);
    assert_string_equal(info.architecture, "llama");
    assert_string_equal(info.name, "crafted");
    assert_int_equal(info.n_layers, CRAFT_LAYERS);
    assert_int_equal(info.n_vocab, CRAFT_VOCAB);
    assert_int_equal(info.n_ctx, CRAFT_CTX);
    assert_int_equal(info.n_embd, CRAFT_EMBD);
    assert_int_equal(info.n_ff, CRAFT_FF);
    assert_int_equal(info.n_heads, CRAFT_HEADS);
    assert_int_equal(info.n_kv_heads, CRAFT_KV_HEADS);
    assert_int_equal(info.head_dim, CRAFT_EMBD / CRAFT_HEADS);
    int64_t n = 2 * CRAFT_VOCAB * CRAFT_EMBD + CRAFT_EMBD + CRAFT_LAYERS * (2 * CRAFT_EMBD + 3 * CRAFT_EMBD * CRAFT_EMBD + 3 * CRAFT_EMBD * CRAFT_FF);
    assert_int_equal(info.n_params, n);
    assert_int_equal(info.size, 4 * n);
    for (int64_t i = 0; i < vt_model_meta_count(m); i++)
        if (strcmp(vt_model_meta_key(m, i), "llama.context_length") == 0) at = i;
    assert_true(at >= 0);
    assert_int_equal(vt_model_meta_text(m, at, &text), VT_OK);
    assert_string_equal(vt_buffer_data(text), "300");
    vt_buffer_release(text);
    assert_null(vt_model_meta_key(m, -1));
    assert_null(vt_model_meta_key(m, vt_model_meta_count(m)));
    assert_int_equal(vt_model_meta_text(m, vt_model_meta_count(m), &text), VT_ERR_INVALID);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void model_without_a_known_vocabulary_still_opens(void **state) {
    static const struct {
        craft c;
        vt_status want;
        const char *says;
    } cases[] = {
        {{.no_vocab = 1}, VT_ERR_NOT_FOUND, ""},
        {{.keys = {{"tokenizer.ggml.model", 's', 0, "no_vocab"}}}, VT_ERR_NOT_FOUND, ""},
        {{.keys = {{"tokenizer.ggml.model", 's', 0, "rwkv"}}}, VT_ERR_UNSUPPORTED, "rwkv"},
        {{.chain = "ab"}, VT_OK, ""},
    };
    vt_context *ctx = tiny_context(1);
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_model *m;
        vt_tokenizer *tok;
        assert_int_equal(vt_model_open(ctx, craft_write(&cases[i].c), NULL, &m), VT_OK);
        assert_int_equal(vt_model_tokenizer(m, &tok), cases[i].want);
        assert_true(!tok == (cases[i].want != VT_OK));
        assert_non_null(strstr(vt_error_message(), cases[i].says));
        vt_tokenizer_release(tok);
        vt_model_release(m);
    }
    vt_context_release(ctx);
}

/* One bit wrong anywhere before the tensors: refused with a message, or a model that computes something. */
static void flipped_bits_never_crash(void **state) {
    static unsigned char file[1 << 20];
    const char *path = craft_write(&(craft){.mixed = 1});
    vt_context *ctx = tiny_context(1);
    int n_opened = 0;
    (void)state;
    FILE *f = fopen(path, "rb");
    size_t size = fread(file, 1, sizeof file, f), end = craft_header_size;
    fclose(f);
    assert_true(size > end && size < sizeof file);
    for (size_t at = 4; at < end; at += at < 900 || at + 1600 > end ? 1 : 37) {
        vt_model *m;
        file[at] ^= (unsigned char)(1 << at % 8);
        f = fopen(path, "r+b");
        fseek(f, (long)at, SEEK_SET);
        fwrite(file + at, 1, 1, f);
        fclose(f);
        if (vt_model_open(ctx, path, NULL, &m) == VT_OK) {
            vt_session *s = tiny_session(m, 0, NULL, NULL);
            vt_status st = vt_session_feed(s, (const int32_t[]){1, 2, 3}, 3);
            assert_true(st == VT_OK || st == VT_ERR_INVALID || st == VT_ERR_LIMIT);
            n_opened++;
            vt_session_release(s);
            vt_model_release(m);
        }
        file[at] ^= (unsigned char)(1 << at % 8);
        f = fopen(path, "r+b");
        fseek(f, (long)at, SEEK_SET);
        fwrite(file + at, 1, 1, f);
        fclose(f);
    }
    assert_true(n_opened > 0);
    vt_context_release(ctx);
}

/* ---- variants of one model that must compute the same ---- */

static void logits_of(vt_context *ctx, const craft *c, float *out) {
    vt_model *m;
    int32_t ids[40];
    for (int i = 0; i < 40; i++) ids[i] = i * 31 % CRAFT_VOCAB;
    assert_int_equal(vt_model_open(ctx, craft_write(c), NULL, &m), VT_OK);
    vt_session *s = tiny_session(m, VT_SESSION_EXACT, NULL, NULL);
    assert_int_equal(vt_session_feed_logits(s, ids, 40, out), VT_OK);
    vt_session_release(s);
    vt_model_release(m);
}

static float worst_gap(vt_context *ctx, const craft *a, const craft *b) {
    static float x[40 * CRAFT_VOCAB], y[40 * CRAFT_VOCAB];
    float worst = 0;
    logits_of(ctx, a, x);
    logits_of(ctx, b, y);
    for (int i = 0; i < 40 * CRAFT_VOCAB; i++) worst = fmaxf(worst, fabsf(x[i] - y[i]));
    return worst;
}

static void equivalent_files_give_the_same_logits(void **state) {
    static const craft plain = {0};
    static const craft tied = {.tied = 1};
    static const craft named_none = {.keys = {{"llama.rope.scaling.type", 's', 0, "none"}, {"llama.rope.scaling.factor", 'f', 4, NULL}}};
    static const craft all_dims = {.keys = {{"llama.rope.dimension_count", 'u', 16, NULL}, {"llama.vocab_size", 'u', CRAFT_VOCAB, NULL}}};
    static const craft halved = {.keys = {{"llama.rope.scaling.type", 's', 0, "linear"}, {"llama.rope.scaling.factor", 'f', 2, NULL}}};
    static const craft halved_old = {.keys = {{"llama.rope.scale_linear", 'f', 2, NULL}}};
    static const craft halved_by_tensor = {.tensors = {{"rope_freqs.weight", 0, 8, 0}}};
    static const craft fewer_dims = {.keys = {{"llama.rope.dimension_count", 'u', 8, NULL}}};
    vt_context *ctx = tiny_context(1);
    (void)state;
    assert_true(worst_gap(ctx, &plain, &tied) == 0);
    assert_true(worst_gap(ctx, &plain, &named_none) == 0);
    assert_true(worst_gap(ctx, &plain, &all_dims) == 0);
    assert_true(worst_gap(ctx, &halved, &halved_by_tensor) == 0);
    assert_true(worst_gap(ctx, &halved, &halved_old) == 0);
    assert_true(worst_gap(ctx, &plain, &halved) > 1e-3F);
    assert_true(worst_gap(ctx, &plain, &fewer_dims) > 1e-3F);
    vt_context_release(ctx);
}

/* ---- cancel and faults ---- */

typedef struct stopper {
    int calls, stop_at;
    double last;
} stopper;

static int32_t on_progress(void *user, double fraction, const char *message) {
    stopper *p = user;
    assert_non_null(message);
    assert_true(fraction >= p->last);
    p->last = fraction;
    return ++p->calls == p->stop_at;
}

static void progress_and_token_cancel_the_opening(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model_options opt = VT_STRUCT_INIT(vt_model_options);
    stopper p = {0};
    vt_model *m;
    (void)state;
    const char *path = craft_write(&(craft){0});
    uint64_t before = vt_context_memory(ctx);
    opt.progress = on_progress;
    opt.progress_user = &p;
    assert_int_equal(vt_model_open(ctx, path, &opt, &m), VT_OK);
    assert_true(p.last == 1.0);
    vt_model_release(m);
    for (int n = p.calls, k = 1; k <= n; k++) {
        p = (stopper){.stop_at = k};
        assert_int_equal(vt_model_open(ctx, path, &opt, &m), VT_ERR_CANCELLED);
        assert_null(m);
        assert_int_equal(vt_context_memory(ctx), before);
    }
    opt.progress = NULL;
    assert_int_equal(vt_cancel_create(ctx, &opt.cancel), VT_OK);
    vt_cancel_raise(opt.cancel);
    assert_int_equal(vt_model_open(ctx, path, &opt, &m), VT_ERR_CANCELLED);
    vt_cancel_release(opt.cancel);
    vt_context_release(ctx);
}

/* Open, feed, sample, generate, score, release. */
static vt_status scenario(torture *t, const char *path) {
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_model *m = NULL;
    vt_session *s = NULL;
    vt_sampler *sampler = NULL;
    vt_generate_options go = VT_STRUCT_INIT(vt_generate_options);
    vt_buffer *text = NULL;
    int32_t ids[20] = {'a'}, id;
    double scores[20];
    co.alloc = torture_alloc;
    co.alloc_user = t;
    co.n_threads = 1;
    vt_status st = vt_context_create(&co, &ctx);
    if (st == VT_OK) st = vt_model_open(ctx, path, NULL, &m);
    if (st == VT_OK) st = vt_session_create(m, NULL, &s);
    if (st == VT_OK) st = vt_sampler_create(ctx, NULL, &sampler);
    if (st == VT_OK) st = vt_sampler_add_temperature(sampler, 0.5);
    if (st == VT_OK) st = vt_session_feed(s, ids, 20);
    if (st == VT_OK) st = vt_session_next(s, sampler, &id);
    if (st == VT_OK) st = vt_session_score(s, ids, 20, scores);
    go.sampler = sampler;
    go.max_tokens = 5;
    if (st == VT_OK) st = vt_session_generate(s, &go, &text);
    vt_buffer_release(text);
    vt_sampler_release(sampler);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
    return st;
}

static void every_allocation_may_fail(void **state) {
    const char *path = craft_write(&(craft){.chain = "abcdefgh"});
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_status st = scenario(&t, path);
            assert_int_equal(t.live, 0);
            if (t.calls < k) {
                assert_int_equal(st, VT_OK);
                break;
            }
            assert_int_equal(st, VT_ERR_NOMEM);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_models_are_refused_by_name), cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(info_and_metadata_are_those_of_the_file), cmocka_unit_test(model_without_a_known_vocabulary_still_opens),
        cmocka_unit_test(flipped_bits_never_crash), cmocka_unit_test(equivalent_files_give_the_same_logits), cmocka_unit_test(progress_and_token_cancel_the_opening),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, craft_remove);
}
