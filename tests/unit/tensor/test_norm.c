/* Softmax family and norms: values, special rows, layouts, types, thread counts, and gradients of both orders against differences. */
#include "gradient_check.h"

static vt_tensor *run_many(const char *name, vt_tensor *const *in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs) {
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find(name, &op), VT_OK);
    if (vt_op_run(ctx, op, in, n_in, attrs, n_attrs, out) != VT_OK) fail_msg("%s", vt_error_message());
    for (int i = 1; i < VT_OP_MAX_OUTPUTS; i++) vt_tensor_release(out[i]);
    return out[0];
}

static void softmax_sums_to_one_along_any_dim(void **state) {
    (void)state;
    double values[24], y[24];
    for (int i = 0; i < 24; i++) values[i] = sin(i * 1.3) * 40;
    vt_tensor *x = make_f64(SHAPE(2, 3, 4), values);
    static const int step[] = {12, 4, 1}, extent[] = {2, 3, 4};
    for (int dim = 0; dim < 3; dim++) {
        vt_attr a = {.name = "dim", .i = dim};
        vt_tensor *s = run_op("softmax", x, NULL, &a, 1), *l = run_op("log_softmax", x, NULL, &a, 1), *e = run_op("exp", l, NULL, NULL, 0);
        assert_int_equal(vt_tensor_read(s, y, sizeof y), VT_OK);
        for (int i = 0; i < 24; i++) {
            double sum = 0;
            int first = i - i / step[dim] % extent[dim] * step[dim];
            for (int k = 0; k < extent[dim]; k++) sum += exp(values[first + k * step[dim]] - values[i]);
            assert_true(fabs(y[i] - 1 / sum) < 1e-14);
        }
        expect_f64(e, y, 24);
        vt_tensor_release(s), vt_tensor_release(l), vt_tensor_release(e);
    }
    vt_tensor_release(x);
}

/* A row of minus infinity alone has no softmax: 0 / 0. */
static void special_rows_are_defined(void **state) {
    (void)state;
    const double inf = HUGE_VAL, rows[4][3] = {{-inf, -inf, -inf}, {inf, 0, 1}, {(double)NAN, 0, 1}, {-inf, 0, -inf}};
    for (int r = 0; r < 4; r++)
        for (int column = 0; column < 2; column++) {
            double y[3];
            vt_tensor *x = make_f64(column ? (const int64_t[]){3, 1, 1} : (const int64_t[]){1, 1, 3}, 3, rows[r]), *wide = run_op("tile", x, NULL, &(vt_attr){.name = "repeats", .list = (const int64_t[]){1, 1, 1}, .n_list = 3}, 1);
            vt_tensor *s = run_op("softmax", wide, NULL, &(vt_attr){.name = "dim", .i = column ? 0 : 2}, 1);
            assert_int_equal(vt_tensor_read(s, y, sizeof y), VT_OK);
            for (int i = 0; i < 3; i++) assert_true(r == 3 ? y[i] == (i == 1) : isnan(y[i]));
            vt_tensor_release(x), vt_tensor_release(wide), vt_tensor_release(s);
        }
}

static void a_norm_has_mean_0_and_variance_1(void **state) {
    (void)state;
    double values[48], y[48];
    for (int i = 0; i < 48; i++) values[i] = 1e4 + sin(i * 1.3);
    vt_tensor *x = make_f64(SHAPE(2, 4, 3, 2), values), *in[] = {x, NULL, NULL};
    vt_attr four[] = {{.name = "n_dims", .i = 3}, {.name = "eps", .f = 0}}, groups[] = {{.name = "groups", .i = 2}, {.name = "eps", .f = 0}}, eps = {.name = "eps", .f = 0};
    struct {
        const char *op;
        const vt_attr *attrs;
        int32_t n_attrs, by_channel;
        int64_t n;
    } cases[] = {{"layer_norm", four, 2, 0, 24}, {"group_norm", groups, 2, 0, 12}, {"instance_norm", &eps, 1, 0, 6}, {"batch_norm", &eps, 1, 1, 12}};
    for (int i = 0; i < 4; i++) {
        vt_tensor *t = run_many(cases[i].op, in, 1, cases[i].attrs, cases[i].n_attrs);
        assert_int_equal(vt_tensor_read(t, y, sizeof y), VT_OK);
        for (int64_t g = 0; g < 48 / cases[i].n; g++) {
            double sum = 0, squares = 0;
            for (int64_t k = 0; k < cases[i].n; k++) {
                double v = y[cases[i].by_channel ? k / 6 * 24 + g * 6 + k % 6 : g * cases[i].n + k];
                sum += v, squares += v * v;
            }
            assert_true(fabs(sum) < 1e-6 && fabs(squares / (double)cases[i].n - 1) < 1e-6);
        }
        vt_tensor_release(t);
    }
    vt_tensor_release(x);
}

