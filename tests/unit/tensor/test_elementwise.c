/* Elementwise operations over arrays of every layout and type against plain loops; the bits are the same for any number of threads. */
#include "tensor_cases.h"

#include <math.h>

enum { MOST = 1 << 18 };
static uint64_t seed = 1;

static int64_t below(int64_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((seed >> 33) % (uint64_t)n);
}

/* An f32 view over `room` with extents that broadcast to shape, dimensions in any order in memory, with gaps, or repeated. */
static vt_tensor *any_view(float *room, const int64_t *shape, int32_t n_dims) {
    int64_t extent[VT_MAX_DIMS], stride[VT_MAX_DIMS], order[VT_MAX_DIMS], next = 1;
    int32_t skip = (int32_t)below(4) == 0 ? (int32_t)below(n_dims + 1) : 0, n = n_dims - skip;
    vt_tensor *t;
    for (int32_t d = 0; d < n; d++) order[d] = d, extent[d] = below(5) == 0 ? 1 : shape[d + skip];
    for (int32_t d = n - 1; d > 0; d--) {
        int64_t k = below(2) ? d : below(d + 1), other = order[d];
        order[d] = order[k], order[k] = other;
    }
    for (int32_t d = n - 1; d >= 0; d--) {
        stride[order[d]] = below(8) == 0 ? 0 : next;
        if (extent[order[d]] > 1 && stride[order[d]]) next *= extent[order[d]] + (below(4) == 0);
    }
    if (next > MOST) { /* gaps do not fit: dense */
        for (int64_t d = n - 1, s = 1; d >= 0; d--) stride[d] = s, s *= extent[d];
    }
    for (int64_t i = 0; i < MOST; i++) room[i] = (float)(below(64) - 32) / 4;
    assert_int_equal(vt_tensor_create_view(ctx, VT_DTYPE_F32, extent, n, stride, room, MOST * sizeof *room, 0, NULL, NULL, &t), VT_OK);
    return t;
}

/* The element that broadcasting puts at place `at` of shape. */
static float element(const vt_tensor *t, const int64_t *at, int32_t n_dims) {
    int32_t n = vt_tensor_n_dims(t);
    const int64_t *shape = vt_tensor_shape(t), *strides = vt_tensor_strides(t);
    int64_t offset = 0;
    for (int32_t d = 0; d < n; d++) offset += shape[d] == 1 ? 0 : at[n_dims - n + d] * strides[d];
    return ((const float *)vt_tensor_data(t))[offset];
}

static int32_t find_op(const char *name) {
    int32_t op;
    assert_int_equal(vt_op_find(name, &op), VT_OK);
    return op;
}

static float evaluate(const char *name, const float *x) {
    if (strcmp(name, "add") == 0) return x[0] + x[1];
    if (strcmp(name, "sub") == 0) return x[0] - x[1];
    if (strcmp(name, "where") == 0) return x[0] != 0 ? x[1] : x[2];
    if (strcmp(name, "neg") == 0) return -x[0];
    return x[0];
}

/* out may lie in any order too; its own extents are those of the result. */
static void check_layout(const char *name, int32_t n_in, const int64_t *shape, int32_t n_dims) {
    static float room[4][MOST];
    vt_tensor *in[3] = {0}, *fresh[VT_OP_MAX_OUTPUTS], *out;
    int64_t strides[VT_MAX_DIMS], extent[VT_MAX_DIMS], at[VT_MAX_DIMS] = {0}, order[VT_MAX_DIMS], next = 1;
    for (int32_t i = 0; i < n_in; i++) in[i] = any_view(room[i], shape, n_dims);
    if (vt_op_run(ctx, find_op(name), in, n_in, NULL, 0, fresh) != VT_OK) fail_msg("%s", vt_error_message());
    int32_t n = vt_tensor_n_dims(fresh[0]);
    int64_t count = vt_tensor_count(fresh[0]);
    for (int32_t d = 0; d < n; d++) extent[d] = vt_tensor_shape(fresh[0])[d], order[d] = d;
    for (int32_t d = n - 1; d > 0; d--) {
        int64_t k = below(d + 1), other = order[d];
        order[d] = order[k], order[k] = other;
    }
    for (int32_t d = n - 1; d >= 0; d--) strides[order[d]] = next, next *= extent[order[d]];
    assert_int_equal(vt_tensor_create_view(ctx, VT_DTYPE_F32, extent, n, strides, room[3], sizeof room[3], 0, NULL, NULL, &out), VT_OK);
    assert_int_equal(vt_op_run_into(ctx, find_op(name), in, n_in, NULL, 0, &out, 1), VT_OK);
    for (int64_t i = 0; i < count; i++) {
        float x[3] = {0};
        for (int32_t k = 0; k < n_in; k++) x[k] = element(in[k], at, n);
        float want = evaluate(name, x), got = ((const float *)vt_tensor_data(fresh[0]))[i], placed = element(out, at, n);
        if (got != want || placed != want) fail_msg("%s: element %lld is %g and %g, want %g", name, (long long)i, (double)got, (double)placed, (double)want);
        for (int32_t d = n - 1; d >= 0 && ++at[d] == extent[d]; d--) at[d] = 0;
    }
    for (int32_t i = 0; i < n_in; i++) vt_tensor_release(in[i]);
    vt_tensor_release(fresh[0]);
    vt_tensor_release(out);
}

