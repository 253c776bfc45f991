/* A captured run done again gives the bits that the run itself gives: forward, gradients and optimizer, on all devices and for any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "graph_cases.h"
#include "torture_each.h"

#define SHAPE(...) (const int64_t[]){__VA_ARGS__}, (int32_t)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))

/* ---- nets ---- */

static void mlp_params(net *m) {
    net_param(m, SHAPE(40, 17), VT_DTYPE_F32, 0.2);
    net_param(m, SHAPE(40), VT_DTYPE_F32, 0.1);
    net_param(m, SHAPE(5, 40), VT_DTYPE_F32, 0.2);
    net_param(m, SHAPE(5), VT_DTYPE_F32, 0.1);
}

static vt_tensor *mlp_forward(net *m, vt_tensor *x) {
    vt_tensor *h = net_op(m, "gelu", net_op(m, "linear", x, m->param[0], m->param[1], NULL, 0), NULL, NULL, NULL, 0);
    vt_attr drop[] = {{.name = "p", .f = 0.25}, {.name = "seed", .i = m->seed, .text = "seed"}};
    return net_op(m, "linear", net_op(m, "dropout", h, NULL, NULL, drop, 2), m->param[2], m->param[3], NULL, 0);
}

static vt_tensor *mlp_step(net *m, vt_tensor *const *in) {
    vt_tensor *loss = net_op(m, "cross_entropy", mlp_forward(m, in[0]), in[1], NULL, NULL, 0);
    net_learn(m, loss);
    return loss;
}

static void conv_params(net *m) {
    net_param(m, SHAPE(6, 2, 3, 3), VT_DTYPE_F32, 0.3);
    net_param(m, SHAPE(6), VT_DTYPE_F32, 0.1);
    net_param(m, SHAPE(5, 6), VT_DTYPE_F32, 0.3);
    net_param(m, SHAPE(6), VT_DTYPE_F32, 0.5);
}

static vt_tensor *conv_step(net *m, vt_tensor *const *in) {
    vt_attr pad[] = {{.name = "padding", .i = 1}}, pool[] = {{.name = "kernel", .i = 2}}, groups[] = {{.name = "groups", .i = 3}};
    vt_attr dims[] = {{.name = "dims", .list = (const int64_t[]){2, 3}, .n_list = 2}};
    vt_tensor *h = net_op(m, "conv2d", in[0], m->param[0], m->param[1], pad, 1);
    h = net_op(m, "group_norm", h, m->param[3], NULL, groups, 1);
    h = net_op(m, "max_pool2d", net_op(m, "silu", h, NULL, NULL, NULL, 0), NULL, NULL, pool, 1);
    h = net_op(m, "linear", net_op(m, "mean", h, NULL, NULL, dims, 1), m->param[2], NULL, NULL, 0);
    vt_tensor *loss = net_op(m, "cross_entropy", h, in[1], NULL, NULL, 0);
    net_learn(m, loss);
    return loss;
}

enum { HEADS = 2, WIDTH = 8, ROWS = 12 };

static void block_params(net *m) {
    for (int i = 0; i < 4; i++) net_param(m, SHAPE(HEADS * WIDTH, HEADS * WIDTH), VT_DTYPE_F32, 0.3);
    net_param(m, SHAPE(HEADS * WIDTH), VT_DTYPE_F32, 0.5);
    net_param(m, SHAPE(5, HEADS * WIDTH), VT_DTYPE_F32, 0.3);
}

static vt_tensor *heads_of(net *m, vt_tensor *h, int32_t weight) {
    vt_attr shape[] = {{.name = "shape", .list = (const int64_t[]){-1, ROWS, HEADS, WIDTH}, .n_list = 4}};
    vt_attr dims[] = {{.name = "dim0", .i = 1}, {.name = "dim1", .i = 2}};
    vt_tensor *t = net_op(m, "linear", h, m->param[weight], NULL, NULL, 0);
    return net_op(m, "transpose", net_op(m, "reshape", t, NULL, NULL, shape, 1), NULL, NULL, dims, 2);
}

