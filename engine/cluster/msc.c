/* FasterMSC and FastMSC: swaps that make the mean medoid silhouette larger, each as it is met or the best of each pass. Source: Lenssen and Schubert,
 * Inf. Syst. 120, 2024. */
#include "cluster/msc.h"
#include "core/error.h"
#include "core/memory.h"

vt_status vt__msc_improve(vt__cluster_work *work, vt_status (*walk)(vt__search *search), vt__judge_fn judge) {
    vt__msc_state state = {0};
    int64_t *order = NULL;
    int32_t *labels = vt__calloc2(work->ctx, work->n, 1, sizeof *labels);
    vt_status st = labels ? VT_OK : vt__fail_nomem("cluster", (size_t)work->n * sizeof *labels);
    if (st == VT_OK && work->params->shuffle) st = vt__draw_order(&work->draws, work->ctx, work->n, &order);
    if (st == VT_OK) st = vt__msc_init(&state, work);
    if (st == VT_OK) {
        vt__search search = vt__msc_search(&state, work, order);
        search.judge = judge;
        st = walk(&search);
        work->n_iter = search.n_iter;
        work->n_swap = search.n_swap;
        work->silhouette = vt__msc_silhouette(&state);
        vt__msc_labels(&state, labels);
    }
    vt__msc_free(&state);
    if (st == VT_OK) st = vt__msc_report(work, labels);
    vt__free(work->ctx, labels);
    vt__free(work->ctx, order);
    return st;
}

vt_status vt__fastermsc(vt__cluster_work *work) { return vt__msc_improve(work, vt__search_eager, vt__msc_judge); }
vt_status vt__fastmsc(vt__cluster_work *work) { return vt__msc_improve(work, vt__search_best, vt__msc_judge); }
