/* What searches by medoid silhouette keep of every object: its three nearest medoids, their ratios, and of every medoid what its removal would change. */
#ifndef VENTURI_CLUSTER_MSC_H
#define VENTURI_CLUSTER_MSC_H

#include "cluster/eager.h"
#include "cluster/method.h"
#include "vtk.h"

/* The loss of an object is d1/d2, between 0 and 1; that of all is n less the sum of their medoid silhouettes. */
typedef struct vt__msc_state {
    vt_context *ctx;
    const vt_distance *distance;
    const vtk_table *vtk;
    int type;          /* of distances: VT__DISTANCE_*, the kernels' VTK_DISTANCE_* */
    int64_t *medoids;  /* [k] of the work; vt__search keeps them up to date */
    vtk_msc m;
    vtk_near3 *objects; /* m.objects */
    void *limits;      /* m.limits */
    double *to[2];     /* m.to */
    double *removal;   /* [k] */
    double *scratch;   /* [VT__SEARCH_LANES, scratch_len] */
    int64_t scratch_len;
    double *column;    /* [n] of a swap's candidate, as numbers */
    int64_t *rows;     /* [n_rows] objects that look for their third medoid */
    void *block;       /* [n_rows, k] their distances to all medoids */
    int64_t n_rows;
    double loss;       /* of all objects, summed freshly after every change */
    int keeps_ties;    /* of two medoids an object between them keeps the slot it has, the second to begin with: the published FasterMSC, not PAMMEDSIL */
    int is_published;  /* vt__cluster_params.published: judgements and the loss need not be exact after a drop */
    int32_t overlooked; /* during such a drop the slot whose distance does not count in the search for third medoids; else -1 */
} vt__msc_state;

/* Starts from work->medoids, at least 2 of them. Undone by vt__msc_free, also after a failure. */
vt_status vt__msc_init(vt__msc_state *state, vt__cluster_work *work);
void vt__msc_free(vt__msc_state *state);

/* For vt__search: user is the state. */
void vt__msc_judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out);
vt_status vt__msc_take(void *user, const vt__move *move, int64_t j, const void *column);
vt__sum vt__msc_loss(void *user);

vt__search vt__msc_search(vt__msc_state *state, vt__cluster_work *work, const int64_t *order);

/* Drops the medoid of a slot; that of the last slot takes its place. At least 2 must stay. */
vt_status vt__msc_drop(vt__msc_state *state, int32_t slot);

/* Mean medoid silhouette. */
double vt__msc_silhouette(const vt__msc_state *state);
/* [n] slots of the nearest medoids: of two as near, the one that the object had before. */
void vt__msc_labels(const vt__msc_state *state, int32_t *labels);
/* Fills the results that are the distances' to work->medoids, with such labels. */
vt_status vt__msc_report(vt__cluster_work *work, const int32_t *labels);

/* The whole method, from work->medoids to the results; judge as in vt__search, its user being the state. */
vt_status vt__msc_improve(vt__cluster_work *work, vt_status (*walk)(vt__search *search), vt__judge_fn judge);

/* n distances as numbers, 0 where below, infinity where far. */
void vt__msc_read(const vt__msc_state *state, const void *distances, int64_t n, double *out);
double vt__msc_ratio(double x, double y);

#endif
