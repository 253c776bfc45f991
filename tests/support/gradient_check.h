/* Gradients of first and second order against central differences, through the public interface. The Lua check walks the whole table; this one is for
 * C tests of a family. */
#ifndef VENTURI_TESTS_GRADIENT_CHECK_H
#define VENTURI_TESTS_GRADIENT_CHECK_H

#include <math.h>

#include "tensor_cases.h"

enum { MAX_INPUTS = 5, MOST = 64 };

struct input {
    int64_t shape[4];
    int32_t ndim, transposed /* the last two dims in memory */, zeros /* some elements are 0 */, absent;
    const int64_t *ids; /* an i64 tensor of these, without gradient */
    int32_t positive;
};

static vt_tensor *grad_input(const struct input *in, const double *values) {
    vt_tensor *t = NULL;
    int32_t n = in->ndim;
    if (in->absent) return NULL;
    if (in->ids) {
        assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_I64, in->shape, n, VT_DEVICE_CPU, &t), VT_OK);
        assert_int_equal(vt_tensor_write(t, in->ids, (size_t)vt_tensor_count(t) * 8), VT_OK);
        return t;
    }
    t = make_f64(in->shape, n, values);
    assert_int_equal(vt_tensor_set_requires_grad(t, 1), VT_OK);
    return t;
}

/* Sum of the results, weighted. */
static vt_tensor *weigh(vt_tensor *y, double phase) {
    double w[MOST * MOST];
    int64_t n = vt_tensor_count(y), shape[8];
    assert_true(n <= MOST * MOST);
    for (int64_t i = 0; i < n; i++) w[i] = sin(phase + 1.7 * (double)(i + 1));
    for (int32_t d = 0; d < vt_tensor_n_dims(y); d++) shape[d] = vt_tensor_shape(y)[d];
    vt_tensor *v = make_f64(shape, vt_tensor_n_dims(y), w), *p = run_op("mul", y, v, NULL, 0), *s = run_op("sum", p, NULL, NULL, 0);
    vt_tensor_release(v), vt_tensor_release(p);
    return s;
}

/* The function itself (order 0), or a weighting of its gradients (order 1), as a number with a tape. */
static vt_tensor *function_of(const char *name, int32_t n, const struct input *in, vt_tensor *const *x, const vt_attr *attrs, int32_t n_attrs, int order) {
    vt_tensor *use[MAX_INPUTS] = {0}, *turned[MAX_INPUTS] = {0}, *out[VT_OP_MAX_OUTPUTS], *diff[MAX_INPUTS], *g[MAX_INPUTS] = {0}, *sum = NULL;
    int32_t op, n_diff = 0;
    assert_int_equal(vt_op_find(name, &op), VT_OK);
    for (int32_t i = 0; i < n; i++) {
        use[i] = x[i];
        if (x[i] && !in[i].ids) diff[n_diff++] = x[i];
        if (!in[i].transposed) continue;
        vt_tensor *t = run_op("transpose", x[i], NULL, NULL, 0), *c = run_op("copy", t, NULL, NULL, 0);
        use[i] = turned[i] = run_op("transpose", c, NULL, NULL, 0);
        vt_tensor_release(t), vt_tensor_release(c);
    }
    if (vt_op_run(ctx, op, use, n, attrs, n_attrs, out) != VT_OK) fail_msg("%s", vt_error_message());
    vt_tensor *s = weigh(out[0], 0.3);
    for (int i = 0; i < VT_OP_MAX_OUTPUTS; i++) vt_tensor_release(out[i]);
    for (int32_t i = 0; i < n; i++) vt_tensor_release(turned[i]);
    if (!order) return s;
    if (vt_gradients(ctx, &s, NULL, 1, diff, n_diff, VT_BACKWARD_CREATE, g) != VT_OK) fail_msg("%s", vt_error_message());
    for (int32_t i = 0; i < n_diff; i++) {
        if (!g[i]) continue;
        vt_tensor *part = weigh(g[i], 0.9 + i), *both = sum ? run_op("add", sum, part, NULL, 0) : vt_tensor_retain(part);
        vt_tensor_release(part), vt_tensor_release(sum), vt_tensor_release(g[i]);
        sum = both;
    }
    vt_tensor_release(s);
    return sum;
}

static double number_of(const char *name, int32_t n, const struct input *in, double (*values)[MOST], const vt_attr *attrs, int32_t n_attrs, int order) {
    vt_tensor *x[MAX_INPUTS] = {0}, *s;
    double number;
    for (int32_t i = 0; i < n; i++) x[i] = grad_input(&in[i], values[i]);
    s = function_of(name, n, in, x, attrs, n_attrs, order);
    assert_int_equal(vt_tensor_read(s, &number, 8), VT_OK);
    vt_tensor_release(s);
    for (int32_t i = 0; i < n; i++) vt_tensor_release(x[i]);
    return number;
}

static void check_order(const char *name, int32_t n, const struct input *in, const vt_attr *attrs, int32_t n_attrs, int order) {
    double values[MAX_INPUTS][MOST];
    vt_tensor *x[MAX_INPUTS] = {0}, *g[MAX_INPUTS] = {0}, *diff[MAX_INPUTS];
    int32_t n_diff = 0;
    for (int32_t i = 0; i < n; i++)
        for (int k = 0; k < MOST; k++) {
            values[i][k] = sin(0.7 + 12.9898 * (k + 1) + 4.1 * i);
            if (in[i].positive) values[i][k] = 0.5 + values[i][k] * values[i][k];
            if (in[i].zeros && k % 3 == 1) values[i][k] = 0;
        }
    for (int32_t i = 0; i < n; i++) {
        x[i] = grad_input(&in[i], values[i]);
        if (x[i] && !in[i].ids) diff[n_diff++] = x[i];
    }
    vt_tensor *s = function_of(name, n, in, x, attrs, n_attrs, order);
    if (vt_tensor_requires_grad(s) && vt_gradients(ctx, &s, NULL, 1, diff, n_diff, 0, g) != VT_OK) fail_msg("%s", vt_error_message());
    for (int32_t i = 0, d = 0; i < n; i++) {
        double have[MOST] = {0};
        if (!x[i] || in[i].ids) continue;
        if (g[d]) assert_int_equal(vt_tensor_read(g[d], have, (size_t)vt_tensor_count(x[i]) * 8), VT_OK);
        for (int64_t k = 0; k < vt_tensor_count(x[i]); k++) {
            double was = values[i][k], h = 6e-6, up, down;
            values[i][k] = was + h, up = number_of(name, n, in, values, attrs, n_attrs, order);
            values[i][k] = was - h, down = number_of(name, n, in, values, attrs, n_attrs, order);
            values[i][k] = was;
            double want = (up - down) / (2 * h);
            if (!(fabs(want - have[k]) <= 1e-6 * (1 + fabs(want)))) fail_msg("%s, order %d, input %d, element %d: %.9g, differences say %.9g", name, order + 1, i, (int)k, have[k], want);
        }
        d++;
    }
    for (int32_t i = 0; i < n_diff; i++) vt_tensor_release(g[i]);
    for (int32_t i = 0; i < n; i++) vt_tensor_release(x[i]);
    vt_tensor_release(s);
}

static void check_gradient(const char *name, int32_t n, const struct input *in, const vt_attr *attrs, int32_t n_attrs) {
    check_order(name, n, in, attrs, n_attrs, 0);
    check_order(name, n, in, attrs, n_attrs, 1);
}

#endif
