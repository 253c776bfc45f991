/* Tensors and the running of operations: views, types, writing in place, the opaque device, errors. */
#include "tensor_cases.h"

static void a_product_broadcasts_and_reads_strides(void **state) {
    (void)state;
    vt_tensor *a = make_f64(SHAPE(2, 3), (const double[]){1, 2, 3, 4, 5, 6});
    vt_tensor *t = run_op("transpose", a, NULL, NULL, 0);
    vt_tensor *p = run_op("matmul", a, t, NULL, 0);
    vt_tensor *b = make_f64(SHAPE(2), (const double[]){10, 20}), *s = run_op("add", t, b, NULL, 0);
    expect_f64(p, (const double[]){14, 32, 32, 77}, 4);
    expect_f64(s, (const double[]){11, 24, 12, 25, 13, 26}, 6);
    assert_ptr_equal(vt_tensor_data(t), vt_tensor_data(a));
    vt_tensor_release(a), vt_tensor_release(b), vt_tensor_release(t), vt_tensor_release(p), vt_tensor_release(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_product_broadcasts_and_reads_strides)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
