/* How a camera was held, as Exif's orientation has it, and where pixels go to undo it. Not here: anything else that Exif says. */
#ifndef VENTURI_MEDIA_EXIF_H
#define VENTURI_MEDIA_EXIF_H

#include "venturi/types.h"

/* The orientation (1 to 8) in the content of an APP1 marker; 0 where it has none that can be read. */
int vt__exif_orientation(const unsigned char *data, size_t size);

/* Pixel (x, y) as stored is at origin + x * across + y * down of the upright picture. */
typedef struct vt__exif_turn {
    int64_t width, height; /* upright */
    int64_t origin, across, down;
} vt__exif_turn;

void vt__exif_turn_make(vt__exif_turn *turn, int orientation, int64_t stored_width, int64_t stored_height);

static inline int64_t vt__exif_place(const vt__exif_turn *t, int64_t x, int64_t y) { return t->origin + x * t->across + y * t->down; }

#endif
