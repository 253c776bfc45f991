/* The result of a clustering: immutable, reference counted. */
#ifndef VENTURI_CLUSTER_CLUSTERING_H
#define VENTURI_CLUSTER_CLUSTERING_H

#include "distance/distance.h"
#include "venturi/types.h"

/* Arrays are blocks of vt__alloc that the clustering owns once it is made. */
typedef struct vt__clustering_parts {
    int32_t dtype; /* VT_DTYPE_* of the distances or rows */
    int64_t n, k, dim;
    int64_t *medoids;         /* NULL: k-means */
    int32_t *labels;          /* [n] */
    double *nearest, *second; /* [n]; second NULL: k-means */
    void *centroids;          /* [k, dim]; NULL unless k-means */
    double *curve;            /* [n_curve] or NULL */
    int64_t k_min, n_curve;
    int64_t n_iter, n_swap, integer_loss;
    double loss, silhouette;
} vt__clustering_parts;

/* Takes the arrays, also on failure. distance: retained for predict; NULL for k-means. */
vt_status vt__clustering_create(vt_context *ctx, vt_distance *distance, vt__clustering_parts *parts, vt_clustering **out);
vt_clustering *vt__clustering_retain(vt_clustering *clustering);
void vt__clustering_release(vt_clustering *clustering);
const vt__clustering_parts *vt__clustering_parts_of(const vt_clustering *clustering);
vt_context *vt__clustering_context(const vt_clustering *clustering);
vt_distance *vt__clustering_distance(const vt_clustering *clustering); /* NULL for k-means */

/* Nearest medoid or centroid of each row; out_distances may be NULL. */
vt_status vt__clustering_predict(const vt_clustering *clustering, const vt__rows_view *rows, vt__watch *watch, int32_t *out_labels, double *out_distances);

#endif
