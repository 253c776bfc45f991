/* PNG pictures to RGBA, eight bits a channel, through libpng. Samples are taken as they are stored: colour profiles, gamma and all text are
 * skipped unread. Not here: writing, other formats, animation. */
#ifndef VENTURI_MEDIA_IMAGE_PNG_H
#define VENTURI_MEDIA_IMAGE_PNG_H

#include "media/image.h"

/* As vt__image_decode; orientations are not looked for. */
vt_status vt__image_decode_png(vt_context *ctx, const unsigned char *data, size_t size, const vt__image_limits *limits, int64_t *out_width,
                               int64_t *out_height, vt_buffer **out);

#endif
