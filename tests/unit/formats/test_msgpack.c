#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/error.h"
#include "formats/msgpack.h"
#include "venturi/format.h"

#define BYTES(s) s, sizeof(s) - 1

/* A copy of the exact size, so that a sanitizer sees one byte read too many. */
static vt_status check(const void *data, size_t size) {
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) memcpy(copy, data, size);
    vt_status st = vt_msgpack_check(copy, size);
    free(copy);
    return st;
}

static const struct { const char *data; size_t size; vt_status want; } cases[] = {
    {BYTES("\xc0"), VT_OK},
    {BYTES("\x90"), VT_OK},
    {BYTES("\x80"), VT_OK},
    {BYTES("\x92\x01\x81\xa1k\xc3"), VT_OK},
    {BYTES("\xc7\x00\x05"), VT_OK},
    {BYTES("\xd8\x01" "0123456789abcdef"), VT_OK},
    {BYTES("\xdd\x00\x00\x00\x00"), VT_OK},
    {BYTES("\xde\x00\x01\x01\x02"), VT_OK},
    {BYTES(""), VT_ERR_FORMAT},
    {BYTES("\xc1"), VT_ERR_FORMAT},
    {BYTES("\xc0\xc0"), VT_ERR_FORMAT},
    {BYTES("\x91"), VT_ERR_FORMAT},
    {BYTES("\x82\x01\x02\x03"), VT_ERR_FORMAT},
    {BYTES("\x92\x92\x01\x02"), VT_ERR_FORMAT}, /* each claim fits by itself */
    {BYTES("\xdd\xff\xff\xff\xff"), VT_ERR_FORMAT},
    {BYTES("\xdf\x80\x00\x00\x00"), VT_ERR_FORMAT},
    {BYTES("\xc6\xff\xff\xff\xff" "abc"), VT_ERR_FORMAT},
    {BYTES("\xc9\xff\xff\xff\xff\x01" "abc"), VT_ERR_FORMAT},
    {BYTES("\xdb\x00\x00\x00\x04" "abc"), VT_ERR_FORMAT},
};

static void damaged_bytes_are_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (check(cases[i].data, cases[i].size) != cases[i].want) fail_msg("case %zu: %s", i, vt__error_message());
    assert_int_equal(vt_msgpack_check(NULL, 1), VT_ERR_INVALID);
    assert_int_equal(vt_msgpack_check(NULL, 0), VT_ERR_FORMAT);
}

static void every_prefix_of_a_value_is_refused(void **state) {
    static const char whole[] = "\xdc\x00\x10\xc0\xcc\xff\xcd\x01\x02\xce\x01\x02\x03\x04\xcf\x01\x02\x03\x04\x05\x06\x07\x08\xd0\xff\xd1\x01\x02\xd2\x01\x02\x03\x04"
                                "\xd3\x01\x02\x03\x04\x05\x06\x07\x08\xca\x01\x02\x03\x04\xcb\x01\x02\x03\x04\x05\x06\x07\x08\xd9\x01x\xda\x00\x01x"
                                "\xc4\x02xy\x82\xa1k\x91\x01\x05\xc7\x01\x09z\xd6\x01" "abcd";
    (void)state;
    assert_int_equal(check(whole, sizeof whole - 1), VT_OK);
    for (size_t n = 0; n < sizeof whole - 1; n++)
        if (check(whole, n) != VT_ERR_FORMAT) fail_msg("%zu bytes", n);
}

static void depth_64_is_the_last(void **state) {
    unsigned char data[80];
    (void)state;
    for (int depth = 62; depth < 70; depth++) {
        memset(data, 0x91, sizeof data);
        data[depth] = 0x01;
        assert_int_equal(check(data, (size_t)depth + 1), depth <= 64 ? VT_OK : VT_ERR_LIMIT);
        memset(data, 0x91, sizeof data);
        data[depth - 1] = 0x90; /* an empty container is one, too */
        assert_int_equal(check(data, (size_t)depth), depth <= 64 ? VT_OK : VT_ERR_LIMIT);
    }
    assert_int_equal(check(memset(data, 0x91, sizeof data), sizeof data), VT_ERR_LIMIT); /* whatever follows */
}

static void items_are_read_with_their_values(void **state) {
    static const char bytes[] = "\x05\xe0\xcc\x80\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xd0\x80\xd3\x80\x00\x00\x00\x00\x00\x00\x00\xca\x3f\x80\x00\x00"
                                "\xcb\x40\x04\x00\x00\x00\x00\x00\x00\xa2hi\xc4\x01\xff\xd4\xfe\x07\xc3\xc2\xc0\x92\x01\x02";
    static const struct { int kind; int64_t i; double f; size_t size; } want[] = {
        {VT__MSGPACK_INT, 5, 0, 0},    {VT__MSGPACK_INT, -32, 0, 0},  {VT__MSGPACK_INT, 128, 0, 0},      {VT__MSGPACK_UINT, 0, 0, 0},
        {VT__MSGPACK_INT, -128, 0, 0}, {VT__MSGPACK_INT, INT64_MIN, 0, 0}, {VT__MSGPACK_FLOAT, 0, 1.0, 0}, {VT__MSGPACK_FLOAT, 0, 2.5, 0},
        {VT__MSGPACK_STR, 0, 0, 2},    {VT__MSGPACK_BIN, 0, 0, 1},    {VT__MSGPACK_EXT, -2, 0, 1},       {VT__MSGPACK_BOOL, 1, 0, 0},
        {VT__MSGPACK_BOOL, 0, 0, 0},   {VT__MSGPACK_NIL, 0, 0, 0},    {VT__MSGPACK_ARRAY, 0, 0, 0},
    };
    const unsigned char *at = (const unsigned char *)bytes, *end = at + sizeof bytes - 1;
    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        vt__msgpack_item item;
        assert_int_equal(vt__msgpack_read(&at, end, &item), VT_OK);
        assert_int_equal(item.kind, want[i].kind);
        assert_int_equal(item.i, want[i].i);
        assert_true(item.f == want[i].f);
        assert_int_equal(item.size, want[i].size);
        if (item.kind == VT__MSGPACK_UINT) assert_true(item.u == UINT64_MAX);
        if (item.kind == VT__MSGPACK_ARRAY) assert_true(item.u == 2);
    }
    assert_int_equal(end - at, 2);
}

int main(void) {
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_bytes_are_refused),
        cmocka_unit_test(every_prefix_of_a_value_is_refused),
        cmocka_unit_test(depth_64_is_the_last),
        cmocka_unit_test(items_are_read_with_their_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
