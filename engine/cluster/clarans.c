/* FastCLARANS: random candidates instead of all in order, each judged for all k slots at once, until so many in a row have brought nothing; the best of
 * several restarts. Candidates are drawn ahead and judged side by side on one state; what was drawn behind the first that is taken is put back, so that
 * the result is that of one draw at a time. Sources: Ng and Han 2002 (CLARANS); Schubert and Rousseeuw 2021, section 4.4. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cluster/state.h"
#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "distance/window.h"

static const double ROUNDING = 1e-12; /* of the loss */

/* A draw is place `at` of the order, for which the object at `from` came. */
typedef struct drawn {
    int64_t at, from;
} drawn;

typedef struct clarans {
    vt__cluster_work *work;  /* holds the best restart */
    vt__cluster_work trial;  /* the restart at hand; reports into the arrays of work */
    vt__search search;       /* of the trial */
    vt__medoid_state state;  /* its `near` alone if k is 1 */
    vt__window window;
    unsigned char *is_medoid; /* [n] */
    int64_t *order;           /* [n] permutation that candidates are drawn from, without repetition until the next swap; kept over restarts */
    int64_t *firsts;          /* [n] the objects in order, from which medoids are drawn */
    int64_t position;         /* draws since the last swap, or the last n draws */
    int64_t *candidates;      /* [capacity] drawn ahead */
    int64_t *n_draws;         /* [capacity] draws up to and with that candidate: medoids are drawn too, and passed over */
    drawn *log;               /* [n_log] of the draws ahead, in order */
    int64_t n_log, log_cap;
    vt__sum loss;  /* of the trial */
    int has_best;
    vt__sum best;
} clarans;

/* With one medoid the loss is what a candidate's column sums up to. */
static void judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    clarans *c = user;
    const vt__nearest_two *near = &c->state.near;
    if (c->trial.k > 1) {
        vt__state_judge(&c->state, lane, j, column, next, out);
    } else {
        out->slot = 0;
        near->vtk->medoid_total[near->type](&out->change, column, NULL, near->m.weights, near->m.n);
        if (c->search.is_whole) out->change.whole -= c->loss.whole;
        else out->change.real -= c->loss.real;
    }
    if (!c->search.is_whole) out->change.real += ROUNDING * c->loss.real; /* a smaller change is taken for rounding */
}

static void prepare(void *user, int64_t lane) { vt__state_prepare(&((clarans *)user)->state, lane); }

/* Draws n candidates ahead. */
static vt_status draw_ahead(clarans *c, int64_t n) {
    c->n_log = 0;
    for (int64_t i = 0; i < n;) {
        if (c->position == c->work->n) c->position = 0;
        int64_t at = c->position++, from = at + vt__draw_below(&c->work->draws, c->work->n - at), object = c->order[from];
        if (vt__reserve(c->work->ctx, (void **)&c->log, &c->log_cap, c->n_log + 1, sizeof *c->log)) return vt__fail_nomem("cluster: draws", (size_t)c->n_log * sizeof *c->log);
        c->log[c->n_log++] = (drawn){at, from};
        c->order[from] = c->order[at];
        c->order[at] = object;
        if (c->is_medoid[object]) continue;
        c->candidates[i] = object;
        c->n_draws[i++] = c->n_log;
    }
    return VT_OK;
}

/* Undoes all draws but the first n. */
static void put_back(clarans *c, int64_t n) {
    vt__draw_back(&c->work->draws, (uint64_t)(c->n_log - n));
    for (; c->n_log > n; c->n_log--) {
        drawn d = c->log[c->n_log - 1];
        int64_t object = c->order[d.at];
        c->order[d.at] = c->order[d.from];
        c->order[d.from] = object;
        c->position = d.at;
    }
}

static vt_status take(clarans *c, const vt__move *move, int64_t j, const void *column) {
    c->is_medoid[c->trial.medoids[move->slot]] = 0;
    c->is_medoid[j] = 1;
    c->trial.medoids[move->slot] = j;
    c->work->n_swap++;
    if (c->trial.k > 1) return vt__state_take(&c->state, move, j, column);
    return vt__nearest_assign(&c->state.near, c->trial.medoids, 1, NULL);
}

static vt_status start(clarans *c) {
    const int64_t n = c->work->n, k = c->work->params->k;
    for (int64_t i = 0; i < n; i++) c->firsts[i] = i;
    vt__draw_select(&c->work->draws, c->firsts, n, k);
    memset(c->is_medoid, 0, (size_t)n);
    for (int64_t s = 0; s < k; s++) {
        c->trial.medoids[s] = c->firsts[s];
        c->is_medoid[c->firsts[s]] = 1;
    }
    c->position = 0;
    if (k > 1) return vt__state_init(&c->state, &c->trial);
    vt_status st = vt__nearest_init(&c->state.near, &c->trial);
    return st == VT_OK ? vt__nearest_assign(&c->state.near, c->trial.medoids, 1, c->work->watch) : st;
}

