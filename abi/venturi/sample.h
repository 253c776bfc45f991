/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Token samplers: a chain of stages that narrows a row of logits and draws one token. Stages run in the order in which they were
 * added; ties go to the lower id, so that a result depends on nothing else. Not here: diffusion samplers (vt_solver, to come). */
#ifndef VENTURI_SAMPLE_H
#define VENTURI_SAMPLE_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct vt_sampler_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    uint64_t seed;        /* with `sequence` and the number of draws so far decides every draw (Philox4x32-10) */
    uint32_t sequence;    /* stream number: sequences of one batch differ in it */
    uint32_t reserved;    /* must be 0 */
} vt_sampler_options;

/** New chain without stages: it takes the largest logit (greedy). Errors: VT_ERR_INVALID, VT_ERR_NOMEM. One user at a time. */
VT_API VT_MUST_USE vt_status vt_sampler_create(vt_context *ctx, const vt_sampler_options *opt, vt_sampler **out);
VT_API vt_sampler *vt_sampler_retain(vt_sampler *sampler);
VT_API void vt_sampler_release(vt_sampler *sampler);

/* Each stage keeps at least one token. Errors: VT_ERR_INVALID (value out of range, NaN), VT_ERR_NOMEM. */

/** Logits divided by t > 0, and the token is drawn from the distribution; t = 0: the largest logit is taken. */
VT_API VT_MUST_USE vt_status vt_sampler_add_temperature(vt_sampler *sampler, double t);
/** The k >= 1 largest. */
VT_API VT_MUST_USE vt_status vt_sampler_add_top_k(vt_sampler *sampler, int64_t k);
/** The smallest set of most probable tokens whose probability reaches p in (0, 1]. Source: Holtzman et al. 2020, section 3.1. */
VT_API VT_MUST_USE vt_status vt_sampler_add_top_p(vt_sampler *sampler, double p);
/** Tokens at least p times as probable as the most probable one; p in [0, 1]. Source: Nguyen et al. 2024, section 3. */
VT_API VT_MUST_USE vt_status vt_sampler_add_min_p(vt_sampler *sampler, double p);

/** Draws one token. logits: [n] float32, read only; minus infinity bars a token.
 *  Errors: VT_ERR_INVALID, VT_ERR_NUMERIC (NaN, plus infinity, or every token barred), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_sampler_sample(vt_sampler *sampler, const float *logits, int64_t n, int32_t *out_id);
/** The set that the stages leave: ids and their logits, largest first (ties by id), as (int32 id, float32 logit) pairs in a buffer.
 *  Draws nothing. Errors: as vt_sampler_sample. */
VT_API VT_MUST_USE vt_status vt_sampler_filter(vt_sampler *sampler, const float *logits, int64_t n, vt_buffer **out);
/** Back to the first draw of the seed. */
VT_API void vt_sampler_reset(vt_sampler *sampler);

#ifdef __cplusplus
}
#endif
#endif
