/* The first of many candidates in an order, until their weights suffice: without sorting them, in a few passes over ever fewer. */
#ifndef VENTURI_SAMPLE_SELECT_H
#define VENTURI_SAMPLE_SELECT_H

#include "sample/candidates.h"

/* What is looked for, and what has been taken so far. */
typedef struct vt__mass {
    double sum, enough; /* of exp(logit - max) */
    int64_t min_keep, kept;
    float max;
    int is_sorted; /* those taken are in order */
} vt__mass;

/* Best first, or those whose logit is nearest to `centre`; of equals the lowest id. */
typedef struct vt__order {
    int by_distance;
    double centre;
} vt__order;

int vt__mass_wants_more(const vt__mass *m);

/* Brings the first of h[0..n) to its front, at least as many as it takes to have enough, the last that is needed at their end. */
void vt__select(vt__candidate *h, int64_t n, const vt__order *order, vt__mass *m);

/* The same of candidates in order: nothing moves. */
void vt__take_sorted(const vt__candidate *h, int64_t n, vt__mass *m);

#endif
