/* Token samplers: a chain of stages over one row of logits. Ties go to the lower id everywhere. Not here: diffusion samplers. */
#ifndef VENTURI_SAMPLE_TOKEN_H
#define VENTURI_SAMPLE_TOKEN_H

#include "venturi/types.h"

enum {
    VT__SAMPLER_TEMPERATURE,  /* value: t */
    VT__SAMPLER_TOP_K,        /* k */
    VT__SAMPLER_TOP_P,        /* value: p */
    VT__SAMPLER_MIN_P,        /* value: p */
    VT__SAMPLER_TYPICAL,      /* value: p */
    VT__SAMPLER_TOP_N_SIGMA,  /* value: n */
    VT__SAMPLER_XTC,          /* value: probability, second: threshold */
    VT__SAMPLER_DYNAMIC_TEMPERATURE, /* value: t, second: delta, third: exponent */
    VT__SAMPLER_MIROSTAT,     /* value: tau, second: eta */
    VT__SAMPLER_PENALTIES,    /* k: last_n, value: repeat, second: frequency, third: presence */
    VT__SAMPLER_DRY,          /* k: last_n, value: multiplier, second: base, third: allowed length, ids: breakers */
    VT__SAMPLER_LOGIT_BIAS,   /* ids, biases */
    VT__SAMPLER_N_KINDS
};

typedef struct vt__sampler_stage {
    int32_t kind;     /* VT__SAMPLER_* */
    double value;
    int64_t k;
    int64_t min_keep; /* stages that narrow by probability leave at least so many, if there are so many; >= 1 */
    double second, third;
    const int32_t *ids; /* [n_ids]; copied */
    const float *biases; /* [n_ids] */
    int64_t n_ids;
} vt__sampler_stage;

vt_status vt__sampler_create(vt_context *ctx, uint64_t seed, uint32_t sequence, vt_sampler **out);
vt_status vt__sampler_clone(const vt_sampler *s, vt_sampler **out);
vt_sampler *vt__sampler_retain(vt_sampler *s);
void vt__sampler_release(vt_sampler *s);
vt_status vt__sampler_add(vt_sampler *s, const vt__sampler_stage *stage);
/* Stages added from now on with a min_keep of 0 or 1 get this one. */
vt_status vt__sampler_set_min_keep(vt_sampler *s, int64_t n);
vt_status vt__sampler_add_grammar(vt_sampler *s, vt_tokenizer *tok, vt_grammar *grammar);

vt_status vt__sampler_sample(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id);
/* Draws a token that is sure to be appended to the sequence, and accepts it. On failure the chain is as before. */
vt_status vt__sampler_next(vt_sampler *s, const float *logits, int64_t n, int32_t *out_id);
vt_status vt__sampler_accept(vt_sampler *s, int32_t id);
vt_status vt__sampler_observe(vt_sampler *s, const int32_t *ids, int64_t n);
vt_status vt__sampler_filter(vt_sampler *s, const float *logits, int64_t n, vt_buffer **out);
void vt__sampler_reset(vt_sampler *s);

enum { VT__LOGPROB_OFF, VT__LOGPROB_ROW, VT__LOGPROB_CHAIN };
vt_status vt__sampler_keep_log_probabilities(vt_sampler *s, int32_t of, int64_t n_top);
/* The token drawn last comes first, then the best, best first. STATE when nothing was drawn or nothing is kept. */
vt_status vt__sampler_log_probabilities(const vt_sampler *s, int32_t *ids, float *values, int64_t cap, int64_t *n);

/* Id of the largest logit. Errors: NUMERIC (NaN, plus infinity, or every token barred). */
vt_status vt__argmax(const float *logits, int64_t n, int32_t *out_id);

#endif
