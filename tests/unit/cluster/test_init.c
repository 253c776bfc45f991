/* Initial medoids: BUILD against its definition, LAB and random ones as selections, bad lists. */
#include "problem.h"

/* Greedy with everything summed anew. */
static int64_t build_plainly(const problem *p, int64_t k, const double *w, int64_t *medoids) {
    int64_t found = 0;
    double loss = 0;
    while (found < k) {
        int64_t best = -1;
        double best_loss = 0;
        for (int64_t j = 0; j < p->n; j++) {
            int taken = 0;
            for (int64_t i = 0; i < found; i++) taken |= medoids[i] == j;
            if (taken) continue;
            medoids[found] = j;
            double l = loss_of(p, medoids, found + 1, w);
            if (best >= 0 && l >= best_loss) continue;
            best = j;
            best_loss = l;
        }
        if (best < 0 || (found && best_loss >= loss)) break;
        medoids[found++] = best;
        loss = best_loss;
    }
    return found;
}

static void build_is_greedy(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (uint64_t seed = 1; seed <= 60; seed++) {
        int64_t n = 5 + (int64_t)(seed % 90), k = 1 + (int64_t)(seed % 5), want[8];
        double weights[100];
        problem p = make_problem(seed % 2 ? VT__DISTANCE_I32 : VT__DISTANCE_I64, n, seed % 3 > 0, seed % 4 ? 500 : 3, seed);
        vt__cluster_params params = params_of(VT__CLUSTER_INIT_ONLY, VT__INIT_BUILD, k);
        for (int64_t i = 0; i < n; i++) weights[i] = (double)(i % 3 + 1);
        params.weights = seed % 5 == 0 ? weights : NULL;
        int64_t found = build_plainly(&p, k, params.weights, want);
        vt_clustering *c = cluster(ctx, &p, &params);
        const vt__clustering_parts *r = vt__clustering_parts_of(c);
        assert_int_equal(r->k, found);
        assert_memory_equal(r->medoids, want, (size_t)found * sizeof *want);
        assert_true(r->loss == loss_of(&p, want, found, params.weights));
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void build_ends_when_only_duplicates_are_left(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_F32, 20, 1, 900, 1);
    for (int64_t i = 0; i < 400; i++) p.d[i] = i / 20 % 3 == i % 20 % 3 ? 0 : 1; /* three places */
    store(&p);
    vt__cluster_params params = params_of(VT__CLUSTER_INIT_ONLY, VT__INIT_BUILD, 6);
    vt_clustering *c = cluster(ctx, &p, &params);
    assert_true(vt__clustering_parts_of(c)->k == 3 && vt__clustering_parts_of(c)->loss == 0);
    vt__clustering_release(c);
    params.method = VT__CLUSTER_FASTERPAM;
    c = cluster(ctx, &p, &params);
    assert_true(vt__clustering_parts_of(c)->k == 3 && vt__clustering_parts_of(c)->n_swap == 0);
    vt__clustering_release(c);
    free_problem(&p);
    vt__context_release(ctx);
}

static void drawn_medoids_are_distinct_and_depend_on_the_seed(void **state) {
    static const int32_t inits[] = {VT__INIT_LAB, VT__INIT_RANDOM};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_F64, 60, 1, 900, 1);
    for (size_t i = 0; i < COUNT(inits); i++) {
        int64_t first[60] = {0};
        int changed = 0;
        for (uint64_t seed = 0; seed < 10; seed++) {
            int64_t k = seed % 2 ? 60 : 30;
            char seen[60] = {0};
            vt__cluster_params params = params_of(VT__CLUSTER_INIT_ONLY, inits[i], k);
            params.seed = seed;
            vt_clustering *a = cluster(ctx, &p, &params), *b = cluster(ctx, &p, &params);
            const int64_t *medoids = vt__clustering_parts_of(a)->medoids;
            assert_same_clustering(a, b);
            for (int64_t m = 0; m < k; m++) {
                assert_in_range(medoids[m], 0, 59);
                assert_false(seen[medoids[m]]);
                seen[medoids[m]] = 1;
            }
            if (seed) changed |= memcmp(first, medoids, 30 * sizeof *first) != 0;
            memcpy(first, medoids, 30 * sizeof *first);
            vt__clustering_release(a);
            vt__clustering_release(b);
        }
        assert_true(changed);
    }
    free_problem(&p);
    vt__context_release(ctx);
}

static void lab_is_nearly_as_good_as_build(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_F64, 400, 1, 2, 1);
    for (int64_t i = 0; i < 400; i++)
        for (int64_t j = 0; j < 400; j++) p.d[i * 400 + j] = fabs((double)(i * i % 997) - (double)(j * j % 997));
    store(&p);
    double loss[3];
    static const int32_t inits[] = {VT__INIT_BUILD, VT__INIT_LAB, VT__INIT_FIRST};
    for (size_t i = 0; i < COUNT(inits); i++) {
        vt__cluster_params params = params_of(VT__CLUSTER_INIT_ONLY, inits[i], 8);
        vt_clustering *c = cluster(ctx, &p, &params);
        loss[i] = vt__clustering_parts_of(c)->loss;
        vt__clustering_release(c);
    }
    assert_true(loss[1] < 1.5 * loss[0] && loss[1] < loss[2]);
    free_problem(&p);
    vt__context_release(ctx);
}

static void given_medoids_are_checked(void **state) {
    static const int64_t twice[] = {3, 5, 3}, outside[] = {3, 5, 10}, negative[] = {3, -1, 5}, good[] = {3, 5, 4};
    static const struct {
        const int64_t *medoids;
        vt_status want;
    } cases[] = {{twice, VT_ERR_INVALID}, {outside, VT_ERR_INVALID}, {negative, VT_ERR_INVALID}, {good, VT_OK}};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_I64, 10, 1, 900, 1);
    vt_distance *distance = distance_of(ctx, &p);
    for (size_t i = 0; i < COUNT(cases); i++) {
        vt_clustering *c = NULL;
        vt__cluster_params params = params_of(VT__CLUSTER_INIT_ONLY, VT__INIT_GIVEN, 3);
        params.medoids = cases[i].medoids;
        assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), cases[i].want);
        if (c) assert_memory_equal(vt__clustering_parts_of(c)->medoids, good, sizeof good);
        vt__clustering_release(c);
    }
    vt__distance_release(distance);
    free_problem(&p);
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(build_is_greedy), cmocka_unit_test(build_ends_when_only_duplicates_are_left),
                                       cmocka_unit_test(drawn_medoids_are_distinct_and_depend_on_the_seed), cmocka_unit_test(lab_is_nearly_as_good_as_build),
                                       cmocka_unit_test(given_medoids_are_checked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
