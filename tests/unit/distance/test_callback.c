/* Functions as distances: what is asked, on which thread, and what stops the work. */
#include "measure.h"

#include <pthread.h>
#include <stdatomic.h>

enum { N = 70 };

typedef struct world {
    atomic_int calls, wrong_way, same, foreign_thread;
    pthread_t caller;
    int symmetric, serial;
    int64_t bad_i, bad_j;
    double bad; /* for the pair bad_i, bad_j */
    vt_status status;
} world;

static double value(const world *w, int64_t i, int64_t j) {
    if (i == j) return 0.0;
    return w->symmetric ? (double)((i + j) * 7 % 31) + 0.25 : (double)((i * 3 + j * 5) % 37) - 2.5;
}

static vt_status ask(void *user, int64_t i, int64_t j, double *out) {
    world *w = user;
    atomic_fetch_add(&w->calls, 1);
    if (i == j) atomic_fetch_add(&w->same, 1);
    if (w->symmetric && i < j) atomic_fetch_add(&w->wrong_way, 1);
    if (!pthread_equal(pthread_self(), w->caller)) atomic_fetch_add(&w->foreign_thread, 1);
    if (i == w->bad_i && j == w->bad_j) {
        *out = w->bad;
        return w->status;
    }
    *out = value(w, i, j);
    return VT_OK;
}

static world new_world(int symmetric, int serial) {
    return (world){.symmetric = symmetric, .serial = serial, .caller = pthread_self(), .bad_i = -1, .bad_j = -1};
}

static void functions_give_their_values(void **state) {
    double want[N * N];
    (void)state;
    vt_context *ctx = new_context(3, NULL);
    for (int flags = 0; flags < 8; flags++) {
        int symmetric = flags & 1, safe = (flags & 2) != 0, store = (flags & 4) != 0;
        world w = new_world(symmetric, !safe);
        vt_distance *d = NULL;
        for (int64_t i = 0; i < N * N; i++) want[i] = value(&w, i / N, i % N);
        assert_int_equal(vt__distance_from_callback(ctx, N, ask, &w, symmetric, safe, store, &d), VT_OK);
        if (store) assert_int_equal(w.calls, symmetric ? N * (N - 1) / 2 : N * (N - 1));
        check_distance(d, want, 0.0);
        assert_int_equal(w.same, 0);
        assert_int_equal(w.wrong_way, 0);
        if (!safe) assert_int_equal(w.foreign_thread, 0);
        assert_true(store ? vt__distance_bound(d) > 30.0 : vt__distance_bound(d) == 0.0);
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

static void failures_stop_the_work_and_travel(void **state) {
    static const struct {
        double bad;
        vt_status status, want, want_stored;
    } cases[] = {{0.0, VT_ERR_IO, VT_ERR_IO, VT_ERR_IO},
                 {0.0, VT_ERR_CANCELLED, VT_ERR_CANCELLED, VT_ERR_CANCELLED},
                 {(double)NAN, VT_OK, VT_ERR_NUMERIC, VT_ERR_NUMERIC},
                 {1.7e308, VT_OK, VT_ERR_NUMERIC, VT_ERR_NUMERIC}, /* sums over all objects overflow */
                 {(double)-INFINITY, VT_OK, VT_ERR_NUMERIC, VT_ERR_NUMERIC},
                 {(double)INFINITY, VT_OK, VT_ERR_NUMERIC, VT_OK}};
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int serial = 0; serial < 2; serial++) {
            world w = new_world(0, serial);
            vt_distance *d = NULL;
            vt__window window;
            const int64_t objects[] = {3, 9};
            double out[N * N];
            w.bad_i = 5, w.bad_j = 9, w.bad = cases[i].bad, w.status = cases[i].status;
            assert_int_equal(vt__distance_from_callback(ctx, N, ask, &w, 0, !serial, 0, &d), VT_OK);
            assert_int_equal(vt__window_init(&window, d, 2), VT_OK);
            assert_int_equal(vt__window_load(&window, objects, 1), VT_OK);
            assert_int_equal(vt__window_load(&window, objects, 2), cases[i].want);
            assert_non_null(strstr(vt__error_message(), "objects 5 and 9"));
            assert_int_equal(vt__distance_compute(d, NULL, N, NULL, N, NULL, out), cases[i].want);
            assert_int_equal(vt__window_load_rows(&window, objects, 2), VT_OK);
            vt__window_free(&window);
            vt__distance_release(d);
            assert_int_equal(vt__distance_from_callback(ctx, N, ask, &w, 0, !serial, 1, &d), cases[i].want_stored);
            if (d) assert_true(vt__distance_far(d) > 0.0);
            vt__distance_release(d);
        }
    vt__context_release(ctx);
}

static void one_object_is_never_asked_for(void **state) {
    world w = new_world(0, 1);
    const double zero = 0.0;
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int store = 0; store < 2; store++) {
        vt_distance *d = NULL;
        assert_int_equal(vt__distance_from_callback(ctx, 1, ask, &w, 0, 0, store, &d), VT_OK);
        check_distance(d, &zero, 0.0);
        vt__distance_release(d);
    }
    assert_int_equal(w.calls, 0);
    vt__context_release(ctx);
}

static vt_status make(vt_context *ctx, const void *how, vt_distance **out) {
    static world w;
    w = new_world(0, 1);
    return vt__distance_from_callback(ctx, 5, ask, &w, 0, 0, *(const int *)how, out);
}

static void no_allocation_that_fails_leaks(void **state) {
    (void)state;
    for (int store = 0; store < 2; store++) check_torture(make, &store);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(functions_give_their_values), cmocka_unit_test(failures_stop_the_work_and_travel),
                                       cmocka_unit_test(one_object_is_never_asked_for), cmocka_unit_test(no_allocation_that_fails_leaks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
