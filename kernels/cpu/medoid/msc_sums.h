/* The parts of the medoid silhouette kernels that are the same for every instruction set: sums in the order of the objects, and the best slot. */
#ifndef VENTURI_KERNELS_MSC_SUMS_H
#define VENTURI_KERNELS_MSC_SUMS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "vtk.h"

/* Behind the last of n hits others may be read, but not added: they become the first object, at 0. */
static inline void pad(int32_t *hits, double *distances, int64_t n) {
    for (int64_t i = n; i < n + 8; i++) {
        hits[i] = hits[0];
        distances[i] = 0;
    }
}

/* What n <= 8 objects add: to all slots, to that of their nearest, and to that of their second medoid. */
typedef struct terms {
    double shared[8], first[8], second[8];
} terms;

static inline double add_terms(double *sums, double shared, const vtk_near3 *objects, const int32_t *hits, const terms *t, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        const vtk_near3 *o = &objects[hits[i]];
        shared += t->shared[i];
        sums[o->slot1] += t->first[i];
        sums[o->slot2] += t->second[i];
    }
    return shared;
}

/* The first of the largest sums, found in two steps because the first needs no branches. */
static inline int32_t largest(const double *sums, int64_t k) {
    double lanes[4] = {sums[0], sums[0], sums[0], sums[0]};
    int64_t i = 0;
    int32_t slot = 0;
    for (; i + 4 <= k; i += 4)
        for (int l = 0; l < 4; l++) lanes[l] = sums[i + l] > lanes[l] ? sums[i + l] : lanes[l];
    for (; i < k; i++) lanes[0] = sums[i] > lanes[0] ? sums[i] : lanes[0];
    for (int l = 1; l < 4; l++) lanes[0] = lanes[l] > lanes[0] ? lanes[l] : lanes[0];
    while (sums[slot] < lanes[0]) slot++;
    return slot;
}

#endif
