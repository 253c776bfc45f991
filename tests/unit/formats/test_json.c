#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "torture.h"
#include "venturi/format.h"

#define BYTES(s) s, sizeof(s) - 1

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

/* text -> MessagePack -> text; NULL with the status when either way fails. */
static const char *round_trip(vt_context *c, const char *text, size_t len, uint32_t flags, vt_status *st) {
    static char result[4096];
    vt_buffer *packed = NULL, *json = NULL;
    *st = vt_json_to_msgpack(c, text, len, &packed);
    if (*st == VT_OK) *st = vt_json_from_msgpack(c, vt__buffer_data(packed), vt__buffer_size(packed), flags, &json);
    if (*st == VT_OK) (void)snprintf(result, sizeof result, "%s", (const char *)vt__buffer_data(json));
    if (*st != VT_OK) assert_null(json);
    vt__buffer_release(json);
    vt__buffer_release(packed);
    return *st == VT_OK ? result : NULL;
}

static const struct { const char *text, *want; } same[] = {
    {"null", "null"},
    {" [ 1 , true,false , null ] ", "[1,true,false,null]"},
    {"{\"z\":1,\"a\":{\"b\":[]},\"m\":{}}", "{\"z\":1,\"a\":{\"b\":[]},\"m\":{}}"}, /* order kept */
    {"9223372036854775807", "9223372036854775807"},
    {"-9223372036854775808", "-9223372036854775808"},
    {"-0", "0"},
    {"1.0", "1.0"},
    {"-0.0", "-0.0"},
    {"0.1", "0.1"},
    {"1e3", "1000.0"},
    {"1e100", "1e+100"},
    {"5e-324", "4.94065645841247e-324"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"0.30000000000000004", "0.30000000000000004"},
    {"\"\"", "\"\""},
    {"\"\\u0041\\n\\t\\\"\\\\\\/\\u001f\\u0000\"", "\"A\\n\\t\\\"\\\\/\\u001f\\u0000\""},
    {"\"\\ud83d\\ude00 \\u20ac\"", "\"\xF0\x9F\x98\x80 \xE2\x82\xAC\""},
    {"\"\x7F\"", "\"\x7F\""},
};

static void values_come_back_as_they_were(void **state) {
    vt_status st;
    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        const char *got = round_trip(ctx, same[i].text, strlen(same[i].text), 0, &st);
        if (!got) fail_msg("%s: %s", same[i].text, vt__error_message());
        assert_string_equal(got, same[i].want);
    }
    assert_string_equal(round_trip(ctx, BYTES("{\"a\":[1,[],{}],\"b\":{\"c\":2}}"), VT_JSON_INDENT, &st),
                        "{\n  \"a\": [\n    1,\n    [],\n    {}\n  ],\n  \"b\": {\n    \"c\": 2\n  }\n}");
}

static const struct { const char *text; size_t len; vt_status want; const char *message; } wrong[] = {
    {BYTES(""), VT_ERR_FORMAT, "line 1"},
    {BYTES("[1,\n2,,3]"), VT_ERR_FORMAT, "line 2, column 3"},
    {BYTES("{\"a\":1,\"a\":2}"), VT_ERR_FORMAT, "duplicate"},
    {BYTES("{a:1}"), VT_ERR_FORMAT, ""},
    {BYTES("[1] x"), VT_ERR_FORMAT, ""},
    {BYTES("[1"), VT_ERR_FORMAT, ""},
    {BYTES("\"\xFF\""), VT_ERR_FORMAT, ""},
    {BYTES("\"\xED\xA0\x80\""), VT_ERR_FORMAT, ""},
    {BYTES("\"\\ud800\""), VT_ERR_FORMAT, ""},
    {BYTES("\"a\nb\""), VT_ERR_FORMAT, ""},
    {BYTES("\"a\0b\""), VT_ERR_FORMAT, ""},
    {BYTES("1\0"), VT_ERR_FORMAT, ""},
    {BYTES("9223372036854775808"), VT_ERR_FORMAT, "too big"},
    {BYTES("1e400"), VT_ERR_FORMAT, "overflow"},
    {BYTES("NaN"), VT_ERR_FORMAT, ""},
    {BYTES("01"), VT_ERR_FORMAT, ""},
    {BYTES("+1"), VT_ERR_FORMAT, ""},
    {BYTES("'x'"), VT_ERR_FORMAT, ""},
    {BYTES("// c\n1"), VT_ERR_FORMAT, ""},
};

static void wrong_text_is_refused_with_its_place(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char *copy = malloc(wrong[i].len ? wrong[i].len : 1);
        vt_buffer *out = NULL;
        assert_non_null(copy);
        memcpy(copy, wrong[i].text, wrong[i].len);
        vt_status st = vt_json_to_msgpack(ctx, copy, wrong[i].len, &out);
        free(copy);
        if (st != wrong[i].want || !strstr(vt__error_message(), wrong[i].message)) fail_msg("%s: %d %s", wrong[i].text, st, vt__error_message());
        assert_null(out);
    }
    assert_int_equal(vt_json_to_msgpack(NULL, "1", 1, NULL), VT_ERR_INVALID);
    assert_int_equal(vt_json_from_msgpack(ctx, "\x01", 1, 2, &(vt_buffer *){NULL}), VT_ERR_INVALID);
}

