/* Infinities are themselves here: a ratio of two of them is 1 (an object that reaches no medoid has silhouette 0), one of a finite distance to an
 * infinite one is 0. Distances below 0 count as 0. With that every ratio lies in [0, 1], and sums of differences of ratios stay exact to rounding. */
#include <assert.h>
#include <math.h>

#include "cluster/msc.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

/* Objects a chunk of parallel work, and bytes of distances that are gathered at a time. */
enum { CHUNK = 4096, BLOCK_SIZE = 1 << 18, NONE = -1 };

double vt__msc_ratio(double x, double y) { return x == 0 ? 0 : isinf(x) ? 1 : x / y; }

#define READ(TYPE)                                                 \
    for (int64_t i = 0; i < n; i++) {                              \
        double d = (double)((const TYPE *)distances)[i];           \
        out[i] = d >= s->m.far ? (double)INFINITY : d > 0 ? d : 0; \
    }

void vt__msc_read(const vt__msc_state *s, const void *distances, int64_t n, double *out) {
    switch (s->type) {
    case VT__DISTANCE_F32: READ(float) break;
    case VT__DISTANCE_F64: READ(double) break;
    case VT__DISTANCE_I32: READ(int32_t) break;
    default: READ(int64_t) break;
    }
}

/* What a candidate must be below to change anything: d3, but that a third medoid which was overlooked can be found later, nearer than the second. */
static double limit_of(const vtk_near3 *v) { return v->d3 < v->d2 ? v->d2 : v->d3; }

/* Infinity only where distances have one. */
static void set_limit(const vt__msc_state *s, int64_t o) {
    double limit = limit_of(&s->objects[o]);
    switch (s->type) {
    case VT__DISTANCE_F32: ((float *)s->limits)[o] = (float)(isinf(limit) ? s->m.far : limit); break;
    case VT__DISTANCE_F64: ((double *)s->limits)[o] = isinf(limit) ? s->m.far : limit; break;
    case VT__DISTANCE_I32: ((int32_t *)s->limits)[o] = isinf(limit) ? INT32_MAX : (int32_t)limit; break;
    default: ((int64_t *)s->limits)[o] = isinf(limit) ? INT64_MAX : (int64_t)limit; break;
    }
}

static void set_ratios(const vt__msc_state *s, int64_t o) {
    vtk_near3 *v = &s->objects[o];
    v->r12 = vt__msc_ratio(v->d1, v->d2);
    v->r23 = vt__msc_ratio(v->d2, v->d3);
    v->r13 = vt__msc_ratio(v->d1, v->d3);
    v->is_lost = 0;
    set_limit(s, o);
}

/* Loss and removal terms, object after object: a function of the state alone. */
static void sum_up(vt__msc_state *s) {
    double loss = 0, *r = s->removal;
    for (int64_t i = 0; i < s->m.k; i++) r[i] = 0;
    for (int64_t o = 0; o < s->m.n; o++) {
        const vtk_near3 *v = &s->objects[o];
        loss += v->r12;
        r[v->slot1] += v->r12 - v->r23;
        r[v->slot2] += v->r12 - v->r13;
    }
    s->loss = loss;
    for (int64_t o = 0; o < s->m.n && s->m.k == 2; o++) {
        const vtk_near3 *v = &s->objects[o];
        s->to[v->slot1][o] = v->d1;
        s->to[v->slot2][o] = v->d2;
    }
}

/* ---- the first assignment ---- */

static void add_medoid(vtk_near3 *v, int32_t slot, double d, int is_own) {
    if (slot == 0) {
        *v = (vtk_near3){.d1 = d, .d2 = (double)INFINITY, .d3 = (double)INFINITY, .slot1 = 0, .slot2 = NONE, .slot3 = NONE};
    } else if (d < v->d1 || is_own) {
        v->d3 = v->d2, v->slot3 = v->slot2;
        v->d2 = v->d1, v->slot2 = v->slot1;
        v->d1 = d, v->slot1 = slot;
    } else if (d < v->d2 || v->slot2 == NONE) {
        v->d3 = v->d2, v->slot3 = v->slot2;
        v->d2 = d, v->slot2 = slot;
    } else if (d < v->d3 || v->slot3 == NONE) {
        v->d3 = d, v->slot3 = slot;
    }
}

