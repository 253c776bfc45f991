/* Views, placement, indices, sorting, random numbers, sums of products: values by hand, gradients against the adjoint identity <A x, g> = <x, A' g>,
 * refusals, the opaque device. */
#include "tensor_cases.h"

static vt_tensor *counting(const int64_t *shape, int32_t n_dims) {
    double values[256];
    for (int i = 0; i < 256; i++) values[i] = i;
    vt_tensor *t = NULL;
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F64, shape, n_dims, VT_DEVICE_CPU, &t), VT_OK);
    assert_int_equal(vt_tensor_write(t, values, (size_t)vt_tensor_count(t) * 8), VT_OK);
    return t;
}

static vt_tensor *make_i64(int64_t n, const int64_t *values) {
    vt_tensor *t = NULL;
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_I64, &n, 1, VT_DEVICE_CPU, &t), VT_OK);
    assert_int_equal(vt_tensor_write(t, values, (size_t)n * 8), VT_OK);
    return t;
}

static vt_attr integer(const char *name, int64_t i) { return (vt_attr){.name = name, .i = i}; }

/* One call: the op on a [3, 4] counting tensor, its values, and the adjoint identity. */
static const struct {
    const char *op;
    int32_t n_attrs;
    vt_attr attrs[4];
    int64_t n;
    double want[32];
} cases[] = {
    {"slice", 4, {{.name = "dim", .i = 1}, {.name = "start", .i = 1}, {.name = "stop", .i = -1}, {.name = "step", .i = 1}}, 6, {1, 2, 5, 6, 9, 10}},
    {"slice", 3, {{.name = "dim", .i = 1}, {.name = "start", .i = -4}, {.name = "step", .i = 3}}, 6, {0, 3, 4, 7, 8, 11}},
    {"slice", 3, {{.name = "dim", .i = 0}, {.name = "start", .i = 2}, {.name = "stop", .i = 1}}, 0, {0}},
    {"select", 2, {{.name = "dim", .i = 0}, {.name = "index", .i = -1}}, 4, {8, 9, 10, 11}},
    {"diagonal", 1, {{.name = "offset", .i = 1}}, 3, {1, 6, 11}},
    {"diagonal", 1, {{.name = "offset", .i = -1}}, 2, {4, 9}},
    {"diagonal", 1, {{.name = "offset", .i = 9}}, 0, {0}},
    {"unfold", 3, {{.name = "dim", .i = 1}, {.name = "size", .i = 3}, {.name = "step", .i = 1}}, 18, {0, 1, 2, 1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 9, 10, 9, 10, 11}},
    {"flip", 1, {{.name = "dims", .i = 1}}, 12, {3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8}},
    {"roll", 2, {{.name = "shifts", .i = 1}, {.name = "dims", .i = 0}}, 12, {8, 9, 10, 11, 0, 1, 2, 3, 4, 5, 6, 7}},
    {"roll", 2, {{.name = "shifts", .i = -5}, {.name = "dims", .i = 1}}, 12, {1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8}},
    {"tril", 1, {{.name = "diagonal", .i = 0}}, 12, {0, 0, 0, 0, 4, 5, 0, 0, 8, 9, 10, 0}},
    {"triu", 1, {{.name = "diagonal", .i = 2}}, 12, {0, 0, 2, 3, 0, 0, 0, 7, 0, 0, 0, 0}},
    {"pad", 1, {{.name = "pads", .list = (const int64_t[]){1, -2}, .n_list = 2}}, 9, {0, 0, 1, 0, 4, 5, 0, 8, 9}},
    {"pad", 2, {{.name = "pads", .list = (const int64_t[]){2, 1}, .n_list = 2}, {.name = "mode", .text = "reflect"}}, 21,
     {2, 1, 0, 1, 2, 3, 2, 6, 5, 4, 5, 6, 7, 6, 10, 9, 8, 9, 10, 11, 10}},
    {"pad", 2, {{.name = "pads", .list = (const int64_t[]){1, 2}, .n_list = 2}, {.name = "mode", .text = "replicate"}}, 21,
     {0, 0, 1, 2, 3, 3, 3, 4, 4, 5, 6, 7, 7, 7, 8, 8, 9, 10, 11, 11, 11}},
    {"pad", 2, {{.name = "pads", .list = (const int64_t[]){1, 1}, .n_list = 2}, {.name = "mode", .text = "circular"}}, 18,
     {3, 0, 1, 2, 3, 0, 7, 4, 5, 6, 7, 4, 11, 8, 9, 10, 11, 8}},
    {"tile", 1, {{.name = "repeats", .list = (const int64_t[]){1, 2}, .n_list = 2}}, 24,
     {0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 4, 5, 6, 7, 8, 9, 10, 11, 8, 9, 10, 11}},
};

