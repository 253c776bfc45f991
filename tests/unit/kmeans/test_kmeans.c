/* k-means: Lloyd against a plain implementation, empty clusters, duplicates, weights, seeding, mini-batches, refusals, threads, cancelling, allocation
 * failures. */
#include "../cluster/scatter.h"
#include "kmeans/kmeans.h"

enum { MAX_K = 64, MAX_DIM = 40 };

/* Rows in both types: blobs around `centres` far from the origin. */
typedef struct rows {
    int64_t n, dim;
    double *wide;
    float *narrow;
} rows;

static rows make_rows(int64_t n, int64_t dim, int64_t centres, double offset, uint64_t seed) {
    rows r = {n, dim, calloc((size_t)(n * dim), 8), calloc((size_t)(n * dim), 4)};
    double at[MAX_K * MAX_DIM];
    for (int64_t i = 0; i < centres * dim; i++) at[i] = 5 * next_number(&seed);
    for (int64_t i = 0; i < n; i++) {
        int64_t c = next_below(&seed, centres);
        for (int64_t d = 0; d < dim; d++) {
            r.narrow[i * dim + d] = (float)(at[c * dim + d] + next_number(&seed) + offset);
            r.wide[i * dim + d] = (double)r.narrow[i * dim + d];
        }
    }
    return r;
}

static void free_rows(rows *r) {
    free(r->wide);
    free(r->narrow);
}

static vt__kmeans_params params_for(int64_t k) {
    return (vt__kmeans_params){.k = k, .max_iter = 300, .n_init = 1, .batch_size = 1024, .tolerance = -1, .watch = {.what = "kmeans"}};
}

static vt_clustering *run(vt_context *ctx, const rows *r, int32_t dtype, const vt__kmeans_params *params) {
    vt_clustering *c = NULL;
    if (vt__cluster_kmeans(ctx, dtype == VT_DTYPE_F32 ? (const void *)r->narrow : r->wide, dtype, r->n, r->dim, r->dim, params, &c) != VT_OK) fail_msg("%s", vt__error_message());
    return c;
}

static double squared(const double *a, const double *b, int64_t dim) {
    double sum = 0;
    for (int64_t d = 0; d < dim; d++) sum += (a[d] - b[d]) * (a[d] - b[d]);
    return sum;
}

/* Labels, distances and inertia are those of the centroids: the nearest up to rounding. */
static void assert_consistent(const rows *r, const vt_clustering *c, const double *weights) {
    const vt__clustering_parts *p = vt__clustering_parts_of(c);
    const double eps = p->dtype == VT_DTYPE_F32 ? 1e-5 : 1e-12;
    double inertia = 0, centroid[MAX_DIM];
    for (int64_t i = 0; i < r->n; i++) {
        double best = (double)INFINITY, own = 0;
        for (int64_t j = 0; j < p->k; j++) {
            for (int64_t d = 0; d < r->dim; d++) centroid[d] = value_of(p->dtype == VT_DTYPE_F32 ? VT__DISTANCE_F32 : VT__DISTANCE_F64, p->centroids, j * r->dim + d);
            double s = squared(r->wide + i * r->dim, centroid, r->dim);
            best = fmin(best, s);
            if (j == p->labels[i]) own = s;
        }
        assert_true(fabs(p->nearest[i] - own) <= eps * (own + 1) && own <= best + eps * (best + 1));
        inertia += (weights ? weights[i] : 1) * p->nearest[i];
    }
    assert_true(fabs(p->loss - inertia) <= 1e-12 * inertia);
    assert_true(p->medoids == NULL && p->second == NULL && p->dim == r->dim);
}

/* Lloyd's iteration in the plainest way; returns the passes, the one that moved nothing included. */
static int64_t plain_lloyd(const rows *r, double *centroids, int64_t k, const double *weights, int32_t *labels) {
    double sums[MAX_K * MAX_DIM], mass[MAX_K];
    for (int64_t i = 0; i < r->n; i++) labels[i] = -1;
    for (int64_t pass = 1;; pass++) {
        int64_t moved = 0;
        memset(sums, 0, sizeof sums);
        memset(mass, 0, sizeof mass);
        for (int64_t i = 0; i < r->n; i++) {
            int32_t best = 0;
            for (int32_t j = 1; j < k; j++)
                if (squared(r->wide + i * r->dim, centroids + j * r->dim, r->dim) < squared(r->wide + i * r->dim, centroids + best * r->dim, r->dim)) best = j;
            moved += best != labels[i];
            labels[i] = best;
            mass[best] += weights ? weights[i] : 1;
            for (int64_t d = 0; d < r->dim; d++) sums[best * r->dim + d] += (weights ? weights[i] : 1) * r->wide[i * r->dim + d];
        }
        for (int64_t j = 0; j < k * r->dim; j++) centroids[j] = sums[j] / mass[j / r->dim];
        if (!moved) return pass;
    }
}