/* Whether the second of two medoids as near is an object's own to begin with. */
static int is_taken_over(const vt__msc_state *s, int64_t slot, int64_t o, double d) {
    return s->keeps_ties && s->m.k == 2 && slot == 1 && o != s->medoids[0] && !(d > s->objects[o].d1);
}

typedef struct columns {
    vt__msc_state *state;
    const void *const *distances;
    int64_t first, n; /* slots */
} columns;

static void add_chunk(void *user, int64_t chunk) {
    const columns *c = user;
    const vt__msc_state *s = c->state;
    const int64_t first = chunk * CHUNK, n = first + CHUNK < s->m.n ? CHUNK : s->m.n - first;
    const size_t size = vt__distance_size(s->distance);
    double *d = s->column + first;
    for (int64_t i = c->first; i < c->first + c->n; i++) {
        const int64_t own = s->medoids[i] - first;
        vt__msc_read(s, (const char *)c->distances[i - c->first] + (size_t)first * size, n, d);
        if (own >= 0 && own < n) d[own] = 0;
        for (int64_t o = 0; o < n; o++) add_medoid(&s->objects[first + o], (int32_t)i, d[o], o == own || is_taken_over(s, i, first + o, d[o]));
    }
    for (int64_t o = first; o < first + n && c->first + c->n == s->m.k; o++) set_ratios(s, o);
}

static vt_status assign(vt__msc_state *s, vt__watch *watch) {
    vt__window window;
    vt_status st = vt__window_init(&window, s->distance, 0);
    for (int64_t i = 0; st == VT_OK && i < s->m.k; i += window.capacity) {
        columns c = {s, window.columns, i, s->m.k - i < window.capacity ? s->m.k - i : window.capacity};
        st = vt__watch_poll(watch, -1, "assignment");
        if (st == VT_OK) st = vt__window_load(&window, s->medoids + i, c.n);
        if (st == VT_OK) vt__parallel(s->ctx, (s->m.n + CHUNK - 1) / CHUNK, add_chunk, &c);
    }
    vt__window_free(&window);
    return st;
}

vt_status vt__msc_init(vt__msc_state *s, vt__cluster_work *work) {
    vt_context *ctx = work->ctx;
    const int64_t n = work->n, k = work->k, fit = BLOCK_SIZE / (k * (int64_t)vt__distance_size(work->distance)) + 1;
    const double far = vt__distance_far(work->distance);
    *s = (vt__msc_state){.ctx = ctx, .distance = work->distance, .vtk = vtk_get(), .type = vt__distance_type(work->distance), .medoids = work->medoids,
                         .n_rows = fit < n ? fit : n, .scratch_len = (k + 7) / 8 * 8, .is_published = work->params->published, .overlooked = NONE,
                         .keeps_ties = work->params->method != VT__CLUSTER_PAMMEDSIL};
    if (k < 2) return vt__fail(VT_ERR_SHAPE, "cluster: silhouettes need 2 medoids or more, there is %lld", (long long)k);
    s->objects = vt__alloc64_2(ctx, n, 1, sizeof *s->objects);
    s->limits = vt__alloc64_2(ctx, n, 1, vt__distance_size(work->distance));
    s->to[0] = vt__alloc64_2(ctx, n, 1, sizeof *s->to[0]);
    s->to[1] = vt__alloc64_2(ctx, n, 1, sizeof *s->to[1]);
    s->removal = vt__alloc64_2(ctx, k, 1, sizeof *s->removal);
    s->scratch = vt__alloc64_2(ctx, VT__SEARCH_LANES, s->scratch_len, sizeof *s->scratch);
    s->column = vt__alloc64_2(ctx, n, 1, sizeof *s->column);
    s->rows = vt__alloc64_2(ctx, s->n_rows, 1, sizeof *s->rows);
    s->block = vt__alloc64_2(ctx, s->n_rows, k, vt__distance_size(work->distance));
    if (!s->objects || !s->limits || !s->to[0] || !s->to[1] || !s->removal || !s->scratch || !s->column || !s->rows || !s->block)
        return vt__fail_nomem("cluster", (size_t)n * sizeof *s->objects);
    s->m = (vtk_msc){.n = n, .k = k, .objects = s->objects, .limits = s->limits, .to = {s->to[0], s->to[1]}, .far = far > 0 ? far : (double)INFINITY};
    vt_status st = assign(s, work->watch);
    if (st == VT_OK) sum_up(s);
    return st;
}

