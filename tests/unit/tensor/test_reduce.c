/* Reductions and running sums: values, special cases, layouts, thread counts, and gradients of both orders against differences. */
#include <math.h>

#include "gradient_check.h"
#include "tensor_cases.h"

enum { ANY = 99 };

static vt_attr dims_attr(const int64_t *dims, int64_t n) { return (vt_attr){.name = "dims", .list = dims, .n_list = n}; }

static void expect_close(vt_tensor *t, const double *want, int64_t n) {
    double have[64];
    vt_tensor *wide = run_op("cast", t, NULL, &(vt_attr){.name = "dtype", .i = VT_DTYPE_F64}, 1);
    assert_int_equal(vt_tensor_count(wide), n);
    assert_int_equal(vt_tensor_read(wide, have, (size_t)n * sizeof *have), VT_OK);
    for (int64_t i = 0; i < n; i++)
        if (!(isnan(want[i]) ? isnan(have[i]) : have[i] == want[i] || fabs(have[i] - want[i]) < 1e-12)) fail_msg("element %d is %g, not %g", (int)i, have[i], want[i]);
    vt_tensor_release(wide);
}

#define N NAN
#define I HUGE_VAL
static const struct {
    const char *op;
    int64_t dims[2];
    int64_t n_dims; /* ANY: absent */
    double want[6];
    int64_t n;
} table[] = { /* of {{1, 2, 3}, {4, 0, -1}} */
    {"sum", {0}, ANY, {9}, 1}, {"sum", {0}, 1, {5, 2, 2}, 3}, {"sum", {1}, 1, {6, 3}, 2}, {"sum", {0, 1}, 2, {9}, 1}, {"sum", {0}, 0, {1, 2, 3, 4, 0, -1}, 6},
    {"mean", {0}, ANY, {1.5}, 1}, {"mean", {-1}, 1, {2, 1}, 2}, {"prod", {1}, 1, {6, 0}, 2}, {"prod", {0}, 1, {4, 0, -3}, 3},
    {"amax", {0}, 1, {4, 2, 3}, 3}, {"amin", {0}, ANY, {-1}, 1}, {"max", {0}, 1, {4, 2, 3}, 3}, {"max", {0}, ANY, {4}, 1}, {"min", {1}, 1, {1, -1}, 2}, {"var", {1}, 1, {1, 7}, 2}, {"std", {0}, ANY, {1.8708286933869707}, 1},
    {"logsumexp", {1}, 1, {3.40760596444438, 4.024744890138822}, 2}, {"norm", {1}, 1, {3.7416573867739413, 4.123105625617661}, 2},
    {"any", {1}, 1, {1, 1}, 2}, {"all", {1}, 1, {1, 0}, 2}, {"count_nonzero", {0}, 1, {2, 1, 2}, 3},
};

static void reductions_give_these_numbers(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(2, 3), (const double[]){1, 2, 3, 4, 0, -1}), *t = run_op("transpose", x, NULL, NULL, 0), *u = run_op("copy", t, NULL, NULL, 0);
    vt_tensor *strided = run_op("transpose", u, NULL, NULL, 0);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        vt_attr a = dims_attr(table[i].dims, table[i].n_dims);
        vt_tensor *inputs[] = {x, strided};
        for (int k = 0; k < 2; k++) {
            vt_tensor *y = run_op(table[i].op, inputs[k], NULL, &a, table[i].n_dims != ANY);
            expect_close(y, table[i].want, table[i].n);
            vt_tensor_release(y);
        }
    }
    vt_tensor_release(x), vt_tensor_release(t), vt_tensor_release(u), vt_tensor_release(strided);
}

