/* Any bytes as a PNG file: an error of three kinds, or a picture of the size it says. Checksums are put right first, or hardly an input would get
 * past them; one whose last byte is odd is taken as it is. */
#include <stdlib.h>
#include <string.h>

#include "png_build.h"
#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int truth) {
    if (!truth) abort();
}

/* Signature, then chunks of length, type, content, checksum. */
static void sign_chunks(uint8_t *p, size_t size) {
    for (size_t at = 8; size >= 12 && at <= size - 12;) {
        size_t n = (size_t)p[at] << 24 | (size_t)p[at + 1] << 16 | (size_t)p[at + 2] << 8 | p[at + 3];
        if (n > size - 12 - at) return;
        uint32_t crc = png_crc(p + at + 4, n + 4);
        for (int i = 0; i < 4; i++) p[at + 8 + n + (size_t)i] = (uint8_t)(crc >> (24 - 8 * i));
        at += n + 12;
    }
}

static void shrink(vt_context *ctx, const vt_buffer *pixels, const vt_image_info *info) {
    vt_resize_options o = VT_STRUCT_INIT(vt_resize_options);
    vt_buffer *b;
    o.width = 5;
    o.height = 3;
    check(vt_image_resize(ctx, vt_buffer_data(pixels), vt_buffer_size(pixels), info->width, info->height, &o, &b) == VT_OK);
    const float *x = vt_buffer_data(b);
    for (int i = 0; i < 45; i++) check(x[i] >= 0 && x[i] <= 1);
    vt_buffer_release(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_image_options o = VT_STRUCT_INIT(vt_image_options);
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    vt_buffer *pixels;
    vt_context *ctx;
    uint8_t *copy = malloc(size + 1);

    if (!copy || vt_context_create(&co, &ctx) != VT_OK) {
        free(copy);
        return 0;
    }
    if (size) memcpy(copy, data, size);
    if (size && !(data[size - 1] & 1)) sign_chunks(copy, size);
    o.max_pixels = 1 << 16;
    vt_status st = vt_image_decode_png(ctx, copy, size, &o, &info, &pixels);
    check(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_LIMIT);
    if (st == VT_OK) {
        check(info.width > 0 && info.height > 0 && info.width * info.height <= 1 << 16);
        check(vt_buffer_size(pixels) == (size_t)(info.width * info.height * 4));
        shrink(ctx, pixels, &info);
    }
    vt_buffer_release(pixels);
    check(vt_context_memory(ctx) < 1 << 16); /* nothing of the picture is left */
    vt_context_release(ctx);
    free(copy);
    return 0;
}
