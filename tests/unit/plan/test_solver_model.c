/* Graphs as models of solvers from C: the answer of a saved graph, what is refused, every failed allocation survived. The bits of whole runs: tests/lua/test_graph.lua. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "file_folder.h"
#include "torture_each.h"

enum { ROWS = 3, DIM = 4, LARGE = ROWS * DIM };

static vt_context *of_capture;

/* x + x, of the times nothing: tensors of the first input's type. */
static vt_status twice(void *user, vt_tensor *const *in, int32_t n_in, vt_tensor **out, int32_t *n_out) {
    (void)user;
    (void)n_in;
    int32_t add = -1;
    vt_tensor *x[] = {in[0], in[0]}, *results[VT_OP_MAX_OUTPUTS] = {0};
    vt_status st = vt_op_find("add", &add);
    if (st == VT_OK) st = vt_op_run(of_capture, add, x, 2, NULL, 0, results);
    if (st == VT_OK) out[0] = results[0], *n_out = 1;
    return st;
}

static vt_status make(vt_context *ctx, int64_t rows, vt_tensor **x, vt_tensor **t) {
    const int64_t shape[] = {rows, DIM};
    vt_status st = vt_tensor_create(ctx, VT_DTYPE_F32, shape, 2, VT_DEVICE_CPU, x);
    if (st == VT_OK) st = vt_tensor_create(ctx, VT_DTYPE_F32, shape, 1, VT_DEVICE_CPU, t);
    if (st != VT_OK) return st;
    for (int64_t i = 0; i < rows * DIM; i++) ((float *)vt_tensor_data(*x))[i] = (float)i - 2;
    memset(vt_tensor_data(*t), 0, (size_t)rows * sizeof(float));
    return VT_OK;
}

/* Captures, saves, opens, and runs a solver with it. */
static vt_status solve(vt_context *ctx, vt_tensor **result) {
    vt_tensor *in[2] = {0};
    vt_graph *captured = NULL;
    vt_schedule *schedule = NULL;
    vt_solver *solver = NULL;
    vt_schedule_options so = VT_STRUCT_INIT(vt_schedule_options);
    vt_solver_options o = VT_STRUCT_INIT(vt_solver_options);
    vt_graph_denoiser d = VT_STRUCT_INIT(vt_graph_denoiser);
    o.n_steps = 3;
    of_capture = ctx;
    vt_status st = make(ctx, ROWS, &in[0], &in[1]);
    if (st == VT_OK) st = vt_graph_capture(ctx, in, 2, twice, NULL, &captured);
    if (st == VT_OK) st = vt_graph_save(captured, in_folder("model.graph"), 0);
    if (st == VT_OK) st = vt_graph_open(ctx, in_folder("model.graph"), VT_DEVICE_CPU, &d.graph);
    if (st == VT_OK) st = vt_schedule_create(ctx, &so, &schedule);
    if (st == VT_OK) st = vt_solver_create(ctx, schedule, &o, &solver);
    if (st == VT_OK) st = vt_solver_begin(solver, in[0], NULL);
    if (st == VT_OK) st = vt_solver_run(solver, vt_graph_model, &d, NULL);
    if (st == VT_OK && result) *result = vt_tensor_retain(vt_solver_state(solver));
    vt_solver_release(solver);
    vt_schedule_release(schedule);
    vt_graph_release(d.graph);
    vt_graph_release(captured);
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
    return st;
}

static vt_status solve_alone(vt_context *ctx) { return solve(ctx, NULL); }

static void a_solver_runs_a_saved_graph(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_tensor *x = NULL;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(solve(ctx, &x), VT_OK);
    assert_int_equal(vt_tensor_count(x), LARGE);
    vt_tensor_release(x);
    vt_context_release(ctx);
}

static void a_request_is_answered_or_refused(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_tensor *in[2] = {0}, *other[2] = {0}, *out[2] = {0};
    vt_graph_denoiser d = VT_STRUCT_INIT(vt_graph_denoiser);
    vt_solver_request r = VT_STRUCT_INIT(vt_solver_request);
    const double time[ROWS] = {3, 3, 3};
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    of_capture = ctx;
    assert_int_equal(make(ctx, ROWS, &in[0], &in[1]), VT_OK);
    assert_int_equal(make(ctx, ROWS - 1, &other[0], &other[1]), VT_OK);
    assert_int_equal(vt_graph_capture(ctx, in, 2, twice, NULL, &d.graph), VT_OK);
    r.n_predictions = 1, r.n_rows = ROWS, r.time = time, r.x = in[0];
    assert_int_equal(vt_graph_model(&d, &r, out), VT_OK);
    for (int i = 0; i < LARGE; i++) assert_true(((const float *)vt_tensor_data(out[0]))[i] == 2 * ((float)i - 2));
    vt_tensor_release(out[0]);
    out[0] = NULL;
    r.model = 1;
    assert_int_equal(vt_graph_model(&d, &r, out), VT_ERR_UNSUPPORTED);
    r.model = 0, r.n_predictions = 2;
    assert_int_equal(vt_graph_model(&d, &r, out), VT_ERR_INVALID);
    r.n_predictions = 1, r.x = other[0], r.n_rows = ROWS - 1;
    assert_int_equal(vt_graph_model(&d, &r, out), VT_ERR_SHAPE);
    r.x = in[0], r.n_rows = ROWS, d.given = in[1];
    assert_int_equal(vt_graph_model(&d, &r, out), VT_ERR_INVALID);
    d.given = NULL, d.reserved = 1;
    assert_int_equal(vt_graph_model(&d, &r, out), VT_ERR_INVALID);
    assert_null(out[0]);
    vt_graph_release(d.graph);
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]), vt_tensor_release(other[i]);
    vt_context_release(ctx);
}

static void a_failed_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    torture_each(solve_alone);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_solver_runs_a_saved_graph), cmocka_unit_test(a_request_is_answered_or_refused),
                                       cmocka_unit_test(a_failed_allocation_leaves_nothing_behind)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
