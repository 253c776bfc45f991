/* Elementwise steps done block by block give the bits that they give alone, for any extents, layouts, repeats and types, and for writing in place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/rng.h"
#include "graph_cases.h"
#include "plan/graph_internal.h"

enum { MOST = 40, N_OPS = 14 };

static uint32_t words[256];
static int at_word;
static uint32_t draw(uint32_t n) { return words[at_word++ % 256] % n; }

static const char *const unary[] = {"relu", "exp", "tanh", "sigmoid", "neg", "square", "abs", "gelu", "floor"};
static const char *const binary[] = {"add", "mul", "sub", "maximum", "atan2", "div"};

/* A random expression over the inputs: their rows, columns, transposes; results of other types; some written in place. */
static vt_tensor *expression(net *m, vt_tensor *const *in) {
    vt_tensor *pool[MOST];
    int n = 0;
    vt_attr column[] = {{.name = "dim", .i = 1}, {.name = "start", .i = 3}, {.name = "stop", .i = 4}}, row[] = {{.name = "dim", .i = 0}, {.name = "index", .i = 1}};
    at_word = 0;
    pool[n++] = in[0];
    pool[n++] = net_op(m, "transpose", in[1], NULL, NULL, NULL, 0);
    pool[n++] = net_op(m, "slice", in[0], NULL, NULL, column, 3);
    pool[n++] = net_op(m, "select", in[0], NULL, NULL, row, 2);
    pool[n++] = net_op(m, "mean", in[0], NULL, NULL, NULL, 0);
    vt_tensor *last = in[0];
    for (int i = 0; i < N_OPS; i++) {
        vt_attr dtype[] = {{.name = "dtype", .i = draw(2) ? VT_DTYPE_F64 : VT_DTYPE_F16}};
        switch (draw(6)) {
        case 0: last = net_op(m, unary[draw(9)], last, NULL, NULL, NULL, 0); break;
        case 1:
        case 2: last = net_op(m, binary[draw(6)], last, pool[draw((uint32_t)n)], NULL, NULL, 0); break;
        case 3: last = net_op(m, binary[draw(6)], pool[draw((uint32_t)n)], last, NULL, NULL, 0); break;
        case 4: last = net_op(m, "cast", last, NULL, NULL, dtype, 1); break;
        default: last = net_op(m, "where", net_op(m, "gt", last, pool[draw((uint32_t)n)], NULL, NULL, 0), last, pool[0], NULL, 0); break;
        }
        if (last) pool[n++] = last;
    }
    return last;
}

static vt_tensor *in_place(net *m, vt_tensor *const *in) {
    vt_tensor *t = net_op(m, "mul", in[0], in[0], NULL, NULL, 0), *both[] = {t, in[0]};
    int32_t op = -1;
    if (m->st == VT_OK) m->st = vt_op_find("add", &op);
    for (int i = 0; m->st == VT_OK && i < 3; i++) m->st = vt_op_run_into(m->ctx, op, both, 2, NULL, 0, &t, 1);
    return net_op(m, "tanh", net_op(m, "transpose", t, NULL, NULL, NULL, 0), NULL, NULL, NULL, 0);
}

static int same_bits(vt_tensor *a, vt_tensor *b) {
    size_t size = (size_t)vt_tensor_count(a) * vt_dtype_size(vt_tensor_dtype(a));
    char *x = malloc(size + 1), *y = malloc(size + 1);
    assert_true(x && y);
    assert_int_equal(vt_tensor_dtype(a), vt_tensor_dtype(b));
    assert_int_equal(vt_tensor_read(a, x, size), VT_OK);
    assert_int_equal(vt_tensor_read(b, y, size), VT_OK);
    int same = memcmp(x, y, size) == 0;
    free(x);
    free(y);
    return same;
}

/* Number of units of several steps. */
static int64_t expect_equal(net_fn fn, int64_t rows, int64_t columns, int32_t device, int32_t n_threads) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_graph *graph = NULL;
    int64_t shapes[2][2] = {{rows, columns}, {columns, rows}}, groups = 0;
    o.n_threads = n_threads;
    assert_int_equal(vt_context_create(&o, &ctx), VT_OK);
    net m = {.ctx = ctx, .device = device};
    for (uint32_t round = 0; round < 2; round++) {
        vt_tensor *in[2], *result;
        for (int i = 0; i < 2; i++) in[i] = net_tensor(&m, shapes[i], 2, VT_DTYPE_F32, 1, 10 * round + (uint32_t)i);
        vt_tensor *want = fn(&m, in);
        assert_int_equal(m.st, VT_OK);
        net_call call = {&m, fn};
        net captured = {.ctx = ctx, .device = device};
        call.m = &captured;
        if (!graph && vt_graph_capture(ctx, in, 2, net_capture_body, &call, &graph) != VT_OK) fail_msg("%s", vt_error_message());
        assert_int_equal(vt_graph_run(graph, in, 2), VT_OK);
        result = vt_graph_result(graph, 0);
        assert_true(same_bits(want, result));
        vt_tensor_release(result);
        for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
        net_forget(&m);
    }
    for (int64_t i = 0; i < graph->n_units; i++) groups += graph->units[i].n_steps > 1;
    vt_graph_release(graph);
    net_free(&m);
    vt_context_release(ctx);
    return groups;
}

static void groups_give_the_bits_of_their_steps(void **state) {
    (void)state;
    int64_t groups = 0;
    const int64_t extents[][2] = {{130, 301}, {3, 9000}, {9000, 4}, {2, 5}, {61, 1000}};
    for (uint32_t seed = 0; seed < 20; seed++) {
        const int64_t *e = extents[seed % 5];
        vt__random_words(seed, 0, 0, words, 256);
        groups += expect_equal(expression, e[0], e[1], (int32_t)(seed / 5 % 2), seed % 3 == 0 ? 1 : 3);
    }
    assert_true(groups >= 10);
}

static void writing_in_place_is_seen_in_order(void **state) {
    (void)state;
    for (int32_t n_threads = 1; n_threads <= 3; n_threads++) assert_true(expect_equal(in_place, 200, 333, 0, n_threads) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(groups_give_the_bits_of_their_steps), cmocka_unit_test(writing_in_place_is_seen_in_order)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
