/* Principal axes: planted ones, degenerate data, sparse rows as dense ones, any number of threads. */
#include "measure.h"

#include "core/cancel.h"

enum { N = 300, DIM = 12 };

/* Rows with standard deviation 2^-k along axis k of a turned frame, far from the origin. */
static void make_rows(double *x, double frame[DIM][DIM]) {
    uint64_t random = 8;
    for (int i = 0; i < DIM; i++) {
        for (int k = 0; k < DIM; k++) frame[i][k] = next_number(&random);
        for (int j = 0; j < i; j++) {
            double share = 0.0;
            for (int k = 0; k < DIM; k++) share += frame[i][k] * frame[j][k];
            for (int k = 0; k < DIM; k++) frame[i][k] -= share * frame[j][k];
        }
        double length = 0.0;
        for (int k = 0; k < DIM; k++) length += frame[i][k] * frame[i][k];
        for (int k = 0; k < DIM; k++) frame[i][k] /= sqrt(length);
    }
    memset(x, 0, sizeof(double) * N * DIM);
    /* Along each axis a different wave: no two are correlated, and all have mean 0. */
    for (int64_t i = 0; i < N; i++)
        for (int a = 0; a < DIM; a++)
            for (int k = 0; k < DIM; k++) x[i * DIM + k] += cos(2.0 * acos(-1.0) * (double)(i * (a + 1)) / N) * ldexp(1.0, -a) * frame[a][k];
    for (int64_t i = 0; i < N * DIM; i++) x[i] += 100.0;
}

static vt_distance *dense(vt_context *ctx, const double *x, int64_t n, int64_t dim) {
    vt_distance *d = NULL;
    assert_int_equal(vt__distance_from_rows(ctx, x, VT_DTYPE_F64, n, dim, dim, VT__METRIC_L2, 0, &d), VT_OK);
    return d;
}

