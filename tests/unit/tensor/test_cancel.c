/* A token that goes up in the middle of one long operation ends it soon, whatever the operation, and on all threads. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "tensor_cases.h"

enum { SOON_MS = 30000 /* some 50 in truth; what never looks at its token takes minutes with sanitizers */ };

static int64_t now_ms(void) {
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct alarm {
    vt_cancel *token;
    int64_t after_us, raised_ms;
};

static void *raise_later(void *user) {
    struct alarm *a = user;
    (void)nanosleep(&(struct timespec){.tv_nsec = (long)a->after_us * 1000}, NULL);
    a->raised_ms = now_ms();
    vt_cancel_raise(a->token);
    return NULL;
}

static const struct {
    const char *op;
    int32_t dtype, n_in;
    int64_t shape[4];
    int32_t n_dims;
    vt_attr attrs[2];
    int32_t n_attrs;
} cases[] = {
    {"matmul", VT_DTYPE_F32, 2, {4096, 4096}, 2, {{0}}, 0},
    {"matmul", VT_DTYPE_C64, 2, {2048, 2048}, 2, {{0}}, 0},
    {"attention", VT_DTYPE_F32, 3, {1, 8, 16384, 64}, 4, {{0}}, 0},
    {"dft", VT_DTYPE_C64, 1, {16, 1 << 20}, 2, {{0}}, 0},
    {"fft2", VT_DTYPE_C64, 1, {4096, 4096}, 2, {{0}}, 0},
    {"sort", VT_DTYPE_F32, 1, {1 << 24}, 1, {{0}}, 0},
    {"conv2d", VT_DTYPE_F32, 2, {256, 256, 15, 15}, 4, {{.name = "padding", .i = 7}}, 1},
    {"solve_triangular", VT_DTYPE_F64, 2, {2048, 2048}, 2, {{.name = "unit", .i = 1}}, 1},
    {"einsum", VT_DTYPE_F64, 2, {2048, 2048}, 2, {{.name = "equation", .text = "ij,kj->ik"}}, 1},
};

/* What the operation answers when its token goes up after so long. */
static vt_status run_case(size_t i, int64_t after_us) {
    struct alarm alarm = {.after_us = after_us};
    pthread_t thread;
    vt_tensor *in[3], *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_cancel_create(ctx, &alarm.token), VT_OK);
    assert_int_equal(vt_op_find(cases[i].op, &op), VT_OK);
    assert_int_equal(vt_tensor_create(ctx, cases[i].dtype, cases[i].shape, cases[i].n_dims, VT_DEVICE_CPU, &in[0]), VT_OK);
    in[1] = in[2] = in[0];
    assert_null(vt_op_cancel_set(alarm.token));
    assert_int_equal(pthread_create(&thread, NULL, raise_later, &alarm), 0);
    vt_status st = vt_op_run(ctx, op, in, cases[i].n_in, cases[i].attrs, cases[i].n_attrs, out);
    int64_t end = now_ms();
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_ptr_equal(vt_op_cancel_set(NULL), alarm.token);
    if (st == VT_OK) vt_tensor_release(out[0]), vt_tensor_release(out[1]);
    else assert_int_equal(st, VT_ERR_CANCELLED);
    if (st != VT_OK) assert_null(out[0]);
    print_message("# %s: %s, %lld ms after its token, which came after %lld us\n", cases[i].op, st == VT_OK ? "done" : "cancelled",
                  (long long)(end - alarm.raised_ms), (long long)after_us);
    assert_true(end - alarm.raised_ms < SOON_MS);
    vt_tensor_release(in[0]);
    vt_cancel_release(alarm.token);
    return st;
}

/* A fast machine may be done before its token is up: then earlier ones are tried. One that never looks is done each time. */
static void a_long_operation_ends_soon_after_its_token_is_up(void **state) {
    static const int64_t after_us[] = {50000, 10000, 3000, 1000, 300};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_status st = VT_OK;
        for (size_t k = 0; k < sizeof after_us / sizeof *after_us && st == VT_OK; k++) st = run_case(i, after_us[k]);
        assert_int_equal(st, VT_ERR_CANCELLED);
    }
}

static void a_token_that_is_up_lets_nothing_begin_and_one_put_away_does_no_harm(void **state) {
    (void)state;
    vt_cancel *token;
    vt_tensor *x = make_f64(SHAPE(2), (const double[]){1, 2}), *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_cancel_create(ctx, &token), VT_OK);
    assert_int_equal(vt_op_find("exp", &op), VT_OK);
    vt_cancel_raise(token);
    (void)vt_op_cancel_set(token);
    assert_int_equal(vt_op_run(ctx, op, &x, 1, NULL, 0, out), VT_ERR_CANCELLED);
    assert_string_equal(vt_error_message(), "exp: cancelled");
    assert_int_equal(vt_op_run_into(ctx, op, &x, 1, NULL, 0, &x, 1), VT_ERR_CANCELLED);
    vt_cancel_reset(token);
    assert_int_equal(vt_op_run(ctx, op, &x, 1, NULL, 0, out), VT_OK);
    vt_tensor_release(out[0]);
    vt_cancel_raise(token);
    (void)vt_op_cancel_set(NULL);
    assert_int_equal(vt_op_run(ctx, op, &x, 1, NULL, 0, out), VT_OK);
    vt_tensor_release(out[0]), vt_tensor_release(x);
    vt_cancel_release(token);
}

static void a_walk_back_is_cancelled_as_well(void **state) {
    (void)state;
    vt_cancel *token;
    vt_tensor *x = make_f64(SHAPE(2), (const double[]){1, 2});
    assert_int_equal(vt_tensor_set_requires_grad(x, 1), VT_OK);
    vt_tensor *y = run_op("exp", x, NULL, NULL, 0), *s = run_op("sum", y, NULL, NULL, 0);
    assert_int_equal(vt_cancel_create(ctx, &token), VT_OK);
    vt_cancel_raise(token);
    (void)vt_op_cancel_set(token);
    assert_int_equal(vt_backward(ctx, &s, NULL, 1, 0), VT_ERR_CANCELLED);
    (void)vt_op_cancel_set(NULL);
    assert_null(vt_tensor_grad(x));
    vt_tensor_release(x), vt_tensor_release(y), vt_tensor_release(s);
    vt_cancel_release(token);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_operation_ends_soon_after_its_token_is_up),
        cmocka_unit_test(a_token_that_is_up_lets_nothing_begin_and_one_put_away_does_no_harm),
        cmocka_unit_test(a_walk_back_is_cancelled_as_well),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
