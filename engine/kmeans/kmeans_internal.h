/* What the files of k-means share. */
#ifndef VENTURI_KMEANS_INTERNAL_H
#define VENTURI_KMEANS_INTERNAL_H

#include "cluster/draw.h"
#include "kmeans/kmeans.h"
#include "kmeans/means.h"

/* One run of k-means, from a start to centroids. */
typedef struct vt__kmeans {
    const vt__points *points;
    const vt__kmeans_params *params;
    vt__watch *watch;
    vt__draws draws;
    vt__means means;  /* its centres are the result */
    int32_t *labels;  /* [n_panels * VTK_PANEL] */
    int32_t *before;  /* the same: of the pass before */
    void *scores;     /* [n_panels * VTK_PANEL] of the rows' type */
    int64_t n_iter;
} vt__kmeans;

/* Fills means.centres (kmeans_seed.c): the given centroids, k-means++ or k rows drawn evenly. */
vt_status vt__kmeans_seed(vt__kmeans *km);
/* From means.centres to better ones. */
vt_status vt__kmeans_lloyd(vt__kmeans *km);
vt_status vt__kmeans_mini_batch(vt__kmeans *km);

#endif
