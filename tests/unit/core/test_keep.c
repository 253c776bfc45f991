/* Objects kept between calls: found again, few, gone with the context or before a limit is hit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/keep.h"
#include "core/memory.h"

static const char owner;
static int n_freed;

static void drop(vt_context *ctx, struct vt__kept *kept) {
    n_freed++;
    vt__free(ctx, kept);
}

static struct vt__kept *make(vt_context *ctx, int64_t key, size_t size, int32_t is_pinned) {
    struct vt__kept *kept = vt__calloc(ctx, sizeof *kept + size);
    assert_non_null(kept);
    *kept = (struct vt__kept){.owner = &owner, .key = {key, 7}, .free = drop, .is_pinned = is_pinned};
    return kept;
}

static vt_context *context(uint64_t limit) {
    vt_context *ctx = NULL;
    vt__context_params params = {.memory_limit = limit, .n_threads = 1};
    assert_int_equal(vt__context_create(&params, &ctx), VT_OK);
    n_freed = 0;
    return ctx;
}

static void what_is_kept_is_found_and_not_counted(void **state) {
    vt_context *ctx = context(0);
    uint64_t before = vt__context_memory(ctx);
    struct vt__kept *kept = make(ctx, 1, 1000, 0), *twin = make(ctx, 1, 1000, 0);
    (void)state;
    assert_ptr_equal(vt__keep_put(ctx, kept), kept);
    assert_ptr_equal(vt__keep_put(ctx, twin), kept); /* the first stays */
    assert_int_equal(n_freed, 1);
    assert_ptr_equal(vt__keep_find(ctx, &owner, 1, 7), kept);
    assert_null(vt__keep_find(ctx, &owner, 2, 7));
    assert_null(vt__keep_find(ctx, &n_freed, 1, 7));
    for (int i = 0; i < 3; i++) vt__keep_give(ctx, kept);
    assert_int_equal(vt__context_memory(ctx), before);
    vt__context_release(ctx);
    assert_int_equal(n_freed, 2);
}

static void few_are_kept_and_the_oldest_goes(void **state) {
    enum { N = 200 };
    vt_context *ctx = context(0);
    (void)state;
    struct vt__kept *held = vt__keep_put(ctx, make(ctx, -1, 0, 0));
    vt__keep_give(ctx, vt__keep_put(ctx, make(ctx, -2, 0, 1)));
    for (int64_t i = 0; i < N; i++) vt__keep_give(ctx, vt__keep_put(ctx, make(ctx, i, 0, 0)));
    assert_true(n_freed > 100 && n_freed < N);
    assert_null(vt__keep_find(ctx, &owner, 0, 7));
    struct vt__kept *last = vt__keep_find(ctx, &owner, N - 1, 7), *pinned = vt__keep_find(ctx, &owner, -2, 7);
    assert_non_null(last);
    assert_non_null(pinned);
    vt__keep_give(ctx, last);
    vt__keep_give(ctx, pinned);
    assert_int_equal(vt__keep_drop(ctx), 1);
    assert_int_equal(n_freed, N);
    vt__keep_give(ctx, held);
    vt__context_release(ctx);
    assert_int_equal(n_freed, N + 2);
}

static void a_limit_takes_what_nobody_uses(void **state) {
    enum { LIMIT = 1 << 20 };
    vt_context *ctx = context(LIMIT);
    (void)state;
    vt__keep_give(ctx, vt__keep_put(ctx, make(ctx, 1, LIMIT * 2 / 3, 0)));
    void *block = vt__alloc(ctx, LIMIT * 2 / 3);
    assert_non_null(block);
    assert_int_equal(n_freed, 1);
    vt__free(ctx, block);
    vt__context_release(ctx);
}

static void what_is_too_large_goes_when_given_back(void **state) {
    vt_context *ctx = context(0);
    (void)state;
    struct vt__kept *large = vt__keep_put(ctx, make(ctx, 1, (size_t)65 << 20, 0));
    assert_null(vt__keep_find(ctx, &owner, 1, 7));
    vt__keep_give(ctx, large);
    assert_int_equal(n_freed, 1);
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_kept_is_found_and_not_counted), cmocka_unit_test(few_are_kept_and_the_oldest_goes),
                                       cmocka_unit_test(a_limit_takes_what_nobody_uses), cmocka_unit_test(what_is_too_large_goes_when_given_back)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
