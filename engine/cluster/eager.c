/* The walk goes through windows of columns. The candidates of a window are judged in parallel on one state: threads take the next ones in order
 * until one improves. The first in order that does is taken, judgements behind it are thrown away, and the walk goes on right behind it with the
 * columns that are there. So the number of threads does not show in the result; it only decides how many judgements are made in vain. */
#include "cluster/eager.h"

#include <stdatomic.h>
#include <stdio.h>

#include "core/context.h"
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
    int64_t n_candidates;
    int64_t next; /* place at which the next window begins */
    int64_t last; /* candidate of the last swap: where a pass without another one ends; -1: none yet */
} walk;

static int improves(const vt__search *s, const vt__move *m) { return s->is_whole ? m->change.whole < 0 : m->change.real < 0; }
static int is_better(const vt__search *s, const vt__move *a, const vt__move *b) {
    return vt__sum_less(s->is_whole, a->change, b->change) || (s->slot_first && a->slot < b->slot && !vt__sum_less(s->is_whole, b->change, a->change));
}
static int64_t candidate_at(const vt__search *s, int64_t place) { return s->order ? s->order[place] : place; }

/* Candidates of a window that costs nothing to load: threads meet at its end, and often between. */
enum { VIEW_CAPACITY = 1024 };

static vt_status walk_init(walk *w, vt__search *s) {
    *w = (walk){.s = s, .last = -1};
    vt_status st = vt__window_init(&w->window, s->distance, vt__window_would_be_view(s->distance) ? VIEW_CAPACITY : 0);
    if (st != VT_OK) return st;
    w->is_medoid = vt__calloc2(s->ctx, s->n, 1, sizeof *w->is_medoid);
    w->candidates = vt__calloc2(s->ctx, w->window.capacity, 1, sizeof *w->candidates);
    w->places = vt__calloc2(s->ctx, w->window.capacity, 1, sizeof *w->places);
    if (!w->is_medoid || !w->candidates || !w->places) return vt__fail_nomem("cluster", (size_t)s->n);
    for (int64_t i = 0; i < s->k; i++) w->is_medoid[s->medoids[i]] = 1;
    return VT_OK;
}

