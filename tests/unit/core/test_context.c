/* Contexts, messages, log lines and cancel tokens. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "torture.h"
#include "venturi/context.h"

static void *fail_elsewhere(void *arg) {
    (void)arg;
    (void)vt__fail(VT_ERR_IO, "elsewhere");
    return (void *)(uintptr_t)(strcmp(vt_error_message(), "elsewhere") == 0);
}

static void a_message_belongs_to_its_thread(void **state) {
    (void)state;
    pthread_t thread;
    void *right;
    assert_int_equal(vt__fail(VT_ERR_SHAPE, "here %d", 1), VT_ERR_SHAPE);
    assert_int_equal(pthread_create(&thread, NULL, fail_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(thread, &right), 0);
    assert_non_null(right);
    assert_string_equal(vt_error_message(), "here 1");
    assert_int_equal(vt__fail_within(VT_ERR_SHAPE, "outer"), VT_ERR_SHAPE);
    assert_string_equal(vt_error_message(), "outer: here 1");
}

static void a_long_message_ends_between_code_points(void **state) {
    (void)state;
    char text[2048];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = shift; i + 3 < sizeof text; i += 3) memcpy(text + i, "\xe2\x82\xac", 4);
        (void)vt__fail(VT_ERR_INVALID, "%s", text);
        size_t n = strlen(vt_error_message());
        assert_true(n < 512 && n > 500);
        assert_int_equal((n - shift) % 3, 0);
    }
}

static void every_status_has_its_name(void **state) {
    (void)state;
    static const struct {
        vt_status status;
        const char *name;
    } cases[] = {{VT_OK, "VT_OK"},
                 {VT_ERR_NOMEM, "VT_ERR_NOMEM"},
                 {VT_ERR_INVALID, "VT_ERR_INVALID"},
                 {VT_ERR_SHAPE, "VT_ERR_SHAPE"},
                 {VT_ERR_DTYPE, "VT_ERR_DTYPE"},
                 {VT_ERR_IO, "VT_ERR_IO"},
                 {VT_ERR_FORMAT, "VT_ERR_FORMAT"},
                 {VT_ERR_NOT_FOUND, "VT_ERR_NOT_FOUND"},
                 {VT_ERR_UNSUPPORTED, "VT_ERR_UNSUPPORTED"},
                 {VT_ERR_STATE, "VT_ERR_STATE"},
                 {VT_ERR_LIMIT, "VT_ERR_LIMIT"},
                 {VT_ERR_CANCELLED, "VT_ERR_CANCELLED"},
                 {VT_ERR_NUMERIC, "VT_ERR_NUMERIC"},
                 {VT_ERR_DEVICE, "VT_ERR_DEVICE"},
                 {VT_ERR_CONFLICT, "VT_ERR_CONFLICT"},
                 {VT_ERR_INTERNAL, "VT_ERR_INTERNAL"},
                 {1, "VT_ERR_?"},
                 {-16, "VT_ERR_?"},
                 {INT32_MIN, "VT_ERR_?"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_string_equal(vt_status_name(cases[i].status), cases[i].name);
    assert_int_equal(vt_abi_version(), 0);
    assert_true(strlen(vt_version()) >= 5);
    assert_true(strlen(vt_isa()) >= 3);
}

typedef struct lines {
    int n, level;
    char last[600];
} lines;

static void take_line(void *user, int32_t level, const char *line) {
    lines *l = user;
    l->n++;
    l->level = level;
    (void)snprintf(l->last, sizeof l->last, "%s", line);
}

static void the_log_is_silent_by_default_and_obeys_its_level(void **state) {
    (void)state;
    lines l = {0};
    vt_context *ctx;
    assert_int_equal(vt__context_create(&(vt__context_params){.n_threads = 1}, &ctx), VT_OK);
    vt__log(ctx, VT_LOG_ERROR, "to nobody");
    vt__context_release(ctx);
    assert_int_equal(vt__context_create(&(vt__context_params){.log = take_line, .log_user = &l, .n_threads = 1}, &ctx), VT_OK);
    vt__log(ctx, VT_LOG_INFO, "too talkative");
    assert_int_equal(l.n, 0);
    vt__log(ctx, VT_LOG_WARN, "line %d", 7);
    assert_int_equal(l.n, 1);
    assert_int_equal(l.level, VT_LOG_WARN);
    assert_string_equal(l.last, "line 7");
    vt__context_release(ctx);
}

static void two_contexts_do_not_know_each_other(void **state) {
    (void)state;
    torture ta = {0}, tb = {0};
    vt_context *a, *b;
    assert_int_equal(vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = &ta, .n_threads = 1}, &a), VT_OK);
    assert_int_equal(vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = &tb, .n_threads = 3, .memory_limit = 1 << 20}, &b), VT_OK);
    assert_int_equal(vt_context_threads(a), 1);
    assert_int_equal(vt_context_threads(b), 3);
    long before = tb.calls;
    vt_cancel *c;
    assert_int_equal(vt_cancel_create(a, &c), VT_OK);
    assert_int_equal(tb.calls, before);
    vt_context_release(a);
    assert_true(ta.live > 0); /* the token keeps its context */
    vt_cancel_release(c);
    assert_int_equal(ta.live, 0);
    assert_ptr_equal(vt_context_retain(b), b);
    vt_context_release(b);
    assert_true(tb.live > 0);
    vt_context_release(b);
    assert_int_equal(tb.live, 0);
}

