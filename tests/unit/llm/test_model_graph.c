/* Saved graphs opened as models: graphs side by side over the same weights, refusals of what only language models have, every fault survived. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "failing_io.h"
#include "file_folder.h"
#include "graph_cases.h"
#include "core/context.h"
#include "tiny.h"
#include "torture_each.h"

static const char *path(void) { return in_folder("step.graph"); }

/* A training step of the first net, saved as it is before any step; the batch into in. */
static vt_status save_step(vt_context *ctx, vt_tensor **in) {
    net m = {.ctx = ctx};
    vt_graph *graph = NULL;
    nets[0].params(&m);
    make_inputs(&m, 0, 0, in);
    set_round(&m, 0);
    net_call call = {&m, nets[0].step};
    if (m.st == VT_OK) m.st = vt_graph_capture(ctx, in, 2, net_capture_body, &call, &graph);
    vt_status st = m.st == VT_OK ? vt_graph_save(graph, path(), 0) : m.st;
    vt_graph_release(graph);
    net_free(&m);
    return st;
}

static float loss_of(vt_graph *graph, vt_tensor *const *in) {
    float loss = -1;
    assert_int_equal(vt_graph_run(graph, in, 2), VT_OK);
    vt_tensor *t = vt_graph_result(graph, 0);
    assert_int_equal(vt_tensor_read(t, &loss, sizeof loss), VT_OK);
    vt_tensor_release(t);
    return loss;
}

static void release_inputs(vt_tensor **in) {
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
}

static void graphs_of_a_model_train_each_for_themselves(void **state) {
    (void)state;
    enum { N = 4 };
    vt_context *ctx = NULL;
    vt_tensor *in[2] = {0};
    vt_model *model;
    vt_graph *opened, *a, *b;
    float want[N];
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(save_step(ctx, in), VT_OK);
    assert_int_equal(vt_graph_open(ctx, path(), 0, &opened), VT_OK);
    for (int i = 0; i < N; i++) want[i] = loss_of(opened, in);
    assert_true(want[1] != want[0]);
    assert_int_equal(vt_model_open(ctx, path(), NULL, &model), VT_OK);
    assert_int_equal(vt_model_graph(model, &a), VT_OK);
    for (int i = 0; i < 2; i++) assert_true(loss_of(a, in) == want[i]);
    assert_int_equal(vt_model_graph(model, &b), VT_OK); /* begins where the file does, whatever the other has learnt */
    vt_model_release(model);
    for (int i = 0; i < 2; i++) {
        assert_true(loss_of(b, in) == want[i]);
        assert_true(loss_of(a, in) == want[i + 2]);
    }
    vt_graph_release(a);
    vt_graph_release(b);
    vt_graph_release(opened);
    release_inputs(in);
    vt_context_release(ctx);
}

enum { THREADS = 3, RUNS = 8 };

typedef struct user {
    vt_model *model;
    vt_tensor **in;
    float loss[RUNS];
    vt_status st;
} user;

static void *train(void *arg) {
    user *u = arg;
    vt_graph *graph = NULL;
    u->st = vt_model_graph(u->model, &graph);
    for (int i = 0; u->st == VT_OK && i < RUNS; i++) {
        u->st = vt_graph_run(graph, u->in, 2);
        vt_tensor *t = u->st == VT_OK ? vt_graph_result(graph, 0) : NULL;
        if (t) u->st = vt_tensor_read(t, &u->loss[i], sizeof u->loss[i]);
        vt_tensor_release(t);
    }
    vt_graph_release(graph);
    return NULL;
}

