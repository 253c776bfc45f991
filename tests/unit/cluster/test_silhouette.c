/* Silhouettes against the definition, object by object; infinities, empty clusters, bad labels, threads, cancelling. */
#include "../distance/measure.h"
#include "cluster/cluster.h"
#include "core/cancel.h"

static const int32_t dtypes[] = {VT_DTYPE_F32, VT_DTYPE_F64, VT_DTYPE_I32, VT_DTYPE_I64};
enum { N_MAX = 70 };

static vt_distance *of_values(vt_context *ctx, int type, const double *values, int64_t n) {
    static _Alignas(8) char data[N_MAX * N_MAX * 8];
    vt_distance *d = NULL;
    for (int64_t i = 0; i < n * n; i++) put_value(type, data, i, values[i]);
    assert_int_equal(vt__distance_from_matrix(ctx, data, dtypes[type], n, n, 0, &d), VT_OK);
    return d;
}

/* Whole numbers in [-1, 9] with zeros on the diagonal, some of them infinite. */
static void fill(double *values, int64_t n, double infinite, uint64_t *state) {
    for (int64_t i = 0; i < n * n; i++) {
        double v = (double)(next_word(state) % 11) - 1;
        if (next_number(state) < infinite * 2 - 1) v = (double)INFINITY;
        values[i] = i / n == i % n ? 0 : v;
    }
}

static double ratio(double a, double b) {
    if (a == b) return 0;
    if (isinf(a)) return -1;
    return isinf(b) ? 1 : (b - a) / fmax(a, b);
}

static double sample_by_definition(const double *values, const int32_t *labels, int64_t n, int64_t k, int64_t o) {
    double a = NAN, b = NAN;
    for (int64_t c = 0; c < k; c++) {
        double sum = 0, count = 0;
        for (int64_t p = 0; p < n; p++)
            if (labels[p] == c && p != o) {
                sum += fmax(values[o * n + p], 0);
                count++;
            }
        if (count == 0) continue;
        if (c == labels[o]) a = sum / count;
        else b = isnan(b) ? sum / count : fmin(b, sum / count);
    }
    return isnan(a) || isnan(b) ? 0 : ratio(a, b);
}

static double medoid_sample_by_definition(const double *values, const int64_t *medoids, int64_t n, int64_t k, int64_t o) {
    double d1 = (double)INFINITY, d2 = (double)INFINITY;
    for (int64_t i = 0; i < k; i++) {
        double d = medoids[i] == o ? 0 : fmax(values[o * n + medoids[i]], 0);
        d2 = fmin(d2, fmax(d1, d));
        d1 = fmin(d1, d);
    }
    if (d1 == 0) return 1;
    return isinf(d1) ? 0 : isinf(d2) ? 1 : 1 - d1 / d2;
}