static void special_numbers_are_kept(void **state) {
    (void)state;
    static const struct {
        const char *op;
        double x[4], want;
    } cases[] = {
        {"max", {1, N, I, 2}, N}, {"min", {1, N, -I, 2}, N}, {"max", {-I, -I, -I, -I}, -I}, {"argmax", {1, N, N, I}, 1}, {"argmin", {1, 2, N, N}, 2},
        {"argmax", {3, 3, 1, 3}, 0}, {"argmin", {2, 1, 1, 2}, 1}, {"sum", {I, 1, -I, 0}, N}, {"sum", {I, 1, 2, 3}, I}, {"prod", {0, I, 1, 1}, N},
        {"logsumexp", {-I, -I, -I, -I}, -I}, {"logsumexp", {I, 1, 2, 3}, I}, {"logsumexp", {-I, 0, -I, -I}, 0}, {"logsumexp", {N, 0, 0, 0}, N},
        {"logsumexp", {1000, 1000, -I, -I}, 1000.6931471805599}, {"any", {0, 0, N, 0}, 1}, {"all", {1, N, I, 1}, 1}, {"count_nonzero", {0, N, -0.0, I}, 2},
        {"var", {5, 5, 5, 5}, 0}, {"mean", {N, 1, 1, 1}, N}, {"norm", {I, 0, 0, 0}, I},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int f32 = 0; f32 < 2; f32++) {
            vt_tensor *x = make_f64(SHAPE(4), cases[i].x), *c = run_op("cast", x, NULL, &(vt_attr){.name = "dtype", .i = f32 ? VT_DTYPE_F32 : VT_DTYPE_F64}, 1);
            vt_tensor *y = run_op(cases[i].op, c, NULL, NULL, 0);
            double want = f32 ? (double)(float)cases[i].want : cases[i].want;
            expect_close(y, &want, 1);
            vt_tensor_release(x), vt_tensor_release(c), vt_tensor_release(y);
        }
}

static void of_nothing_there_is_a_defined_result(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(2, 0, 3), (const double[]){0}), *out[VT_OP_MAX_OUTPUTS];
    vt_attr a = dims_attr((const int64_t[]){1}, 1), b = dims_attr((const int64_t[]){0}, 1);
    static const struct {
        const char *op;
        double want;
    } cases[] = {{"sum", 0}, {"prod", 1}, {"mean", N}, {"var", N}, {"logsumexp", -I}, {"norm", 0}, {"any", 0}, {"all", 1}, {"count_nonzero", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double want[6];
        for (int k = 0; k < 6; k++) want[k] = cases[i].want;
        vt_tensor *y = run_op(cases[i].op, x, NULL, &a, 1), *none = run_op(cases[i].op, x, NULL, &b, 1);
        expect_close(y, want, 6);
        assert_int_equal(vt_tensor_count(none), 0);
        vt_tensor_release(y), vt_tensor_release(none);
    }
    int32_t op;
    assert_int_equal(vt_op_find("max", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, &x, 1, &a, 1, out), VT_ERR_SHAPE);
    assert_int_equal(vt_op_find("argmin", &op), VT_OK);
    assert_int_equal(vt_op_run(ctx, op, &x, 1, NULL, 0, out), VT_ERR_SHAPE);
    vt_tensor_release(x);
}

/* Integers are summed in i64 and compared in their own type. */
static void integers_stay_exact(void **state) {
    (void)state;
    const int32_t values[] = {2147483647, 2147483647, -5, 3};
    const int64_t shape[] = {4};
    vt_tensor *x = NULL;
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_I32, shape, 1, VT_DEVICE_CPU, &x), VT_OK);
    assert_int_equal(vt_tensor_write(x, values, sizeof values), VT_OK);
    vt_tensor *sum = run_op("sum", x, NULL, NULL, 0), *max = run_op("max", x, NULL, NULL, 0), *at = run_op("argmin", x, NULL, NULL, 0), *mean = run_op("mean", x, NULL, NULL, 0);
    assert_int_equal(vt_tensor_dtype(sum), VT_DTYPE_I64);
    assert_int_equal(vt_tensor_dtype(max), VT_DTYPE_I32);
    assert_int_equal(vt_tensor_dtype(mean), VT_DTYPE_F32);
    expect_close(sum, (const double[]){4294967292.0}, 1);
    expect_close(max, (const double[]){2147483647.0}, 1);
    expect_close(at, (const double[]){2}, 1);
    vt_tensor_release(x), vt_tensor_release(sum), vt_tensor_release(max), vt_tensor_release(at), vt_tensor_release(mean);
}