void vt__msc_free(vt__msc_state *s) {
    vt__free(s->ctx, s->objects);
    vt__free(s->ctx, s->limits);
    vt__free(s->ctx, s->to[0]);
    vt__free(s->ctx, s->to[1]);
    vt__free(s->ctx, s->removal);
    vt__free(s->ctx, s->scratch);
    vt__free(s->ctx, s->column);
    vt__free(s->ctx, s->rows);
    vt__free(s->ctx, s->block);
}

/* ---- judging ---- */

void vt__msc_judge(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    const vt__msc_state *s = user;
    if (s->m.k == 2) {
        double losses[2];
        s->vtk->msc_judge_two[s->type](losses, &s->m, column, j);
        out->slot = losses[1] < losses[0];
        out->change.real = losses[out->slot] - s->loss;
    } else {
        double gain;
        s->vtk->msc_judge[s->type](&gain, &out->slot, s->scratch + lane * s->scratch_len, &s->m, s->removal, column, next, j);
        out->change.real = -gain;
    }
}

vt__sum vt__msc_loss(void *user) { return (vt__sum){.real = ((const vt__msc_state *)user)->loss}; }

vt__search vt__msc_search(vt__msc_state *s, vt__cluster_work *work, const int64_t *order) {
    return (vt__search){.ctx = s->ctx, .distance = s->distance, .watch = work->watch, .n = s->m.n, .k = s->m.k, .medoids = s->medoids, .order = order,
                        .max_iter = work->params->max_iter, .user = s, .judge = vt__msc_judge, .take = vt__msc_take, .loss = vt__msc_loss};
}

/* ---- changes ---- */

static void set_first(vtk_near3 *v, int32_t slot, double d) { v->d1 = d, v->slot1 = slot; }
static void set_second(vtk_near3 *v, int32_t slot, double d) { v->d2 = d, v->slot2 = slot; }
static void set_third(vtk_near3 *v, int32_t slot, double d) { v->d3 = d, v->slot3 = slot; }

/* Forgets the medoid of a slot: those behind it move up and the third is open. 0 if the object did not have it. */
static int forget(vtk_near3 *v, int32_t slot) {
    if (v->slot1 != slot && v->slot2 != slot && v->slot3 != slot) return 0;
    if (v->slot1 == slot) set_first(v, v->slot2, v->d2);
    if (v->slot1 == v->slot2 || v->slot2 == slot) set_second(v, v->slot3, v->d3);
    set_third(v, NONE, (double)INFINITY);
    return 1;
}

/* The object's medoids after the slot's has become one at distance d. Where the three that are left do not say which the third is, is_lost is set,
 * with the new medoid as the one to beat. An own medoid comes first whatever else is at distance 0. */
static void swap_in(const vt__msc_state *s, vtk_near3 *v, int32_t slot, double d, int is_own) {
    const double d3 = v->d3;
    const int keeps = s->keeps_ties && s->m.k == 2 && v->slot1 == slot, had = forget(v, slot);
    if (d < v->d1 || is_own || (keeps && !(d > v->d1))) {
        set_third(v, v->slot2, v->d2);
        set_second(v, v->slot1, v->d1);
        set_first(v, slot, d);
    } else if (v->slot2 == NONE || d < v->d2) {
        set_third(v, v->slot2, v->d2);
        set_second(v, slot, d);
    } else if (had || d < d3) {
        set_third(v, slot, d);
        v->is_lost = had && !(d < d3) && s->m.k > 3;
    }
}

typedef struct swap {
    vt__msc_state *state;
    int32_t slot;
    int64_t own;
    const void *column;
} swap;

static void swap_chunk(void *user, int64_t chunk) {
    const swap *w = user;
    const vt__msc_state *s = w->state;
    const int64_t first = chunk * CHUNK, end = first + CHUNK < s->m.n ? first + CHUNK : s->m.n;
    vt__msc_read(s, (const char *)w->column + (size_t)first * vt__distance_size(s->distance), end - first, s->column + first);
    for (int64_t o = first; o < end; o++) {
        vtk_near3 *v = &s->objects[o];
        const double d = o == w->own ? 0 : s->column[o];
        if (!(d < limit_of(v)) && v->slot1 != w->slot && v->slot2 != w->slot && v->slot3 != w->slot && o != w->own) continue;
        swap_in(s, v, w->slot, d, o == w->own);
        if (!v->is_lost) set_ratios(s, o);
    }
}

