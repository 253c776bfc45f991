/* Batches of sessions: the same numbers as alone, in any company and order; steps that fail change nothing. */
#include "craft.h"
#include "tiny.h"
#include "torture_each.h"

enum { N = 5, STEPS = 12 };

/* Sequence i: a prompt of its own length, fed in pieces; samplers of two kinds. */
static int prompt_of(int i, int32_t ids[64]) {
    int n = 1 + 7 * i;
    for (int k = 0; k < n; k++) ids[k] = (k * 31 + i * 17 + 5) % CRAFT_VOCAB;
    return n;
}

static vt_sampler *sampler_of(vt_context *ctx, int i) {
    vt_sampler_options o = VT_STRUCT_INIT(vt_sampler_options);
    vt_sampler *s;
    if (i % 2 == 0) return NULL;
    o.seed = 7;
    o.sequence = (uint32_t)i;
    assert_int_equal(vt_sampler_create(ctx, &o, &s), VT_OK);
    assert_int_equal(vt_sampler_add_temperature(s, 1.5), VT_OK);
    return s;
}

static vt_batch *make_batch(vt_model *m, uint32_t flags, int64_t max_rows) {
    vt_batch_options o = VT_STRUCT_INIT(vt_batch_options);
    vt_batch *b;
    o.flags = flags;
    o.max_rows = max_rows;
    assert_int_equal(vt_batch_create(m, &o, &b), VT_OK);
    return b;
}

static vt_status add(vt_batch *b, vt_session *s, const int32_t *ids, int64_t n, vt_sampler *sampler, uint32_t flags) {
    vt_batch_entry e = VT_STRUCT_INIT(vt_batch_entry);
    e.flags = flags;
    e.ids = ids;
    e.n = n;
    e.sampler = sampler;
    return vt_batch_add(b, s, &e);
}

static vt_batch_result get(const vt_batch *b, int64_t i) {
    vt_batch_result r = VT_STRUCT_INIT(vt_batch_result);
    assert_int_equal(vt_batch_get(b, i, &r), VT_OK);
    return r;
}

typedef struct text {
    int32_t ids[64 + STEPS];
    float logits[CRAFT_VOCAB];
} text;

static void alone(vt_context *ctx, vt_model *m, uint32_t flags, int i, text *out) {
    vt_session *s = tiny_session(m, flags, NULL, NULL);
    vt_sampler *sampler = sampler_of(ctx, i);
    const float *logits;
    int n = prompt_of(i, out->ids);
    assert_int_equal(vt_session_feed(s, out->ids, n), VT_OK);
    for (int k = 0; k < STEPS; k++) assert_int_equal(vt_session_next(s, sampler, &out->ids[n + k]), VT_OK);
    assert_int_equal(vt_session_logits(s, &logits), VT_OK);
    memcpy(out->logits, logits, sizeof out->logits);
    vt_sampler_release(sampler);
    vt_session_release(s);
}