/* Ten million times 0.1 in float32, whose exact sum is known: the bound of kernels/vtk_fold.h. */
static void long_sums_lose_nothing(void **state) {
    (void)state;
    enum { LONG = 10000000 };
    const int64_t shapes[2][2] = {{1, LONG}, {LONG / 4, 4}};
    for (int columns = 0; columns < 2; columns++) {
        vt_tensor *x = NULL;
        float have[4];
        assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F32, shapes[columns], 2, VT_DEVICE_CPU, &x), VT_OK);
        vt_tensor *y = run_op("fill", x, NULL, &(vt_attr){.name = "value", .f = 0.1}, 1);
        vt_attr a = dims_attr((const int64_t[]){columns ? 0 : 1}, 1);
        vt_tensor *s = run_op("sum", y, NULL, &a, 1);
        assert_int_equal(vt_tensor_read(s, have, columns ? 16 : 4), VT_OK);
        double exact = (double)0.1f * (columns ? LONG / 4 : LONG);
        assert_true(fabs((double)have[0] - exact) <= exact * 0x1p-24);
        vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(s);
    }
}

static void sums_run_in_both_directions(void **state) {
    (void)state;
    vt_tensor *x = make_f64(SHAPE(2, 3), (const double[]){1, 2, 3, 4, 0, -1});
    static const struct {
        const char *op;
        int dim, reverse, exclusive;
        double want[6];
    } cases[] = {
        {"cumsum", 1, 0, 0, {1, 3, 6, 4, 4, 3}}, {"cumsum", 0, 0, 0, {1, 2, 3, 5, 2, 2}}, {"cumsum", 1, 1, 0, {6, 5, 3, 3, -1, -1}}, {"cumsum", 1, 0, 1, {0, 1, 3, 0, 4, 4}},
        {"cumprod", 1, 0, 0, {1, 2, 6, 4, 0, 0}}, {"cumprod", 1, 1, 1, {6, 3, 1, 0, -1, 1}}, {"cumprod", 0, 0, 1, {1, 1, 1, 1, 2, 3}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        vt_attr a[] = {{.name = "dim", .i = cases[i].dim}, {.name = "reverse", .i = cases[i].reverse}, {.name = "exclusive", .i = cases[i].exclusive}};
        vt_tensor *y = run_op(cases[i].op, x, NULL, a, 3);
        expect_close(y, cases[i].want, 6);
        vt_tensor_release(y);
    }
    for (int by = -4; by <= 4; by++) {
        vt_attr a[] = {{.name = "dim", .i = 1}, {.name = "by", .i = by}};
        vt_tensor *y = run_op("shift", x, NULL, a, 2);
        double have[6], from[] = {1, 2, 3, 4, 0, -1};
        assert_int_equal(vt_tensor_read(y, have, sizeof have), VT_OK);
        for (int i = 0; i < 6; i++) {
            int j = i % 3 - by;
            double want = j < 0 || j > 2 ? 0 : from[i / 3 * 3 + j];
            assert_true(have[i] == want);
        }
        vt_tensor_release(y);
    }
    vt_tensor_release(x);
}

static void gradients_are_those_of_differences(void **state) {
    (void)state;
    static const int64_t last[] = {2}, two[] = {0, 2}, first[] = {0};
    const vt_attr none = {0}, by_last = dims_attr(last, 1), by_two = dims_attr(two, 2), by_first = dims_attr(first, 1);
    static const char *const ops[] = {"sum", "mean", "prod", "max", "min", "amax", "var", "std", "logsumexp", "norm"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        check_gradient(ops[i], 1, (const struct input[]){{.shape = {2, 3, 4}, .ndim = 3}}, &none, 0);
        check_gradient(ops[i], 1, (const struct input[]){{.shape = {2, 3, 4}, .ndim = 3}}, &by_last, 1);
        check_gradient(ops[i], 1, (const struct input[]){{.shape = {2, 3, 4}, .ndim = 3, .transposed = 1}}, &by_two, 1);
        check_gradient(ops[i], 1, (const struct input[]){{.shape = {3, 2}, .ndim = 2, .transposed = 1}}, &by_first, 1);
    }
    for (int i = 0; i < 8; i++) {
        vt_attr along[] = {{.name = "dim", .i = i & 1}, {.name = "reverse", .i = i >> 1 & 1}, {.name = "exclusive", .i = i >> 2}};
        vt_attr linear[] = {{.name = "dim", .i = i & 1}, {.name = "reverse", .i = i >> 1 & 1}, {.name = "late", .i = i >> 2}};
        check_gradient("cumsum", 1, (const struct input[]){{.shape = {4, 3}, .ndim = 2}}, along, 3);
        check_gradient("cumprod", 1, (const struct input[]){{.shape = {4, 3}, .ndim = 2, .zeros = 1}}, along, 3);
        check_gradient("linear_scan", 2, (const struct input[]){{.shape = {4, 3}, .ndim = 2}, {.shape = {4, 3}, .ndim = 2, .transposed = 1}}, linear, 3);
    }
    check_gradient("prod", 1, (const struct input[]){{.shape = {2, 3}, .ndim = 2, .zeros = 1}}, &none, 0);
}

static uint32_t draw(uint64_t *seed, uint32_t n) {
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33) % n;
}

