/* Convolutions against sums written out, over geometries that cross the edges of tiles; gradients against the convolution itself; types, threads and devices
 * agree. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "torture_each.h" /* has a context of its own name: before the tests' */

#include "tensor_cases.h"

static const struct {
    int64_t n, c, h, w, out, kh, kw, stride, padding, dilation, groups;
} cases[] = {
    {1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 1},     {2, 3, 9, 7, 5, 3, 3, 1, 1, 1, 1},    {1, 4, 17, 13, 6, 3, 2, 2, 2, 1, 2},
    {2, 6, 12, 31, 6, 3, 3, 1, 1, 1, 6},   {1, 2, 20, 20, 40, 5, 5, 3, 0, 1, 1}, {1, 90, 6, 6, 3, 3, 3, 1, 2, 2, 1},
    {3, 2, 33, 5, 33, 1, 1, 1, 0, 1, 1},   {1, 1, 4, 200, 2, 4, 9, 1, 4, 1, 1},
    {2, 16, 11, 18, 32, 3, 3, 2, 1, 1, 2}, {3, 5, 14, 14, 5, 5, 5, 1, 2, 1, 5},  {2, 4, 19, 23, 8, 3, 3, 2, 1, 1, 4},  {1, 3, 21, 40, 12, 7, 3, 4, 3, 2, 1},
    {5, 20, 8, 8, 24, 3, 3, 1, 1, 1, 1},   {2, 12, 9, 70, 12, 3, 1, 3, 1, 1, 3}, {1, 10, 1, 90, 20, 1, 3, 1, 2, 9, 1}, {2, 3, 3, 3, 9, 1, 1, 5, 4, 1, 3},
};

static vt_tensor *random_numbers(vt_context *where, int32_t dtype, const int64_t *shape, int32_t n_dims, int64_t seed) {
    vt_tensor *t = NULL, *out[VT_OP_MAX_OUTPUTS];
    vt_attr attrs[] = {{.name = "low", .f = -1}, {.name = "high", .f = 1}, {.name = "seed", .i = seed}};
    int32_t op;
    assert_int_equal(vt_tensor_create(where, dtype, shape, n_dims, VT_DEVICE_CPU, &t), VT_OK);
    assert_int_equal(vt_op_find("uniform", &op), VT_OK);
    assert_int_equal(vt_op_run(where, op, &t, 1, attrs, 3, out), VT_OK);
    vt_tensor_release(t);
    return out[0];
}

static double *numbers_of(vt_tensor *t) {
    size_t n = (size_t)vt_tensor_count(t), size = vt_dtype_size(vt_tensor_dtype(t));
    double *wide = calloc(n, sizeof *wide);
    float *narrow = calloc(n, sizeof *narrow);
    assert_int_equal(vt_tensor_read(t, size == 8 ? (void *)wide : (void *)narrow, n * size), VT_OK);
    for (size_t i = 0; size == 4 && i < n; i++) wide[i] = (double)narrow[i];
    free(narrow);
    return wide;
}

static double one_sum(size_t k, const double *x, const double *w, const double *b, int64_t n, int64_t o, int64_t oy, int64_t ox) {
    int64_t cg = cases[k].c / cases[k].groups, group = o / (cases[k].out / cases[k].groups);
    double sum = b[o];
    for (int64_t c = 0; c < cg; c++)
        for (int64_t ky = 0; ky < cases[k].kh; ky++)
            for (int64_t kx = 0; kx < cases[k].kw; kx++) {
                int64_t iy = oy * cases[k].stride + ky * cases[k].dilation - cases[k].padding, ix = ox * cases[k].stride + kx * cases[k].dilation - cases[k].padding;
                if (iy < 0 || iy >= cases[k].h || ix < 0 || ix >= cases[k].w) continue;
                sum += x[((n * cases[k].c + group * cg + c) * cases[k].h + iy) * cases[k].w + ix] * w[((o * cg + c) * cases[k].kh + ky) * cases[k].kw + kx];
            }
    return sum;
}

