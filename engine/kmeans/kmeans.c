/* k-means: rows are centred and packed once; each start seeds, iterates, and is judged by its inertia; the best becomes the clustering. */
#include "kmeans/kmeans_internal.h"

#include <math.h>

#include "cluster/clustering.h"
#include "core/error.h"
#include "core/memory.h"

static vt_status run_init(vt__kmeans *km) {
    const vt__points *p = km->points;
    const int64_t padded = p->n_panels * VTK_PANEL;
    vt_status st = vt__means_init(&km->means, p, km->params->k, p->rows.n);
    if (st != VT_OK) return st;
    km->labels = vt__calloc2(p->ctx, padded, 1, sizeof *km->labels);
    km->before = vt__calloc2(p->ctx, padded, 1, sizeof *km->before);
    km->scores = vt__alloc64_2(p->ctx, padded, 1, vt__points_size(p));
    return km->labels && km->before && km->scores ? VT_OK : vt__fail_nomem("kmeans", (size_t)padded * 16);
}

static void run_free(vt__kmeans *km) {
    vt_context *ctx = km->points->ctx;
    vt__means_free(&km->means);
    vt__free(ctx, km->labels);
    vt__free(ctx, km->before);
    vt__free(ctx, km->scores);
}

static vt_status parts_init(vt__clustering_parts *parts, const vt__points *p, int64_t k) {
    *parts = (vt__clustering_parts){.dtype = p->rows.dtype, .n = p->rows.n, .k = k, .dim = p->rows.dim};
    parts->labels = vt__calloc2(p->ctx, parts->n, 1, sizeof *parts->labels);
    parts->nearest = vt__calloc2(p->ctx, parts->n, 1, sizeof *parts->nearest);
    parts->centroids = vt__calloc2(p->ctx, k, parts->dim, vt__points_size(p));
    return parts->labels && parts->nearest && parts->centroids ? VT_OK : vt__fail_nomem("kmeans", (size_t)parts->n * 12);
}

static void parts_free(vt__clustering_parts *parts, vt_context *ctx) {
    vt__free(ctx, parts->labels);
    vt__free(ctx, parts->nearest);
    vt__free(ctx, parts->centroids);
}

/* The centroids where the rows are, and everything that follows from them: what predict says of the same rows. */
static vt_status report(const vt__kmeans *km, vt__clustering_parts *parts) {
    const vt__points *p = km->points;
    for (int64_t i = 0; i < parts->k * parts->dim; i++) {
        double x = km->means.centres[i] + p->shift[i % parts->dim];
        if (!isfinite(x)) return vt__fail(VT_ERR_NUMERIC, "kmeans: weighted sums of %lld rows overflow", (long long)parts->n);
        if (p->rows.dtype == VT_DTYPE_F32) ((float *)parts->centroids)[i] = (float)x;
        else ((double *)parts->centroids)[i] = x;
    }
    vt_status st = vt__nearest_centroids(p->ctx, parts->centroids, parts->k, &p->rows, km->watch, parts->labels, parts->nearest);
    parts->loss = 0;
    for (int64_t i = 0; st == VT_OK && i < parts->n; i++) parts->loss += vt__points_weight(p, i) * parts->nearest[i];
    parts->n_iter = km->n_iter;
    if (st == VT_OK && !isfinite(parts->loss)) return vt__fail(VT_ERR_NUMERIC, "kmeans: the inertia of %lld rows overflows", (long long)parts->n);
    return st;
}

/* parts: the best of all starts, of which the first of several wins. */
static vt_status search(vt__kmeans *km, vt__clustering_parts *parts) {
    const vt__kmeans_params *params = km->params;
    vt__clustering_parts trial;
    vt_status st = parts_init(&trial, km->points, params->k);
    for (int64_t start = 0; st == VT_OK && start < params->n_init; start++) {
        st = vt__kmeans_seed(km);
        if (st == VT_OK) st = params->mini_batch ? vt__kmeans_mini_batch(km) : vt__kmeans_lloyd(km);
        if (st == VT_OK) st = report(km, &trial);
        if (st != VT_OK || (start > 0 && !(trial.loss < parts->loss))) continue;
        vt__clustering_parts old = *parts;
        *parts = trial;
        trial = old;
    }
    parts_free(&trial, km->points->ctx);
    return st;
}

vt_status vt__cluster_kmeans(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, const vt__kmeans_params *params,
                             vt_clustering **out) {
    const vt__rows_view rows = {data, dtype, n, dim, stride};
    vt__watch watch = params->watch;
    vt__points points;
    vt__clustering_parts parts = {0};
    *out = NULL;
    vt__kmeans km = {.points = &points, .params = params, .watch = &watch, .draws = {params->seed}, .means = {.points = &points}};
    vt_status st = vt__points_init(&points, ctx, &rows, params->weights);
    if (st == VT_OK) st = run_init(&km);
    if (st == VT_OK) st = parts_init(&parts, &points, params->k);
    if (st == VT_OK) st = search(&km, &parts);
    run_free(&km);
    vt__points_free(&points);
    if (st == VT_OK) return vt__clustering_create(ctx, NULL, &parts, out);
    parts_free(&parts, ctx);
    return st;
}