/* What is reduced: element after element of the dense copy, position by position. */
static double naive(const char *op, const double *x, const int64_t *shape, uint32_t mask, int64_t result) {
    double sum = 0, best = -HUGE_VAL, prod = 1;
    int64_t at = -1, n = 0, index[4];
    for (int64_t i = 0; i < shape[0] * shape[1] * shape[2] * shape[3]; i++) {
        int64_t rest = i, own = 0;
        for (int d = 3; d >= 0; d--) index[d] = rest % shape[d], rest /= shape[d];
        for (int d = 0; d < 4; d++)
            if (!(mask >> d & 1)) own = own * shape[d] + index[d];
        if (own != result) continue;
        sum += x[i], prod *= x[i];
        if (x[i] > best) best = x[i], at = n;
        n++;
    }
    return strcmp(op, "sum") == 0 ? sum : strcmp(op, "prod") == 0 ? prod : strcmp(op, "max") == 0 ? best : strcmp(op, "argmax") == 0 ? (double)at : sum / (double)n;
}

static void any_layout_gives_the_same(void **state) {
    (void)state;
    static const char *const ops[] = {"sum", "prod", "max", "argmax", "mean"};
    static const int32_t types[] = {VT_DTYPE_F64, VT_DTYPE_F32, VT_DTYPE_I32};
    uint64_t seed = 7;
    for (int round = 0; round < 400; round++) {
        int64_t shape[4], twice[4], order[4] = {0, 1, 2, 3}, dims[4], count = 1, n_dims = 0;
        double values[4096], dense[4096], have[4096];
        for (int d = 0; d < 4; d++) shape[d] = 1 + draw(&seed, draw(&seed, 3) ? 4 : 7), twice[d] = shape[d] * (d == 3 ? 2 : 1), count *= twice[d];
        for (int d = 3; d > 0; d--) {
            int k = (int)draw(&seed, (uint32_t)d + 1);
            int64_t t = order[d];
            order[d] = order[k], order[k] = t;
        }
        for (int64_t i = 0; i < count; i++) values[i] = (double)draw(&seed, 7) - 3;
        vt_tensor *x = make_f64(twice, 4, values), *c = run_op("cast", x, NULL, &(vt_attr){.name = "dtype", .i = types[round % 3]}, 1);
        vt_attr cut[] = {{.name = "dim", .i = 3}, {.name = "stop", .i = twice[3]}, {.name = "step", .i = 2}}, turn = {.name = "dims", .list = order, .n_list = 4};
        vt_tensor *half = run_op("slice", c, NULL, cut, 3), *view = run_op("permute", round % 4 == 0 ? c : half, NULL, &turn, 1);
        vt_tensor *wide = run_op("cast", view, NULL, &(vt_attr){.name = "dtype", .i = VT_DTYPE_F64}, 1);
        const int64_t *seen = vt_tensor_shape(view);
        assert_int_equal(vt_tensor_read(wide, dense, (size_t)vt_tensor_count(wide) * 8), VT_OK);
        const char *op = ops[draw(&seed, 5)];
        uint32_t mask = 0;
        int one = strcmp(op, "argmax") == 0;
        for (int d = 0; d < 4; d++)
            if (draw(&seed, 2) && !(one && n_dims)) dims[n_dims++] = d, mask |= 1u << d;
        if (one && n_dims == 0) mask = 15;
        vt_attr a = one ? (vt_attr){.name = "dim", .i = dims[0]} : dims_attr(dims, n_dims);
        vt_tensor *y = run_op(op, view, NULL, &a, one && mask == 15 ? 0 : 1), *result = run_op("cast", y, NULL, &(vt_attr){.name = "dtype", .i = VT_DTYPE_F64}, 1);
        assert_int_equal(vt_tensor_read(result, have, (size_t)vt_tensor_count(result) * 8), VT_OK);
        for (int64_t i = 0; i < vt_tensor_count(result); i++) {
            double want = naive(op, dense, seen, mask, i);
            if (!(fabs(have[i] - want) <= 1e-6 * fabs(want))) fail_msg("round %d, %s, mask %u: result %d is %g, not %g", round, op, mask, (int)i, have[i], want);
        }
        vt_tensor_release(x), vt_tensor_release(c), vt_tensor_release(half), vt_tensor_release(view), vt_tensor_release(wide), vt_tensor_release(y), vt_tensor_release(result);
    }
}

