/* The candidates of one draw: a whole row of logits (candidate i is token i) until a stage narrows it, then a set of (id, logit) pairs in any
 * order or sorted, best first. A row is worked on by vector kernels; a set is small. Sorting is lazy: a stage that needs the best tokens selects
 * as many as are enough (select.h), so that a vocabulary is never sorted for the twenty tokens that matter. */
#ifndef VENTURI_SAMPLE_CANDIDATES_H
#define VENTURI_SAMPLE_CANDIDATES_H

#include "venturi/types.h"

typedef struct vt__candidate {
    int32_t id;
    float logit;
} vt__candidate;

typedef struct vt__candidates {
    vt_context *ctx;
    const float *row; /* [n] of tokens 0..n-1, some minus infinity; NULL: a set */
    float *own;       /* [own_cap] the row when a stage has changed it */
    int64_t own_cap;
    vt__candidate *set; /* [n] finite; room for the largest row seen */
    int64_t cap;
    int64_t n;  /* at least one of them is finite */
    int sorted; /* set[0..n) is best first */
} vt__candidates;

void vt__candidates_free(vt__candidates *c);
/* Errors: NUMERIC (NaN, plus infinity, all barred), NOMEM. */
vt_status vt__candidates_load(vt__candidates *c, const float *row, int64_t n);
/* Copies the row to where it may be changed; nothing for a set. */
vt_status vt__candidates_own(vt__candidates *c);
/* After a change to the logits: bars those of minus infinity. NUMERIC when nothing is left, `why` says what barred them. */
vt_status vt__candidates_changed(vt__candidates *c, const char *why);

float vt__candidates_largest(const vt__candidates *c);
int64_t vt__candidates_count(const vt__candidates *c); /* finite ones */
/* Sums of w and w * (logit - max), w = exp(logit - max). */
void vt__candidates_weights(const vt__candidates *c, float max, double sums[2]);
/* Mean and standard deviation (of the population) of the logits. */
void vt__candidates_moments(const vt__candidates *c, double *mean, double *deviation);

void vt__candidates_sort(vt__candidates *c); /* to a set, best first */
void vt__candidates_top(vt__candidates *c, int64_t k);
/* Keeps logits >= least, or the best min_keep if those are more. */
void vt__candidates_above(vt__candidates *c, float least, int64_t min_keep);
/* Keeps the best until their weights reach `enough`, at least min_keep; the last of them stands at the end. */
void vt__candidates_mass(vt__candidates *c, double enough, int64_t min_keep, float max);
/* Keeps those whose logit is nearest to `centre` until their weights exceed `enough`, at least min_keep. */
void vt__candidates_typical(vt__candidates *c, double centre, double enough, int64_t min_keep, float max);
/* Drops all but the worst of those with weights >= least, if at least min_keep remain. c is owned. */
void vt__candidates_drop_best(vt__candidates *c, double least, int64_t min_keep, float max);
void vt__candidates_divide(vt__candidates *c, float t); /* t > 0; c is owned */

/* The best k of a row, best first; returns how many (fewer than k only if fewer are finite). */
int64_t vt__row_top(const float *row, int64_t n, int64_t k, vt__candidate *out);
vt_status vt__row_best(const float *row, int64_t n, int32_t *out_id);

#endif
