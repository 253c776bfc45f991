/* JPEG files through the public call: every kind, orientations, damage of every kind, limits, memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jpeg_build.h"
#include "media/image.h"
#include "torture_each.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

enum { W = 16, H = 8, NEAR = 3 };

/* In a copy of the exact size, so that a sanitizer sees one byte read too many. */
static vt_status decode_in(vt_context *c, const void *data, size_t size, const vt_image_options *opt, vt_image_info *info, vt_buffer **out) {
    void *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    if (size) memcpy(copy, data, size);
    vt_status st = vt_image_decode(c, copy, size, opt, info, out);
    assert_true(st == VT_OK ? *out != NULL : *out == NULL);
    free(copy);
    return st;
}

static const jpeg_build kinds[] = {
    {"grey", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, 0, 0, 0, 0},
    {"rgb", JCS_RGB, JCS_RGB, 3, 0, 0, 0, 0},
    {"ycbcr", JCS_RGB, JCS_YCbCr, 3, 0, 0, 0, 0},
    {"ycbcr, progressive", JCS_RGB, JCS_YCbCr, 3, 1, 0, 0, 0},
    {"ycbcr, restarts", JCS_RGB, JCS_YCbCr, 3, 0, 1, 0, 0},
    {"cmyk of Adobe", JCS_CMYK, JCS_CMYK, 4, 0, 0, 0, 0},
    {"ycck of Adobe", JCS_CMYK, JCS_YCCK, 4, 0, 0, 0, 0},
    {"cmyk as ink", JCS_CMYK, JCS_CMYK, 4, 0, 0, 0, 1},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

/* Red on the left half, blue on the right; in grey 40 and 200. Adobe's CMYK is stored inverted: 255 is no ink. */
static const unsigned char colours[2][3] = {{250, 20, 30}, {10, 40, 240}};

static unsigned char *make(const jpeg_build *kind, size_t *size) {
    unsigned char samples[W * H * 4];
    for (int i = 0; i < W * H; i++) {
        const unsigned char *rgb = colours[i % W >= W / 2];
        for (int c = 0; c < kind->channels; c++) {
            int v = c == 3 ? 255 : rgb[c];
            if (kind->channels == 1) v = i % W >= W / 2 ? 200 : 40;
            samples[i * kind->channels + c] = (unsigned char)(kind->no_adobe ? 255 - v : v);
        }
    }
    return jpeg_make(kind, W, H, samples, size);
}

static void every_kind_becomes_rgba(void **state) {
    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        size_t size;
        vt_image_info info = VT_STRUCT_INIT(vt_image_info);
        vt_buffer *pixels;
        unsigned char *file = make(&kinds[k], &size);
        if (decode_in(ctx, file, size, NULL, &info, &pixels) != VT_OK) fail_msg("%s: %s", kinds[k].name, vt_error_message());
        assert_int_equal(info.width, W);
        assert_int_equal(info.height, H);
        assert_int_equal(vt_buffer_size(pixels), W * H * 4);
        const unsigned char *p = vt_buffer_data(pixels);
        for (int i = 0; i < W * H; i++, p += 4) {
            int right = i % W >= W / 2;
            for (int c = 0; c < 3; c++) {
                int want = kinds[k].channels == 1 ? (right ? 200 : 40) : colours[right][c];
                if (abs(p[c] - want) > NEAR) fail_msg("%s: pixel %d, channel %d: %d, want %d", kinds[k].name, i, c, p[c], want);
            }
            assert_int_equal(p[3], 255);
        }
        vt_buffer_release(pixels);
        free(file);
    }
}

