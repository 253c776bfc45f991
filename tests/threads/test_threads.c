/* Handles that many threads share, as the headers promise: sessions on one model and pool, searches on one index, clusterings of one distance,
 * scripts in one context, a token raised from outside. Every thread must find what one thread alone finds. Linked as a host is, with the shared library. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cluster_cases.h"
#include "venturi.h"

enum { THREADS = 4, ROUNDS = 3, TOKENS = 6 };

typedef struct job {
    vt_context *ctx;
    vt_model *model;
    vt_kv *kv;
    vt_index *index;
    vt_distance *distance;
    vt_cancel *cancel;
    char answer[512];
} job;

/* Runs fn on THREADS threads at once; all answers must be the one that this thread finds alone. */
static void check_all_agree(void *(*fn)(void *), const job *shared) {
    pthread_t threads[THREADS];
    job jobs[THREADS], alone = *shared;
    (void)fn(&alone);
    assert_true(alone.answer[0] != '\0');
    for (int i = 0; i < THREADS; i++) {
        jobs[i] = *shared;
        assert_int_equal(pthread_create(&threads[i], NULL, fn, &jobs[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_string_equal(jobs[i].answer, alone.answer);
    }
}

static vt_context *make_context(int32_t n_threads) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx;
    o.n_threads = n_threads;
    assert_int_equal(vt_context_create(&o, &ctx), VT_OK);
    return ctx;
}

static vt_model *open_model(vt_context *ctx) {
    const char *golden = getenv("VT_GOLDEN");
    char path[512];
    vt_model *model;
    (void)snprintf(path, sizeof path, "%s/tiny_llama_q8.gguf", golden ? golden : "tests/golden");
    assert_int_equal(vt_model_open(ctx, path, NULL, &model), VT_OK);
    return model;
}

static void *decode(void *arg) {
    static const int32_t ids[] = {31, 34, 49, 60, 5, 11, 53, 60, 18, 22, 56, 28};
    job *j = arg;
    for (int round = 0; round < ROUNDS; round++) {
        vt_session_options so = VT_STRUCT_INIT(vt_session_options);
        vt_session *session = NULL;
        vt_sampler *greedy = NULL;
        size_t used = 0;
        so.kv = j->kv;
        so.n_ctx = 32;
        vt_status st = vt_session_create(j->model, &so, &session);
        if (st == VT_OK) st = vt_sampler_create(j->ctx, NULL, &greedy);
        if (st == VT_OK) st = vt_session_feed(session, ids, 12);
        for (int i = 0; st == VT_OK && i < TOKENS; i++) {
            int32_t id = 0;
            st = vt_session_next(session, greedy, &id);
            used += (size_t)snprintf(j->answer + used, sizeof j->answer - used, "%d ", (int)id);
        }
        if (st != VT_OK) (void)snprintf(j->answer, sizeof j->answer, "%s", vt_error_message());
        vt_sampler_release(greedy);
        vt_session_release(session);
    }
    return NULL;
}

static void sessions_share_a_model_and_a_pool(void **state) {
    (void)state;
    job j = {.ctx = make_context(3)};
    vt_kv_options ko = VT_STRUCT_INIT(vt_kv_options);
    ko.n_tokens = 32 * (THREADS + 1);
    j.model = open_model(j.ctx);
    assert_int_equal(vt_kv_create(j.model, &ko, &j.kv), VT_OK);
    check_all_agree(decode, &j);
    assert_int_equal(vt_kv_block_used(j.kv), 0);
    vt_kv_release(j.kv);
    vt_model_release(j.model);
    vt_context_release(j.ctx);
}

static void *search(void *arg) {
    static const char *const queries[] = {"brown fox", "lazy", "dogs and foxes", "nothing of it"};
    job *j = arg;
    for (int round = 0; round < ROUNDS; round++) {
        size_t used = 0;
        for (size_t q = 0; q < sizeof queries / sizeof *queries; q++) {
            vt_hits *hits = NULL;
            if (vt_index_search(j->index, queries[q], strlen(queries[q]), NULL, &hits) != VT_OK) return NULL;
            for (int64_t i = 0; i < vt_hits_count(hits); i++) {
                vt_hit h = VT_STRUCT_INIT(vt_hit);
                if (vt_hits_get(hits, i, &h) == VT_OK)
                    used += (size_t)snprintf(j->answer + used, sizeof j->answer - used, "%lld:%.6f ", (long long)h.id, h.score);
            }
            vt_hits_release(hits);
        }
    }
    return NULL;
}

static void searches_share_an_index(void **state) {
    (void)state;
    static const char *const texts[] = {"the quick brown fox", "a lazy dog sleeps", "foxes and dogs", "brown dogs are lazy", "the end"};
    job j = {.ctx = make_context(2)};
    assert_int_equal(vt_index_open(j.ctx, NULL, NULL, &j.index), VT_OK);
    assert_int_equal(vt_index_put_source(j.index, "s", 1), VT_OK);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        vt_passage p = VT_STRUCT_INIT(vt_passage);
        p.text = texts[i];
        p.text_len = strlen(texts[i]);
        assert_int_equal(vt_index_add(j.index, "s", &p), VT_OK);
    }
    assert_int_equal(vt_index_commit(j.index), VT_OK);
    check_all_agree(search, &j);
    vt_index_release(j.index);
    vt_context_release(j.ctx);
}

/* Another method each round, and what is asked of its result, beside reading the distance itself. */
static void *cluster(void *arg) {
    static const int32_t methods[ROUNDS] = {VT_CLUSTER_FASTERPAM, VT_CLUSTER_DYNMSC, VT_CLUSTER_FASTERCLARA};
    job *j = arg;
    size_t used = 0;
    for (int round = 0; round < ROUNDS; round++) {
        vt_cluster_options o = VT_STRUCT_INIT(vt_cluster_options);
        vt_clustering_info info = VT_STRUCT_INIT(vt_clustering_info);
        vt_clustering *c = NULL;
        double mean = 0;
        o.method = methods[round];
        o.k = 6;
        vt_status st = vt_cluster_kmedoids(j->distance, &o, &c);
        if (st == VT_OK) st = vt_clustering_get_info(c, &info);
        if (st == VT_OK) st = vt_silhouette(j->distance, vt_clustering_labels(c), info.k, NULL, NULL, &mean);
        if (st == VT_OK) used += (size_t)snprintf(j->answer + used, sizeof j->answer - used, "%lld:%.17g:%.17g ", (long long)info.n_swap, info.loss, mean);
        else (void)snprintf(j->answer, sizeof j->answer, "%s", vt_error_message());
        vt_clustering_release(c);
    }
    return NULL;
}

static void clusterings_share_a_distance(void **state) {
    (void)state;
    static const int kinds[] = {MATRIX_F32, MATRIX_I64, TRIANGLE_F64, ROWS_L2, BITS_HAMMING, CSR_L2, CALLBACK_SAFE, CALLBACK};
    objects o = objects_make(1, 150, 1000, 1);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        job j = {.ctx = make_context(3)};
        assert_int_equal(open_kind(j.ctx, &o, kinds[i], &j.distance), VT_OK);
        check_all_agree(cluster, &j);
        vt_distance_release(j.distance);
        vt_context_release(j.ctx);
    }
    objects_free(&o);
}

