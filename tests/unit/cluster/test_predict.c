/* Clusters of new points: nearest medoids and centroids against the definition, the clustered rows themselves, refusals, threads, cancelling,
 * allocation failures. */
#include "kmeans/kmeans.h"
#include "scatter.h"

enum { N = 90, DIM = 7, M = 3000, BYTES = 3 };

static void fill(double *wide, float *narrow, int64_t n, uint64_t seed) {
    for (int64_t i = 0; i < n; i++) {
        narrow[i] = (float)next_number(&seed);
        wide[i] = (double)narrow[i];
    }
}

static vt_clustering *medoids_of(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int32_t metric, int64_t k) {
    vt_distance *distance = NULL;
    vt_clustering *c = NULL;
    vt__cluster_params params = params_of(VT__CLUSTER_FASTERPAM, VT__INIT_LAB, k);
    assert_int_equal(vt__distance_from_rows(ctx, data, dtype, n, dim, dim, metric, 0, &distance), VT_OK);
    assert_int_equal(vt__cluster_kmedoids(distance, &params, &c), VT_OK);
    vt__distance_release(distance); /* the clustering keeps it */
    return c;
}

static vt_clustering *means_of(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t k) {
    vt_clustering *c = NULL;
    vt__kmeans_params params = {.k = k, .max_iter = 50, .n_init = 1, .tolerance = 1e-4, .watch = {.what = "kmeans"}};
    assert_int_equal(vt__cluster_kmeans(ctx, data, dtype, n, dim, dim, &params, &c), VT_OK);
    return c;
}

static vt_status predict(const vt_clustering *c, const void *data, int32_t dtype, int64_t m, int64_t dim, int64_t stride, int32_t *labels, double *distances) {
    vt__watch watch = {.what = "clustering"};
    vt__rows_view rows = {data, dtype, m, dim, stride};
    return vt__clustering_predict(c, &rows, &watch, labels, distances);
}

static double between(int32_t metric, const double *a, const double *b) {
    double sum = 0, aa = 0, bb = 0, ab = 0;
    for (int d = 0; d < DIM; d++) {
        sum += metric == VT__METRIC_L1 ? fabs(a[d] - b[d]) : (a[d] - b[d]) * (a[d] - b[d]);
        aa += a[d] * a[d], bb += b[d] * b[d], ab += a[d] * b[d];
    }
    return metric == VT__METRIC_L2 ? sqrt(sum) : metric == VT__METRIC_COSINE ? 1 - ab / sqrt(aa * bb) : sum;
}

/* The label's centre is nearest up to rounding, and the distance is its own. */
static void assert_nearest(const double *points, const double *centres, int64_t m, int64_t k, int32_t metric, double eps, const int32_t *labels, const double *distances) {
    for (int64_t i = 0; i < m; i++) {
        double best = (double)INFINITY, own = between(metric, points + i * DIM, centres + labels[i] * DIM);
        for (int64_t c = 0; c < k; c++) best = fmin(best, between(metric, points + i * DIM, centres + c * DIM));
        assert_true(own <= best + eps && fabs(distances[i] - own) <= eps);
    }
}

static void new_rows_go_to_their_nearest_medoid(void **state) {
    (void)state;
    static double wide[N * DIM], points[M * DIM], centres[9 * DIM], distances[M];
    static float narrow[N * DIM], narrow_points[M * DIM];
    static int32_t labels[M], without[M];
    vt_context *ctx = new_context(2, NULL);
    fill(wide, narrow, N * DIM, 1);
    fill(points, narrow_points, M * DIM, 2);
    for (int32_t metric = VT__METRIC_L2; metric <= VT__METRIC_COSINE; metric++)
        for (int is_f32 = 0; is_f32 < 2; is_f32++) {
            vt_clustering *c = medoids_of(ctx, is_f32 ? (const void *)narrow : wide, is_f32 ? VT_DTYPE_F32 : VT_DTYPE_F64, N, DIM, metric, 9);
            const int64_t *medoids = vt__clustering_parts_of(c)->medoids;
            for (int s = 0; s < 9; s++) memcpy(centres + s * DIM, wide + medoids[s] * DIM, DIM * sizeof *centres);
            assert_int_equal(predict(c, is_f32 ? (const void *)narrow_points : points, is_f32 ? VT_DTYPE_F32 : VT_DTYPE_F64, M, DIM, DIM, labels, distances), VT_OK);
            assert_nearest(points, centres, M, 9, metric, is_f32 ? 1e-5 : 1e-13, labels, distances);
            assert_int_equal(predict(c, is_f32 ? (const void *)narrow_points : points, is_f32 ? VT_DTYPE_F32 : VT_DTYPE_F64, M, DIM, DIM, without, NULL), VT_OK);
            assert_memory_equal(labels, without, sizeof labels);
            vt__clustering_release(c);
        }
    vt__context_release(ctx);
}

