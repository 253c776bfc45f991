/* Sessions: the numbers against the reference, their independence of cuts and threads, and what a failing call leaves. */
#include "core/pool.h"
#include "craft.h"
#include "tiny.h"
#include "torture.h"

/* ---- numbers ---- */

static void exact_logits_equal_the_reference(void **state) {
    (void)state;
    for (int i = 0; i < N_TINY; i++) {
        static tiny t;
        float got[TINY_IDS][TINY_VOCAB];
        tiny_read(tiny_names[i], &t);
        vt_context *ctx = tiny_context(2);
        vt_model *m = tiny_open(ctx, tiny_names[i]);
        vt_session *s = tiny_session(m, VT_SESSION_EXACT, NULL, NULL);
        assert_int_equal(vt_session_feed_logits(s, t.ids, TINY_IDS, &got[0][0]), VT_OK);
        for (int r = 0; r < TINY_IDS; r++)
            for (int j = 0; j < TINY_VOCAB; j++) assert_true(fabs((double)got[r][j] - t.logits[r][j]) <= t.tolerance);
        vt_session_release(s);
        vt_model_release(m);
        vt_context_release(ctx);
    }
}

static void fast_logits_are_near_the_reference(void **state) {
    (void)state;
    for (int i = 0; i < N_TINY; i++) {
        static tiny t;
        float got[TINY_IDS][TINY_VOCAB];
        tiny_read(tiny_names[i], &t);
        vt_context *ctx = tiny_context(1);
        vt_model *m = tiny_open(ctx, tiny_names[i]);
        vt_session *s = tiny_session(m, 0, NULL, NULL);
        assert_int_equal(vt_session_feed_logits(s, t.ids, TINY_IDS, &got[0][0]), VT_OK);
        for (int r = 0; r < TINY_IDS; r++)
            for (int j = 0; j < TINY_VOCAB; j++) assert_true(fabs((double)got[r][j] - t.logits[r][j]) <= 0.08);
        vt_session_release(s);
        vt_model_release(m);
        vt_context_release(ctx);
    }
}

/* All 64 positions of the tiny context, cut in different ways, on different numbers of threads. */
static void logits_of(vt_context *ctx, const char *name, uint32_t flags, const int *cuts, float *out) {
    vt_model *m = tiny_open(ctx, name);
    vt_session *s = tiny_session(m, flags, NULL, NULL);
    int32_t ids[TINY_CTX];
    int at = 0;
    for (int i = 0; i < TINY_CTX; i++) ids[i] = (i * 37 + 11) % TINY_VOCAB;
    for (; at < TINY_CTX; at += *cuts++) {
        const float *last;
        if (*cuts == 1) {
            assert_int_equal(vt_session_feed(s, ids + at, 1), VT_OK);
            assert_int_equal(vt_session_logits(s, &last), VT_OK);
            memcpy(out + at * TINY_VOCAB, last, TINY_VOCAB * sizeof *last);
        } else {
            assert_int_equal(vt_session_feed_logits(s, ids + at, *cuts, out + at * TINY_VOCAB), VT_OK);
        }
    }
    assert_int_equal(at, TINY_CTX);
    vt_session_release(s);
    vt_model_release(m);
}

static void cuts_and_threads_change_no_bit(void **state) {
    static const int whole[] = {64}, halves[] = {32, 32}, odd[] = {1, 2, 15, 17, 1, 1, 27};
    int ones[TINY_CTX];
    const int *cuts[] = {whole, halves, odd, ones};
    static float want[TINY_CTX * TINY_VOCAB], got[TINY_CTX * TINY_VOCAB];
    (void)state;
    for (int i = 0; i < TINY_CTX; i++) ones[i] = 1;
    for (int i = 0; i < N_TINY; i++)
        for (uint32_t flags = 0; flags <= VT_SESSION_EXACT; flags++)
            for (int32_t n_threads = 1; n_threads <= 4; n_threads *= 2) {
                vt_context *ctx = tiny_context(n_threads);
                for (int c = 0; c < 4; c++) {
                    int first = n_threads == 1 && c == 0;
                    logits_of(ctx, tiny_names[i], flags, cuts[c], first ? want : got);
                    if (!first) assert_memory_equal(got, want, sizeof want);
                }
                vt_context_release(ctx);
            }
}

