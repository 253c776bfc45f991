/* The planner: pieces that live at the same time never share bytes, and no plan is below the bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/memory.h"
#include "core/rng.h"
#include "one_context.h"
#include "plan/arena.h"

enum { MOST = 64 };

static void expect_apart(const struct vt__span *spans, const size_t *offsets, int64_t n, size_t size) {
    for (int64_t i = 0; i < n; i++) {
        assert_true(offsets[i] + spans[i].size <= size || spans[i].size == 0);
        for (int64_t k = 0; k < i; k++) {
            int at_once = spans[i].first <= spans[k].last && spans[k].first <= spans[i].last;
            if (at_once && spans[i].size && spans[k].size) assert_true(offsets[i] + spans[i].size <= offsets[k] || offsets[k] + spans[k].size <= offsets[i]);
        }
    }
}

static void pieces_that_live_at_once_never_overlap(void **state) {
    (void)state;
    for (uint32_t round = 0; round < 200; round++) {
        struct vt__span spans[MOST];
        size_t offsets[MOST], size, least;
        uint32_t words[3 * MOST];
        vt__random_words(round, 0, 0, words, 3 * MOST);
        int64_t n = 1 + words[0] % MOST;
        for (int64_t i = 0; i < n; i++) {
            spans[i].first = words[3 * i] % 40;
            spans[i].last = spans[i].first + words[3 * i + 1] % 9;
            spans[i].size = words[3 * i + 2] % 50 * 16;
        }
        for (int order = 0; order < 2; order++) {
            assert_int_equal(vt__arena_place(ctx, spans, n, (enum vt__span_order)order, offsets, &size), VT_OK);
            expect_apart(spans, offsets, n, size);
        }
        assert_int_equal(vt__arena_plan(ctx, spans, n, offsets, &size, &least), VT_OK);
        expect_apart(spans, offsets, n, size);
        assert_true(size >= least);
    }
}

static void sizes_beyond_an_address_are_refused(void **state) {
    (void)state;
    struct vt__span spans[] = {{0, 1, (size_t)INT64_MAX}, {0, 1, 64}};
    size_t offsets[2], size, least;
    assert_int_equal(vt__arena_plan(ctx, spans, 2, offsets, &size, &least), VT_ERR_LIMIT);
}

static void nothing_needs_nothing(void **state) {
    (void)state;
    size_t size = 1, least = 1;
    assert_int_equal(vt__arena_plan(ctx, NULL, 0, NULL, &size, &least), VT_OK);
    assert_int_equal(size, 0);
    assert_int_equal(least, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_that_live_at_once_never_overlap), cmocka_unit_test(sizes_beyond_an_address_are_refused),
        cmocka_unit_test(nothing_needs_nothing)};
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
