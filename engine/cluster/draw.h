/* Random draws of clustering: splitmix64, whose word i is a pure function of the seed. Source: Steele, Lea and Flood 2014, section 5. */
#ifndef VENTURI_CLUSTER_DRAW_H
#define VENTURI_CLUSTER_DRAW_H

#include "venturi/types.h"

typedef struct vt__draws {
    uint64_t state; /* the seed, plus a constant a word drawn */
} vt__draws;

uint64_t vt__draw_word(vt__draws *draws);
/* Undoes the last n words. */
void vt__draw_back(vt__draws *draws, uint64_t n);
/* In [0, n), n >= 1: the high half of word * n. */
int64_t vt__draw_below(vt__draws *draws, int64_t n);
/* In [0, 1): the top 53 bits of a word. */
double vt__draw_unit(vt__draws *draws);
/* Partial Fisher-Yates: items[0..k) become a random selection in random order of items[0..n), the rest stay in some order. */
void vt__draw_select(vt__draws *draws, int64_t *items, int64_t n, int64_t k);
/* The numbers 0..n-1 in random order; *order is a block of vt__alloc, NULL on failure. */
vt_status vt__draw_order(vt__draws *draws, vt_context *ctx, int64_t n, int64_t **order);

#endif
