/* Fourier transforms through the table: there and back for lengths of all kinds, halves against wholes, threads and the device that nobody may read. */
#include <math.h>

#include "tensor_cases.h"

static vt_tensor *op_in(vt_context *where, const char *name, vt_tensor **in, int32_t n_in, const vt_attr *attrs, int32_t n_attrs) {
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find(name, &op), VT_OK);
    if (vt_op_run(where, op, in, n_in, attrs, n_attrs, out) != VT_OK) fail_msg("%s", vt_error_message());
    return out[0];
}

static vt_tensor *random_rows(vt_context *where, int64_t rows, int64_t n, int32_t device) {
    vt_tensor *t = NULL;
    vt_attr attrs[] = {{.name = "low", .f = -1}, {.name = "high", .f = 1}, {.name = "seed", .i = n}};
    assert_int_equal(vt_tensor_create(where, VT_DTYPE_F32, (const int64_t[]){rows, n}, 2, device, &t), VT_OK);
    vt_tensor *u = op_in(where, "uniform", &t, 1, attrs, 3);
    vt_tensor_release(t);
    return u;
}

static void what_goes_there_comes_back(void **state) {
    static const int64_t lengths[] = {1, 2, 3, 5, 8, 37, 64, 97, 101, 360, 1024, 2003, 4096, 6561};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        int64_t n = lengths[i], rows = n > 1000 ? 3 : 35, count = rows * n;
        vt_attr attr = {.name = "n", .i = n};
        vt_tensor *x = random_rows(ctx, rows, n, 0), *half = op_in(ctx, "rfft", &x, 1, NULL, 0), *back = op_in(ctx, "irfft", &half, 1, &attr, 1);
        vt_tensor *whole = op_in(ctx, "fft", &x, 1, NULL, 0), *again = op_in(ctx, "ifft", &whole, 1, NULL, 0);
        float *a = malloc((size_t)count * 4), *b = malloc((size_t)count * 4), *c = malloc((size_t)count * 8);
        assert_int_equal(vt_tensor_read(x, a, (size_t)count * 4), VT_OK);
        assert_int_equal(vt_tensor_read(back, b, (size_t)count * 4), VT_OK);
        assert_int_equal(vt_tensor_read(again, c, (size_t)count * 8), VT_OK);
        for (int64_t k = 0; k < count; k++) {
            assert_true(fabsf(a[k] - b[k]) < 4e-6f);
            assert_true(fabsf(a[k] - c[2 * k]) < 4e-6f && fabsf(c[2 * k + 1]) < 4e-6f);
        }
        free(a), free(b), free(c);
        vt_tensor_release(x), vt_tensor_release(half), vt_tensor_release(back), vt_tensor_release(whole), vt_tensor_release(again);
    }
}

/* Along a dim in the middle: groups of lanes, what is left of them, and lengths with a chirp. */
static void columns_are_rows_of_the_transpose(void **state) {
    static const int64_t lengths[] = {1, 4, 37, 100, 256, 1024}, widths[] = {1, 5, 16, 37};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (size_t j = 0; j < sizeof widths / sizeof widths[0]; j++) {
            int64_t n = lengths[i], wide = widths[j], shape[] = {2, n, wide}, count = 2 * n * wide;
            vt_attr swap[] = {{.name = "dim0", .i = 1}, {.name = "dim1", .i = 2}}, dim = {.name = "dim", .i = 1}, to = {.name = "shape", .list = shape, .n_list = 3};
            vt_tensor *flat = random_rows(ctx, 2 * n, wide, 0), *x = op_in(ctx, "reshape", &flat, 1, &to, 1), *across = op_in(ctx, "transpose", &x, 1, swap, 2);
            vt_tensor *columns = op_in(ctx, "ifft", &x, 1, &dim, 1), *rows = op_in(ctx, "ifft", &across, 1, NULL, 0), *back = op_in(ctx, "transpose", &rows, 1, swap, 2);
            float *a = malloc((size_t)count * 8), *b = malloc((size_t)count * 8);
            assert_int_equal(vt_tensor_read(columns, a, (size_t)count * 8), VT_OK);
            assert_int_equal(vt_tensor_read(back, b, (size_t)count * 8), VT_OK);
            for (int64_t k = 0; k < 2 * count; k++) assert_true(fabsf(a[k] - b[k]) < 1e-6f);
            free(a), free(b);
            vt_tensor_release(flat), vt_tensor_release(x), vt_tensor_release(across), vt_tensor_release(columns), vt_tensor_release(rows), vt_tensor_release(back);
        }
}

static void threads_and_devices_give_the_same_bits(void **state) {
    enum { ROWS = 70, N = 97 };
    static float first[ROWS * (N / 2 + 1) * 2], have[ROWS * (N / 2 + 1) * 2];
    (void)state;
    for (int run = 0; run < 4; run++) {
        vt_context_options o = VT_STRUCT_INIT(vt_context_options);
        vt_context *where = NULL;
        o.n_threads = run < 3 ? run + 1 : 2;
        assert_int_equal(vt_context_create(&o, &where), VT_OK);
        vt_tensor *x = random_rows(where, ROWS, N, run == 3), *y = op_in(where, "rfft", &x, 1, NULL, 0);
        assert_int_equal(vt_tensor_read(y, run ? have : first, sizeof have), VT_OK);
        if (run) assert_memory_equal(first, have, sizeof have);
        vt_tensor_release(x), vt_tensor_release(y);
        vt_context_release(where);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_goes_there_comes_back), cmocka_unit_test(columns_are_rows_of_the_transpose),
                                       cmocka_unit_test(threads_and_devices_give_the_same_bits)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
