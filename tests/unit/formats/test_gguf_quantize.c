/* Which tensor gets which type, what it loses, and what is left when it cannot be done. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/error.h"
#include "file_folder.h"
#include "formats/gguf_write.h"
#include "quant/block.h"
#include "torture_each.h"
#include "one_context.h" /* behind the above, whose variables it would shadow */
#include "venturi/llm.h"

static int setup(void **state) { return make_context(state) || folder_make(state); }
static int teardown(void **state) { return drop_context(state) || folder_remove(state); }

enum { MOST = 1024 * 40 };

/* What the source files hold; which of them are matrices is what the table of types says. */
static const struct {
    const char *name;
    int32_t dtype, n_dims;
    int64_t ne[4];
} tensors[] = {
    {"token_embd.weight", VT_DTYPE_F32, 2, {1024, 40, 1, 1}}, /* more than one slab's chunk; makes the logits too */
    {"blk.0.attn_q.weight", VT_DTYPE_F16, 2, {256, 3, 1, 1}},
    {"blk.0.ffn_up.weight", VT_DTYPE_Q8_0, 3, {96, 2, 2, 1}}, /* no whole superblocks */
    {"blk.0.ffn_down.weight", VT_DTYPE_BF16, 2, {40, 2, 1, 1}}, /* no whole blocks */
    {"blk.0.attn_norm.weight", VT_DTYPE_F32, 1, {256, 1, 1, 1}},
    {"blk.0.ffn_norm.weight", VT_DTYPE_F32, 2, {256, 1, 1, 1}},
    {"blk.0.attn_q.bias", VT_DTYPE_F32, 1, {256, 1, 1, 1}},
    {"position_embd.weight", VT_DTYPE_F32, 2, {256, 2, 1, 1}},
    {"counts.weight", VT_DTYPE_I32, 2, {32, 2, 1, 1}},
};
enum { N = sizeof tensors / sizeof *tensors };

static float number(int64_t i) { return (float)(i * 7919 % 2003 - 1001) / 1000.0f; }

/* bad: put at element 5000 of the first tensor, unless 0. */
static vt_status write_source(vt_context *c, const char *path, float bad) {
    static float x[MOST];
    static unsigned char bytes[MOST * 4];
    vt__gguf_writer *w = NULL;
    vt_status st = vt__gguf_writer_create(c, path, 64, &w);
    if (st == VT_OK) st = vt__gguf_put_int(w, "general.file_type", VT__GGUF_U32, 1);
    if (st == VT_OK) st = vt__gguf_put_str(w, "general.name", "source", 6);
    if (st == VT_OK) st = vt__gguf_put_int(w, "split.count", VT__GGUF_U16, 1);
    for (int i = 0; i < N && st == VT_OK; i++) st = vt__gguf_put_tensor(w, tensors[i].name, tensors[i].dtype, tensors[i].n_dims, tensors[i].ne);
    for (int i = 0; i < N && st == VT_OK; i++) {
        int64_t n = tensors[i].ne[0] * tensors[i].ne[1] * tensors[i].ne[2];
        size_t size = 0;
        for (int64_t j = 0; j < n; j++) x[j] = number(j + i);
        if (bad != 0.0f) x[5000] = bad;
        assert_int_equal(vt__block_bytes(tensors[i].dtype, n, 1, &size), VT_OK);
        if (tensors[i].dtype == VT_DTYPE_I32) memset(bytes, 7, size);
        else assert_int_equal(vt__block_encode(tensors[i].dtype, x, n, bytes, size), VT_OK);
        st = vt__gguf_write_data(w, bytes, size);
    }
    if (st == VT_OK) st = vt__gguf_writer_finish(w);
    vt__gguf_writer_release(w);
    return st;
}

static vt_status quantize(int32_t dtype, uint32_t flags) {
    vt_quantize_options o = VT_STRUCT_INIT(vt_quantize_options);
    o.flags = flags;
    return vt_model_quantize(ctx, in_folder("in.gguf"), in_folder("out.gguf"), dtype, &o);
}

