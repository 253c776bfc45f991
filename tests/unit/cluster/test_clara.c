/* FasterCLARA: reference traces, given medoids, infinities, weights, threads, cancelling, allocation failures. */
#include "scatter.h"

enum { N = 60 };

#define CLARA(k_, size, samples, seed_)                                                                                                                \
    {.method = VT__CLUSTER_FASTERCLARA, .init = VT__INIT_LAB, .k = (k_), .max_iter = 100, .sample_size = (size), .n_samples = (samples), .seed = (seed_), .watch = {.what = "cluster"}}

static vt__cluster_params clara(int64_t k, int64_t sample_size, int64_t n_samples, uint64_t seed) {
    return (vt__cluster_params)CLARA(k, sample_size, n_samples, seed);
}

static void results_are_those_of_the_reference(void **state) {
    (void)state;
    static const trace traces[] = {
        {"one sample", CLARA(3, 14, 1, 5), {34, 53, 8}, 1792, 1, 0},
        {"the second is better", CLARA(3, 14, 2, 5), {42, 34, 24}, 1705, 2, 1},
        {"the third is worse", CLARA(3, 14, 3, 5), {42, 34, 24}, 1705, 2, 1},
        {"all four", CLARA(3, 14, 4, 5), {42, 34, 24}, 1705, 2, 1},
        {"six clusters", CLARA(6, 20, 1, 9), {54, 25, 48, 17, 19, 21}, 1236, 3, 6},
        {"six clusters, two samples", CLARA(6, 20, 2, 9), {10, 3, 54, 16, 17, 23}, 1136, 2, 3},
        {"six clusters, five samples", CLARA(6, 20, 5, 9), {10, 3, 54, 16, 17, 23}, 1136, 2, 3},
    };
    assert_traces(traces, COUNT(traces));
}

/* A sample of everything is FasterPAM itself. */
static void a_sample_of_all_objects_is_a_local_optimum(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_scatter(VT__DISTANCE_I32, N);
    vt__cluster_params params = clara(4, 1000, 1, 3);
    vt_clustering *c = cluster(ctx, &p, &params);
    assert_local_optimum(&p, c);
    vt__clustering_release(c);
    free_problem(&p);
    vt__context_release(ctx);
}

static void given_medoids_are_never_made_worse(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_scatter(VT__DISTANCE_I64, N);
    for (uint64_t seed = 0; seed < 30; seed++) {
        vt__cluster_params params = clara(3, 10, 2, seed);
        const int64_t good[3] = {32, 17, 42}, poor[3] = {0, 1, 2};
        params.init = VT__INIT_GIVEN;
        params.medoids = seed % 2 ? good : poor;
        vt_clustering *c = cluster(ctx, &p, &params);
        assert_true(vt__clustering_parts_of(c)->loss <= loss_of(&p, params.medoids, 3, NULL));
        assert_assigned(&p, c);
        vt__clustering_release(c);
    }
    free_problem(&p);
    vt__context_release(ctx);
}

static void every_init_and_order_works(void **state) {
    (void)state;
    problem p = make_scatter(VT__DISTANCE_F32, N);
    for (int32_t init = VT__INIT_LAB; init < VT__N_INITS; init++) {
        vt__cluster_params params = clara(4, 20, 3, 11);
        params.init = init;
        params.shuffle = init % 2;
        assert_any_threads(&p, &params);
    }
    free_problem(&p);
}

/* Sizes that leave nothing to choose. */
static void small_cases_are_whole(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_scatter(VT__DISTANCE_F64, 9);
    vt__cluster_params params = clara(9, 116, 5, 1);
    vt_clustering *c = cluster(ctx, &p, &params);
    assert_true(vt__clustering_parts_of(c)->loss == 0 && vt__clustering_parts_of(c)->k == 9);
    vt__clustering_release(c);
    params = clara(1, 5, 5, 1);
    c = cluster(ctx, &p, &params);
    assert_true(loss_of(&p, vt__clustering_parts_of(c)->medoids, 1, NULL) == vt__clustering_parts_of(c)->loss);
    vt__clustering_release(c);
    free_problem(&p);
    problem single = make_scatter(VT__DISTANCE_I32, 1);
    params = clara(1, 84, 5, 1);
    c = cluster(ctx, &single, &params);
    assert_true(vt__clustering_parts_of(c)->loss == 0);
    vt__clustering_release(c);
    free_problem(&single);
    vt__context_release(ctx);
}

static void weights_count_objects_so_many_times(void **state) {
    (void)state;
    assert_weights_count(clara(4, 20, 5, 2));
}

static void unreachable_objects_come_first(void **state) {
    (void)state;
    assert_unreachable_first(clara(0, 30, 5, 4), VT__DISTANCE_F32);
    assert_unreachable_first(clara(0, 30, 5, 4), VT__DISTANCE_F64);
}

static void threads_do_not_show(void **state) {
    (void)state;
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
        problem p = make_problem(type, 90, 0, 1000, 17);
        vt__cluster_params params = clara(5, 40, 4, 6);
        assert_any_threads(&p, &params);
        free_problem(&p);
    }
}

static void cancelling_leaves_nothing(void **state) {
    (void)state;
    problem p = make_scatter(VT__DISTANCE_F32, N);
    assert_cancels(&p, clara(3, 20, 5, 1));
    free_problem(&p);
}

static void failing_allocations_are_survived(void **state) {
    (void)state;
    const int64_t given[3] = {1, 2, 3};
    double weights[N];
    vt__cluster_params params = clara(3, 20, 2, 1);
    for (int64_t i = 0; i < N; i++) weights[i] = (double)(i % 3);
    params.weights = weights;
    assert_survives(kmedoids_scenario, &params);
    params.init = VT__INIT_GIVEN;
    params.medoids = given;
    assert_survives(kmedoids_scenario, &params);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_are_those_of_the_reference), cmocka_unit_test(a_sample_of_all_objects_is_a_local_optimum),
        cmocka_unit_test(given_medoids_are_never_made_worse), cmocka_unit_test(every_init_and_order_works),
        cmocka_unit_test(small_cases_are_whole),              cmocka_unit_test(weights_count_objects_so_many_times),
        cmocka_unit_test(unreachable_objects_come_first),     cmocka_unit_test(threads_do_not_show),
        cmocka_unit_test(cancelling_leaves_nothing),          cmocka_unit_test(failing_allocations_are_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
