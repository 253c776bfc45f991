/* Results that are large enough to go past the caches have the bits of small ones, for any number of threads and wherever rows begin. */
#include "tensor_cases.h"

enum { BATCH = 84, CHANNELS = 100, ROW = 1003, ITEM = CHANNELS * ROW, MOST = 3 };

/* x g: large arrays; w b: [ROW]; k l: [CHANNELS]. */
static const struct {
    const char *op, *in;
    vt_attr attr;
} cases[] = {
    {"copy", "x", {0}},
    {"relu", "x", {0}},
    {"exp", "x", {0}},
    {"gelu", "x", {0}},
    {"sin", "x", {0}},
    {"add", "xg", {0}},
    {"mul", "xw", {0}},
    {"gelu_grad", "gx", {0}},
    {"lt", "xg", {0}},
    {"cast", "x", {.name = "dtype", .i = VT_DTYPE_F64}},
    {"cast", "x", {.name = "dtype", .i = VT_DTYPE_C64}},
    {"softmax", "x", {.name = "dim", .i = -1}},
    {"log_softmax", "x", {.name = "dim", .i = -1}},
    {"softmax_grad", "gx", {0}},
    {"log_softmax_grad", "gx", {0}},
    {"layer_norm", "xwb", {0}},
    {"rms_norm", "xw", {0}},
    {"layer_norm_grad", "gxw", {0}},
    {"layer_norm_grad", "gxw", {.name = "rms", .i = 1}},
    {"group_norm", "xkl", {.name = "groups", .i = 20}},
    {"group_norm_grad", "gxk", {.name = "groups", .i = 20}},
};

static vt_tensor *make(vt_context *c, char letter, int64_t batch, int64_t first) {
    const int64_t shape[] = {batch, CHANNELS, ROW}, n = letter == 'k' || letter == 'l' ? CHANNELS : ROW;
    int is_large = letter == 'x' || letter == 'g';
    vt_tensor *t = NULL;
    assert_int_equal(vt_tensor_create(c, VT_DTYPE_F32, is_large ? shape : &n, is_large ? 3 : 1, VT_DEVICE_CPU, &t), VT_OK);
    float *p = vt_tensor_data(t);
    int64_t count = vt_tensor_count(t), from = is_large ? first * ITEM : 0;
    for (int64_t i = 0; i < count; i++) p[i] = (float)((uint32_t)((uint64_t)(from + i) * 2654435761u + (uint32_t)letter * 40503u) >> 8) * 0x1p-21f - 4;
    return t;
}

/* The first output of case k over `batch` items from the first on. large: x and g of all of them. */
static vt_tensor *result(vt_context *c, size_t k, int64_t batch, int64_t first, vt_tensor *const *large) {
    vt_tensor *in[MOST] = {0}, *out[VT_OP_MAX_OUTPUTS];
    int32_t op, n = (int32_t)strlen(cases[k].in);
    for (int i = 0; i < n; i++) {
        char letter = cases[k].in[i];
        in[i] = batch == BATCH && (letter == 'x' || letter == 'g') ? vt_tensor_retain(large[letter == 'g']) : make(c, letter, batch, first);
    }
    assert_int_equal(vt_op_find(cases[k].op, &op), VT_OK);
    if (vt_op_run(c, op, in, n, &cases[k].attr, cases[k].attr.name != NULL, out) != VT_OK) fail_msg("%s: %s", cases[k].op, vt_error_message());
    for (int i = 0; i < n; i++) vt_tensor_release(in[i]);
    for (int i = 1; i < VT_OP_MAX_OUTPUTS; i++) vt_tensor_release(out[i]);
    return out[0];
}

static void large_results_have_the_bits_of_small_ones(void **state) {
    (void)state;
    static const int64_t items[] = {0, 41, BATCH - 1};
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        vt_context *c;
        vt_context_options options = VT_STRUCT_INIT(vt_context_options);
        options.n_threads = threads;
        assert_int_equal(vt_context_create(&options, &c), VT_OK);
        vt_tensor *all[] = {make(c, 'x', BATCH, 0), make(c, 'g', BATCH, 0)};
        for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
            if (threads > 1 && k % 3) continue;
            vt_tensor *large = result(c, k, BATCH, 0, all);
            for (int i = 0; i < 3; i++) {
                vt_tensor *small = result(c, k, 1, items[i], all);
                size_t size = vt_dtype_size(vt_tensor_dtype(small)) * ITEM;
                const char *have = (const char *)vt_tensor_data(large) + (size_t)items[i] * size;
                if (memcmp(have, vt_tensor_data(small), size) != 0) fail_msg("%s of item %d by %d threads", cases[k].op, (int)items[i], (int)threads);
                vt_tensor_release(small);
            }
            vt_tensor_release(large);
        }
        vt_tensor_release(all[0]), vt_tensor_release(all[1]);
        vt_context_release(c);
    }
}

static void an_output_may_be_an_input(void **state) {
    (void)state;
    vt_tensor *x = make(ctx, 'x', BATCH, 0), *want = run_op("relu", x, NULL, NULL, 0);
    int32_t op;
    assert_int_equal(vt_op_find("relu", &op), VT_OK);
    assert_int_equal(vt_op_run_into(ctx, op, &x, 1, NULL, 0, &x, 1), VT_OK);
    assert_memory_equal(vt_tensor_data(x), vt_tensor_data(want), (size_t)BATCH * ITEM * sizeof(float));
    vt_tensor_release(x), vt_tensor_release(want);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(large_results_have_the_bits_of_small_ones), cmocka_unit_test(an_output_may_be_an_input)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
