/* Saved graphs: the same bits after opening, damage found, every fault of memory and files survived. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/hash.h"
#include "core/memory.h"
#include "failing_io.h"
#include "file_folder.h"
#include "graph_cases.h"
#include "plan/file.h"
#include "torture_each.h"

static const char *path(void) { return in_folder("net.graph"); }

static vt_tensor *forward_only(net *m, vt_tensor *const *in) { return mlp_forward(m, in[0]); }

static vt_graph *capture(net *m, net_fn fn, vt_tensor **in) {
    vt_graph *graph = NULL;
    nets[0].params(m);
    make_inputs(m, 0, 0, in);
    set_round(m, 0);
    net_call call = {m, fn};
    if (m->st == VT_OK) m->st = vt_graph_capture(m->ctx, in, 2, net_capture_body, &call, &graph);
    return graph;
}

/* Saves a small graph, and gives back the file's bytes. */
static unsigned char *make_file(vt_context *ctx, net_fn fn, size_t *size) {
    net m = {.ctx = ctx};
    vt_tensor *in[2] = {0};
    vt_graph *graph = capture(&m, fn, in);
    assert_int_equal(m.st, VT_OK);
    assert_int_equal(vt_graph_save(graph, path(), 0), VT_OK);
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
    vt_graph_release(graph);
    net_free(&m);
    return read_file(path(), size);
}

static void every_flipped_byte_is_found(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_graph *graph;
    size_t size;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    unsigned char *data = make_file(ctx, forward_only, &size);
    assert_int_equal(vt__graph_parse(ctx, data, size, 0, &graph), VT_OK);
    vt__graph_release(graph);
    for (size_t i = 0; i < size; i += i < 256 ? 1 : 13) {
        data[i] ^= 0x10;
        vt_status st = vt__graph_parse(ctx, data, size, 0, &graph);
        if (st == VT_OK) { /* filling between the parts is nobody's */
            data[i] ^= 0x10;
            assert_int_equal(data[i], 0);
            vt__graph_release(graph);
            continue;
        }
        assert_true(st == VT_ERR_FORMAT || st == VT_ERR_UNSUPPORTED);
        data[i] ^= 0x10;
    }
    for (size_t n = 0; n < size; n += 1 + size / 200) assert_int_not_equal(vt__graph_parse(ctx, data, n, 0, &graph), VT_OK);
    free(data);
    vt_context_release(ctx);
}

static void seal(unsigned char *data) {
    uint64_t size = 0, hash;
    for (int i = 0; i < 8; i++) size |= (uint64_t)data[24 + i] << (8 * i);
    hash = vt__hash(data + VT__GRAPH_HEAD, (size_t)size);
    for (int i = 0; i < 8; i++) data[32 + i] = (unsigned char)(hash >> (8 * i));
    hash = vt__hash(data, 40);
    for (int i = 0; i < 8; i++) data[40 + i] = (unsigned char)(hash >> (8 * i));
}

/* A forger makes the sums right: what is opened all the same runs within its memory. */
static void a_forged_program_is_refused_or_runs(void **state) {
    (void)state;
    vt_context *ctx = NULL;
    vt_graph *graph;
    size_t size, n_program = 0;
    int64_t shapes[2][2] = {{9, 17}, {9}};
    vt_tensor *in[2] = {0};
    vt_context_options o = VT_STRUCT_INIT(vt_context_options);
    o.memory_limit = 1 << 26;
    assert_int_equal(vt_context_create(&o, &ctx), VT_OK);
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_F32, shapes[0], 2, 0, &in[0]), VT_OK);
    assert_int_equal(vt_tensor_create(ctx, VT_DTYPE_I64, shapes[1], 1, 0, &in[1]), VT_OK);
    unsigned char *data = make_file(ctx, mlp_step, &size);
    for (int i = 0; i < 8; i++) n_program |= (size_t)data[24 + i] << (8 * i);
    for (size_t i = VT__GRAPH_HEAD; i < VT__GRAPH_HEAD + n_program; i += 23) {
        unsigned char was = data[i];
        data[i] ^= (unsigned char)(1 << (i % 8));
        seal(data);
        if (vt__graph_parse(ctx, data, size, 0, &graph) == VT_OK) {
            (void)!vt_graph_run(graph, in, 2);
            vt__graph_release(graph);
        }
        data[i] = was;
    }
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
    free(data);
    vt_context_release(ctx);
}

static vt_status save_and_open(vt_context *ctx) {
    net m = {.ctx = ctx};
    vt_tensor *in[2] = {0};
    vt_graph *graph = capture(&m, mlp_step, in), *opened = NULL;
    vt_status st = m.st;
    if (st == VT_OK) st = vt_graph_save(graph, path(), VT_GRAPH_SAVE_F16);
    if (st == VT_OK) st = vt_graph_open(ctx, path(), 0, &opened);
    if (st == VT_OK) st = vt_graph_run(opened, in, 2);
    for (int i = 0; i < 2; i++) vt_tensor_release(in[i]);
    vt_graph_release(graph);
    vt_graph_release(opened);
    net_free(&m);
    return st;
}

static void a_failed_allocation_leaves_nothing_behind(void **state) {
    (void)state;
    torture_each(save_and_open);
}

static void a_failed_file_operation_is_a_status(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            vt_context *ctx = NULL;
            failing_io io;
            failing_io_init(&io);
            assert_int_equal(folder_remove(NULL), 0); /* what cannot be taken away is left there */
            assert_int_equal(folder_make(NULL), 0);
            io.fail_at = k;
            io.sticky = sticky;
            assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
            vt__context_set_io(ctx, &io.table);
            vt_status st = save_and_open(ctx);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_flipped_byte_is_found), cmocka_unit_test(a_forged_program_is_refused_or_runs),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind), cmocka_unit_test(a_failed_file_operation_is_a_status)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