/* Pre-norm attention with dropout, and a residual. */
static vt_tensor *block_step(net *m, vt_tensor *const *in) {
    vt_attr how[] = {{.name = "causal", .i = 1}, {.name = "dropout", .f = 0.1}, {.name = "seed", .i = m->seed, .text = "seed"}};
    vt_attr dims[] = {{.name = "dim0", .i = 1}, {.name = "dim1", .i = 2}}, shape[] = {{.name = "shape", .list = (const int64_t[]){-1, ROWS, HEADS * WIDTH}, .n_list = 3}};
    vt_attr last[] = {{.name = "dim", .i = 1}, {.name = "index", .i = -1}};
    vt_tensor *h = net_op(m, "layer_norm", in[0], m->param[4], NULL, NULL, 0);
    vt_tensor *q = heads_of(m, h, 0), *k = heads_of(m, h, 1), *v = heads_of(m, h, 2);
    vt_tensor *o = net_op(m, "transpose", net_op(m, "attention", q, k, v, how, 3), NULL, NULL, dims, 2);
    o = net_op(m, "linear", net_op(m, "reshape", o, NULL, NULL, shape, 1), m->param[3], NULL, NULL, 0);
    o = net_op(m, "select", net_op(m, "add", in[0], o, NULL, NULL, 0), NULL, NULL, last, 2);
    vt_tensor *loss = net_op(m, "cross_entropy", net_op(m, "linear", o, m->param[5], NULL, NULL, 0), in[1], NULL, NULL, 0);
    net_learn(m, loss);
    return loss;
}

static const struct {
    const char *name;
    void (*params)(net *m);
    net_fn step;
    int64_t shape[4];
    int32_t n_dims;
} nets[] = {
    {"mlp", mlp_params, mlp_step, {9, 17}, 2},
    {"conv", conv_params, conv_step, {3, 2, 10, 10}, 4},
    {"attention", block_params, block_step, {4, ROWS, HEADS * WIDTH}, 3},
};
enum { N_NETS = sizeof nets / sizeof nets[0], STEPS = 20 };

/* ---- the same numbers ---- */

static void expect_same(vt_tensor *a, vt_tensor *b) {
    static char x[1 << 16], y[1 << 16];
    size_t size = (size_t)vt_tensor_count(a) * vt_dtype_size(vt_tensor_dtype(a));
    assert_true(size <= sizeof x);
    assert_int_equal(vt_tensor_read(a, x, size), VT_OK);
    assert_int_equal(vt_tensor_read(b, y, size), VT_OK);
    assert_memory_equal(x, y, size);
}

static void make_inputs(net *m, int which, int64_t round, vt_tensor **in) {
    in[0] = net_tensor(m, nets[which].shape, nets[which].n_dims, VT_DTYPE_F32, 1, 1000 + 2 * (uint32_t)round);
    in[1] = net_tensor(m, nets[which].shape, 1, VT_DTYPE_I64, 5, 1001 + 2 * (uint32_t)round);
}

static void set_round(net *m, int64_t round) {
    m->lr = 0.01 / (double)(1 + round);
    m->step = round + 1;
    m->seed = 77 + round;
}

static void expect_training_equal(int which, int32_t device, int32_t n_threads) {
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    vt_context *ctx = NULL;
    vt_graph *graph = NULL;
    o.n_threads = n_threads;
    assert_int_equal(vt_context_create(&o, &ctx), VT_OK);
    net eager = {.ctx = ctx, .device = device}, captured = {.ctx = ctx, .device = device};
    nets[which].params(&eager);
    nets[which].params(&captured);
    for (int64_t round = 0; round < STEPS; round++) {
        vt_tensor *in[2], *loss, *again;
        make_inputs(&eager, which, round, in);
        set_round(&eager, round);
        set_round(&captured, round);
        loss = nets[which].step(&eager, in);
        assert_int_equal(eager.st, VT_OK);
        if (!graph) {
            net_call call = {&captured, nets[which].step};
            if (vt_graph_capture(ctx, in, 2, net_capture_body, &call, &graph) != VT_OK) fail_msg("%s: %s", nets[which].name, vt_error_message());
        } else {
            assert_int_equal(vt_graph_set(graph, "lr", captured.lr), VT_OK);
            assert_int_equal(vt_graph_set_int(graph, "step", captured.step), VT_OK);
            if (which != 1) assert_int_equal(vt_graph_set_int(graph, "seed", captured.seed), VT_OK);
            assert_int_equal(vt_graph_run(graph, in, 2), VT_OK);
        }
        again = vt_graph_result(graph, 0);
        expect_same(loss, again);
        for (int32_t i = 0; i < eager.n; i++) expect_same(eager.param[i], captured.param[i]);
        for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
        vt_tensor_release(again);
        net_forget(&eager);
    }
    vt_graph_release(graph);
    net_free(&eager);
    net_free(&captured);
    vt_context_release(ctx);
}

static void training_replays_to_the_bit(void **state) {
    (void)state;
    for (int which = 0; which < N_NETS; which++)
        for (int32_t device = 0; device < 2; device++)
            for (int32_t n_threads = 1; n_threads <= 3; n_threads += 2) expect_training_equal(which, device, n_threads);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(training_replays_to_the_bit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
