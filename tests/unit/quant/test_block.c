/* Sizes and refusals of block types, and rows of blocks against the reference files. */
#define VT_EXPERIMENTAL
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "venturi/context.h"
#include "venturi_experimental.h"

static void sizes_are_those_of_gguf(void **state) {
    static const struct {
        int32_t dtype;
        int64_t elems;
        size_t size;
    } cases[] = {
        {VT_DTYPE_F32, 1, 4},      {VT_DTYPE_F16, 1, 2},      {VT_DTYPE_Q4_0, 32, 18},   {VT_DTYPE_Q4_1, 32, 20},   {VT_DTYPE_Q5_0, 32, 22},
        {VT_DTYPE_Q5_1, 32, 24},   {VT_DTYPE_Q8_0, 32, 34},   {VT_DTYPE_Q8_1, 32, 36},   {VT_DTYPE_Q2_K, 256, 84},  {VT_DTYPE_Q3_K, 256, 110},
        {VT_DTYPE_Q4_K, 256, 144}, {VT_DTYPE_Q5_K, 256, 176}, {VT_DTYPE_Q6_K, 256, 210}, {VT_DTYPE_Q8_K, 256, 292}, {VT_DTYPE_BF16, 1, 2},
        {VT_DTYPE_I64, 1, 8},      {VT_DTYPE_C128, 1, 16},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t elems = 0;
        size_t size = 0;
        assert_int_equal(vt_quant_block(cases[i].dtype, &elems, &size), VT_OK);
        assert_int_equal(elems, cases[i].elems);
        assert_int_equal(size, cases[i].size);
    }
}

static void wrong_requests_are_refused(void **state) {
    static const struct {
        const char *name;
        int32_t dtype;
        int64_t n;
        size_t size;
        vt_status want;
    } cases[] = {
        {"unknown number", 4, 32, 18, VT_ERR_DTYPE},
        {"negative number", -1, 32, 18, VT_ERR_DTYPE},
        {"known, no kernel", VT_DTYPE_Q8_1, 32, 36, VT_ERR_UNSUPPORTED},
        {"part of a block", VT_DTYPE_Q4_0, 31, 18, VT_ERR_SHAPE},
        {"negative count", VT_DTYPE_Q4_0, -32, 18, VT_ERR_SHAPE},
        {"size too small", VT_DTYPE_Q4_1, 32, 19, VT_ERR_SHAPE},
        {"size too large", VT_DTYPE_Q8_0, 32, 35, VT_ERR_SHAPE},
        {"product overflows", VT_DTYPE_F32, INT64_MAX, 4, VT_ERR_SHAPE},
        {"nothing", VT_DTYPE_Q8_0, 0, 0, VT_OK},
    };
    unsigned char bytes[256] = {0};
    float x[256] = {0};
    int64_t elems = 77;
    size_t size = 77;
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (vt_quant_decode(cases[i].dtype, bytes, cases[i].size, x, cases[i].n) != cases[i].want) fail_msg("decode: %s", cases[i].name);
        if (vt_quant_encode(cases[i].dtype, x, cases[i].n, bytes, cases[i].size) != cases[i].want) fail_msg("encode: %s", cases[i].name);
    }
    assert_int_equal(vt_quant_decode(VT_DTYPE_Q8_1, bytes, 36, x, 32), VT_ERR_UNSUPPORTED);
    assert_non_null(strstr(vt_error_message(), "Q8_1"));
    assert_int_equal(vt_quant_decode(VT_DTYPE_Q8_0, NULL, 34, x, 32), VT_ERR_INVALID);
    assert_int_equal(vt_quant_encode(VT_DTYPE_Q8_0, NULL, 32, bytes, 34), VT_ERR_INVALID);
    assert_int_equal(vt_quant_block(VT_DTYPE_Q8_0, NULL, &size), VT_ERR_INVALID);
    assert_int_equal(vt_quant_block(5, &elems, &size), VT_ERR_DTYPE);
    assert_int_equal(elems, 77);
    assert_int_equal(size, 77);
}

/* Reference files. */

