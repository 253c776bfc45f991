/* PNG files through the public call: every kind of pixel, damage of every kind, limits, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "png_build.h"
#include "torture_each.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

/* In a copy of the exact size, so that a sanitizer sees one byte read too many. */
static vt_status decode_in(vt_context *c, const void *data, size_t size, const vt_image_options *opt, vt_image_info *info, vt_buffer **out) {
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) memcpy(copy, data, size);
    vt_status st = vt_image_decode_png(c, copy, size, opt, info, out);
    assert_true(st == VT_OK ? *out != NULL : *out == NULL);
    free(copy);
    return st;
}

static vt_status decode(const png_build *b, vt_image_info *info, vt_buffer **out) { return decode_in(ctx, b->data, b->len, NULL, info, out); }

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };

/* Two pixels beside each other. */
static const struct { const char *name; int depth, colour; const char *row; size_t n; unsigned char want[8]; } kinds[] = {
    {"grey 8", 8, GREY, "\0\x10\xf0", 3, {0x10, 0x10, 0x10, 0xff, 0xf0, 0xf0, 0xf0, 0xff}},
    {"grey 1", 1, GREY, "\0\x40", 2, {0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {"grey 4", 4, GREY, "\0\x3f", 2, {0x33, 0x33, 0x33, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {"grey 16", 16, GREY, "\0\x80\x80\xff\xff", 5, {0x80, 0x80, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff}},
    {"rgb 8", 8, RGB, "\0\1\2\3\4\5\6", 7, {1, 2, 3, 0xff, 4, 5, 6, 0xff}},
    {"grey and alpha", 8, GREY_ALPHA, "\0\7\x80\x9\0", 5, {7, 7, 7, 0x80, 9, 9, 9, 0}},
    {"rgba, filtered", 8, RGBA, "\1\1\2\3\4\1\1\1\1", 9, {1, 2, 3, 4, 2, 3, 4, 5}},
    {"palette", 8, PALETTE, "\0\1\0", 3, {40, 50, 60, 0x80, 10, 20, 30, 0xff}},
};

static void build(png_build *b, size_t kind) {
    png_begin(b, 2, 1, kinds[kind].depth, kinds[kind].colour, 0);
    if (kinds[kind].colour == PALETTE) {
        png_chunk(b, "PLTE", "\x0a\x14\x1e\x28\x32\x3c", 6);
        png_chunk(b, "tRNS", "\xff\x80", 2);
    }
    png_finish(b, kinds[kind].row, kinds[kind].n);
}

static void every_kind_of_pixel_becomes_rgba(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        png_build b;
        vt_image_info info = VT_STRUCT_INIT(vt_image_info);
        vt_buffer *pixels;
        build(&b, i);
        if (decode(&b, &info, &pixels) != VT_OK) fail_msg("%s: %s", kinds[i].name, vt_error_message());
        assert_int_equal(info.width, 2);
        assert_int_equal(info.height, 1);
        assert_int_equal(vt_buffer_size(pixels), 8);
        if (memcmp(vt_buffer_data(pixels), kinds[i].want, 8) != 0) fail_msg("%s", kinds[i].name);
        vt_buffer_release(pixels);
    }
}

static void an_interlaced_picture_is_put_in_order(void **state) {
    /* 4 x 2: pass 1 has pixel 0 of row 0; pass 4 pixel 2; pass 6 pixels 1 and 3; pass 7 all of row 1. */
    static const char rows[] = "\0\1" "\0\3" "\0\2\4" "\0\5\6\7\x8";
    png_build b;
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    vt_buffer *pixels;
    (void)state;
    png_begin(&b, 4, 2, 8, GREY, 1);
    png_finish(&b, rows, sizeof rows - 1);
    assert_int_equal(decode(&b, &info, &pixels), VT_OK);
    const unsigned char *p = vt_buffer_data(pixels);
    for (int i = 0; i < 8; i++) assert_int_equal(p[4 * i], i + 1);
    vt_buffer_release(pixels);
}

static void every_shorter_file_is_refused(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        png_build b;
        build(&b, i);
        size_t whole = b.len;
        /* The last chunk's checksum is not looked at by the library. */
        for (b.len = 0; b.len < whole - 12; b.len++) {
            vt_image_info info = VT_STRUCT_INIT(vt_image_info);
            vt_buffer *pixels;
            if (decode(&b, &info, &pixels) != VT_ERR_FORMAT) fail_msg("%s, %zu of %zu bytes", kinds[i].name, b.len, whole);
            assert_int_equal(info.width, 0);
        }
    }
}

static void every_flipped_byte_ends_well(void **state) {
    (void)state;
    png_build whole;
    build(&whole, 6);
    for (size_t at = 0; at < whole.len; at++)
        for (int bit = 1; bit < 256; bit <<= 1) {
            png_build b = whole;
            vt_image_info info = VT_STRUCT_INIT(vt_image_info);
            vt_buffer *pixels;
            b.data[at] ^= (unsigned char)bit;
            vt_status st = decode(&b, &info, &pixels);
            assert_true(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_LIMIT);
            vt_buffer_release(pixels);
        }
}

static void what_is_not_a_png_is_refused(void **state) {
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    vt_buffer *pixels;
    png_build b;
    (void)state;
    build(&b, 0);
    assert_int_equal(decode_in(ctx, "", 0, NULL, &info, &pixels), VT_ERR_FORMAT);
    assert_int_equal(decode_in(ctx, "\xff\xd8\xff\xe0 JFIF", 9, NULL, &info, &pixels), VT_ERR_FORMAT);
    assert_non_null(strstr(vt_error_message(), "not a PNG"));
    assert_int_equal(vt_image_decode_png(NULL, "", 0, NULL, &info, &pixels), VT_ERR_INVALID);
    assert_int_equal(vt_image_decode_png(ctx, NULL, 1, NULL, &info, &pixels), VT_ERR_INVALID);
    assert_int_equal(vt_image_decode_png(ctx, "", 0, NULL, NULL, &pixels), VT_ERR_INVALID);
    assert_int_equal(vt_image_decode_png(ctx, "", 0, NULL, &info, NULL), VT_ERR_INVALID);
    info.struct_size = 1 << 20; /* garbage: found out before there are pixels to lose */
    assert_int_equal(decode(&b, &info, &pixels), VT_ERR_INVALID);
    info.struct_size = 4;
    assert_int_equal(vt_image_decode_png(ctx, "", 0, NULL, &info, &pixels), VT_ERR_INVALID);
}

static void limits_are_checked_before_memory_is_asked_for(void **state) {
    static const struct { uint32_t width, height; int64_t most_width, most_height, most_pixels; vt_status want; } cases[] = {
        {0x7fffffff, 0x7fffffff, 0, 0, 0, VT_ERR_LIMIT}, {32769, 1, 0, 0, 0, VT_ERR_LIMIT}, {1, 32769, 0, 0, 0, VT_ERR_LIMIT},
        {32768, 2049, 0, 0, 0, VT_ERR_LIMIT},            {3, 1, 2, 0, 0, VT_ERR_LIMIT},     {1, 3, 0, 2, 0, VT_ERR_LIMIT},
        {2, 2, 0, 0, 3, VT_ERR_LIMIT},                   {0, 1, 0, 0, 0, VT_ERR_FORMAT},    {2, 2, 2, 2, 4, VT_ERR_FORMAT},
        {1, 1, -1, 0, 0, VT_ERR_INVALID},                {1, 1, 32769, 0, 0, VT_ERR_INVALID},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        png_build b;
        vt_image_info info = VT_STRUCT_INIT(vt_image_info);
        vt_image_options o = VT_STRUCT_INIT(vt_image_options);
        vt_buffer *pixels;
        o.max_width = cases[i].most_width;
        o.max_height = cases[i].most_height;
        o.max_pixels = cases[i].most_pixels;
        png_begin(&b, cases[i].width, cases[i].height, 8, GREY, 0);
        png_finish(&b, "", 0);
        vt_status st = decode_in(ctx, b.data, b.len, &o, &info, &pixels);
        if (st != cases[i].want) fail_msg("case %zu: %d %s", i, st, vt_error_message());
    }
    assert_true(vt_context_memory_peak(ctx) < 1 << 20);
}

static vt_status decode_all(vt_context *c) {
    vt_status st = VT_OK;
    for (size_t i = 0; st == VT_OK && i < sizeof kinds / sizeof *kinds; i++) {
        png_build b;
        vt_image_info info = VT_STRUCT_INIT(vt_image_info);
        vt_buffer *pixels = NULL;
        build(&b, i);
        st = decode_in(c, b.data, b.len, NULL, &info, &pixels);
        vt_buffer_release(pixels);
    }
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(decode_all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_pixel_becomes_rgba),
        cmocka_unit_test(an_interlaced_picture_is_put_in_order),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(every_flipped_byte_ends_well),
        cmocka_unit_test(what_is_not_a_png_is_refused),
        cmocka_unit_test(limits_are_checked_before_memory_is_asked_for),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
