/* Attention against tests/golden/attn_*.json: float64 numbers of an independent dense computation, gradients included. */
#include <math.h>
#include <stdio.h>

#include <jansson.h>

#include "tensor_cases.h"

enum { Q, K, V, BIAS, SLOPES, BLOCKS, CU_Q, CU_K, N_IN };
enum { MOST = 4096 };

static json_t *load(const char *name) {
    char path[1024];
    json_error_t error;
    snprintf(path, sizeof path, "%s/%s.json", getenv("VT_GOLDEN"), name);
    json_t *file = json_load_file(path, 0, &error);
    if (!file) fail_msg("%s: %s", path, error.text);
    return file;
}

static int64_t integer(const json_t *j, const char *key) { return (int64_t)json_integer_value(json_object_get(j, key)); }

static int64_t flatten(const json_t *j, double *out) {
    int64_t n = 0;
    if (!json_is_array(j)) {
        *out = json_is_null(j) ? -(double)INFINITY : json_number_value(j);
        return 1;
    }
    for (size_t i = 0; i < json_array_size(j); i++) n += flatten(json_array_get(j, i), out + n);
    return n;
}

static vt_tensor *tensor_of(const json_t *j, int32_t dtype, const int64_t *shape, int32_t n_dims) {
    double *values = test_malloc(MOST * sizeof *values);
    if (!json_is_array(j)) return test_free(values), (vt_tensor *)NULL;
    flatten(j, values);
    vt_tensor *t = make_f64(shape, n_dims, values);
    test_free(values);
    if (dtype == VT_DTYPE_F64) return t;
    vt_tensor *cast = run_op("cast", t, NULL, &(vt_attr){.name = "dtype", .i = dtype}, 1);
    vt_tensor_release(t);
    return cast;
}

static double worst(vt_tensor *t, const json_t *want, double *scale) {
    double *w = test_malloc(MOST * sizeof *w), *h = test_malloc(MOST * sizeof *h), most = 0;
    vt_tensor *wide = run_op("cast", t, NULL, &(vt_attr){.name = "dtype", .i = VT_DTYPE_F64}, 1);
    int64_t n = flatten(want, w);
    assert_int_equal(vt_tensor_count(t), n);
    assert_int_equal(vt_tensor_read(wide, h, (size_t)n * sizeof *h), VT_OK);
    *scale = 0;
    for (int64_t i = 0; i < n; i++) {
        if (isinf(w[i])) {
            assert_true(h[i] == w[i]);
            continue;
        }
        *scale = fmax(*scale, fabs(w[i]));
        most = fmax(most, isnan(h[i]) ? (double)INFINITY : fabs(h[i] - w[i]));
    }
    vt_tensor_release(wide);
    test_free(w);
    test_free(h);
    return most;
}

/* The files have ten digits. Their numbers are no float32: rounding them alone moves scores of 141 (attn_c) by 7e-6, and values in proportion. */
static void expect(const char *name, const char *what, vt_tensor *t, const json_t *want, int32_t dtype, double tolerance, double scores) {
    double scale, error = worst(t, want, &scale), limit = dtype == VT_DTYPE_F64 ? 1e-9 * (scale > 1 ? scale : 1) : tolerance + scores * 0x1p-22 * (scale > 1 ? scale : 1);
    if (error > limit) fail_msg("%s, %s: %g away, %g are allowed", name, what, error, limit);
}

static void check_case(const char *name, const json_t *c, int32_t dtype) {
    int64_t B = integer(c, "B"), H = integer(c, "H"), HK = integer(c, "HK"), M = integer(c, "M"), N = integer(c, "N"), D = integer(c, "D");
    double window[2] = {-1, -1}, block[2] = {1, 1}, lse[MOST], scores = 0;
    flatten(json_object_get(c, "window"), window);
    if (json_is_array(json_object_get(c, "block"))) flatten(json_object_get(c, "block"), block);
    int64_t blocks[2] = {(int64_t)block[0], (int64_t)block[1]};
    vt_tensor *in[N_IN] = {tensor_of(json_object_get(c, "q"), dtype, SHAPE(B, H, M, D)), tensor_of(json_object_get(c, "k"), dtype, SHAPE(B, HK, N, D)),
                           tensor_of(json_object_get(c, "v"), dtype, SHAPE(B, HK, N, D)), NULL, tensor_of(json_object_get(c, "alibi_slopes"), dtype, SHAPE(H)),
                           tensor_of(json_object_get(c, "block_mask"), VT_DTYPE_BOOL, SHAPE((M + blocks[0] - 1) / blocks[0], (N + blocks[1] - 1) / blocks[1]))};
    vt_tensor *go = tensor_of(json_object_get(c, "do"), dtype, SHAPE(B, H, M, D)), *out[VT_OP_MAX_OUTPUTS], *grads[3];
    vt_attr attrs[] = {{.name = "scale", .f = json_number_value(json_object_get(c, "scale"))}, {.name = "causal", .i = json_is_true(json_object_get(c, "causal"))},
                       {.name = "left", .i = (int64_t)window[0]}, {.name = "right", .i = (int64_t)window[1]},
                       {.name = "softcap", .f = json_number_value(json_object_get(c, "softcap"))}, {.name = "block", .list = blocks, .n_list = 2}};
    int32_t op;
    int64_t n = flatten(json_object_get(c, "lse"), lse);
    for (int64_t i = 0; i < n; i++) scores = isinf(lse[i]) ? scores : fmax(scores, fabs(lse[i]));

    for (int i = Q; i <= V; i++) assert_int_equal(vt_tensor_set_requires_grad(in[i], 1), VT_OK);
    assert_int_equal(vt_op_find("attention", &op), VT_OK);
    if (vt_op_run(ctx, op, in, N_IN, attrs, 6, out) != VT_OK) fail_msg("%s: %s", name, vt_error_message());
    expect(name, "o", out[0], json_object_get(c, "o"), dtype, 2e-6, scores);
    expect(name, "lse", out[1], json_object_get(c, "lse"), dtype, 2e-6, 1);
    if (vt_gradients(ctx, out, &go, 1, in, 3, 0, grads) != VT_OK) fail_msg("%s: %s", name, vt_error_message());
    for (int i = 0; i < 3; i++) {
        expect(name, (const char *[]){"dq", "dk", "dv"}[i], grads[i], json_object_get(c, (const char *[]){"dq", "dk", "dv"}[i]), dtype, 1e-5, scores);
        vt_tensor_release(grads[i]);
    }
    for (int i = 0; i < N_IN; i++) vt_tensor_release(in[i]);
    vt_tensor_release(go), vt_tensor_release(out[0]), vt_tensor_release(out[1]);
}

static void agrees_with_dense_attention_of_the_golden_files(void **state) {
    (void)state;
    static const char *const files[] = {"attn_a", "attn_b", "attn_c"};
    for (size_t f = 0; f < 3; f++) {
        json_t *file = load(files[f]), *cases = json_object_get(file, "cases");
        for (size_t i = 0; i < json_array_size(cases); i++) {
            char name[32];
            snprintf(name, sizeof name, "%s case %d", files[f], (int)i);
            check_case(name, json_array_get(cases, i), VT_DTYPE_F64);
            check_case(name, json_array_get(cases, i), VT_DTYPE_F32);
        }
        json_decref(file);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(agrees_with_dense_attention_of_the_golden_files)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
