/* FastCLARANS: reference traces, local optima, one medoid, infinities, weights, threads, cancelling, allocation failures. */
#include "scatter.h"

enum { N = 60 };

#define CLARANS(method_, k_, restarts, rate_, seed_)                                                                                                   \
    {.method = (method_), .init = VT__INIT_RANDOM, .k = (k_), .n_local = (restarts), .rate = (rate_), .seed = (seed_), .watch = {.what = "cluster"}}

static vt__cluster_params clarans(int64_t k, int64_t n_local, double rate, uint64_t seed) {
    return (vt__cluster_params)CLARANS(VT__CLUSTER_FASTCLARANS, k, n_local, rate, seed);
}

/* Draws and swaps are those of all restarts. */
static void results_are_those_of_the_reference(void **state) {
    (void)state;
    static const trace traces[] = {
        {"one restart", CLARANS(VT__CLUSTER_FASTCLARANS, 3, 1, 0.1, 5), {23, 59, 36}, 1752, 12, 4},
        {"the second is better", CLARANS(VT__CLUSTER_FASTERCLARANS, 3, 2, 0.1, 5), {32, 17, 42}, 1672, 12 + 26, 4 + 10},
        {"the third is worse", CLARANS(VT__CLUSTER_FASTCLARANS, 3, 3, 0.1, 5), {32, 17, 42}, 1672, 12 + 26 + 9, 4 + 10 + 2},
        {"six clusters", CLARANS(VT__CLUSTER_FASTERCLARANS, 6, 1, 0.2, 9), {46, 59, 23, 17, 38, 33}, 1114, 30, 10},
        {"six clusters, two restarts", CLARANS(VT__CLUSTER_FASTCLARANS, 6, 2, 0.2, 9), {3, 23, 24, 29, 39, 55}, 1046, 30 + 47, 10 + 13},
    };
    assert_traces(traces, COUNT(traces));
}

/* With rate 1 every other object has failed before a restart ends, one medoid included. */
static void a_rate_of_one_ends_in_a_local_optimum(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    problem p = make_scatter(VT__DISTANCE_I32, N);
    for (int64_t k = 1; k < 5; k++) {
        vt__cluster_params params = clarans(k, 2, 1, 8);
        vt_clustering *c = cluster(ctx, &p, &params);
        assert_assigned(&p, c);
        assert_local_optimum(&p, c);
        vt__clustering_release(c);
    }
    free_problem(&p);
    vt__context_release(ctx);
}

static vt_status count_calls(void *user, int64_t i, int64_t j, double *out) {
    ++*(int64_t *)user;
    *out = (double)(i > j ? i - j : j - i);
    return VT_OK;
}

/* However long nothing is found: every draw that is counted was judged by a column of its own. */
static void draws_are_judged_to_the_last(void **state) {
    (void)state;
    enum { MANY = 4200 };
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = NULL;
    vt_clustering *c = NULL;
    int64_t n_calls = 0;
    vt__cluster_params params = clarans(1, 1, 1, 3);
    assert_int_equal(vt__distance_from_callback(ctx, MANY, count_calls, &n_calls, 0, 0, 0, &d), VT_OK);
    assert_int_equal(vt__cluster_kmedoids(d, &params, &c), VT_OK);
    assert_true(vt__clustering_parts_of(c)->n_iter >= MANY - 1);
    assert_true(n_calls >= vt__clustering_parts_of(c)->n_iter * (MANY - 1));
    assert_in_range(vt__clustering_parts_of(c)->medoids[0], MANY / 2 - 1, MANY / 2);
    vt__clustering_release(c);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void all_objects_as_medoids_need_no_draw(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int64_t n = 1; n < 8; n += 3) {
        problem p = make_scatter(VT__DISTANCE_F32, n);
        vt__cluster_params params = clarans(n, 2, 0.025, 1);
        vt_clustering *c = cluster(ctx, &p, &params);
        assert_true(vt__clustering_parts_of(c)->loss == 0);
        assert_int_equal(vt__clustering_parts_of(c)->n_iter, 0);
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void weights_count_objects_so_many_times(void **state) {
    (void)state;
    for (int64_t k = 1; k < 6; k += 2) assert_weights_count(clarans(k, 2, 0.3, 2));
}

static void unreachable_objects_come_first(void **state) {
    (void)state;
    assert_unreachable_first(clarans(0, 2, 1, 4), VT__DISTANCE_F32);
    assert_unreachable_first(clarans(0, 2, 1, 4), VT__DISTANCE_F64);
}

/* Equal objects: nothing improves, and nothing goes round for ever. */
static void duplicates_end(void **state) {
    (void)state;
    vt_context *ctx = new_context(3, NULL);
    problem p = {VT__DISTANCE_F64, N, calloc(N * N, 8), calloc(N * N, 8)};
    vt__cluster_params params = clarans(4, 3, 1, 4);
    vt_clustering *c = cluster(ctx, &p, &params);
    assert_true(vt__clustering_parts_of(c)->loss == 0);
    assert_int_equal(vt__clustering_parts_of(c)->n_swap, 0);
    assert_int_equal(vt__clustering_parts_of(c)->n_iter, 3 * (N - 4));
    vt__clustering_release(c);
    free_problem(&p);
    vt__context_release(ctx);
}

static void threads_do_not_show(void **state) {
    (void)state;
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
        for (int64_t range = 5; range < 2000; range *= 20) {
            problem p = make_problem(type, 150, 0, range, 17);
            vt__cluster_params params = clarans(range == 5 ? 1 : 6, 2, 0.5, 6);
            assert_any_threads(&p, &params);
            free_problem(&p);
        }
    }
}

static void cancelling_leaves_nothing(void **state) {
    (void)state;
    problem p = make_scatter(VT__DISTANCE_F32, N);
    assert_cancels(&p, clarans(3, 2, 0.1, 1));
    free_problem(&p);
}

static void failing_allocations_are_survived(void **state) {
    (void)state;
    for (int64_t k = 1; k < 4; k += 2) {
        vt__cluster_params params = clarans(k, 2, 0.1, 1);
        assert_survives(kmedoids_scenario, &params);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_the_reference), cmocka_unit_test(a_rate_of_one_ends_in_a_local_optimum),
        cmocka_unit_test(draws_are_judged_to_the_last),
        cmocka_unit_test(all_objects_as_medoids_need_no_draw), cmocka_unit_test(weights_count_objects_so_many_times),
        cmocka_unit_test(unreachable_objects_come_first),     cmocka_unit_test(duplicates_end),
        cmocka_unit_test(threads_do_not_show),                cmocka_unit_test(cancelling_leaves_nothing),
        cmocka_unit_test(failing_allocations_are_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
