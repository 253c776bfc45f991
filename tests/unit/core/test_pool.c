/* Thread pool: every chunk once, from any number of callers and threads, also nested; shares that depend on their arguments only. */
#define _DEFAULT_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/clock.h"
#include "core/context.h"
#include "core/pool.h"
#include "torture.h"

enum { MOST = 5000 };

static vt_context *make(int32_t n_threads) {
    vt_context *ctx = NULL;
    assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = n_threads}, &ctx), VT_OK);
    return ctx;
}

static void count_chunk(void *user, int64_t chunk) { atomic_fetch_add((atomic_int *)user + chunk, 1); }

static void check_all_once(vt_context *ctx, int64_t n) {
    static atomic_int counts[MOST];
    for (int64_t i = 0; i < n; i++) atomic_store(&counts[i], 0);
    vt__parallel(ctx, n, count_chunk, counts);
    for (int64_t i = 0; i < n; i++) assert_int_equal(atomic_load(&counts[i]), 1);
}

static void every_chunk_runs_exactly_once(void **state) {
    (void)state;
    for (int32_t threads = 1; threads <= 8; threads++) {
        vt_context *ctx = make(threads);
        assert_int_equal(vt__context_threads(ctx), threads);
        for (int64_t n = 0; n < 40; n++) check_all_once(ctx, n);
        check_all_once(ctx, MOST);
        vt__context_release(ctx);
    }
}

/* Many short jobs in a row: late workers of one job meet the next. */
static void add_chunk(void *user, int64_t chunk) { atomic_fetch_add((atomic_llong *)user, chunk + 1); }

static void short_jobs_in_a_row_do_not_mix(void **state) {
    (void)state;
    vt_context *ctx = make(4);
    for (int i = 0; i < 2000; i++) {
        atomic_llong sum = 0;
        int64_t n = 2 + i % 7;
        vt__parallel(ctx, n, add_chunk, &sum);
        assert_int_equal(sum, n * (n + 1) / 2);
    }
    vt__context_release(ctx);
}

typedef struct nested {
    vt_context *ctx;
    atomic_llong sum;
} nested;

static void outer_chunk(void *user, int64_t chunk) {
    nested *n = user;
    (void)chunk;
    vt__parallel(n->ctx, 10, add_chunk, &n->sum);
}

static void a_chunk_may_run_chunks(void **state) {
    (void)state;
    nested n = {.ctx = make(4)};
    vt__parallel(n.ctx, 50, outer_chunk, &n);
    assert_int_equal(n.sum, 50 * 55);
    vt__context_release(n.ctx);
}

static void *caller(void *arg) {
    vt_context *ctx = arg;
    for (int i = 0; i < 300; i++) {
        atomic_llong sum = 0;
        vt__parallel(ctx, 20, add_chunk, &sum);
        if (sum != 210) return arg;
    }
    return NULL;
}

static void many_callers_share_one_pool(void **state) {
    (void)state;
    vt_context *ctx = make(3);
    pthread_t threads[6];
    for (int i = 0; i < 6; i++) assert_int_equal(pthread_create(&threads[i], NULL, caller, ctx), 0);
    for (int i = 0; i < 6; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    vt__context_release(ctx);
}

static void workers_wake_after_they_slept(void **state) {
    (void)state;
    vt_context *ctx = make(4);
    for (int i = 0; i < 5; i++) {
        atomic_llong sum = 0;
        vt__parallel(ctx, 100, add_chunk, &sum);
        assert_int_equal(sum, 5050);
        /* Longer than the workers spin: work of the calling thread, no sleep. */
        for (volatile int j = 0; j < 2000000; j++) {
        }
    }
    vt__context_release(ctx);
}

typedef struct reduce {
    const float *x;
    double partial[64];
} reduce;

static void reduce_chunk(void *user, int64_t chunk) {
    reduce *r = user;
    int64_t first, last;
    vt__chunk_range(10007, 8, 64, chunk, &first, &last);
    double sum = 0;
    for (int64_t i = first; i < last; i++) sum += (double)r->x[i];
    r->partial[chunk] = sum;
}

/* The fixed cut into chunks and the fixed order of their sum are what makes a reduction repeatable. */
static void a_reduction_does_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    static float x[10007];
    double want = 0;
    for (unsigned i = 0; i < 10007; i++) x[i] = (float)((i * 2654435761u) % 1000) / 7.0f;
    for (int32_t threads = 1; threads <= 6; threads++) {
        vt_context *ctx = make(threads);
        for (int round = 0; round < 5; round++) {
            reduce r = {.x = x};
            double sum = 0;
            vt__parallel(ctx, 64, reduce_chunk, &r);
            for (int i = 0; i < 64; i++) sum += r.partial[i];
            if (threads == 1 && round == 0) want = sum;
            assert_true(sum == want);
        }
        vt__context_release(ctx);
    }
}

