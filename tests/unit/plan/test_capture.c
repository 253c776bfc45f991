/* A captured run done again gives the bits that the run itself gives: forward, gradients and optimizer, on all devices and for any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "graph_cases.h"
#include "torture_each.h"

static void expect_same(vt_tensor *a, vt_tensor *b) {
    static char x[1 << 16], y[1 << 16];
    size_t size = (size_t)vt_tensor_count(a) * vt_dtype_size(vt_tensor_dtype(a));
    assert_true(size <= sizeof x);
    assert_int_equal(vt_tensor_read(a, x, size), VT_OK);
    assert_int_equal(vt_tensor_read(b, y, size), VT_OK);
    assert_memory_equal(x, y, size);
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
            if (which == 0 || which == 3) assert_int_equal(vt_graph_set_int(graph, "seed", captured.seed), VT_OK);
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

static void gradients_of_slices_are_put_in_place(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_graph *graph = NULL;
    vt_buffer *report = NULL;
    vt_tensor *in[2];
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    net m = {.ctx = ctx};
    nets[2].params(&m);
    make_inputs(&m, 2, 0, in);
    set_round(&m, 0);
    net_call call = {&m, nets[2].step};
    assert_int_equal(vt_graph_capture(ctx, in, 2, net_capture_body, &call, &graph), VT_OK);
    assert_int_equal(vt_graph_report(graph, &report), VT_OK);
    assert_null(strstr(vt_buffer_data(report), "slice_grad"));
    vt_buffer_release(report);
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
    vt_graph_release(graph);
    net_free(&m);
    vt_context_release(ctx);
}

/* ---- memory ---- */

static vt_tensor *two_layers(net *m, vt_tensor *const *in) {
    vt_tensor *h = net_op(m, "relu", net_op(m, "matmul", in[0], in[1], NULL, NULL, 0), NULL, NULL, NULL, 0);
    return net_op(m, "matmul", h, in[2], NULL, NULL, 0);
}

static void an_elementwise_result_takes_the_place_of_its_input(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_graph *graph = NULL;
    vt_tensor *in[3];
    vt_graph_cost_info cost = VT_STRUCT_INIT(vt_graph_cost_info);
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    net m = {.ctx = ctx};
    in[0] = net_tensor(&m, SHAPE(8, 16), VT_DTYPE_F32, 1, 0);
    in[1] = net_tensor(&m, SHAPE(16, 32), VT_DTYPE_F32, 1, 1);
    in[2] = net_tensor(&m, SHAPE(32, 4), VT_DTYPE_F32, 1, 2);
    vt_tensor *want = two_layers(&m, in);
    net captured = {.ctx = ctx};
    net_call call = {&captured, two_layers};
    assert_int_equal(vt_graph_capture(ctx, in, 3, net_capture_body, &call, &graph), VT_OK);
    assert_int_equal(vt_graph_run(graph, in, 3), VT_OK);
    vt_tensor *have = vt_graph_result(graph, 0);
    expect_same(want, have);
    assert_int_equal(vt_graph_cost(graph, &cost), VT_OK);
    assert_int_equal(cost.arena_bytes, 8 * 32 * 4);
    assert_int_equal(cost.result_bytes, 8 * 4 * 4);
    assert_true(cost.flops == 2.0 * 8 * 16 * 32 + 8 * 32 + 2.0 * 8 * 32 * 4);
    vt_tensor_release(have);
    for (int i = 0; i < 3; i++) vt_tensor_release(in[i]);
    vt_graph_release(graph);
    net_free(&m);
    vt_context_release(ctx);
}


static void a_replay_allocates_nothing(void **state) {
    (void)state;
    for (int which = 0; which < N_NETS; which++) {
        torture t = {0};
        vt_context_options o = VT_STRUCT_INIT(vt_context_options);
        vt_context *ctx = NULL;
        vt_graph *graph = NULL;
        vt_tensor *in[2];
        o.alloc = torture_alloc;
        o.alloc_user = &t;
        o.n_threads = 2;
        assert_int_equal(vt_context_create(&o, &ctx), VT_OK);
        net m = {.ctx = ctx};
        nets[which].params(&m);
        make_inputs(&m, which, 0, in);
        set_round(&m, 0);
        net_call call = {&m, nets[which].step};
        assert_int_equal(vt_graph_capture(ctx, in, 2, net_capture_body, &call, &graph), VT_OK);
        for (int i = 0; i < 3; i++) assert_int_equal(vt_graph_run(graph, in, 2), VT_OK); /* threads start, scratch is found */
        long before = t.calls;
        for (int i = 0; i < 20; i++) assert_int_equal(vt_graph_run(graph, in, 2), VT_OK);
        assert_int_equal(t.calls, before);
        for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
        vt_graph_release(graph);
        net_free(&m);
        vt_context_release(ctx);
        assert_int_equal(t.live, 0);
    }
}