/* Longer than a chunk of rows, matrices of every type. */
static void chunks_of_a_long_prompt_change_no_bit(void **state) {
    static const int whole[] = {300}, odd[] = {127, 2, 1, 128, 42}, near[] = {130, 170};
    static const int *const cuts[] = {whole, odd, near};
    static float want[CRAFT_CTX * CRAFT_VOCAB], got[CRAFT_CTX * CRAFT_VOCAB];
    int32_t ids[CRAFT_CTX];
    (void)state;
    for (int i = 0; i < CRAFT_CTX; i++) ids[i] = (i * 37 + 11) % CRAFT_VOCAB;
    for (uint32_t flags = 0; flags <= VT_SESSION_EXACT; flags++)
        for (int32_t n_threads = 1; n_threads <= 4; n_threads *= 2) {
            vt_context *ctx = tiny_context(n_threads);
            vt_model *m;
            assert_int_equal(vt_model_open(ctx, craft_write(&(craft){.mixed = 1}), NULL, &m), VT_OK);
            for (int c = 0; c < 3; c++) {
                int first = n_threads == 1 && c == 0;
                vt_session *s = tiny_session(m, flags, NULL, NULL);
                for (int at = 0, i = 0; at < CRAFT_CTX; at += cuts[c][i++])
                    assert_int_equal(vt_session_feed_logits(s, ids + at, cuts[c][i], (first ? want : got) + at * CRAFT_VOCAB), VT_OK);
                if (!first) assert_memory_equal(got, want, sizeof want);
                vt_session_release(s);
            }
            vt_model_release(m);
            vt_context_release(ctx);
        }
}

