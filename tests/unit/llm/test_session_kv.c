/* Caches of sessions in coded form: the same logits from the cache's own bytes, near ones from levels, mismatches refused, faults survived. */
#include "tiny.h"
#include "torture_each.h"

static vt_model *other_model(vt_context *ctx) { return tiny_open(ctx, "tiny_qwen2"); }

static void feed(vt_session *s, int n, int seed) {
    int32_t ids[TINY_CTX];
    for (int i = 0; i < n; i++) ids[i] = (i * 37 + 11 * seed) % TINY_VOCAB;
    assert_int_equal(vt_session_feed(s, ids, n), VT_OK);
}

static vt_kv *pool(vt_model *m, int32_t dtype) {
    vt_kv_options o = VT_STRUCT_INIT(vt_kv_options);
    vt_kv *kv;
    o.dtype = dtype;
    o.n_tokens = 4096;
    assert_int_equal(vt_kv_create(m, &o, &kv), VT_OK);
    return kv;
}

static vt_kv_profile *profile_of(vt_model *m, vt_kv *kv, int32_t mode) {
    vt_kv_profile_options o = VT_STRUCT_INIT(vt_kv_profile_options);
    vt_session *s[3];
    vt_kv_profile *p = NULL;
    o.mode = mode;
    for (int i = 0; i < 3; i++) s[i] = tiny_session(m, 0, kv, NULL), feed(s[i], 50, i + 2);
    assert_int_equal(vt_kv_profile_create(s, 3, &o, &p), VT_OK);
    for (int i = 0; i < 3; i++) vt_session_release(s[i]);
    return p;
}

static vt_buffer *encode(vt_session *s, const vt_kv_profile *p, int32_t coder, int32_t level, int64_t chunk, vt_kv_stats *stats) {
    vt_kv_encode_options o = VT_STRUCT_INIT(vt_kv_encode_options);
    vt_buffer *b = NULL;
    *stats = (vt_kv_stats)VT_STRUCT_INIT(vt_kv_stats);
    o.coder = coder;
    o.level = level;
    o.chunk_tokens = chunk;
    if (vt_kv_encode(s, p, &o, &b, stats) != VT_OK) fail_msg("%s", vt_error_message());
    return b;
}

static vt_status decode(vt_session *s, const vt_kv_profile *p, const vt_buffer *b, uint32_t flags) {
    return vt_kv_decode(s, p, vt_buffer_data(b), vt_buffer_size(b), flags);
}

/* What one more token gives. */
static void next_logits(vt_session *s, float *out) {
    int32_t id = 5;
    assert_int_equal(vt_session_feed_logits(s, &id, 1, out), VT_OK);
}

static void raw_bytes_give_the_same_logits(void **state) {
    static const int32_t dtypes[] = {VT_DTYPE_F16, VT_DTYPE_F32};
    float want[TINY_VOCAB], got[TINY_VOCAB];
    (void)state;
    for (int i = 0; i < N_TINY; i++)
        for (int d = 0; d < 2; d++) {
            vt_context *ctx = tiny_context(2);
            vt_model *m = tiny_open(ctx, tiny_names[i]);
            vt_kv *kv = pool(m, dtypes[d]);
            vt_session *a = tiny_session(m, 0, kv, NULL), *b = tiny_session(m, 0, kv, NULL);
            vt_kv_stats stats;
            feed(a, 45, 1);
            vt_buffer *bytes = encode(a, NULL, VT_KV_CODER_RAW, 0, 16, &stats);
            assert_int_equal(decode(b, NULL, bytes, 0), VT_OK);
            assert_int_equal(vt_session_count(b), 45);
            assert_memory_equal(vt_session_tokens(a), vt_session_tokens(b), 45 * sizeof(int32_t));
            next_logits(a, want);
            next_logits(b, got);
            assert_memory_equal(got, want, sizeof got);
            vt_buffer_release(bytes);
            vt_session_release(a);
            vt_session_release(b);
            vt_kv_release(kv);
            vt_model_release(m);
            vt_context_release(ctx);
        }
}

