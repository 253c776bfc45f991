/* FasterMSC, FastMSC and their comparisons: values that are the definition's, optima, ties, infinities, threads. */
#include "checks.h"
#include "core/cancel.h"
#include "silhouette_of.h"

static const int32_t METHODS[] = {VT__CLUSTER_FASTERMSC, VT__CLUSTER_FASTMSC, VT__CLUSTER_PAMMEDSIL, VT__CLUSTER_PAMSIL};

/* Five objects, two groups: worked out by hand. */
static void a_small_case_comes_out_as_by_hand(void **state) {
    static const double values[25] = {0, 2, 3, 7, 8, 2, 0, 3, 6, 8, 3, 3, 0, 6, 9, 7, 6, 6, 0, 1, 8, 8, 9, 1, 0};
    static const int64_t first[] = {0, 1};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_I32, 5, 1, 9, 1);
    memcpy(p.d, values, sizeof values);
    store(&p);
    for (size_t m = 0; m < 3; m++) {
        vt__cluster_params params = params_of(METHODS[m], VT__INIT_GIVEN, 2);
        params.medoids = first;
        vt_clustering *c = cluster(ctx, &p, &params);
        const vt__clustering_parts *r = vt__clustering_parts_of(c);
        /* medoids 0 and 4: 1, 3/4, 2/3, 6/7, 1; medoids 1 and 4: 3/4, 1, 2/3, 5/6, 1; 3 in place of 4 makes each ratio larger */
        assert_near(r->silhouette, (1 + 0.75 + 2.0 / 3 + 6.0 / 7 + 1) / 5, 1e-15, 0, 0);
        assert_true(r->loss == 6 && r->integer_loss == 6);
        vt__clustering_release(c);
    }
    free_problem(&p);
    vt__context_release(ctx);
}

static double value_of_medoids(const problem *p, int32_t method, const int64_t *medoids, int64_t k) {
    return method == VT__CLUSTER_PAMSIL ? silhouette_of(p, medoids, k) : medoid_silhouette_of(p, medoids, k);
}

static void assert_is_true(const problem *p, int32_t method, const vt__clustering_parts *r, int seed) {
    double value = value_of_medoids(p, method, r->medoids, r->k);
    if (fabs(value - r->silhouette) > 1e-12) fail_msg("method %d, seed %d: silhouette %.17g, really %.17g", method, seed, r->silhouette, value);
}

/* The reported silhouette is the medoids' own, and no single swap has a larger one. */
static void assert_is_optimum(const problem *p, int32_t method, const vt__clustering_parts *r, int seed) {
    int64_t medoids[64];
    double value = value_of_medoids(p, method, r->medoids, r->k);
    assert_is_true(p, method, r, seed);
    memcpy(medoids, r->medoids, (size_t)r->k * sizeof *medoids);
    for (int64_t i = 0; i < r->k; i++) {
        for (int64_t j = 0; j < p->n; j++) {
            int is_medoid = 0;
            for (int64_t m = 0; m < r->k; m++) is_medoid |= r->medoids[m] == j;
            if (is_medoid) continue;
            medoids[i] = j;
            double other = value_of_medoids(p, method, medoids, r->k);
            if (other > value + 1e-12) fail_msg("method %d, seed %d: slot %d, object %d: %.17g > %.17g", method, seed, (int)i, (int)j, other, value);
        }
        medoids[i] = r->medoids[i];
    }
}

/* Where many swaps are worth the same, one that gains nothing but rounding can be taken, and a pass whose swaps do not make the loss smaller is the
 * last: with such distances only the values are checked. */
