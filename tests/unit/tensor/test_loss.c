/* Losses: values by hand, ids that are ignored or no classes, gradients of both orders. */
#include "gradient_check.h"



static vt_tensor *make_ids(const int64_t *ids, int64_t n) {
    vt_tensor *t = NULL;
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_I64, &n, 1, VT_DEVICE_CPU, &t), VT_OK);
    assert_int_equal(vt_tensor_write(t, ids, (size_t)n * 8), VT_OK);
    return t;
}

static void losses_of_pairs_give_these_numbers(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(3), (const double[]){1, -2, 0.5}), *t = make_f64(SHAPE(3), (const double[]){0, 1, 0.25});
    static const struct {
        const char *op;
        double want; /* sum */
    } cases[] = {{"mse_loss", 1 + 9 + 0.0625}, {"l1_loss", 4.25}, {"huber_loss", 0.5 + 2.5 + 0.03125}, {"smooth_l1_loss", 0.5 + 2.5 + 0.03125},
        {"bce_with_logits", 1.3132616875182228 + 2.1269280110429727 + 0.8490769841801067}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_tensor *sum = run_op(cases[i].op, x, t, &(vt_attr){.name = "reduction", .text = "sum"}, 1), *mean = run_op(cases[i].op, x, t, NULL, 0);
        expect_f64(sum, &cases[i].want, 1);
        double third = cases[i].want / 3;
        expect_f64(mean, &third, 1);
        vt_tensor_release(sum), vt_tensor_release(mean);
    }
    vt_tensor_release(x), vt_tensor_release(t);
}

static void cross_entropy_counts_what_is_not_ignored(void **state) {
    (void)state;
    double logits[] = {1, 2, 3, 0, 0, 0, -1, 5, 2};
    vt_tensor *x = make_f64(SHAPE(3, 3), logits), *ids = make_ids((const int64_t[]){2, -100, 1}, 3);
    double a = log(exp(1) + exp(2) + exp(3)) - 3, b = log(exp(-1) + exp(5) + exp(2)) - 5, mean = (a + b) / 2, all[] = {a, 0, b};
    vt_tensor *m = run_op("cross_entropy", x, ids, NULL, 0), *each = run_op("cross_entropy", x, ids, &(vt_attr){.name = "reduction", .text = "none"}, 1);
    vt_tensor *logp = run_op("log_softmax", x, NULL, NULL, 0), *nll = run_op("nll_loss", logp, ids, NULL, 0);
    expect_f64(m, &mean, 1);
    expect_f64(each, all, 3);
    expect_f64(nll, &mean, 1);
    vt_tensor_release(m), vt_tensor_release(each), vt_tensor_release(logp), vt_tensor_release(nll), vt_tensor_release(ids);

    ids = make_ids((const int64_t[]){2, 3, 1}, 3);
    vt_tensor *in[] = {x, ids}, *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find("cross_entropy", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, in, 2, NULL, 0, out), VT_ERR_INVALID);
    assert_non_null(strstr(vt_error_message(), "class id 3 in row 1"));
    vt_tensor_release(x), vt_tensor_release(ids);
}

static void gradients_are_those_of_differences(void **state) {
    (void)state;
    static const int64_t ids[] = {1, 0, 3}, some[] = {1, -100, 3}, grid[] = {0, 2, 1, 1};
    const vt_attr smooth = {.name = "label_smoothing", .f = 0.1}, none = {.name = "reduction", .text = "none"}, batch = {.name = "reduction", .text = "batchmean"};
    struct input rows = {.shape = {3, 4}, .ndim = 2}, positive = {.shape = {3, 4}, .ndim = 2, .positive = 1};
    check_gradient("cross_entropy", 2, (const struct input[]){rows, {.shape = {3}, .ndim = 1, .ids = ids}}, &smooth, 1);
    check_gradient("cross_entropy", 2, (const struct input[]){rows, {.shape = {3}, .ndim = 1, .ids = some}}, &smooth, 1);
    check_gradient("cross_entropy", 2, (const struct input[]){{.shape = {2, 3, 2}, .ndim = 3}, {.shape = {2, 2}, .ndim = 2, .ids = grid}}, &none, 1);
    check_gradient("cross_entropy", 2, (const struct input[]){rows, positive}, &smooth, 1);
    check_gradient("nll_loss", 2, (const struct input[]){rows, {.shape = {3}, .ndim = 1, .ids = some}}, NULL, 0);
    check_gradient("mse_loss", 2, (const struct input[]){rows, {.shape = {4}, .ndim = 1}}, NULL, 0);
    check_gradient("huber_loss", 2, (const struct input[]){rows, rows}, NULL, 0);
    check_gradient("bce_with_logits", 2, (const struct input[]){rows, positive}, &none, 1);
    check_gradient("kl_div", 2, (const struct input[]){rows, positive}, &batch, 1);
    check_gradient("gaussian_nll", 3, (const struct input[]){rows, rows, positive}, &none, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(losses_of_pairs_give_these_numbers), cmocka_unit_test(cross_entropy_counts_what_is_not_ignored),
        cmocka_unit_test(gradients_are_those_of_differences)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