static void clustered_rows_keep_their_labels(void **state) {
    (void)state;
    static double wide[M * DIM], distances[M];
    static float narrow[M * DIM];
    static int32_t labels[M];
    vt_context *ctx = new_context(3, NULL);
    fill(wide, narrow, M * DIM, 3);
    for (int is_f32 = 0; is_f32 < 2; is_f32++)
        for (int way = 0; way < 2; way++) {
            const void *data = is_f32 ? (const void *)narrow : wide;
            const int32_t dtype = is_f32 ? VT_DTYPE_F32 : VT_DTYPE_F64;
            /* 400 centres: more than a block of rows */
            vt_clustering *c = way ? means_of(ctx, data, dtype, M, DIM, 400) : medoids_of(ctx, data, dtype, N, DIM, VT__METRIC_L2, 12);
            const vt__clustering_parts *p = vt__clustering_parts_of(c);
            assert_int_equal(predict(c, data, dtype, p->n, DIM, DIM, labels, distances), VT_OK);
            assert_memory_equal(labels, p->labels, (size_t)p->n * sizeof *labels);
            assert_memory_equal(distances, p->nearest, (size_t)p->n * sizeof *distances);
            vt__clustering_release(c);
        }
    vt__context_release(ctx);
}

static int ones(unsigned char byte) {
    int n = 0;
    for (; byte; byte = (unsigned char)(byte & (byte - 1))) n++;
    return n;
}

static void bits_go_to_their_nearest_medoid(void **state) {
    (void)state;
    unsigned char rows[N * BYTES], points[N * BYTES];
    int32_t labels[N];
    double distances[N];
    uint64_t seed = 4;
    vt_context *ctx = new_context(1, NULL);
    for (int i = 0; i < N * BYTES; i++) rows[i] = (unsigned char)next_word(&seed), points[i] = (unsigned char)next_word(&seed);
    for (int32_t metric = VT__METRIC_HAMMING; metric <= VT__METRIC_JACCARD; metric++) {
        vt_clustering *c = medoids_of(ctx, rows, VT_DTYPE_U8, N, BYTES, metric, 5);
        const int64_t *medoids = vt__clustering_parts_of(c)->medoids;
        assert_int_equal(predict(c, points, VT_DTYPE_U8, N, BYTES, BYTES, labels, distances), VT_OK);
        for (int64_t i = 0; i < N; i++) {
            double d[5];
            int best = 0;
            for (int s = 0; s < 5; s++) {
                int differ = 0, either = 0;
                for (int b = 0; b < BYTES; b++) {
                    unsigned char x = points[i * BYTES + b], y = rows[medoids[s] * BYTES + b];
                    differ += ones(x ^ y), either += ones(x | y);
                }
                d[s] = metric == VT__METRIC_HAMMING ? differ : (double)((float)differ / (float)either);
                if (d[s] < d[best]) best = s;
            }
            assert_true(labels[i] == best && distances[i] == d[best]); /* ties: the lowest */
        }
        vt__clustering_release(c);
    }
    vt__context_release(ctx);
}

static void rows_may_lie_apart_and_be_none(void **state) {
    (void)state;
    static double wide[N * DIM], spread[N * 10];
    static float narrow[N * DIM];
    int32_t labels[N], apart[N];
    vt_context *ctx = new_context(1, NULL);
    fill(wide, narrow, N * DIM, 5);
    for (int64_t i = 0; i < N; i++) memcpy(spread + i * 10, wide + i * DIM, DIM * sizeof *wide);
    vt_clustering *c = means_of(ctx, wide, VT_DTYPE_F64, N, DIM, 4);
    assert_int_equal(predict(c, wide, VT_DTYPE_F64, N, DIM, DIM, labels, NULL), VT_OK);
    assert_int_equal(predict(c, spread, VT_DTYPE_F64, N, DIM, 10, apart, NULL), VT_OK);
    assert_memory_equal(labels, apart, sizeof labels);
    assert_int_equal(predict(c, NULL, VT_DTYPE_F64, 0, DIM, DIM, NULL, NULL), VT_OK);
    vt__clustering_release(c);
    vt__context_release(ctx);
}