static const struct {
    const char *name;
    int64_t n, dim, k;
    double offset;
} sizes[] = {
    {"one row", 1, 1, 1, 0},           {"one cluster", 37, 3, 1, 0},       {"as many clusters as rows", 6, 2, 6, 0}, {"a panel", 16, 5, 3, 0},
    {"a panel and one", 17, 8, 4, 0},  {"seven clusters", 300, 9, 7, 0},   {"many columns", 200, 40, 4, 0},           {"far from the origin", 500, 4, 5, 1e4},
    {"several pieces", 5000, 2, 3, 0}, {"many clusters", 1000, 17, 40, 0},
};

static void lloyd_is_that_of_the_definition(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (size_t s = 0; s < COUNT(sizes); s++) {
        rows r = make_rows(sizes[s].n, sizes[s].dim, 5, sizes[s].offset, s);
        const int64_t k = sizes[s].k;
        double centroids[MAX_K * MAX_DIM];
        int32_t *labels = calloc((size_t)r.n, sizeof *labels);
        vt__kmeans_params params = params_for(k);
        params.centroids = r.wide; /* the first k rows */
        memcpy(centroids, r.wide, (size_t)(k * r.dim) * sizeof *centroids);
        int64_t n_iter = plain_lloyd(&r, centroids, k, NULL, labels);
        vt_clustering *c = run(ctx, &r, VT_DTYPE_F64, &params);
        const vt__clustering_parts *p = vt__clustering_parts_of(c);
        assert_consistent(&r, c, NULL);
        assert_int_equal(p->n_iter, n_iter);
        assert_memory_equal(p->labels, labels, (size_t)r.n * sizeof *labels);
        for (int64_t i = 0; i < k * r.dim; i++) {
            double got = ((const double *)p->centroids)[i];
            if (fabs(got - centroids[i]) > 1e-12 * (fabs(centroids[i]) + 1)) fail_msg("%s: centroid element %lld is %.17g, not %.17g", sizes[s].name, (long long)i, got, centroids[i]);
        }
        vt__clustering_release(c);
        params.centroids = r.narrow;
        c = run(ctx, &r, VT_DTYPE_F32, &params);
        if (sizes[s].offset <= 0) assert_consistent(&r, c, NULL);
        vt__clustering_release(c);
        free(labels);
        free_rows(&r);
    }
    vt__context_release(ctx);
}

/* Float32 rows a thousand times their spread from the origin fall into the clusters of exact arithmetic. */
static void centring_keeps_float32_exact_enough(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    rows r = make_rows(600, 6, 4, 4096, 3);
    vt__kmeans_params params = params_for(4);
    params.centroids = r.narrow;
    vt_clustering *narrow = run(ctx, &r, VT_DTYPE_F32, &params);
    params.centroids = r.wide;
    vt_clustering *wide = run(ctx, &r, VT_DTYPE_F64, &params);
    assert_memory_equal(vt__clustering_parts_of(narrow)->labels, vt__clustering_parts_of(wide)->labels, 600 * sizeof(int32_t));
    vt__clustering_release(narrow);
    vt__clustering_release(wide);
    free_rows(&r);
    vt__context_release(ctx);
}

static void rows_may_lie_apart(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    rows r = make_rows(100, 8, 4, 0, 4);
    vt__kmeans_params params = params_for(3);
    vt_clustering *whole = NULL, *part = NULL;
    double packed[100 * 5];
    for (int64_t i = 0; i < 500; i++) packed[i] = r.wide[i / 5 * 8 + i % 5];
    params.seed = 2;
    assert_int_equal(vt__cluster_kmeans(ctx, r.wide, VT_DTYPE_F64, 100, 5, 8, &params, &part), VT_OK);
    assert_int_equal(vt__cluster_kmeans(ctx, packed, VT_DTYPE_F64, 100, 5, 5, &params, &whole), VT_OK);
    assert_memory_equal(vt__clustering_parts_of(part)->centroids, vt__clustering_parts_of(whole)->centroids, 15 * sizeof(double));
    vt__clustering_release(part);
    vt__clustering_release(whole);
    free_rows(&r);
    vt__context_release(ctx);
}