static void a_token_is_raised_until_it_is_reset(void **state) {
    (void)state;
    vt_context *ctx;
    vt_cancel *c;
    assert_int_equal(vt_context_create(NULL, &ctx), VT_OK);
    assert_int_equal(vt_cancel_create(ctx, &c), VT_OK);
    assert_int_equal(vt_cancel_is_raised(c), 0);
    assert_int_equal(vt__cancel_poll(c, "work"), VT_OK);
    vt_cancel_raise(c);
    vt_cancel_raise(c);
    assert_int_equal(vt_cancel_is_raised(c), 1);
    assert_int_equal(vt__cancel_poll(c, "work"), VT_ERR_CANCELLED);
    assert_string_equal(vt_error_message(), "work: cancelled");
    vt_cancel_reset(c);
    assert_int_equal(vt_cancel_is_raised(c), 0);
    assert_int_equal(vt__cancel_poll(NULL, "work"), VT_OK);
    assert_int_equal(vt_cancel_is_raised(NULL), 0);
    vt_cancel_raise(NULL);
    vt_cancel_reset(NULL);
    vt_cancel_release(NULL);
    vt_cancel_release(c);
    assert_int_equal(vt_cancel_create(NULL, &c), VT_ERR_INVALID);
    assert_null(c);
    assert_int_equal(vt_cancel_create(ctx, NULL), VT_ERR_INVALID);
    vt_context_release(ctx);
}

static void a_token_survives_every_failed_allocation(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx;
    vt_cancel *c;
    assert_int_equal(vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = &t, .n_threads = 1}, &ctx), VT_OK);
    t.fail_at = t.calls + 1;
    assert_int_equal(vt_cancel_create(ctx, &c), VT_ERR_NOMEM);
    assert_null(c);
    assert_non_null(strstr(vt_error_message(), "out of memory"));
    assert_int_equal(vt_cancel_create(ctx, &c), VT_OK);
    vt_cancel_release(c);
    vt_context_release(ctx);
    assert_int_equal(t.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_belongs_to_its_thread),
        cmocka_unit_test(a_long_message_ends_between_code_points),
        cmocka_unit_test(every_status_has_its_name),
        cmocka_unit_test(the_log_is_silent_by_default_and_obeys_its_level),
        cmocka_unit_test(two_contexts_do_not_know_each_other),
        cmocka_unit_test(a_token_is_raised_until_it_is_reset),
        cmocka_unit_test(a_token_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
