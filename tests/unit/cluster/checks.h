/* What every method of k-medoids has to stand: any number of threads, and failing allocations. */
#ifndef VENTURI_TEST_CHECKS_H
#define VENTURI_TEST_CHECKS_H

#include "problem.h"

static inline void assert_threads_do_not_show(const problem *p, const vt__cluster_params *params) {
    static const int32_t threads[] = {1, 2, 3, 7};
    vt_clustering *first = NULL;
    for (size_t t = 0; t < COUNT(threads); t++) {
        vt_context *ctx = new_context(threads[t], NULL);
        vt_clustering *c = cluster(ctx, p, params);
        if (first) {
            assert_same_clustering(first, c);
            vt__clustering_release(c);
        } else {
            first = c;
        }
        vt__context_release(ctx);
    }
    vt__clustering_release(first);
}

/* Enough objects for several chunks of each pass, on distances that are computed. */
static inline void assert_threads_do_not_show_in_many_objects(const vt__cluster_params *params) {
    enum { N = 9000, DIM = 2 };
    float *rows = malloc(N * DIM * sizeof *rows);
    vt_clustering *first = NULL;
    uint64_t s = 9;
    assert_non_null(rows);
    for (int i = 0; i < N * DIM; i++) rows[i] = (float)next_word(&s) * 0x1p-32f;
    for (int32_t threads = 1; threads <= 2; threads++) {
        vt_context *ctx = new_context(threads, NULL);
        vt_distance *distance = NULL;
        vt_clustering *c = NULL;
        assert_int_equal(vt__distance_from_rows(ctx, rows, VT_DTYPE_F32, N, DIM, DIM, VT__METRIC_L2, 0, &distance), VT_OK);
        assert_int_equal(vt__cluster_kmedoids(distance, params, &c), VT_OK);
        vt__distance_release(distance);
        if (first) assert_same_clustering(first, c);
        if (first) vt__clustering_release(c);
        else first = c;
        vt__context_release(ctx);
    }
    vt__clustering_release(first);
    free(rows);
}

/* Fails each allocation of the call in turn, alone or with all that follow. */
static inline void assert_allocations_may_fail(const problem *p, const vt__cluster_params *params, int sticky) {
    for (long k = 1;; k++) {
        torture t = {.sticky = sticky};
        vt_clustering *c = NULL;
        vt_context *ctx = new_context(1, &t);
        vt_distance *distance = distance_of(ctx, p);
        long before = t.calls;
        t.fail_at = before + k;
        vt_status st = vt__cluster_kmedoids(distance, params, &c);
        int ran_through = t.calls < before + k;
        assert_int_equal(st, ran_through ? VT_OK : VT_ERR_NOMEM);
        assert_true(ran_through ? c != NULL : c == NULL);
        t.fail_at = 0;
        vt__clustering_release(c);
        vt__distance_release(distance);
        vt__context_release(ctx);
        assert_int_equal(t.live, 0);
        if (ran_through) return;
    }
}

#endif
