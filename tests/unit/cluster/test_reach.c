/* Searches that judge candidates by what they reach, against the same searches on a packed triangle, whose columns are computed and which keeps no lists. */
#include "checks.h"
#include "cluster/reach.h"
#include "core/memory.h"
#include "distance/window.h"

enum { N = 1100, DIM = 3 };

/* Distances of points; whole numbers of few values if `ties`. */
static problem make_points(int type, int ties, uint64_t seed) {
    problem p = {type, N, calloc(N * N, 8), calloc(N * N, 8)};
    double x[N][DIM];
    for (int64_t i = 0; i < N; i++)
        for (int c = 0; c < DIM; c++) x[i][c] = (double)next_below(&seed, ties ? 12 : 1000);
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < N; j++) {
            double sum = 0;
            for (int c = 0; c < DIM; c++) sum += ties ? fabs(x[i][c] - x[j][c]) : (x[i][c] - x[j][c]) * (x[i][c] - x[j][c]);
            p.d[i * N + j] = ties ? sum : sqrt(sum);
        }
    store(&p);
    return p;
}

static vt_clustering *cluster_triangle(vt_context *ctx, const problem *p, const vt__cluster_params *params) {
    char *packed = malloc(N * N / 2 * 8);
    vt_distance *distance = NULL;
    vt_clustering *c = NULL;
    int64_t at = 0;
    assert_non_null(packed);
    for (int64_t i = 0; i < N; i++)
        for (int64_t j = 0; j < i; j++) put_value(p->type, packed, at++, p->d[i * N + j]);
    assert_int_equal(vt__distance_from_triangle(ctx, packed, DTYPES[p->type], N, &distance), VT_OK);
    assert_int_equal(vt__cluster_kmedoids(distance, params, &c), VT_OK);
    vt__distance_release(distance);
    free(packed);
    return c;
}

/* All types, with weights, shuffled, and one swap a pass. */
static void lists_do_not_change_results(void **state) {
    (void)state;
    static const int32_t threads[] = {1, 2, 3, 7};
    vt_context *one = new_context(1, NULL);
    double weights[N];
    for (int64_t i = 0; i < N; i++) weights[i] = (double)(i % 4);
    for (int round = 0; round < 8; round++) {
        problem p = make_points(round % 4, round % 3 == 0, (uint64_t)round + 1);
        vt__cluster_params params = params_of(round >= 6 ? VT__CLUSTER_FASTPAM1 : VT__CLUSTER_FASTERPAM, VT__INIT_RANDOM, 40 + 9 * round);
        params.seed = (uint64_t)round;
        params.shuffle = round % 2;
        params.weights = round % 4 == 3 ? weights : NULL;
        if (round >= 6) params.max_iter = 40;
        vt_clustering *plain = cluster_triangle(one, &p, &params);
        for (size_t t = 0; t < COUNT(threads); t++) {
            vt_context *ctx = new_context(threads[t], NULL);
            vt_clustering *c = cluster(ctx, &p, &params);
            assert_same_clustering(plain, c);
            vt__clustering_release(c);
            vt__context_release(ctx);
        }
        vt__clustering_release(plain);
        free_problem(&p);
    }
    vt__context_release(one);
}

