/* Pictures made smaller or larger by the mean of the area that a new pixel covers (box filter), on an opaque background. */
#ifndef VENTURI_MEDIA_RESIZE_H
#define VENTURI_MEDIA_RESIZE_H

#include "venturi/types.h"

enum { VT__RESIZE_MOST = 1 << 15 }; /* extents of either picture, at most: sums then fit 64 bits */

typedef struct vt__resize_params {
    int64_t width, height; /* 1 to VT__RESIZE_MOST */
    uint32_t background;   /* 0xRRGGBB; other bits are ignored */
    int32_t dtype;         /* VT_DTYPE_F32: in [0, 1]; VT_DTYPE_U8 */
} vt__resize_params;

/* rgba: [height, width, 4], extents 1 to VT__RESIZE_MOST. *out: [params->height, params->width, 3] red green blue. Sums are exact, so a result is the same
 * on every machine. Errors: NOMEM. */
vt_status vt__image_resize(vt_context *ctx, const unsigned char *rgba, int64_t width, int64_t height, const vt__resize_params *params, vt_buffer **out);

#endif