/* Results do not depend on who does the work. */
static void threads_change_no_bit(void **state) {
    (void)state;
    enum { ROWS = 700, COLUMNS = 900 };
    static float values[ROWS * COLUMNS];
    static const int64_t second[] = {1};
    static const char *const ops[] = {"sum", "mean", "var", "logsumexp", "norm", "max", "cumsum", "softmax", "log_softmax", "layer_norm", "rms_norm"};
    uint64_t s = 1;
    for (int i = 0; i < ROWS * COLUMNS; i++) s = s * 6364136223846793005u + 1442695040888963407u, values[i] = (float)(int32_t)(s >> 32) * 0x1p-28f;
    for (size_t o = 0; o < sizeof ops / sizeof ops[0]; o++)
        for (int dim = 0; dim < 3; dim++) {
            static float result[2][ROWS * COLUMNS];
            size_t size = 0;
            int is_norm = strstr(ops[o], "_norm") != NULL, along = is_norm || strstr(ops[o], "soft") || strstr(ops[o], "cum");
            vt_attr a = along ? (vt_attr){.name = "dim", .i = dim % 2} : dims_attr((const int64_t[]){0, 1, 0}, dim == 2 ? 2 : 1);
            if (!along && dim == 1) a.list = second;
            for (int threads = 0; threads < 2; threads++) {
                vt_context_options options = VT_STRUCT_INIT(vt_context_options);
                vt_context *own = NULL;
                vt_tensor *x = NULL, *out[VT_OP_MAX_OUTPUTS];
                int32_t op;
                options.n_threads = threads ? 3 : 1;
                assert_int_equal(vt_context_create(&options, &own), VT_OK);
                assert_int_equal(vt_tensor_create(own, VT_DTYPE_F32, (const int64_t[]){ROWS, COLUMNS}, 2, VT_DEVICE_CPU, &x), VT_OK);
                assert_int_equal(vt_tensor_write(x, values, sizeof values), VT_OK);
                assert_int_equal(vt_op_find(ops[o], &op), VT_OK);
                if (vt_op_run(own, op, &x, 1, &a, is_norm ? 0 : 1, out) != VT_OK) fail_msg("%s", vt_error_message());
                size = (size_t)vt_tensor_count(out[0]) * 4;
                assert_int_equal(vt_tensor_read(out[0], result[threads], size), VT_OK);
                vt_tensor_release(x), vt_tensor_release(out[0]);
                vt_context_release(own);
            }
            assert_memory_equal(result[0], result[1], size);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reductions_give_these_numbers), cmocka_unit_test(special_numbers_are_kept),
        cmocka_unit_test(of_nothing_there_is_a_defined_result), cmocka_unit_test(integers_stay_exact), cmocka_unit_test(long_sums_lose_nothing),
        cmocka_unit_test(sums_run_in_both_directions), cmocka_unit_test(gradients_are_those_of_differences),
        cmocka_unit_test(any_layout_gives_the_same), cmocka_unit_test(threads_change_no_bit)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
