#include "media/exif.h"

#include <string.h>

/* The TIFF structure inside, whose own byte order it names. */
typedef struct tiff {
    const unsigned char *data;
    size_t size;
    int big;
} tiff;

enum { HEAD = 6, ENTRY = 12, ORIENTATION = 0x112, SHORT = 3, MOST_ORIENTATION = 8 };

/* 0 behind the end: no place or count that matters is 0. */
static uint32_t get(const tiff *t, size_t at, int n) {
    uint32_t v = 0;
    if (at > t->size || t->size - at < (size_t)n) return 0;
    for (int i = 0; i < n; i++) v = v << 8 | t->data[at + (size_t)(t->big ? i : n - 1 - i)];
    return v;
}

int vt__exif_orientation(const unsigned char *data, size_t size) {
    if (size < HEAD + 8 || memcmp(data, "Exif\0\0", HEAD) != 0) return 0;
    tiff t = {data + HEAD, size - HEAD, data[HEAD] == 'M'};
    if (memcmp(t.data, t.big ? "MM" : "II", 2) != 0 || get(&t, 2, 2) != 42) return 0;
    size_t at = get(&t, 4, 4);
    uint32_t n = get(&t, at, 2);
    for (uint32_t i = 0; i < n && at + 2 + (i + 1) * (size_t)ENTRY <= t.size; i++) {
        size_t entry = at + 2 + i * (size_t)ENTRY;
        if (get(&t, entry, 2) != ORIENTATION) continue;
        uint32_t turn = get(&t, entry + 8, 2);
        return get(&t, entry + 2, 2) == SHORT && get(&t, entry + 4, 4) == 1 && turn <= MOST_ORIENTATION ? (int)turn : 0;
    }
    return 0;
}

void vt__exif_turn_make(vt__exif_turn *turn, int orientation, int64_t stored_width, int64_t stored_height) {
    /* Whether rows become columns; whether the result's columns, rows then run backwards. */
    static const unsigned char turns[MOST_ORIENTATION + 1][3] = {{0, 0, 0}, {0, 0, 0}, {0, 1, 0}, {0, 1, 1}, {0, 0, 1},
                                                                 {1, 0, 0}, {1, 1, 0}, {1, 1, 1}, {1, 0, 1}};
    const unsigned char *how = turns[orientation >= 1 && orientation <= MOST_ORIENTATION ? orientation : 1];
    int64_t width = how[0] ? stored_height : stored_width, height = how[0] ? stored_width : stored_height;
    int64_t right = how[1] ? -1 : 1, down = how[2] ? -width : width;
    *turn = (vt__exif_turn){width, height, (how[1] ? width - 1 : 0) + (how[2] ? (height - 1) * width : 0), how[0] ? down : right, how[0] ? right : down};
}