static void empty_clusters_take_the_farthest_rows(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    static const double x[] = {0, 1, 2, 3, 50, 100, 101}, start[] = {1, 1000, 2000};
    vt__kmeans_params params = params_for(3);
    vt_clustering *c = NULL;
    params.centroids = start;
    params.max_iter = 1;
    assert_int_equal(vt__cluster_kmeans(ctx, x, VT_DTYPE_F64, 7, 1, 1, &params, &c), VT_OK);
    const double *centroids = vt__clustering_parts_of(c)->centroids;
    assert_true(fabs(centroids[0] - 11.2) < 1e-12 && fabs(centroids[1] - 101) < 1e-12 && fabs(centroids[2] - 100) < 1e-12);
    vt__clustering_release(c);
    params.max_iter = 100;
    assert_int_equal(vt__cluster_kmeans(ctx, x, VT_DTYPE_F64, 7, 1, 1, &params, &c), VT_OK);
    static const int32_t want[] = {0, 0, 0, 0, 0, 2, 1};
    assert_memory_equal(vt__clustering_parts_of(c)->labels, want, sizeof want);
    vt__clustering_release(c);
    vt__context_release(ctx);
}

static void fewer_different_rows_than_clusters_end(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    float x[300];
    for (int i = 0; i < 300; i++) x[i] = (float)(i % 3);
    for (int mini_batch = 0; mini_batch < 2; mini_batch++)
        for (int random_init = 0; random_init < 2; random_init++) {
            vt__kmeans_params params = params_for(7);
            vt_clustering *c = NULL;
            params.mini_batch = mini_batch;
            params.random_init = random_init;
            params.seed = 5;
            assert_int_equal(vt__cluster_kmeans(ctx, x, VT_DTYPE_F32, 300, 1, 1, &params, &c), VT_OK);
            assert_true(vt__clustering_parts_of(c)->k == 7 && vt__clustering_parts_of(c)->loss < 1e-10);
            vt__clustering_release(c);
        }
    vt__context_release(ctx);
}

/* A row of weight 3 is three rows; one of weight 0 is none. */
static void weights_are_duplicates(void **state) {
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    rows r = make_rows(400, 5, 6, 0, 8), twice = {0, 5, calloc(400 * 4 * 5, 8), NULL};
    double weights[400];
    for (int64_t i = 0; i < 400; i++) {
        weights[i] = (double)(i % 4);
        for (int64_t w = 0; w < i % 4; w++) memcpy(twice.wide + twice.n++ * 5, r.wide + i * 5, 5 * sizeof(double));
    }
    vt__kmeans_params params = params_for(6);
    params.centroids = r.wide;
    vt_clustering *duplicated = run(ctx, &twice, VT_DTYPE_F64, &params);
    params.weights = weights;
    vt_clustering *weighted = run(ctx, &r, VT_DTYPE_F64, &params);
    const vt__clustering_parts *a = vt__clustering_parts_of(weighted), *b = vt__clustering_parts_of(duplicated);
    assert_consistent(&r, weighted, weights);
    assert_int_equal(a->n_iter, b->n_iter);
    assert_true(fabs(a->loss - b->loss) <= 1e-10 * a->loss);
    for (int64_t i = 0; i < 30; i++) assert_true(fabs(((const double *)a->centroids)[i] - ((const double *)b->centroids)[i]) < 1e-10);
    vt__clustering_release(duplicated);
    vt__clustering_release(weighted);
    free_rows(&r);
    free_rows(&twice);
    vt__context_release(ctx);
}

static void rows_of_weight_zero_do_not_pull(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    double x[64], weights[64];
    for (int i = 0; i < 64; i++) {
        x[i] = i < 60 ? i % 3 * 10 : 1000 + i;
        weights[i] = i < 60;
    }
    for (int way = 0; way < 4; way++) {
        vt__kmeans_params params = params_for(3);
        vt_clustering *c = NULL;
        params.weights = weights;
        params.mini_batch = way / 2;
        params.random_init = way % 2;
        params.seed = 1;
        params.n_init = 10;
        assert_int_equal(vt__cluster_kmeans(ctx, x, VT_DTYPE_F64, 64, 1, 1, &params, &c), VT_OK);
        for (int i = 0; i < 3; i++) assert_true(((const double *)vt__clustering_parts_of(c)->centroids)[i] <= 20);
        vt__clustering_release(c);
    }
    vt__context_release(ctx);
}

