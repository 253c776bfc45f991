/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Clustering: k-medoids on any distance (the FasterPAM family, CLARA, CLARANS, medoid silhouette) and k-means on rows. k-medoids minimises the
 * sum over all objects of the distance to the nearest of k objects, the medoids. A result depends on its inputs and options alone: never on the
 * number of threads. Sources: Schubert and Rousseeuw, "Fast and Eager k-Medoids Clustering", Inf. Syst. 101, 2021; Lenssen and Schubert,
 * "Medoid Silhouette clustering with automatic cluster number selection", Inf. Syst. 120, 2024. */
#ifndef VENTURI_CLUSTER_H
#define VENTURI_CLUSTER_H

#include "venturi/distance.h"
#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How medoids are improved. Travels as int32_t. */
enum {
    VT_CLUSTER_FASTERPAM = 0,   /* eager: takes every improving swap at once; the choice for nearly everything */
    VT_CLUSTER_FASTPAM1 = 1,    /* best swap of each pass: the result of PAM, a factor of k sooner */
    VT_CLUSTER_PAM = 2,         /* the original, every pair by itself: for comparison */
    VT_CLUSTER_ALTERNATING = 3, /* k-means style (Voronoi iteration): fast and clearly worse; a baseline */
    VT_CLUSTER_INIT_ONLY = 4,   /* the initial medoids as they are: with VT_INIT_BUILD the BUILD phase alone */
    VT_CLUSTER_FASTERCLARA = 5, /* FasterPAM on samples, the best of them */
    VT_CLUSTER_FASTCLARANS = 6, /* random swaps, all k removals of a draw at once */
    VT_CLUSTER_FASTERCLARANS = 7, /* the same procedure as the above, which is eager by nature */
    VT_CLUSTER_FASTERMSC = 8,   /* maximises the mean medoid silhouette, eagerly */
    VT_CLUSTER_FASTMSC = 9,     /* the same, best swap of each pass */
    VT_CLUSTER_DYNMSC = 10,     /* FasterMSC from k down to k_min; keeps the k with the largest mean medoid silhouette */
    VT_CLUSTER_PAMMEDSIL = 11,  /* FastMSC's result, every pair by itself: for comparison */
    VT_CLUSTER_PAMSIL = 12      /* maximises the mean silhouette itself, O(k n^3): for comparison, small n only */
};

/* Where medoids come from. */
enum {
    VT_INIT_DEFAULT = 0, /* the given medoids if there are any, else VT_INIT_LAB */
    VT_INIT_LAB = 1,     /* linear approximative BUILD, O(nk): Schubert and Rousseeuw 2019 */
    VT_INIT_RANDOM = 2,  /* k objects drawn evenly */
    VT_INIT_FIRST = 3,   /* objects 0..k-1; FASTERCLARA: of the sample, which begins with the best medoids so far */
    VT_INIT_BUILD = 4    /* greedy, O(n^2 k); stops early when no further medoid improves, so there can be fewer than k */
};

enum { VT_CLUSTER_SHUFFLE = 1 }; /* eager methods visit candidates in a random order that the seed fixes, not 0..n-1 */

typedef struct vt_cluster_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_CLUSTER_SHUFFLE; 2: VT_CLUSTER_PUBLISHED of venturi_experimental.h */
    int32_t method;       /* VT_CLUSTER_* */
    int32_t init;         /* VT_INIT_* */
    int64_t k;            /* medoids wanted, 1 to n; 0: as many as are given. VT_CLUSTER_DYNMSC: the largest k tried */
    int64_t k_min;        /* VT_CLUSTER_DYNMSC: the smallest k tried; 0: 2 */
    int64_t max_iter;     /* passes at most; 0: 100. FASTERCLARA: of each FasterPAM; DYNMSC: for each k; (FASTER)CLARANS: not used, must be 0 */
    uint64_t seed;        /* draws are splitmix64, word i of a seed a pure function of both: LAB, RANDOM, CLARA, CLARANS, SHUFFLE */
    const int64_t *medoids; /* [n_medoids] distinct objects to start from (warm start); copied. FASTERCLARA: the best so far, so that every sample has them
                             * until better ones are found, the first one starts from them, and the result is never worse; later samples start with LAB */
    int64_t n_medoids;      /* must be k where both are given */
    const double *weights;  /* [n] of each object, finite, >= 0, not all 0; whole numbers up to 2^31 with integer distances; NULL: all 1. The loss
                             * counts each object so many times; DYNMSC, MSC, PAMSIL refuse them */
    int64_t sample_size;  /* FASTERCLARA: objects of a sample; 0: 80 + 4k; at most n are taken */
    int64_t n_samples;    /* FASTERCLARA: samples; 0: 5 */
    int64_t n_local;      /* (FASTER)CLARANS: restarts; 0: 2 */
    double rate;          /* (FASTER)CLARANS: stops a restart after ceil(rate (n - k)) draws in a row without a gain; 0: 0.025 */
    vt_cancel *cancel;    /* may be NULL */
    vt_progress_fn progress; /* may be NULL; called on the calling thread, at most about ten times a second; non-zero cancels */
    void *progress_user;
} vt_cluster_options;

