/* Mini-batch k-means: each batch is assigned at once, then every centre becomes the mean of all rows that have ever joined it, which is Sculley's
 * update with the per-centre learning rate 1 / count, taken for a batch in one step. Source: Sculley 2010, algorithm 1. What stops it is not in the
 * paper: a small move of the centres, or no better smoothed inertia for some batches. */
#include <math.h>
#include <stdio.h>

#include "kmeans/kmeans_internal.h"
#include "core/error.h"
#include "core/memory.h"

enum { PATIENCE = 10 };

typedef struct batches {
    vt__kmeans *km;
    int64_t size, n_panels;
    int32_t *rows; /* [size] drawn with replacement */
    void *panels;
    double inertia, best; /* smoothed, of a row; -1: none yet */
    int64_t n_worse;      /* batches since the best */
} batches;

static void draw_batch(batches *b) {
    for (int64_t i = 0; i < b->size; i++) b->rows[i] = (int32_t)vt__draw_below(&b->km->draws, b->km->points->rows.n);
    vt__points_pack(b->km->points, b->rows, b->size, b->panels);
}

/* The mean squared distance in the batch, smoothed over about half a pass. */
static void smooth(batches *b) {
    const vt__kmeans *km = b->km;
    double sum = 0, weight = 0, rate = 2.0 * (double)b->size / ((double)km->points->rows.n + 1);
    for (int64_t i = 0; i < b->size; i++) {
        double w = vt__points_weight(km->points, b->rows[i]);
        sum += w * vt__means_distance(&km->means, b->rows[i], km->labels[i]);
        weight += w;
    }
    if (weight <= 0) return;
    if (rate > 1) rate = 1;
    b->inertia = b->inertia < 0 ? sum / weight : (1 - rate) * b->inertia + rate * sum / weight;
    b->n_worse++;
    if (b->best >= 0 && b->inertia >= b->best) return;
    b->best = b->inertia;
    b->n_worse = 0;
}

/* Centres that no row has joined in a whole pass go to the rows of the batch that are farthest from theirs. */
static void wake_idle(batches *b) {
    vt__means *m = &b->km->means;
    const int64_t dim = b->km->points->rows.dim;
    for (int64_t c = 0; c < m->k; c++) {
        double farthest = 0;
        int64_t row = -1;
        if (m->counts[c]) continue;
        for (int64_t i = 0; i < b->size; i++) {
            double d = vt__points_weight(b->km->points, b->rows[i]) > 0 ? vt__means_distance(m, b->rows[i], b->km->labels[i]) : 0;
            if (d > farthest) farthest = d, row = i;
        }
        if (row < 0) return;
        for (int64_t d = 0; d < dim; d++) m->centres[c * dim + d] = vt__points_at(b->km->points, b->rows[row], d);
        b->km->labels[row] = (int32_t)c; /* it is near now, and no other centre takes it */
    }
}

/* One batch; *move: squared, of all centres. */
static void step(batches *b, double *move) {
    vt__kmeans *km = b->km;
    vt__means *m = &km->means;
    draw_batch(b);
    vt__means_pack(m);
    vt__means_assign(m, b->panels, b->n_panels, km->labels, km->scores);
    smooth(b);
    vt__means_add(m, b->rows, km->labels, b->size);
    *move = vt__means_centre(m);
}

static vt_status poll(const batches *b, int64_t i, int64_t n) {
    char message[64] = "";
    if (b->km->watch && b->km->watch->progress) (void)snprintf(message, sizeof message, "batch %lld, mean squared distance %.6g", (long long)i, b->inertia < 0 ? 0 : b->inertia);
    return vt__watch_poll(b->km->watch, (double)i / (double)n, message);
}

static vt_status run(batches *b) {
    vt__kmeans *km = b->km;
    const int64_t n = km->points->rows.n, a_pass = (n + b->size - 1) / b->size;
    const int64_t n_steps = km->params->max_iter > INT64_MAX / a_pass ? INT64_MAX : km->params->max_iter * a_pass;
    vt__means_clear(&km->means);
    for (km->n_iter = 0; km->n_iter < n_steps;) {
        double move;
        vt_status st = poll(b, km->n_iter, n_steps);
        if (st != VT_OK) return st;
        km->n_iter++;
        step(b, &move);
        if (km->n_iter % a_pass == 0) wake_idle(b);
        if (b->n_worse >= PATIENCE || (km->params->tolerance >= 0 && move <= km->params->tolerance * km->points->variance)) break;
    }
    return VT_OK;
}

vt_status vt__kmeans_mini_batch(vt__kmeans *km) {
    const vt__points *p = km->points;
    const int64_t size = km->params->batch_size < p->rows.n ? km->params->batch_size : p->rows.n;
    batches b = {.km = km, .size = size, .n_panels = vt__panels_of(size), .inertia = -1, .best = -1};
    b.rows = vt__calloc2(p->ctx, size, 1, sizeof *b.rows);
    b.panels = vt__alloc64_2(p->ctx, b.n_panels, p->rows.dim * VTK_PANEL, vt__points_size(p));
    vt_status st = b.rows && b.panels ? run(&b) : vt__fail_nomem("kmeans: batches", (size_t)size * sizeof *b.rows);
    vt__free(p->ctx, b.panels);
    vt__free(p->ctx, b.rows);
    return st;
}