/* All sequences of `order` together; prompts in pieces of `piece` tokens, so that short ones decode while long ones still read. */
static void together(vt_context *ctx, vt_model *m, uint32_t flags, const int *order, int64_t max_rows, int piece, const text want[N]) {
    vt_batch *b = make_batch(m, flags, max_rows);
    vt_session *s[N];
    vt_sampler *sampler[N];
    int32_t prompt[N][64];
    int n[N], at[N] = {0}, drawn[N] = {0}, left = N;
    for (int i = 0; i < N; i++) {
        s[i] = tiny_session(m, flags, NULL, NULL);
        sampler[i] = sampler_of(ctx, i);
        n[i] = prompt_of(i, prompt[i]);
    }
    while (left > 0) {
        int who[N], count = 0;
        for (int k = 0; k < N; k++) {
            int i = order[k], take = n[i] - at[i] < piece ? n[i] - at[i] : piece;
            if (drawn[i] == STEPS) continue;
            int last = at[i] + take == n[i];
            assert_int_equal(add(b, s[i], prompt[i] + at[i], take, last ? sampler[i] : NULL, last ? VT_BATCH_DRAW : 0), VT_OK);
            at[i] += take;
            who[count++] = i;
        }
        assert_int_equal(vt_batch_count(b), count);
        assert_int_equal(vt_batch_step(b), VT_OK);
        for (int k = 0; k < count; k++) {
            int i = who[k];
            vt_batch_result r = get(b, k);
            assert_int_equal(r.status, VT_OK);
            if (at[i] < n[i] || r.id < 0) continue;
            assert_int_equal(r.id, want[i].ids[n[i] + drawn[i]]);
            left -= ++drawn[i] == STEPS;
        }
    }
    for (int i = 0; i < N; i++) {
        const float *logits;
        assert_int_equal(vt_session_count(s[i]), n[i] + STEPS);
        assert_memory_equal(vt_session_tokens(s[i]), want[i].ids, (size_t)(n[i] + STEPS) * sizeof(int32_t));
        assert_int_equal(vt_session_logits(s[i], &logits), VT_OK);
        assert_memory_equal(logits, want[i].logits, sizeof want[i].logits);
        vt_session_release(s[i]);
        vt_sampler_release(sampler[i]);
    }
    vt_batch_release(b);
}

static void companions_and_order_change_no_bit(void **state) {
    static const int orders[][N] = {{0, 1, 2, 3, 4}, {4, 2, 0, 3, 1}, {1, 4, 3, 0, 2}};
    static const struct {
        int64_t max_rows;
        int piece;
    } cuts[] = {{0, 64}, {5, 64}, {1, 3}, {64, 1}};
    static text want[N];
    (void)state;
    for (uint32_t flags = 0; flags <= VT_SESSION_EXACT; flags++)
        for (int32_t n_threads = 1; n_threads <= 2; n_threads++) {
            vt_context *ctx = tiny_context(n_threads);
            vt_model *m;
            assert_int_equal(vt_model_open(ctx, craft_write(&(craft){.mixed = 1}), NULL, &m), VT_OK);
            for (int i = 0; i < N; i++) alone(ctx, m, flags, i, &want[i]);
            for (int o = 0; o < 3; o++)
                for (int c = 0; c < 4; c++) together(ctx, m, flags, orders[o], cuts[c].max_rows, cuts[c].piece, want);
            vt_model_release(m);
            vt_context_release(ctx);
        }
}

static void windows_and_two_rotations_are_kept_apart(void **state) {
    static tiny t;
    float all[TINY_IDS][TINY_VOCAB];
    const float *logits;
    vt_context *ctx = tiny_context(2);
    vt_model *m = tiny_open(ctx, "tiny_gemma3");
    vt_session *whole = tiny_session(m, 0, NULL, NULL), *a = tiny_session(m, 0, NULL, NULL), *b = tiny_session(m, 0, NULL, NULL);
    vt_batch *batch = make_batch(m, 0, 0);
    (void)state;
    tiny_read("tiny_gemma3", &t);
    assert_int_equal(vt_session_feed_logits(whole, t.ids, TINY_IDS, &all[0][0]), VT_OK);
    assert_int_equal(add(batch, a, t.ids, 9, NULL, VT_BATCH_LOGITS), VT_OK);
    assert_int_equal(add(batch, b, t.ids, 4, NULL, VT_BATCH_LOGITS), VT_OK);
    assert_int_equal(vt_batch_step(batch), VT_OK);
    assert_int_equal(vt_session_logits(a, &logits), VT_OK);
    assert_memory_equal(logits, all[8], sizeof all[8]);
    assert_int_equal(vt_session_logits(b, &logits), VT_OK);
    assert_memory_equal(logits, all[3], sizeof all[3]);
    vt_batch_release(batch);
    vt_session_release(whole);
    vt_session_release(a);
    vt_session_release(b);
    vt_model_release(m);
    vt_context_release(ctx);
}