/* The cache itself, by its raw bytes: decoded rows differ by what encoding said. f32, so that nothing is rounded on the way. */
static double distance(vt_session *a, vt_session *b) {
    vt_kv_stats stats;
    vt_buffer *x = encode(a, NULL, VT_KV_CODER_RAW, 0, 64, &stats), *y = encode(b, NULL, VT_KV_CODER_RAW, 0, 64, &stats);
    size_t size = vt_buffer_size(x), n = (size_t)stats.n_values;
    const unsigned char *p = vt_buffer_data(x), *q = vt_buffer_data(y);
    double sum = 0;
    assert_int_equal(size, vt_buffer_size(y));
    for (size_t i = 0; i < n; i++) {
        float u, v;
        memcpy(&u, p + size - 4 * n + 4 * i, 4);
        memcpy(&v, q + size - 4 * n + 4 * i, 4);
        sum += ((double)u - (double)v) * ((double)u - (double)v);
    }
    vt_buffer_release(x);
    vt_buffer_release(y);
    return sqrt(sum / (double)n);
}

static void levels_come_back_as_they_were_measured(void **state) {
    static const struct {
        int32_t mode, coder, level;
    } cases[] = {{VT_KV_MODE_AUTO, VT_KV_CODER_RANS, 0}, {VT_KV_MODE_AUTO, VT_KV_CODER_ARITH, 1}, {VT_KV_MODE_TOKEN, VT_KV_CODER_RANS, 5},
                 {VT_KV_MODE_DIRECT, VT_KV_CODER_RANS, 2}, {VT_KV_MODE_DELTA, VT_KV_CODER_RANS, 1}, {VT_KV_MODE_DELTA, VT_KV_CODER_ARITH, 4},
                 {VT_KV_MODE_AUTO, VT_KV_CODER_INT8, 0}, {VT_KV_MODE_AUTO, VT_KV_CODER_INT4, 0}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_buffer *first = NULL;
        for (int32_t n_threads = 1; n_threads <= 4; n_threads += 3) {
            vt_context *ctx = tiny_context(n_threads);
            vt_model *m = tiny_open(ctx, "tiny_llama");
            vt_kv *kv = pool(m, VT_DTYPE_F32);
            vt_kv_profile *p = profile_of(m, kv, cases[i].mode);
            vt_session *a = tiny_session(m, 0, kv, NULL), *b = tiny_session(m, 0, kv, NULL);
            vt_kv_stats stats;
            feed(a, 61, 9);
            vt_buffer *bytes = encode(a, p, cases[i].coder, cases[i].level, 32, &stats);
            assert_int_equal(decode(b, p, bytes, 0), VT_OK);
            double d = distance(a, b);
            assert_true(fabs(d - stats.rmse) <= 1e-3 * stats.rmse + 1e-6);
            assert_true(d > 0 && stats.size == vt_buffer_size(bytes) && stats.n_tokens == 61);
            if (first) { /* of one thread */
                assert_int_equal(vt_buffer_size(first), vt_buffer_size(bytes));
                assert_memory_equal(vt_buffer_data(first), vt_buffer_data(bytes), vt_buffer_size(bytes));
                vt_buffer_release(first);
            }
            first = n_threads == 1 ? vt_buffer_retain(bytes) : NULL;
            vt_buffer_release(bytes);
            vt_session_release(a);
            vt_session_release(b);
            vt_kv_profile_release(p);
            vt_kv_release(kv);
            vt_model_release(m);
            vt_context_release(ctx);
        }
    }
}