static void planted_axes_are_found(void **state) {
    static double x[N * DIM], out[N * DIM];
    double frame[DIM][DIM], share[DIM], total = 0.0;
    (void)state;
    make_rows(x, frame);
    for (int a = 0; a < DIM; a++) total += ldexp(1.0, -2 * a);
    vt_context *ctx = new_context(2, NULL);
    vt_distance *d = dense(ctx, x, N, DIM);
    for (int32_t n_axes = 1; n_axes <= DIM; n_axes++) {
        assert_int_equal(vt__distance_project(d, n_axes, NULL, out, share), VT_OK);
        for (int a = 0; a < n_axes; a++) {
            double sign, largest = 0.0;
            for (int k = 0; k < DIM; k++)
                if (fabs(frame[a][k]) > fabs(largest)) largest = frame[a][k];
            sign = largest < 0.0 ? -1.0 : 1.0;
            assert_near(share[a], ldexp(1.0, -2 * a) / total, 1e-9, a, n_axes);
            for (int64_t i = 0; i < N; i++)
                assert_near(out[i * n_axes + a], sign * cos(2.0 * acos(-1.0) * (double)(i * (a + 1)) / N) * ldexp(1.0, -a), 1e-6, i, a);
        }
    }
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void constant_rows_are_at_the_origin(void **state) {
    double x[20 * 3], out[20 * 2], share[2];
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int i = 0; i < 60; i++) x[i] = 0.1 * (1 + i % 3);
    for (int64_t n = 1; n <= 20; n += 19) {
        vt_distance *d = dense(ctx, x, n, 3);
        assert_int_equal(vt__distance_project(d, 2, NULL, out, share), VT_OK);
        for (int64_t i = 0; i < n * 2; i++) assert_near(out[i], 0.0, 1e-14, i, 0);
        assert_true(share[0] == 0.0 && share[1] == 0.0);
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

static void rows_on_a_line_have_one_axis(void **state) {
    double x[50 * 5], out[50 * 3], share[3];
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int i = 0; i < 250; i++) x[i] = (double)(i / 5) * (1.0 + i % 5) * 1e140;
    vt_distance *d = dense(ctx, x, 50, 5);
    assert_int_equal(vt__distance_project(d, 3, NULL, out, share), VT_OK);
    assert_near(share[0], 1.0, 1e-12, 0, 0);
    for (int i = 0; i < 50; i++) {
        assert_near(out[3 * i] / 1e140, ((double)i - 24.5) * sqrt(55.0), 1e-9, i, 0);
        assert_near(out[3 * i + 1] / 1e140, 0.0, 1e-9, i, 1);
    }
    vt__distance_release(d);
    vt__context_release(ctx);
}

static void sparse_rows_are_placed_like_dense_ones(void **state) {
    static double x[N * DIM], want[N * 3], got[N * 3];
    static int64_t offsets[N + 1];
    static int32_t columns[N * DIM];
    static float values[N * DIM];
    static const int32_t metrics[] = {VT__METRIC_L2, VT__METRIC_COSINE};
    uint64_t random = 2;
    (void)state;
    int64_t at = 0;
    for (int64_t i = 0; i < N * DIM; i++) {
        float v = next_word(&random) % 3 ? 0.0f : (float)(next_number(&random) * (1.0 + (double)(i % DIM)));
        x[i] = (double)v;
        if (v != 0.0f) columns[at] = (int32_t)(i % DIM), values[at++] = v;
        offsets[i / DIM + 1] = at;
    }
    vt_context *ctx = new_context(2, NULL);
    for (int m = 0; m < 2; m++)
        for (int store = 0; store < 2; store++) {
            vt_distance *d = NULL, *s = NULL;
            double share[3], sparse_share[3];
            assert_int_equal(vt__distance_from_rows(ctx, x, VT_DTYPE_F64, N, DIM, DIM, metrics[m], store, &d), VT_OK);
            assert_int_equal(vt__distance_from_csr(ctx, offsets, columns, values, N, DIM, metrics[m], store, &s), VT_OK);
            assert_int_equal(vt__distance_project(d, 3, NULL, want, share), VT_OK);
            assert_int_equal(vt__distance_project(s, 3, NULL, got, sparse_share), VT_OK);
            for (int64_t i = 0; i < N * 3; i++) assert_near(got[i], want[i], 1e-7, i, m);
            for (int j = 0; j < 3; j++) assert_near(sparse_share[j], share[j], 1e-10, j, m);
            assert_true(share[0] >= share[1] && share[1] >= share[2] && share[2] > 0.0);
            vt__distance_release(d);
            vt__distance_release(s);
        }
    vt__context_release(ctx);
}

/* Rows of many elements, whose covariance is not formed: the planted axes, each element repeated. */
static void long_rows_have_the_axes_of_short_ones(void **state) {
    enum { TIMES = 40 };
    static double x[N * DIM], long_x[N * DIM * TIMES], want[N * 2], got[N * 2];
    double frame[DIM][DIM], share[2], long_share[2];
    (void)state;
    make_rows(x, frame);
    for (int64_t i = 0; i < N * DIM * TIMES; i++) long_x[i] = x[i / TIMES];
    vt_context *ctx = new_context(2, NULL);
    vt_distance *d = dense(ctx, x, N, DIM), *l = dense(ctx, long_x, N, DIM * TIMES);
    assert_int_equal(vt__distance_project(d, 2, NULL, want, share), VT_OK);
    assert_int_equal(vt__distance_project(l, 2, NULL, got, long_share), VT_OK);
    for (int64_t i = 0; i < N * 2; i++) assert_near(got[i] / sqrt(TIMES), want[i], 1e-9, i, 0);
    for (int j = 0; j < 2; j++) assert_near(long_share[j], share[j], 1e-12, j, 0);
    vt__distance_release(d);
    vt__distance_release(l);
    vt__context_release(ctx);
}

static void threads_do_not_change_places(void **state) {
    static const int32_t threads[] = {1, 2, 3, 7};
    static double x[N * DIM], first[N * 2], got[N * 2];
    double frame[DIM][DIM];
    (void)state;
    make_rows(x, frame);
    for (size_t i = 0; i < COUNT(threads); i++) {
        vt_context *ctx = new_context(threads[i], NULL);
        vt_distance *d = dense(ctx, x, N, DIM);
        assert_int_equal(vt__distance_project(d, 2, NULL, i ? got : first, NULL), VT_OK);
        if (i) assert_memory_equal(got, first, sizeof got);
        vt__distance_release(d);
        vt__context_release(ctx);
    }
}

static void what_has_no_axes_is_refused(void **state) {
    const double x[] = {1, 2, 3, 4};
    const unsigned char bits[] = {1, 2};
    double out[2];
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = NULL;
    assert_int_equal(vt__distance_from_matrix(ctx, x, VT_DTYPE_F64, 2, 2, 0, &d), VT_OK);
    assert_int_equal(vt__distance_project(d, 1, NULL, out, NULL), VT_ERR_UNSUPPORTED);
    vt__distance_release(d);
    assert_int_equal(vt__distance_from_rows(ctx, bits, VT_DTYPE_U8, 2, 1, 1, VT__METRIC_HAMMING, 0, &d), VT_OK);
    assert_int_equal(vt__distance_project(d, 1, NULL, out, NULL), VT_ERR_UNSUPPORTED);
    vt__distance_release(d);
    d = dense(ctx, x, 2, 2);
    assert_int_equal(vt__distance_project(d, 3, NULL, out, NULL), VT_ERR_INVALID);
    vt_cancel *cancel = NULL;
    assert_int_equal(vt__cancel_create(ctx, &cancel), VT_OK);
    vt__cancel_raise(cancel);
    vt__watch watch = {.what = "distance", .cancel = cancel};
    assert_int_equal(vt__distance_project(d, 1, &watch, out, NULL), VT_ERR_CANCELLED);
    vt__cancel_release(cancel);
    vt__distance_release(d);
    vt__context_release(ctx);
}

static vt_status make(vt_context *ctx, const void *how, vt_distance **out) {
    const double x[] = {1, 2, 3, 5, 7, 4};
    double places[3];
    vt_status st = vt__distance_from_rows(ctx, x, VT_DTYPE_F64, 3, 2, 2, VT__METRIC_L2, *(const int *)how, out);
    return st == VT_OK ? vt__distance_project(*out, 1, NULL, places, NULL) : st;
}

static void no_allocation_that_fails_leaks(void **state) {
    (void)state;
    for (int store = 0; store < 2; store++) check_torture(make, &store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planted_axes_are_found),        cmocka_unit_test(constant_rows_are_at_the_origin),
        cmocka_unit_test(rows_on_a_line_have_one_axis),  cmocka_unit_test(sparse_rows_are_placed_like_dense_ones),
        cmocka_unit_test(long_rows_have_the_axes_of_short_ones),
        cmocka_unit_test(threads_do_not_change_places),  cmocka_unit_test(what_has_no_axes_is_refused),
        cmocka_unit_test(no_allocation_that_fails_leaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
