/* PNG pictures to RGBA, eight bits a channel, through libpng. Samples are taken as they are stored: colour profiles, gamma and all text are
 * skipped unread. Not here: writing, other formats, animation. */
#ifndef VENTURI_MEDIA_IMAGE_PNG_H
#define VENTURI_MEDIA_IMAGE_PNG_H

#include "venturi/types.h"

typedef struct vt__image_limits {
    int64_t width, height, pixels; /* at most; all >= 1 */
} vt__image_limits;

/* *out: [height, width, 4] uint8, red green blue alpha, alpha not multiplied in. The extents are known, and refused, before anything of their
 * size is allocated. Errors: FORMAT (damaged, cut, no PNG), LIMIT, NOMEM; the other results are untouched then. */
vt_status vt__image_decode_png(vt_context *ctx, const unsigned char *data, size_t size, const vt__image_limits *limits, int64_t *out_width,
                               int64_t *out_height, vt_buffer **out);

#endif
