/* Transforms by libventuri_fftw.so, through the shared library: ours and theirs are the same numbers, on any thread. */
#include <math.h>
#include <pthread.h>

#include "tensor_cases.h"

static vt_tensor *op(vt_context *where, const char *name, vt_tensor *x, const vt_attr *attrs, int32_t n_attrs) {
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    int32_t id;
    assert_int_equal(vt_op_find(name, &id), VT_OK);
    if (vt_op_run(where, id, &x, 1, attrs, n_attrs, out) != VT_OK) fail_msg("%s", vt_error_message());
    return out[0];
}

static vt_tensor *numbers(vt_context *where, int32_t dtype, int64_t rows, int64_t n) {
    vt_tensor *t = NULL;
    vt_attr attrs[] = {{.name = "low", .f = -1}, {.name = "high", .f = 1}, {.name = "seed", .i = n}};
    assert_int_equal(vt_tensor_create(where, dtype, (const int64_t[]){rows, n}, 2, VT_DEVICE_CPU, &t), VT_OK);
    vt_tensor *u = op(where, "uniform", t, attrs, 3);
    vt_tensor_release(t);
    return u;
}

/* The largest difference over the largest number; both are released. */
static double difference(vt_tensor *a, vt_tensor *b) {
    int is_f64 = vt_tensor_dtype(a) == VT_DTYPE_C128 || vt_tensor_dtype(a) == VT_DTYPE_F64;
    size_t size = vt_dtype_size(vt_tensor_dtype(a)) * (size_t)vt_tensor_count(a);
    void *p = malloc(size), *q = malloc(size);
    double worst = 0, most = 0;
    assert_int_equal(vt_tensor_count(a), vt_tensor_count(b));
    assert_int_equal(vt_tensor_read(a, p, size), VT_OK);
    assert_int_equal(vt_tensor_read(b, q, size), VT_OK);
    for (size_t i = 0; i < size / (is_f64 ? 8 : 4); i++) {
        double u = is_f64 ? ((double *)p)[i] : (double)((float *)p)[i], v = is_f64 ? ((double *)q)[i] : (double)((float *)q)[i];
        worst = fmax(worst, fabs(u - v));
        most = fmax(most, fabs(u));
    }
    free(p), free(q);
    vt_tensor_release(a), vt_tensor_release(b);
    return worst / most;
}

static void theirs_are_our_numbers(void **state) {
    static const int64_t lengths[] = {1, 2, 7, 16, 37, 100, 101, 256, 1000, 4096};
    static const int32_t types[] = {VT_DTYPE_F32, VT_DTYPE_F64};
    static const struct { const char *name; int32_t n_attrs; vt_attr attr; } calls[] = {
        {"fft", 0, {0}}, {"ifft", 0, {0}}, {"rfft", 0, {0}}, {"fft2", 0, {0}}, {"fft", 1, {.name = "dim", .i = 0}}, {"ifft", 1, {.name = "norm", .text = "ortho"}}};
    vt_context *other = NULL;
    (void)state;
    assert_int_equal(vt_context_create(NULL, &other), VT_OK);
    if (vt_fft_select(other, VT_FFT_FFTW) != VT_OK) fail_msg("%s", vt_error_message());
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        for (int type = 0; type < 2; type++) {
            vt_tensor *x = numbers(ctx, types[type], 5, lengths[i]), *y = numbers(other, types[type], 5, lengths[i]);
            double bound = type ? 1e-12 : 1e-5;
            for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++)
                assert_true(difference(op(ctx, calls[c].name, x, &calls[c].attr, calls[c].n_attrs), op(other, calls[c].name, y, &calls[c].attr, calls[c].n_attrs)) < bound);
            vt_attr n = {.name = "n", .i = lengths[i]};
            vt_tensor *half = op(other, "rfft", y, NULL, 0);
            assert_true(difference(op(other, "irfft", half, &n, 1), vt_tensor_retain(x)) < bound);
            vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(half);
        }
    assert_int_equal(vt_fft_select(other, VT_FFT_OWN), VT_OK);
    assert_int_equal(vt_fft_select(other, 2), VT_ERR_INVALID);
    assert_int_equal(vt_fft_select(NULL, VT_FFT_OWN), VT_ERR_INVALID);
    vt_context_release(other);
}

static void *plan_and_run(void *user) {
    vt_context *where = NULL;
    vt_status st = vt_context_create(NULL, &where);
    if (st == VT_OK) st = vt_fft_select(where, VT_FFT_FFTW);
    for (int64_t n = 8; st == VT_OK && n < 200; n += 8) {
        vt_tensor *x = numbers(where, VT_DTYPE_F32, 40, n);
        vt_tensor_release(op(where, "fft", x, NULL, 0));
        vt_tensor_release(x);
    }
    vt_context_release(where);
    *(vt_status *)user = st;
    return NULL;
}

static void contexts_plan_side_by_side(void **state) {
    enum { N = 4 };
    pthread_t threads[N];
    vt_status results[N];
    (void)state;
    for (int i = 0; i < N; i++) assert_int_equal(pthread_create(&threads[i], NULL, plan_and_run, &results[i]), 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(results[i], VT_OK);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(theirs_are_our_numbers), cmocka_unit_test(contexts_plan_side_by_side)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
