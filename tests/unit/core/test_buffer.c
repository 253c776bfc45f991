/* Bytes handed out, and the string they grow in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/memory.h"
#include "torture.h"
#include "venturi/context.h"

static vt_context *make(torture *t) {
    vt_context *ctx = NULL;
    assert_int_equal(vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = t, .n_threads = 1}, &ctx), VT_OK);
    return ctx;
}

static void a_buffer_keeps_its_bytes_and_a_nul_behind(void **state) {
    (void)state;
    static const struct {
        const char *data;
        size_t size;
    } cases[] = {{"", 0}, {NULL, 0}, {"a", 1}, {"a\0b", 3}};
    torture t = {0};
    vt_context *ctx = make(&t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        vt_buffer *b;
        assert_int_equal(vt__buffer_copy(ctx, cases[i].data, cases[i].size, &b), VT_OK);
        const char *data = vt_buffer_data(b);
        assert_non_null(data);
        assert_int_equal(vt_buffer_size(b), cases[i].size);
        if (cases[i].size) assert_memory_equal(data, cases[i].data, cases[i].size);
        assert_int_equal(data[cases[i].size], 0);
        assert_ptr_equal(vt_buffer_retain(b), b);
        vt_buffer_release(b);
        assert_int_equal(vt_buffer_size(b), cases[i].size);
        vt_buffer_release(b);
    }
    vt_buffer_release(NULL);
    assert_null(vt_buffer_retain(NULL));
    assert_null(vt_buffer_data(NULL));
    assert_int_equal(vt_buffer_size(NULL), 0);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void a_buffer_outlives_its_context_handle(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t);
    vt_buffer *b;
    assert_int_equal(vt__buffer_copy(ctx, "kept", 4, &b), VT_OK);
    vt__context_release(ctx);
    assert_string_equal(vt_buffer_data(b), "kept");
    vt_buffer_release(b);
    assert_int_equal(t.live, 0);
}

static vt_status grow(vt_context *ctx, vt_buffer **out) {
    vt__bytes b;
    vt__bytes_init(&b, ctx);
    for (int i = 0; i < 1000; i++) {
        vt__bytes_append(&b, "0123456789", (size_t)(i % 11));
        vt__bytes_append_byte(&b, '\n');
    }
    return vt__bytes_finish(&b, "grow", out);
}

static void growing_bytes_arrive_in_order(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t);
    vt_buffer *b;
    assert_int_equal(grow(ctx, &b), VT_OK);
    const char *p = vt_buffer_data(b), *end = p + vt_buffer_size(b);
    for (int i = 0; i < 1000; i++) {
        assert_memory_equal(p, "0123456789", (size_t)(i % 11));
        p += i % 11;
        assert_int_equal(*p++, '\n');
    }
    assert_ptr_equal(p, end);
    vt_buffer_release(b);
    vt__bytes empty;
    vt__bytes_init(&empty, ctx);
    assert_int_equal(vt__bytes_finish(&empty, "empty", &b), VT_OK);
    assert_string_equal(vt_buffer_data(b), "");
    vt_buffer_release(b);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

static void building_survives_every_failed_allocation(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.sticky = sticky};
            vt_context *ctx = make(&t);
            vt_buffer *b = (vt_buffer *)(void *)ctx;
            t.fail_at = t.calls + k;
            vt_status st = grow(ctx, &b);
            int through = t.calls < t.fail_at;
            if (through) {
                assert_int_equal(st, VT_OK);
            } else {
                assert_int_equal(st, VT_ERR_NOMEM);
                assert_null(b);
            }
            vt_buffer_release(b);
            vt__context_release(ctx);
            assert_int_equal(t.live, 0);
            if (through) break;
        }
}

static void an_impossible_append_is_remembered(void **state) {
    (void)state;
    torture t = {0};
    vt_context *ctx = make(&t);
    vt_buffer *out;
    vt__bytes b;
    vt__bytes_init(&b, ctx);
    vt__bytes_append(&b, "x", 1);
    vt__bytes_append(&b, "x", SIZE_MAX);
    vt__bytes_append(&b, "y", 1);
    assert_int_equal(b.failed, 1);
    assert_int_equal(vt__bytes_finish(&b, "big", &out), VT_ERR_NOMEM);
    assert_null(out);
    assert_int_equal(b.failed, 0); /* empty again */
    assert_int_equal(vt__buffer_copy(ctx, "x", SIZE_MAX, &out), VT_ERR_NOMEM);
    vt__bytes_free(&b);
    vt__context_release(ctx);
    assert_int_equal(t.live, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_keeps_its_bytes_and_a_nul_behind),
        cmocka_unit_test(a_buffer_outlives_its_context_handle),
        cmocka_unit_test(growing_bytes_arrive_in_order),
        cmocka_unit_test(building_survives_every_failed_allocation),
        cmocka_unit_test(an_impossible_append_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
