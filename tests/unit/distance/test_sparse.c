/* Sparse rows: against dense ones, equal rows, refusals. */
#include "measure.h"

#include <float.h>

enum { MAX_N = 67, DIM = 50 };

typedef struct csr {
    int64_t n, offsets[MAX_N + 1];
    int32_t columns[MAX_N * DIM];
    float values[MAX_N * DIM];
    double dense[MAX_N * DIM];
} csr;

/* Rows of few elements, with empty rows, written zeros and copies among them. */
static void make_rows(csr *m, int64_t n) {
    uint64_t random = (uint64_t)n;
    memset(m, 0, sizeof *m);
    m->n = n;
    for (int64_t i = 0; i < n; i++) {
        int64_t at = m->offsets[i];
        for (int32_t k = 0; k < DIM && i % 9 != 4; k++) {
            int64_t other = i % 5 == 3 ? i - 3 : i;
            float v = next_word(&random) % 4 ? 0.0f : (float)next_number(&random) * 3.0f;
            if (other != i) v = (float)m->dense[other * DIM + k];
            if (v == 0.0f && next_word(&random) % 8) continue;
            m->columns[at] = k;
            m->values[at++] = v;
            m->dense[i * DIM + k] = (double)v;
        }
        m->offsets[i + 1] = at;
    }
}

static double plain(const double *a, const double *b, int32_t metric) {
    double sum = 0.0, ab = 0.0, aa = 0.0, bb = 0.0;
    for (int64_t k = 0; k < DIM; k++) {
        sum += metric == VT__METRIC_L1 ? fabs(a[k] - b[k]) : (a[k] - b[k]) * (a[k] - b[k]);
        ab += a[k] * b[k], aa += a[k] * a[k], bb += b[k] * b[k];
    }
    if (metric != VT__METRIC_COSINE) return metric == VT__METRIC_L2 ? sqrt(sum) : sum;
    return aa == 0.0 || bb == 0.0 ? (aa == bb ? 0.0 : 1.0) : 1.0 - ab / sqrt(aa) / sqrt(bb);
}

static void check_laws(const vt_distance *d, const csr *m) {
    static float all[MAX_N * MAX_N];
    assert_int_equal(vt__distance_compute(d, NULL, m->n, NULL, m->n, NULL, all), VT_OK);
    for (int64_t i = 0; i < m->n; i++)
        for (int64_t j = 0; j < m->n; j++) {
            float v = all[i * m->n + j];
            assert_true(v == all[j * m->n + i] && v >= 0.0f && (double)v <= vt__distance_bound(d));
            if (memcmp(m->dense + i * DIM, m->dense + j * DIM, sizeof(double) * DIM) == 0) assert_true(v == 0.0f);
        }
}

static void metrics_are_those_of_dense_rows(void **state) {
    static csr m;
    static double want[MAX_N * MAX_N];
    static const int64_t sizes[] = {1, 2, 8, 9, 33, 67};
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (size_t s = 0; s < COUNT(sizes); s++)
        for (int32_t metric = 0; metric <= VT__METRIC_COSINE; metric++)
            for (int store = 0; store < 2; store++) {
                vt_distance *d = NULL;
                make_rows(&m, sizes[s]);
                for (int64_t i = 0; i < m.n * m.n; i++) want[i] = plain(m.dense + i / m.n * DIM, m.dense + i % m.n * DIM, metric);
                assert_int_equal(vt__distance_from_csr(ctx, m.offsets, m.columns, m.values, m.n, DIM, metric, store, &d), VT_OK);
                assert_int_equal(vt__distance_dtype(d), VT_DTYPE_F32);
                check_distance(d, want, 100.0 * (double)FLT_EPSILON);
                check_laws(d, &m);
                vt__distance_release(d);
            }
    vt__context_release(ctx);
}