static vt_tensor *convolve(vt_context *where, size_t k, int32_t dtype, int32_t device, vt_tensor **in) {
    const int64_t xs[] = {cases[k].n, cases[k].c, cases[k].h, cases[k].w}, ws[] = {cases[k].out, cases[k].c / cases[k].groups, cases[k].kh, cases[k].kw};
    vt_attr attrs[] = {{.name = "stride", .i = cases[k].stride}, {.name = "padding", .i = cases[k].padding}, {.name = "dilation", .i = cases[k].dilation},
        {.name = "groups", .i = cases[k].groups}};
    vt_tensor *out[VT_OP_MAX_OUTPUTS];
    int32_t op;
    in[0] = random_numbers(where, dtype, xs, 4, 1), in[1] = random_numbers(where, dtype, ws, 4, 2), in[2] = random_numbers(where, dtype, ws, 1, 3);
    for (int i = 0; i < 3 && device; i++) {
        vt_tensor *there = NULL;
        assert_int_equal(vt_tensor_to_device(in[i], device, &there), VT_OK);
        vt_tensor_release(in[i]);
        in[i] = there;
    }
    assert_int_equal(vt_op_find("conv2d", &op), VT_OK);
    if (vt_op_run(where, op, in, 3, attrs, 4, out) != VT_OK) fail_msg("%s", vt_error_message());
    return out[0];
}

static void results_are_the_sums_written_out(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        for (int wide = 0; wide < 2; wide++) {
            vt_tensor *in[3], *y = convolve(ctx, k, wide ? VT_DTYPE_F64 : VT_DTYPE_F32, 0, in);
            double *x = numbers_of(in[0]), *w = numbers_of(in[1]), *b = numbers_of(in[2]), *have = numbers_of(y);
            const int64_t *s = vt_tensor_shape(y);
            for (int64_t i = 0; i < vt_tensor_count(y); i++) {
                double want = one_sum(k, x, w, b, i / (s[1] * s[2] * s[3]), i / (s[2] * s[3]) % s[1], i / s[3] % s[2], i % s[3]);
                if (fabs(have[i] - want) > (wide ? 1e-12 : 2e-4)) fail_msg("case %zu, element %lld: %g, not %g", k, (long long)i, have[i], want);
            }
            free(x), free(w), free(b), free(have);
            for (int i = 0; i < 3; i++) vt_tensor_release(in[i]);
            vt_tensor_release(y);
        }
}

static vt_status run_conv(vt_context *where, const char *name, size_t k, vt_tensor *a, vt_tensor *b, const int64_t *kernel, const int64_t *more, vt_tensor **out) {
    vt_attr attrs[] = {{.name = "stride", .i = cases[k].stride}, {.name = "padding", .i = cases[k].padding}, {.name = "dilation", .i = cases[k].dilation},
        {.name = "groups", .i = cases[k].groups}, {.name = kernel ? "kernel" : "output_padding", .list = kernel ? kernel : more, .n_list = 2}};
    vt_tensor *in[] = {a, b}, *all[VT_OP_MAX_OUTPUTS] = {0};
    int32_t op;
    vt_status st = vt_op_find(name, &op);
    if (st == VT_OK) st = vt_op_run(where, op, in, 2, attrs, kernel || more ? 5 : 4, all);
    *out = all[0];
    return st;
}

static double dot(vt_tensor *a, vt_tensor *b) {
    double *x = numbers_of(a), *y = numbers_of(b), sum = 0;
    for (int64_t i = 0; i < vt_tensor_count(a); i++) sum += x[i] * y[i];
    free(x), free(y);
    return sum;
}

/* y = conv2d(x, w) without a bias, a g like y, and the two gradients; released together. */
struct all {
    vt_tensor *x, *w, *y, *g, *gx, *gw;
};

static void compute_all(vt_context *where, size_t k, int32_t dtype, struct all *t) {
    const int64_t xs[] = {cases[k].n, cases[k].c, cases[k].h, cases[k].w}, ws[] = {cases[k].out, cases[k].c / cases[k].groups, cases[k].kh, cases[k].kw};
    int64_t more[2];
    t->x = random_numbers(where, dtype, xs, 4, 1), t->w = random_numbers(where, dtype, ws, 4, 2);
    assert_int_equal(run_conv(where, "conv2d", k, t->x, t->w, NULL, NULL, &t->y), VT_OK);
    const int64_t *ys = vt_tensor_shape(t->y);
    t->g = random_numbers(where, dtype, ys, 4, 3);
    for (int d = 0; d < 2; d++) more[d] = xs[2 + d] - ((ys[2 + d] - 1) * cases[k].stride - 2 * cases[k].padding + cases[k].dilation * (ws[2 + d] - 1) + 1);
    if (run_conv(where, "conv_transpose2d", k, t->g, t->w, NULL, more, &t->gx) != VT_OK) fail_msg("case %zu: %s", k, vt_error_message());
    if (run_conv(where, "conv2d_weight", k, t->x, t->g, ws + 2, NULL, &t->gw) != VT_OK) fail_msg("case %zu: %s", k, vt_error_message());
}

