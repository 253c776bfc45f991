/* A script's limits hold for its tensors: the memory of their numbers and of the tape, and the time inside of one operation. */
#include <pthread.h>

#include "script_host.h"

enum { LIMIT = 8 << 20 };

static void expect(script_host *h, const char *text, vt_status want, const char *message) {
    vt_status st = host_load(h, text);
    if (st != want || (want != VT_OK && !strstr(vt_error_message(), message)))
        fail_msg("%s: %s: %s", text, vt_status_name(st), st == VT_OK ? "" : vt_error_message());
}

static void open_limited(script_host *h) {
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    opt.memory_limit = LIMIT;
    host_open(h, opt);
    assert_int_equal(host_load(h, "vt = require 'venturi'"), VT_OK);
}

static void tensors_that_are_hoarded_meet_the_memory_limit(void **state) {
    static const char *const greedy[] = {
        "local t = {} while true do t[#t + 1] = vt.zeros(1000, 100) end",
        "local t = {} while true do t[#t + 1] = vt.zeros(1) end",
        "local x = vt.zeros(1) local t = {} while true do t[#t + 1] = x[{ {} }] end",
        "local x = vt.zeros(100000) while true do x = vt.op.cat(x, x) end",
        "vt.zeros(1 << 30)",
        "vt.ones(1):expand(1 << 30):copy()",
        "local x = vt.tensor({ 1 }, { requires_grad = true }) local y = x while true do y = y + 1 end", /* the tape's nodes */
        "local x = vt.zeros(100000, { requires_grad = true }) local y = x while true do y = y:exp() end",
        "local x = vt.zeros(100000, { requires_grad = true }) local g = x:exp():sum() while true do x:hook(function() return nil end) g = g + g end",
        "coroutine.wrap(function() local t = {} while true do t[#t + 1] = vt.zeros(1000, 100) end end)()",
    };
    script_host h;
    (void)state;
    open_limited(&h);
    uint64_t base = vt_context_memory(h.ctx) - vt_script_memory(h.script);
    for (size_t i = 0; i < sizeof greedy / sizeof *greedy; i++) {
        expect(&h, greedy[i], VT_ERR_NOMEM, "memory");
        assert_true(vt_script_memory(h.script) <= LIMIT);
        assert_true(vt_context_memory_peak(h.ctx) <= base + LIMIT + LIMIT / 2); /* headers of blocks are not counted */
    }
    expect(&h, "local ok, e = pcall(vt.zeros, 1 << 40) assert(not ok and e.name == 'VT_ERR_NOMEM', tostring(e))", VT_OK, "");
    expect(&h, "vt.zeros(1 << 22)", VT_ERR_NOMEM, "tensor: 16777216 bytes more would be over the memory limit");
    host_close(&h);
}

static void dropped_tensors_make_room(void **state) {
    static const char *const modest[] = {
        "for i = 1, 2000 do local t = vt.zeros(1000, 100) end",
        "local x = vt.zeros(500, 1000) for i = 1, 100 do x = x + 1 end",
        "local x = vt.zeros(1000, 1000) x = nil for i = 1, 20 do x = vt.zeros(1500, 800) x = nil end",
        "local w = vt.zeros(200, 200, { requires_grad = true }) for i = 1, 100 do local l = (w:matmul(w) - 1):square():mean() l:backward() "
        "vt.no_grad(function() w:sub_(w.grad) end) w.grad = nil end",
        "coroutine.wrap(function() for i = 1, 200 do local t = vt.zeros(1000, 1000) end end)()",
    };
    script_host h;
    (void)state;
    open_limited(&h);
    for (size_t i = 0; i < sizeof modest / sizeof *modest; i++) expect(&h, modest[i], VT_OK, "");
    assert_true(vt_script_memory(h.script) <= LIMIT);
    host_close(&h);
}

/* What a host computes on the same thread is its own: between calls, and in what a script calls back. */
static int32_t make_tensor(void *user, double fraction, const char *message) {
    vt_tensor **out = user;
    (void)fraction, (void)message;
    return vt_tensor_create((vt_context *)(void *)out[1], VT_DTYPE_F32, (const int64_t[]){LIMIT}, 1, VT_DEVICE_CPU, out) != VT_OK;
}

static void a_hosts_tensors_are_not_counted(void **state) {
    script_host h = {0};
    vt_tensor *made[2] = {0}, *own = NULL;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    assert_int_equal(vt_context_create(NULL, &h.ctx), VT_OK);
    made[1] = (vt_tensor *)(void *)h.ctx;
    opt.memory_limit = LIMIT;
    opt.print = make_tensor;
    opt.print_user = made;
    assert_int_equal(vt_script_create(h.ctx, &opt, &h.script), VT_OK);
    expect(&h, "vt = require 'venturi' x = vt.zeros(10) print('now')", VT_OK, "");
    assert_non_null(made[0]);
    assert_int_equal(vt_tensor_create(h.ctx, VT_DTYPE_F32, (const int64_t[]){LIMIT}, 1, VT_DEVICE_CPU, &own), VT_OK);
    assert_true(vt_script_memory(h.script) < LIMIT);
    vt_script_release(h.script);
    vt_tensor_release(made[0]), vt_tensor_release(own);
    vt_context_release(h.ctx);
}

static void *raise_soon(void *token) {
    (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    vt_cancel_raise(token);
    return NULL;
}

static void an_operation_of_a_script_is_cancelled(void **state) {
    script_host h = {0};
    pthread_t thread;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    assert_int_equal(vt_context_create(NULL, &h.ctx), VT_OK);
    assert_int_equal(vt_cancel_create(h.ctx, &opt.cancel), VT_OK);
    opt.memory_limit = 1 << 30;
    assert_int_equal(vt_script_create(h.ctx, &opt, &h.script), VT_OK);
    expect(&h, "x = require 'venturi'.zeros(4096, 4096)", VT_OK, "");
    assert_int_equal(pthread_create(&thread, NULL, raise_soon, opt.cancel), 0);
    double begin = host_seconds();
    expect(&h, "while true do x:matmul(x) end", VT_ERR_CANCELLED, "cancelled");
    assert_true(host_seconds() - begin < 30.0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    vt_cancel_reset(opt.cancel);
    expect(&h, "assert((x + 1)[{ 1, 1 }]:item() == 1)", VT_OK, "");
    vt_cancel_release(opt.cancel);
    host_close(&h);
}

static void a_time_limit_ends_an_operation(void **state) {
    script_host h;
    vt_script_options opt = VT_STRUCT_INIT(vt_script_options);
    (void)state;
    opt.time_limit_ms = 300;
    host_open(&h, opt);
    expect(&h, "x = require 'venturi'.zeros(1, 4, 1024, 32)", VT_OK, "");
    double begin = host_seconds();
    expect(&h, "while true do x:attention(x, x) end", VT_ERR_LIMIT, "limit"); /* between two operations or inside of one */
    assert_true(host_seconds() - begin < 30.0); /* it ends at all */
    host_close(&h);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(tensors_that_are_hoarded_meet_the_memory_limit), cmocka_unit_test(dropped_tensors_make_room),
        cmocka_unit_test(a_hosts_tensors_are_not_counted), cmocka_unit_test(an_operation_of_a_script_is_cancelled), cmocka_unit_test(a_time_limit_ends_an_operation)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
