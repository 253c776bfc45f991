/* Large blocks that are kept for the next ones of their size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/memory.h"
#include "core/spare.h"
#include "torture.h"

enum { LARGE = 1 << 20 };

static vt_context *make(torture *t, uint64_t limit) {
    vt_context *ctx = NULL;
    vt__context_params p = {.alloc = torture_alloc, .alloc_user = t, .memory_limit = limit, .n_threads = 1};
    assert_int_equal(vt__context_create(&p, &ctx), VT_OK);
    return ctx;
}

static void a_block_serves_again_uncounted_in_between(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    void *stays = vt__spare_take(ctx, 1);
    uint64_t before = vt__context_memory(ctx);
    unsigned char *first = vt__spare_take(ctx, LARGE);
    assert_int_equal((uintptr_t)first % 64, 0);
    memset(first, 1, LARGE);
    uint64_t peak = vt__context_memory_peak(ctx);
    vt__spare_give(ctx, first);
    assert_int_equal(vt__context_memory(ctx), before);
    long calls = t.calls;
    for (int i = 0; i < 3; i++) {
        assert_ptr_equal(vt__spare_take(ctx, LARGE - 1000), first);
        assert_true(vt__context_memory(ctx) > before + LARGE);
        vt__spare_give(ctx, first);
    }
    assert_int_equal(t.calls, calls);
    assert_int_equal(vt__context_memory_peak(ctx), peak);
    void *half = vt__spare_take(ctx, LARGE / 2), *larger = vt__spare_take(ctx, LARGE + 100); /* neither fits */
    assert_ptr_not_equal(half, first);
    assert_ptr_not_equal(larger, first);
    vt__spare_give(ctx, half);
    vt__spare_give(ctx, larger);
    vt__spare_give(ctx, stays);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void nothing_is_kept_once_the_last_block_is_back(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    long live = t.live;
    void *a = vt__spare_take(ctx, LARGE), *b = vt__spare_take(ctx, LARGE);
    vt__spare_give(ctx, a);
    assert_true(t.live > live + 1);
    vt__spare_give(ctx, b);
    assert_int_equal(t.live, live);
    vt__spare_give(ctx, NULL);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void a_limit_gets_back_what_is_kept(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 3 * LARGE);
    void *stays = vt__spare_take(ctx, 1), *a = vt__spare_take(ctx, LARGE), *b = vt__spare_take(ctx, LARGE);
    vt__spare_give(ctx, a);
    vt__spare_give(ctx, b);
    void *large = vt__alloc(ctx, 2 * LARGE); /* only without them */
    assert_non_null(large);
    assert_int_equal(vt__spare_drop(ctx), 0);
    assert_null(vt__spare_take(ctx, LARGE));
    vt__free(ctx, large);
    vt__spare_give(ctx, stays);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void no_more_are_kept_than_there_are_places(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    void *stays = vt__spare_take(ctx, 1), *block[VT__SPARES + 10];
    long live = t.live;
    for (int i = 0; i < VT__SPARES + 10; i++) block[i] = vt__spare_take(ctx, 1 << 16);
    for (int i = 0; i < VT__SPARES + 10; i++) vt__spare_give(ctx, block[i]);
    assert_int_equal(t.live, live + VT__SPARES);
    long calls = t.calls;
    for (int i = 0; i < 100000; i++) vt__spare_give(ctx, vt__spare_take(ctx, 1 << 16)); /* by then the others have waited too long */
    assert_true(t.live < live + VT__SPARES);
    assert_true(t.calls < calls + 2 * VT__SPARES);
    vt__spare_give(ctx, stays);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_block_serves_again_uncounted_in_between),
        cmocka_unit_test(nothing_is_kept_once_the_last_block_is_back),
        cmocka_unit_test(a_limit_gets_back_what_is_kept),
        cmocka_unit_test(no_more_are_kept_than_there_are_places),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
