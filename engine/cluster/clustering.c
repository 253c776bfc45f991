#include "cluster/clustering.h"

#include <stdatomic.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

struct vt_clustering {
    atomic_int refs;
    vt_context *ctx;
    vt_distance *distance; /* NULL: k-means */
    vt__clustering_parts parts;
};

static void free_parts(vt_context *ctx, vt__clustering_parts *p) {
    vt__free(ctx, p->medoids);
    vt__free(ctx, p->labels);
    vt__free(ctx, p->nearest);
    vt__free(ctx, p->second);
    vt__free(ctx, p->centroids);
    vt__free(ctx, p->curve);
}

vt_status vt__clustering_create(vt_context *ctx, vt_distance *distance, vt__clustering_parts *parts, vt_clustering **out) {
    *out = NULL;
    vt_clustering *c = vt__calloc(ctx, sizeof *c);
    if (!c) {
        free_parts(ctx, parts);
        return vt__fail_nomem("clustering", sizeof *c);
    }
    atomic_init(&c->refs, 1);
    c->ctx = vt__context_retain(ctx);
    c->distance = distance ? vt__distance_retain(distance) : NULL;
    c->parts = *parts;
    *out = c;
    return VT_OK;
}

vt_clustering *vt__clustering_retain(vt_clustering *clustering) {
    if (clustering) atomic_fetch_add(&clustering->refs, 1);
    return clustering;
}

void vt__clustering_release(vt_clustering *clustering) {
    if (!clustering || atomic_fetch_sub(&clustering->refs, 1) != 1) return;
    vt_context *ctx = clustering->ctx;
    free_parts(ctx, &clustering->parts);
    vt__distance_release(clustering->distance);
    vt__free(ctx, clustering);
    vt__context_release(ctx);
}

const vt__clustering_parts *vt__clustering_parts_of(const vt_clustering *clustering) { return &clustering->parts; }
vt_context *vt__clustering_context(const vt_clustering *clustering) { return clustering->ctx; }
vt_distance *vt__clustering_distance(const vt_clustering *clustering) { return clustering->distance; }
