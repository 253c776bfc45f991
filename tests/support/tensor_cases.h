/* Small tensors for tests: make, read, run by name. Everything fails the test that cannot be done. */
#ifndef VENTURI_TESTS_TENSOR_CASES_H
#define VENTURI_TESTS_TENSOR_CASES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "one_context.h"
#include "venturi/tensor.h"

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}, (int32_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* f64 values in row-major order. */
static inline vt_tensor *make_f64(const int64_t *shape, int32_t n_dims, const double *values) {
    vt_tensor *t = NULL;
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F64, shape, n_dims, VT_DEVICE_CPU, &t), VT_OK);
    assert_int_equal(vt_tensor_write(t, values, (size_t)vt_tensor_count(t) * sizeof *values), VT_OK);
    return t;
}

static inline vt_tensor *run_op(const char *name, vt_tensor *a, vt_tensor *b, const vt_attr *attrs, int32_t n_attrs) {
    vt_tensor *in[] = {a, b}, *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    assert_int_equal(vt_op_find(name, &op), VT_OK);
    if (vt_op_run(ctx, op, in, b ? 2 : 1, attrs, n_attrs, out) != VT_OK) fail_msg("%s", vt_error_message());
    return out[0];
}

static inline void expect_f64(vt_tensor *t, const double *want, int64_t n) {
    double have[256];
    assert_int_equal(vt_tensor_count(t), n);
    assert_int_equal(vt_tensor_read(t, have, (size_t)n * sizeof *have), VT_OK);
    for (int64_t i = 0; i < n; i++) assert_float_equal(have[i], want[i], 1e-12);
}

#endif