static vt_status poll(const clarans *c, int64_t restart) {
    char message[96] = "";
    const vt__cluster_work *w = c->work;
    if (w->watch->progress)
        (void)snprintf(message, sizeof message, "restart %lld: %lld draws, %lld swaps", (long long)restart + 1, (long long)w->n_iter, (long long)w->n_swap);
    return vt__watch_poll(w->watch, (double)restart / (double)w->params->n_local, message);
}

/* From drawn medoids to medoids that `limit` draws in a row have not improved. */
static vt_status descend(clarans *c, int64_t restart, int64_t limit) {
    const int64_t shortest = vt__context_threads(c->work->ctx);
    int64_t length = shortest, n_failed = 0;
    c->loss = vt__state_loss(&c->state);
    while (n_failed < limit) {
        int64_t n = length < c->window.capacity ? length : c->window.capacity;
        if (n > limit - n_failed) n = limit - n_failed;
        vt_status st = poll(c, restart);
        if (st == VT_OK) st = draw_ahead(c, n);
        if (st == VT_OK) st = vt__window_load(&c->window, c->candidates, n);
        if (st != VT_OK) return st;
        vt__move move;
        int64_t found = vt__search_judge(&c->search, c->candidates, c->window.columns, n, 1, &move);
        if (found == n) {
            c->work->n_iter += n;
            n_failed += n;
            if (length < c->window.capacity) length *= 2;
            continue;
        }
        put_back(c, c->n_draws[found]);
        c->work->n_iter += found + 1;
        st = take(c, &move, c->candidates[found], c->window.columns[found]);
        if (st != VT_OK) return st;
        vt__sum before = c->loss;
        c->loss = vt__state_loss(&c->state);
        n_failed = vt__sum_less(c->search.is_whole, c->loss, before) ? 0 : n_failed + found + 1; /* a gain that rounding has eaten is none, or this might not end */
        c->position = 0;
        length = shortest;
    }
    if (c->has_best && !vt__sum_less(c->search.is_whole, c->loss, c->best)) return VT_OK;
    c->has_best = 1;
    c->best = c->loss;
    memcpy(c->work->medoids, c->trial.medoids, (size_t)c->trial.k * sizeof *c->trial.medoids);
    vt__nearest_report(&c->state.near, c->work);
    return VT_OK;
}

static vt_status clarans_init(clarans *c) {
    vt__cluster_work *w = c->work;
    vt_status st = vt__window_init(&c->window, w->distance, 0);
    if (st != VT_OK) return st;
    const int64_t capacity = c->window.capacity;
    c->trial = *w;
    c->is_medoid = vt__calloc2(w->ctx, w->n, 1, sizeof *c->is_medoid);
    c->order = vt__calloc2(w->ctx, w->n, 1, sizeof *c->order);
    c->firsts = vt__calloc2(w->ctx, w->n, 1, sizeof *c->firsts);
    c->candidates = vt__calloc2(w->ctx, capacity, 1, sizeof *c->candidates);
    c->n_draws = vt__calloc2(w->ctx, capacity, 1, sizeof *c->n_draws);
    c->trial.medoids = vt__calloc2(w->ctx, w->k, 1, sizeof *c->trial.medoids);
    if (!c->is_medoid || !c->order || !c->firsts || !c->candidates || !c->n_draws || !c->trial.medoids)
        return vt__fail_nomem("cluster", (size_t)w->n * 17);
    for (int64_t i = 0; i < w->n; i++) c->order[i] = i;
    c->search = (vt__search){.ctx = w->ctx, .distance = w->distance, .is_whole = vt__distance_is_whole(w->distance), .user = c, .judge = judge, .prepare = prepare};
    return VT_OK;
}

static void clarans_free(clarans *c) {
    vt_context *ctx = c->work->ctx;
    void *const blocks[] = {c->is_medoid, c->order, c->firsts, c->candidates, c->n_draws, c->log};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) vt__free(ctx, blocks[i]);
    if (c->trial.medoids != c->work->medoids) vt__free(ctx, c->trial.medoids);
    vt__window_free(&c->window);
}

vt_status vt__fastclarans(vt__cluster_work *work) {
    clarans c = {.work = work};
    const int64_t limit = (int64_t)ceil(work->params->rate * (double)(work->n - work->params->k));
    vt_status st = clarans_init(&c);
    for (int64_t i = 0; st == VT_OK && i < work->params->n_local; i++) {
        st = start(&c);
        if (st == VT_OK) st = descend(&c, i, limit);
        if (c.state.near.ctx) vt__state_free(&c.state);
        memset(&c.state, 0, sizeof c.state);
    }
    clarans_free(&c);
    return st;
}
