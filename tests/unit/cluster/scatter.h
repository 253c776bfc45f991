/* For tests of sampling searches: city block distances of points that a formula scatters, and one clustering of them. Whole numbers, so that reference
 * values are exact. */
#ifndef VENTURI_TEST_SCATTER_H
#define VENTURI_TEST_SCATTER_H

#include "core/cancel.h"
#include "problem.h"

static inline problem make_scatter(int type, int64_t n) {
    problem p = {type, n, calloc((size_t)(n * n), 8), calloc((size_t)(n * n), 8)};
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) p.d[i * n + j] = (double)(llabs(i * 37 % 101 - j * 37 % 101) + llabs((i * i * 11 + 5 * i) % 97 - (j * j * 11 + 5 * j) % 97));
    store(&p);
    return p;
}

/* Labels and distances are those of the medoids. */
static inline void assert_assigned(const problem *p, const vt_clustering *c) {
    const vt__clustering_parts *parts = vt__clustering_parts_of(c);
    for (int64_t o = 0; o < p->n; o++) {
        const double *row = p->d + o * p->n;
        double best = (double)INFINITY;
        for (int64_t s = 0; s < parts->k; s++) best = fmin(best, row[parts->medoids[s]]);
        assert_true(parts->nearest[o] == row[parts->medoids[parts->labels[o]]] && parts->nearest[o] == best);
    }
}

/* What another implementation of the paper's procedure made of make_scatter(type, 60). */
typedef struct trace {
    const char *name;
    vt__cluster_params params;
    int64_t medoids[6];
    double loss;
    int64_t n_iter, n_swap;
} trace;

static inline void assert_trace(const problem *p, const vt_clustering *c, const trace *want) {
    const vt__clustering_parts *parts = vt__clustering_parts_of(c);
    for (int64_t s = 0; s < parts->k; s++)
        if (parts->medoids[s] != want->medoids[s]) fail_msg("%s: medoid %lld is %lld, not %lld", want->name, (long long)s, (long long)parts->medoids[s], (long long)want->medoids[s]);
    assert_true(parts->loss == want->loss);
    assert_true(loss_of(p, parts->medoids, parts->k, NULL) == want->loss);
    assert_true(parts->integer_loss == (is_whole(p) ? (int64_t)want->loss : 0));
    assert_int_equal(parts->n_iter, want->n_iter);
    assert_int_equal(parts->n_swap, want->n_swap);
    assert_assigned(p, c);
}

/* On distances of every type. */
static inline void assert_traces(const trace *traces, size_t n) {
    for (int32_t n_threads = 1; n_threads < 6; n_threads += 2) {
        vt_context *ctx = new_context(n_threads, NULL);
        for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
            problem p = make_scatter(type, 60);
            for (size_t i = 0; i < n; i++) {
                vt_clustering *c = cluster(ctx, &p, &traces[i].params);
                assert_trace(&p, c, &traces[i]);
                vt__clustering_release(c);
            }
            free_problem(&p);
        }
        vt__context_release(ctx);
    }
}

/* No swap improves. */
static inline void assert_local_optimum(const problem *p, const vt_clustering *c) {
    const vt__clustering_parts *parts = vt__clustering_parts_of(c);
    int64_t medoids[64];
    for (int64_t s = 0; s < parts->k; s++)
        for (int64_t j = 0; j < p->n; j++) {
            memcpy(medoids, parts->medoids, (size_t)parts->k * sizeof *medoids);
            medoids[s] = j;
            assert_true(loss_of(p, medoids, parts->k, NULL) >= parts->loss);
        }
}

/* The loss counts every object as often as its weight says. */
static inline void assert_weights_count(vt__cluster_params params) {
    double weights[60];
    vt_context *ctx = new_context(1, NULL);
    for (int64_t i = 0; i < 60; i++) weights[i] = i % 5 ? (double)(i % 4) : 50;
    params.weights = weights;
    for (int type = 0; type < VT__N_DISTANCE_TYPES; type++) {
        problem p = make_scatter(type, 60);
        vt_clustering *c = cluster(ctx, &p, &params);
        assert_true(vt__clustering_parts_of(c)->loss == loss_of(&p, vt__clustering_parts_of(c)->medoids, params.k, weights));
        assert_assigned(&p, c);
        vt__clustering_release(c);
        free_problem(&p);
    }
    vt__context_release(ctx);
}

