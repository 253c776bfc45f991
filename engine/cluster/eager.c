/* The walk goes through windows of columns. Inside a window blocks of candidates are judged in parallel on one state: the first of a block that
 * improves, in order, is taken, the judgements behind it are thrown away, and the walk goes on right behind it with the columns that are there. So
 * neither the length of blocks nor the number of threads shows in the result; they only decide how many judgements are made in vain. */
#include "cluster/eager.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

typedef struct walk {
    vt__search *s;
    vt__window window;
    unsigned char *is_medoid; /* [n] */
    int64_t *candidates;      /* [capacity] in the window, with their places in the order */
    int64_t *places;
    vt__move *moves;
    int64_t n_candidates;
    int64_t next; /* place at which the next window begins */
    int64_t last; /* candidate of the last swap: where a pass without another one ends; -1: none yet */
} walk;

static int is_less(const vt__search *s, vt__sum a, vt__sum b) { return s->is_whole ? a.whole < b.whole : a.real < b.real; }
static int improves(const vt__search *s, const vt__move *m) { return s->is_whole ? m->change.whole < 0 : m->change.real < 0; }
static int is_better(const vt__search *s, const vt__move *a, const vt__move *b) {
    return is_less(s, a->change, b->change) || (s->slot_first && a->slot < b->slot && !is_less(s, b->change, a->change));
}
static int64_t candidate_at(const vt__search *s, int64_t place) { return s->order ? s->order[place] : place; }

static vt_status walk_init(walk *w, vt__search *s) {
    *w = (walk){.s = s, .last = -1};
    vt_status st = vt__window_init(&w->window, s->distance, 0);
    if (st != VT_OK) return st;
    w->is_medoid = vt__calloc2(s->ctx, s->n, 1, sizeof *w->is_medoid);
    w->candidates = vt__calloc2(s->ctx, w->window.capacity, 1, sizeof *w->candidates);
    w->places = vt__calloc2(s->ctx, w->window.capacity, 1, sizeof *w->places);
    w->moves = vt__calloc2(s->ctx, w->window.capacity, 1, sizeof *w->moves);
    if (!w->is_medoid || !w->candidates || !w->places || !w->moves) return vt__fail_nomem("cluster", (size_t)s->n);
    for (int64_t i = 0; i < s->k; i++) w->is_medoid[s->medoids[i]] = 1;
    return VT_OK;
}

static void walk_free(walk *w) {
    vt__free(w->s->ctx, w->moves);
    vt__free(w->s->ctx, w->places);
    vt__free(w->s->ctx, w->candidates);
    vt__free(w->s->ctx, w->is_medoid);
    vt__window_free(&w->window);
}

static vt_status poll(const walk *w) {
    char message[96] = "";
    const vt__search *s = w->s;
    if (s->watch && s->watch->progress)
        (void)snprintf(message, sizeof message, "pass %lld: %lld of %lld, %lld swaps", (long long)s->n_iter, (long long)w->next, (long long)s->n, (long long)s->n_swap);
    return vt__watch_poll(s->watch, -1, message);
}

/* Loads the next window: from `next` on, medoids left out, to the candidate of the last swap at most. */
static vt_status load(walk *w) {
    const vt__search *s = w->s;
    int64_t place = w->next;
    vt_status st = poll(w);
    if (st != VT_OK) return st;
    w->n_candidates = 0;
    for (; place < s->n && w->n_candidates < w->window.capacity; place++) {
        int64_t j = candidate_at(s, place);
        if (j == w->last) break;
        if (w->is_medoid[j]) continue;
        w->places[w->n_candidates] = place;
        w->candidates[w->n_candidates++] = j;
    }
    w->next = place;
    return w->n_candidates ? vt__window_load(&w->window, w->candidates, w->n_candidates) : VT_OK;
}

/* Candidates cut into one run a lane. */
typedef struct block {
    const vt__search *s;
    const int64_t *candidates;
    const void *const *columns;
    int64_t n, run;
    int is_eager;
    vt__move *moves;
    atomic_llong found; /* lowest candidate that improves, so far; n if there is none */
} block;

static void judge_run(void *user, int64_t lane) {
    block *b = user;
    const vt__search *s = b->s;
    int64_t end = lane * b->run + b->run < b->n ? lane * b->run + b->run : b->n;
    for (int64_t i = lane * b->run; i < end; i++) {
        long long found = atomic_load_explicit(&b->found, memory_order_relaxed);
        if (found < i) return;
        s->judge(s->user, lane, b->candidates[i], b->columns[i], &b->moves[i]);
        if (!b->is_eager || !improves(s, &b->moves[i])) continue;
        while (i < found && !atomic_compare_exchange_weak_explicit(&b->found, &found, i, memory_order_relaxed, memory_order_relaxed)) {}
        return;
    }
}