static void *run_script(void *arg) {
    static const char text[] = "function f() local t = {} for i = 1, 200 do t[i] = tostring(i * i) end return #table.concat(t) end";
    job *j = arg;
    for (int round = 0; round < ROUNDS; round++) {
        vt_script *s = NULL;
        vt_buffer *out = NULL;
        vt_status st = vt_script_create(j->ctx, NULL, &s);
        if (st == VT_OK) st = vt_script_load(s, "t", text, sizeof text - 1);
        if (st == VT_OK) st = vt_script_call(s, "f", NULL, 0, &out);
        const unsigned char *b = vt_buffer_data(out);
        if (st == VT_OK) (void)snprintf(j->answer, sizeof j->answer, "%zu bytes, %02x %02x", vt_buffer_size(out), b[0], b[1]);
        else (void)snprintf(j->answer, sizeof j->answer, "%s", vt_error_message());
        vt_buffer_release(out);
        vt_script_release(s);
    }
    return NULL;
}

static void scripts_run_side_by_side(void **state) {
    (void)state;
    job j = {.ctx = make_context(2)};
    check_all_agree(run_script, &j);
    vt_context_release(j.ctx);
}

static void *raise_token(void *arg) {
    vt_cancel_raise(((job *)arg)->cancel);
    return NULL;
}

/* Feeds until the token stops it; the session is then as before the call that it stopped. */
static void a_token_stops_work_on_another_thread(void **state) {
    (void)state;
    static const int32_t ids[] = {1, 2, 3, 4, 5, 6, 7, 8};
    job j = {.ctx = make_context(2)};
    vt_session_options so = VT_STRUCT_INIT(vt_session_options);
    vt_session *session;
    pthread_t thread;
    vt_status st = VT_OK;
    int64_t before = 0;

    j.model = open_model(j.ctx);
    assert_int_equal(vt_cancel_create(j.ctx, &j.cancel), VT_OK);
    so.cancel = j.cancel;
    assert_int_equal(vt_session_create(j.model, &so, &session), VT_OK);
    assert_int_equal(pthread_create(&thread, NULL, raise_token, &j), 0);
    while (st == VT_OK) {
        if (vt_session_count(session) + 8 > 64) assert_int_equal(vt_session_trim(session, 0), VT_OK);
        before = vt_session_count(session);
        st = vt_session_feed(session, ids, 8);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(st, VT_ERR_CANCELLED);
    assert_int_equal(vt_session_count(session), before);
    vt_session_release(session);
    vt_cancel_release(j.cancel);
    vt_model_release(j.model);
    vt_context_release(j.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sessions_share_a_model_and_a_pool),
        cmocka_unit_test(searches_share_an_index),
        cmocka_unit_test(clusterings_share_a_distance),
        cmocka_unit_test(scripts_run_side_by_side),
        cmocka_unit_test(a_token_stops_work_on_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