static double inner(vt_tensor *a, vt_tensor *b) {
    double x[64], y[64], sum = 0;
    int64_t n = vt_tensor_count(a);
    assert_int_equal(vt_tensor_count(b), n);
    assert_int_equal(vt_tensor_read(a, x, (size_t)n * 8), VT_OK);
    assert_int_equal(vt_tensor_read(b, y, (size_t)n * 8), VT_OK);
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void elements_go_where_they_should_and_gradients_back(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_tensor *x = counting(SHAPE(3, 4)), *back = NULL, *again = NULL;
        assert_int_equal(vt_tensor_set_requires_grad(x, 1), VT_OK);
        vt_tensor *y = run_op(cases[i].op, x, NULL, cases[i].attrs, cases[i].n_attrs);
        expect_f64(y, cases[i].want, cases[i].n);
        vt_tensor *g = counting(vt_tensor_shape(y), vt_tensor_n_dims(y));
        assert_int_equal(vt_tensor_set_requires_grad(g, 1), VT_OK);
        assert_int_equal(vt_gradients(ctx, &y, &g, 1, &x, 1, VT_BACKWARD_CREATE, &back), VT_OK);
        assert_float_equal(inner(y, g), inner(x, back), 1e-9);
        assert_int_equal(vt_gradients(ctx, &back, &x, 1, &g, 1, 0, &again), VT_OK); /* the adjoint of the adjoint is the operation */
        expect_f64(again, cases[i].want, cases[i].n);
        vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(g), vt_tensor_release(back), vt_tensor_release(again);
    }
}

static void indices_gather_scatter_and_add_in_order(void **state) {
    (void)state;
    vt_tensor *x = counting(SHAPE(3, 2)), *i = make_i64(4, (const int64_t[]){2, 0, -1, 2}), *out[VT_OP_MAX_OUTPUTS];
    vt_attr dim = integer("dim", 0);
    int32_t op;
    vt_tensor *rows = run_op("index_select", x, i, &dim, 1);
    expect_f64(rows, (const double[]){4, 5, 0, 1, 4, 5, 4, 5}, 8);
    assert_int_equal(vt_op_find("index_add", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, (vt_tensor *[]){x, i, rows}, 3, &dim, 1, out), VT_OK);
    expect_f64(out[0], (const double[]){0, 2, 2, 3, 16, 20}, 6);
    vt_tensor_release(out[0]);
    vt_tensor *far = make_i64(1, (const int64_t[]){3});
    assert_int_equal(vt_op_find("index_select", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, (vt_tensor *[]){x, far}, 2, &dim, 1, out), VT_ERR_INVALID);
    assert_non_null(strstr(vt_error_message(), "index 3 of an extent of 3"));
    vt_tensor_release(x), vt_tensor_release(i), vt_tensor_release(rows), vt_tensor_release(far);
}

static void sorting_keeps_equal_ones_in_order(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(6), (const double[]){2, -1, 2, (double)NAN, -0.0, 0.0}), *out[VT_OP_MAX_OUTPUTS];
    int64_t order[6];
    int32_t op;
    assert_int_equal(vt_op_find("sort", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, &x, 1, NULL, 0, out), VT_OK);
    assert_int_equal(vt_tensor_read(out[1], order, sizeof order), VT_OK);
    assert_memory_equal(order, ((const int64_t[]){1, 4, 5, 0, 2, 3}), sizeof order);
    vt_tensor_release(x), vt_tensor_release(out[0]), vt_tensor_release(out[1]);
}

static void sums_of_products_follow_their_equation(void **state) {
    (void)state;
    vt_tensor *a = counting(SHAPE(2, 3)), *b = counting(SHAPE(3, 2)), *c = counting(SHAPE(2)), *out[VT_OP_MAX_OUTPUTS];
    vt_attr equation = {.name = "equation", .text = "ij,jk,k->i"};
    int32_t op;
    assert_int_equal(vt_op_find("einsum", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, (vt_tensor *[]){a, b, c}, 3, &equation, 1, out), VT_OK);
    expect_f64(out[0], (const double[]){13, 40}, 2);
    vt_tensor_release(out[0]);
    equation.text = "ij->ji";
    assert_int_equal(vt_op_run(ctx, op, &a, 1, &equation, 1, out), VT_OK);
    expect_f64(out[0], (const double[]){0, 3, 1, 4, 2, 5}, 6);
    vt_tensor_release(out[0]);
    static const char *const wrong[] = {"ij,jk->ik", "ii->i", "ij->z", "i->i", "ij->ij-", "IJ->IJ"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        equation.text = wrong[i];
        assert_true(vt_op_run(ctx, op, &a, 1, &equation, 1, out) < 0);
    }
    vt_tensor_release(a), vt_tensor_release(b), vt_tensor_release(c);
}

static void random_numbers_depend_on_their_place_alone(void **state) {
    (void)state;
    vt_tensor *x = counting(SHAPE(8, 8)), *row = counting(SHAPE(8));
    double whole[64], part[8];
    vt_attr all[] = {integer("seed", 7), integer("first", 0)}, second[] = {integer("seed", 7), integer("first", 8)};
    vt_tensor *a = run_op("normal", x, NULL, all, 2), *b = run_op("normal", row, NULL, second, 2);
    assert_int_equal(vt_tensor_read(a, whole, sizeof whole), VT_OK);
    assert_int_equal(vt_tensor_read(b, part, sizeof part), VT_OK);
    assert_memory_equal(whole + 8, part, sizeof part);
    vt_tensor_release(x), vt_tensor_release(row), vt_tensor_release(a), vt_tensor_release(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(elements_go_where_they_should_and_gradients_back),
        cmocka_unit_test(indices_gather_scatter_and_add_in_order), cmocka_unit_test(sorting_keeps_equal_ones_in_order),
        cmocka_unit_test(sums_of_products_follow_their_equation), cmocka_unit_test(random_numbers_depend_on_their_place_alone)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