/* Error over magnitude of tensor i of a file. */
static double loss(const vt__gguf *g, int i) {
    static float x[MOST];
    const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
    int64_t n = t->ne[0] * t->ne[1] * t->ne[2];
    double error = 0.0, total = 0.0;
    assert_int_equal(vt__block_decode(t->dtype, t->data, t->size, x, n), VT_OK);
    for (int64_t j = 0; j < n; j++) {
        double want = (double)number(j + i);
        error += ((double)x[j] - want) * ((double)x[j] - want);
        total += want * want;
    }
    return sqrt(error / total);
}

static void tensors_get_the_types_that_their_rows_allow(void **state) {
    /* the types of the first four tensors; what may be lost of the second */
    static const struct {
        int32_t dtype, file_type, want[4];
        uint32_t flags;
        double loss;
    } cases[] = {
        {VT_DTYPE_F32, 0, {VT_DTYPE_F32, VT_DTYPE_F32, VT_DTYPE_F32, VT_DTYPE_F32}, 0, 0.0005},
        {VT_DTYPE_F16, 1, {VT_DTYPE_F16, VT_DTYPE_F16, VT_DTYPE_F16, VT_DTYPE_F16}, 0, 0.0005},
        {VT_DTYPE_BF16, 32, {VT_DTYPE_BF16, VT_DTYPE_BF16, VT_DTYPE_BF16, VT_DTYPE_BF16}, 0, 0.003},
        {VT_DTYPE_Q8_0, 7, {VT_DTYPE_Q8_0, VT_DTYPE_Q8_0, VT_DTYPE_Q8_0, VT_DTYPE_F16}, 0, 0.006},
        {VT_DTYPE_Q4_0, 2, {VT_DTYPE_Q6_K, VT_DTYPE_Q4_0, VT_DTYPE_Q4_0, VT_DTYPE_F16}, 0, 0.09},
        {VT_DTYPE_Q4_1, 3, {VT_DTYPE_Q4_1, VT_DTYPE_Q4_1, VT_DTYPE_Q4_1, VT_DTYPE_F16}, VT_QUANTIZE_PURE, 0.08},
        {VT_DTYPE_Q5_0, 8, {VT_DTYPE_Q6_K, VT_DTYPE_Q5_0, VT_DTYPE_Q5_0, VT_DTYPE_F16}, 0, 0.045},
        {VT_DTYPE_Q5_1, 9, {VT_DTYPE_Q5_1, VT_DTYPE_Q5_1, VT_DTYPE_Q5_1, VT_DTYPE_F16}, VT_QUANTIZE_PURE, 0.04},
        {VT_DTYPE_Q2_K, 10, {VT_DTYPE_Q6_K, VT_DTYPE_Q2_K, VT_DTYPE_Q4_0, VT_DTYPE_F16}, 0, 0.3},
        {VT_DTYPE_Q3_K, 11, {VT_DTYPE_Q6_K, VT_DTYPE_Q3_K, VT_DTYPE_Q4_0, VT_DTYPE_F16}, 0, 0.16},
        {VT_DTYPE_Q4_K, 14, {VT_DTYPE_Q4_K, VT_DTYPE_Q4_K, VT_DTYPE_Q5_0, VT_DTYPE_F16}, VT_QUANTIZE_PURE, 0.08},
        {VT_DTYPE_Q5_K, 16, {VT_DTYPE_Q6_K, VT_DTYPE_Q5_K, VT_DTYPE_Q5_1, VT_DTYPE_F16}, 0, 0.04},
        {VT_DTYPE_Q6_K, 18, {VT_DTYPE_Q6_K, VT_DTYPE_Q6_K, VT_DTYPE_Q8_0, VT_DTYPE_F16}, 0, 0.02},
    };
    vt__gguf *in, *out;
    (void)state;
    assert_int_equal(write_source(ctx, in_folder("in.gguf"), 0.0f), VT_OK);
    assert_int_equal(vt__gguf_open(ctx, in_folder("in.gguf"), &in), VT_OK);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        int64_t type = -1, alignment = 0;
        assert_int_equal(quantize(cases[c].dtype, cases[c].flags), VT_OK);
        assert_int_equal(vt__gguf_open(ctx, in_folder("out.gguf"), &out), VT_OK);
        assert_int_equal(vt__gguf_tensor_count(out), N);
        for (int i = 0; i < N; i++) {
            const vt__gguf_tensor *a = vt__gguf_tensor_at(in, i), *b = vt__gguf_tensor_at(out, i);
            assert_string_equal(a->name, b->name);
            assert_memory_equal(a->ne, b->ne, sizeof a->ne);
            assert_int_equal(a->n_dims, b->n_dims);
            if (b->dtype != (i < 4 ? cases[c].want[i] : a->dtype)) fail_msg("case %zu: %s has type %d", c, b->name, b->dtype);
            if (a->dtype == b->dtype) assert_memory_equal(a->data, b->data, a->size);
        }
        assert_true(loss(out, 1) <= cases[c].loss);
        assert_true(loss(out, 0) <= cases[c].loss);
        assert_int_equal(vt__gguf_get_int(out, "general.file_type", 0, 99, &type), VT_OK);
        assert_int_equal(type, cases[c].file_type);
        assert_int_equal(vt__gguf_get_int(out, "general.alignment", 64, 64, &alignment), VT_OK);
        assert_int_equal(vt__gguf_has(out, "general.quantization_version"), cases[c].file_type > 1 && cases[c].file_type < 32);
        assert_true(vt__gguf_has(out, "general.name") && !vt__gguf_has(out, "split.count"));
        vt__gguf_release(out);
    }
    vt__gguf_release(in);
}

