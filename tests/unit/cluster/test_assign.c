/* Assignment to the two nearest medoids, and alternating, which is made of it. */
#include "problem.h"

static void objects_go_to_their_two_nearest(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (uint64_t seed = 1; seed <= 80; seed++) {
        int64_t n = 3 + (int64_t)(seed % 80), k = 1 + (int64_t)(seed % (n < 70 ? (uint64_t)n : 70));
        problem p = make_problem((int)(seed % 4), n, seed % 2, seed % 3 ? 500 : 4, seed);
        if (p.type == VT__DISTANCE_F32)
            for (int64_t i = 0; i < n; i++) p.d[i * n + (i + 1) % n] = (double)INFINITY;
        if (p.type == VT__DISTANCE_F32) store(&p);
        vt__cluster_params params = params_of(VT__CLUSTER_INIT_ONLY, VT__INIT_RANDOM, k);
        params.seed = seed;
        vt_clustering *c = cluster(ctx, &p, &params);
        const vt__clustering_parts *r = vt__clustering_parts_of(c);
        double sum = 0;
        for (int64_t o = 0; o < n; o++) {
            int64_t first = -1;
            double d1 = (double)INFINITY, d2 = (double)INFINITY;
            for (int64_t i = 0; i < k; i++)
                if (r->medoids[i] == o) first = i;
            for (int64_t i = 0; i < k && first < 0; i++)
                if (first < 0 || p.d[o * n + r->medoids[i]] < p.d[o * n + r->medoids[first]]) first = i;
            for (int64_t i = 1; i < k && r->medoids[first] != o; i++)
                if (p.d[o * n + r->medoids[i]] < p.d[o * n + r->medoids[first]]) first = i;
            d1 = p.d[o * n + r->medoids[first]];
            for (int64_t i = 0; i < k; i++)
                if (i != first) d2 = fmin(d2, p.d[o * n + r->medoids[i]]);
            assert_int_equal(r->labels[o], first);
            assert_true(r->nearest[o] == d1 && r->second[o] == d2);
            sum += d1;
        }
        assert_true(fabs(sum - r->loss) <= 1e-12 * sum || (isinf(sum) && isinf(r->loss)));
        assert_true(!is_whole(&p) || r->integer_loss == (int64_t)sum);
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

static void medoids_belong_to_themselves(void **state) {
    static const int64_t medoids[] = {4, 2, 7, 0};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    problem p = make_problem(VT__DISTANCE_I32, 9, 1, 900, 1);
    memset(p.data, 0, 9 * 9 * 8);
    vt__cluster_params params = params_of(VT__CLUSTER_INIT_ONLY, VT__INIT_GIVEN, 4);
    params.medoids = medoids;
    vt_clustering *c = cluster(ctx, &p, &params);
    for (int i = 0; i < 4; i++) assert_int_equal(vt__clustering_parts_of(c)->labels[medoids[i]], i);
    assert_int_equal(vt__clustering_parts_of(c)->labels[1], 0);
    vt__clustering_release(c);
    free_problem(&p);
    vt__context_release(ctx);
}

/* After alternating no member has a smaller sum than its medoid. */
static void alternating_ends_with_the_best_members(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (uint64_t seed = 1; seed <= 40; seed++) {
        int64_t n = 20 + (int64_t)seed * 3;
        double weights[200];
        problem p = make_problem((int)(seed % 4), n, seed % 3 > 0, seed % 2 ? 500 : 5, seed);
        vt__cluster_params params = params_of(VT__CLUSTER_ALTERNATING, VT__INIT_FIRST, 5);
        for (int64_t i = 0; i < n; i++) weights[i] = (double)(i % 4 + 1);
        params.weights = seed % 4 < 2 ? weights : NULL;
        vt_clustering *c = cluster(ctx, &p, &params);
        const vt__clustering_parts *r = vt__clustering_parts_of(c);
        if (r->n_iter < params.max_iter)
            for (int64_t m = 0; m < n; m++) {
                double own = 0, best = 0;
                for (int64_t o = 0; o < n; o++) {
                    if (r->labels[o] != r->labels[m]) continue;
                    own += (params.weights ? weights[o] : 1) * p.d[m * n + o];
                    best += (params.weights ? weights[o] : 1) * p.d[r->medoids[r->labels[m]] * n + o];
                }
                assert_true(own >= best * (1 - 1e-12));
            }
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(objects_go_to_their_two_nearest), cmocka_unit_test(medoids_belong_to_themselves),
                                       cmocka_unit_test(alternating_ends_with_the_best_members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
