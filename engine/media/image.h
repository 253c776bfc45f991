/* Pictures from the bytes of a file, whatever its format: PNG or JPEG, known by how it begins. Not here: the formats themselves. */
#ifndef VENTURI_MEDIA_IMAGE_H
#define VENTURI_MEDIA_IMAGE_H

#include "venturi/types.h"

typedef struct vt__image_limits {
    int64_t width, height, pixels; /* at most; all >= 1 */
    int upright;                   /* turn the picture as its Exif orientation says */
    int64_t least;                 /* 0: as it is; else a JPEG may come at a half, a quarter or an eighth, while both sides keep so many pixels */
} vt__image_limits;

/* *out: [height, width, 4] uint8, red green blue alpha, alpha not multiplied in. The extents are known, and refused, before anything of their
 * size is allocated. Errors: FORMAT (damaged, cut, neither PNG nor JPEG), UNSUPPORTED (a kind of JPEG that nobody writes), LIMIT, NOMEM; the
 * other results are untouched then. */
vt_status vt__image_decode(vt_context *ctx, const unsigned char *data, size_t size, const vt__image_limits *limits, int64_t *out_width,
                           int64_t *out_height, vt_buffer **out);

/* LIMIT, with the numbers, for a picture larger than the limits. */
vt_status vt__image_check(const char *format, int64_t width, int64_t height, const vt__image_limits *limits);

#endif
