/* Doors of the room: k-medoids and silhouettes. */
#ifndef VENTURI_CLUSTER_CLUSTER_H
#define VENTURI_CLUSTER_CLUSTER_H

#include "core/watch.h"
#include "distance/distance.h"
#include "venturi/types.h"

enum {
    VT__CLUSTER_FASTERPAM, VT__CLUSTER_FASTPAM1, VT__CLUSTER_PAM, VT__CLUSTER_ALTERNATING, VT__CLUSTER_INIT_ONLY, VT__CLUSTER_FASTERCLARA,
    VT__CLUSTER_FASTCLARANS, VT__CLUSTER_FASTERCLARANS, VT__CLUSTER_FASTERMSC, VT__CLUSTER_FASTMSC, VT__CLUSTER_DYNMSC, VT__CLUSTER_PAMMEDSIL,
    VT__CLUSTER_PAMSIL, VT__N_CLUSTER_METHODS
};
enum { VT__INIT_GIVEN, VT__INIT_LAB, VT__INIT_RANDOM, VT__INIT_FIRST, VT__INIT_BUILD, VT__N_INITS }; /* GIVEN: params->medoids, which then are not NULL */

/* Options with their defaults filled in and checked against n. */
typedef struct vt__cluster_params {
    int32_t method, init;
    int shuffle, published;
    int64_t k, k_min, max_iter;
    uint64_t seed;
    const int64_t *medoids; /* [k] when init is GIVEN: distinct, in [0, n) */
    const double *weights;  /* [n] or NULL; finite, >= 0, whole with integer distances */
    int64_t sample_size, n_samples, n_local;
    double rate;
    vt__watch watch;
} vt__cluster_params;

vt_status vt__cluster_kmedoids(vt_distance *distance, const vt__cluster_params *params, vt_clustering **out);

vt_status vt__silhouette(const vt_distance *distance, const int32_t *labels, int64_t k, vt__watch *watch, double *out_samples, double *out_mean);
vt_status vt__medoid_silhouette(const vt_distance *distance, const int64_t *medoids, int64_t k, vt__watch *watch, double *out_samples, double *out_mean);

#endif
