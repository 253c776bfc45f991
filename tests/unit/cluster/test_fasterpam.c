/* FasterPAM, FastPAM1 and PAM: the same optimum class, whatever the type, order, weights and threads. */
#include "checks.h"
#include "core/cancel.h"

static void fastpam1_takes_the_swaps_of_pam(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        uint64_t s = seed * 77;
        int64_t n = 2 + next_below(&s, 59), k = 1 + next_below(&s, n < 12 ? n : 12), range = seed % 3 == 0 ? 4 : 1000;
        problem p = make_problem((int)(seed % 4), n, seed % 2, range, seed);
        vt__cluster_params params = params_of(VT__CLUSTER_FASTPAM1, VT__INIT_RANDOM, k);
        params.seed = seed;
        vt_clustering *fast = cluster(ctx, &p, &params);
        params.method = VT__CLUSTER_PAM;
        vt_clustering *slow = cluster(ctx, &p, &params);
        const vt__clustering_parts *a = vt__clustering_parts_of(fast), *b = vt__clustering_parts_of(slow);
        if (is_whole(&p)) assert_same_clustering(fast, slow);
        else if (fabs(a->loss - b->loss) > 1e-9 * b->loss) fail_msg("seed %d: %.17g, PAM %.17g", (int)seed, a->loss, b->loss);
        vt__clustering_release(fast);
        vt__clustering_release(slow);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

/* Every medoid against every other object. */
static void assert_no_swap_improves(const problem *p, const vt__clustering_parts *r, const double *weights, int seed) {
    int64_t medoids[64];
    double loss = loss_of(p, r->medoids, r->k, weights);
    if (fabs(loss - r->loss) > 1e-12 * loss) fail_msg("seed %d: loss %.17g, really %.17g", seed, r->loss, loss);
    memcpy(medoids, r->medoids, (size_t)r->k * sizeof *medoids);
    for (int64_t i = 0; i < r->k; i++) {
        for (medoids[i] = 0; medoids[i] < p->n; medoids[i]++) {
            double other = loss_of(p, medoids, r->k, weights);
            if (other < loss * (1 - 1e-12)) fail_msg("seed %d: slot %d, object %d: %.17g < %.17g", seed, (int)i, (int)medoids[i], other, loss);
        }
        medoids[i] = r->medoids[i];
    }
}

/* An object is at 0 from itself whatever the diagonal says, in every method. */
static void the_diagonal_does_not_count(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (int seed = 1; seed <= 200; seed++) {
        uint64_t s = (uint64_t)seed;
        int64_t n = 3 + next_below(&s, 60), k = 1 + next_below(&s, n < 10 ? n : 10);
        problem p = make_problem(seed % 4, n, seed % 2, 500, (uint64_t)seed), diagonal = make_problem(seed % 4, n, seed % 2, 500, (uint64_t)seed);
        for (int64_t i = 0; i < n; i++) diagonal.d[i * (n + 1)] = (double)next_below(&s, 900);
        store(&diagonal);
        for (int32_t method = 0; method < VT__N_CLUSTER_METHODS; method++) {
            if (k < 2 && method >= VT__CLUSTER_FASTERMSC) continue;
            if (n > 20 && method == VT__CLUSTER_PAMSIL) continue;
            const int is_clarans = method == VT__CLUSTER_FASTCLARANS || method == VT__CLUSTER_FASTERCLARANS;
            vt__cluster_params params = params_of(method, is_clarans ? VT__INIT_RANDOM : seed % 2 ? VT__INIT_BUILD : VT__INIT_LAB, k);
            if (k >= 2 && params.init == VT__INIT_BUILD && method >= VT__CLUSTER_FASTERMSC) params.init = VT__INIT_FIRST;
            vt_clustering *with = cluster(ctx, &diagonal, &params), *without = cluster(ctx, &p, &params);
            assert_same_clustering(with, without);
            vt__clustering_release(with);
            vt__clustering_release(without);
        }
        free_problem(&p);
        free_problem(&diagonal);
    }
    vt__context_release(ctx);
}

static void no_improving_swap_is_left(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (int seed = 1; seed <= 200; seed++) {
        uint64_t s = (uint64_t)seed;
        int64_t n = 3 + next_below(&s, 60), k = 1 + next_below(&s, n < 10 ? n : 10);
        double weights[64];
        problem p = make_problem(seed % 4, n, seed % 2, seed % 5 ? 500 : 3, (uint64_t)seed);
        vt__cluster_params params = params_of(VT__CLUSTER_FASTERPAM, seed % 2 ? VT__INIT_FIRST : VT__INIT_LAB, k);
        for (int64_t i = 0; i < n; i++) weights[i] = (double)next_below(&s, 5) + (is_whole(&p) ? 0 : 0.25);
        weights[0] = 3;
        params.seed = (uint64_t)seed;
        params.shuffle = seed % 3 == 0;
        params.weights = seed % 4 >= 2 ? weights : NULL;
        vt_clustering *c = cluster(ctx, &p, &params);
        assert_no_swap_improves(&p, vt__clustering_parts_of(c), params.weights, seed);
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

/* Objects once with weights, once copied so many times, copies side by side. */
static void weights_count_objects_so_many_times(void **state) {
    static const int32_t methods[] = {VT__CLUSTER_FASTERPAM, VT__CLUSTER_FASTPAM1, VT__CLUSTER_PAM, VT__CLUSTER_INIT_ONLY};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        int64_t n = 25, k = 2 + (int64_t)(seed % 4), of[75], m = 0, first[25];
        double weights[25];
        uint64_t s = seed;
        problem p = make_problem(seed % 2 ? VT__DISTANCE_I32 : VT__DISTANCE_I64, n, seed % 3 > 0, 100, seed);
        for (int64_t i = 0; i < n; i++) {
            weights[i] = (double)(1 + next_below(&s, 3));
            first[i] = m;
            for (int c = 0; c < (int)weights[i]; c++) of[m++] = i;
        }
        problem copies = make_problem(p.type, m, 0, 100, seed);
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < m; j++) copies.d[i * m + j] = p.d[of[i] * n + of[j]];
        store(&copies);
        vt__cluster_params params = params_of(methods[seed % COUNT(methods)], VT__INIT_BUILD, k);
        params.weights = weights;
        vt_clustering *a = cluster(ctx, &p, &params);
        params.weights = NULL;
        vt_clustering *b = cluster(ctx, &copies, &params);
        const vt__clustering_parts *x = vt__clustering_parts_of(a), *y = vt__clustering_parts_of(b);
        assert_true(x->integer_loss == y->integer_loss && x->n_swap == y->n_swap && x->k == y->k);
        for (int64_t i = 0; i < x->k; i++) assert_int_equal(first[x->medoids[i]], y->medoids[i]);
        vt__clustering_release(a);
        vt__clustering_release(b);
        free_problem(&p);
        free_problem(&copies);
    }
    vt__context_release(ctx);
}

static void threads_do_not_show(void **state) {
    static const int32_t methods[] = {VT__CLUSTER_FASTERPAM, VT__CLUSTER_FASTPAM1, VT__CLUSTER_PAM, VT__CLUSTER_ALTERNATING};
    (void)state;
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++)
        for (size_t m = 0; m < COUNT(methods); m++) {
            problem p = make_problem(type, 230, type % 2, 1000, 5);
            vt__cluster_params params = params_of(methods[m], VT__INIT_LAB, 9);
            params.shuffle = methods[m] == VT__CLUSTER_FASTERPAM && type > 1;
            params.seed = 3;
            assert_threads_do_not_show(&p, &params);
            free_problem(&p);
        }
}