static void a_file_may_replace_itself_and_again_gives_the_same_bytes(void **state) {
    size_t one, two;
    (void)state;
    assert_int_equal(write_source(ctx, in_folder("in.gguf"), 0.0f), VT_OK);
    assert_int_equal(quantize(VT_DTYPE_Q8_0, 0), VT_OK);
    assert_int_equal(vt_model_quantize(ctx, in_folder("in.gguf"), in_folder("in.gguf"), VT_DTYPE_Q8_0, NULL), VT_OK);
    unsigned char *a = read_file(in_folder("in.gguf"), &one), *b = read_file(in_folder("out.gguf"), &two);
    assert_int_equal(one, two);
    assert_memory_equal(a, b, one);
    free(b);
    assert_int_equal(quantize(VT_DTYPE_Q8_0, 0), VT_OK); /* has the types already: a copy */
    b = read_file(in_folder("out.gguf"), &two);
    assert_int_equal(one, two);
    assert_memory_equal(a, b, one);
    free(a);
    free(b);
}

static void bytes_do_not_depend_on_threads(void **state) {
    unsigned char *first = NULL;
    size_t first_size = 0;
    (void)state;
    assert_int_equal(write_source(ctx, in_folder("in.gguf"), 0.0f), VT_OK);
    for (int32_t n = 1; n <= 5; n += 2) {
        vt_context_options o = VT_STRUCT_INIT(vt_context_options);
        vt_context *c;
        size_t size;
        o.n_threads = n;
        assert_int_equal(vt_context_create(&o, &c), VT_OK);
        assert_int_equal(vt_model_quantize(c, in_folder("in.gguf"), in_folder("out.gguf"), VT_DTYPE_Q4_K, NULL), VT_OK);
        vt_context_release(c);
        unsigned char *data = read_file(in_folder("out.gguf"), &size);
        if (first) {
            assert_int_equal(size, first_size);
            assert_memory_equal(data, first, size);
            free(data);
        } else {
            first = data;
            first_size = size;
        }
    }
    free(first);
}

static void expect_old(void) {
    size_t size;
    unsigned char *data = read_file(in_folder("out.gguf"), &size);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "old", 3);
    free(data);
}