static void samples_are_those_of_the_definition(void **state) {
    (void)state;
    static double values[N_MAX * N_MAX];
    double samples[N_MAX], mean;
    int32_t labels[N_MAX];
    uint64_t seed = 11;
    vt_context *ctx = new_context(2, NULL);
    for (int round = 0; round < 200; round++) {
        int64_t n = 1 + next_word(&seed) % N_MAX, k = 1 + next_word(&seed) % 8;
        int type = round % 4;
        double sum = 0;
        fill(values, n, type < 2 && round % 3 == 0 ? 0.1 : 0, &seed);
        for (int64_t i = 0; i < n; i++) labels[i] = (int32_t)(next_word(&seed) % (uint32_t)k);
        vt_distance *d = of_values(ctx, type, values, n);
        assert_int_equal(vt__silhouette(d, labels, k, NULL, samples, &mean), VT_OK);
        for (int64_t o = 0; o < n; o++) {
            assert_near(samples[o], sample_by_definition(values, labels, n, k, o), 1e-12, o, o);
            sum += samples[o];
        }
        assert_near(mean, sum / (double)n, 1e-12, 0, 0);
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

static void medoid_samples_are_those_of_the_definition(void **state) {
    (void)state;
    static double values[N_MAX * N_MAX];
    double samples[N_MAX], mean;
    int64_t medoids[N_MAX];
    uint64_t seed = 12;
    vt_context *ctx = new_context(2, NULL);
    for (int round = 0; round < 200; round++) {
        int64_t n = 2 + next_word(&seed) % (N_MAX - 1), k = 2 + next_word(&seed) % (uint32_t)(n - 1), first = next_word(&seed) % (uint32_t)n;
        int type = round % 4;
        double sum = 0;
        fill(values, n, type < 2 && round % 3 == 0 ? 0.3 : 0, &seed);
        if (round % 5 == 0) values[0] = 3; /* a medoid belongs to itself whatever the diagonal says */
        for (int64_t i = 0; i < k; i++) medoids[i] = (first + i) % n;
        vt_distance *d = of_values(ctx, type, values, n);
        assert_int_equal(vt__medoid_silhouette(d, medoids, k, NULL, samples, &mean), VT_OK);
        for (int64_t o = 0; o < n; o++) {
            assert_near(samples[o], medoid_sample_by_definition(values, medoids, n, k, o), 1e-12, o, o);
            sum += samples[o];
        }
        assert_near(mean, sum / (double)n, 1e-12, 0, 0);
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

static void bad_labels_and_medoids_are_named(void **state) {
    (void)state;
    static const double values[9] = {0, 1, 2, 1, 0, 3, 2, 3, 0};
    static const int32_t high[] = {0, 2, 1}, low[] = {0, 1, -1};
    static const int64_t twice[] = {1, 1}, outside[] = {0, 3};
    double mean = 7;
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = of_values(ctx, VT__DISTANCE_I32, values, 3);
    assert_int_equal(vt__silhouette(d, high, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_non_null(strstr(vt__error_message(), "label 2 of object 1"));
    assert_int_equal(vt__silhouette(d, low, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_non_null(strstr(vt__error_message(), "object 2"));
    assert_int_equal(vt__medoid_silhouette(d, twice, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_non_null(strstr(vt__error_message(), "object 1 is a medoid twice"));
    assert_int_equal(vt__medoid_silhouette(d, outside, 2, NULL, NULL, &mean), VT_ERR_INVALID);
    assert_true(mean == 7);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void empty_clusters_change_nothing(void **state) {
    (void)state;
    static const double values[16] = {0, 1, 5, 6, 1, 0, 4, 5, 5, 4, 0, 1, 6, 5, 1, 0};
    static const int32_t packed[] = {0, 0, 1, 1}, spread[] = {3, 3, 90000, 90000};
    double a[4], b[4], mean_a, mean_b;
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = of_values(ctx, VT__DISTANCE_F64, values, 4);
    assert_int_equal(vt__silhouette(d, packed, 2, NULL, a, &mean_a), VT_OK);
    assert_int_equal(vt__silhouette(d, spread, 100000, NULL, b, &mean_b), VT_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_true(mean_a == mean_b);
    assert_near(a[0], 1 - 1 / 5.5, 1e-15, 0, 0);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void threads_do_not_show(void **state) {
    (void)state;
    static const int32_t threads[] = {1, 2, 3, 7};
    static double values[N_MAX * N_MAX];
    double want[2][N_MAX], got[2][N_MAX], mean[2], want_mean[2] = {0, 0};
    int32_t labels[N_MAX];
    int64_t medoids[5] = {1, 2, 3, 50, 60};
    uint64_t seed = 13;
    for (int64_t i = 0; i < N_MAX * N_MAX; i++) values[i] = i / N_MAX == i % N_MAX ? 0 : next_number(&seed) + 1;
    for (int64_t i = 0; i < N_MAX; i++) labels[i] = (int32_t)(next_word(&seed) % 4);
    for (size_t t = 0; t < COUNT(threads); t++) {
        vt_context *ctx = new_context(threads[t], NULL);
        vt_distance *d = of_values(ctx, VT__DISTANCE_F32, values, N_MAX);
        assert_int_equal(vt__silhouette(d, labels, 4, NULL, got[0], &mean[0]), VT_OK);
        assert_int_equal(vt__medoid_silhouette(d, medoids, 5, NULL, got[1], &mean[1]), VT_OK);
        if (t == 0) memcpy(want, got, sizeof want);
        if (t == 0) memcpy(want_mean, mean, sizeof mean);
        assert_memory_equal(got, want, sizeof got);
        assert_memory_equal(mean, want_mean, sizeof mean);
        vt__distance_release(d);
        vt__context_release(ctx);
    }
}

static void cancelling_stops_both(void **state) {
    (void)state;
    static const double values[9] = {0, 1, 2, 1, 0, 3, 2, 3, 0};
    static const int32_t labels[] = {0, 1, 1};
    static const int64_t medoids[] = {0, 1};
    double mean;
    vt_context *ctx = new_context(1, NULL);
    vt_cancel *cancel = NULL;
    assert_int_equal(vt__cancel_create(ctx, &cancel), VT_OK);
    vt__cancel_raise(cancel);
    vt__watch watch = {.what = "silhouette", .cancel = cancel};
    vt_distance *d = of_values(ctx, VT__DISTANCE_F32, values, 3);
    assert_int_equal(vt__silhouette(d, labels, 2, &watch, NULL, &mean), VT_ERR_CANCELLED);
    assert_int_equal(vt__medoid_silhouette(d, medoids, 2, &watch, NULL, &mean), VT_ERR_CANCELLED);
    vt__cancel_release(cancel);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    static const double values[9] = {0, 1, 2, 1, 0, 3, 4, 3, 0};
    static const int32_t labels[] = {0, 1, 1};
    static const int64_t medoids[] = {0, 1};
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {0};
            double mean[2];
            vt_context *ctx = new_context(1, &t);
            vt_distance *d = of_values(ctx, VT__DISTANCE_F32, values, 3);
            t.fail_at = t.calls + k;
            t.sticky = sticky;
            vt_status st = vt__silhouette(d, labels, 2, NULL, NULL, &mean[0]);
            if (st == VT_OK) st = vt__medoid_silhouette(d, medoids, 2, NULL, NULL, &mean[1]);
            int done = t.calls < t.fail_at;
            vt__distance_release(d);
            vt__context_release(ctx);
            assert_int_equal(t.live, 0);
            assert_int_equal(st, done ? VT_OK : VT_ERR_NOMEM);
            if (done) break;
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_those_of_the_definition), cmocka_unit_test(medoid_samples_are_those_of_the_definition),
        cmocka_unit_test(bad_labels_and_medoids_are_named),    cmocka_unit_test(empty_clusters_change_nothing),
        cmocka_unit_test(threads_do_not_show),                 cmocka_unit_test(cancelling_stops_both),
        cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