static void threads_do_not_show_in_many_objects(void **state) {
    (void)state;
    vt__cluster_params params = params_of(VT__CLUSTER_FASTERPAM, VT__INIT_LAB, 40);
    params.max_iter = 1;
    assert_threads_do_not_show_in_many_objects(&params);
}

static void objects_that_cannot_be_reached_come_first(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int type = VT__DISTANCE_F32; type <= VT__DISTANCE_F64; type++) {
        problem p = make_problem(type, 30, 1, 900, 11);
        for (int64_t i = 0; i < 30; i++) /* two islands, the second of 4 */
            for (int64_t j = 0; j < 30; j++)
                if ((i < 26) != (j < 26)) p.d[i * 30 + j] = (double)INFINITY;
        store(&p);
        static const int64_t mainland[] = {0, 1, 2};
        vt__cluster_params params = params_of(VT__CLUSTER_FASTERPAM, VT__INIT_GIVEN, 3);
        params.medoids = mainland;
        vt_clustering *c = cluster(ctx, &p, &params);
        const vt__clustering_parts *r = vt__clustering_parts_of(c);
        assert_true(isfinite(r->loss));
        assert_no_swap_improves(&p, r, NULL, type);
        vt__clustering_release(c);
        params.k = 1;
        c = cluster(ctx, &p, &params);
        r = vt__clustering_parts_of(c);
        assert_true(isinf(r->loss) && r->medoids[0] < 26 && isinf(r->nearest[29]) && isfinite(r->nearest[25]) && isinf(r->second[0]));
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void duplicates_and_extremes_of_k_are_fine(void **state) {
    static const int32_t methods[] = {VT__CLUSTER_FASTERPAM, VT__CLUSTER_FASTPAM1, VT__CLUSTER_PAM, VT__CLUSTER_ALTERNATING};
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (size_t m = 0; m < COUNT(methods); m++) {
        for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
            problem p = make_problem(type, 12, 1, 900, 4), same = make_problem(type, 12, 1, 900, 4);
            memset(same.data, 0, 12 * 12 * 8);
            for (int64_t k = 1; k <= 12; k += k == 1 ? 4 : 7) {
                vt__cluster_params params = params_of(methods[m], VT__INIT_FIRST, k);
                vt_clustering *c = cluster(ctx, &same, &params);
                const vt__clustering_parts *r = vt__clustering_parts_of(c);
                assert_true(r->loss == 0 && r->n_swap == 0 && r->n_iter == 1);
                for (int64_t i = 0; i < k; i++) assert_int_equal(r->labels[r->medoids[i]], i);
                vt__clustering_release(c);
            }
            vt__cluster_params params = params_of(methods[m], VT__INIT_LAB, 12);
            vt_clustering *c = cluster(ctx, &p, &params);
            const vt__clustering_parts *r = vt__clustering_parts_of(c);
            assert_true(r->loss == 0 && r->k == 12);
            for (int64_t i = 0; i < 12; i++) assert_true(r->nearest[i] == 0 && r->second[i] > 0 && r->medoids[r->labels[i]] == i);
            vt__clustering_release(c);
            free_problem(&p);
            free_problem(&same);
        }
    }
    vt__context_release(ctx);
}

