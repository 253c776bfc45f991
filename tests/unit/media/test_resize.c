/* Pictures in another size: exact means of areas, the background under what is transparent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "torture_each.h"
#include "venturi.h"

#include "one_context.h" /* last: its ctx would shadow parameters of the headers above */

static vt_resize_options wanted(int64_t width, int64_t height, int32_t dtype) {
    vt_resize_options o = VT_STRUCT_INIT(vt_resize_options);
    o.width = width;
    o.height = height;
    o.dtype = dtype;
    return o;
}

static vt_buffer *resize(const unsigned char *rgba, int64_t width, int64_t height, const vt_resize_options *o) {
    vt_buffer *out;
    assert_int_equal(vt_image_resize(ctx, rgba, (size_t)(width * height * 4), width, height, o, &out), VT_OK);
    assert_int_equal(vt_buffer_size(out), (size_t)(o->width * o->height * 3) * (o->dtype == VT_DTYPE_F32 ? 4 : 1));
    return out;
}

/* A grey ramp 0, 10, 20, ... without transparency. */
static void ramp(unsigned char *rgba, int n) {
    for (int i = 0; i < n; i++) {
        memset(rgba + 4 * i, 10 * i, 3);
        rgba[4 * i + 3] = 255;
    }
}

static const struct { int from, to; unsigned char want[6]; } scales[] = {
    {6, 6, {0, 10, 20, 30, 40, 50}}, {6, 3, {5, 25, 45}}, {6, 2, {10, 40}}, {6, 1, {25}}, {4, 3, {3, 15, 28}}, /* 2.5, 15, 27.5 */
    {3, 2, {3, 17}}, /* 10/3, 50/3 */ {2, 4, {0, 0, 10, 10}}, {2, 3, {0, 5, 10}}, {1, 5, {0, 0, 0, 0, 0}},
};

static void a_new_pixel_is_the_mean_of_its_area(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++)
        for (int upright = 0; upright < 2; upright++) {
            unsigned char rgba[24];
            int from = scales[i].from, to = scales[i].to;
            vt_resize_options o = upright ? wanted(1, to, VT_DTYPE_U8) : wanted(to, 1, VT_DTYPE_U8);
            ramp(rgba, from);
            vt_buffer *b = upright ? resize(rgba, 1, from, &o) : resize(rgba, from, 1, &o);
            const unsigned char *p = vt_buffer_data(b);
            for (int j = 0; j < 3 * to; j++)
                if (p[j] != scales[i].want[j / 3]) fail_msg("%d to %d, byte %d: %d", from, to, j, p[j]);
            vt_buffer_release(b);
        }
}

static void transparent_pixels_show_the_background(void **state) {
    /* Opaque black beside transparent red: the red must not be seen. */
    static const unsigned char rgba[] = {0, 0, 0, 255, 255, 0, 0, 0};
    vt_resize_options o = wanted(1, 1, VT_DTYPE_F32);
    (void)state;
    vt_buffer *b = resize(rgba, 2, 1, &o);
    const float *x = vt_buffer_data(b);
    for (int c = 0; c < 3; c++) assert_true(x[c] == 0.5f);
    vt_buffer_release(b);
    o.background = 0xff0000ffu;
    b = resize(rgba, 2, 1, &o);
    x = vt_buffer_data(b);
    assert_true(x[0] == 0.0f && x[1] == 0.0f && x[2] == 0.5f);
    vt_buffer_release(b);
}

static void white_is_one_and_255(void **state) {
    unsigned char rgba[7 * 5 * 4];
    (void)state;
    memset(rgba, 255, sizeof rgba);
    for (int n = 1; n < 12; n++) {
        vt_resize_options o = wanted(n, 13 - n, VT_DTYPE_F32);
        vt_buffer *b = resize(rgba, 7, 5, &o);
        const float *x = vt_buffer_data(b);
        for (int i = 0; i < n * (13 - n) * 3; i++) assert_true(x[i] == 1.0f);
        vt_buffer_release(b);
        o.dtype = VT_DTYPE_U8;
        b = resize(rgba, 7, 5, &o);
        const unsigned char *p = vt_buffer_data(b);
        for (int i = 0; i < n * (13 - n) * 3; i++) assert_int_equal(p[i], 255);
        vt_buffer_release(b);
    }
}

static void wrong_arguments_are_refused(void **state) {
    unsigned char rgba[16] = {0};
    vt_resize_options o = wanted(1, 1, VT_DTYPE_U8);
    vt_buffer *b;
    (void)state;
    assert_int_equal(vt_image_resize(ctx, rgba, 16, 2, 3, &o, &b), VT_ERR_SHAPE);
    assert_null(b);
    assert_int_equal(vt_image_resize(ctx, rgba, 16, 0, 4, &o, &b), VT_ERR_SHAPE);
    assert_int_equal(vt_image_resize(ctx, rgba, 16, INT64_MAX, INT64_MAX, &o, &b), VT_ERR_SHAPE);
    assert_int_equal(vt_image_resize(ctx, rgba, 16, 2, 2, NULL, &b), VT_ERR_SHAPE);
    assert_int_equal(vt_image_resize(ctx, NULL, 16, 2, 2, &o, &b), VT_ERR_INVALID);
    o.dtype = VT_DTYPE_F64;
    assert_int_equal(vt_image_resize(ctx, rgba, 16, 2, 2, &o, &b), VT_ERR_DTYPE);
    o = wanted(1, 32769, VT_DTYPE_U8);
    assert_int_equal(vt_image_resize(ctx, rgba, 16, 2, 2, &o, &b), VT_ERR_SHAPE);
    o = wanted(1, 1, VT_DTYPE_U8);
    o.background = 0xffffff;
    assert_int_equal(vt_image_resize(ctx, rgba, 16, 2, 2, &o, &b), VT_ERR_INVALID);
}

static vt_status enlarge(vt_context *c) {
    static const unsigned char rgba[16];
    vt_resize_options o = wanted(3, 3, VT_DTYPE_F32);
    vt_buffer *b = NULL;
    vt_status st = vt_image_resize(c, rgba, sizeof rgba, 2, 2, &o, &b);
    vt_buffer_release(b);
    return st;
}

static void every_allocation_may_fail(void **state) {
    (void)state;
    torture_each(enlarge);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_pixel_is_the_mean_of_its_area),
        cmocka_unit_test(transparent_pixels_show_the_background),
        cmocka_unit_test(white_is_one_and_255),
        cmocka_unit_test(wrong_arguments_are_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, make_context, drop_context);
}