/* The search of the published program after a drop: in the order of the slots, the overlooked one giving way to whatever comes behind it. */
static void find_third_as_published(const vt__msc_state *s, vtk_near3 *v, const void *row) {
    double *to = s->scratch;
    vt__msc_read(s, row, s->m.k, to);
    for (int32_t i = 0; i < s->m.k; i++) {
        if (i == v->slot1 || i == v->slot2 || !(to[i] < v->d3 || v->slot3 == NONE || v->slot3 == s->overlooked)) continue;
        set_third(v, i, to[i]);
    }
}

static vt_status find_thirds(vt__msc_state *s, int64_t n) {
    const size_t row_size = (size_t)s->m.k * vt__distance_size(s->distance);
    vt_status st = vt__distance_gather(s->distance, s->rows, n, s->medoids, s->m.k, s->block);
    for (int64_t i = 0; st == VT_OK && i < n; i++) {
        vtk_near3 *v = &s->objects[s->rows[i]];
        char *row = (char *)s->block + (size_t)i * row_size;
        if (s->overlooked == NONE) s->vtk->msc_third[s->type](v, row, s->m.k, s->m.far);
        else find_third_as_published(s, v, row);
        set_ratios(s, s->rows[i]);
    }
    return st;
}

/* Looks for the third medoid of all that have lost theirs, and sums up. */
static vt_status settle(vt__msc_state *s) {
    vt_status st = VT_OK;
    int64_t n = 0;
    for (int64_t o = 0; st == VT_OK && o < s->m.n; o++) {
        if (s->objects[o].is_lost) s->rows[n++] = o;
        if (n < s->n_rows && (n == 0 || o + 1 < s->m.n)) continue;
        st = find_thirds(s, n);
        n = 0;
    }
    if (st == VT_OK) sum_up(s);
    return st;
}

vt_status vt__msc_take(void *user, const vt__move *move, int64_t j, const void *column) {
    vt__msc_state *s = user;
    const double before = s->loss;
    swap w = {s, move->slot, j, column};
    vt__parallel(s->ctx, (s->m.n + CHUNK - 1) / CHUNK, swap_chunk, &w);
    vt_status st = settle(s);
    /* Callbacks, which have no bound, may contradict themselves. */
    assert(st != VT_OK || s->is_published || vt__distance_bound(s->distance) <= 0 || fabs(s->loss - before - move->change.real) <= 1e-9 * (double)s->m.n);
    (void)before;
    return st;
}

vt_status vt__msc_drop(vt__msc_state *s, int32_t slot) {
    const int32_t last = (int32_t)s->m.k - 1;
    s->medoids[slot] = s->medoids[last];
    s->m.k = last;
    for (int64_t o = 0; o < s->m.n; o++) {
        vtk_near3 *v = &s->objects[o];
        int had = forget(v, slot);
        if (v->slot1 == last) v->slot1 = slot;
        if (v->slot2 == last) v->slot2 = slot;
        if (v->slot3 == last) v->slot3 = slot;
        if (!had) continue;
        v->is_lost = last > 2;
        if (!v->is_lost) set_ratios(s, o);
    }
    /* The published program takes the slot that the last medoid has moved to for an empty one: what comes behind it is preferred. */
    s->overlooked = s->is_published && slot != last ? slot : NONE;
    vt_status st = settle(s);
    s->overlooked = NONE;
    return st;
}

/* ---- results ---- */

double vt__msc_silhouette(const vt__msc_state *s) { return 1.0 - s->loss / (double)s->m.n; }

void vt__msc_labels(const vt__msc_state *s, int32_t *labels) {
    for (int64_t o = 0; o < s->m.n; o++) labels[o] = s->objects[o].slot1;
}

vt_status vt__msc_report(vt__cluster_work *work, const int32_t *labels) {
    vt_status st = vt__assign(work);
    /* Below 0 the state does not tell medoids apart. */
    for (int64_t o = 0; st == VT_OK && o < work->n; o++)
        if (work->nearest[o] >= 0) work->labels[o] = labels[o];
    return st;
}