static void tolerance_stops_earlier(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    rows r = make_rows(3000, 4, 30, 0, 12);
    vt__kmeans_params params = params_for(20);
    int64_t before = INT64_MAX;
    static const double tolerances[] = {-1, 1e-6, 1e-2, 1e3};
    for (size_t i = 0; i < COUNT(tolerances); i++) {
        params.tolerance = tolerances[i];
        vt_clustering *c = run(ctx, &r, VT_DTYPE_F32, &params);
        assert_true(vt__clustering_parts_of(c)->n_iter <= before);
        before = vt__clustering_parts_of(c)->n_iter;
        assert_consistent(&r, c, NULL);
        vt__clustering_release(c);
    }
    assert_int_equal(before, 1);
    free_rows(&r);
    vt__context_release(ctx);
}

static double inertia_of(vt_context *ctx, const rows *r, const vt__kmeans_params *params) {
    vt_clustering *c = run(ctx, r, VT_DTYPE_F32, params);
    double loss = vt__clustering_parts_of(c)->loss;
    assert_consistent(r, c, NULL);
    vt__clustering_release(c);
    return loss;
}

/* Blobs that k-means++ finds all of; random rows seldom do. */
static void more_starts_and_better_seeds_are_no_worse(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    rows r = make_rows(2000, 8, 12, 0, 21);
    double plus_plus = 0, random = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        vt__kmeans_params params = params_for(12);
        params.seed = seed;
        double one = inertia_of(ctx, &r, &params);
        plus_plus += one;
        params.n_init = 4;
        assert_true(inertia_of(ctx, &r, &params) <= one);
        params.n_init = 1;
        params.random_init = 1;
        random += inertia_of(ctx, &r, &params);
    }
    assert_true(plus_plus < random);
    free_rows(&r);
    vt__context_release(ctx);
}

static void mini_batches_come_near_lloyd(void **state) {
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    rows r = make_rows(8000, 8, 10, 0, 5);
    double lloyd = 0, mini_batch = 0;
    for (uint64_t seed = 0; seed < 5; seed++) {
        vt__kmeans_params params = params_for(10);
        params.seed = seed;
        lloyd += inertia_of(ctx, &r, &params);
        params.mini_batch = 1;
        params.batch_size = 256;
        params.max_iter = 100;
        mini_batch += inertia_of(ctx, &r, &params);
    }
    assert_true(mini_batch < 1.1 * lloyd);
    free_rows(&r);
    vt__context_release(ctx);
}

static void threads_do_not_show(void **state) {
    (void)state;
    static const int32_t counts[] = {1, 2, 3, 7};
    rows r = make_rows(5000, 10, 9, 0, 30);
    double weights[5000];
    for (int64_t i = 0; i < r.n; i++) weights[i] = (double)(i % 7) / 3;
    for (int way = 0; way < 8; way++) {
        vt_clustering *first = NULL;
        vt_context *contexts[COUNT(counts)];
        for (size_t t = 0; t < COUNT(counts); t++) {
            vt__kmeans_params params = params_for(11);
            contexts[t] = new_context(counts[t], NULL);
            params.seed = 77;
            params.weights = way & 1 ? weights : NULL;
            params.mini_batch = (way & 2) != 0;
            params.n_init = 2;
            vt_clustering *c = run(contexts[t], &r, way & 4 ? VT_DTYPE_F32 : VT_DTYPE_F64, &params);
            if (first) {
                const vt__clustering_parts *a = vt__clustering_parts_of(first), *b = vt__clustering_parts_of(c);
                assert_true(a->n_iter == b->n_iter && memcmp(&a->loss, &b->loss, sizeof a->loss) == 0);
                assert_memory_equal(a->labels, b->labels, (size_t)r.n * sizeof *a->labels);
                assert_memory_equal(a->centroids, b->centroids, (size_t)(11 * r.dim) * (way & 4 ? 4 : 8));
                vt__clustering_release(c);
            } else {
                first = c;
            }
        }
        vt__clustering_release(first);
        for (size_t t = 0; t < COUNT(counts); t++) vt__context_release(contexts[t]);
    }
    free_rows(&r);
}

