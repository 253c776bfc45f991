/* Rows with a metric: floats and bits, against plain sums. */
#include "measure.h"

#include <float.h>
#include <pthread.h>

enum { MAX_N = 130, MAX_DIM = 70 };
static const struct {
    int64_t n, dim, stride;
} shapes[] = {{1, 1, 1}, {2, 3, 3}, {15, 7, 9}, {16, 1, 1}, {17, 64, 64}, {33, 65, 70}, {64, 2, 2}, {65, 5, 5}, {130, 31, 31}};

static double plain(const double *a, const double *b, int64_t dim, int32_t metric) {
    double sum = 0.0, ab = 0.0, aa = 0.0, bb = 0.0;
    for (int64_t k = 0; k < dim; k++) {
        sum += metric == VT__METRIC_L1 ? fabs(a[k] - b[k]) : (a[k] - b[k]) * (a[k] - b[k]);
        ab += a[k] * b[k], aa += a[k] * a[k], bb += b[k] * b[k];
    }
    if (metric != VT__METRIC_COSINE) return metric == VT__METRIC_L2 ? sqrt(sum) : sum;
    return aa == 0.0 || bb == 0.0 ? (aa == bb ? 0.0 : 1.0) : 1.0 - ab / sqrt(aa) / sqrt(bb);
}

/* Rows with copies, multiples and zeros among them, as doubles of the type's precision. */
static void make_rows(double *x, int64_t n, int64_t dim, int f32) {
    uint64_t state = (uint64_t)(n * 100 + dim);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < dim; k++) {
            double v = i % 7 == 3 ? x[(i - 3) * dim + k] : i % 7 == 4 ? 2.0 * x[(i - 4) * dim + k] : i % 11 == 5 ? 0.0 : next_number(&state) * 10.0;
            x[i * dim + k] = f32 ? (double)(float)v : v;
        }
}

static vt_status create(vt_context *ctx, const double *x, int type, int64_t n, int64_t dim, int64_t stride, int32_t metric, int store, vt_distance **out) {
    void *data = calloc((size_t)(n * stride), 8);
    assert_non_null(data);
    for (int64_t i = 0; i < n; i++)
        for (int64_t k = 0; k < dim; k++) put_value(type, data, i * stride + k, x[i * dim + k]);
    vt_status st = vt__distance_from_rows(ctx, data, type == VT__DISTANCE_F32 ? VT_DTYPE_F32 : VT_DTYPE_F64, n, dim, stride, metric, store, out);
    free(data); /* rows are copied */
    return st;
}

/* Both ways the same, 0 for equal rows, never over the bound. */
static void check_laws(const vt_distance *d, const double *x, int64_t dim) {
    int64_t n = vt__distance_count(d);
    double *all = calloc((size_t)(n * n), 8);
    assert_non_null(all);
    assert_int_equal(vt__distance_compute(d, NULL, n, NULL, n, NULL, all), VT_OK);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double v = value_of(vt__distance_type(d), all, i * n + j);
            assert_true(v == value_of(vt__distance_type(d), all, j * n + i));
            assert_true(v >= 0.0 && v <= vt__distance_bound(d));
            if (memcmp(x + i * dim, x + j * dim, (size_t)dim * 8) == 0) assert_true(v == 0.0);
        }
    free(all);
}

static void metrics_are_those_of_plain_sums(void **state) {
    static double x[MAX_N * MAX_DIM], want[MAX_N * MAX_N];
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (int type = VT__DISTANCE_F32; type <= VT__DISTANCE_F64; type++)
        for (int32_t metric = 0; metric <= VT__METRIC_COSINE; metric++)
            for (size_t s = 0; s < COUNT(shapes); s++) {
                int64_t n = shapes[s].n, dim = shapes[s].dim;
                double largest = 0.0, eps = type == VT__DISTANCE_F32 ? (double)FLT_EPSILON : DBL_EPSILON;
                make_rows(x, n, dim, type == VT__DISTANCE_F32);
                for (int64_t i = 0; i < n * n; i++) want[i] = plain(x + i / n * dim, x + i % n * dim, dim, metric), largest = fmax(largest, want[i]);
                for (int store = 0; store < 2; store++) {
                    vt_distance *d = NULL;
                    assert_int_equal(create(ctx, x, type, n, dim, shapes[s].stride, metric, store, &d), VT_OK);
                    /* Roots of differences of cosines: what a plain product loses is tolerated, not what ours would. */
                    check_distance(d, want, (2.0 * (double)dim + 8.0) * eps * fmax(largest, 1.0));
                    check_laws(d, x, dim);
                    vt__distance_release(d);
                }
            }
    vt__context_release(ctx);
}

