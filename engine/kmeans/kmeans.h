/* k-means: centroids instead of medoids, with the same kind of result. Not here: k-medoids, and where new rows belong (engine/cluster). */
#ifndef VENTURI_KMEANS_KMEANS_H
#define VENTURI_KMEANS_KMEANS_H

#include "core/watch.h"
#include "venturi/types.h"

typedef struct vt__kmeans_params {
    int mini_batch;
    int random_init; /* else k-means++; not looked at when centroids are given */
    int64_t k, max_iter, n_init, batch_size;
    double tolerance; /* < 0: until no label changes */
    uint64_t seed;
    const void *centroids; /* [k, dim] or NULL */
    const double *weights; /* [n] or NULL */
    vt__watch watch;
} vt__kmeans_params;

vt_status vt__cluster_kmeans(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, const vt__kmeans_params *params,
                             vt_clustering **out);

#endif
