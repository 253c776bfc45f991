/* Lloyd's iteration: rows to their nearest centroids, centroids to the means of their rows. Source: Lloyd 1982. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kmeans/kmeans_internal.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/sort.h"

enum { ROWS_A_CHUNK = 256 };

typedef struct farness {
    const vt__kmeans *km;
    double *distances; /* [n] of each row to the centre of its label */
} farness;

static void measure_chunk(void *user, int64_t chunk) {
    const farness *f = user;
    const vt__kmeans *km = f->km;
    const int64_t n = km->points->rows.n, end = (chunk + 1) * ROWS_A_CHUNK < n ? (chunk + 1) * ROWS_A_CHUNK : n;
    for (int64_t i = chunk * ROWS_A_CHUNK; i < end; i++) f->distances[i] = vt__means_distance(&km->means, i, km->labels[i]);
}

static int is_farther(const void *user, int64_t a, int64_t b) {
    const farness *f = user;
    return f->distances[a] > f->distances[b];
}

/* Row i goes from its cluster to the empty one c. */
static void give(vt__kmeans *km, int64_t i, int64_t c) {
    vt__means *m = &km->means;
    const int64_t dim = km->points->rows.dim, from = km->labels[i];
    const double weight = vt__points_weight(km->points, i);
    double *to = m->sums + c * dim;
    for (int64_t d = 0; d < dim; d++) {
        to[d] = weight * vt__points_at(km->points, i, d);
        m->sums[from * dim + d] -= to[d];
    }
    m->mass[from] -= weight, m->counts[from]--;
    m->mass[c] = weight, m->counts[c] = 1;
    km->labels[i] = (int32_t)c;
}

/* Empty clusters take the rows farthest from their centroids, the farthest first, but no cluster's last one; where all rows lie on their centroids
 * the cluster stays as it is. Returns how many rows moved. */
static vt_status fill_empty(vt__kmeans *km, int64_t *n_moved) {
    const int64_t n = km->points->rows.n, n_chunks = (n + ROWS_A_CHUNK - 1) / ROWS_A_CHUNK;
    vt__means *m = &km->means;
    int64_t empty = 0, at = 0;
    *n_moved = 0;
    for (int64_t c = 0; c < m->k; c++) empty += m->counts[c] == 0;
    if (!empty) return VT_OK;
    vt_context *ctx = km->points->ctx;
    farness f = {km, vt__calloc2(ctx, n, 1, sizeof *f.distances)};
    int64_t *order = vt__calloc2(ctx, n, 1, sizeof *order);
    vt_status st = f.distances && order ? VT_OK : vt__fail_nomem("kmeans", (size_t)n * 16);
    for (int64_t i = 0; st == VT_OK && i < n; i++) order[i] = i;
    if (st == VT_OK) vt__parallel(ctx, n_chunks, measure_chunk, &f);
    if (st == VT_OK && vt__sort(ctx, order, n, is_farther, &f)) st = vt__fail_nomem("kmeans", (size_t)n * 8);
    for (int64_t c = 0; st == VT_OK && c < m->k; c++) {
        if (m->counts[c]) continue;
        while (at < n && (m->counts[km->labels[order[at]]] < 2 || vt__points_weight(km->points, order[at]) <= 0)) at++;
        if (at == n || f.distances[order[at]] <= 0) break;
        give(km, order[at++], c);
        (*n_moved)++;
    }
    vt__free(ctx, order);
    vt__free(ctx, f.distances);
    return st;
}

/* Sums follow the rows that changed their cluster. */
static int64_t follow(vt__kmeans *km) {
    vt__means *m = &km->means;
    const int64_t n = km->points->rows.n;
    if (km->n_iter > 1 && !km->points->weights) return vt__means_move(m, km->before, km->labels, n);
    vt__means_clear(m);
    vt__means_add(m, NULL, km->labels, n);
    return km->n_iter > 1 ? memcmp(km->before, km->labels, (size_t)n * sizeof *km->labels) != 0 : n;
}

static vt_status poll(const vt__kmeans *km, int64_t n_moved) {
    char message[64] = "";
    if (km->watch && km->watch->progress) (void)snprintf(message, sizeof message, "pass %lld: %lld rows moved", (long long)km->n_iter, (long long)n_moved);
    return vt__watch_poll(km->watch, -1, message);
}

vt_status vt__kmeans_lloyd(vt__kmeans *km) {
    vt__means *m = &km->means;
    const vt__kmeans_params *p = km->params;
    int64_t n_moved = 0;
    vt_status st = VT_OK;
    for (km->n_iter = 0; km->n_iter < p->max_iter && st == VT_OK;) {
        int64_t n_given = 0;
        int32_t *labels = km->before;
        km->before = km->labels;
        km->labels = labels;
        km->n_iter++;
        st = poll(km, n_moved);
        if (st != VT_OK) break;
        vt__means_pack(m);
        vt__means_assign(m, km->points->panels, km->points->n_panels, km->labels, km->scores);
        n_moved = follow(km);
        st = fill_empty(km, &n_given);
        if (st != VT_OK) break;
        double move = vt__means_centre(m);
        if (n_moved + n_given == 0 || (p->tolerance >= 0 && move <= p->tolerance * km->points->variance)) break;
    }
    if (st != VT_OK || km->points->weights) return st;
    vt__means_clear(m); /* sums that were moved about are in the last bits not those of the rows */
    vt__means_add(m, NULL, km->labels, km->points->rows.n);
    (void)vt__means_centre(m);
    return st;
}
