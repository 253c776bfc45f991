/* Matrices: every type, symmetric or not, with strides and infinities. */
#include "measure.h"

#include <stdio.h>

#include "core/cancel.h"
#include "core/memory.h"

static const int32_t dtypes[] = {VT_DTYPE_F32, VT_DTYPE_F64, VT_DTYPE_I32, VT_DTYPE_I64};
static const int64_t sizes[] = {1, 2, 3, 15, 16, 17, 63, 64, 65, 130};

/* [n, stride] of the type, and the same as [n, n] doubles; some have zeros on the diagonal. */
static void *make_matrix(int type, int64_t n, int64_t stride, int symmetric, double infinite, double *want) {
    uint64_t state = (uint64_t)n * 7 + (uint64_t)type;
    void *data = calloc((size_t)(n * stride), 8);
    assert_non_null(data);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double v = floor(next_number(&state) * 1000.0);
            if (infinite > 0.0 && next_number(&state) > 1.0 - infinite) v = (double)INFINITY;
            want[i * n + j] = i == j && n % 3 ? 0.0 : symmetric && j < i ? want[j * n + i] : v;
            put_value(type, data, i * stride + j, want[i * n + j]);
        }
    return data;
}

static void check_matrices(int symmetric, double infinite) {
    static double want[130 * 130];
    vt_context *ctx = new_context(3, NULL);
    for (int type = 0; type < (infinite > 0.0 ? 2 : VT__N_DISTANCE_TYPES); type++)
        for (size_t s = 0; s < COUNT(sizes); s++) {
            int64_t n = sizes[s], stride = n + (int64_t)(s % 3) * 5;
            void *data = make_matrix(type, n, stride, symmetric, infinite, want);
            for (int vouched = 0; vouched <= symmetric; vouched++) {
                vt_distance *d = NULL;
                assert_int_equal(vt__distance_from_matrix(ctx, data, dtypes[type], n, stride, vouched, &d), VT_OK);
                assert_int_equal(vt__distance_type(d), type);
                check_distance(d, want, 0.0);
                vt__distance_release(d);
            }
            free(data);
        }
    vt__context_release(ctx);
}

static void symmetric_matrices_give_their_values(void **state) { (void)state; check_matrices(1, 0.0); }
static void asymmetric_matrices_give_their_values(void **state) { (void)state; check_matrices(0, 0.0); }
static void infinities_are_far_in_searches(void **state) { (void)state; check_matrices(1, 0.3); check_matrices(0, 0.3); }