/* Where the stored picture's corners 0 1 / 2 3 (top left, top right, bottom left, bottom right) are seen. */
static void orientations_are_undone_when_asked_for(void **state) {
    static const char *const upright[] = {"0123", "1032", "3210", "2301", "0213", "2031", "3120", "1302"};
    static const unsigned char levels[] = {20, 90, 160, 230};
    unsigned char samples[W * H];
    (void)state;
    for (int i = 0; i < W * H; i++) samples[i] = levels[(i / W >= H / 2) * 2 + (i % W >= W / 2)];
    for (int turn = 1; turn <= 8; turn++)
        for (int asked = 0; asked < 2; asked++) {
            jpeg_build b = {"", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, 0, 0, turn, 0};
            size_t size;
            vt_image_info info = VT_STRUCT_INIT(vt_image_info);
            vt_image_options o = VT_STRUCT_INIT(vt_image_options);
            vt_buffer *pixels;
            unsigned char *file = jpeg_make(&b, W, H, samples, &size);
            o.flags = asked ? VT_IMAGE_UPRIGHT : 0;
            assert_int_equal(decode_in(ctx, file, size, &o, &info, &pixels), VT_OK);
            int64_t w = asked && turn >= 5 ? H : W, h = asked && turn >= 5 ? W : H;
            assert_int_equal(info.width, w);
            assert_int_equal(info.height, h);
            const unsigned char *p = vt_buffer_data(pixels);
            const int64_t corners[] = {0, w - 1, (h - 1) * w, h * w - 1};
            for (int i = 0; i < 4; i++)
                if (abs(p[4 * corners[i]] - levels[upright[asked ? turn - 1 : 0][i] - '0']) > NEAR) fail_msg("orientation %d, corner %d: %d", turn, i, p[4 * corners[i]]);
            vt_buffer_release(pixels);
            free(file);
        }
}

static void a_file_comes_smaller_where_that_is_enough(void **state) {
    static const struct { int64_t least, width, height; } cases[] = {{0, 32, 64}, {33, 32, 64}, {17, 32, 64}, {16, 16, 32}, {9, 16, 32}, {8, 8, 16}, {4, 4, 8}, {1, 4, 8}};
    enum { FULL_W = 64, FULL_H = 32 };
    unsigned char samples[FULL_W * FULL_H];
    (void)state;
    for (int i = 0; i < FULL_W * FULL_H; i++) samples[i] = i % FULL_W >= FULL_W / 2 ? 200 : 40;
    jpeg_build b = {"", JCS_GRAYSCALE, JCS_GRAYSCALE, 1, 0, 0, 6, 0};
    size_t size;
    unsigned char *file = jpeg_make(&b, FULL_W, FULL_H, samples, &size);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const vt__image_limits limits = {100, 100, 10000, 1, cases[i].least};
        int64_t width, height;
        vt_buffer *pixels;
        assert_int_equal(vt__image_decode(ctx, file, size, &limits, &width, &height, &pixels), VT_OK);
        if (width != cases[i].width || height != cases[i].height) fail_msg("least %d: %d x %d", (int)cases[i].least, (int)width, (int)height);
        const unsigned char *p = vt_buffer_data(pixels); /* a quarter turn: the left half is above */
        assert_true(abs(p[0] - 40) <= NEAR && abs(p[4 * (width * height - 1)] - 200) <= NEAR);
        vt_buffer_release(pixels);
    }
    free(file);
}

static void every_shorter_file_is_refused(void **state) {
    (void)state;
    for (size_t k = 0; k < N_KINDS; k++) {
        size_t whole;
        unsigned char *file = make(&kinds[k], &whole);
        for (size_t size = 0; size < whole - 2; size++) { /* the end marker alone may be missing */
            vt_image_info info = VT_STRUCT_INIT(vt_image_info);
            vt_buffer *pixels;
            vt_status st = decode_in(ctx, file, size, NULL, &info, &pixels);
            if (st == VT_OK && kinds[k].progressive) { /* a whole number of scans */
                vt_buffer_release(pixels);
                continue;
            }
            if (st != VT_ERR_FORMAT) fail_msg("%s, %zu of %zu bytes: %d", kinds[k].name, size, whole, st);
            assert_int_equal(info.width, 0);
        }
        free(file);
    }
}

