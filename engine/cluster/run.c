/* From options to a clustering: initial medoids, the method, the assignment, the handle. */
#include <math.h>

#include "cluster/method.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

/* Indexed by VT__CLUSTER_*. */
static vt_status (*const METHODS[VT__N_CLUSTER_METHODS])(vt__cluster_work *work) = {
    [VT__CLUSTER_FASTERPAM] = vt__fasterpam,     [VT__CLUSTER_FASTPAM1] = vt__fastpam1,       [VT__CLUSTER_PAM] = vt__pam,
    [VT__CLUSTER_ALTERNATING] = vt__alternating, [VT__CLUSTER_INIT_ONLY] = NULL,              [VT__CLUSTER_FASTERCLARA] = vt__fasterclara,
    [VT__CLUSTER_FASTCLARANS] = vt__fastclarans, [VT__CLUSTER_FASTERCLARANS] = vt__fastclarans, [VT__CLUSTER_FASTERMSC] = vt__fastermsc,
    [VT__CLUSTER_FASTMSC] = vt__fastmsc,         [VT__CLUSTER_DYNMSC] = vt__dynmsc,           [VT__CLUSTER_PAMMEDSIL] = vt__pammedsil,
    [VT__CLUSTER_PAMSIL] = vt__pamsil,
};

/* These draw their own initial medoids. */
static int is_sampled(int32_t method) {
    return method == VT__CLUSTER_FASTERCLARA || method == VT__CLUSTER_FASTCLARANS || method == VT__CLUSTER_FASTERCLARANS;
}

/* The distance vouches for sums over its objects; weights count each of them many times. */
static vt_status check_weights(const vt__cluster_work *w) {
    const double largest = fmax(vt__distance_bound(w->distance), vt__distance_far(w->distance));
    double together = 0;
    for (int64_t i = 0; i < w->n; i++) together += w->params->weights[i];
    const double sum = 2 * together * largest; /* of differences */
    if (vt__distance_is_whole(w->distance) ? sum < 0x1p63 : isfinite(sum)) return VT_OK;
    return vt__fail(VT_ERR_NUMERIC, "cluster: weights of %g together on distances up to %g, whose sums overflow", together, largest);
}

/* Distances that are computed when they are asked for, by a callback, are known to no bound beforehand. */
static vt_status check_loss(const vt__cluster_work *w) {
    if (isfinite(w->loss) || vt__distance_far(w->distance) > 0) return VT_OK;
    return vt__fail(VT_ERR_NUMERIC, "cluster: sums over %lld objects overflow float64", (long long)w->n);
}

static vt_status prepare(vt__cluster_work *w, void **weights) {
    const vt__cluster_params *p = w->params;
    w->medoids = vt__calloc2(w->ctx, p->k, 1, sizeof *w->medoids);
    w->labels = vt__calloc2(w->ctx, w->n, 1, sizeof *w->labels);
    w->nearest = vt__calloc2(w->ctx, w->n, 1, sizeof *w->nearest);
    w->second = vt__calloc2(w->ctx, w->n, 1, sizeof *w->second);
    if (!w->medoids || !w->labels || !w->nearest || !w->second) return vt__fail_nomem("cluster", (size_t)w->n * 20);
    if (!p->weights) return VT_OK;
    vt_status st = check_weights(w);
    w->weights = p->weights;
    if (st != VT_OK || !vt__distance_is_whole(w->distance)) return st;
    int64_t *whole = *weights = vt__calloc2(w->ctx, w->n, 1, sizeof *whole);
    if (!whole) return vt__fail_nomem("cluster", (size_t)w->n * sizeof *whole);
    for (int64_t i = 0; i < w->n; i++) whole[i] = (int64_t)p->weights[i];
    w->weights = whole;
    return VT_OK;
}

static vt_status work_out(vt__cluster_work *w) {
    vt_status st = is_sampled(w->params->method) ? VT_OK : vt__init_medoids(w);
    if (st == VT_OK && METHODS[w->params->method]) st = METHODS[w->params->method](w);
    if (st == VT_OK && !w->assigned) st = vt__assign(w);
    return st == VT_OK ? check_loss(w) : st;
}

vt_status vt__cluster_kmedoids(vt_distance *distance, const vt__cluster_params *params, vt_clustering **out) {
    vt__watch watch = params->watch;
    vt__cluster_work w = {.ctx = vt__distance_context(distance), .distance = distance, .n = vt__distance_count(distance), .params = params,
                          .watch = &watch, .draws = {params->seed}, .k = params->k};
    void *weights = NULL;
    *out = NULL;
    vt_status st = prepare(&w, &weights);
    if (st == VT_OK) st = work_out(&w);
    vt__free(w.ctx, weights);
    vt__clustering_parts parts = {.dtype = vt__distance_dtype(distance), .n = w.n, .k = w.k, .medoids = w.medoids, .labels = w.labels, .nearest = w.nearest,
                                  .second = w.second, .curve = w.curve, .k_min = params->k_min, .n_curve = w.n_curve, .n_iter = w.n_iter,
                                  .n_swap = w.n_swap, .integer_loss = w.integer_loss, .loss = w.loss, .silhouette = w.silhouette};
    if (st == VT_OK) return vt__clustering_create(w.ctx, distance, &parts, out);
    vt__free(w.ctx, w.medoids);
    vt__free(w.ctx, w.labels);
    vt__free(w.ctx, w.nearest);
    vt__free(w.ctx, w.second);
    vt__free(w.ctx, w.curve);
    return st;
}
