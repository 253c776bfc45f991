/* JPEG pictures to RGBA, eight bits a channel, through libjpeg: grey, RGB, YCbCr, CMYK and YCCK, sequential or progressive. Colour profiles are
 * ignored. Not here: writing, twelve bits, lossless JPEG. */
#ifndef VENTURI_MEDIA_IMAGE_JPEG_H
#define VENTURI_MEDIA_IMAGE_JPEG_H

#include "media/image.h"

/* As vt__image_decode. A file whose data is damaged is refused, though libjpeg would make a picture of what is left: numbers that nobody
 * took are worse than none. libjpeg's own memory comes from malloc and is bounded by a multiple of the picture's pixels. */
vt_status vt__image_decode_jpeg(vt_context *ctx, const unsigned char *data, size_t size, const vt__image_limits *limits, int64_t *out_width,
                                int64_t *out_height, vt_buffer **out);

#endif
