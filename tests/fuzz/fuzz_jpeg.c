/* Any bytes as a JPEG file, turned upright, whole and as small as a loader would have it: an error of four kinds, or a picture of the size it says. */
#include <stdlib.h>
#include <string.h>

#include "media/image.h"
#include "venturi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int truth) {
    if (!truth) abort();
}

static void decode_smaller(vt_context *ctx, const uint8_t *data, size_t size) {
    const vt__image_limits limits = {1 << 15, 1 << 15, 1 << 16, 1, 1 + data[size - 1] % 16};
    int64_t width, height;
    vt_buffer *pixels;
    if (vt__image_decode(ctx, data, size, &limits, &width, &height, &pixels) == VT_OK) {
        check(width > 0 && height > 0 && vt_buffer_size(pixels) == (size_t)(width * height * 4));
        vt_buffer_release(pixels);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context_options co = VT_STRUCT_INIT(vt_context_options);
    vt_image_options o = VT_STRUCT_INIT(vt_image_options);
    vt_image_info info = VT_STRUCT_INIT(vt_image_info);
    vt_buffer *pixels;
    vt_context *ctx;

    if (vt_context_create(&co, &ctx) != VT_OK) return 0;
    o.max_pixels = 1 << 16;
    o.flags = VT_IMAGE_UPRIGHT;
    vt_status st = vt_image_decode(ctx, data, size, &o, &info, &pixels);
    check(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_LIMIT || st == VT_ERR_UNSUPPORTED);
    if (st == VT_OK) {
        check(info.width > 0 && info.height > 0 && info.width * info.height <= 1 << 16);
        check(vt_buffer_size(pixels) == (size_t)(info.width * info.height * 4));
    }
    vt_buffer_release(pixels);
    if (size) decode_smaller(ctx, data, size);
    check(vt_context_memory(ctx) < 1 << 16); /* nothing of the picture is left */
    vt_context_release(ctx);
    return 0;
}
