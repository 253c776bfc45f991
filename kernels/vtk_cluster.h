/* Arguments of the kernels that search for medoids and survey matrices of distances: the medoid, msc and survey slots of vtk_table. */
#ifndef VENTURI_VTK_CLUSTER_H
#define VENTURI_VTK_CLUSTER_H

#include <stdint.h>

/* Types of distances, dense, for the arrays below. Sums over objects are float64 for the float types and int64 for the integer ones. */
enum { VTK_DISTANCE_F32, VTK_DISTANCE_F64, VTK_DISTANCE_I32, VTK_DISTANCE_I64, VTK_N_DISTANCES };

/* n objects with the slots (0..k-1) of their two nearest medoids and the distances d1 <= d2 to them; slot2 is VTK_NO_SLOT while there is one medoid. */
enum { VTK_NO_SLOT = -1 };
typedef struct vtk_medoids {
    int64_t n, k;
    int32_t *slot1, *slot2;
    void *d1, *d2;       /* of the distances' type */
    const void *weights; /* [n] of the sums' type; NULL: all 1 */
    int removal_last;    /* the order of medoid_judge's additions: removals come last, not first */
} vtk_medoids;

/* Objects whose limits have grown, and these before and after, of the distances' type: room for as many as are looked at. */
typedef struct vtk_widening {
    int32_t *objects;
    void *from, *to;
} vtk_widening;

/* Elements [n_rows, n_columns] of a matrix with rows `stride` elements apart; they are copied to copy, rows `edge` elements apart, unless that is
 * NULL. next: where a tile of n_rows and `edge` columns begins that will be asked for soon, to be fetched meanwhile; NULL: not known. */
typedef struct vtk_survey {
    const void *x;
    int64_t n_rows, n_columns, stride;
    void *copy;
    int64_t edge;
    const void *next;
} vtk_survey;

/* An object's three nearest medoids: distances d1 <= d2 <= d3, not below 0, infinite where there is none or it cannot be reached; the ratios d1/d2,
 * d2/d3 and d1/d3, 0 over 0 being 0 and infinity over infinity 1; slots. One line of a cache. */
typedef struct vtk_near3 {
    double d1, d2, d3, r12, r23, r13;
    int32_t slot1, slot2, slot3;
    int32_t is_lost; /* the caller's: d3 is to be found */
} vtk_near3;

/* The state of searches by medoid silhouette: n objects, k medoids. */
typedef struct vtk_msc {
    int64_t n, k;
    const vtk_near3 *objects; /* [n] */
    const void *limits;       /* [n] d3 in the distances' type; infinity is `far` there */
    const double *to[2];      /* k = 2: [n] distances to the medoids of slots 0 and 1 */
    double far;               /* a distance from this on is infinite; infinity: none is */
} vtk_msc;

#endif
