/* The quantisers that CacheGen and its public implementations describe, exactly: tokens as differences from an anchor token of their group, and each token
 * by its own largest value. Rows are tokens; a step is a float64, since a reference is compared to the symbol. */
#ifndef VENTURI_KV_DELTA_H
#define VENTURI_KV_DELTA_H

#include "venturi/types.h"

enum { VT__ANCHOR_MOST = 127 };

typedef struct vt__delta {
    int64_t n_tokens, n_channels, group; /* the first token of each `group` is its anchor */
    const double *step;                  /* [n_channels] of differences, above 0 */
    int32_t most;                        /* differences lie in -most..most steps, 1..127 */
} vt__delta;

/* Anchors of n_tokens. */
static inline int64_t vt__delta_groups(const vt__delta *d) { return (d->n_tokens + d->group - 1) / d->group; }

/* x [n_tokens, n_channels], rows ld apart, finite -> of each group a scale (the value of a half; largest magnitude / 127) and the anchor in scales [n_channels];
 * deltas [n_tokens, n_channels] against the anchor as it will be restored, rows of anchors 0. Returns how many differences were cut to `most`. */
int64_t vt__delta_quantise(const vt__delta *d, const float *x, int64_t ld, float *scales, int8_t *anchors, int8_t *deltas);
/* The values that these stand for. */
void vt__delta_restore(const vt__delta *d, const float *scales, const int8_t *anchors, const int8_t *deltas, float *x, int64_t ld);

/* Each token by itself: symbol = (x / largest + 1) * (bins / 2 - 1), to the nearest even; largest 0: 1. bins even, 4 to 256. */
void vt__token_quantise(const float *x, int64_t n_tokens, int64_t n_channels, int32_t bins, float *largest, uint8_t *symbols);

#endif
