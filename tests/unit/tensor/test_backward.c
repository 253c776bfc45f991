/* The tape: first and second order, accumulation, recording off, tensors written to, long chains, hooks, custom gradients. */
#include "tensor_cases.h"

/* d/dx of sum((x W)^2 / x) by hand is compared in the Lua gradient check; here the plumbing is. */
static void a_gradient_adds_up_in_leaves(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(3), (const double[]){1, 2, 3});
    assert_int_equal(vt_tensor_set_requires_grad(x, 1), VT_OK);
    for (int pass = 1; pass <= 2; pass++) {
        vt_tensor *y = run_op("mul", x, x, NULL, 0), *s = run_op("sum", y, NULL, NULL, 0);
        assert_int_equal(vt_backward(ctx, &s, NULL, 1, 0), VT_OK);
        vt_tensor *g = vt_tensor_grad(x);
        expect_f64(g, (const double[]){2. * pass, 4. * pass, 6. * pass}, 3);
        vt_tensor_release(g), vt_tensor_release(y), vt_tensor_release(s);
    }
    vt_tensor_release(x);
}

static void gradients_of_leaves_share_no_memory(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(2), (const double[]){1, 2}), *y = make_f64(SHAPE(2), (const double[]){3, 4}), *g = make_f64(SHAPE(2), (const double[]){5, 6});
    assert_int_equal(vt_tensor_set_requires_grad(x, 1), VT_OK);
    assert_int_equal(vt_tensor_set_requires_grad(y, 1), VT_OK);
    vt_tensor *s = run_op("add", x, y, NULL, 0);
    assert_int_equal(vt_backward(ctx, &s, &g, 1, 0), VT_OK);
    vt_tensor *gx = vt_tensor_grad(x), *gy = vt_tensor_grad(y);
    assert_int_equal(vt_tensor_write(gx, (const double[]){0, 0}, 16), VT_OK);
    expect_f64(gy, (const double[]){5, 6}, 2);
    expect_f64(g, (const double[]){5, 6}, 2);
    vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(g), vt_tensor_release(s), vt_tensor_release(gx), vt_tensor_release(gy);
}

static void a_second_derivative_is_a_gradient_of_a_gradient(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(2), (const double[]){2, 3}), *g = NULL, *gg = NULL;
    assert_int_equal(vt_tensor_set_requires_grad(x, 1), VT_OK);
    vt_tensor *y = run_op("mul", x, x, NULL, 0), *z = run_op("mul", y, x, NULL, 0), *s = run_op("sum", z, NULL, NULL, 0);
    assert_int_equal(vt_gradients(ctx, &s, NULL, 1, &x, 1, VT_BACKWARD_CREATE, &g), VT_OK);
    expect_f64(g, (const double[]){12, 27}, 2);
    vt_tensor *t = run_op("sum", g, NULL, NULL, 0);
    assert_int_equal(vt_gradients(ctx, &t, NULL, 1, &x, 1, 0, &gg), VT_OK);
    expect_f64(gg, (const double[]){12, 18}, 2);
    vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(z), vt_tensor_release(s), vt_tensor_release(t), vt_tensor_release(g), vt_tensor_release(gg);
}

static void a_walked_tape_and_changed_numbers_are_refused(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(2), (const double[]){2, 3});
    assert_int_equal(vt_tensor_set_requires_grad(x, 1), VT_OK);
    vt_tensor *y = run_op("mul", x, x, NULL, 0), *s = run_op("sum", y, NULL, NULL, 0);
    assert_int_equal(vt_backward(ctx, &s, NULL, 1, VT_BACKWARD_KEEP), VT_OK);
    assert_int_equal(vt_tensor_write(x, (const double[]){1, 1}, 16), VT_OK);
    assert_int_equal(vt_backward(ctx, &s, NULL, 1, 0), VT_ERR_STATE);
    assert_non_null(strstr(vt_error_message(), "written"));
    vt_tensor_release(y), vt_tensor_release(s);
    y = run_op("mul", x, x, NULL, 0), s = run_op("sum", y, NULL, NULL, 0);
    assert_int_equal(vt_backward(ctx, &s, NULL, 1, 0), VT_OK);
    assert_int_equal(vt_backward(ctx, &s, NULL, 1, 0), VT_ERR_STATE);
    vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(s);
}

static void a_history_of_a_hundred_thousand_steps_is_walked_and_freed(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(1), (const double[]){1}), *y = vt_tensor_retain(x);
    assert_int_equal(vt_tensor_set_requires_grad(x, 1), VT_OK);
    for (int i = 0; i < 100000; i++) {
        vt_tensor *z = run_op("neg", y, NULL, NULL, 0);
        vt_tensor_release(y);
        y = z;
    }
    assert_int_equal(vt_backward(ctx, &y, NULL, 1, 0), VT_OK);
    vt_tensor *g = vt_tensor_grad(x);
    expect_f64(g, (const double[]){1}, 1);
    vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_gradient_adds_up_in_leaves), cmocka_unit_test(gradients_of_leaves_share_no_memory),
        cmocka_unit_test(a_second_derivative_is_a_gradient_of_a_gradient),
        cmocka_unit_test(a_walked_tape_and_changed_numbers_are_refused), cmocka_unit_test(a_history_of_a_hundred_thousand_steps_is_walked_and_freed)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