static void bits_are_counted(void **state) {
    static unsigned char x[MAX_N * 300];
    static double want[MAX_N * MAX_N];
    static const int64_t dims[] = {1, 7, 8, 9, 64, 255, 300};
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    uint64_t random = 3;
    for (size_t s = 0; s < COUNT(dims); s++)
        for (int32_t metric = VT__METRIC_HAMMING; metric <= VT__METRIC_JACCARD; metric++) {
            int64_t n = s % 2 ? 67 : 33, dim = dims[s];
            for (int64_t i = 0; i < n * dim; i++) x[i] = i / dim % 9 == 4 ? 0 : (unsigned char)(next_word(&random) & next_word(&random));
            memset(x, 255, (size_t)dim);
            memcpy(x + dim, x + (n - 1) * dim, (size_t)dim);
            for (int64_t i = 0; i < n * n; i++) {
                int differ = 0, either = 0;
                for (int64_t k = 0; k < dim; k++) {
                    unsigned a = x[i / n * dim + k], b = x[i % n * dim + k];
                    differ += __builtin_popcount(a ^ b), either += __builtin_popcount(a | b);
                }
                want[i] = metric == VT__METRIC_HAMMING ? differ : either ? (double)(float)((double)differ / (double)either) : 0.0;
            }
            for (int store = 0; store < 2; store++) {
                vt_distance *d = NULL;
                assert_int_equal(vt__distance_from_rows(ctx, x, VT_DTYPE_U8, n, dim, dim, metric, store, &d), VT_OK);
                assert_int_equal(vt__distance_dtype(d), metric == VT__METRIC_HAMMING ? VT_DTYPE_I32 : VT_DTYPE_F32);
                check_distance(d, want, 0.0);
                vt__distance_release(d);
            }
        }
    vt__context_release(ctx);
}

static void new_rows_have_the_distances_of_old_ones(void **state) {
    static double x[MAX_N * MAX_DIM];
    static unsigned char bits[80 * 9];
    const int64_t n = 80, dim = 9, columns[] = {79, 3, 3, 0};
    double all[80 * 80], got[80 * 80];
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    uint64_t random = 4;
    for (size_t i = 0; i < sizeof bits; i++) bits[i] = (unsigned char)next_word(&random);
    make_rows(x, n, dim, 0);
    for (int32_t metric = 0; metric < VT__N_METRICS; metric++)
        for (int store = 0; store < 2; store++) {
            int is_bits = metric >= VT__METRIC_HAMMING;
            const void *data = is_bits ? (const void *)bits : x;
            vt_distance *d = NULL;
            assert_int_equal(vt__distance_from_rows(ctx, data, is_bits ? VT_DTYPE_U8 : VT_DTYPE_F64, n, dim, dim, metric, store, &d), VT_OK);
            size_t size = vt__distance_size(d);
            assert_int_equal(vt__distance_compute(d, NULL, n, NULL, n, NULL, all), VT_OK);
            assert_int_equal(vt__distance_foreign(d, &(vt__rows_view){data, is_bits ? VT_DTYPE_U8 : VT_DTYPE_F64, n, dim, dim}, NULL, n, got), VT_OK);
            assert_memory_equal(got, all, size * (size_t)(n * n));
            assert_int_equal(vt__distance_compute(d, NULL, n, columns, 4, NULL, all), VT_OK);
            assert_int_equal(vt__distance_foreign(d, &(vt__rows_view){data, is_bits ? VT_DTYPE_U8 : VT_DTYPE_F64, n, dim, dim}, columns, 4, got), VT_OK);
            assert_memory_equal(got, all, size * (size_t)(n * 4));
            assert_int_equal(vt__distance_foreign(d, &(vt__rows_view){data, VT_DTYPE_I32, n, dim, dim}, NULL, n, got), VT_ERR_DTYPE);
            assert_int_equal(vt__distance_foreign(d, &(vt__rows_view){data, is_bits ? VT_DTYPE_U8 : VT_DTYPE_F64, n, dim - 1, dim}, NULL, n, got), VT_ERR_SHAPE);
            vt__distance_release(d);
        }
    vt__context_release(ctx);
}

