/* Profiles out of caches of real texts: what each group of channels is coded by, at each level. */
#ifndef VENTURI_KV_PROFILE_FIT_H
#define VENTURI_KV_PROFILE_FIT_H

#include "kv/profile.h"

enum { VT__KV_AUTO = -1 };

/* A level is how fine a token's own scale is cut: `fineness` steps up to its largest value. Other modes have the step of the same mean square error, uniform
 * over a group's channels; the paper's mode has steps of b times each channel's root mean square of differences, b = 15 / fineness and the layer's factor. */
typedef struct vt__kv_fit {
    int32_t mode;         /* VT__KV_AUTO: of each group what takes the fewest bits at equal error; else this mode for all; DELTA is the paper's */
    int32_t by_plane;     /* one group a plane: else one a head */
    int32_t group_tokens; /* from anchor to anchor */
    int32_t n_kept;       /* first tokens that are not coded, nor counted */
    int32_t n_levels, default_level;
    float fineness[VT__KV_MOST_LEVELS];
    float depth[3];       /* factors of the steps in the first, middle and last third of the layers */
    float keys, values;   /* factors of steps */
} vt__kv_fit;

/* Rows of one text's cache, as halves: of plane p, token t at rows + (p * n_tokens + t) * n_channels. */
typedef struct vt__kv_sample {
    uint16_t *rows;
    int64_t n_tokens;
} vt__kv_sample;

/* Errors: INVALID, NOMEM, CANCELLED. */
vt_status vt__kv_profile_fit(vt_context *ctx, const vt__kv_identity *identity, const vt__kv_fit *fit, const vt__kv_sample *samples, int64_t n_samples,
                             vt_kv_profile **out);

#endif
