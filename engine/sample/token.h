/* Token samplers: a chain of stages over one row of logits. Ties go to the lower id everywhere. Not here: diffusion samplers. */
#ifndef VENTURI_SAMPLE_TOKEN_H
#define VENTURI_SAMPLE_TOKEN_H

#include "venturi/types.h"

enum { VT__SAMPLER_TEMPERATURE, VT__SAMPLER_TOP_K, VT__SAMPLER_TOP_P, VT__SAMPLER_MIN_P };

typedef struct vt__sampler_stage {
    int32_t kind;     /* VT__SAMPLER_* */
    double value;     /* t, p; not used by top-k */
    int64_t k;        /* of top-k */
    int64_t min_keep; /* top-p and min-p leave at least so many, if there are so many; >= 1 */
} vt__sampler_stage;

vt_status vt__sampler_create(vt_context *ctx, uint64_t seed, uint32_t sequence, vt_sampler **out);
vt_sampler *vt__sampler_retain(vt_sampler *s);
void vt__sampler_release(vt_sampler *s);
vt_status vt__sampler_add(vt_sampler *s, const vt__sampler_stage *stage);
vt_status vt__sampler_sample(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id);
/* Draws a token that is sure to be appended to the sequence: the chain takes note of it. On failure the chain is as before. */
vt_status vt__sampler_next(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id);
vt_status vt__sampler_filter(vt_sampler *s, const float *logits, int64_t n, vt_buffer **out);
void vt__sampler_reset(vt_sampler *s);

/* Id of the largest logit. Errors: NUMERIC (NaN, plus infinity, or every token barred). */
vt_status vt__argmax(const float *logits, int64_t n, int32_t *out_id);

#endif