static void halves_and_empty_tensors_go_through(void **state) {
    (void)state;
    static const char *const ops[] = {"softmax", "log_softmax", "layer_norm", "rms_norm", "instance_norm"};
    static const int32_t types[] = {VT_DTYPE_F16, VT_DTYPE_BF16, VT_DTYPE_F32};
    vt_tensor *x = make_f64(SHAPE(2, 3), (const double[]){1, 2, 4, 0, -1, 3}), *none = make_f64(SHAPE(0, 3), NULL);
    for (int i = 0; i < 5; i++) {
        vt_tensor *want = run_op(ops[i], x, NULL, NULL, 0), *empty = run_op(ops[i], none, NULL, NULL, 0);
        assert_int_equal(vt_tensor_count(empty), 0);
        for (int k = 0; k < 3 && i != 4; k++) {
            double a[6], b[6];
            vt_tensor *c = run_op("cast", x, NULL, &(vt_attr){.name = "dtype", .i = types[k]}, 1), *y = run_op(ops[i], c, NULL, NULL, 0);
            assert_int_equal(vt_tensor_dtype(y), types[k]);
            vt_tensor *wide = run_op("cast", y, NULL, &(vt_attr){.name = "dtype", .i = VT_DTYPE_F64}, 1);
            assert_int_equal(vt_tensor_read(want, a, sizeof a), VT_OK);
            assert_int_equal(vt_tensor_read(wide, b, sizeof b), VT_OK);
            for (int j = 0; j < 6; j++) assert_true(fabs(a[j] - b[j]) <= (k == 0 ? 2e-3 : k == 1 ? 2e-2 : 1e-6) * (1 + fabs(a[j])));
            vt_tensor_release(c), vt_tensor_release(y), vt_tensor_release(wide);
        }
        vt_tensor_release(want), vt_tensor_release(empty);
    }
    vt_tensor_release(x), vt_tensor_release(none);
}

static void batch_norm_hands_out_its_statistics_and_takes_given_ones(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(2, 1, 2), (const double[]){1, 2, 3, 6}), *mean = make_f64(SHAPE(1), (const double[]){1}), *var = make_f64(SHAPE(1), (const double[]){4});
    vt_tensor *in[] = {x, NULL, NULL, mean, var}, *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find("batch_norm", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, in, 1, NULL, 0, out), VT_OK);
    expect_f64(out[1], (const double[]){3}, 1);
    expect_f64(out[2], (const double[]){14.0 / 3}, 1);
    for (int i = 0; i < 3; i++) vt_tensor_release(out[i]);
    vt_attr attrs[] = {{.name = "training", .i = 0}, {.name = "eps", .f = 0}};
    assert_int_equal(vt_op_run(ctx, op, in, 5, attrs, 2, out), VT_OK);
    expect_f64(out[0], (const double[]){0, 0.5, 1, 2.5}, 4);
    for (int i = 0; i < 3; i++) vt_tensor_release(out[i]);
    assert_int_equal(vt_op_run(ctx, op, in, 1, attrs, 2, out), VT_ERR_INVALID);
    vt_tensor_release(x), vt_tensor_release(mean), vt_tensor_release(var);
}

static void gradients_are_those_of_differences(void **state) {
    (void)state;
    for (int dim = 0; dim < 3; dim++) {
        vt_attr a = {.name = "dim", .i = dim};
        check_gradient("softmax", 1, (const struct input[]){{.shape = {2, 3, 2}, .ndim = 3, .transposed = dim == 1}}, &a, 1);
        check_gradient("log_softmax", 1, (const struct input[]){{.shape = {2, 3, 2}, .ndim = 3, .transposed = dim == 1}}, &a, 1);
    }
    const vt_attr n_dims[] = {{.name = "n_dims", .i = 1}, {.name = "n_dims", .i = 2}}, groups = {.name = "groups", .i = 2}, still = {.name = "training", .i = 0};
    for (int weights = 0; weights < 2; weights++)
        for (int k = 0; k < 2; k++) {
            struct input w = {.shape = {3, 4}, .ndim = 2, .absent = !weights}, one = {.shape = {4}, .ndim = 1, .absent = !weights};
            struct input in[] = {{.shape = {2, 3, 4}, .ndim = 3, .transposed = k}, k ? w : one, k ? w : one};
            check_gradient("layer_norm", 3, in, &n_dims[k], 1);
            check_gradient("rms_norm", 2, in, &n_dims[k], 1);
            struct input channels[] = {{.shape = {2, 4, 3}, .ndim = 3, .transposed = k}, one, one};
            check_gradient("group_norm", 3, channels, &groups, 1);
            check_gradient("instance_norm", 3, channels, NULL, 0);
            check_gradient("batch_norm", 3, channels, NULL, 0);
            struct input given[] = {channels[0], one, one, {.shape = {4}, .ndim = 1}, {.shape = {4}, .ndim = 1, .positive = 1}};
            check_gradient("batch_norm", 5, given, &still, 1);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(softmax_sums_to_one_along_any_dim), cmocka_unit_test(special_rows_are_defined),
        cmocka_unit_test(a_norm_has_mean_0_and_variance_1), cmocka_unit_test(halves_and_empty_tensors_go_through),
        cmocka_unit_test(batch_norm_hands_out_its_statistics_and_takes_given_ones), cmocka_unit_test(gradients_are_those_of_differences)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
