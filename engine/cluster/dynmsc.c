/* DynMSC: FasterMSC from k down to k_min on one state, a medoid dropped in between; the best k stays. Source: Lenssen and Schubert, Inf. Syst. 120,
 * 2024, section 5. */
#include <string.h>

#include "cluster/msc.h"
#include "core/error.h"
#include "core/memory.h"

/* Medoids and labels of the best k so far. */
typedef struct best {
    double silhouette;
    int64_t k;
    int64_t *medoids;
    int32_t *labels;
} best;

static void keep_if_best(best *b, const vt__msc_state *state) {
    const double silhouette = vt__msc_silhouette(state);
    if (b->k && !(silhouette > b->silhouette)) return;
    b->silhouette = silhouette;
    b->k = state->m.k;
    memcpy(b->medoids, state->medoids, (size_t)b->k * sizeof *b->medoids);
    vt__msc_labels(state, b->labels);
}

/* The slot with the smallest removal term: the choice of the published program, whose curves ours are to equal. */
static int32_t slot_to_drop(const vt__msc_state *state) {
    int32_t slot = 0;
    for (int32_t i = 1; i < state->m.k; i++)
        if (state->removal[i] < state->removal[slot]) slot = i;
    return slot;
}

static vt_status descend(vt__cluster_work *work, vt__msc_state *state, const int64_t *order, best *b) {
    const int64_t k_min = work->params->k_min;
    for (;;) {
        vt__search search = vt__msc_search(state, work, order);
        vt_status st = vt__search_eager(&search);
        work->n_iter += search.n_iter;
        work->n_swap += search.n_swap;
        if (st != VT_OK) return st;
        work->curve[state->m.k - k_min] = vt__msc_silhouette(state);
        keep_if_best(b, state);
        if (state->m.k == k_min) return VT_OK;
        st = vt__msc_drop(state, slot_to_drop(state));
        if (st != VT_OK) return st;
    }
}

static vt_status report(vt__cluster_work *work, const best *b) {
    memcpy(work->medoids, b->medoids, (size_t)b->k * sizeof *b->medoids);
    work->k = b->k;
    work->silhouette = b->silhouette;
    return vt__msc_report(work, b->labels);
}

vt_status vt__dynmsc(vt__cluster_work *work) {
    vt_context *ctx = work->ctx;
    vt__msc_state state = {0};
    int64_t *order = NULL;
    best b = {0};
    /* BUILD can come back with fewer medoids than were asked for. */
    if (work->k < work->params->k_min)
        return vt__fail(VT_ERR_SHAPE, "cluster: %lld medoids to begin with, k_min=%lld", (long long)work->k, (long long)work->params->k_min);
    work->n_curve = work->k - work->params->k_min + 1;
    work->curve = vt__calloc2(ctx, work->n_curve, 1, sizeof *work->curve);
    b.medoids = vt__calloc2(ctx, work->k, 1, sizeof *b.medoids);
    b.labels = vt__calloc2(ctx, work->n, 1, sizeof *b.labels);
    vt_status st = work->curve && b.medoids && b.labels ? VT_OK : vt__fail_nomem("cluster", (size_t)work->n * sizeof *b.labels);
    if (st == VT_OK && work->params->shuffle) st = vt__draw_order(&work->draws, ctx, work->n, &order);
    if (st == VT_OK) st = vt__msc_init(&state, work);
    if (st == VT_OK) st = descend(work, &state, order, &b);
    vt__msc_free(&state);
    if (st == VT_OK) st = report(work, &b);
    vt__free(ctx, b.medoids);
    vt__free(ctx, b.labels);
    vt__free(ctx, order);
    return st;
}