static void unfit_rows_are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *name, *message;
        int64_t at;
        double value;
        vt_status want;
    } cases[] = {
        {"NaN", "row 1 has nan", 3, NAN, VT_ERR_NUMERIC},
        {"infinity", "row 2 has -inf", 4, -(double)INFINITY, VT_ERR_NUMERIC},
        {"squares overflow", "overflow", 5, 1e200, VT_ERR_NUMERIC},
        {"a sum overflows", "overflow", 5, 1.7e308, VT_ERR_NUMERIC},
        {"fine", "", 5, 7, VT_OK},
    };
    vt_context *ctx = new_context(1, NULL);
    vt_clustering *c = NULL;
    vt__kmeans_params params = params_for(2);
    for (size_t i = 0; i < COUNT(cases); i++) {
        double x[8] = {0, 1, 2, 3, 4, 5, 6, 1.7e308};
        x[7] = i == 3 ? 1.7e308 : 0;
        x[cases[i].at] = cases[i].value;
        assert_int_equal(vt__cluster_kmeans(ctx, x, VT_DTYPE_F64, 4, 2, 2, &params, &c), cases[i].want);
        if (cases[i].want != VT_OK && !strstr(vt__error_message(), cases[i].message)) fail_msg("%s: %s", cases[i].name, vt__error_message());
        vt__clustering_release(c);
        c = NULL;
    }
    const float far[4] = {1e19f, 0, -1e19f, 0};
    assert_int_equal(vt__cluster_kmeans(ctx, far, VT_DTYPE_F32, 4, 1, 1, &params, &c), VT_ERR_NUMERIC);
    assert_int_equal(vt__cluster_kmeans(ctx, far, VT_DTYPE_I32, 4, 1, 1, &params, &c), VT_ERR_DTYPE);
    const float nan_centroid[2] = {0, NAN};
    const float near[4] = {1, 2, 3, 4};
    params.centroids = nan_centroid;
    assert_int_equal(vt__cluster_kmeans(ctx, near, VT_DTYPE_F32, 4, 1, 1, &params, &c), VT_ERR_NUMERIC);
    assert_non_null(strstr(vt__error_message(), "centroid 1"));
    assert_null(c);
    vt__context_release(ctx);
}

static void cancelling_leaves_nothing(void **state) {
    (void)state;
    rows r = make_rows(2000, 4, 9, 0, 1);
    for (int way = 0; way < 2; way++)
        for (int calls = 0; calls < 2; calls++) {
            torture t = {0};
            int calls_left = calls;
            vt_context *ctx = new_context(1, &t);
            vt_clustering *c = NULL;
            vt__kmeans_params params = params_for(9);
            long before = t.live;
            params.mini_batch = way;
            params.watch.progress = stop;
            params.watch.progress_user = &calls_left;
            params.centroids = calls == 0 ? NULL : r.wide;
            vt_status st = vt__cluster_kmeans(ctx, r.wide, VT_DTYPE_F64, r.n, r.dim, r.dim, &params, &c);
            assert_true(st == VT_ERR_CANCELLED || (calls > 0 && st == VT_OK)); /* the second report may come after the end */
            vt__clustering_release(c);
            assert_int_equal(t.live, before);
            vt__context_release(ctx);
        }
    free_rows(&r);
}

static vt_status kmeans_scenario(vt_context *ctx, const void *how) {
    vt_clustering *c = NULL;
    double x[90];
    for (int i = 0; i < 90; i++) x[i] = i % 4 == 0 ? 0 : i;
    vt_status st = vt__cluster_kmeans(ctx, x, VT_DTYPE_F64, 90, 1, 1, how, &c);
    vt__clustering_release(c);
    return st;
}

static void failing_allocations_are_survived(void **state) {
    (void)state;
    static const double start[] = {1, 1000, 2000, 3000};
    for (int way = 0; way < 5; way++) {
        vt__kmeans_params params = params_for(4);
        params.mini_batch = way == 1 || way == 2;
        params.random_init = way == 2 || way == 3;
        params.batch_size = 16;
        params.centroids = way == 4 ? start : NULL; /* clusters are empty at once */
        assert_survives(kmeans_scenario, &params);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lloyd_is_that_of_the_definition),       cmocka_unit_test(centring_keeps_float32_exact_enough),
        cmocka_unit_test(rows_may_lie_apart),                    cmocka_unit_test(empty_clusters_take_the_farthest_rows),
        cmocka_unit_test(fewer_different_rows_than_clusters_end), cmocka_unit_test(weights_are_duplicates),
        cmocka_unit_test(rows_of_weight_zero_do_not_pull),       cmocka_unit_test(tolerance_stops_earlier),
        cmocka_unit_test(more_starts_and_better_seeds_are_no_worse), cmocka_unit_test(mini_batches_come_near_lloyd),
        cmocka_unit_test(threads_do_not_show),                   cmocka_unit_test(unfit_rows_are_refused_by_name),
        cmocka_unit_test(cancelling_leaves_nothing),             cmocka_unit_test(failing_allocations_are_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
