/* For tests of clustering: random matrices of every type, one call of k-medoids, and what a set of medoids really costs. */
#ifndef VENTURI_TEST_PROBLEM_H
#define VENTURI_TEST_PROBLEM_H

#include "../distance/measure.h"
#include "cluster/cluster.h"
#include "cluster/clustering.h"

static inline int64_t next_below(uint64_t *state, int64_t n) { return (int64_t)(next_word(state) % (uint32_t)n); }

/* A matrix in its own type, and the same numbers as float64. */
typedef struct problem {
    int type;
    int64_t n;
    double *d;
    void *data;
} problem;

static const int32_t DTYPES[] = {[VT__DISTANCE_F32] = VT_DTYPE_F32, [VT__DISTANCE_F64] = VT_DTYPE_F64, [VT__DISTANCE_I32] = VT_DTYPE_I32, [VT__DISTANCE_I64] = VT_DTYPE_I64};

static inline int is_whole(const problem *p) { return p->type == VT__DISTANCE_I32 || p->type == VT__DISTANCE_I64; }

static inline void store(const problem *p) {
    for (int64_t i = 0; i < p->n * p->n; i++) {
        put_value(p->type, p->data, i, p->d[i]);
        p->d[i] = value_of(p->type, p->data, i);
    }
}

/* Distances in 1..range, whole where the type is or where range is small: many ties. */
static inline problem make_problem(int type, int64_t n, int is_symmetric, int64_t range, uint64_t seed) {
    problem p = {type, n, calloc((size_t)(n * n), 8), calloc((size_t)(n * n), 8)};
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double whole = (double)(1 + next_below(&seed, range)), fraction = range > 50 && !is_whole(&p) ? (double)next_word(&seed) * 0x1p-32 : 0;
            p.d[i * n + j] = i == j ? 0 : is_symmetric && j < i ? p.d[j * n + i] : whole + fraction;
        }
    store(&p);
    return p;
}

static inline void free_problem(problem *p) {
    free(p->d);
    free(p->data);
}

static inline vt_distance *distance_of(vt_context *ctx, const problem *p) {
    vt_distance *distance = NULL;
    assert_int_equal(vt__distance_from_matrix(ctx, p->data, DTYPES[p->type], p->n, p->n, 0, &distance), VT_OK);
    return distance;
}

static inline vt__cluster_params params_of(int32_t method, int32_t init, int64_t k) {
    return (vt__cluster_params){.method = method, .init = init, .k = k, .k_min = 2, .max_iter = 100, .sample_size = 80 + 4 * k, .n_samples = 5, .n_local = 2, .rate = 0.025,
                                .watch = {.what = "cluster"}};
}

static inline vt_clustering *cluster(vt_context *ctx, const problem *p, const vt__cluster_params *params) {
    vt_clustering *c = NULL;
    vt_distance *distance = distance_of(ctx, p);
    vt_status st = vt__cluster_kmedoids(distance, params, &c);
    if (st != VT_OK) fail_msg("%s", vt__error_message());
    vt__distance_release(distance);
    return c;
}

/* Sum of (weighted) distances to the nearest of k medoids, in float64. */
static inline double loss_of(const problem *p, const int64_t *medoids, int64_t k, const double *weights) {
    double sum = 0;
    for (int64_t o = 0; o < p->n; o++) {
        double best = p->d[o * p->n + medoids[0]];
        for (int64_t i = 1; i < k; i++) best = fmin(best, p->d[o * p->n + medoids[i]]);
        sum += weights ? weights[o] * best : best;
    }
    return sum;
}

static inline void assert_same_clustering(const vt_clustering *a, const vt_clustering *b) {
    const vt__clustering_parts *x = vt__clustering_parts_of(a), *y = vt__clustering_parts_of(b);
    assert_int_equal(x->k, y->k);
    assert_int_equal(x->n_iter, y->n_iter);
    assert_int_equal(x->n_swap, y->n_swap);
    assert_int_equal(x->n_curve, y->n_curve);
    assert_memory_equal(&x->loss, &y->loss, sizeof x->loss);
    if (x->n_curve) assert_memory_equal(x->curve, y->curve, (size_t)x->n_curve * sizeof *x->curve);
    assert_memory_equal(x->medoids, y->medoids, (size_t)x->k * sizeof *x->medoids);
    assert_memory_equal(x->labels, y->labels, (size_t)x->n * sizeof *x->labels);
    assert_memory_equal(x->nearest, y->nearest, (size_t)x->n * sizeof *x->nearest);
    assert_memory_equal(x->second, y->second, (size_t)x->n * sizeof *x->second);
}

#endif