/* A decoding session of other blocks: Q8_0 caches are read and written too, at any place of a block. */
static void caches_of_another_dtype_are_converted_on_request(void **state) {
    static const int32_t dtypes[] = {VT_DTYPE_F32, VT_DTYPE_F16, VT_DTYPE_Q8_0};
    (void)state;
    vt_context *ctx = tiny_context(2);
    vt_model *m = tiny_open(ctx, "tiny_llama_q8");
    vt_model_info info = VT_STRUCT_INIT(vt_model_info);
    assert_int_equal(vt_model_get_info(m, &info), VT_OK);
    int n = info.head_dim % 32 == 0 ? 3 : 2;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            vt_kv *from = pool(m, dtypes[i]), *to = pool(m, dtypes[j]);
            vt_session *a = tiny_session(m, 0, from, NULL), *b = tiny_session(m, 0, to, NULL);
            vt_kv_stats stats;
            feed(a, 37, 3);
            vt_buffer *bytes = encode(a, NULL, VT_KV_CODER_INT8, 0, 16, &stats);
            assert_int_equal(decode(b, NULL, bytes, 0), i == j ? VT_OK : VT_ERR_CONFLICT);
            if (i != j) assert_int_equal(decode(b, NULL, bytes, VT_KV_CONVERT), VT_OK);
            float x[TINY_VOCAB], y[TINY_VOCAB];
            next_logits(a, x);
            next_logits(b, y);
            for (int k = 0; k < TINY_VOCAB; k++) assert_true(fabs((double)x[k] - (double)y[k]) < 0.5);
            vt_buffer_release(bytes);
            vt_session_release(a);
            vt_session_release(b);
            vt_kv_release(from);
            vt_kv_release(to);
        }
    vt_model_release(m);
    vt_context_release(ctx);
}

static void what_does_not_fit_is_refused_and_changes_nothing(void **state) {
    (void)state;
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama"), *other = other_model(ctx), *rotated = tiny_open(ctx, "tiny_llama_freqs");
    vt_kv *kv = pool(m, VT_DTYPE_F16), *kv_other = pool(other, VT_DTYPE_F16), *kv_rotated = pool(rotated, VT_DTYPE_F16);
    vt_kv_profile *p = profile_of(m, kv, VT_KV_MODE_AUTO), *q = profile_of(m, kv, VT_KV_MODE_TOKEN);
    vt_session *a = tiny_session(m, 0, kv, NULL), *b = tiny_session(m, 0, kv, NULL), *c = tiny_session(other, 0, kv_other, NULL), *r = tiny_session(rotated, 0, kv_rotated, NULL);
    vt_kv_encode_options o = VT_STRUCT_INIT(vt_kv_encode_options);
    vt_kv_stats stats;
    vt_buffer *bytes = NULL;
    assert_int_equal(vt_kv_encode(a, p, NULL, &bytes, NULL), VT_ERR_STATE); /* empty */
    feed(a, 30, 1);
    assert_int_equal(vt_kv_encode(a, NULL, NULL, &bytes, NULL), VT_ERR_INVALID); /* no profile */
    o.level = 7;
    assert_int_equal(vt_kv_encode(a, p, &o, &bytes, NULL), VT_ERR_INVALID);
    o.level = 0;
    o.chunk_tokens = 17;
    assert_int_equal(vt_kv_encode(a, p, &o, &bytes, NULL), VT_ERR_INVALID);
    feed(c, 30, 1);
    assert_int_equal(vt_kv_encode(c, p, NULL, &bytes, NULL), VT_ERR_CONFLICT);
    assert_null(bytes);
    assert_int_equal(vt_session_trim(c, 0), VT_OK);
    bytes = encode(a, p, VT_KV_CODER_RANS, 2, 16, &stats);
    assert_int_equal(decode(c, p, bytes, 0), VT_ERR_CONFLICT);  /* model */
    assert_int_equal(decode(r, p, bytes, 0), VT_ERR_CONFLICT);  /* rotation, or the model with it */
    assert_int_equal(decode(b, q, bytes, 0), VT_ERR_CONFLICT);  /* profile */
    assert_int_equal(decode(b, NULL, bytes, 0), VT_ERR_INVALID);
    assert_int_equal(decode(a, p, bytes, 0), VT_ERR_STATE); /* not empty */
    vt_session_options so = VT_STRUCT_INIT(vt_session_options);
    vt_session *small;
    so.kv = kv;
    so.n_ctx = 29;
    assert_int_equal(vt_session_create(m, &so, &small), VT_OK);
    assert_int_equal(decode(small, p, bytes, 0), VT_ERR_LIMIT);
    vt_session_release(small);
    int64_t used = vt_kv_block_used(kv);
    unsigned char *data = test_malloc(vt_buffer_size(bytes) + 1);
    memcpy(data + 1, vt_buffer_data(bytes), vt_buffer_size(bytes)); /* at an odd address */
    for (size_t i = 0; i < vt_buffer_size(bytes); i += i < 300 ? 1 : 41) {
        data[1 + i] ^= 0x20;
        vt_status st = vt_kv_decode(b, p, data + 1, vt_buffer_size(bytes), 0);
        assert_true(st == VT_ERR_FORMAT || st == VT_ERR_UNSUPPORTED);
        assert_int_equal(vt_session_count(b), 0);
        assert_int_equal(vt_kv_block_used(kv), used);
        data[1 + i] ^= 0x20;
    }
    assert_int_equal(vt_kv_decode(b, p, data + 1, vt_buffer_size(bytes), 0), VT_OK);
    vt_kv_file_info info = VT_STRUCT_INIT(vt_kv_file_info);
    assert_int_equal(vt_kv_file_get_info(data + 1, vt_buffer_size(bytes), &info), VT_OK);
    assert_true(info.n_tokens == 30 && info.level == 2 && info.coder == VT_KV_CODER_RANS && info.chunk_tokens == 16 && info.n_chunks == 2);
    assert_memory_equal(info.ids, vt_session_tokens(a), 30 * sizeof(int32_t));
    test_free(data);
    vt_buffer_release(bytes);
    vt_kv_profile_release(p);
    vt_kv_profile_release(q);
    vt_session *all[] = {a, b, c, r};
    for (int i = 0; i < 4; i++) vt_session_release(all[i]);
    vt_kv_release(kv);
    vt_kv_release(kv_other);
    vt_kv_release(kv_rotated);
    vt_model_release(m);
    vt_model_release(other);
    vt_model_release(rotated);
    vt_context_release(ctx);
}