static int32_t stop(void *user, double fraction, const char *message) {
    int *calls = user;
    assert_true(fraction > 0.0 && fraction <= 1.0);
    assert_string_equal(message, "token_embd.weight");
    return ++*calls > 0;
}

static void what_cannot_be_done_leaves_the_old_file(void **state) {
    static const struct {
        float bad;
        int32_t dtype;
        const char *words;
    } cases[] = {
        {NAN, VT_DTYPE_Q8_0, "tensor 'token_embd.weight' has a NaN or an infinity among elements 0 to 16383"},
        {-INFINITY, VT_DTYPE_Q4_K, "tensor 'token_embd.weight' has a NaN"},
        {1e30f, VT_DTYPE_F16, "are too large for F16"},
        {1e30f, VT_DTYPE_Q4_0, "are too large for Q6_K"},
    };
    vt_quantize_options o = VT_STRUCT_INIT(vt_quantize_options);
    vt_cancel *cancel;
    int calls = 0;
    (void)state;
    write_file("out.gguf", "old", 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(write_source(ctx, in_folder("in.gguf"), cases[i].bad), VT_OK);
        vt_status st = quantize(cases[i].dtype, 0);
        if (st != VT_ERR_NUMERIC || !strstr(vt_error_message(), cases[i].words)) fail_msg("%zu: %d %s", i, st, vt_error_message());
        expect_old();
    }
    assert_int_equal(write_source(ctx, in_folder("in.gguf"), 0.0f), VT_OK);
    o.progress = stop;
    o.progress_user = &calls;
    assert_int_equal(vt_model_quantize(ctx, in_folder("in.gguf"), in_folder("out.gguf"), VT_DTYPE_Q8_0, &o), VT_ERR_CANCELLED);
    assert_int_equal(calls, 1);
    o.progress = NULL;
    assert_int_equal(vt_cancel_create(ctx, &cancel), VT_OK);
    vt_cancel_raise(cancel);
    o.cancel = cancel;
    assert_int_equal(vt_model_quantize(ctx, in_folder("in.gguf"), in_folder("out.gguf"), VT_DTYPE_Q8_0, &o), VT_ERR_CANCELLED);
    vt_cancel_release(cancel);
    assert_int_equal(quantize(VT_DTYPE_Q8_1, 0), VT_ERR_DTYPE);
    assert_int_equal(quantize(VT_DTYPE_Q8_K, 0), VT_ERR_DTYPE);
    assert_int_equal(quantize(VT_DTYPE_I8, 0), VT_ERR_DTYPE);
    assert_int_equal(quantize(VT_DTYPE_Q8_0, 2), VT_ERR_INVALID);
    assert_int_equal(vt_model_quantize(ctx, in_folder("none.gguf"), in_folder("out.gguf"), VT_DTYPE_Q8_0, NULL), VT_ERR_NOT_FOUND);
    assert_int_equal(vt_model_quantize(ctx, in_folder("out.gguf"), in_folder("out.gguf"), VT_DTYPE_Q8_0, NULL), VT_ERR_FORMAT);
    assert_int_equal(vt_model_quantize(ctx, in_folder("in.gguf"), NULL, VT_DTYPE_Q8_0, NULL), VT_ERR_INVALID);
    expect_old();
    assert_int_equal(count_files(), 2);
}

static vt_status quantize_tortured(vt_context *c) {
    return vt_model_quantize(c, in_folder("in.gguf"), in_folder("out.gguf"), VT_DTYPE_Q5_0, NULL);
}

static void survives_every_failing_allocation(void **state) {
    (void)state;
    assert_int_equal(write_source(ctx, in_folder("in.gguf"), 0.0f), VT_OK);
    torture_each(quantize_tortured);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_get_the_types_that_their_rows_allow),
        cmocka_unit_test(a_file_may_replace_itself_and_again_gives_the_same_bytes),
        cmocka_unit_test(bytes_do_not_depend_on_threads),
        cmocka_unit_test(what_cannot_be_done_leaves_the_old_file),
        cmocka_unit_test(survives_every_failing_allocation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