static void every_layout_gives_the_plain_loop(void **state) {
    (void)state;
    static const int64_t sizes[] = {1, 2, 3, 7, 8, 31, 33, 64, 129, 300, 1030};
    static const struct {
        const char *name;
        int32_t n_in;
    } ops[] = {{"add", 2}, {"sub", 2}, {"neg", 1}, {"copy", 1}, {"where", 3}};
    for (int round = 0; round < 150; round++) {
        int64_t shape[VT_MAX_DIMS], count = 1;
        int32_t n_dims = 1 + (int32_t)below(4);
        for (int32_t d = 0; d < n_dims; d++) {
            shape[d] = sizes[below(11)];
            if (count * shape[d] > MOST / 8) shape[d] = 1;
            count *= shape[d];
        }
        check_layout(ops[round % 5].name, ops[round % 5].n_in, shape, n_dims);
    }
}

static const int32_t dtypes[] = {VT_DTYPE_BOOL, VT_DTYPE_U8, VT_DTYPE_I8, VT_DTYPE_I32, VT_DTYPE_I64, VT_DTYPE_F16, VT_DTYPE_BF16, VT_DTYPE_F32, VT_DTYPE_F64,
                                 VT_DTYPE_C64, VT_DTYPE_C128};

static vt_tensor *as_type(vt_tensor *t, int32_t dtype) {
    vt_attr attr = {.name = "dtype", .i = dtype};
    return run_op("cast", t, NULL, &attr, 1);
}

static void every_pair_of_types_promotes(void **state) {
    (void)state;
    const double x[] = {0, 1, 1, 3, 5, 100}, y[] = {1, 0, 1, 7, 2, 20};
    for (size_t i = 0; i < 11; i++)
        for (size_t j = 0; j < 11; j++) {
            vt_tensor *a = make_f64(SHAPE(6), x), *b = make_f64(SHAPE(6), y), *p = as_type(a, dtypes[i]), *q = as_type(b, dtypes[j]);
            vt_tensor *sum = run_op("add", p, q, NULL, 0), *wide = as_type(sum, VT_DTYPE_C128), *back = run_op("real", wide, NULL, NULL, 0);
            double want[6];
            for (int k = 0; k < 6; k++) want[k] = (i ? x[k] : (double)(x[k] != 0)) + (j ? y[k] : (double)(y[k] != 0));
            int32_t dtype = vt_tensor_dtype(sum);
            if (i == j) assert_int_equal(dtype, i ? dtypes[i] : VT_DTYPE_I64);
            expect_f64(back, want, 6);
            vt_tensor *all[] = {a, b, p, q, sum, wide, back};
            for (int k = 0; k < 7; k++) vt_tensor_release(all[k]);
        }
}

