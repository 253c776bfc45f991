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

/* The clustering's medoids are `want`, and its loss is what they cost. */
static inline void assert_medoids(const problem *p, const vt_clustering *c, const int64_t *want, double loss, const char *name) {
    const vt__clustering_parts *parts = vt__clustering_parts_of(c);
    for (int64_t s = 0; s < parts->k; s++)
        if (parts->medoids[s] != want[s]) fail_msg("%s: medoid %lld is %lld, not %lld", name, (long long)s, (long long)parts->medoids[s], (long long)want[s]);
    assert_true(parts->loss == loss);
    assert_true(loss_of(p, parts->medoids, parts->k, NULL) == loss);
    assert_true(parts->integer_loss == (is_whole(p) ? (int64_t)loss : 0));
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

/* Every allocation fails once, and from then on. */
static inline void assert_survives(const problem *p, const vt__cluster_params *params) {
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {0};
            vt_clustering *c = NULL;
            vt_context *ctx = new_context(1, &t);
            vt_distance *distance = distance_of(ctx, p);
            long made = t.calls;
            t.fail_at = made + k;
            t.sticky = sticky;
            vt_status st = vt__cluster_kmedoids(distance, params, &c);
            int ran_through = t.calls < t.fail_at;
            t.fail_at = 0;
            assert_int_equal(st, ran_through ? VT_OK : VT_ERR_NOMEM);
            vt__clustering_release(c);
            vt__distance_release(distance);
            vt__context_release(ctx);
            assert_int_equal(t.live, 0);
            if (ran_through) break;
        }
}

#endif
