/* k centroids over points: what Lloyd and mini-batches share. Coordinates in here are centred like the points. */
#ifndef VENTURI_KMEANS_MEANS_H
#define VENTURI_KMEANS_MEANS_H

#include "kmeans/points.h"

/* Part of a cluster's list of rows. */
typedef struct vt__piece {
    int64_t cluster, begin, n;
} vt__piece;

typedef struct vt__means {
    const vt__points *points;
    int64_t k;
    double *centres; /* [k, dim] */
    double *sums;    /* [k, dim] of the (weighted) rows that were added to each */
    double *mass;    /* [k] sum of their weights */
    int64_t *counts; /* [k] how many they are, those of weight 0 left out */

    /* What the kernel reads: centres in the rows' type. */
    int64_t n_groups;
    void *packed, *norms;

    /* Scratch of vt__means_add: rows in the order of their clusters, cut into pieces. */
    int32_t *list;     /* [capacity] */
    int64_t *ends;     /* [k] of the clusters' lists */
    vt__piece *pieces; /* each with its sum in partial [, dim] */
    double *partial;
    int64_t n_pieces, capacity;
} vt__means;

/* capacity: rows of a vt__means_add at most. After a failure vt__means_free is still fine. */
vt_status vt__means_init(vt__means *means, const vt__points *points, int64_t k, int64_t capacity);
void vt__means_free(vt__means *means);

/* Hands the centres to the kernel's form; to be called before an assignment whenever they have changed. */
void vt__means_pack(vt__means *means);
/* Nearest centre of each of the rows in n_panels panels; labels and scores have room for whole panels. Ties go to the lower centre. */
void vt__means_assign(const vt__means *means, const void *panels, int64_t n_panels, int32_t *labels, void *scores);

/* Empties sums, mass and counts. */
void vt__means_clear(vt__means *means);
/* Adds n rows to the sums of their labels. rows: their numbers, NULL: 0..n-1. */
void vt__means_add(vt__means *means, const int32_t *rows, const int32_t *labels, int64_t n);
/* Rows 0..n-1 went from the clusters `before` to `labels`; returns how many did. Only where there are no weights: sums of very different weights
 * would not survive it. */
int64_t vt__means_move(vt__means *means, const int32_t *before, const int32_t *labels, int64_t n);

/* Centres become the means of the rows added to them, those of no rows stay; returns the squared move of all together. */
double vt__means_centre(vt__means *means);

/* Squared distance of row i to centre c. */
double vt__means_distance(const vt__means *means, int64_t i, int64_t c);

#endif
