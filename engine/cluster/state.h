/* What swap searches keep of every object: its two nearest medoids and, of every medoid, what its removal would cost. */
#ifndef VENTURI_CLUSTER_STATE_H
#define VENTURI_CLUSTER_STATE_H

#include "cluster/eager.h"
#include "cluster/method.h"
#include "vtk.h"

/* Nearest and second nearest medoids alone. */
typedef struct vt__nearest_two {
    vt_context *ctx;
    const vt_distance *distance;
    const vtk_table *vtk;
    int type; /* of distances: VT__DISTANCE_*, the kernels' VTK_DISTANCE_* */
    vtk_medoids m;
} vt__nearest_two;

/* Arrays for n objects, without a medoid yet. Undone by vt__nearest_free, also after a failure. */
vt_status vt__nearest_init(vt__nearest_two *near, const vt__cluster_work *work);
void vt__nearest_free(vt__nearest_two *near);
/* Makes object `own` the medoid of the next slot. */
void vt__nearest_add(vt__nearest_two *near, int64_t own, const void *column);
/* Starts anew with k medoids: the assignment of all objects. */
vt_status vt__nearest_assign(vt__nearest_two *near, const int64_t *medoids, int64_t k, vt__watch *watch);
/* Labels, distances and loss, into the results of the work. */
void vt__nearest_report(const vt__nearest_two *near, vt__cluster_work *work);
/* The sum of weighted distances to the nearest medoids. */
vt__sum vt__nearest_loss(const vt__nearest_two *near);

/* The state of FasterPAM and its relatives, k >= 2. */
typedef struct vt__medoid_state {
    vt__nearest_two near;
    const int64_t *medoids; /* [k] of the caller, who keeps them up to date */
    void *removal;          /* [k] sums */
    void *partial;          /* [chunks, k] sums */
    char *scratch;          /* [VT__SEARCH_LANES] of scratch_size bytes */
    size_t scratch_size;
    int32_t *lost;        /* [n] objects that look for their second medoid; the objects of a chunk begin at its first */
    const void **columns; /* [k] distances to the medoids: their columns where these lie in memory, else columns of block */
    int64_t *rows;        /* [n_rows] some lost objects; NULL where columns lie in memory */
    void *block;          /* [n_rows, k] their distances to the medoids; likewise */
    int64_t n_rows;
} vt__medoid_state;

vt_status vt__state_init(vt__medoid_state *state, const vt__cluster_work *work);
void vt__state_free(vt__medoid_state *state);
/* For vt__search: user is the state. */
void vt__state_judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out);
vt_status vt__state_take(void *user, const vt__move *move, int64_t j, const void *column);
vt__sum vt__state_loss(void *user);

#endif
