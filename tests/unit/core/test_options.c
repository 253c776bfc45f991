/* Options and results that travel between releases: size decides what is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "core/options.h"
#include "venturi/context.h"

/* Three releases of one struct. */
typedef struct first {
    uint32_t struct_size, flags;
} first;
typedef struct now {
    uint32_t struct_size, flags;
    int64_t a;
} now;
typedef struct later {
    uint32_t struct_size, flags;
    int64_t a, b;
} later;

static void null_means_defaults(void **state) {
    (void)state;
    now o;
    memset(&o, 0xff, sizeof o);
    assert_int_equal(vt__options_read("x", &o, sizeof o, sizeof(first), NULL), VT_OK);
    assert_int_equal(o.struct_size, sizeof o);
    assert_int_equal(o.flags, 0);
    assert_int_equal(o.a, 0);
}

static void an_older_caller_gets_defaults_for_what_it_does_not_know(void **state) {
    (void)state;
    struct {
        first o;
        int64_t garbage;
    } caller = {{sizeof(first), 7}, -1};
    now o;
    assert_int_equal(vt__options_read("x", &o, sizeof o, sizeof(first), &caller), VT_OK);
    assert_int_equal(o.flags, 7);
    assert_int_equal(o.a, 0);
    assert_int_equal(o.struct_size, sizeof o);
}

static void a_newer_caller_is_served_unless_it_asks_for_more(void **state) {
    (void)state;
    later caller = {sizeof caller, 1, 2, 0};
    now o;
    assert_int_equal(vt__options_read("x", &o, sizeof o, sizeof(first), &caller), VT_OK);
    assert_int_equal(o.a, 2);
    for (size_t i = 0; i < sizeof caller.b; i++) {
        caller.b = (int64_t)((uint64_t)1 << (8 * i));
        assert_int_equal(vt__options_read("x", &o, sizeof o, sizeof(first), &caller), VT_ERR_UNSUPPORTED);
    }
    char want[64];
    (void)snprintf(want, sizeof want, "byte %zu", offsetof(later, b) + 7);
    assert_non_null(strstr(vt__error_message(), want));
}

static void impossible_sizes_are_refused(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0, 1, 7, 4097, UINT32_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        later caller = {sizes[i], 0, 0, 0};
        now o;
        assert_int_equal(vt__options_read("thing", &o, sizeof o, sizeof(first), &caller), VT_ERR_INVALID);
        assert_non_null(strstr(vt__error_message(), "thing"));
        assert_int_equal(vt__result_write("thing", &caller, &o, sizeof o, sizeof(first)), VT_ERR_INVALID);
    }
}

static void a_result_fills_what_the_caller_knows_and_no_byte_more(void **state) {
    (void)state;
    const now result = {sizeof result, 3, 4};
    struct {
        first o;
        int64_t guard;
    } older = {{sizeof(first), 0}, -1};
    assert_int_equal(vt__result_write("x", &older, &result, sizeof result, sizeof(first)), VT_OK);
    assert_int_equal(older.o.struct_size, sizeof(first));
    assert_int_equal(older.o.flags, 3);
    assert_int_equal(older.guard, -1);
    later newer = {sizeof newer, 0, 0, -1};
    assert_int_equal(vt__result_write("x", &newer, &result, sizeof result, sizeof(first)), VT_OK);
    assert_int_equal(newer.struct_size, sizeof newer);
    assert_int_equal(newer.a, 4);
    assert_int_equal(newer.b, 0);
}

/* The same through a public call. */
static void a_context_checks_its_options(void **state) {
    (void)state;
    static const struct {
        const char *name;
        vt_context_options o;
        vt_status want;
    } cases[] = {
        {"defaults", {.struct_size = sizeof(vt_context_options)}, VT_OK},
        {"no size", {.struct_size = 0}, VT_ERR_INVALID},
        {"unknown flag", {.struct_size = sizeof(vt_context_options), .flags = 1}, VT_ERR_INVALID},
        {"too many threads", {.struct_size = sizeof(vt_context_options), .n_threads = 257}, VT_ERR_INVALID},
        {"negative threads", {.struct_size = sizeof(vt_context_options), .n_threads = -1}, VT_ERR_INVALID},
        {"unknown log level", {.struct_size = sizeof(vt_context_options), .log_level = 5}, VT_ERR_INVALID},
        {"limit below the context itself", {.struct_size = sizeof(vt_context_options), .memory_limit = 10}, VT_ERR_NOMEM},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_context *ctx = (vt_context *)(uintptr_t)1;
        vt_status st = vt_context_create(&cases[i].o, &ctx);
        if (st != cases[i].want) fail_msg("%s: %s", cases[i].name, vt_status_name(st));
        if (st == VT_OK) {
            assert_true(vt_context_threads(ctx) >= 1);
            vt_context_release(ctx);
        } else {
            assert_null(ctx);
            assert_true(strlen(vt_error_message()) > 0);
        }
    }
    assert_int_equal(vt_context_create(NULL, NULL), VT_ERR_INVALID);
    vt_context_release(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(null_means_defaults),
        cmocka_unit_test(an_older_caller_gets_defaults_for_what_it_does_not_know),
        cmocka_unit_test(a_newer_caller_is_served_unless_it_asks_for_more),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(a_result_fills_what_the_caller_knows_and_no_byte_more),
        cmocka_unit_test(a_context_checks_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