/**
 * Clusters the objects of a distance around medoids. An option that the method does not use must be 0 or NULL; only a seed is always taken.
 *
 * Ties: the first candidate in order and the lowest slot win. Duplicates are fine: a medoid belongs to itself, at 0. k == n gives every object its own
 * cluster. Integer distances give the same clustering on every machine; float ones can differ between instruction sets where sums tie to the last bits.
 * Silhouettes (MSC, PAMMEDSIL, PAMSIL) need 2 medoids or more, work in float64 and take distances below 0 for 0. Medoid silhouettes are as in
 * vt_medoid_silhouette, also of what cannot be reached. PAMSIL keeps all n x n distances, and of equal swaps takes that of the lowest slot.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE (k > n; too few medoids for silhouettes or k_min, where VT_INIT_BUILD stopped early), VT_ERR_NUMERIC (sums
 *          would overflow; a bad value from a callback), VT_ERR_CANCELLED, VT_ERR_NOMEM, or what a distance callback answered. Nothing half-made is left.
 * Cost:    FASTERPAM O(n^2) a pass, a handful of passes; O(n + k) memory beside the distance's, and up to an eighth of a
 *          symmetric matrix of 1,000 objects or more, if there is that much: later passes then read less.
 * Threads: uses the context's; several calls may run on one distance.
 */
VT_API VT_MUST_USE vt_status vt_cluster_kmedoids(vt_distance *distance, const vt_cluster_options *opt, vt_clustering **out);

/* ---- k-means: rows of numbers, squared Euclidean distance to centroids that are means ---- */

enum { VT_KMEANS_LLOYD = 0,
       VT_KMEANS_MINI_BATCH = 1 }; /* Sculley 2010: batches drawn with replacement, each centroid the mean of all rows that have joined it so far */
enum { VT_KMEANS_INIT_DEFAULT = 0,   /* the given centroids if there are any, else k-means++ */
       VT_KMEANS_INIT_PLUS_PLUS = 1, /* Arthur and Vassilvitskii 2007, of 2 + ln k draws the best; MINI_BATCH: on a sample of three batches (or 3k rows) */
       VT_KMEANS_INIT_RANDOM = 2 };  /* k rows drawn evenly */

typedef struct vt_kmeans_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int32_t method;       /* VT_KMEANS_* */
    int32_t init;         /* VT_KMEANS_INIT_* */
    int64_t k;            /* 1 to n */
    int64_t max_iter;     /* 0: 300 (LLOYD), 100 passes' worth of batches (MINI_BATCH) */
    int64_t n_init;       /* starts, the best of which is kept; 0: 1 */
    int64_t batch_size;   /* MINI_BATCH only; 0: 1024 */
    double tolerance;     /* stops when the squared move of all centroids together is at most this times the mean variance of a column; 0: 1e-4; < 0: only
                           * when no label changes. MINI_BATCH: the move in one batch, < 0: never; it also stops when the smoothed inertia has not
                           * fallen for 10 batches */
    uint64_t seed;
    const void *centroids; /* [k, dim] of the rows' dtype to start from; NULL: init; copied */
    const double *weights; /* [n] finite, >= 0, not all 0; NULL: all 1 */
    vt_cancel *cancel;
    vt_progress_fn progress;
    void *progress_user;
} vt_kmeans_options;

/**
 * data    [n, dim] VT_DTYPE_F32 or VT_DTYPE_F64, rows stride elements apart (0: dim); borrowed for the call.
 * LLOYD stops like the field's libraries: no label changes, the move is within the tolerance, or max_iter passes. A cluster that loses all its rows
 * takes the row farthest from its centroid, the farthest first where there are several; it stays empty only where fewer than k rows differ.
 * Weights count a row so many times in means, inertia and k-means++. Ties go to the lower centroid. Labels, distances and inertia are those of the
 * final centroids, worked out directly, and vt_clustering_predict says the same of the same rows.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE (k > n), VT_ERR_DTYPE, VT_ERR_NUMERIC (NaN or an infinity: names the row; or rows so far apart that squared
 *          distances overflow), VT_ERR_CANCELLED, VT_ERR_NOMEM.
 * Cost:    O(n k dim) a pass; a packed copy of the rows.
 * Threads: uses the context's; the result does not depend on how many.
 */
VT_API VT_MUST_USE vt_status vt_cluster_kmeans(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride,
                                               const vt_kmeans_options *opt, vt_clustering **out);