static void nothing_and_one_number(void **state) {
    (void)state;
    const double two = 2, zero[1] = {0};
    vt_tensor *none = make_f64(SHAPE(3, 0, 2), zero), *one = make_f64(NULL, 0, &two);
    vt_tensor *a = run_op("add", none, one, NULL, 0), *b = run_op("mul", one, one, NULL, 0), *c = run_op("exp", none, NULL, NULL, 0);
    assert_int_equal(vt_tensor_n_dims(a), 3);
    assert_int_equal(vt_tensor_count(a), 0);
    assert_int_equal(vt_tensor_count(c), 0);
    assert_int_equal(vt_tensor_n_dims(b), 0);
    expect_f64(b, (const double[]){4}, 1);
    vt_tensor *all[] = {none, one, a, b, c};
    for (int i = 0; i < 5; i++) vt_tensor_release(all[i]);
}

/* Written over an input, and over one that lies elsewhere in the same memory. */
static void outputs_over_inputs(void **state) {
    (void)state;
    enum { SIDE = 70 };
    static float room[SIDE * SIDE];
    const int64_t shape[] = {SIDE, SIDE}, down[] = {1, SIDE}, part[] = {SIDE * SIDE - 8};
    vt_tensor *t, *flipped, *ahead, *in[2];
    for (int i = 0; i < SIDE * SIDE; i++) room[i] = (float)i;
    assert_int_equal(vt_tensor_create_view(ctx, VT_DTYPE_F32, shape, 2, NULL, room, sizeof room, 0, NULL, NULL, &t), VT_OK);
    in[0] = in[1] = t;
    assert_int_equal(vt_op_run_into(ctx, find_op("add"), in, 2, NULL, 0, &t, 1), VT_OK);
    for (int i = 0; i < SIDE * SIDE; i++) assert_true(room[i] == (float)(2 * i));
    vt_attr across = {.name = "dim0", .i = 0};
    flipped = run_op("transpose", t, NULL, &across, 1);
    assert_int_equal(vt_tensor_strides(flipped)[0], down[0]);
    in[1] = flipped; /* x += x^T */
    assert_int_equal(vt_op_run_into(ctx, find_op("add"), in, 2, NULL, 0, &t, 1), VT_OK);
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) assert_true(room[i * SIDE + j] == (float)(2 * (i * SIDE + j) + 2 * (j * SIDE + i)));
    vt_tensor_release(flipped);
    vt_tensor_release(t);
    for (int i = 0; i < SIDE * SIDE; i++) room[i] = (float)i;
    vt_tensor *line, *first;
    const int64_t whole[] = {SIDE * SIDE};
    assert_int_equal(vt_tensor_create_view(ctx, VT_DTYPE_F32, whole, 1, NULL, room, sizeof room, 0, NULL, NULL, &line), VT_OK);
    vt_attr from[] = {{.name = "dim", .i = 0}, {.name = "start", .i = 8}}, until[] = {{.name = "dim", .i = 0}, {.name = "stop", .i = part[0]}};
    ahead = run_op("slice", line, NULL, from, 2);
    first = run_op("slice", line, NULL, until, 2);
    assert_int_equal(vt_op_run_into(ctx, find_op("neg"), &first, 1, NULL, 0, &ahead, 1), VT_OK);
    for (int i = 8; i < SIDE * SIDE; i++) assert_true(room[i] == (float)(8 - i));
    vt_tensor_release(ahead);
    vt_tensor_release(first);
    vt_tensor_release(line);
}

static void threads_give_the_same_bits(void **state) {
    (void)state;
    enum { ROWS = 700, COLUMNS = 301 };
    static float x[ROWS * COLUMNS], y[COLUMNS], got[2][ROWS * COLUMNS];
    const int64_t shape[] = {ROWS, COLUMNS}, line[] = {COLUMNS};
    for (int i = 0; i < ROWS * COLUMNS; i++) x[i] = (float)(below(2000) - 1000) / 100;
    for (int i = 0; i < COLUMNS; i++) y[i] = (float)(below(2000) - 1000) / 100;
    for (int k = 0; k < 2; k++) {
        vt_context_options opt = VT_STRUCT_INIT(vt_context_options);
        vt_context *own = NULL;
        vt_tensor *in[2], *sum[VT_OP_MAX_OUTPUTS], *out[VT_OP_MAX_OUTPUTS];
        opt.n_threads = k ? 4 : 1;
        assert_int_equal(vt_context_create(&opt, &own), VT_OK);
        assert_int_equal(vt_tensor_create_view(own, VT_DTYPE_F32, shape, 2, NULL, x, sizeof x, VT_TENSOR_READ_ONLY, NULL, NULL, &in[0]), VT_OK);
        assert_int_equal(vt_tensor_create_view(own, VT_DTYPE_F32, line, 1, NULL, y, sizeof y, VT_TENSOR_READ_ONLY, NULL, NULL, &in[1]), VT_OK);
        assert_int_equal(vt_op_run(own, find_op("mul"), in, 2, NULL, 0, sum), VT_OK);
        assert_int_equal(vt_op_run(own, find_op("gelu"), sum, 1, NULL, 0, out), VT_OK);
        assert_int_equal(vt_tensor_read(out[0], got[k], sizeof got[k]), VT_OK);
        vt_tensor *all[] = {in[0], in[1], sum[0], out[0]};
        for (int i = 0; i < 4; i++) vt_tensor_release(all[i]);
        vt_context_release(own);
    }
    assert_memory_equal(got[0], got[1], sizeof got[0]);
}

