/* FasterPAM, FastPAM1 and PAM: the same swaps looked for in three ways. Source: Schubert and Rousseeuw 2021, sections 3 and 4. */
#include "cluster/init.h"
#include "cluster/state.h"
#include "core/memory.h"

/* k = 1 has no second medoids, and one pass over all candidates settles it. */
static vt_status find_single(vt__cluster_work *work) {
    vt__centre best;
    vt_status st = vt__best_centre(work, NULL, NULL, work->medoids[0], &best);
    if (st != VT_OK) return st;
    work->n_iter++;
    work->n_swap += best.object != work->medoids[0];
    work->medoids[0] = best.object;
    return vt__assign(work);
}

/* Every slot by itself, with the results of all at once: what FastPAM1 is measured against. */
static void judge_pairs(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    const vt__medoid_state *s = user;
    (void)j;
    (void)next;
    const vtk_medoids *m = vt__state_medoids(s, lane);
    for (int32_t slot = 0; slot < m->k; slot++) {
        vt__sum change;
        s->near.vtk->medoid_pair[s->near.type](&change, m, slot, column);
        if (slot && !vt__sum_less(vt__distance_is_whole(s->near.distance), change, out->change)) continue;
        *out = (vt__move){slot, change};
    }
}

static vt_status improve(vt__cluster_work *work, vt_status (*walk)(vt__search *), vt__judge_fn judge) {
    if (work->k == 1) return find_single(work);
    vt__medoid_state state = {0};
    int64_t *order = NULL;
    vt_status st = work->params->shuffle ? vt__draw_order(&work->draws, work->ctx, work->n, &order) : VT_OK;
    if (st == VT_OK) st = vt__state_init(&state, work);
    vt__search search = {.ctx = work->ctx, .distance = work->distance, .watch = work->watch, .n = work->n, .k = work->k, .medoids = work->medoids, .order = order,
                         .max_iter = work->params->max_iter, .is_whole = vt__distance_is_whole(work->distance), .user = &state, .judge = judge,
                         .fetch = vt__state_fetch, .prepare = vt__state_prepare, .begin_pass = judge == vt__state_judge ? vt__state_begin_pass : NULL, .take = vt__state_take, .loss = vt__state_loss};
    if (st == VT_OK) st = walk(&search);
    if (st == VT_OK) vt__state_report(&state, work);
    work->n_iter += search.n_iter;
    work->n_swap += search.n_swap;
    if (state.near.ctx) vt__state_free(&state);
    vt__free(work->ctx, order);
    return st;
}

vt_status vt__fasterpam(vt__cluster_work *work) { return improve(work, vt__search_eager, vt__state_judge); }
vt_status vt__fastpam1(vt__cluster_work *work) { return improve(work, vt__search_best, vt__state_judge); }
vt_status vt__pam(vt__cluster_work *work) { return improve(work, vt__search_best, judge_pairs); }
