/* Accounting, alignment and overflow of the allocator behind every handle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/memory.h"
#include "torture.h"

static vt_context *make(torture *t, uint64_t limit) {
    vt_context *ctx = NULL;
    vt__context_params p = {.alloc = torture_alloc, .alloc_user = t, .memory_limit = limit, .n_threads = 1};
    assert_int_equal(vt__context_create(&p, &ctx), VT_OK);
    return ctx;
}

static void blocks_are_aligned_and_zeroed_as_promised(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    for (size_t n = 0; n < 300; n += 7) {
        unsigned char *a = vt__alloc(ctx, n), *b = vt__calloc(ctx, n), *c = vt__alloc64(ctx, n);
        assert_non_null(a);
        assert_non_null(b);
        assert_non_null(c);
        assert_int_equal((uintptr_t)a % 16, 0);
        assert_int_equal((uintptr_t)c % 64, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(b[i], 0);
        memset(a, 0xaa, n);
        memset(b, 0xbb, n);
        memset(c, 0xcc, n);
        vt__free(ctx, b);
        vt__free(ctx, c);
        vt__free(ctx, a);
    }
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void accounting_returns_to_where_it_began(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    uint64_t before = vt__context_memory(ctx);
    void *blocks[64];
    for (int i = 0; i < 64; i++) blocks[i] = i % 2 ? vt__alloc64(ctx, (size_t)i * 100) : vt__alloc(ctx, (size_t)i * 100);
    uint64_t during = vt__context_memory(ctx);
    assert_true(during >= before + 100 * 63 * 64 / 2);
    for (int i = 0; i < 64; i++) vt__free(ctx, blocks[i]);
    vt__free(ctx, NULL);
    assert_int_equal(vt__context_memory(ctx), before);
    assert_int_equal(vt__context_memory_peak(ctx), during);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void growing_keeps_contents_and_failure_keeps_the_block(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    unsigned char *p = vt__realloc(ctx, NULL, 10);
    memcpy(p, "0123456789", 10);
    p = vt__realloc(ctx, p, 100000);
    assert_memory_equal(p, "0123456789", 10);
    uint64_t before = vt__context_memory(ctx);
    t.fail_at = t.calls + 1;
    assert_null(vt__realloc(ctx, p, 200000));
    assert_memory_equal(p, "0123456789", 10);
    assert_int_equal(vt__context_memory(ctx), before);
    p = vt__realloc(ctx, p, 5);
    assert_memory_equal(p, "01234", 5);
    assert_null(vt__realloc(ctx, p, SIZE_MAX));
    /* Wherever the allocator puts it: a block for kernels would lose its alignment. */
    void *aligned[40];
    for (int i = 0; i < 40; i++) {
        aligned[i] = vt__alloc64(ctx, (size_t)i * 16);
        assert_null(vt__realloc(ctx, aligned[i], 1000));
    }
    for (int i = 0; i < 40; i++) vt__free(ctx, aligned[i]);
    vt__free(ctx, p);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void products_that_overflow_ask_for_nothing(void **state) {
    (void)state;
    static const struct {
        int64_t n, m;
        size_t elem;
    } cases[] = {
        {-1, 1, 1}, {1, -1, 1}, {INT64_MIN, 1, 1}, {INT64_MAX, INT64_MAX, 1}, {INT64_MAX, 2, 8}, {1, 1, SIZE_MAX}, {(int64_t)1 << 32, (int64_t)1 << 32, 1},
    };
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    long calls = t.calls;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_null(vt__calloc2(ctx, cases[i].n, cases[i].m, cases[i].elem));
        assert_null(vt__alloc64_2(ctx, cases[i].n, cases[i].m, cases[i].elem));
    }
    assert_null(vt__alloc(ctx, SIZE_MAX));
    assert_null(vt__alloc64(ctx, SIZE_MAX - 20));
    assert_int_equal(t.calls, calls);
    void *none = vt__calloc2(ctx, 0, 5, 8);
    assert_non_null(none);
    vt__free(ctx, none);
    vt__context_release(ctx);
}

static void the_limit_holds_and_lets_go(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 100000);
    assert_null(vt__alloc(ctx, 100001));
    void *a = vt__alloc(ctx, 60000);
    assert_non_null(a);
    assert_null(vt__alloc(ctx, 60000));
    /* Growing counts the new size in place of the old one, not on top of it. */
    void *b = vt__realloc(ctx, a, 90000);
    assert_non_null(b);
    assert_null(vt__realloc(ctx, b, 200000));
    vt__free(ctx, b);
    a = vt__alloc(ctx, 60000);
    assert_non_null(a);
    vt__free(ctx, a);
    assert_true(vt__context_memory_peak(ctx) <= 100000);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void reserve_grows_by_half_and_changes_nothing_on_failure(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 0);
    int32_t *items = NULL;
    int64_t cap = 0;
    for (int32_t i = 0; i < 10000; i++) {
        assert_int_equal(vt__reserve(ctx, (void **)&items, &cap, i + 1, sizeof *items), 0);
        items[i] = i;
    }
    for (int32_t i = 0; i < 10000; i++) assert_int_equal(items[i], i);
    assert_true(t.calls < 40); /* about log(10000 / 8) / log(1.5) */
    int64_t cap_before = cap;
    int32_t *before = items;
    t.fail_at = t.calls + 1;
    assert_int_equal(vt__reserve(ctx, (void **)&items, &cap, cap + 1, sizeof *items), 1);
    assert_int_equal(vt__reserve(ctx, (void **)&items, &cap, INT64_MAX, sizeof *items), 1);
    assert_ptr_equal(items, before);
    assert_int_equal(cap, cap_before);
    vt__free(ctx, items);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void scratch_is_kept_uncounted_until_a_limit_needs_it(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t, 1 << 20);
    uint64_t before = vt__context_memory(ctx);
    unsigned char *first = vt__scratch_take(ctx, 600000), *second = vt__scratch_take(ctx, 1000);
    assert_int_equal((uintptr_t)first % 64, 0);
    assert_true(vt__context_memory(ctx) >= before + 601000);
    vt__scratch_give(ctx, second);
    vt__scratch_give(ctx, first);
    assert_int_equal(vt__context_memory(ctx), before);
    long calls = t.calls;
    unsigned char *again = vt__scratch_take(ctx, 500000);
    assert_ptr_equal(again, first);
    assert_int_equal(t.calls, calls);
    vt__scratch_give(ctx, again);
    void *large = vt__alloc(ctx, 700000); /* only without what is kept */
    assert_non_null(large);
    assert_null(vt__scratch_take(ctx, 600000));
    vt__scratch_give(ctx, NULL);
    vt__free(ctx, large);
    assert_int_equal(vt__scratch_drop(ctx), 0);
    vt__scratch_give(ctx, vt__scratch_take(ctx, 10));
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_aligned_and_zeroed_as_promised),
        cmocka_unit_test(accounting_returns_to_where_it_began),
        cmocka_unit_test(growing_keeps_contents_and_failure_keeps_the_block),
        cmocka_unit_test(products_that_overflow_ask_for_nothing),
        cmocka_unit_test(the_limit_holds_and_lets_go),
        cmocka_unit_test(scratch_is_kept_uncounted_until_a_limit_needs_it),
        cmocka_unit_test(reserve_grows_by_half_and_changes_nothing_on_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
