/* DynMSC: a curve whose values belong to sets of medoids, the best of them, and the same result from any number of threads. */
#include "checks.h"
#include "silhouette_of.h"

static vt__cluster_params from_to(int64_t k, int64_t k_min, int shuffle) {
    vt__cluster_params params = params_of(VT__CLUSTER_DYNMSC, VT__INIT_FIRST, k);
    params.k_min = k_min;
    params.shuffle = shuffle;
    params.seed = 5;
    return params;
}

static vt_clustering *descend(vt_context *ctx, const problem *p, int64_t k, int64_t k_min, int shuffle) {
    vt__cluster_params params = from_to(k, k_min, shuffle);
    return cluster(ctx, p, &params);
}

static void the_best_of_the_curve_is_kept(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (int seed = 1; seed <= 100; seed++) {
        uint64_t s = (uint64_t)seed;
        int64_t n = 3 + next_below(&s, 50), k = 2 + next_below(&s, n - 1 < 11 ? n - 1 : 11), k_min = 2 + next_below(&s, k - 1);
        problem p = make_problem(seed % 4, n, seed % 3 > 0, seed % 5 ? 900 : 3, (uint64_t)seed);
        vt_clustering *c = descend(ctx, &p, k, k_min, seed % 2);
        const vt__clustering_parts *r = vt__clustering_parts_of(c);
        assert_true(r->n_curve == k - k_min + 1 && r->k_min == k_min && r->k >= k_min && r->k <= k);
        assert_true(r->n_iter >= r->n_curve);
        for (int64_t i = 0; i < r->n_curve; i++) assert_true(r->curve[i] <= r->silhouette);
        assert_true(r->curve[r->k - k_min] == r->silhouette);
        assert_near(r->silhouette, medoid_silhouette_of(&p, r->medoids, r->k), 1e-12, seed, 0);
        assert_labels_are_nearest(&p, r);
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

/* From one k to the next only FasterMSC and one dropped medoid: a curve that goes further down begins the same. */
static void curves_agree_where_they_overlap(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int seed = 1; seed <= 20; seed++) {
        problem p = make_problem(seed % 4, 40, 1, 900, (uint64_t)seed);
        vt_clustering *all = descend(ctx, &p, 9, 2, 0);
        for (int64_t k_min = 3; k_min <= 9; k_min++) {
            vt_clustering *some = descend(ctx, &p, 9, k_min, 0);
            assert_memory_equal(vt__clustering_parts_of(some)->curve, vt__clustering_parts_of(all)->curve + k_min - 2, (size_t)(10 - k_min) * sizeof(double));
            vt__clustering_release(some);
        }
        vt__cluster_params params = params_of(VT__CLUSTER_FASTERMSC, VT__INIT_FIRST, 9);
        vt_clustering *top = cluster(ctx, &p, &params);
        assert_true(vt__clustering_parts_of(top)->silhouette == vt__clustering_parts_of(all)->curve[7]);
        vt__clustering_release(top);
        vt__clustering_release(all);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void clusters_that_are_there_are_counted(void **state) {
    enum { N = 60, GROUPS = 4 };
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    problem p = make_problem(VT__DISTANCE_F32, N, 1, 900, 3);
    for (int64_t i = 0; i < N * N; i++)
        if (i / N % GROUPS != i % N % GROUPS) p.d[i] += 20000;
    store(&p);
    vt_clustering *c = descend(ctx, &p, 10, 2, 0);
    assert_int_equal(vt__clustering_parts_of(c)->k, GROUPS);
    vt__clustering_release(c);
    free_problem(&p);
    vt__context_release(ctx);
}

static void infinities_and_duplicates_are_fine(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (int seed = 1; seed <= 40; seed++) {
        problem p = make_problem(seed % 2, 30, 1, seed % 3 ? 900 : 2, (uint64_t)seed);
        for (int64_t i = 0; i < 30 * 30; i++)
            if (i / 30 % 3 != i % 30 % 3) p.d[i] = (double)INFINITY;
        store(&p);
        vt_clustering *c = descend(ctx, &p, 8, 2, 0);
        const vt__clustering_parts *r = vt__clustering_parts_of(c);
        assert_near(r->silhouette, medoid_silhouette_of(&p, r->medoids, r->k), 1e-12, seed, 0);
        for (int64_t i = 0; i < r->n_curve; i++) assert_true(isfinite(r->curve[i]));
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void threads_do_not_show(void **state) {
    (void)state;
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
        problem p = make_problem(type, 120, 1, 1000, 5);
        vt__cluster_params params = from_to(12, 2, type % 2);
        assert_threads_do_not_show(&p, &params);
        free_problem(&p);
    }
}

/* BUILD can come back with fewer medoids than the smallest k. */
static void too_few_medoids_are_refused(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem same = make_problem(VT__DISTANCE_I64, 6, 1, 900, 4);
    memset(same.data, 0, 6 * 6 * 8);
    vt_distance *distance = distance_of(ctx, &same);
    vt__cluster_params params = params_of(VT__CLUSTER_DYNMSC, VT__INIT_BUILD, 5);
    vt_clustering *c = NULL;
    assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_ERR_SHAPE);
    assert_null(c);
    vt__distance_release(distance);
    free_problem(&same);
    vt__context_release(ctx);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    problem p = make_problem(VT__DISTANCE_F32, 14, 0, 900, 8);
    vt__cluster_params params = from_to(5, 2, 1);
    for (int sticky = 0; sticky < 2; sticky++) assert_allocations_may_fail(&p, &params, sticky);
    free_problem(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_best_of_the_curve_is_kept),      cmocka_unit_test(curves_agree_where_they_overlap),
                                       cmocka_unit_test(clusters_that_are_there_are_counted), cmocka_unit_test(infinities_and_duplicates_are_fine),
                                       cmocka_unit_test(threads_do_not_show),                cmocka_unit_test(too_few_medoids_are_refused),
                                       cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
