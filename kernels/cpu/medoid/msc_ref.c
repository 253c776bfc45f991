/* Legend: d is an object's distance to the candidate, d1 <= d2 <= d3 those to its three nearest medoids, r(x, y) = x / y their ratio, 0 where x is 0
 * and 1 where x, and so y, is infinite. The object's loss is r(d1, d2). Source: Lenssen and Schubert, Inf. Syst. 120, 2024. */
#include "cpu/medoid/list_ref.h"
#include "cpu/medoid/msc.h"
#include "cpu/medoid/msc_sums.h"

static double ratio(double x, double y) { return x == 0 ? 0 : x == (double)INFINITY ? 1 : x / y; }

/* Where the candidate is nearer than the second medoid, the object's loss falls whichever medoid goes, except that without its first (second) one
 * it would not have the ratio that `shared` has counted on. Otherwise only those who lose one of the two nearest gain, a third at d instead of d3. */
static double gains(double *sums, double shared, const vtk_near3 *objects, int32_t *hits, double *distances, int64_t n) {
    for (int64_t h = 0; h < n; h++) {
        const vtk_near3 *o = &objects[hits[h]];
        const double d = distances[h];
        if (d < o->d2) {
            double best = d < o->d1 ? ratio(d, o->d1) : ratio(o->d1, d);
            shared += o->r12 - best;
            sums[o->slot1] += best + o->r23 - ratio(o->d1 + d, o->d2);
            sums[o->slot2] += o->r13 - o->r12;
        } else {
            sums[o->slot1] += o->r23 - ratio(o->d2, d);
            sums[o->slot2] += o->r13 - ratio(o->d1, d);
        }
    }
    return shared;
}

static double ordered_ratio(double x, double y) { return x < y ? ratio(x, y) : ratio(y, x); }

/* to0, to1: distances to the two medoids; the loss without one of them is that of the other and the candidate. */
static void two_ratios(double *losses, const double *d, const double *to0, const double *to1, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        losses[0] += ordered_ratio(d[i], to1[i]);
        losses[1] += ordered_ratio(d[i], to0[i]);
    }
}

#define ISA ref
#define BODY "cpu/medoid/msc_body.h"
#include "cpu/medoid/medoid_types.h"