static void parts_of_complex_numbers(void **state) {
    (void)state;
    const double x[] = {3, 0, -1}, y[] = {4, 0, 0};
    for (int k = 0; k < 2; k++) {
        vt_tensor *a = make_f64(SHAPE(3), x), *b = make_f64(SHAPE(3), y), *p = as_type(a, k ? VT_DTYPE_F64 : VT_DTYPE_F32), *q = as_type(b, k ? VT_DTYPE_F64 : VT_DTYPE_F32);
        vt_tensor *z = run_op("complex", p, q, NULL, 0), *zz = run_op("mul", z, z, NULL, 0), *w = run_op("conj", zz, NULL, NULL, 0);
        assert_int_equal(vt_tensor_dtype(w), k ? VT_DTYPE_C128 : VT_DTYPE_C64);
        static const struct {
            const char *name;
            double want[3];
        } parts[] = {{"real", {-7, 0, 1}}, {"imag", {-24, 0, 0}}, {"abs", {25, 0, 1}}};
        for (int i = 0; i < 3; i++) {
            vt_tensor *part = run_op(parts[i].name, w, NULL, NULL, 0), *wide = as_type(part, VT_DTYPE_F64);
            assert_int_equal(vt_tensor_dtype(part), k ? VT_DTYPE_F64 : VT_DTYPE_F32);
            expect_f64(wide, parts[i].want, 3);
            vt_tensor_release(part), vt_tensor_release(wide);
        }
        vt_tensor *angle = run_op("angle", a, NULL, NULL, 0), *imag = run_op("imag", a, NULL, NULL, 0);
        expect_f64(angle, (const double[]){0, 0, 3.141592653589793}, 3);
        expect_f64(imag, (const double[]){0, 0, 0}, 3);
        vt_tensor *all[] = {a, b, p, q, z, zz, w, angle, imag};
        for (int i = 0; i < 9; i++) vt_tensor_release(all[i]);
    }
}

static void what_is_not_defined_is_refused(void **state) {
    (void)state;
    const double x[] = {1, 2};
    vt_tensor *a = make_f64(SHAPE(2), x), *z = as_type(a, VT_DTYPE_C64), *out[VT_OP_MAX_OUTPUTS], *pair[] = {z, a}, *reals[] = {a, a};
    assert_int_equal(vt_op_run(ctx, find_op("floor"), &z, 1, NULL, 0, out), VT_ERR_DTYPE);
    assert_int_equal(vt_op_run(ctx, find_op("lt"), pair, 2, NULL, 0, out), VT_ERR_DTYPE);
    assert_int_equal(vt_op_run(ctx, find_op("bitwise_and"), reals, 2, NULL, 0, out), VT_ERR_DTYPE);
    vt_attr real = {.name = "dtype", .i = VT_DTYPE_F32};
    assert_int_equal(vt_op_run(ctx, find_op("cast"), &z, 1, &real, 1, out), VT_ERR_DTYPE);
    vt_tensor_release(a);
    vt_tensor_release(z);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_layout_gives_the_plain_loop),
        cmocka_unit_test(every_pair_of_types_promotes),
        cmocka_unit_test(nothing_and_one_number),
        cmocka_unit_test(outputs_over_inputs),
        cmocka_unit_test(threads_give_the_same_bits),
        cmocka_unit_test(parts_of_complex_numbers),
        cmocka_unit_test(what_is_not_defined_is_refused),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