/* ---- results: immutable, shareable ---- */

VT_API vt_clustering *vt_clustering_retain(vt_clustering *clustering);
VT_API void vt_clustering_release(vt_clustering *clustering);

typedef struct vt_clustering_info {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    int32_t dtype;        /* of the distances, or of k-means' rows */
    int64_t n;            /* objects */
    int64_t k;            /* clusters: medoids or centroids */
    int64_t n_iter;       /* passes, the one that found nothing included; DYNMSC: of all k; CLARANS: draws evaluated in all
                           * restarts; CLARA: of the best sample's FasterPAM (0: the given medoids were better); MINI_BATCH: batches */
    int64_t n_swap;       /* swaps taken, likewise; k-means: 0 */
    double loss;          /* sum of (weighted) distances to the medoids; infinite when an object of weight > 0 has no reachable medoid; k-means: inertia */
    int64_t integer_loss; /* the same, exactly, for integer distances; else 0 */
    double silhouette;    /* what the MSC methods (mean medoid silhouette) and PAMSIL (mean silhouette) made as large as they could; else 0 */
    int64_t dim;          /* k-means: columns; else 0 */
} vt_clustering_info;

/** Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_clustering_get_info(const vt_clustering *clustering, vt_clustering_info *out);
/** [k] object numbers; labels are positions in it. NULL for k-means. Borrowed from the clustering, like all below. */
VT_API const int64_t *vt_clustering_medoids(const vt_clustering *clustering);
/** [n] cluster of each object, in [0, k). */
VT_API const int32_t *vt_clustering_labels(const vt_clustering *clustering);
/** [n] float64 distance to the object's medoid (k-means: squared, to its centroid). */
VT_API const double *vt_clustering_nearest(const vt_clustering *clustering);
/** [n] float64 distance to the nearest other medoid; infinity where there is none. NULL for k-means. */
VT_API const double *vt_clustering_second(const vt_clustering *clustering);
/** [k, dim] of the rows' dtype; NULL unless k-means. */
VT_API const void *vt_clustering_centroids(const vt_clustering *clustering);
/** DYNMSC: the whole curve, k in [k_min, k_min + *n): mean medoid silhouette of each; else NULL and *n = 0. */
VT_API const double *vt_clustering_curve(const vt_clustering *clustering, int64_t *k_min, int64_t *n);

/**
 * Clusters of new points: the nearest medoid or centroid of each.
 *
 * data        [m, dim] of the dtype and metric that the clustering's rows had (k-means, or a distance of dense rows or bits; others: VT_ERR_UNSUPPORTED).
 * out_labels  [m] int32; out_distances [m] float64 or NULL. Caller's memory, written in full on VT_OK.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE, VT_ERR_DTYPE, VT_ERR_NUMERIC, VT_ERR_UNSUPPORTED, VT_ERR_NOMEM, VT_ERR_CANCELLED.
 */
VT_API VT_MUST_USE vt_status vt_clustering_predict(const vt_clustering *clustering, const void *data, int32_t dtype, int64_t m, int64_t dim, int64_t stride,
                                                   vt_cancel *cancel, int32_t *out_labels, double *out_distances);

/**
 * Silhouettes of any partition (Rousseeuw 1987): s = (b - a) / max(a, b), a the mean distance to the other members of the object's cluster, b the
 * smallest mean distance to another cluster; 0 for a cluster of one, where there is no other cluster, and for 0/0. Distances below 0 count as 0.
 * A mean with plus infinity in it is infinite: a alone gives -1, b alone 1, both 0.
 *
 * labels       [n] int32 in [0, k); clusters may be empty.
 * out_samples  [n] float64, or NULL.  out_mean: their mean. Integer distances are averaged in float64.
 * Errors:  VT_ERR_INVALID, VT_ERR_NUMERIC, VT_ERR_NOMEM, VT_ERR_CANCELLED, or a callback's.
 * Cost:    O(n^2); memory O(n + k).
 */
VT_API VT_MUST_USE vt_status vt_silhouette(vt_distance *distance, const int32_t *labels, int64_t k, vt_cancel *cancel, double *out_samples, double *out_mean);

/**
 * Medoid silhouettes: 1 - d1/d2 of each object's nearest and second nearest medoid; 1 where d1 is 0 or below, and for the medoids themselves; 1 where
 * only the nearest can be reached, 0 where none can.
 *
 * medoids  [k] distinct objects, 2 <= k <= n. Otherwise as vt_silhouette. Errors: also VT_ERR_SHAPE. Cost: O(nk).
 */
VT_API VT_MUST_USE vt_status vt_medoid_silhouette(vt_distance *distance, const int64_t *medoids, int64_t k, vt_cancel *cancel, double *out_samples, double *out_mean);

#ifdef __cplusplus
}
#endif
#endif
