/* What swap searches keep of every object: its two nearest medoids and, of every medoid, what its removal would cost. */
#ifndef VENTURI_CLUSTER_STATE_H
#define VENTURI_CLUSTER_STATE_H

#include <stdatomic.h>

#include "cluster/eager.h"
#include "cluster/method.h"
#include "cluster/reach.h"
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

/* What a lane judges by. Where columns lie in memory every lane has objects and removals of its own and brings them up to date itself after a swap:
 * nothing that a core reads all the time is written by another one, which may be far away. Else those of the first lane are everybody's. */
typedef struct vt__medoid_copy {
    vtk_medoids m;   /* of the first lane: that of vt__nearest_two */
    int64_t n_taken; /* swaps that are in it */
    void *removal;   /* [k] sums: what the removal of each medoid would cost */
    void *scratch;   /* [k] sums, of vt__state_judge */
    void *partial;   /* [k] sums of some objects */
    int32_t *lost;   /* [n] objects that look for their second medoid */
    void *memory;    /* what is its own of all these */
} vt__medoid_copy;

/* What all copies need after a swap, in pieces: lanes look for different ones and take over what others have found. */
enum { VT__FIND_PIECES = 4, VT__FIND_CHUNKS = 64 };
/* On a line of its own: as long as the other lane does not look, it stays with the core that has claimed it. */
typedef struct vt__find_piece {
    _Alignas(64) atomic_llong seen; /* 2 * n_taken where somebody is at it, one more where it is done */
} vt__find_piece;
typedef struct vt__medoid_finds {
    vt__find_piece seconds[VT__FIND_PIECES], removals[VT__FIND_CHUNKS];
    int32_t *slot2; /* [n] of the objects on the list of lost ones */
    void *d2;       /* [n] likewise */
    void *partial;  /* [chunks, k] sums */
} vt__medoid_finds;

/* The state of FasterPAM and its relatives, k >= 2. */
typedef struct vt__medoid_state {
    vt__nearest_two near;
    const int64_t *medoids; /* [k] of the caller, who keeps them up to date */
    const void **columns;   /* [k] distances to the medoids: their columns where these lie in memory, else columns of block */
    int64_t *rows;          /* [n_rows] some lost objects; NULL where columns lie in memory */
    void *block;            /* [n_rows, k] their distances to the medoids; likewise */
    int64_t n_rows;
    vt__medoid_copy *copies; /* [n_copies] one a lane */
    int64_t n_copies;
    vt__medoid_finds finds;
    vt__reach reach; /* kept from the first pass on that took few swaps */
    int64_t n_taken; /* swaps so far; the last one: */
    int32_t slot;
    int64_t own;
    const void *column;
} vt__medoid_state;

vt_status vt__state_init(vt__medoid_state *state, const vt__cluster_work *work);
void vt__state_free(vt__medoid_state *state);
/* For vt__search: user is the state. */
void vt__state_judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out);
void vt__state_fetch(void *user, int64_t lane, int64_t j);
void vt__state_prepare(void *user, int64_t lane);
void vt__state_begin_pass(void *user, int64_t n_swap);
vt_status vt__state_take(void *user, const vt__move *move, int64_t j, const void *column);
vt__sum vt__state_loss(void *user);
/* What lane `lane` goes by, as it was prepared. */
const vtk_medoids *vt__state_medoids(const vt__medoid_state *state, int64_t lane);
/* vt__nearest_report. */
void vt__state_report(vt__medoid_state *state, vt__cluster_work *work);

#endif
