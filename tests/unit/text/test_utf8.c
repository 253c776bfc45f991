#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "text/utf8.h"

static const struct {
    const char *bytes;
    size_t left;
    int want;
    size_t len;
} cases[] = {
    {"a", 1, VT__UTF8_VALID, 1},
    {"\0", 1, VT__UTF8_VALID, 1},
    {"\xC3\xA9x", 3, VT__UTF8_VALID, 2},
    {"\xE2\x82\xAC", 3, VT__UTF8_VALID, 3},
    {"\xF0\x9F\x98\x80", 4, VT__UTF8_VALID, 4},
    {"\xF4\x8F\xBF\xBF", 4, VT__UTF8_VALID, 4},
    {"\xC3", 1, VT__UTF8_PARTIAL, 1},
    {"\xE2\x82", 2, VT__UTF8_PARTIAL, 2},
    {"\xF0\x9F\x98", 3, VT__UTF8_PARTIAL, 3},
    {"\x80", 1, VT__UTF8_INVALID, 1},
    {"\xC0\xAF", 2, VT__UTF8_INVALID, 1},     /* overlong */
    {"\xE0\x9F\xBF", 3, VT__UTF8_INVALID, 1}, /* overlong */
    {"\xED\xA0\x80", 3, VT__UTF8_INVALID, 1}, /* surrogate */
    {"\xF4\x90\x80\x80", 4, VT__UTF8_INVALID, 1},
    {"\xF5\x80\x80\x80", 4, VT__UTF8_INVALID, 1},
    {"\xFF", 1, VT__UTF8_INVALID, 1},
    {"\xE2\x82x", 3, VT__UTF8_INVALID, 2}, /* one replacement for what had begun */
    {"\xF0\x9F\x98x", 4, VT__UTF8_INVALID, 3},
    {"\xC3\xC3\xA9", 3, VT__UTF8_INVALID, 1},
};

static void steps_follow_the_unicode_table(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = 99;
        int got = vt__utf8_step(cases[i].bytes, cases[i].left, &n);
        if (got != cases[i].want || n != cases[i].len) fail_msg("case %zu: %d, length %zu", i, got, n);
    }
}

/* Two and three bytes of every kind, against another implementation. */
static void validity_agrees_with_utf8proc(void **state) {
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        for (unsigned second = 0; second < 256; second += second % 16 == 2 ? 13 : 1) {
            for (unsigned third = 0x7E; third < 0xC2; third += 0x3F) {
                const char bytes[5] = {(char)first, (char)second, (char)third, (char)0x80, 0};
                utf8proc_int32_t cp;
                utf8proc_ssize_t want = utf8proc_iterate((const utf8proc_uint8_t *)bytes, 4, &cp);
                size_t n;
                int got = vt__utf8_step(bytes, 4, &n);
                if ((want > 0) != (got == VT__UTF8_VALID) || (want > 0 && n != (size_t)want)) fail_msg("%02x %02x %02x", first, second, third);
            }
        }
    }
}

static void valid_beginnings_end_at_the_first_bad_byte(void **state) {
    char text[64];
    (void)state;
    for (size_t len = 0; len <= sizeof text; len++) {
        for (size_t bad = 0; bad <= len; bad++) {
            memset(text, 'a', sizeof text);
            if (bad < len) text[bad] = '\xFE';
            assert_int_equal(vt__utf8_valid(text, len), bad);
        }
    }
    assert_int_equal(vt__utf8_valid("abc\xE2\x82\xAC\xE2\x82", 8), 6);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps_follow_the_unicode_table), cmocka_unit_test(validity_agrees_with_utf8proc),
                                       cmocka_unit_test(valid_beginnings_end_at_the_first_bad_byte)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
