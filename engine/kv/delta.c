#include "kv/delta.h"

#include <math.h>
#include <string.h>

#include "cpu/quant/half.h"

static float largest_of(const float *x, int64_t n) {
    float most = 0;
    for (int64_t i = 0; i < n; i++) most = fabsf(x[i]) > most ? fabsf(x[i]) : most;
    return most;
}

/* To the nearest, ties to the even one, within the bounds. What is added and taken off again leaves an integer, of what is below 2^51. */
static int8_t round_to(double v, int32_t most, int64_t *n_cut) {
    const double nearest = 6755399441055744.0;
    double r = v > 256 || v < -256 ? v : (v + nearest) - nearest;
    if (r > most || r < -most) {
        ++*n_cut;
        r = r > 0 ? most : -most;
    }
    return (int8_t)r;
}

/* A scale that is 0 in half precision would lose what the half's smallest number still tells. */
static float scale_of(const float *x, int64_t n) {
    float largest = largest_of(x, n);
    uint16_t half = vtk_float_to_half((float)((double)largest / VT__ANCHOR_MOST));
    if (largest == 0) return 1;
    return vtk_half_to_float(half == 0 ? 1 : half >= 0x7c00 ? 0x7bff : half);
}

int64_t vt__delta_quantise(const vt__delta *d, const float *x, int64_t ld, float *scales, int8_t *anchors, int8_t *deltas) {
    int64_t n_cut = 0, n_rounded = 0;
    for (int64_t t = 0; t < d->n_tokens; t++) {
        int64_t g = t / d->group;
        int8_t *anchor = anchors + g * d->n_channels, *delta = deltas + t * d->n_channels;
        if (t % d->group == 0) {
            scales[g] = scale_of(x + t * ld, d->n_channels);
            for (int64_t c = 0; c < d->n_channels; c++) anchor[c] = round_to((double)x[t * ld + c] / (double)scales[g], VT__ANCHOR_MOST, &n_rounded);
            memset(delta, 0, (size_t)d->n_channels);
            continue;
        }
        for (int64_t c = 0; c < d->n_channels; c++)
            delta[c] = round_to(((double)x[t * ld + c] - (double)anchor[c] * (double)scales[g]) / d->step[c], d->most, &n_cut);
    }
    return n_cut;
}

void vt__delta_restore(const vt__delta *d, const float *scales, const int8_t *anchors, const int8_t *deltas, float *x, int64_t ld) {
    for (int64_t t = 0; t < d->n_tokens; t++) {
        int64_t g = t / d->group;
        const int8_t *anchor = anchors + g * d->n_channels, *delta = deltas + t * d->n_channels;
        for (int64_t c = 0; c < d->n_channels; c++)
            x[t * ld + c] = (float)((double)anchor[c] * (double)scales[g] + (double)delta[c] * d->step[c]);
    }
}

void vt__token_quantise(const float *x, int64_t n_tokens, int64_t n_channels, int32_t bins, float *largest, uint8_t *symbols) {
    const double half = bins / 2 - 1;
    for (int64_t t = 0; t < n_tokens; t++, x += n_channels, symbols += n_channels) {
        float most = largest_of(x, n_channels);
        largest[t] = most > 0 ? most : 1;
        for (int64_t c = 0; c < n_channels; c++) symbols[c] = (uint8_t)nearbyint((double)x[c] * half / (double)largest[t] + half);
    }
}