static void bad_rows_are_named(void **state) {
    double x[6] = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = NULL;
    const double bad[] = {(double)NAN, (double)INFINITY, (double)-INFINITY};
    for (size_t i = 0; i < COUNT(bad); i++) {
        x[3] = bad[i];
        assert_int_equal(create(ctx, x, VT__DISTANCE_F32, 3, 2, 2, VT__METRIC_L2, 0, &d), VT_ERR_NUMERIC);
        assert_null(d);
        assert_non_null(strstr(vt__error_message(), "row 1 "));
    }
    x[3] = 4.0;
    assert_int_equal(create(ctx, x, VT__DISTANCE_F64, 3, 2, 2, VT__METRIC_L2, 0, &d), VT_OK);
    const double new_row[2] = {(double)NAN, 0.0}, far_row[2] = {1e300, 0.0};
    double out[3];
    assert_int_equal(vt__distance_foreign(d, &(vt__rows_view){new_row, VT_DTYPE_F64, 1, 2, 2}, NULL, 3, out), VT_ERR_NUMERIC);
    assert_int_equal(vt__distance_foreign(d, &(vt__rows_view){far_row, VT_DTYPE_F64, 1, 2, 2}, NULL, 3, out), VT_ERR_NUMERIC);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void distances_that_overflow_are_refused(void **state) {
    static const struct {
        int type;
        int32_t metric;
        double far;
        vt_status want;
    } cases[] = {
        {VT__DISTANCE_F32, VT__METRIC_L2, 1e18, VT_OK},          {VT__DISTANCE_F32, VT__METRIC_L2, 1e20, VT_ERR_NUMERIC},
        {VT__DISTANCE_F32, VT__METRIC_L2_SQUARED, 1e20, VT_ERR_NUMERIC}, {VT__DISTANCE_F32, VT__METRIC_L1, 1e38, VT_OK},
        {VT__DISTANCE_F32, VT__METRIC_L1, 3e38, VT_ERR_NUMERIC}, {VT__DISTANCE_F32, VT__METRIC_COSINE, 3e38, VT_OK},
        {VT__DISTANCE_F64, VT__METRIC_L2, 1e153, VT_OK},         {VT__DISTANCE_F64, VT__METRIC_L2, 1e154, VT_ERR_NUMERIC},
        {VT__DISTANCE_F64, VT__METRIC_L1, 1e308, VT_ERR_NUMERIC}, {VT__DISTANCE_F64, VT__METRIC_COSINE, 1e308, VT_OK},
    };
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        double x[6] = {1.0, 2.0, 3.0, cases[i].far, 5.0, -cases[i].far};
        vt_distance *d = NULL;
        assert_int_equal(create(ctx, x, cases[i].type, 3, 2, 2, cases[i].metric, 0, &d), cases[i].want);
        if (d) check_laws(d, x, 2);
        else assert_non_null(strstr(vt__error_message(), "row "));
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

static void angles_of_huge_and_tiny_rows_are_right(void **state) {
    const double x[] = {1e-300, 0.0, 1e300, 1e300, 0.0, 3e-310, 0.0, 0.0};
    const double want[] = {0.0, 1.0 - sqrt(0.5), 1.0, 1.0, 1.0 - sqrt(0.5), 0.0, 1.0 - sqrt(0.5), 1.0, 1.0, 1.0 - sqrt(0.5), 0.0, 1.0, 1.0, 1.0, 1.0, 0.0};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = NULL;
    assert_int_equal(create(ctx, x, VT__DISTANCE_F64, 4, 2, 2, VT__METRIC_COSINE, 0, &d), VT_OK);
    check_distance(d, want, 4.0 * DBL_EPSILON);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void threads_do_not_change_distances(void **state) {
    static const int32_t threads[] = {1, 2, 3, 7};
    enum { N = 5000, DIM = 9 };
    static double x[N * DIM];
    static float first[N], got[N];
    (void)state;
    make_rows(x, N, DIM, 1);
    for (size_t i = 0; i < COUNT(threads); i++) {
        vt_context *ctx = new_context(threads[i], NULL);
        vt_distance *d = NULL;
        vt__window w;
        const int64_t object = 4321;
        assert_int_equal(create(ctx, x, VT__DISTANCE_F32, N, DIM, DIM, VT__METRIC_L2, 0, &d), VT_OK);
        assert_int_equal(vt__window_init(&w, d, 3), VT_OK);
        assert_int_equal(vt__window_load(&w, &object, 1), VT_OK);
        memcpy(got, w.columns[0], sizeof got);
        if (i == 0) memcpy(first, got, sizeof got);
        assert_memory_equal(got, first, sizeof got);
        assert_int_equal(vt__distance_compute(d, NULL, N, &object, 1, NULL, got), VT_OK);
        assert_memory_equal(got, first, sizeof got);
        vt__window_free(&w);
        vt__distance_release(d);
        vt__context_release(ctx);
    }
}

/* One distance, many users: windows have scratch of their own. */
enum { USERS = 3 };
typedef struct user {
    const vt_distance *d;
    const double *want;
} user;

static void *use(void *arg) {
    const user *u = arg;
    check_distance(u->d, u->want, 0.0);
    return NULL;
}

static void many_threads_use_one_distance(void **state) {
    static double x[MAX_N * MAX_DIM], want[MAX_N * MAX_N];
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    vt_distance *d = NULL;
    pthread_t threads[USERS];
    make_rows(x, 100, 5, 0);
    assert_int_equal(create(ctx, x, VT__DISTANCE_F64, 100, 5, 5, VT__METRIC_L1, 0, &d), VT_OK);
    assert_int_equal(vt__distance_compute(d, NULL, 100, NULL, 100, NULL, want), VT_OK);
    user u = {d, want};
    for (int i = 0; i < USERS; i++) assert_int_equal(pthread_create(&threads[i], NULL, use, &u), 0);
    for (int i = 0; i < USERS; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    vt__distance_release(d);
    vt__context_release(ctx);
}

typedef struct way {
    int32_t metric;
    int store;
} way;

static vt_status make(vt_context *ctx, const void *how, vt_distance **out) {
    const way *w = how;
    const double x[] = {1, 2, 3, 4, 5, 6};
    const int64_t object = 2;
    double distance;
    int32_t dtype = w->metric >= VT__METRIC_HAMMING ? VT_DTYPE_U8 : VT_DTYPE_F64;
    vt_status st = vt__distance_from_rows(ctx, x, dtype, 3, 2, 2, w->metric, w->store, out);
    return st == VT_OK ? vt__distance_foreign(*out, &(vt__rows_view){x, dtype, 1, 2, 2}, &object, 1, &distance) : st;
}

static void no_allocation_that_fails_leaks(void **state) {
    (void)state;
    for (int32_t metric = 0; metric < VT__N_METRICS; metric++)
        for (int store = 0; store < 2; store++) check_torture(make, &(way){metric, store});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics_are_those_of_plain_sums),     cmocka_unit_test(bits_are_counted),
        cmocka_unit_test(new_rows_have_the_distances_of_old_ones), cmocka_unit_test(bad_rows_are_named),
        cmocka_unit_test(distances_that_overflow_are_refused), cmocka_unit_test(angles_of_huge_and_tiny_rows_are_right),
        cmocka_unit_test(threads_do_not_change_distances),     cmocka_unit_test(many_threads_use_one_distance),
        cmocka_unit_test(no_allocation_that_fails_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