/* Lists are kept where there is memory for them, and missed where not: every allocation fails once, or it and all that follow. */
static void without_memory_there_are_no_lists(void **state) {
    (void)state;
    problem p = make_points(VT__DISTANCE_F32, 0, 5);
    const vt__cluster_params params = params_of(VT__CLUSTER_FASTERPAM, VT__INIT_FIRST, 80);
    vt_context *plain = new_context(1, NULL);
    vt_clustering *want = cluster(plain, &p, &params);
    int n_spared = 0;
    for (long k = 1, ran_through = 0; !ran_through; k++) {
        torture t = {.sticky = 0};
        vt_clustering *c = NULL;
        vt_context *ctx = new_context(2, &t);
        vt_distance *distance = distance_of(ctx, &p);
        t.fail_at = t.calls + k;
        vt_status st = vt__cluster_kmedoids(distance, &params, &c);
        ran_through = t.calls < t.fail_at;
        t.fail_at = 0;
        assert_true(st == VT_OK || (st == VT_ERR_NOMEM && !ran_through));
        if (st == VT_OK) assert_same_clustering(want, c);
        n_spared += st == VT_OK && !ran_through;
        vt__clustering_release(c);
        vt__distance_release(distance);
        vt__context_release(ctx);
        assert_int_equal(t.live, 0);
    }
    assert_true(n_spared >= 4); /* one a lane, the lanes, room and lists */
    vt__clustering_release(want);
    vt__context_release(plain);
    free_problem(&p);
}

static void assert_reached(const problem *p, vt__reach *r, int64_t lane, int64_t j) {
    const int32_t *objects;
    const void *distances;
    const int64_t n = vt__reach_find(r, lane, j, vt__window_view(r->distance, j), NULL, &objects, &distances);
    int64_t at = 0;
    assert_true(n >= 0);
    for (int64_t o = 0; o < N; o++) {
        if (!(p->d[o * N + j] < value_of(p->type, r->lanes[lane].limits, o))) continue;
        assert_true(at < n && objects[at] == o && value_of(p->type, distances, at) == p->d[o * N + j]);
        at++;
    }
    assert_int_equal(at, n);
}

/* Second medoids go farther, for some objects at a time; lists follow, whichever lane looks, a little or far behind. */
static void lists_hold_what_is_within_the_limits(void **state) {
    (void)state;
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
        problem p = make_points(type, 0, 9);
        vt_context *ctx = new_context(2, NULL);
        vt_distance *distance = distance_of(ctx, &p);
        vtk_medoids m = {.n = N, .k = 2, .d2 = calloc(N, 8)};
        vt__reach r;
        int32_t lost[N];
        uint64_t seed = 3;
        for (int64_t o = 0; o < N; o++) put_value(type, m.d2, o, 150);
        vt__reach_begin(&r, ctx, distance, &m, 2);
        assert_non_null(r.lists);
        for (int step = 0; step < 60; step++) {
            const int64_t n_lost = step % 20 == 19 ? N / 3 : step % 7;
            for (int64_t i = 0; i < n_lost; i++) {
                lost[i] = (int32_t)(n_lost > 10 ? 3 * i : next_below(&seed, N));
                put_value(type, m.d2, lost[i], 150 + (double)next_below(&seed, 60));
            }
            for (int lane = 0; lane < 2; lane++) vt__reach_widen(&r, lane, &m, lost, n_lost);
            for (int64_t j = step % 3; j < N; j += 1 + step % 5) assert_reached(&p, &r, (step + j) % 2, j);
        }
        vt__reach_free(&r);
        free(m.d2);
        vt__distance_release(distance);
        vt__context_release(ctx);
        free_problem(&p);
    }
}

/* Too many within reach: candidates are judged by their columns. */
static void long_lists_are_not_kept(void **state) {
    (void)state;
    problem p = make_points(VT__DISTANCE_F32, 0, 9);
    vt_context *ctx = new_context(1, NULL);
    vt_distance *distance = distance_of(ctx, &p);
    vtk_medoids m = {.n = N, .k = 2, .d2 = calloc(N, 8)};
    vt__reach r;
    for (int64_t o = 0; o < N; o++) put_value(p.type, m.d2, o, 900);
    vt__reach_begin(&r, ctx, distance, &m, 1);
    assert_null(r.lists);
    vt__reach_free(&r);
    free(m.d2);
    vt__distance_release(distance);
    vt__context_release(ctx);
    free_problem(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lists_do_not_change_results), cmocka_unit_test(without_memory_there_are_no_lists),
                                       cmocka_unit_test(lists_hold_what_is_within_the_limits), cmocka_unit_test(long_lists_are_not_kept)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