static void no_improving_swap_is_left(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (int seed = 1; seed <= 300; seed++) {
        uint64_t s = (uint64_t)seed;
        int has_ties = seed % 5 == 0;
        int32_t method = METHODS[seed % (int)COUNT(METHODS)];
        int64_t n = 2 + next_below(&s, method == VT__CLUSTER_PAMSIL ? 20 : 50), k = 2 + next_below(&s, n - 1 < 9 ? n - 1 : 9);
        problem p = make_problem(seed / 4 % 4, n, seed % 3 > 0, has_ties ? 3 : 500, (uint64_t)seed);
        vt__cluster_params params = params_of(method, seed % 2 ? VT__INIT_FIRST : VT__INIT_LAB, k);
        params.seed = (uint64_t)seed;
        params.shuffle = method == VT__CLUSTER_FASTERMSC && seed % 3 == 0;
        vt_clustering *c = cluster(ctx, &p, &params);
        (has_ties ? assert_is_true : assert_is_optimum)(&p, method, vt__clustering_parts_of(c), seed);
        assert_labels_are_nearest(&p, vt__clustering_parts_of(c));
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

/* Rounding may choose between swaps of the same worth, which whole distances in a narrow range have: there the values need not meet. */
static void fastmsc_takes_the_swaps_of_pammedsil(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (uint64_t seed = 1; seed <= 400; seed++) {
        uint64_t s = seed * 77;
        int64_t n = 3 + next_below(&s, 58), k = 2 + next_below(&s, n - 2 < 10 ? n - 2 : 10);
        problem p = make_problem((int)(seed % 4), n, seed % 2, 100000, seed);
        vt__cluster_params params = params_of(VT__CLUSTER_FASTMSC, VT__INIT_RANDOM, k);
        params.seed = seed;
        vt_clustering *fast = cluster(ctx, &p, &params);
        params.method = VT__CLUSTER_PAMMEDSIL;
        vt_clustering *slow = cluster(ctx, &p, &params);
        assert_same_clustering(fast, slow);
        assert_near(vt__clustering_parts_of(fast)->silhouette, vt__clustering_parts_of(slow)->silhouette, 1e-13, 0, 0);
        vt__clustering_release(fast);
        vt__clustering_release(slow);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

/* Islands that do not reach each other, lone objects that reach nothing, zeros and numbers below. */
static void infinite_and_negative_distances_give_numbers(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (int seed = 1; seed <= 80; seed++) {
        uint64_t s = (uint64_t)seed;
        int32_t method = METHODS[seed % 3];
        int64_t n = 4 + next_below(&s, 36), k = 2 + next_below(&s, n - 2 < 7 ? n - 2 : 7), islands = 1 + next_below(&s, 4);
        problem p = make_problem(seed % 2, n, seed % 3 > 0, 900, (uint64_t)seed);
        for (int64_t i = 0; i < n * n; i++) {
            if (i / n % islands != i % n % islands || (seed % 4 == 0 && i / n == 0 && i % n)) p.d[i] = (double)INFINITY;
            else if (seed % 5 == 0 && next_below(&s, 8) == 0) p.d[i] = -1;
        }
        store(&p);
        vt__cluster_params params = params_of(method, VT__INIT_FIRST, k);
        vt_clustering *c = cluster(ctx, &p, &params);
        assert_true(isfinite(vt__clustering_parts_of(c)->silhouette));
        assert_is_optimum(&p, method, vt__clustering_parts_of(c), seed);
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void a_medoid_is_at_0_from_itself_whatever_the_diagonal_says(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int seed = 1; seed <= 60; seed++) {
        uint64_t s = (uint64_t)seed;
        problem p = make_problem(seed % 4, 20, seed % 2, 900, (uint64_t)seed);
        for (int64_t i = 0; i < 20; i++) p.d[i * 21] = (double)next_below(&s, 1200);
        store(&p);
        for (size_t m = 0; m < 3; m++) {
            vt__cluster_params params = params_of(METHODS[m], VT__INIT_FIRST, 2 + seed % 4);
            vt_clustering *c = cluster(ctx, &p, &params);
            assert_is_optimum(&p, METHODS[m], vt__clustering_parts_of(c), seed);
            vt__clustering_release(c);
        }
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void duplicates_and_k_up_to_n_are_fine(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (size_t m = 0; m < COUNT(METHODS); m++)
        for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
            problem p = make_problem(type, 12, 1, 900, 4), same = make_problem(type, 12, 1, 900, 4);
            memset(same.data, 0, 12 * 12 * 8);
            for (int64_t k = 2; k <= 12; k += 5) {
                vt__cluster_params params = params_of(METHODS[m], VT__INIT_FIRST, k);
                vt_clustering *c = cluster(ctx, &same, &params);
                const vt__clustering_parts *r = vt__clustering_parts_of(c);
                assert_true(r->loss == 0 && r->n_swap == 0 && r->n_iter == 1 && r->silhouette == (METHODS[m] == VT__CLUSTER_PAMSIL ? 0 : 1));
                for (int64_t i = 0; i < k; i++) assert_int_equal(r->labels[r->medoids[i]], i);
                vt__clustering_release(c);
            }
            vt__cluster_params params = params_of(METHODS[m], VT__INIT_LAB, 12);
            vt_clustering *c = cluster(ctx, &p, &params);
            assert_true(vt__clustering_parts_of(c)->loss == 0 && vt__clustering_parts_of(c)->k == 12);
            vt__clustering_release(c);
            free_problem(&p);
            free_problem(&same);
        }
    vt__context_release(ctx);
}

/* BUILD finds one medoid where all objects are the same. */
static void one_medoid_has_no_medoid_silhouette(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem same = make_problem(VT__DISTANCE_F32, 6, 1, 900, 4);
    memset(same.data, 0, 6 * 6 * 8);
    vt_distance *distance = distance_of(ctx, &same);
    vt__cluster_params params = params_of(VT__CLUSTER_FASTERMSC, VT__INIT_BUILD, 3);
    vt_clustering *c = NULL;
    assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_ERR_SHAPE);
    assert_non_null(strstr(vt__error_message(), "there is 1"));
    assert_null(c);
    vt__distance_release(distance);
    free_problem(&same);
    vt__context_release(ctx);
}

static void threads_do_not_show(void **state) {
    (void)state;
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++)
        for (size_t m = 0; m < COUNT(METHODS); m++)
            for (int64_t k = 2; k <= 9; k += 7) {
                problem p = make_problem(type, METHODS[m] == VT__CLUSTER_PAMSIL ? 25 : 150, type % 2, 1000, 5);
                vt__cluster_params params = params_of(METHODS[m], VT__INIT_LAB, k);
                params.shuffle = METHODS[m] == VT__CLUSTER_FASTERMSC && type > 1;
                params.seed = 3;
                assert_threads_do_not_show(&p, &params);
                free_problem(&p);
            }
}

static void threads_do_not_show_in_many_objects(void **state) {
    (void)state;
    vt__cluster_params params = params_of(VT__CLUSTER_FASTERMSC, VT__INIT_FIRST, 40);
    params.max_iter = 1;
    assert_threads_do_not_show_in_many_objects(&params);
}

static void it_can_be_cancelled(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_F32, 60, 1, 900, 4);
    vt_distance *distance = distance_of(ctx, &p);
    vt_cancel *cancel = NULL;
    assert_int_equal(vt__cancel_create(ctx, &cancel), VT_OK);
    vt__cancel_raise(cancel);
    for (size_t m = 0; m < COUNT(METHODS); m++) {
        vt_clustering *c = NULL;
        vt__cluster_params params = params_of(METHODS[m], VT__INIT_FIRST, 5);
        params.watch.cancel = cancel;
        assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_ERR_CANCELLED);
        assert_null(c);
    }
    vt__cancel_release(cancel);
    vt__distance_release(distance);
    free_problem(&p);
    vt__context_release(ctx);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    problem p = make_problem(VT__DISTANCE_F64, 14, 0, 900, 8);
    for (size_t m = 0; m < COUNT(METHODS) * 2; m++) {
        vt__cluster_params params = params_of(METHODS[m / 2], VT__INIT_FIRST, 4);
        params.shuffle = params.method == VT__CLUSTER_FASTERMSC;
        assert_allocations_may_fail(&p, &params, m % 2 == 0);
    }
    free_problem(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_small_case_comes_out_as_by_hand),
                                       cmocka_unit_test(no_improving_swap_is_left),
                                       cmocka_unit_test(fastmsc_takes_the_swaps_of_pammedsil),
                                       cmocka_unit_test(infinite_and_negative_distances_give_numbers),
                                       cmocka_unit_test(a_medoid_is_at_0_from_itself_whatever_the_diagonal_says),
                                       cmocka_unit_test(duplicates_and_k_up_to_n_are_fine),
                                       cmocka_unit_test(one_medoid_has_no_medoid_silhouette),
                                       cmocka_unit_test(threads_do_not_show),
                                       cmocka_unit_test(threads_do_not_show_in_many_objects),
                                       cmocka_unit_test(it_can_be_cancelled),
                                       cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