static vt_status capture_and_run(vt_context *ctx, int which) {
    net m = {.ctx = ctx};
    vt_tensor *in[2] = {0}, *result = NULL;
    vt_graph *graph = NULL;
    vt_buffer *report = NULL;
    nets[which].params(&m);
    make_inputs(&m, which, 0, in);
    set_round(&m, 0);
    net_call call = {&m, nets[which].step};
    vt_status st = m.st != VT_OK ? m.st : vt_graph_capture(ctx, in, 2, net_capture_body, &call, &graph);
    if (st == VT_OK) result = vt_graph_result(graph, 0);
    if (st == VT_OK) st = vt_graph_run(graph, in, 2); /* the result is held: other memory is taken */
    if (st == VT_OK) st = vt_graph_report(graph, &report);
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
    vt_buffer_release(report);
    vt_tensor_release(result);
    vt_graph_release(graph);
    net_free(&m);
    return st;
}

static vt_status capture_mlp(vt_context *ctx) { return capture_and_run(ctx, 0); }

static void a_failed_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    torture_each(capture_mlp);
}

static void the_plan_is_between_the_bound_and_the_sum(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_graph *graph = NULL;
    vt_tensor *in[2];
    vt_graph_cost_info cost = VT_STRUCT_INIT(vt_graph_cost_info);
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    net m = {.ctx = ctx};
    nets[0].params(&m);
    make_inputs(&m, 0, 0, in);
    set_round(&m, 0);
    net_call call = {&m, nets[0].step};
    assert_int_equal(vt_graph_capture(ctx, in, 2, net_capture_body, &call, &graph), VT_OK);
    assert_int_equal(vt_graph_cost(graph, &cost), VT_OK);
    assert_true(cost.arena_bytes >= cost.least_bytes && cost.least_bytes > 0);
    assert_int_equal(cost.peak_bytes, cost.arena_bytes + cost.scratch_bytes + cost.result_bytes);
    assert_int_equal(cost.input_bytes, 9 * 17 * 4 + 9 * 8);
    assert_true(cost.flops > 6.0 * 9 * 17 * 40 && cost.flops < 20.0 * 9 * (17 * 40 + 40 * 5));
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
    vt_graph_release(graph);
    net_free(&m);
    vt_context_release(ctx);
}

/* ---- one user at a time ---- */

typedef struct inside {
    net m;
    vt_graph *graph;
    vt_status ran, captured;
} inside;

static vt_status from_within(void *user, vt_tensor *const *in, int32_t n_in, vt_tensor **out, int32_t *n_out) {
    inside *i = user;
    vt_graph *other = NULL;
    i->ran = vt_graph_run(i->graph, in, 1);
    i->captured = vt_graph_capture(i->m.ctx, in, n_in, from_within, user, &other);
    float number;
    assert_int_equal(vt_tensor_read(in[0], &number, sizeof number), VT_ERR_STATE);
    assert_null(vt_tensor_data(in[0]));
    out[0] = vt_tensor_retain(in[0]);
    *n_out = 1;
    return VT_OK;
}

static vt_tensor *negative(net *m, vt_tensor *const *in) { return net_op(m, "neg", in[0], NULL, NULL, NULL, 0); }

static void nothing_runs_or_is_looked_at_inside_of_a_capture(void **state) {
    (void)state;
    vt_graph *graph = NULL;
    inside i = {0};
    assert_int_equal(vt_context_create(NULL, &i.m.ctx), VT_OK);
    vt_tensor *x = net_tensor(&i.m, SHAPE(1), VT_DTYPE_F32, 1, 0);
    net_call call = {&i.m, negative};
    assert_int_equal(vt_graph_capture(i.m.ctx, &x, 1, net_capture_body, &call, &i.graph), VT_OK);
    assert_int_equal(vt_graph_capture(i.m.ctx, &x, 1, from_within, &i, &graph), VT_OK);
    assert_int_equal(i.ran, VT_ERR_STATE);
    assert_int_equal(i.captured, VT_ERR_STATE);
    assert_int_equal(vt_graph_run(graph, &x, 1), VT_OK);
    vt_tensor *same = vt_graph_result(graph, 0);
    expect_same(x, same);
    vt_tensor_release(same);
    vt_tensor_release(x);
    vt_graph_release(graph);
    vt_graph_release(i.graph);
    net_free(&i.m);
    vt_context_release(i.m.ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(training_replays_to_the_bit), cmocka_unit_test(gradients_of_slices_are_put_in_place),
        cmocka_unit_test(an_elementwise_result_takes_the_place_of_its_input), cmocka_unit_test(a_replay_allocates_nothing),
        cmocka_unit_test(nothing_runs_or_is_looked_at_inside_of_a_capture),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind), cmocka_unit_test(the_plan_is_between_the_bound_and_the_sum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