static const struct {
    const char *name;
    int32_t dtype;
} done[] = {{"f16", VT_DTYPE_F16},   {"bf16", VT_DTYPE_BF16}, {"q4_0", VT_DTYPE_Q4_0}, {"q4_1", VT_DTYPE_Q4_1}, {"q8_0", VT_DTYPE_Q8_0},
          {"q5_0", VT_DTYPE_Q5_0}, {"q5_1", VT_DTYPE_Q5_1}, {"q2_K", VT_DTYPE_Q2_K}, {"q3_K", VT_DTYPE_Q3_K}, {"q4_K", VT_DTYPE_Q4_K},
          {"q5_K", VT_DTYPE_Q5_K}, {"q6_K", VT_DTYPE_Q6_K}, {"q8_K", VT_DTYPE_Q8_K}};

static size_t read_hex(const json_t *hex, unsigned char *out, size_t cap) {
    const char *s = json_string_value(hex);
    size_t n = strlen(s) / 2;
    assert_true(n <= cap);
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {s[2 * i], s[2 * i + 1], 0};
        out[i] = (unsigned char)strtoul(pair, NULL, 16);
    }
    return n;
}

static int64_t read_floats(const json_t *list, float *out, size_t cap) {
    size_t n = json_array_size(list);
    assert_true(n <= cap);
    for (size_t i = 0; i < n; i++) out[i] = (float)json_number_value(json_array_get(list, i));
    return (int64_t)n;
}

/* The quantiser looks for scales: other bytes are as right as the reference's, if their error is as small. */
static int is_searched(int32_t dtype) { return dtype >= VT_DTYPE_Q2_K && dtype <= VT_DTYPE_Q6_K; }

static void check_error(int32_t dtype, const json_t *c, const float *x, int64_t n, const unsigned char *ours, size_t size) {
    float y[1024];
    double sum = 0.0, want = json_number_value(json_object_get(c, "rmse"));
    assert_int_equal(vt_quant_decode(dtype, ours, size, y, n), VT_OK);
    for (int64_t i = 0; i < n; i++) sum += ((double)y[i] - (double)x[i]) * ((double)y[i] - (double)x[i]);
    if (!(sqrt(sum / (double)n) <= 1.05 * want)) fail_msg("dtype %d: rmse %g, the reference has %g", dtype, sqrt(sum / (double)n), want);
}

static void check_case(int32_t dtype, const json_t *c, const float *x) {
    unsigned char bytes[4096], ours[4096];
    float want[1024], got[1024];
    size_t size = read_hex(json_object_get(c, "bytes"), bytes, sizeof bytes);
    int64_t n = read_floats(json_object_get(c, "y"), want, 1024);

    assert_int_equal(vt_quant_decode(dtype, bytes, size, got, n), VT_OK);
    for (int64_t i = 0; i < n; i++) assert_true(fabsf(got[i] - want[i]) <= 1e-6f * fabsf(want[i]));
    if (!x) return;
    assert_int_equal(vt_quant_encode(dtype, x, n, ours, size), VT_OK);
    if (!is_searched(dtype)) assert_memory_equal(ours, bytes, size);
    else check_error(dtype, c, x, n, ours, size);
}

static void check_file(const char *name) {
    char path[1024];
    float x[1024];
    json_error_t error;
    const char *folder = getenv("VT_GOLDEN");

    if (!folder) return; /* cmocka's skip() is a failure to TAP readers */
    snprintf(path, sizeof path, "%s/%s", folder, name);
    json_t *root = json_load_file(path, 0, &error);
    if (!root) fail_msg("%s: %s", path, error.text);
    read_floats(json_object_get(root, "x"), x, 1024);
    for (size_t i = 0; i < sizeof done / sizeof done[0]; i++) {
        const json_t *c = json_object_get(json_object_get(root, "cases"), done[i].name);
        const json_t *r = json_object_get(json_object_get(root, "random_bytes"), done[i].name);
        assert_non_null(c);
        check_case(done[i].dtype, c, x);
        if (r) check_case(done[i].dtype, r, NULL);
    }
    json_decref(root);
}

static void blocks_equal_the_reference_quantisers(void **state) {
    (void)state;
    check_file("gguf_blocks_a.json");
    check_file("gguf_blocks_b.json");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_those_of_gguf),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(blocks_equal_the_reference_quantisers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