/* Objects below 20 and the others do not reach each other: two medoids are one in each group, a single one is in the larger, whatever the sums. */
static inline void assert_unreachable_first(vt__cluster_params params, int type) {
    vt_context *ctx = new_context(1, NULL);
    problem p = make_scatter(type, 60);
    for (int64_t i = 0; i < 60; i++)
        for (int64_t j = 0; j < 60; j++)
            if ((i < 20) != (j < 20)) p.d[i * 60 + j] = (double)INFINITY;
    store(&p);
    for (params.k = 1; params.k < 3; params.k++) {
        vt_clustering *c = cluster(ctx, &p, &params);
        const vt__clustering_parts *parts = vt__clustering_parts_of(c);
        assert_true(params.k == 2 ? isfinite(parts->loss) : isinf(parts->loss) && parts->medoids[0] >= 20);
        vt__clustering_release(c);
    }
    free_problem(&p);
    vt__context_release(ctx);
}

/* The same on 1, 2, 3 and 7 threads. */
static inline void assert_any_threads(const problem *p, const vt__cluster_params *params) {
    static const int32_t counts[] = {1, 2, 3, 7};
    vt_clustering *first = NULL;
    vt_context *contexts[COUNT(counts)];
    for (size_t i = 0; i < COUNT(counts); i++) {
        contexts[i] = new_context(counts[i], NULL);
        vt_clustering *c = cluster(contexts[i], p, params);
        if (first) assert_same_clustering(first, c);
        if (first) vt__clustering_release(c);
        else first = c;
    }
    vt__clustering_release(first);
    for (size_t i = 0; i < COUNT(counts); i++) vt__context_release(contexts[i]);
}

/* Cancelled from the start, and by a progress callback: nothing is left behind. */
static inline int stop(void *user, double fraction, const char *message) {
    (void)fraction;
    (void)message;
    return --*(int *)user < 0;
}

static inline void assert_cancels(const problem *p, vt__cluster_params params) {
    torture t = {0};
    int calls_left = 0;
    vt_context *ctx = new_context(1, &t);
    vt_distance *distance = distance_of(ctx, p);
    vt_clustering *c = NULL;
    long before = t.live;
    params.watch.progress = stop;
    params.watch.progress_user = &calls_left;
    assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_ERR_CANCELLED);
    assert_null(c);
    assert_int_equal(t.live, before);
    params.watch.progress = NULL;
    vt_cancel *cancel = NULL;
    assert_int_equal(vt__cancel_create(ctx, &cancel), VT_OK);
    vt__cancel_raise(cancel);
    params.watch.cancel = cancel;
    assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_ERR_CANCELLED);
    vt__cancel_release(cancel);
    vt__distance_release(distance);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

/* Every allocation of a scenario fails once, and all from then on: it answers NOMEM and has released what it made, until it runs through. */
static inline void assert_survives(vt_status (*scenario)(vt_context *ctx, const void *how), const void *how) {
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1, done = 0; !done; k++) {
            torture t = {0};
            vt_context *ctx = new_context(1, &t);
            t.fail_at = t.calls + k;
            t.sticky = sticky;
            vt_status st = scenario(ctx, how);
            done = t.calls < t.fail_at;
            t.fail_at = 0;
            assert_int_equal(st, done ? VT_OK : VT_ERR_NOMEM);
            vt__context_release(ctx);
            assert_int_equal(t.live, 0);
        }
}

/* For assert_survives: k-medoids of make_scatter(VT__DISTANCE_I32, 60); how: vt__cluster_params. */
static inline vt_status kmedoids_scenario(vt_context *ctx, const void *how) {
    problem p = make_scatter(VT__DISTANCE_I32, 60);
    vt_distance *distance = NULL;
    vt_clustering *c = NULL;
    vt_status st = vt__distance_from_matrix(ctx, p.data, VT_DTYPE_I32, p.n, p.n, 0, &distance);
    if (st == VT_OK) st = vt__cluster_kmedoids(distance, how, &c);
    vt__clustering_release(c);
    vt__distance_release(distance);
    free_problem(&p);
    return st;
}

#endif
