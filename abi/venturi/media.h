/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Pictures from the bytes of a file, and made into numbers of one size. Not here: sound, and what recognises anything in them. */
#ifndef VENTURI_MEDIA_H
#define VENTURI_MEDIA_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VT_IMAGE_UPRIGHT = 1 /* turned as the file's Exif orientation says; otherwise as stored */
};

typedef struct vt_image_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_IMAGE_UPRIGHT or 0 */
    int64_t max_width;    /* pixels; 0: 32768, which is also the most that can be asked for */
    int64_t max_height;   /* likewise */
    int64_t max_pixels;   /* of the whole picture; 0: 2^26 */
} vt_image_options;

typedef struct vt_image_info {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    uint32_t reserved;
    int64_t width, height;
} vt_image_info;

/**
 * Decodes the bytes of a PNG or JPEG file, whichever they are: any PNG; JPEG of eight bits, sequential or progressive, in grey, RGB, YCbCr, CMYK
 * or YCCK.
 *
 * out_info  extents, of the upright picture where that was asked for.
 * out       [height, width, 4] uint8: red, green, blue, alpha (not multiplied in). Colour profiles are ignored. A JPEG file whose data is damaged
 *           or cut is refused, not repaired.
 * Errors:  VT_ERR_INVALID, VT_ERR_FORMAT (neither, damaged or cut), VT_ERR_UNSUPPORTED (JPEG of twelve bits, lossless), VT_ERR_LIMIT (larger than
 *          the options allow, known before memory is asked for; more than 64 scans), VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_image_decode(vt_context *ctx, const void *data, size_t size, const vt_image_options *opt, vt_image_info *out_info,
                                             vt_buffer **out);

/**
 * Decodes a PNG file's bytes; any colour type and depth, interlaced or not.
 *
 * out_info  extents.
 * out       [height, width, 4] uint8: red, green, blue, alpha (not multiplied in). Sixteen bits are scaled to eight; colour profiles and gamma
 *           are ignored: samples are taken for sRGB.
 * Errors:  VT_ERR_INVALID, VT_ERR_FORMAT (no PNG, damaged or cut), VT_ERR_LIMIT (larger than the options allow; known before its memory is asked
 *          for), VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_image_decode_png(vt_context *ctx, const void *data, size_t size, const vt_image_options *opt, vt_image_info *out_info,
                                                 vt_buffer **out);

typedef struct vt_resize_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    int32_t dtype;        /* VT_DTYPE_F32: in [0, 1]; VT_DTYPE_U8 */
    int64_t width;        /* pixels wanted, 1 to 32768 */
    int64_t height;       /* likewise */
    uint32_t background;  /* opaque colour under transparent pixels: 0xffRRGGBB; 0: white */
    uint32_t flags;       /* reserved, must be 0 */
} vt_resize_options;

/**
 * A picture in another size: the mean of the area that each new pixel covers, on the background.
 *
 * rgba  [height, width, 4] uint8, size bytes; extents 1 to 32768; read only.
 * out   [opt->height, opt->width, 3] of opt->dtype: red, green, blue. The same on every machine.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE (size or an extent does not fit), VT_ERR_DTYPE, VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_image_resize(vt_context *ctx, const void *rgba, size_t size, int64_t width, int64_t height, const vt_resize_options *opt,
                                             vt_buffer **out);

#ifdef __cplusplus
}
#endif
#endif
