/* One example's picture out of a stored one: cut, scaled, mirrored, moved and recoloured by chance that depends on (seed, round, index) alone, so that an
 * example is the same whatever batch and thread it is made in. Not here: rotation, where pictures come from. */
#ifndef VENTURI_MEDIA_AUGMENT_H
#define VENTURI_MEDIA_AUGMENT_H

#include "venturi/types.h"

enum { VT__FLIP_X = 1, VT__FLIP_Y = 2, VT__FREE_PLACE = 4 };
enum { VT__FIT_COVER = 0, VT__FIT_CONTAIN = 1, VT__FIT_STRETCH = 2 };
enum { VT__MOST_CHANNELS = 4 };

typedef struct vt__augment {
    uint64_t seed;
    uint32_t flags;                          /* mirror each way with a chance of one half; VT__FREE_PLACE: anywhere inside */
    double share;                            /* of the pictures that are changed at all */
    double scale_min, scale_max;             /* of the picture against its place; 1: fits */
    int64_t shift;                           /* at most so many pixels of the result each way, whole ones */
    double brightness, contrast, saturation; /* factors 1 - x to 1 + x */
} vt__augment;

/* Pixels as they are stored. RGBA is four channels one after the other; it gives three (or one, grey) on the background. */
typedef struct vt__source {
    const void *data;
    int64_t width, height;
    int32_t channels;                           /* 1 to 4 */
    int32_t is_rgba;                            /* interleaved uint8 */
    int32_t dtype;                              /* VT_DTYPE_U8: 0 to 255 is 0 to 1; VT_DTYPE_F32: as it is */
} vt__source;

typedef struct vt__target {
    int64_t width, height;
    int32_t channels, dtype; /* U8: rounded; F32 */
    int32_t fit;             /* VT__FIT_* */
    uint32_t background;     /* 0xRRGGBB */
} vt__target;

/* to: [channels, height, width] of target->dtype. aug NULL: as it is. Errors: NOMEM. */
vt_status vt__augment_picture(vt_context *ctx, const vt__source *from, const vt__target *target, const vt__augment *aug, uint32_t round, int64_t index,
                              void *to);

#endif