static void unfit_rows_are_refused(void **state) {
    (void)state;
    static double wide[M * DIM];
    static float narrow[M * DIM];
    static int32_t labels[M];
    vt_context *ctx = new_context(1, NULL);
    fill(wide, narrow, M * DIM, 6);
    vt_clustering *both[2] = {means_of(ctx, wide, VT_DTYPE_F64, M, DIM, 400), medoids_of(ctx, wide, VT_DTYPE_F64, N, DIM, VT__METRIC_L1, 4)};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(predict(both[i], narrow, VT_DTYPE_F32, 5, DIM, DIM, labels, NULL), VT_ERR_DTYPE);
        assert_int_equal(predict(both[i], wide, VT_DTYPE_F64, 5, DIM - 1, DIM, labels, NULL), VT_ERR_SHAPE);
        assert_non_null(strstr(vt__error_message(), "6 elements"));
    }
    wide[(M - 1) * DIM] = NAN; /* in the second block */
    assert_int_equal(predict(both[0], wide, VT_DTYPE_F64, M, DIM, DIM, labels, NULL), VT_ERR_NUMERIC);
    assert_non_null(strstr(vt__error_message(), "rows from 2560 on: "));
    assert_non_null(strstr(vt__error_message(), "row 439 "));
    problem p = make_scatter(VT__DISTANCE_F64, 20);
    vt__cluster_params params = params_of(VT__CLUSTER_FASTERPAM, VT__INIT_LAB, 3);
    vt_clustering *matrix = cluster(ctx, &p, &params);
    assert_int_equal(predict(matrix, wide, VT_DTYPE_F64, 2, DIM, DIM, labels, NULL), VT_ERR_UNSUPPORTED);
    vt__clustering_release(matrix);
    free_problem(&p);
    for (int i = 0; i < 2; i++) vt__clustering_release(both[i]);
    vt__context_release(ctx);
}

static void cancelled_calls_say_so(void **state) {
    (void)state;
    static double wide[N * DIM];
    static float narrow[N * DIM];
    int32_t labels[N];
    vt_context *ctx = new_context(1, NULL);
    vt_cancel *cancel = NULL;
    fill(wide, narrow, N * DIM, 7);
    vt_clustering *c = means_of(ctx, wide, VT_DTYPE_F64, N, DIM, 4);
    assert_int_equal(vt__cancel_create(ctx, &cancel), VT_OK);
    vt__cancel_raise(cancel);
    vt__watch watch = {.what = "clustering", .cancel = cancel};
    vt__rows_view rows = {wide, VT_DTYPE_F64, N, DIM, DIM};
    assert_int_equal(vt__clustering_predict(c, &rows, &watch, labels, NULL), VT_ERR_CANCELLED);
    vt__cancel_release(cancel);
    vt__clustering_release(c);
    vt__context_release(ctx);
}

/* how: NULL for k-means. */
static vt_status predict_scenario(vt_context *ctx, const void *how) {
    static double wide[N * DIM];
    static float narrow[N * DIM];
    int32_t labels[N];
    vt_distance *distance = NULL;
    vt_clustering *c = NULL;
    fill(wide, narrow, N * DIM, 8);
    vt__kmeans_params means = {.k = 4, .max_iter = 5, .n_init = 1, .watch = {.what = "kmeans"}};
    vt_status st = how ? vt__distance_from_rows(ctx, wide, VT_DTYPE_F64, N, DIM, DIM, VT__METRIC_L2, 0, &distance) : vt__cluster_kmeans(ctx, wide, VT_DTYPE_F64, N, DIM, DIM, &means, &c);
    if (st == VT_OK && how) st = vt__cluster_kmedoids(distance, how, &c);
    if (st == VT_OK) st = predict(c, wide, VT_DTYPE_F64, N, DIM, DIM, labels, NULL);
    vt__clustering_release(c);
    vt__distance_release(distance);
    return st;
}

static void failing_allocations_are_survived(void **state) {
    (void)state;
    vt__cluster_params params = params_of(VT__CLUSTER_FASTERPAM, VT__INIT_LAB, 4);
    assert_survives(predict_scenario, NULL);
    assert_survives(predict_scenario, &params);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_rows_go_to_their_nearest_medoid), cmocka_unit_test(clustered_rows_keep_their_labels),
        cmocka_unit_test(bits_go_to_their_nearest_medoid),     cmocka_unit_test(rows_may_lie_apart_and_be_none),
        cmocka_unit_test(unfit_rows_are_refused),              cmocka_unit_test(cancelled_calls_say_so),
        cmocka_unit_test(failing_allocations_are_survived)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