static void rows_without_elements_are_rows_of_zeros(void **state) {
    const int64_t offsets[] = {0, 0, 0};
    const double want[] = {0, 0, 0, 0};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int32_t metric = 0; metric <= VT__METRIC_COSINE; metric++) {
        vt_distance *d = NULL;
        assert_int_equal(vt__distance_from_csr(ctx, offsets, NULL, NULL, 2, 1, metric, 0, &d), VT_OK);
        check_distance(d, want, 0.0);
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

/* Features that a hash has put anywhere below 2^31 need no room for all of them. */
static void few_columns_of_many_are_as_near_as_they_would_be_alone(void **state) {
    static csr m, wide;
    static float want[MAX_N * MAX_N], got[MAX_N * MAX_N];
    double axes[MAX_N * 3], shares[3];
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    make_rows(&m, MAX_N);
    wide = m;
    for (int64_t i = 0; i < m.offsets[MAX_N]; i++) wide.columns[i] = (m.columns[i] + 1) * 42000000;
    for (int32_t metric = VT__METRIC_L2; metric <= VT__METRIC_COSINE; metric++) {
        vt_distance *a = NULL, *b = NULL;
        assert_int_equal(vt__distance_from_csr(ctx, m.offsets, m.columns, m.values, MAX_N, DIM, metric, 0, &a), VT_OK);
        assert_int_equal(vt__distance_from_csr(ctx, wide.offsets, wide.columns, wide.values, MAX_N, INT32_MAX, metric, 0, &b), VT_OK);
        assert_int_equal(vt__distance_compute(a, NULL, MAX_N, NULL, MAX_N, NULL, want), VT_OK);
        assert_int_equal(vt__distance_compute(b, NULL, MAX_N, NULL, MAX_N, NULL, got), VT_OK);
        assert_memory_equal(got, want, sizeof want);
        assert_int_equal(vt__distance_project(b, 3, NULL, axes, shares), VT_OK);
        vt__distance_release(a);
        vt__distance_release(b);
    }
    vt__context_release(ctx);
}

/* One column used, and as many axes asked for as there may be. */
static void axes_may_be_more_than_columns_that_are_used(void **state) {
    static const int64_t offsets[] = {0, 1, 2, 3};
    static const int32_t columns[] = {7, 7, 7};
    static const float values[] = {1, 2, 4};
    double axes[3 * 16], shares[16];
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = NULL;
    (void)state;
    assert_int_equal(vt__distance_from_csr(ctx, offsets, columns, values, 3, INT32_MAX, VT__METRIC_L2, 0, &d), VT_OK);
    assert_int_equal(vt__distance_project(d, 16, NULL, axes, shares), VT_OK);
    assert_true(shares[0] > 0.999 && shares[1] < 1e-9 && fabs(axes[2 * 16] - axes[0] - 3) < 1e-9);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void malformed_rows_are_refused(void **state) {
    static const struct {
        int64_t offsets[3];
        int32_t columns[4];
        float values[4];
        vt_status want;
        const char *message;
    } cases[] = {
        {{1, 2, 4}, {0, 1, 0, 1}, {1, 1, 1, 1}, VT_ERR_INVALID, "begin with 1"},
        {{0, 3, 2}, {0, 1, 0, 1}, {1, 1, 1, 1}, VT_ERR_INVALID, "row 1 ends"},
        {{0, -1, 4}, {0, 1, 0, 1}, {1, 1, 1, 1}, VT_ERR_INVALID, "row 0 ends"},
        {{0, 2, 4}, {0, 1, 1, 1}, {1, 1, 1, 1}, VT_ERR_INVALID, "row 1 has column 1 after 1"},
        {{0, 2, 4}, {1, 0, 0, 1}, {1, 1, 1, 1}, VT_ERR_INVALID, "row 0 has column 0 after 1"},
        {{0, 2, 4}, {0, 5, 0, 1}, {1, 1, 1, 1}, VT_ERR_INVALID, "row 0 has column 5"},
        {{0, 2, 4}, {-1, 2, 0, 1}, {1, 1, 1, 1}, VT_ERR_INVALID, "row 0 has column -1"},
        {{0, 2, 4}, {0, 1, 0, 1}, {1, 1, 1, NAN}, VT_ERR_NUMERIC, "row 1 has nan"},
        {{0, 2, 4}, {0, 1, 0, 1}, {1, 1, -INFINITY, 1}, VT_ERR_NUMERIC, "row 1 has -inf"},
        {{0, 2, 4}, {0, 1, 0, 1}, {1, 1, 3e38f, 1}, VT_ERR_NUMERIC, "row 1 is so long"},
    };
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (size_t i = 0; i < COUNT(cases); i++) {
        vt_distance *d = NULL;
        assert_int_equal(vt__distance_from_csr(ctx, cases[i].offsets, cases[i].columns, cases[i].values, 2, 5, VT__METRIC_L2, 0, &d), cases[i].want);
        assert_null(d);
        if (!strstr(vt__error_message(), cases[i].message)) fail_msg("'%s' without '%s'", vt__error_message(), cases[i].message);
    }
    vt__context_release(ctx);
}

static vt_status make(vt_context *ctx, const void *how, vt_distance **out) {
    static csr m;
    make_rows(&m, 5);
    return vt__distance_from_csr(ctx, m.offsets, m.columns, m.values, 5, *(const int *)how & 2 ? INT32_MAX : DIM, VT__METRIC_L1, *(const int *)how & 1, out);
}

static void no_allocation_that_fails_leaks(void **state) {
    (void)state;
    for (int how = 0; how < 4; how++) check_torture(make, &how);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(metrics_are_those_of_dense_rows), cmocka_unit_test(rows_without_elements_are_rows_of_zeros),
                                       cmocka_unit_test(few_columns_of_many_are_as_near_as_they_would_be_alone),
                                       cmocka_unit_test(axes_may_be_more_than_columns_that_are_used), cmocka_unit_test(malformed_rows_are_refused), cmocka_unit_test(no_allocation_that_fails_leaks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
