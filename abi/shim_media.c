/* Public calls of venturi/media.h: check, normalise options, forward. */
#include "venturi/media.h"

#include "core/error.h"
#include "core/options.h"
#include "media/image.h"
#include "media/image_png.h"
#include "media/resize.h"

enum { MOST_PIXELS = 1 << 26 };

static vt_status read_limits(const vt_image_options *opt, vt__image_limits *out) {
    enum { FIRST_SIZE = 32 };
    vt_image_options o;
    vt_status st = vt__options_read("image", &o, sizeof o, FIRST_SIZE, opt);
    if (st != VT_OK) return st;
    if (o.flags & ~(uint32_t)VT_IMAGE_UPRIGHT) return vt__fail(VT_ERR_INVALID, "image: unknown flags 0x%x", o.flags);
    if (o.max_width < 0 || o.max_width > VT__RESIZE_MOST || o.max_height < 0 || o.max_height > VT__RESIZE_MOST || o.max_pixels < 0)
        return vt__fail(VT_ERR_INVALID, "image: limits %lld x %lld, %lld pixels, need 0 to %d", (long long)o.max_width, (long long)o.max_height,
                        (long long)o.max_pixels, (int)VT__RESIZE_MOST);
    *out = (vt__image_limits){o.max_width ? o.max_width : VT__RESIZE_MOST, o.max_height ? o.max_height : VT__RESIZE_MOST,
                              o.max_pixels ? o.max_pixels : MOST_PIXELS, (o.flags & VT_IMAGE_UPRIGHT) != 0, 0};
    return VT_OK;
}

typedef vt_status (*decode_fn)(vt_context *, const unsigned char *, size_t, const vt__image_limits *, int64_t *, int64_t *, vt_buffer **);

static vt_status decode(decode_fn fn, vt_context *ctx, const void *data, size_t size, const vt_image_options *opt, vt_image_info *out_info, vt_buffer **out) {
    enum { FIRST_SIZE = 24 };
    vt__image_limits limits;
    vt_image_info info = {.struct_size = sizeof info};
    if (out) *out = NULL;
    if (!ctx || !out || !out_info || (!data && size)) return vt__fail(VT_ERR_INVALID, "image: needs a context, data, info and out");
    vt_status st = vt__result_write("image", out_info, &info, sizeof info, FIRST_SIZE); /* checks it before there is something to lose */
    if (st == VT_OK) st = read_limits(opt, &limits);
    if (st == VT_OK) st = fn(ctx, data ? data : (const void *)"", size, &limits, &info.width, &info.height, out);
    return st == VT_OK ? vt__result_write("image", out_info, &info, sizeof info, FIRST_SIZE) : st;
}

vt_status vt_image_decode(vt_context *ctx, const void *data, size_t size, const vt_image_options *opt, vt_image_info *out_info, vt_buffer **out) {
    return decode(vt__image_decode, ctx, data, size, opt, out_info, out);
}

vt_status vt_image_decode_png(vt_context *ctx, const void *data, size_t size, const vt_image_options *opt, vt_image_info *out_info, vt_buffer **out) {
    return decode(vt__image_decode_png, ctx, data, size, opt, out_info, out);
}

static vt_status check_extent(const char *what, int64_t n) {
    return n >= 1 && n <= VT__RESIZE_MOST ? VT_OK : vt__fail(VT_ERR_SHAPE, "resize: %s %lld, need 1 to %d", what, (long long)n, (int)VT__RESIZE_MOST);
}

static vt_status read_resize(const vt_resize_options *opt, vt__resize_params *out) {
    enum { FIRST_SIZE = 32 };
    vt_resize_options o;
    vt_status st = vt__options_read("resize", &o, sizeof o, FIRST_SIZE, opt);
    if (st == VT_OK) st = check_extent("new width", o.width);
    if (st == VT_OK) st = check_extent("new height", o.height);
    if (st != VT_OK) return st;
    if (o.flags) return vt__fail(VT_ERR_INVALID, "resize: unknown flags 0x%x", o.flags);
    if (o.dtype != VT_DTYPE_F32 && o.dtype != VT_DTYPE_U8) return vt__fail(VT_ERR_DTYPE, "resize: dtype %d, need VT_DTYPE_F32 or VT_DTYPE_U8", o.dtype);
    if (o.background && o.background >> 24 != 0xff) return vt__fail(VT_ERR_INVALID, "resize: background 0x%08x, need 0xffRRGGBB", o.background);
    *out = (vt__resize_params){o.width, o.height, o.background ? o.background : 0xffffffffu, o.dtype};
    return VT_OK;
}

vt_status vt_image_resize(vt_context *ctx, const void *rgba, size_t size, int64_t width, int64_t height, const vt_resize_options *opt, vt_buffer **out) {
    enum { CHANNELS = 4 };
    vt__resize_params p;
    if (out) *out = NULL;
    if (!ctx || !rgba || !out) return vt__fail(VT_ERR_INVALID, "resize: needs a context, a picture and out");
    vt_status st = check_extent("width", width);
    if (st == VT_OK) st = check_extent("height", height);
    if (st == VT_OK && size != (size_t)(width * height * CHANNELS))
        st = vt__fail(VT_ERR_SHAPE, "resize: %zu bytes are not a picture of %lld x %lld", size, (long long)width, (long long)height);
    if (st == VT_OK) st = read_resize(opt, &p);
    return st == VT_OK ? vt__image_resize(ctx, rgba, width, height, &p, out) : st;
}