static void zeros_of_both_signs_are_symmetric(void **state) {
    const double x[] = {0.0, -0.0, 0.0, 0.0}, y[] = {0.0, 1.0, -1.0, 0.0};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (int i = 0; i < 2; i++) {
        vt_distance *d = NULL;
        vt__window w;
        assert_int_equal(vt__distance_from_matrix(ctx, i ? y : x, VT_DTYPE_F64, 2, 2, 0, &d), VT_OK);
        assert_int_equal(vt__window_init(&w, d, 0), VT_OK);
        assert_int_equal(vt__window_is_view(&w), !i);
        vt__window_free(&w);
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

/* One element that differs, anywhere, makes a matrix asymmetric. */
static void no_asymmetry_is_overlooked(void **state) {
    enum { N = 131 };
    static int32_t x[N * N];
    static int64_t y[N * N];
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    uint64_t random = 1;
    for (int64_t i = 0; i < N * N; i++) x[i] = i % (N + 1) ? (int32_t)(i / N * (i % N)) : 0, y[i] = x[i];
    for (int round = 0; round < 200; round++) {
        int64_t i = next_word(&random) % N, j = next_word(&random) % N;
        if (i == j) continue;
        for (int wide = 0; wide < 2; wide++) {
            vt_distance *d = NULL;
            vt__window w;
            x[i * N + j]++, y[i * N + j]++;
            assert_int_equal(vt__distance_from_matrix(ctx, wide ? (void *)y : x, wide ? VT_DTYPE_I64 : VT_DTYPE_I32, N, N, 0, &d), VT_OK);
            x[i * N + j]--, y[i * N + j]--;
            assert_int_equal(vt__window_init(&w, d, 1), VT_OK);
            assert_int_equal(vt__window_is_view(&w), 0);
            vt__window_free(&w);
            vt__distance_release(d);
        }
    }
    vt__context_release(ctx);
}

static void values_that_are_no_distances_are_named(void **state) {
    enum { N = 100 };
    static float x[N * (N + 3)];
    static const struct {
        int64_t i, j;
        float v;
    } cases[] = {{0, 0, NAN}, {0, 99, NAN}, {99, 0, -INFINITY}, {99, 99, NAN}, {70, 30, -INFINITY}, {30, 70, NAN}};
    (void)state;
    vt_context *ctx = new_context(2, NULL);
    for (size_t c = 0; c < COUNT(cases); c++)
        for (int vouched = 0; vouched < 2; vouched++) {
            vt_distance *d = NULL;
            char place[64];
            x[cases[c].i * (N + 3) + cases[c].j] = cases[c].v;
            x[98 * (N + 3) + 98] = INFINITY;
            assert_int_equal(vt__distance_from_matrix(ctx, x, VT_DTYPE_F32, N, N + 3, vouched, &d), VT_ERR_NUMERIC);
            assert_null(d);
            snprintf(place, sizeof place, "row %lld, column %lld", (long long)cases[c].i, (long long)cases[c].j);
            if (!strstr(vt__error_message(), place)) fail_msg("'%s' without '%s'", vt__error_message(), place);
            x[cases[c].i * (N + 3) + cases[c].j] = 0.0f;
        }
    vt__context_release(ctx);
}

static void sums_that_overflow_are_refused(void **state) {
    static const struct {
        int32_t dtype;
        double value; /* beside zeros, n = 4 */
        vt_status want;
    } cases[] = {
        {VT_DTYPE_I64, 0x1p59, VT_OK},    {VT_DTYPE_I64, -0x1p59, VT_OK},   {VT_DTYPE_I64, 0x1p60, VT_ERR_NUMERIC}, {VT_DTYPE_I64, -0x1p63, VT_ERR_NUMERIC},
        {VT_DTYPE_I32, -0x1p31, VT_OK},   {VT_DTYPE_I32, 0x1p31 - 1, VT_OK}, {VT_DTYPE_F32, 3e38, VT_OK},           {VT_DTYPE_F64, 1e307, VT_OK},
        {VT_DTYPE_F64, 1e308, VT_ERR_NUMERIC},
    };
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (size_t c = 0; c < COUNT(cases); c++) {
        int64_t data[16] = {0};
        int type = 0;
        vt_distance *d = NULL;
        while (dtypes[type] != cases[c].dtype) type++;
        put_value(type, data, 6, cases[c].value);
        assert_int_equal(vt__distance_from_matrix(ctx, data, cases[c].dtype, 4, 4, 0, &d), cases[c].want);
        if (d) assert_true(vt__distance_bound(d) == fabs(value_of(type, data, 6)));
        else assert_non_null(strstr(vt__error_message(), "overflow"));
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

static void far_is_beyond_all_sums(void **state) {
    static const struct {
        int32_t dtype;
        double value; /* the largest one; there is an infinity, and n = 4 */
        vt_status want;
    } cases[] = {{VT_DTYPE_F32, 0.0, VT_OK},           {VT_DTYPE_F32, 1.0, VT_OK},   {VT_DTYPE_F32, 1e-30, VT_OK},        {VT_DTYPE_F32, 1e37, VT_OK},
                 {VT_DTYPE_F32, 3e38, VT_ERR_NUMERIC}, {VT_DTYPE_F64, 0.1, VT_OK},   {VT_DTYPE_F64, 1e300, VT_OK},        {VT_DTYPE_F64, 1e307, VT_ERR_NUMERIC}};
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    for (size_t c = 0; c < COUNT(cases); c++) {
        double data[16] = {0};
        int type = cases[c].dtype == VT_DTYPE_F64;
        vt_distance *d = NULL;
        put_value(type, data, 6, -cases[c].value);
        put_value(type, data, 7, (double)INFINITY);
        assert_int_equal(vt__distance_from_matrix(ctx, data, cases[c].dtype, 4, 4, 0, &d), cases[c].want);
        if (d) assert_true(vt__distance_far(d) > 8.0 * cases[c].value && (type || isfinite((float)vt__distance_far(d))));
        vt__distance_release(d);
    }
    vt__context_release(ctx);
}

static void taken_blocks_are_freed_whatever_happens(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = new_context(1, &t);
    long live = t.live;
    for (int bad = 0; bad < 3; bad++) {
        vt_distance *d = NULL;
        float *data = vt__calloc(ctx, 16 * sizeof *data);
        assert_non_null(data);
        if (bad == 1) data[5] = NAN;
        assert_int_equal(vt__distance_take_matrix(ctx, data, bad == 2 ? VT_DTYPE_U8 : VT_DTYPE_F32, 4, 0, &d), bad == 2 ? VT_ERR_DTYPE : bad ? VT_ERR_NUMERIC : VT_OK);
        assert_int_equal(t.live > live, !bad);
        vt__distance_release(vt__distance_retain(d));
        assert_int_equal(t.live > live, !bad);
        vt__distance_release(d);
        assert_int_equal(t.live, live);
    }
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static vt_status make(vt_context *ctx, const void *how, vt_distance **out) { return vt__distance_from_matrix(ctx, how, VT_DTYPE_F64, 3, 3, 0, out); }

static void no_allocation_that_fails_leaks(void **state) {
    const double symmetric[] = {0, 1, 2, 1, 0, 5, 2, 5, 0}, asymmetric[] = {0, 1, 2, 3, 0, 5, 6, 7, 0};
    (void)state;
    check_torture(make, symmetric);
    check_torture(make, asymmetric);
}

static void computing_can_be_cancelled(void **state) {
    const double x[] = {0, 1, 1, 0};
    double out[4];
    (void)state;
    vt_context *ctx = new_context(1, NULL);
    vt_distance *d = NULL;
    vt_cancel *cancel = NULL;
    assert_int_equal(vt__distance_from_matrix(ctx, x, VT_DTYPE_F64, 2, 2, 0, &d), VT_OK);
    assert_int_equal(vt__cancel_create(ctx, &cancel), VT_OK);
    vt__cancel_raise(cancel);
    vt__watch watch = {.what = "distance", .cancel = cancel};
    assert_int_equal(vt__distance_compute(d, NULL, 2, NULL, 2, &watch, out), VT_ERR_CANCELLED);
    vt__cancel_release(cancel);
    vt__distance_release(d);
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(symmetric_matrices_give_their_values),   cmocka_unit_test(asymmetric_matrices_give_their_values),
        cmocka_unit_test(infinities_are_far_in_searches),         cmocka_unit_test(zeros_of_both_signs_are_symmetric),
        cmocka_unit_test(no_asymmetry_is_overlooked),             cmocka_unit_test(values_that_are_no_distances_are_named),
        cmocka_unit_test(sums_that_overflow_are_refused),         cmocka_unit_test(far_is_beyond_all_sums),
        cmocka_unit_test(taken_blocks_are_freed_whatever_happens), cmocka_unit_test(no_allocation_that_fails_leaks),
        cmocka_unit_test(computing_can_be_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
