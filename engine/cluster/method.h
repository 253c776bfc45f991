/* What the k-medoids methods have in common: the work that run.c hands to one of them and makes a clustering of. */
#ifndef VENTURI_CLUSTER_METHOD_H
#define VENTURI_CLUSTER_METHOD_H

#include "cluster/cluster.h"
#include "cluster/clustering.h"
#include "cluster/draw.h"

typedef struct vt__cluster_work {
    vt_context *ctx;
    const vt_distance *distance;
    int64_t n;
    const vt__cluster_params *params;
    vt__watch *watch;
    vt__draws draws; /* the seed's, after what the initialisation has drawn */
    const void *weights; /* [n] of the sums' type (float64, or int64 for integer distances); NULL: all 1 */

    int is_sample; /* of FasterCLARA: swaps that change nothing are taken as its reference values have it, others as the published FasterPAM does */

    int64_t *medoids; /* [k] in: the initial ones; out: the result, k may have become smaller */
    int64_t k;

    /* Results; a method that keeps labels itself fills these and sets assigned, for others run.c assigns each object to its nearest medoid. */
    int assigned;
    int32_t *labels;          /* [n] */
    double *nearest, *second; /* [n]; infinity for none, and for a distance of vt__distance_far or more */
    double loss;
    int64_t integer_loss;
    int64_t n_iter, n_swap;
    double silhouette; /* of the MSC family and PAMSIL */
    double *curve;     /* [n_curve] block of vt__alloc, owned by the work; DYNMSC */
    int64_t n_curve;
} vt__cluster_work;

/* Initial medoids (init.c): fills work->medoids and k, draws from work->draws. */
vt_status vt__init_medoids(vt__cluster_work *work);

/* Methods. Each starts from work->medoids. */
vt_status vt__fasterpam(vt__cluster_work *work);
vt_status vt__fastpam1(vt__cluster_work *work);
vt_status vt__pam(vt__cluster_work *work);
vt_status vt__alternating(vt__cluster_work *work);
vt_status vt__fasterclara(vt__cluster_work *work); /* draws samples and initial medoids itself */
vt_status vt__fastclarans(vt__cluster_work *work); /* likewise */
vt_status vt__fastermsc(vt__cluster_work *work);
vt_status vt__fastmsc(vt__cluster_work *work);
vt_status vt__dynmsc(vt__cluster_work *work);
vt_status vt__pammedsil(vt__cluster_work *work);
vt_status vt__pamsil(vt__cluster_work *work);

/* Nearest and second nearest medoid of every object (assign.c), the rule of medoids that belong to themselves included; fills labels, nearest,
 * second, loss, integer_loss. */
vt_status vt__assign(vt__cluster_work *work);

#endif