static void depth_64_is_the_last(void **state) {
    char text[400];
    vt_status st;
    (void)state;
    for (int depth = 63; depth < 68; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(round_trip(ctx, text, (size_t)depth * 2, 0, &st) != NULL, depth <= 64);
        if (depth > 64) assert_int_equal(st, VT_ERR_LIMIT);
    }
    memset(text, '[', sizeof text); /* never closed */
    assert_null(round_trip(ctx, text, sizeof text, 0, &st));
    assert_int_equal(st, VT_ERR_LIMIT);
    (void)memset(text, '[', 100), text[0] = '"', text[99] = '"'; /* brackets in a string do not count */
    assert_non_null(round_trip(ctx, text, 100, 0, &st));
    (void)memcpy(text, "\"\\\"[", 4); /* nor behind an escaped quote */
    assert_non_null(round_trip(ctx, text, 100, 0, &st));
}

/* A short text can make many values: they count against the context's limit. */
static void a_contexts_memory_limit_holds(void **state) {
    enum { N = 100000 };
    static char text[2 * N + 1];
    vt_context *small;
    vt_buffer *out = NULL;
    (void)state;
    for (int i = 0; i < N; i++) text[2 * i] = '1', text[2 * i + 1] = ',';
    text[0] = '[', text[1] = '1', text[2 * N - 1] = ']';
    assert_int_equal(vt__context_create(&(vt__context_params){.memory_limit = 1 << 20}, &small), VT_OK);
    assert_int_equal(vt_json_to_msgpack(small, text, 2 * N, &out), VT_ERR_NOMEM);
    assert_null(out);
    vt__context_release(small);
    assert_int_equal(vt_json_to_msgpack(ctx, text, 2 * N, &out), VT_OK);
    vt__buffer_release(out);
}

static const struct { const char *data; size_t size; vt_status want; } formless[] = {
    {BYTES("\xc4\x01x"), VT_ERR_UNSUPPORTED},                               /* binary */
    {BYTES("\xd4\x01\x00"), VT_ERR_UNSUPPORTED},                            /* extension */
    {BYTES("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), VT_ERR_UNSUPPORTED},    /* NaN */
    {BYTES("\xcb\xff\xf0\x00\x00\x00\x00\x00\x00"), VT_ERR_UNSUPPORTED},    /* -inf */
    {BYTES("\x81\x01\x02"), VT_ERR_UNSUPPORTED},                            /* a key that is a number */
    {BYTES("\xa1\xff"), VT_ERR_UNSUPPORTED},                                /* str that is no UTF-8 */
    {BYTES("\x92\x01"), VT_ERR_FORMAT},
    {BYTES(""), VT_ERR_FORMAT},
};

static void what_has_no_json_form_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof formless / sizeof *formless; i++) {
        vt_buffer *out = (vt_buffer *)&ctx;
        assert_int_equal(vt_json_from_msgpack(ctx, formless[i].data, formless[i].size, 0, &out), formless[i].want);
        assert_null(out);
    }
    vt_buffer *out = NULL; /* JSON's integers have no bound */
    assert_int_equal(vt_json_from_msgpack(ctx, "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9, 0, &out), VT_OK);
    assert_string_equal(vt__buffer_data(out), "18446744073709551615");
    vt__buffer_release(out);
}

static vt_status write_float(double v, char *out, size_t size) {
    unsigned char data[9] = {0xCB};
    uint64_t bits;
    vt_buffer *json = NULL;
    memcpy(&bits, &v, 8);
    for (int i = 0; i < 8; i++) data[1 + i] = (unsigned char)(bits >> (56 - 8 * i));
    vt_status st = vt_json_from_msgpack(ctx, data, sizeof data, 0, &json);
    if (st == VT_OK) (void)snprintf(out, size, "%s", (const char *)vt__buffer_data(json));
    vt__buffer_release(json);
    return st;
}

static void floats_read_back_the_same(void **state) {
    uint64_t x = 88172645463325252ULL; /* xorshift; bits of every exponent */
    char text[64];
    (void)state;
    for (int i = 0; i < 20000; i++) {
        double v;
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        memcpy(&v, &x, 8);
        if (!isfinite(v)) continue;
        assert_int_equal(write_float(v, text, sizeof text), VT_OK);
        assert_true(strtod(text, NULL) == v);
        assert_true(strpbrk(text, ".e") != NULL);
    }
}

/* A host may have set a locale with a decimal comma: JSON has points. */
static void the_locale_does_not_show(void **state) {
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    vt_status st;
    char text[64];
    (void)state;
    size_t i = 0;
    while (i < sizeof names / sizeof *names && !setlocale(LC_NUMERIC, names[i])) i++;
    if (i == sizeof names / sizeof *names) return; /* none of them is installed; cmocka reports a skip as a failure in TAP */
    assert_string_equal(round_trip(ctx, "[1.5,2.25e-7]", 13, 0, &st), "[1.5,2.25e-07]");
    assert_int_equal(write_float(0.1, text, sizeof text), VT_OK);
    assert_string_equal(text, "0.1");
    (void)setlocale(LC_NUMERIC, "C");
}

static void every_failed_allocation_is_reported(void **state) {
    (void)state;
    for (int sticky = 0; sticky < 2; sticky++)
        for (long k = 1;; k++) {
            torture t = {.fail_at = k, .sticky = sticky};
            vt_context *c = NULL;
            vt_status st = vt__context_create(&(vt__context_params){.alloc = torture_alloc, .alloc_user = &t}, &c);
            if (st == VT_OK) (void)round_trip(c, BYTES("{\"a\":[1,2.5,\"some text that is longer than what is reserved at first\"],\"b\":{}}"), VT_JSON_INDENT, &st);
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
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(wrong_text_is_refused_with_its_place),
        cmocka_unit_test(depth_64_is_the_last),
        cmocka_unit_test(a_contexts_memory_limit_holds),
        cmocka_unit_test(what_has_no_json_form_is_refused),
        cmocka_unit_test(floats_read_back_the_same),
        cmocka_unit_test(the_locale_does_not_show),
        cmocka_unit_test(every_failed_allocation_is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
