/* Cholesky's factorisation and triangular systems by hand, and matrices that have none. */
#include "tensor_cases.h"

static void a_factor_times_its_transpose_is_the_matrix(void **state) {
    (void)state;
    vt_tensor *a = make_f64(SHAPE(2, 2, 2), (const double[]){4, 99, 2, 10, 9, 99, 3, 5}); /* what lies above the diagonal is not read */
    vt_tensor *l = run_op("cholesky", a, NULL, NULL, 0);
    expect_f64(l, (const double[]){2, 0, 1, 3, 3, 0, 1, 2}, 8);
    vt_tensor *b = make_f64(SHAPE(2, 2, 1), (const double[]){2, 7, 6, 4}), *x = run_op("solve_triangular", l, b, NULL, 0);
    expect_f64(x, (const double[]){1, 2, 2, 1}, 4);
    vt_attr transpose = {.name = "transpose", .i = 1};
    vt_tensor *y = run_op("solve_triangular", l, b, &transpose, 1);
    expect_f64(y, (const double[]){(2 - 7. / 3) / 2, 7. / 3, (6 - 2.) / 3, 2}, 4);
    vt_tensor_release(a), vt_tensor_release(l), vt_tensor_release(b), vt_tensor_release(x), vt_tensor_release(y);
}

static void the_first_matrix_that_has_no_factor_is_named(void **state) {
    (void)state;
    static const double bad[3][4] = {{1, 0, 0, 1}, {1, 0, 2, 1}, {-1, 0, 0, 1}};
    vt_tensor *a = make_f64(SHAPE(3, 2, 2), bad[0]), *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find("cholesky", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, &a, 1, NULL, 0, out), VT_ERR_NUMERIC);
    assert_non_null(strstr(vt_error_message(), "matrix 1 is not positive definite, seen in row 1"));
    assert_null(out[0]);
    vt_tensor_release(a);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_factor_times_its_transpose_is_the_matrix), cmocka_unit_test(the_first_matrix_that_has_no_factor_is_named)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
