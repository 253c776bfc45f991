/* New rows to the nearest of k centres: what predict and the last pass of k-means share, so that both give a row the same label. */
#ifndef VENTURI_CLUSTER_NEAREST_H
#define VENTURI_CLUSTER_NEAREST_H

#include "distance/distance.h"

/* Nearest of the distance's objects centres[0..k), NULL: 0..k-1; ties to the lowest position; out_distances may be NULL. */
vt_status vt__nearest_objects(const vt_distance *distance, const int64_t *centres, int64_t k, const vt__rows_view *rows, vt__watch *watch, int32_t *out_labels,
                              double *out_distances);
/* Nearest of k centroids [k, dim] of the rows' dtype by squared Euclidean distance, which is worked out directly. */
vt_status vt__nearest_centroids(vt_context *ctx, const void *centroids, int64_t k, const vt__rows_view *rows, vt__watch *watch, int32_t *out_labels,
                                double *out_distances);

#endif