static void walk_free(walk *w) {
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

/* Candidates whose columns are GRAB_SIZE bytes together are asked for at a time: asking costs about as much as judging 2 KiB. */
enum { LINE = 64, GRAB_SIZE = 1 << 15 };

/* What one lane has found; on a cache line of its own. */
typedef struct finding {
    _Alignas(LINE) int64_t index; /* of the first candidate that improves, or the best; -1: none */
    vt__move move;
} finding;

/* Candidates that lanes take in turns, a few at a time and in order. */
typedef struct block {
    const vt__search *s;
    const int64_t *candidates;
    const void *const *columns;
    int64_t n, grab;
    int is_eager;
    _Alignas(LINE) atomic_llong next; /* piece */
    _Alignas(LINE) atomic_llong found; /* lowest candidate that improves, so far; n if there is none */
    finding lanes[VT__SEARCH_LANES];
} block;

/* Judges candidate i; 1 if nothing behind it matters. */
static int judge_one(block *b, int64_t lane, int64_t i, const void *next) {
    const vt__search *s = b->s;
    finding *f = &b->lanes[lane];
    vt__move move;
    long long found = atomic_load_explicit(&b->found, memory_order_relaxed);
    if (found < i) return 1;
    s->judge(s->user, lane, b->candidates[i], b->columns[i], next, &move);
    if (b->is_eager ? !improves(s, &move) : f->index >= 0 && !is_better(s, &move, &f->move)) return 0;
    f->index = i;
    f->move = move;
    while (b->is_eager && i < found && !atomic_compare_exchange_weak_explicit(&b->found, &found, i, memory_order_relaxed, memory_order_relaxed)) {}
    return b->is_eager;
}

/* Pieces of a block: `grab` candidates, and after FEW of them, when a candidate that improves has become rare, MORE times as many. */
static void take_piece(block *b, int64_t *first, int64_t *last) {
    enum { FEW = 16, MORE = 4 };
    const int64_t piece = atomic_fetch_add_explicit(&b->next, 1, memory_order_relaxed), grab = b->grab;
    *first = piece < FEW ? piece * grab : (FEW + (piece - FEW) * MORE) * grab;
    *last = *first + (piece < FEW ? grab : MORE * grab);
    if (*last > b->n) *last = b->n;
}

/* A lane has its next piece before it begins one, so that it can say which column comes next. */
static void judge_lane(void *user, int64_t lane) {
    block *b = user;
    int64_t first, last, next_first, next_last;
    if (b->s->prepare) b->s->prepare(b->s->user, lane);
    take_piece(b, &first, &last);
    while (first < b->n) {
        take_piece(b, &next_first, &next_last);
        for (int64_t i = first; i < last; i++) {
            int64_t next = i + 1 < last ? i + 1 : next_first;
            if (b->s->fetch && next < b->n) b->s->fetch(b->s->user, lane, b->candidates[next]);
            if (judge_one(b, lane, i, next < b->n ? b->columns[next] : NULL)) return;
        }
        first = next_first;
        last = next_last;
    }
}

int64_t vt__search_judge(const vt__search *s, const int64_t *candidates, const void *const *columns, int64_t n, int is_eager, vt__move *out) {
    block b = {.s = s, .candidates = candidates, .columns = columns, .n = n, .is_eager = is_eager};
    const int64_t threads = vt__context_threads(s->ctx), n_lanes = threads < VT__SEARCH_LANES ? threads : VT__SEARCH_LANES;
    int64_t found = n;
    b.grab = GRAB_SIZE / (vt__distance_count(s->distance) * (int64_t)vt__distance_size(s->distance)) + 1;
    atomic_init(&b.next, 0);
    atomic_init(&b.found, n);
    for (int64_t i = 0; i < n_lanes; i++) b.lanes[i].index = -1;
    vt__parallel(s->ctx, n_lanes, judge_lane, &b);
    for (int64_t i = 0; i < n_lanes; i++) {
        const finding *f = &b.lanes[i];
        if (f->index < 0) continue;
        if (found < n && is_eager && f->index > found) continue;
        if (found < n && !is_eager && (is_better(s, out, &f->move) || (!is_better(s, &f->move, out) && f->index > found))) continue;
        found = f->index;
        *out = f->move;
    }
    return found;
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

static vt_status visit_window(walk *w) {
    vt_status st = VT_OK;
    for (int64_t first = 0; first < w->n_candidates && st == VT_OK;) {
        vt__move move;
        int64_t n = w->n_candidates - first, c = first + vt__search_judge(w->s, w->candidates + first, w->window.columns + first, n, 1, &move);
        if (c == first + n) break;
        int64_t removed = w->s->medoids[move.slot];
        st = take(w, &move, w->candidates[c], w->window.columns[c]);
        cut_before(w, removed, c);
        first = c + 1;
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
        if (s->n_swap == n_swap || !vt__sum_less(s->is_whole, s->loss(s->user), loss)) break;
        if (s->begin_pass) s->begin_pass(s->user, s->n_swap - n_swap);
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
        if (!w->n_candidates) continue;
        vt__move move;
        int64_t c = vt__search_judge(s, w->candidates, w->window.columns, w->n_candidates, 0, &move);
        if (*j >= 0 && !is_better(s, &move, best)) continue;
        *best = move;
        *j = w->candidates[c];
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
        if (st == VT_OK && !vt__sum_less(s->is_whole, s->loss(s->user), loss)) break;
        if (st == VT_OK && s->begin_pass) s->begin_pass(s->user, 1);
    }
    walk_free(&w);
    return st;
}
