/* Objects in the order of their clusters, and the silhouette of one of them. */
#ifndef VENTURI_CLUSTER_PARTITION_H
#define VENTURI_CLUSTER_PARTITION_H

#include "venturi/types.h"

typedef struct vt__partition {
    int64_t n, k;     /* k: clusters that have objects */
    int64_t *begin;   /* [k + 1] of each of them in members */
    int64_t *members; /* [n] objects, cluster after cluster, ascending within one */
    int32_t *places;  /* [n] where each object is in members */
} vt__partition;

/* Room for n objects in up to k clusters. After a failure vt__partition_free is still fine. */
vt_status vt__partition_init(vt__partition *p, vt_context *ctx, int64_t n, int64_t k);
void vt__partition_free(vt__partition *p, vt_context *ctx);
/* labels: [n] in [0, k). */
void vt__partition_fill(vt__partition *p, const int32_t *labels, int64_t k);

/* Silhouette of object members[place] as venturi/cluster.h defines it. row: its distances to all objects, of a VT__DISTANCE_* type, infinite from far on.
 * next: the row that the caller comes to next, or the same. scratch: [n] elements that calls at one time do not share. */
double vt__silhouette_sample(const vt__partition *p, int64_t place, int type, const void *row, const void *next, double far, void *scratch);

#endif
