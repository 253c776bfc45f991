#include "media/resize.h"

#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"

enum { IN = 4, OUT = 3, MOST_ALPHA = 255 };

/* The overlap of old pixel i and new pixel j of an axis with `from` old and `to` new ones, in units of 1/(from * to) of the axis: old pixel i is
 * [i to, (i + 1) to), new pixel j is [j from, (j + 1) from). */
typedef struct axis {
    int64_t from, to;
} axis;

static int64_t first_of(axis a, int64_t j) { return j * a.from / a.to; }
static int64_t behind_of(axis a, int64_t j) { return ((j + 1) * a.from + a.to - 1) / a.to; }

static int64_t overlap(axis a, int64_t i, int64_t j) {
    int64_t begin = i * a.to > j * a.from ? i * a.to : j * a.from;
    int64_t end = (i + 1) * a.to < (j + 1) * a.from ? (i + 1) * a.to : (j + 1) * a.from;
    return end - begin;
}

/* Sums of one new pixel, 255 * 255 times the area: colours are laid over the background before they are added up, or transparent pixels would
 * lend theirs. */
static void add_up(const unsigned char *rgba, axis x, axis y, int64_t at_x, int64_t at_y, const int back[OUT], int64_t sums[OUT]) {
    memset(sums, 0, OUT * sizeof *sums);
    for (int64_t i = first_of(y, at_y); i < behind_of(y, at_y); i++) {
        int64_t high = overlap(y, i, at_y);
        for (int64_t j = first_of(x, at_x); j < behind_of(x, at_x); j++) {
            const unsigned char *p = rgba + (size_t)(i * x.from + j) * IN;
            int64_t area = high * overlap(x, j, at_x);
            int alpha = p[OUT];
            for (int c = 0; c < OUT; c++) sums[c] += area * (p[c] * alpha + back[c] * (MOST_ALPHA - alpha));
        }
    }
}

vt_status vt__image_resize(vt_context *ctx, const unsigned char *rgba, int64_t width, int64_t height, const vt__resize_params *params, vt_buffer **out) {
    const axis x = {width, params->width}, y = {height, params->height};
    const int back[OUT] = {(int)(params->background >> 16 & 0xff), (int)(params->background >> 8 & 0xff), (int)(params->background & 0xff)};
    const int floats = params->dtype == VT_DTYPE_F32;
    const size_t elem = floats ? sizeof(float) : 1;
    const size_t size = (size_t)(params->width * params->height) * OUT * elem;
    const int64_t full = width * height * MOST_ALPHA; /* an area's sum at value 1; times 255 at white */
    int64_t sums[OUT];

    *out = NULL;
    unsigned char *block = vt__alloc(ctx, size + 1), *to = block;
    if (!block) return vt__fail_nomem("resize", size);
    for (int64_t j = 0; j < params->height; j++)
        for (int64_t i = 0; i < params->width; i++) {
            add_up(rgba, x, y, i, j, back, sums);
            for (int c = 0; c < OUT; c++, to += elem) {
                float share = (float)((double)sums[c] / (double)(full * MOST_ALPHA));
                if (floats) memcpy(to, &share, sizeof share);
                else *to = (unsigned char)((sums[c] + full / 2) / full);
            }
        }
    return vt__buffer_take(ctx, block, size, out);
}