static vt_status work(vt_context *ctx) {
    vt_kv_profile_options o = VT_STRUCT_INIT(vt_kv_profile_options);
    vt_model *m = NULL;
    vt_session *a = NULL, *b = NULL;
    vt_kv_profile *p = NULL, *q = NULL;
    vt_buffer *bytes = NULL, *saved = NULL;
    int32_t ids[20];
    for (int i = 0; i < 20; i++) ids[i] = i;
    o.n_levels = 1;
    o.fineness[0] = 15;
    vt_status st = vt_model_open(ctx, tiny_path("tiny_llama", "gguf"), NULL, &m);
    if (st == VT_OK) st = vt_session_create(m, NULL, &a);
    if (st == VT_OK) st = vt_session_feed(a, ids, 20);
    if (st == VT_OK) st = vt_kv_profile_create(&a, 1, &o, &p);
    if (st == VT_OK) st = vt_kv_profile_save(p, &saved);
    if (st == VT_OK) st = vt_kv_profile_load(ctx, vt_buffer_data(saved), vt_buffer_size(saved), &q);
    if (st == VT_OK) st = vt_kv_encode(a, q, NULL, &bytes, NULL);
    if (st == VT_OK) st = vt_session_create(m, NULL, &b);
    if (st == VT_OK) st = vt_kv_decode(b, p, vt_buffer_data(bytes), vt_buffer_size(bytes), 0);
    vt_buffer_release(bytes);
    vt_buffer_release(saved);
    vt_kv_profile_release(p);
    vt_kv_profile_release(q);
    vt_session_release(a);
    vt_session_release(b);
    vt_model_release(m);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(work);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_bytes_give_the_same_logits),
        cmocka_unit_test(levels_come_back_as_they_were_measured),
        cmocka_unit_test(caches_of_another_dtype_are_converted_on_request),
        cmocka_unit_test(what_does_not_fit_is_refused_and_changes_nothing),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