static void shares_cover_all_items_in_order(void **state) {
    (void)state;
    for (int64_t n = 0; n < 70; n++)
        for (int64_t grain = 1; grain < 20; grain += 3)
            for (int64_t chunks = 1; chunks < 12; chunks++) {
                int64_t at = 0;
                for (int64_t i = 0; i < chunks; i++) {
                    int64_t first, last;
                    vt__chunk_range(n, grain, chunks, i, &first, &last);
                    assert_int_equal(first, at);
                    assert_true(last >= first && (last % grain == 0 || last == n));
                    at = last;
                }
                assert_int_equal(at, n);
            }
}

static void wait_well(pid_t child) {
    int how = -1;
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

/* What a forked child does; 0 when all went well. A deadlock ends by the alarm. */
static int use_and_release(vt_context *ctx) {
    alarm(20);
    (void)signal(SIGSEGV, SIG_DFL); /* not the handler of the test program, which would go on with the next test */
    atomic_llong sum = 0;
    for (int i = 0; i < 3; i++) vt__parallel(ctx, 100, add_chunk, &sum);
    vt__context_release(ctx);
    return sum == 3 * 5050 ? 0 : 1;
}

static void a_forked_child_works_alone_and_releases(void **state) {
    (void)state;
    vt_context *ctx = make(4);
    for (int round = 0; round < 20; round++) {
        check_all_once(ctx, 100); /* workers that spin now and, in some rounds, sleep */
        if (round % 4 == 0) usleep(2000);
        pid_t child = fork();
        if (child == 0) _exit(use_and_release(ctx));
        wait_well(child);
        check_all_once(ctx, 100);
    }
    vt__context_release(ctx);
}

typedef struct forking {
    vt_context *ctx;
    pid_t child;
} forking;

static void fork_in_chunk_7(void *user, int64_t chunk) {
    forking *f = user;
    if (chunk != 7) return;
    f->child = fork();
    if (f->child == 0) _exit(use_and_release(f->ctx));
}

static void a_child_forked_amid_work_finds_no_lock_in_its_way(void **state) {
    (void)state;
    forking f = {.ctx = make(4)};
    for (int round = 0; round < 10; round++) {
        vt__parallel(f.ctx, 20, fork_in_chunk_7, &f);
        wait_well(f.child);
    }
    vt__context_release(f.ctx);
}

static void creation_survives_every_failed_allocation(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_context *ctx = (vt_context *)(void *)&t;
            vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = &t, .n_threads = 4}, &ctx);
            if (st == VT_OK) {
                check_all_once(ctx, 100);
                vt__context_release(ctx);
            } else {
                assert_int_equal(st, VT_ERR_NOMEM);
                assert_null(ctx);
            }
            assert_int_equal(t.live, 0);
            if (t.calls < k) break;
        }
}

/* A worker that is sent away in the middle of a chunk, played by one that takes 2 ms: from then on the caller works alone for a while, and
 * a region that turns out long is shared again. Whatever the pool does, every chunk runs once. */
typedef struct slow_job {
    pthread_t caller;
    atomic_int counts[400];
    int64_t worker_ns, chunk_ns; /* how long a chunk takes */
} slow_job;

static void spend(int64_t ns) {
    for (int64_t end = vt__clock_ns() + ns; vt__clock_ns() < end;) continue;
}

static void slow_chunk(void *user, int64_t chunk) {
    slow_job *j = user;
    spend(pthread_equal(pthread_self(), j->caller) ? j->chunk_ns : j->chunk_ns + j->worker_ns);
    atomic_fetch_add(&j->counts[chunk], 1);
}

static void run_slow(vt_context *ctx, slow_job *j, int64_t n, int64_t worker_ns, int64_t chunk_ns) {
    j->worker_ns = worker_ns;
    j->chunk_ns = chunk_ns;
    for (int64_t i = 0; i < n; i++) atomic_store(&j->counts[i], 0);
    vt__parallel(ctx, n, slow_chunk, j);
    for (int64_t i = 0; i < n; i++) assert_int_equal(atomic_load(&j->counts[i]), 1);
}

static void a_worker_that_loses_its_core_loses_no_chunk(void **state) {
    (void)state;
    vt_context *ctx = make(3);
    static slow_job j;
    j.caller = pthread_self();
    for (int round = 0; round < 5; round++) {
        run_slow(ctx, &j, 8, 2000000, 1000);
        for (int i = 0; i < 50; i++) run_slow(ctx, &j, 1 + i % 9, 0, 500);
        run_slow(ctx, &j, 400, 0, 5000); /* begun alone, ended together */
    }
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chunk_runs_exactly_once),
        cmocka_unit_test(short_jobs_in_a_row_do_not_mix),
        cmocka_unit_test(a_chunk_may_run_chunks),
        cmocka_unit_test(many_callers_share_one_pool),
        cmocka_unit_test(workers_wake_after_they_slept),
        cmocka_unit_test(a_reduction_does_not_depend_on_the_number_of_threads),
        cmocka_unit_test(shares_cover_all_items_in_order),
        cmocka_unit_test(a_forked_child_works_alone_and_releases),
        cmocka_unit_test(a_child_forked_amid_work_finds_no_lock_in_its_way),
        cmocka_unit_test(a_worker_that_loses_its_core_loses_no_chunk),
        cmocka_unit_test(creation_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