static void release_all(struct all *t) {
    vt_tensor *const all[] = {t->x, t->w, t->y, t->g, t->gx, t->gw};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) vt_tensor_release(all[i]);
}

/* <conv(x, w), g> = <x, transposed(g, w)> = <w, weight(x, g)>, for one x, w and g, and so for all. */
static void gradients_belong_to_the_convolution(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++)
        for (int wide = 0; wide < 2; wide++) {
            struct all t;
            compute_all(ctx, k, wide ? VT_DTYPE_F64 : VT_DTYPE_F32, &t);
            assert_memory_equal(vt_tensor_shape(t.gx), vt_tensor_shape(t.x), 4 * sizeof(int64_t));
            double y = dot(t.y, t.g), x = dot(t.x, t.gx), w = dot(t.w, t.gw), size = sqrt(dot(t.y, t.y) * dot(t.g, t.g)), bound = (wide ? 1e-14 : 5e-6) * size;
            if (fabs(x - y) > bound || fabs(w - y) > bound) fail_msg("case %zu: %.17g, %.17g, %.17g", k, y, x, w);
            release_all(&t);
        }
}

static void gradients_have_the_same_bits_for_any_threads(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct all first;
        compute_all(ctx, k, VT_DTYPE_F32, &first);
        for (int32_t n_threads = 1; n_threads < 4; n_threads++) {
            vt_context_options o = VT_STRUCT_INIT(vt_context_options);
            vt_context *where = NULL;
            struct all t;
            o.n_threads = n_threads;
            assert_int_equal(vt_context_create(&o, &where), VT_OK);
            compute_all(where, k, VT_DTYPE_F32, &t);
            assert_memory_equal(vt_tensor_data(t.gx), vt_tensor_data(first.gx), (size_t)vt_tensor_count(t.gx) * 4);
            assert_memory_equal(vt_tensor_data(t.gw), vt_tensor_data(first.gw), (size_t)vt_tensor_count(t.gw) * 4);
            release_all(&t);
            vt_context_release(where);
        }
        release_all(&first);
    }
}

static size_t tortured;

static vt_status work(vt_context *where) {
    const size_t k = tortured;
    const int64_t xs[] = {1, cases[k].c, 9, 9}, ws[] = {cases[k].out, cases[k].c / cases[k].groups, cases[k].kh, cases[k].kw};
    vt_tensor *x = NULL, *w = NULL, *y = NULL, *gx = NULL, *gw = NULL;
    vt_status st = vt_tensor_create(where, VT_DTYPE_F32, xs, 4, VT_DEVICE_CPU, &x);
    if (st == VT_OK) st = vt_tensor_create(where, VT_DTYPE_F32, ws, 4, VT_DEVICE_CPU, &w);
    if (st == VT_OK) st = run_conv(where, "conv2d", k, x, w, NULL, NULL, &y);
    if (st == VT_OK) st = run_conv(where, "conv_transpose2d", k, y, w, NULL, NULL, &gx);
    if (st == VT_OK) st = run_conv(where, "conv2d_weight", k, x, y, ws + 2, NULL, &gw);
    vt_tensor_release(x), vt_tensor_release(w), vt_tensor_release(y), vt_tensor_release(gx), vt_tensor_release(gw);
    return st;
}

static void memory_may_run_out(void **state) {
    (void)state;
    for (tortured = 8; tortured < 10; tortured++) torture_each(work); /* a product, a filter for each channel */
}

static void threads_and_devices_give_the_same_bits(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        double *first = NULL;
        for (int run = 0; run < 4; run++) { /* 1, 2, 3 threads; the device that nobody may read */
            vt_context_options o = VT_STRUCT_INIT(vt_context_options);
            vt_context *where = NULL;
            vt_tensor *in[3];
            o.n_threads = run < 3 ? run + 1 : 2;
            assert_int_equal(vt_context_create(&o, &where), VT_OK);
            vt_tensor *y = convolve(where, k, VT_DTYPE_F32, run == 3, in);
            double *have = numbers_of(y);
            if (first) assert_memory_equal(have, first, (size_t)vt_tensor_count(y) * sizeof *have);
            for (int i = 0; i < 3; i++) vt_tensor_release(in[i]);
            vt_tensor_release(y);
            vt_context_release(where);
            if (first) free(have);
            else first = have;
        }
        free(first);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(results_are_the_sums_written_out), cmocka_unit_test(threads_and_devices_give_the_same_bits),
        cmocka_unit_test(gradients_belong_to_the_convolution), cmocka_unit_test(gradients_have_the_same_bits_for_any_threads), cmocka_unit_test(memory_may_run_out)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