static void fast_mode_stays_near_exact_mode_for_every_type(void **state) {
    static float exact[50 * CRAFT_VOCAB], fast[50 * CRAFT_VOCAB];
    int32_t ids[50];
    double err = 0, norm = 0;
    vt_context *ctx = tiny_context(2);
    vt_model *m;
    (void)state;
    for (int i = 0; i < 50; i++) ids[i] = (i * 37 + 11) % CRAFT_VOCAB;
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){.mixed = 1}), NULL, &m), VT_OK);
    vt_session *a = tiny_session(m, VT_SESSION_EXACT, NULL, NULL), *b = tiny_session(m, 0, NULL, NULL);
    assert_int_equal(vt_session_feed_logits(a, ids, 50, exact), VT_OK);
    assert_int_equal(vt_session_feed_logits(b, ids, 50, fast), VT_OK);
    for (int i = 0; i < 50 * CRAFT_VOCAB; i++) {
        err += pow((double)(exact[i] - fast[i]), 2);
        norm += pow((double)exact[i], 2);
    }
    assert_true(err < 1e-4 * norm); /* 1 % of the length: 8-bit activations */
    vt_session_release(a);
    vt_session_release(b);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void scores_are_log_probabilities_of_the_logits(void **state) {
    static tiny t;
    double want[TINY_IDS], got[TINY_IDS];
    float logits[TINY_IDS][TINY_VOCAB];
    vt_context *ctx = tiny_context(2);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_session *s = tiny_session(m, VT_SESSION_EXACT, NULL, NULL);
    (void)state;
    tiny_read("tiny_llama", &t);
    assert_int_equal(vt_session_feed_logits(s, t.ids, TINY_IDS, &logits[0][0]), VT_OK);
    for (int i = 1; i < TINY_IDS; i++) {
        double sum = 0;
        for (int j = 0; j < TINY_VOCAB; j++) sum += exp((double)logits[i - 1][j]);
        want[i] = (double)logits[i - 1][t.ids[i]] - log(sum);
    }
    /* In one call, and cut: the first of a later call uses the logits that stand, or those computed again after a trim. */
    for (int cut = 0; cut < TINY_IDS; cut += 5)
        for (int again = 0; again < 2; again++) {
            assert_int_equal(vt_session_trim(s, 0), VT_OK);
            if (cut) assert_int_equal(vt_session_score(s, t.ids, cut, got), VT_OK);
            if (again) assert_int_equal(vt_session_trim(s, cut), VT_OK);
            assert_int_equal(vt_session_score(s, t.ids + cut, TINY_IDS - cut, got + cut), VT_OK);
            assert_true(isnan(got[0]));
            for (int i = 1; i < TINY_IDS; i++) assert_true(fabs(got[i] - want[i]) < 1e-6);
            const float *last;
            assert_int_equal(vt_session_logits(s, &last), VT_OK);
            assert_memory_equal(last, logits[TINY_IDS - 1], sizeof logits[0]);
        }
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

/* ---- state ---- */

static void trim_and_feed_again_gives_the_same(void **state) {
    static tiny t;
    float all[TINY_IDS][TINY_VOCAB];
    const float *last;
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama_freqs");
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    (void)state;
    tiny_read("tiny_llama_freqs", &t);
    assert_int_equal(vt_session_feed_logits(s, t.ids, TINY_IDS, &all[0][0]), VT_OK);
    for (int keep = TINY_IDS - 1; keep >= 0; keep--) {
        assert_int_equal(vt_session_trim(s, keep), VT_OK);
        assert_int_equal(vt_session_count(s), keep);
        assert_int_equal(vt_session_logits(s, &last), VT_ERR_STATE);
        assert_int_equal(vt_session_feed(s, t.ids + keep, TINY_IDS - keep), VT_OK);
        assert_int_equal(vt_session_logits(s, &last), VT_OK);
        assert_memory_equal(last, all[TINY_IDS - 1], sizeof all[0]);
        assert_memory_equal(vt_session_tokens(s), t.ids, sizeof t.ids);
    }
    assert_int_equal(vt_session_trim(s, TINY_IDS + 1), VT_ERR_INVALID);
    assert_int_equal(vt_session_trim(s, -1), VT_ERR_INVALID);
    /* After a trim a token may be drawn at once. */
    int32_t id, best = 0;
    for (int j = 1; j < TINY_VOCAB; j++)
        if (all[4][j] > all[4][best]) best = j;
    assert_int_equal(vt_session_trim(s, 5), VT_OK);
    assert_int_equal(vt_session_next(s, NULL, &id), VT_OK);
    assert_int_equal(id, best);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void drawn_token_is_computed_when_it_is_needed(void **state) {
    static tiny t;
    int32_t a[20], id;
    const float *la, *lb;
    vt_context *ctx = tiny_context(2);
    vt_model *m = tiny_open(ctx, "tiny_llama_q8");
    vt_session *s = tiny_session(m, 0, NULL, NULL), *plain = tiny_session(m, 0, NULL, NULL);
    vt_sampler *greedy;
    (void)state;
    tiny_read("tiny_llama_q8", &t);
    assert_int_equal(vt_sampler_create(ctx, NULL, &greedy), VT_OK);
    assert_int_equal(vt_session_next(s, greedy, &id), VT_ERR_STATE);
    assert_int_equal(vt_session_feed(s, t.ids, TINY_IDS), VT_OK);
    for (int i = 0; i < 20; i++) {
        assert_int_equal(vt_session_next(s, greedy, &a[i]), VT_OK);
        assert_int_equal(vt_session_count(s), TINY_IDS + i + 1);
    }
    assert_int_equal(vt_session_feed(plain, t.ids, TINY_IDS), VT_OK);
    assert_int_equal(vt_session_feed(plain, a, 20), VT_OK);
    assert_int_equal(vt_session_logits(plain, &lb), VT_OK);
    assert_int_equal(vt_session_logits(s, &la), VT_OK); /* computes the waiting token */
    assert_memory_equal(la, lb, TINY_VOCAB * sizeof *la);
    /* A waiting token goes along with what is fed next. */
    assert_int_equal(vt_session_next(s, greedy, &id), VT_OK);
    assert_int_equal(vt_session_feed(s, t.ids, 3), VT_OK);
    assert_int_equal(vt_session_feed(plain, &id, 1), VT_OK);
    assert_int_equal(vt_session_feed(plain, t.ids, 3), VT_OK);
    assert_int_equal(vt_session_logits(plain, &lb), VT_OK);
    assert_int_equal(vt_session_logits(s, &la), VT_OK);
    assert_memory_equal(la, lb, TINY_VOCAB * sizeof *la);
    vt_sampler_release(greedy);
    vt_session_release(s);
    vt_session_release(plain);
    vt_model_release(m);
    vt_context_release(ctx);
}

/* ---- limits and refusals ---- */

static void too_long_and_wrong_ids_leave_the_session_as_it_was(void **state) {
    static tiny t;
    int32_t ids[TINY_CTX] = {0}, id;
    float before[TINY_VOCAB];
    const float *last;
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    (void)state;
    tiny_read("tiny_llama", &t);
    assert_int_equal(vt_session_feed(s, t.ids, TINY_IDS), VT_OK);
    assert_int_equal(vt_session_logits(s, &last), VT_OK);
    memcpy(before, last, sizeof before);
    assert_int_equal(vt_session_feed(s, ids, TINY_CTX), VT_ERR_LIMIT);
    assert_non_null(strstr(vt_error_message(), "64 tokens after the 12"));
    assert_int_equal(vt_session_feed(s, ids, 0), VT_ERR_INVALID);
    assert_int_equal(vt_session_feed(s, NULL, 1), VT_ERR_INVALID);
    ids[3] = TINY_VOCAB;
    assert_int_equal(vt_session_feed(s, ids, 5), VT_ERR_INVALID);
    assert_non_null(strstr(vt_error_message(), "id 64 at 3"));
    ids[3] = -1;
    assert_int_equal(vt_session_feed(s, ids, 5), VT_ERR_INVALID);
    assert_int_equal(vt_session_count(s), TINY_IDS);
    assert_int_equal(vt_session_logits(s, &last), VT_OK); /* refused before anything was touched */
    assert_memory_equal(last, before, sizeof before);
    /* The last place may be filled, and no further. */
    ids[3] = 0;
    assert_int_equal(vt_session_feed(s, ids, TINY_CTX - TINY_IDS), VT_OK);
    vt_sampler *greedy;
    assert_int_equal(vt_sampler_create(ctx, NULL, &greedy), VT_OK);
    assert_int_equal(vt_session_next(s, greedy, &id), VT_ERR_LIMIT);
    assert_int_equal(vt_session_count(s), TINY_CTX);
    vt_sampler_release(greedy);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

static void wrong_options_are_refused(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama"), *other = tiny_open(ctx, "tiny_llama");
    vt_kv *kv, *half;
    vt_kv_options kv_opt = VT_STRUCT_INIT(vt_kv_options);
    vt_session *s;
    (void)state;
    assert_int_equal(vt_kv_create(other, NULL, &kv), VT_OK);
    kv_opt.dtype = VT_DTYPE_F16;
    assert_int_equal(vt_kv_create(m, &kv_opt, &half), VT_OK);
    kv_opt.dtype = VT_DTYPE_Q8_0;
    assert_int_equal(vt_kv_create(m, &kv_opt, &(vt_kv *){NULL}), VT_ERR_UNSUPPORTED); /* heads of 16 */
    const struct {
        vt_session_options opt;
        vt_status want;
    } cases[] = {
        {{.struct_size = sizeof(vt_session_options), .n_ctx = TINY_CTX + 1}, VT_ERR_LIMIT},
        {{.struct_size = sizeof(vt_session_options), .n_ctx = -1}, VT_ERR_INVALID},
        {{.struct_size = sizeof(vt_session_options), .flags = 2}, VT_ERR_INVALID},
        {{.struct_size = sizeof(vt_session_options), .kv = kv}, VT_ERR_CONFLICT},
        {{.struct_size = sizeof(vt_session_options), .kv = half, .flags = VT_SESSION_EXACT}, VT_ERR_INVALID},
        {{.struct_size = 4}, VT_ERR_INVALID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(vt_session_create(m, &cases[i].opt, &s), cases[i].want);
        assert_null(s);
    }
    assert_int_equal(vt_session_create(NULL, NULL, &s), VT_ERR_INVALID);
    assert_int_equal(vt_session_create(m, NULL, NULL), VT_ERR_INVALID);
    vt_kv_release(kv);
    vt_kv_release(half);
    vt_model_release(m);
    vt_model_release(other);
    vt_context_release(ctx);
}

static void full_pool_is_a_limit_and_blocks_come_back(void **state) {
    int32_t ids[TINY_CTX] = {0};
    vt_kv_options opt = VT_STRUCT_INIT(vt_kv_options);
    vt_kv *kv;
    const float *last;
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    (void)state;
    opt.n_tokens = 48;
    assert_int_equal(vt_kv_create(m, &opt, &kv), VT_OK);
    vt_session *a = tiny_session(m, VT_SESSION_EXACT, kv, NULL), *b = tiny_session(m, 0, kv, NULL);
    assert_int_equal(vt_session_feed(a, ids, 20), VT_OK);
    assert_int_equal(vt_session_feed(b, ids, 10), VT_OK);
    assert_int_equal(vt_kv_block_used(kv), 3);
    assert_int_equal(vt_session_feed(b, ids, 7), VT_ERR_LIMIT);
    assert_int_equal(vt_session_feed(a, ids, 30), VT_ERR_LIMIT);
    assert_int_equal(vt_kv_block_used(kv), 3);
    assert_int_equal(vt_session_count(a), 20);
    assert_int_equal(vt_session_logits(a, &last), VT_ERR_STATE);
    assert_int_equal(vt_session_feed(b, ids, 6), VT_OK); /* the rest of its block */
    assert_int_equal(vt_session_trim(a, 16), VT_OK);
    assert_int_equal(vt_kv_block_used(kv), 2);
    assert_int_equal(vt_session_feed(b, ids, 16), VT_OK);
    vt_session_release(a);
    assert_int_equal(vt_kv_block_used(kv), 2);
    vt_session_release(b);
    assert_int_equal(vt_kv_block_used(kv), 0);
    vt_model_release(m); /* the pool keeps it */
    vt_kv_release(kv);
    vt_context_release(ctx);
}

static void nan_logits_are_a_numeric_error(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m;
    int32_t id = -7;
    (void)state;
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){.poisoned = 1}), NULL, &m), VT_OK);
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    assert_int_equal(vt_session_feed(s, &(int32_t){1}, 1), VT_OK);
    assert_int_equal(vt_session_next(s, NULL, &id), VT_ERR_NUMERIC);
    assert_int_equal(id, -7);
    assert_int_equal(vt_session_count(s), 1);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

/* An allocation fails once in the middle of a call: the call fails, the session is as it was, and the same call then succeeds. */
static void starved_call_can_be_repeated(void **state) {
    static const int cuts[] = {5, 20, 3, 40, 60};
    int32_t ids[CRAFT_CTX];
    float want[CRAFT_VOCAB];
    double scores[CRAFT_CTX];
    torture t = {0};
    vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx;
    vt_model *m;
    int n_failed = 0;
    (void)state;
    for (int i = 0; i < CRAFT_CTX; i++) ids[i] = (i * 37 + 11) % CRAFT_VOCAB;
    opt.alloc = torture_alloc;
    opt.alloc_user = &t;
    opt.n_threads = 1;
    assert_int_equal(vt_context_create(&opt, &ctx), VT_OK);
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){0}), NULL, &m), VT_OK);
    for (long k = 0;; k++) {
        vt_session *s = tiny_session(m, 0, NULL, NULL);
        const float *last;
        int at = 0;
        t.fail_at = k ? t.calls + k : 0;
        for (int c = 0; c < 5; at += cuts[c++]) {
            vt_status st = c == 2 ? vt_session_score(s, ids + at, cuts[c], scores) : vt_session_feed(s, ids + at, cuts[c]);
            if (st == VT_OK) continue;
            assert_int_equal(st, VT_ERR_NOMEM);
            assert_int_equal(vt_session_count(s), at);
            n_failed++;
            assert_int_equal(vt_session_feed(s, ids + at, cuts[c]), VT_OK);
        }
        long reached = t.fail_at <= t.calls;
        t.fail_at = 0;
        assert_int_equal(vt_session_logits(s, &last), VT_OK);
        if (k == 0) memcpy(want, last, sizeof want);
        assert_memory_equal(last, want, sizeof want);
        vt_session_release(s);
        if (!reached) break;
    }
    assert_true(n_failed > 5);
    vt_model_release(m);
    vt_context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void own_tokens_may_be_fed_again(void **state) {
    vt_context *ctx = tiny_context(1);
    vt_model *m = tiny_open(ctx, "tiny_llama");
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    (void)state;
    assert_int_equal(vt_session_feed(s, (const int32_t[]){3, 1, 4, 1}, 4), VT_OK);
    for (int n = 4; n < TINY_CTX; n *= 2) assert_int_equal(vt_session_feed(s, vt_session_tokens(s), n), VT_OK);
    for (int i = 4; i < TINY_CTX; i++) assert_int_equal(vt_session_tokens(s)[i], vt_session_tokens(s)[i - 4]);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

/* ---- threads ---- */

typedef struct crowd {
    vt_model *m;
    vt_kv *kv;
    float last[4][TINY_VOCAB];
} crowd;

static void one_of_the_crowd(void *user, int64_t i) {
    crowd *c = user;
    vt_session *s = tiny_session(c->m, 0, c->kv, NULL);
    const float *last;
    for (int round = 0; round < 5; round++) {
        assert_int_equal(vt_session_trim(s, 0), VT_OK);
        for (int32_t id = 0; id < 40; id++) assert_int_equal(vt_session_feed(s, &id, 1), VT_OK);
    }
    assert_int_equal(vt_session_logits(s, &last), VT_OK);
    memcpy(c->last[i], last, sizeof c->last[i]);
    vt_session_release(s);
}

static void sessions_on_threads_share_model_and_pool(void **state) {
    static crowd c;
    vt_context *ctx = tiny_context(2), *hands = tiny_context(4); /* the threads of one context use sessions of the other */
    vt_kv_options opt = VT_STRUCT_INIT(vt_kv_options);
    (void)state;
    c.m = tiny_open(ctx, "tiny_llama");
    opt.n_tokens = 4 * TINY_CTX;
    assert_int_equal(vt_kv_create(c.m, &opt, &c.kv), VT_OK);
    vt__parallel(hands, 4, one_of_the_crowd, &c);
    for (int i = 1; i < 4; i++) assert_memory_equal(c.last[i], c.last[0], sizeof c.last[0]);
    assert_int_equal(vt_kv_block_used(c.kv), 0);
    vt_kv_release(c.kv);
    vt_model_release(c.m);
    vt_context_release(ctx);
    vt_context_release(hands);
}

/* Blocks of the cache come from the pool as the sequence grows, one for 16 tokens, and stay with it; nothing else is asked for while tokens
 * are drawn. */
static void a_drawn_token_costs_no_allocation(void **state) {
    torture t = {.fail_at = 0};
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx;
    vt_model *m;
    vt_sampler *sampler;
    const int32_t prompt[5] = {9, 8, 7, 6, 5};
    (void)state;
    o.alloc = torture_alloc;
    o.alloc_user = &t;
    o.n_threads = 2;
    assert_int_equal(vt_context_create(&o, &ctx), VT_OK);
    assert_int_equal(vt_model_open(ctx, craft_write(&(craft){.mixed = 1}), NULL, &m), VT_OK);
    vt_session *s = tiny_session(m, 0, NULL, NULL);
    assert_int_equal(vt_sampler_create(ctx, NULL, &sampler), VT_OK);
    assert_int_equal(vt_sampler_add_temperature(sampler, 0.9), VT_OK);
    for (int round = 0; round < 2; round++) {
        int32_t id;
        assert_int_equal(vt_session_trim(s, 0), VT_OK);
        assert_int_equal(vt_session_feed(s, prompt, 5), VT_OK);
        assert_int_equal(vt_session_next(s, sampler, &id), VT_OK);
        long before = t.calls;
        for (int i = 0; i < 100; i++) assert_int_equal(vt_session_next(s, sampler, &id), VT_OK);
        assert_int_equal(t.calls - before, round == 0 ? 6 : 0); /* 105 tokens computed: 7 blocks, one of them for the prompt */
    }
    vt_sampler_release(sampler);
    vt_session_release(s);
    vt_model_release(m);
    vt_context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drawn_token_costs_no_allocation),
        cmocka_unit_test(exact_logits_equal_the_reference), cmocka_unit_test(fast_logits_are_near_the_reference),
        cmocka_unit_test(cuts_and_threads_change_no_bit), cmocka_unit_test(chunks_of_a_long_prompt_change_no_bit),
        cmocka_unit_test(fast_mode_stays_near_exact_mode_for_every_type), cmocka_unit_test(scores_are_log_probabilities_of_the_logits),
        cmocka_unit_test(trim_and_feed_again_gives_the_same), cmocka_unit_test(drawn_token_is_computed_when_it_is_needed),
        cmocka_unit_test(too_long_and_wrong_ids_leave_the_session_as_it_was), cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(full_pool_is_a_limit_and_blocks_come_back), cmocka_unit_test(nan_logits_are_a_numeric_error),
        cmocka_unit_test(starved_call_can_be_repeated), cmocka_unit_test(own_tokens_may_be_fed_again),
        cmocka_unit_test(sessions_on_threads_share_model_and_pool),
    };
    return cmocka_run_group_tests(tests, NULL, craft_remove);
}
