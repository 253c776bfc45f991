/* The table of byte strings, and the sort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/context.h"
#include "core/hash.h"
#include "core/memory.h"
#include "core/sort.h"
#include "torture.h"

static vt_context *make(torture *t) {
    vt_context *ctx;
    assert_int_equal(vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t, .n_threads = 1}, &ctx), VT_OK);
    return ctx;
}

static void entries_are_found_and_numbered_in_order(void **state) {
    torture t = {0};
    vt_context *ctx = make(&t);
    vt__map m;
    char key[32];
    (void)state;
    vt__map_init(&m, ctx);
    assert_int_equal(vt__map_find(&m, "x", 1), -1);
    for (int i = 0; i < 10000; i++) {
        int n = snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(vt__map_add(&m, key, (size_t)n, i * 3), i);
    }
    for (int i = 0; i < 10000; i++) {
        size_t len;
        int n = snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(vt__map_get(&m, key, (size_t)n, -1), i * 3);
        assert_int_equal(vt__map_add(&m, key, (size_t)n, 7), i);
        assert_string_equal(vt__map_key(&m, i, &len), key);
        assert_int_equal(len, n);
    }
    assert_int_equal(m.count, 10000);
    assert_int_equal(vt__map_get(&m, "key 10000", 9, -5), -5);
    vt__map_free(&m);
    vt__map_free(&m);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void keys_are_any_bytes(void **state) {
    torture t = {0};
    vt_context *ctx = make(&t);
    vt__map m;
    (void)state;
    vt__map_init(&m, ctx);
    assert_int_equal(vt__map_add(&m, "", 0, 1), 0);
    assert_int_equal(vt__map_add(&m, "\0", 1, 2), 1);
    assert_int_equal(vt__map_add(&m, "\0\0", 2, 3), 2);
    assert_int_equal(vt__map_get(&m, NULL, 0, -1), 1);
    assert_int_equal(vt__map_get(&m, "\0\0", 1, -1), 2);
    vt__map_free(&m);
    vt__context_release(ctx);
}

static void an_add_that_fails_changes_nothing(void **state) {
    (void)state;
    for (long k = 1;; k++) {
        torture t = {0};
        vt_context *ctx = make(&t);
        vt__map m;
        int failures = 0;
        vt__map_init(&m, ctx);
        t.calls = 0;
        t.fail_at = k;
        for (int i = 0; i < 100; i++) {
            int64_t before = m.count;
            if (vt__map_add(&m, &i, sizeof i, i) >= 0) continue;
            failures++;
            assert_int_equal(m.count, before);
            assert_int_equal(vt__map_add(&m, &i, sizeof i, i), i); /* memory is back */
        }
        for (int i = 0; i < 100; i++) assert_int_equal(vt__map_get(&m, &i, sizeof i, -1), i);
        long calls = t.calls;
        vt__map_free(&m);
        vt__context_release(ctx);
        assert_int_equal(t.live, 0);
        if (calls < k) break;
        assert_int_equal(failures, 1);
    }
}

static int key_before(const void *user, int64_t a, int64_t b) {
    const int *keys = user;
    return keys[a] < keys[b];
}

static void sort_orders_and_is_stable(void **state) {
    enum { MOST = 1000 };
    static int keys[MOST];
    int64_t items[MOST];
    torture t = {0};
    vt_context *ctx = make(&t);
    (void)state;
    for (int64_t n = 0; n < MOST; n = n < 40 ? n + 1 : n * 2 + 1)
        for (int range = 1; range <= 1000; range *= 10) {
            for (int64_t i = 0; i < n; i++) {
                keys[i] = (int)((uint64_t)(i + 1) * 2654435761u % 4294967296u) % range;
                items[i] = i;
            }
            assert_int_equal(vt__sort(ctx, items, n, key_before, keys), 0);
            for (int64_t i = 1; i < n; i++)
                assert_true(keys[items[i - 1]] < keys[items[i]] || (keys[items[i - 1]] == keys[items[i]] && items[i - 1] < items[i]));
        }
    t.calls = 0;
    t.fail_at = 1;
    items[0] = 5;
    items[1] = 3;
    assert_int_equal(vt__sort(ctx, items, 2, key_before, keys), 1);
    assert_int_equal(items[0], 5);
    vt__context_release(ctx);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_and_numbered_in_order),
        cmocka_unit_test(keys_are_any_bytes),
        cmocka_unit_test(an_add_that_fails_changes_nothing),
        cmocka_unit_test(sort_orders_and_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
