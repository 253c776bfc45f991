#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/cancel.h"
#include "core/context.h"
#include "core/error.h"
#include "torture.h"
#include "venturi/context.h"

static vt_context *ctx;

static int setup(void **state) {
    (void)state;
    return vt__context_create(&(vt__context_params){0}, &ctx);
}

static int teardown(void **state) {
    (void)state;
    vt__context_release(ctx);
    return 0;
}

static void a_raised_token_stays_up_until_reset(void **state) {
    vt_cancel *c;
    (void)state;
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
    vt_cancel_release(c);
    assert_int_equal(vt_cancel_is_raised(NULL), 0);
    vt_cancel_raise(NULL);
    vt_cancel_reset(NULL);
    vt_cancel_release(NULL);
    assert_int_equal(vt_cancel_create(NULL, &c), VT_ERR_INVALID);
}

static void a_token_within_another_follows_it(void **state) {
    vt_cancel *outer, *inner;
    (void)state;
    assert_int_equal(vt__cancel_create(ctx, &outer), VT_OK);
    assert_int_equal(vt__cancel_create_within(ctx, outer, &inner), VT_OK);
    vt__cancel_raise(inner);
    assert_int_equal(vt__cancel_is_raised(outer), 0); /* but not the other way */
    vt__cancel_reset(inner);
    vt__cancel_raise(outer);
    vt__cancel_release(outer); /* kept alive by the inner one */
    assert_int_equal(vt__cancel_is_raised(inner), 1);
    vt__cancel_release(inner);
}

static void a_deadline_raises_it(void **state) {
    struct timespec t;
    vt_cancel *c;
    (void)state;
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &t), 0);
    int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    assert_int_equal(vt__cancel_create(ctx, &c), VT_OK);
    vt__cancel_set_deadline(c, now + INT64_C(3600000000000));
    assert_int_equal(vt__cancel_is_raised(c), 0);
    vt__cancel_set_deadline(c, now);
    assert_int_equal(vt__cancel_is_raised(c), 1);
    vt__cancel_set_deadline(c, INT64_MAX);
    assert_int_equal(vt__cancel_is_raised(c), 0);
    vt__cancel_release(c);
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    for (long k = 1;; k++) {
        torture t = {.fail_at = k};
        vt_context *c = NULL;
        vt_cancel *outer = NULL, *inner = NULL;
        vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = &t}, &c);
        if (st == VT_OK) st = vt__cancel_create(c, &outer);
        if (st == VT_OK) st = vt__cancel_create_within(c, outer, &inner);
        vt__cancel_release(inner);
        vt__cancel_release(outer);
        vt__context_release(c);
        assert_int_equal(t.live, 0);
        if (t.calls < k) {
            assert_int_equal(st, VT_OK);
            break;
        }
        assert_int_equal(st, VT_ERR_NOMEM);
    }
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_raised_token_stays_up_until_reset),
        cmocka_unit_test(a_token_within_another_follows_it),
        cmocka_unit_test(a_deadline_raises_it),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