/* Without a flag nothing is drawn and no logits are made; a draw finds what it needs afterwards. */
static void logits_are_made_when_they_are_asked_for(void **state) {
    static tiny t;
    const float *logits;
    int32_t id;
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_session *a = tiny_session(m, 0, NULL, NULL), *plain = tiny_session(m, 0, NULL, NULL);
    vt_batch *b = make_batch(m, 0, 0);
    (void)state;
    tiny_read("tiny_llama", &t);
    assert_int_equal(vt_session_feed(plain, t.ids, TINY_IDS), VT_OK);
    assert_int_equal(vt_session_next(plain, NULL, &id), VT_OK);
    assert_int_equal(add(b, a, t.ids, TINY_IDS, NULL, 0), VT_OK);
    assert_int_equal(vt_batch_step(b), VT_OK);
    assert_int_equal(get(b, 0).id, -1);
    assert_int_equal(vt_session_count(a), TINY_IDS);
    assert_int_equal(vt_session_logits(a, &logits), VT_ERR_STATE);
    assert_int_equal(vt_batch_add(b, a, NULL), VT_OK);
    assert_int_equal(vt_batch_step(b), VT_OK);
    assert_int_equal(get(b, 0).id, id);
    assert_string_equal(get(b, 0).message, "");
    /* Logits that stand are drawn from as they are. */
    assert_int_equal(vt_session_trim(a, 0), VT_OK);
    assert_int_equal(vt_session_feed(a, t.ids, TINY_IDS), VT_OK);
    assert_int_equal(vt_batch_add(b, a, NULL), VT_OK);
    assert_int_equal(vt_batch_step(b), VT_OK);
    assert_int_equal(get(b, 0).id, id);
    assert_int_equal(vt_batch_step(b), VT_ERR_STATE);
    vt_batch_release(b);
    vt_session_release(a);
    vt_session_release(plain);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void entries_that_do_not_fit_are_refused(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama"), *other = tiny_open(ctx, "tiny_llama");
    vt_session *s = tiny_session(m, 0, NULL, NULL), *exact = tiny_session(m, VT_SESSION_EXACT, NULL, NULL), *foreign = tiny_session(other, 0, NULL, NULL);
    vt_session *second = tiny_session(m, 0, NULL, NULL);
    vt_sampler *sampler = sampler_of(ctx, 1);
    vt_batch *b = make_batch(m, 0, 0);
    vt_batch_entry e = VT_STRUCT_INIT(vt_batch_entry);
    vt_batch_result r = VT_STRUCT_INIT(vt_batch_result);
    const int32_t ids[2] = {1, TINY_VOCAB};
    (void)state;
    assert_int_equal(vt_batch_step(b), VT_ERR_STATE);
    assert_int_equal(add(b, s, NULL, 0, NULL, VT_BATCH_DRAW), VT_ERR_STATE);
    assert_int_equal(add(b, s, ids, 2, NULL, VT_BATCH_DRAW), VT_ERR_INVALID);
    assert_int_equal(add(b, s, NULL, 1, NULL, VT_BATCH_DRAW), VT_ERR_INVALID);
    assert_int_equal(add(b, s, ids, -1, NULL, VT_BATCH_DRAW), VT_ERR_INVALID);
    assert_int_equal(add(b, s, ids, 1, NULL, 4), VT_ERR_INVALID);
    assert_int_equal(add(b, exact, ids, 1, NULL, VT_BATCH_DRAW), VT_ERR_CONFLICT);
    assert_int_equal(add(b, foreign, ids, 1, NULL, VT_BATCH_DRAW), VT_ERR_CONFLICT);
    assert_int_equal(vt_batch_count(b), 0);
    assert_int_equal(add(b, s, ids, 1, sampler, VT_BATCH_DRAW), VT_OK);
    assert_int_equal(add(b, s, ids, 1, NULL, VT_BATCH_DRAW), VT_ERR_CONFLICT);
    assert_int_equal(add(b, second, ids, 1, sampler, VT_BATCH_DRAW), VT_ERR_CONFLICT);
    assert_int_equal(vt_batch_get(b, 1, &r), VT_ERR_INVALID);
    vt_batch_clear(b);
    assert_int_equal(vt_batch_count(b), 0);
    e.struct_size = 8;
    assert_int_equal(vt_batch_add(b, s, &e), VT_ERR_INVALID);
    assert_int_equal(vt_batch_add(NULL, s, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_batch_step(NULL), VT_ERR_INVALID);
    vt_batch_release(b);
    assert_int_equal(vt_batch_create(m, &(vt_batch_options){.struct_size = sizeof(vt_batch_options), .max_rows = 5000}, &b), VT_ERR_INVALID);
    assert_null(b);
    vt_batch_release(NULL);
    vt_sampler_release(sampler);
    vt_session_release(s);
    vt_session_release(second);
    vt_session_release(exact);
    vt_session_release(foreign);
    vt_model_release(m);
    vt_model_release(other);
    vt_context_release(ctx);
}

/* A pool of 2 blocks for three sessions of one block each: the step names the third and changes none. */
static void a_full_pool_leaves_every_session_as_it_was(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_kv_options o = VT_STRUCT_INIT(vt_kv_options);
    vt_kv *kv;
    vt_session *s[3];
    const int32_t ids[3] = {3, 4, 5};
    (void)state;
    o.n_tokens = 32;
    o.dtype = VT_DTYPE_F16;
    assert_int_equal(vt_kv_create(m, &o, &kv), VT_OK);
    vt_batch *b = make_batch(m, 0, 0);
    for (int i = 0; i < 3; i++) {
        s[i] = tiny_session(m, 0, kv, NULL);
        assert_int_equal(add(b, s[i], ids, 3, NULL, VT_BATCH_DRAW), VT_OK);
    }
    assert_int_equal(vt_batch_step(b), VT_ERR_LIMIT);
    assert_non_null(strstr(vt_error_message(), "entry 2"));
    for (int i = 0; i < 3; i++) assert_int_equal(get(b, i).status, VT_ERR_LIMIT);
    assert_int_equal(vt_kv_block_used(kv), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(vt_session_count(s[i]), 0);
    vt_batch_clear(b);
    for (int i = 0; i < 2; i++) assert_int_equal(add(b, s[i], ids, 3, NULL, VT_BATCH_DRAW), VT_OK);
    assert_int_equal(vt_batch_step(b), VT_OK);
    assert_int_equal(vt_session_count(s[1]), 4);
    vt_batch_release(b);
    for (int i = 0; i < 3; i++) vt_session_release(s[i]);
    vt_kv_release(kv);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void a_full_context_is_the_fault_of_its_entry(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_session *s = tiny_session(m, 0, NULL, NULL), *full = tiny_session(m, 0, NULL, NULL);
    int32_t ids[TINY_CTX] = {0};
    vt_batch *b = make_batch(m, 0, 0);
    (void)state;
    assert_int_equal(add(b, s, ids, 5, NULL, VT_BATCH_DRAW), VT_OK);
    assert_int_equal(add(b, full, ids, TINY_CTX, NULL, VT_BATCH_DRAW), VT_OK); /* it fits, but no drawn token after it */
    assert_int_equal(vt_batch_step(b), VT_ERR_LIMIT);
    assert_non_null(strstr(vt_error_message(), "entry 1"));
    assert_int_equal(vt_session_count(s), 0);
    assert_int_equal(vt_session_count(full), 0);
    vt_batch_release(b);
    vt_session_release(s);
    vt_session_release(full);
    vt_model_release(m);
    vt_context_release(ctx);
}

/* A raised token of one session stops that one, a poisoned draw too; the batch's own stops the step. */
static void one_sequence_is_stopped_alone(void **state) {
    vt_context *ctx = tiny_context(2);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_cancel *one, *all;
    vt_batch_options o = VT_STRUCT_INIT(vt_batch_options);
    vt_batch *b;
    const int32_t ids[3] = {3, 4, 5};
    int32_t want;
    (void)state;
    assert_int_equal(vt_cancel_create(ctx, &one), VT_OK);
    assert_int_equal(vt_cancel_create(ctx, &all), VT_OK);
    o.cancel = all;
    assert_int_equal(vt_batch_create(m, &o, &b), VT_OK);
    vt_session *s = tiny_session(m, 0, NULL, one), *t = tiny_session(m, 0, NULL, NULL);
    assert_int_equal(vt_session_feed(t, ids, 3), VT_OK);
    assert_int_equal(vt_session_next(t, NULL, &want), VT_OK);
    assert_int_equal(vt_session_trim(t, 0), VT_OK);
    vt_cancel_raise(one);
    assert_int_equal(add(b, s, ids, 3, NULL, VT_BATCH_DRAW), VT_OK);
    assert_int_equal(add(b, t, ids, 3, NULL, VT_BATCH_DRAW), VT_OK);
    assert_int_equal(vt_batch_step(b), VT_OK);
    assert_int_equal(get(b, 0).status, VT_ERR_CANCELLED);
    assert_true(get(b, 0).message[0] != 0);
    assert_int_equal(get(b, 1).status, VT_OK);
    assert_int_equal(get(b, 1).id, want);
    assert_int_equal(vt_session_count(s), 0);
    assert_int_equal(vt_session_count(t), 4);
    vt_cancel_raise(all);
    assert_int_equal(add(b, t, NULL, 0, NULL, VT_BATCH_DRAW), VT_OK);
    assert_int_equal(vt_batch_step(b), VT_ERR_CANCELLED);
    assert_int_equal(vt_session_count(t), 4);
    vt_cancel_reset(all);
    assert_int_equal(vt_batch_step(b), VT_OK); /* the list has stayed */
    assert_int_equal(vt_session_count(t), 5);
    vt_batch_release(b);
    vt_session_release(s);
    vt_session_release(t);
    vt_cancel_release(one);
    vt_cancel_release(all);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void a_draw_that_fails_is_undone(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m;
    const int32_t ids[3] = {3, 4, 5};
    (void)state;
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){.poisoned = 1}), NULL, &m), VT_OK);
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    vt_batch *b = make_batch(m, 0, 0);
    assert_int_equal(add(b, s, ids, 3, NULL, VT_BATCH_DRAW), VT_OK);
    assert_int_equal(vt_batch_step(b), VT_OK);
    assert_int_equal(get(b, 0).status, VT_ERR_NUMERIC);
    assert_int_equal(get(b, 0).id, -1);
    assert_int_equal(vt_session_count(s), 0);
    vt_batch_release(b);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

static vt_status step_twice(vt_context *ctx) {
    vt_model *m = NULL;
    vt_session *s[2] = {NULL, NULL};
    vt_batch *b = NULL;
    const int32_t ids[20] = {3, 4, 5};
    vt_status st = vt_model_open(ctx, tiny_path("tiny_llama", "gguf"), NULL, &m);
    for (int i = 0; i < 2 && st == VT_OK; i++) st = vt_session_create(m, NULL, &s[i]);
    if (st == VT_OK) st = vt_batch_create(m, NULL, &b);
    for (int k = 0; k < 2 && st == VT_OK; k++) {
        for (int i = 0; i < 2 && st == VT_OK; i++) st = add(b, s[i], ids, 20, NULL, VT_BATCH_DRAW);
        if (st == VT_OK) st = vt_batch_step(b);
        for (int i = 0; i < 2 && st != VT_OK; i++) assert_int_equal(vt_session_count(s[i]), 21 * k);
    }
    vt_batch_release(b);
    for (int i = 0; i < 2; i++) vt_session_release(s[i]);
    vt_model_release(m);
    return st;
}

static void every_failing_allocation_is_survived(void **state) {
    (void)state;
    torture_each(step_twice);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(companions_and_order_change_no_bit),
        cmocka_unit_test(windows_and_two_rotations_are_kept_apart),
        cmocka_unit_test(logits_are_made_when_they_are_asked_for),
        cmocka_unit_test(entries_that_do_not_fit_are_refused),
        cmocka_unit_test(a_full_pool_leaves_every_session_as_it_was),
        cmocka_unit_test(a_full_context_is_the_fault_of_its_entry),
        cmocka_unit_test(one_sequence_is_stopped_alone),
        cmocka_unit_test(a_draw_that_fails_is_undone),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