static int32_t stop(void *user, double fraction, const char *message) {
    (void)fraction;
    assert_non_null(message);
    return ++*(int *)user >= 1;
}

static void it_can_be_cancelled(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_F32, 200, 1, 900, 4);
    vt_distance *distance = distance_of(ctx, &p);
    for (int32_t method = VT__CLUSTER_FASTERPAM; method <= VT__CLUSTER_ALTERNATING; method++) {
        int calls = 0;
        vt_clustering *c = NULL;
        vt_cancel *cancel = NULL;
        vt__cluster_params params = params_of(method, VT__INIT_FIRST, 5);
        params.watch.progress = stop;
        params.watch.progress_user = &calls;
        assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_ERR_CANCELLED);
        assert_true(calls == 1 && !c);
        assert_int_equal(vt__cancel_create(ctx, &cancel), VT_OK);
        vt__cancel_raise(cancel);
        params.watch = (vt__watch){.what = "cluster", .cancel = cancel};
        assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_ERR_CANCELLED);
        assert_null(c);
        vt__cancel_release(cancel);
    }
    vt__distance_release(distance);
    free_problem(&p);
    vt__context_release(ctx);
}

static void passes_are_limited(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_F64, 150, 1, 900, 8);
    for (int64_t max_iter = 1; max_iter <= 2; max_iter++) {
        vt__cluster_params params = params_of(VT__CLUSTER_FASTPAM1, VT__INIT_FIRST, 6);
        params.max_iter = max_iter;
        vt_clustering *c = cluster(ctx, &p, &params);
        assert_int_equal(vt__clustering_parts_of(c)->n_iter, max_iter);
        assert_int_equal(vt__clustering_parts_of(c)->n_swap, max_iter);
        vt__clustering_release(c);
    }
    free_problem(&p);
    vt__context_release(ctx);
}

static void every_allocation_may_fail(void **state) {
    static const int32_t methods[] = {VT__CLUSTER_FASTERPAM, VT__CLUSTER_FASTPAM1, VT__CLUSTER_PAM, VT__CLUSTER_ALTERNATING, VT__CLUSTER_INIT_ONLY};
    static const int32_t inits[] = {VT__INIT_LAB, VT__INIT_RANDOM, VT__INIT_FIRST, VT__INIT_BUILD};
    (void)state;
    problem p = make_problem(VT__DISTANCE_I32, 40, 0, 900, 8);
    double weights[40];
    for (int i = 0; i < 40; i++) weights[i] = 1 + i % 2;
    for (size_t m = 0; m < COUNT(methods) * COUNT(inits) * 2; m++) {
        vt__cluster_params params = params_of(methods[m / 2 % COUNT(methods)], inits[m / 2 / COUNT(methods)], 4);
        params.shuffle = params.method == VT__CLUSTER_FASTERPAM;
        params.weights = m % 4 < 2 ? weights : NULL;
        assert_allocations_may_fail(&p, &params, m % 2 == 0);
    }
    free_problem(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fastpam1_takes_the_swaps_of_pam), cmocka_unit_test(no_improving_swap_is_left),
        cmocka_unit_test(the_diagonal_does_not_count), cmocka_unit_test(weights_count_objects_so_many_times),
        cmocka_unit_test(threads_do_not_show), cmocka_unit_test(threads_do_not_show_in_many_objects), cmocka_unit_test(objects_that_cannot_be_reached_come_first),
        cmocka_unit_test(duplicates_and_extremes_of_k_are_fine), cmocka_unit_test(it_can_be_cancelled), cmocka_unit_test(passes_are_limited),
        cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
