#include "media/image.h"

#include <string.h>

#include "core/error.h"
#include "media/image_jpeg.h"
#include "media/image_png.h"

vt_status vt__image_check(const char *format, int64_t width, int64_t height, const vt__image_limits *limits) {
    if (width <= limits->width && height <= limits->height && width * height <= limits->pixels) return VT_OK;
    return vt__fail(VT_ERR_LIMIT, "%s: a picture of %lld x %lld, at most %lld x %lld and %lld pixels", format, (long long)width, (long long)height,
                    (long long)limits->width, (long long)limits->height, (long long)limits->pixels);
}

vt_status vt__image_decode(vt_context *ctx, const unsigned char *data, size_t size, const vt__image_limits *limits, int64_t *out_width,
                           int64_t *out_height, vt_buffer **out) {
    static const unsigned char png[] = {0x89, 'P', 'N', 'G'}, jpeg[] = {0xff, 0xd8, 0xff};

    *out = NULL;
    if (size >= sizeof png && memcmp(data, png, sizeof png) == 0) return vt__image_decode_png(ctx, data, size, limits, out_width, out_height, out);
    if (size >= sizeof jpeg && memcmp(data, jpeg, sizeof jpeg) == 0)
        return vt__image_decode_jpeg(ctx, data, size, limits, out_width, out_height, out);
    return vt__fail(VT_ERR_FORMAT, "image: neither a PNG nor a JPEG file (%zu bytes)", size);
}