static void threads_have_a_graph_each(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_tensor *in[2] = {0};
    vt_model *model;
    pthread_t threads[THREADS];
    user users[THREADS];
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(save_step(ctx, in), VT_OK);
    assert_int_equal(vt_model_open(ctx, path(), NULL, &model), VT_OK);
    for (int i = 0; i < THREADS; i++) {
        users[i] = (user){.model = model, .in = in};
        assert_int_equal(pthread_create(&threads[i], NULL, train, &users[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(users[i].st, VT_OK);
        assert_memory_equal(users[i].loss, users[0].loss, sizeof users[0].loss);
    }
    vt_model_release(model);
    release_inputs(in);
    vt_context_release(ctx);
}

static void what_goes_in_and_out_is_known_before(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_tensor *in[2] = {0};
    vt_model *model;
    vt_graph *graph;
    vt_model_info info = VT_STRUCT_INIT(vt_model_info);
    int64_t shape[VT_MAX_DIMS];
    int32_t dtype, n_dims;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(save_step(ctx, in), VT_OK);
    assert_int_equal(vt_model_open(ctx, path(), NULL, &model), VT_OK);
    assert_int_equal(vt_model_get_info(model, &info), VT_OK);
    assert_string_equal(info.architecture, "graph");
    assert_string_equal(info.name, "");
    assert_int_equal(info.n_vocab, 0);
    assert_true(info.size == (uint64_t)info.n_params * sizeof(float));
    assert_true(info.n_params >= 3 * (40 * 17 + 40 + 5 * 40 + 5)); /* the parameters and two states of each */
    assert_int_equal(vt_model_graph(model, &graph), VT_OK);
    assert_int_equal(vt_graph_input(graph, 0, &dtype, shape, &n_dims), VT_OK);
    assert_true(dtype == VT_DTYPE_F32 && n_dims == 2 && shape[0] == 9 && shape[1] == 17);
    assert_int_equal(vt_graph_output(graph, 0, &dtype, shape, &n_dims), VT_OK);
    assert_true(dtype == VT_DTYPE_F32 && n_dims == 0);
    assert_int_equal(vt_graph_output(graph, 1, &dtype, shape, &n_dims), VT_ERR_INVALID);
    vt_graph_release(graph);
    vt_model_release(model);
    release_inputs(in);
    vt_context_release(ctx);
}

static void what_only_language_models_have_is_refused_by_name(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_tensor *in[2] = {0};
    vt_model *model;
    vt_tokenizer *tok;
    vt_session *session;
    vt_batch *batch;
    vt_kv *kv;
    vt_graph *graph;
    vt_buffer *text;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(save_step(ctx, in), VT_OK);
    assert_int_equal(vt_model_open(ctx, path(), NULL, &model), VT_OK);
    assert_int_equal(vt_model_tokenizer(model, &tok), VT_ERR_UNSUPPORTED);
    assert_non_null(strstr(vt_error_message(), "step.graph is a saved graph"));
    assert_int_equal(vt_session_create(model, NULL, &session), VT_ERR_UNSUPPORTED);
    assert_int_equal(vt_batch_create(model, NULL, &batch), VT_ERR_UNSUPPORTED);
    assert_int_equal(vt_kv_create(model, NULL, &kv), VT_ERR_UNSUPPORTED);
    assert_true(!tok && !session && !batch && !kv);
    assert_int_equal(vt_model_meta_count(model), 0);
    assert_null(vt_model_meta_key(model, 0));
    assert_int_equal(vt_model_meta_text(model, 0, &text), VT_ERR_INVALID);
    vt_model_release(model);

    model = tiny_open(ctx, "tiny_llama");
    assert_int_equal(vt_model_graph(model, &graph), VT_ERR_UNSUPPORTED);
    assert_non_null(strstr(vt_error_message(), "llama"));
    vt_model_release(model);
    release_inputs(in);
    vt_context_release(ctx);
}

static vt_status open_and_run(vt_context *ctx) {
    net m = {.ctx = ctx};
    vt_tensor *in[2] = {0};
    vt_model *model = NULL;
    vt_graph *graph = NULL;
    make_inputs(&m, 0, 0, in);
    vt_status st = m.st;
    if (st == VT_OK) st = vt_model_open(ctx, path(), NULL, &model);
    if (st == VT_OK) st = vt_model_graph(model, &graph);
    vt_model_release(model);
    if (st == VT_OK) st = vt_graph_run(graph, in, 2);
    vt_graph_release(graph);
    release_inputs(in);
    return st;
}

/* The file that the faults below come upon. */
static void make_file(void) {
    vt_context *ctx = NULL;
    vt_tensor *in[2] = {0};
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(save_step(ctx, in), VT_OK);
    release_inputs(in);
    vt_context_release(ctx);
}

static void a_failed_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    make_file();
    torture_each(open_and_run);
}

static void a_failed_file_operation_is_a_status(void **state) {
    (void)state;
    make_file();
    for (long k = 1;; k++) {
        vt_context *ctx = NULL;
        failing_io io;
        failing_io_init(&io);
        io.fail_at = k;
        assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
        vt__context_set_io(ctx, &io.table);
        vt_status st = open_and_run(ctx);
        vt_context_release(ctx);
        assert_int_equal(io.open_files, 0);
        assert_int_equal(io.live_maps, 0);
        if (io.calls < k) {
            assert_int_equal(st, VT_OK);
            break;
        }
        assert_true(st == VT_OK || st == VT_ERR_IO || st == VT_ERR_NOT_FOUND);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(graphs_of_a_model_train_each_for_themselves), cmocka_unit_test(threads_have_a_graph_each),
        cmocka_unit_test(what_goes_in_and_out_is_known_before), cmocka_unit_test(what_only_language_models_have_is_refused_by_name),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind), cmocka_unit_test(a_failed_file_operation_is_a_status)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
