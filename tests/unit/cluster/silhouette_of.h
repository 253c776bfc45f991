/* For tests of searches by silhouette: what a set of medoids is really worth, by definition and in float64. */
#ifndef VENTURI_TEST_SILHOUETTE_OF_H
#define VENTURI_TEST_SILHOUETTE_OF_H

#include "problem.h"

/* Mean medoid silhouette; a medoid is at 0 from itself, below 0 is 0. */
static inline double medoid_silhouette_of(const problem *p, const int64_t *medoids, int64_t k) {
    double sum = 0;
    for (int64_t o = 0; o < p->n; o++) {
        double d1 = (double)INFINITY, d2 = (double)INFINITY;
        for (int64_t i = 0; i < k; i++) {
            double d = medoids[i] == o ? 0 : fmax(p->d[o * p->n + medoids[i]], 0);
            d2 = fmin(d2, fmax(d1, d));
            d1 = fmin(d1, d);
        }
        sum += d1 == 0 ? 1 : isinf(d1) ? 0 : 1 - d1 / d2;
    }
    return sum / (double)p->n;
}

/* Mean silhouette of the partition around medoids, of which the lowest of the nearest wins. */
static inline double silhouette_of(const problem *p, const int64_t *medoids, int64_t k) {
    int32_t labels[64];
    double mean = 0;
    for (int64_t o = 0; o < p->n; o++) {
        labels[o] = 0;
        for (int32_t i = 0; i < k; i++)
            if (medoids[i] == o || (medoids[labels[o]] != o && p->d[o * p->n + medoids[i]] < p->d[o * p->n + medoids[labels[o]]])) labels[o] = i;
    }
    vt_context *ctx = new_context(1, NULL);
    vt_distance *distance = distance_of(ctx, p);
    assert_int_equal(vt__silhouette(distance, labels, k, NULL, NULL, &mean), VT_OK);
    vt__distance_release(distance);
    vt__context_release(ctx);
    return mean;
}

static inline void assert_labels_are_nearest(const problem *p, const vt__clustering_parts *r) {
    for (int64_t o = 0; o < p->n; o++) {
        const double *d = p->d + o * p->n;
        for (int64_t i = 0; i < r->k; i++) {
            if (r->medoids[i] == o) assert_int_equal(r->labels[o], i);
            else if (d[r->medoids[i]] < d[r->medoids[r->labels[o]]] && r->medoids[r->labels[o]] != o) fail_msg("object %d is nearer to medoid %d", (int)o, (int)i);
        }
    }
}

#endif