static void every_flipped_byte_ends_well(void **state) {
    (void)state;
    for (size_t k = 2; k < 4; k++) {
        jpeg_build b = kinds[k];
        size_t size;
        b.orientation = 6;
        unsigned char *file = make(&b, &size);
        for (size_t at = 0; at < size; at++)
            for (int bit = 1; bit < 256; bit <<= 2) {
                vt_image_info info = VT_STRUCT_INIT(vt_image_info);
                vt_image_options o = VT_STRUCT_INIT(vt_image_options);
                vt_buffer *pixels;
                o.flags = VT_IMAGE_UPRIGHT;
                o.max_pixels = 1 << 16;
                file[at] ^= (unsigned char)bit;
                vt_status st = decode_in(ctx, file, size, &o, &info, &pixels);
                file[at] ^= (unsigned char)bit;
                if (st != VT_OK && st != VT_ERR_FORMAT && st != VT_ERR_LIMIT && st != VT_ERR_UNSUPPORTED) fail_msg("byte %zu: %d", at, st);
                vt_buffer_release(pixels);
            }
        free(file);
    }
}

static void limits_are_checked_before_memory_is_asked_for(void **state) {
    size_t size, frame = 0;
    unsigned char *file = make(&kinds[0], &size);
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    vt_image_options o = VT_STRUCT_INIT(vt_image_options);
    vt_buffer *pixels;
    (void)state;
    while (frame + 1 < size && !(file[frame] == 0xff && file[frame + 1] == 0xc0)) frame++;
    o.max_pixels = W * H - 1;
    assert_int_equal(decode_in(ctx, file, size, &o, &info, &pixels), VT_ERR_LIMIT);
    assert_non_null(strstr(vt_error_message(), "a picture of 16 x 8"));
    o.max_pixels = W * H;
    assert_int_equal(decode_in(ctx, file, size, &o, &info, &pixels), VT_OK);
    vt_buffer_release(pixels);
    memset(file + frame + 5, 0xff, 4);
    assert_int_equal(decode_in(ctx, file, size, NULL, &info, &pixels), VT_ERR_FORMAT); /* 65535 is more than libjpeg has */
    memset(file + frame + 5, 0x7f, 4);
    assert_int_equal(decode_in(ctx, file, size, NULL, &info, &pixels), VT_ERR_LIMIT);
    assert_true(vt_context_memory_peak(ctx) < 1 << 20);
    free(file);
}

static void what_is_no_picture_is_refused(void **state) {
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    vt_image_options o = VT_STRUCT_INIT(vt_image_options);
    vt_buffer *pixels;
    (void)state;
    assert_int_equal(decode_in(ctx, "", 0, NULL, &info, &pixels), VT_ERR_FORMAT);
    assert_int_equal(decode_in(ctx, "GIF89a", 6, NULL, &info, &pixels), VT_ERR_FORMAT);
    assert_non_null(strstr(vt_error_message(), "neither a PNG nor a JPEG"));
    assert_int_equal(decode_in(ctx, "\xff\xd8\xff", 3, NULL, &info, &pixels), VT_ERR_FORMAT);
    assert_int_equal(vt_image_decode(NULL, "", 0, NULL, &info, &pixels), VT_ERR_INVALID);
    o.flags = 2;
    assert_int_equal(decode_in(ctx, "", 0, &o, &info, &pixels), VT_ERR_INVALID);
}

static vt_status decode_all(vt_context *c) {
    vt_status st = VT_OK;
    for (size_t k = 0; st == VT_OK && k < N_KINDS; k++) {
        size_t size;
        vt_image_info info = VT_STRUCT_INIT(vt_image_info);
        vt_buffer *pixels = NULL;
        unsigned char *file = make(&kinds[k], &size);
        st = decode_in(c, file, size, NULL, &info, &pixels);
        vt_buffer_release(pixels);
        free(file);
    }
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(decode_all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_becomes_rgba),
        cmocka_unit_test(orientations_are_undone_when_asked_for),
        cmocka_unit_test(a_file_comes_smaller_where_that_is_enough),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(every_flipped_byte_ends_well),
        cmocka_unit_test(limits_are_checked_before_memory_is_asked_for),
        cmocka_unit_test(what_is_no_picture_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
