/* Voronoi iteration: assign, take the best member of each cluster as its medoid, again. A baseline that k-medoids are often taken for, and clearly
 * worse than swaps. As in the method's published implementations a member's sum is over D(member, o), its distances to the others: on asymmetric input
 * this is not what the loss adds up. */
#include <string.h>

#include "cluster/state.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"

/* Distances of a batch of candidates. */
enum { BATCH_SIZE = 1 << 20 };

typedef struct alternation {
    vt__cluster_work *work;
    vt__nearest_two near;
    int64_t *members; /* [n] objects cluster by cluster */
    int64_t *starts;  /* [k + 1] where clusters begin in members */
    vt__sum *weights; /* [n] of members; NULL: all 1 */
    vt__sum *sums;    /* [n] of members */
} alternation;

typedef struct batch {
    const alternation *a;
    const char *block; /* [.., n] */
    const vt__sum *weights;
    vt__sum *sums;
    int64_t n;
} batch;

static vt_status init(alternation *a, vt__cluster_work *work) {
    *a = (alternation){.work = work};
    vt_status st = vt__nearest_init(&a->near, work);
    if (st != VT_OK) return st;
    a->members = vt__calloc2(work->ctx, work->n, 1, sizeof *a->members);
    a->starts = vt__calloc2(work->ctx, work->k + 1, 1, sizeof *a->starts);
    a->sums = vt__calloc2(work->ctx, work->n, 1, sizeof *a->sums);
    a->weights = work->weights ? vt__calloc2(work->ctx, work->n, 1, sizeof *a->weights) : NULL;
    if (!a->members || !a->starts || !a->sums || (work->weights && !a->weights)) return vt__fail_nomem("cluster", (size_t)work->n * sizeof *a->sums);
    return VT_OK;
}

static void free_all(alternation *a) {
    vt__free(a->work->ctx, a->members);
    vt__free(a->work->ctx, a->starts);
    vt__free(a->work->ctx, a->sums);
    vt__free(a->work->ctx, a->weights);
    vt__nearest_free(&a->near);
}

/* Members in ascending order within their cluster: a counting sort by label. */
static void list_members(alternation *a) {
    const vtk_medoids *m = &a->near.m;
    memset(a->starts, 0, (size_t)(m->k + 1) * sizeof *a->starts);
    for (int64_t o = 0; o < m->n; o++) a->starts[m->slot1[o] + 1]++;
    for (int64_t i = 0; i < m->k; i++) a->starts[i + 1] += a->starts[i];
    for (int64_t o = 0; o < m->n; o++) {
        int64_t at = a->starts[m->slot1[o]]++;
        a->members[at] = o;
        if (a->weights) a->weights[at] = ((const vt__sum *)m->weights)[o];
    }
    memmove(a->starts + 1, a->starts, (size_t)m->k * sizeof *a->starts);
    a->starts[0] = 0;
}

static void sum_member(void *user, int64_t i) {
    const batch *b = user;
    const vt__nearest_two *near = &b->a->near;
    near->vtk->medoid_total[near->type](&b->sums[i], b->block + (size_t)(i * b->n) * vt__distance_size(near->distance), NULL, b->weights, b->n);
}

/* The sums of the members first..first + n - 1 of all. */
static vt_status sum_cluster(alternation *a, int64_t first, int64_t n) {
    vt__cluster_work *work = a->work;
    size_t size = vt__distance_size(work->distance);
    int64_t fit = BATCH_SIZE / (n * (int64_t)size) + 1, n_rows = fit < n ? fit : n;
    void *block = vt__alloc64_2(work->ctx, n_rows, n, size);
    vt_status st = block ? VT_OK : vt__fail_nomem("cluster", (size_t)n * size);
    for (int64_t i = 0; i < n && st == VT_OK; i += n_rows) {
        batch b = {a, block, a->weights ? a->weights + first : NULL, a->sums + first + i, n};
        int64_t rows = n - i < n_rows ? n - i : n_rows;
        st = vt__watch_poll(work->watch, -1, "medoids of clusters");
        if (st == VT_OK) st = vt__distance_gather(work->distance, a->members + first + i, rows, a->members + first, n, block);
        if (st == VT_OK) vt__parallel(work->ctx, rows, sum_member, &b);
    }
    vt__free(work->ctx, block);
    return st;
}

/* Of equals the medoid that is, else the first. */
static vt_status move_medoids(alternation *a, int *moved) {
    vt__cluster_work *work = a->work;
    *moved = 0;
    for (int64_t slot = 0; slot < work->k; slot++) {
        int64_t first = a->starts[slot], last = a->starts[slot + 1], best = first;
        vt_status st = sum_cluster(a, first, last - first);
        if (st != VT_OK) return st;
        while (a->members[best] != work->medoids[slot]) best++;
        for (int64_t i = first; i < last; i++)
            if (vt__sum_less(vt__distance_is_whole(a->work->distance), a->sums[i], a->sums[best])) best = i;
        *moved |= a->members[best] != work->medoids[slot];
        work->medoids[slot] = a->members[best];
    }
    return VT_OK;
}

vt_status vt__alternating(vt__cluster_work *work) {
    alternation a;
    int moved = 1;
    vt_status st = init(&a, work);
    if (st == VT_OK) st = vt__nearest_assign(&a.near, work->medoids, work->k, work->watch);
    while (st == VT_OK && moved && work->n_iter < work->params->max_iter) {
        work->n_iter++;
        list_members(&a);
        st = move_medoids(&a, &moved);
        if (st == VT_OK && moved) st = vt__nearest_assign(&a.near, work->medoids, work->k, work->watch);
    }
    if (st == VT_OK) vt__nearest_report(&a.near, work);
    free_all(&a);
    return st;
}