int64_t vt__search_judge(const vt__search *s, const int64_t *candidates, const void *const *columns, int64_t n, int is_eager, vt__move *moves) {
    block b = {.s = s, .candidates = candidates, .columns = columns, .n = n, .run = (n + VT__SEARCH_LANES - 1) / VT__SEARCH_LANES, .is_eager = is_eager, .moves = moves};
    atomic_init(&b.found, n);
    vt__parallel(s->ctx, (n + b.run - 1) / b.run, judge_run, &b);
    return atomic_load(&b.found);
}

/* Judges n candidates of the window; the index of the first that improves (eager), or first + n. */
static int64_t judge(walk *w, int64_t first, int64_t n, int is_eager) {
    return first + vt__search_judge(w->s, w->candidates + first, w->window.columns + first, n, is_eager, w->moves + first);
}

static vt_status take(walk *w, const vt__move *move, int64_t j, const void *column) {
    vt__search *s = w->s;
    w->is_medoid[s->medoids[move->slot]] = 0;
    w->is_medoid[j] = 1;
    w->last = j;
    s->medoids[move->slot] = j;
    s->n_swap++;
    return s->take(s->user, move, j, column);
}

/* A medoid that has just been removed is a candidate again: if its place lies between the window's candidates, the window ends before it. */
static void cut_before(walk *w, int64_t removed, int64_t c) {
    for (int64_t place = w->places[c] + 1; place < w->next; place++) {
        if (candidate_at(w->s, place) != removed) continue;
        while (w->places[w->n_candidates - 1] > place) w->n_candidates--;
        w->next = place;
    }
}

/* Blocks are short after a swap, when the next one is likely to be near, and grow while nothing improves. */
static vt_status visit_window(walk *w) {
    vt_status st = VT_OK;
    int64_t length = VT__SEARCH_LANES;
    for (int64_t first = 0; first < w->n_candidates && st == VT_OK;) {
        int64_t n = w->n_candidates - first < length ? w->n_candidates - first : length;
        int64_t c = judge(w, first, n, 1);
        if (c == first + n) {
            first = c;
            length *= 2;
            continue;
        }
        int64_t removed = w->s->medoids[w->moves[c].slot];
        st = take(w, &w->moves[c], w->candidates[c], w->window.columns[c]);
        cut_before(w, removed, c);
        first = c + 1;
        length = VT__SEARCH_LANES;
    }
    return st;
}

static vt_status eager_pass(walk *w) {
    vt_status st = VT_OK;
    w->next = 0;
    while (st == VT_OK && w->next < w->s->n && candidate_at(w->s, w->next) != w->last) {
        st = load(w);
        if (st == VT_OK) st = visit_window(w);
    }
    return st;
}

vt_status vt__search_eager(vt__search *s) {
    walk w;
    vt_status st = walk_init(&w, s);
    for (int64_t iter = 0; st == VT_OK && iter < s->max_iter; iter++) {
        int64_t n_swap = s->n_swap;
        vt__sum loss = s->loss(s->user);
        s->n_iter++;
        st = eager_pass(&w);
        if (s->n_swap == n_swap || !is_less(s, s->loss(s->user), loss)) break;
    }
    walk_free(&w);
    return st;
}

/* The best move of all candidates; *j stays -1 if there are none. */
static vt_status best_of_pass(walk *w, vt__move *best, int64_t *j) {
    const vt__search *s = w->s;
    vt_status st = VT_OK;
    *j = -1;
    w->last = -1;
    for (w->next = 0; w->next < s->n;) {
        st = load(w);
        if (st != VT_OK) return st;
        if (w->n_candidates) (void)judge(w, 0, w->n_candidates, 0);
        for (int64_t c = 0; c < w->n_candidates; c++) {
            if (*j >= 0 && !is_better(s, &w->moves[c], best)) continue;
            *best = w->moves[c];
            *j = w->candidates[c];
        }
    }
    return st;
}

vt_status vt__search_best(vt__search *s) {
    walk w;
    vt_status st = walk_init(&w, s);
    for (int64_t iter = 0; st == VT_OK && iter < s->max_iter; iter++) {
        vt__move best = {0};
        int64_t j;
        vt__sum loss = s->loss(s->user);
        s->n_iter++;
        st = best_of_pass(&w, &best, &j);
        if (st != VT_OK || j < 0 || !improves(s, &best)) break;
        st = vt__window_load(&w.window, &j, 1);
        if (st == VT_OK) st = take(&w, &best, j, w.window.columns[0]);
        if (st == VT_OK && !is_less(s, s->loss(s->user), loss)) break;
    }
    walk_free(&w);
    return st;
}
