/* Where the first medoids come from. Sources: Kaufman and Rousseeuw 1990 (BUILD); Schubert and Rousseeuw, SISAP 2019 (LAB). */
#include "cluster/init.h"

#include <math.h>
#include <string.h>

#include "cluster/state.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/window.h"

typedef struct totals {
    const vt__cluster_work *work;
    const void *const *columns;
    const void *limits;
    vt__sum *sums;
} totals;

static void total_of(void *user, int64_t i) {
    const totals *t = user;
    vtk_get()->medoid_total[vt__distance_type(t->work->distance)](&t->sums[i], t->columns[i], t->limits, t->work->weights, t->work->n);
}

static int beats(const vt__cluster_work *work, vt__sum sum, int64_t object, const vt__centre *best, int64_t preferred) {
    if (best->object < 0 || vt__sum_less(vt__distance_is_whole(work->distance), sum, best->sum)) return 1;
    return object == preferred && !vt__sum_less(vt__distance_is_whole(work->distance), best->sum, sum);
}

vt_status vt__best_centre(const vt__cluster_work *work, const void *limits, const unsigned char *is_taken, int64_t preferred, vt__centre *out) {
    vt__window window;
    int64_t *candidates = NULL;
    totals t = {.work = work, .limits = limits};
    vt_status st = vt__window_init(&window, work->distance, 0);
    *out = (vt__centre){.object = -1};
    if (st != VT_OK) return st;
    t.columns = window.columns;
    t.sums = vt__calloc2(work->ctx, window.capacity, 1, sizeof *t.sums);
    candidates = vt__calloc2(work->ctx, window.capacity, 1, sizeof *candidates);
    if (!t.sums || !candidates) st = vt__fail_nomem("cluster", (size_t)window.capacity * sizeof *candidates);
    for (int64_t j = 0; j < work->n && st == VT_OK;) {
        int64_t n = 0;
        for (; j < work->n && n < window.capacity; j++)
            if (!is_taken || !is_taken[j]) candidates[n++] = j;
        st = vt__watch_poll(work->watch, -1, "initial medoids");
        if (st == VT_OK && n) st = vt__window_load(&window, candidates, n);
        if (st == VT_OK) vt__parallel(work->ctx, n, total_of, &t);
        for (int64_t i = 0; i < n && st == VT_OK; i++)
            if (beats(work, t.sums[i], candidates[i], out, preferred)) *out = (vt__centre){candidates[i], t.sums[i]};
    }
    vt__free(work->ctx, candidates);
    vt__free(work->ctx, t.sums);
    vt__window_free(&window);
    return st;
}

/* What greedy initialisations keep. */
typedef struct growth {
    vt__cluster_work *work;
    vt__nearest_two near; /* d1: distances to the nearest medoid so far */
    vt__window column;
    unsigned char *is_taken; /* [n] */
    int64_t wanted;
} growth;

static vt_status growth_init(growth *g, vt__cluster_work *work) {
    *g = (growth){.work = work, .wanted = work->k};
    work->k = 0;
    vt_status st = vt__nearest_init(&g->near, work);
    if (st == VT_OK) st = vt__window_init(&g->column, work->distance, 1);
    g->is_taken = vt__calloc2(work->ctx, work->n, 1, sizeof *g->is_taken);
    return st == VT_OK && !g->is_taken ? vt__fail_nomem("cluster", (size_t)work->n) : st;
}

static void growth_free(growth *g) {
    vt__free(g->work->ctx, g->is_taken);
    vt__window_free(&g->column);
    vt__nearest_free(&g->near);
}

static vt_status grow(growth *g, int64_t object) {
    vt_status st = vt__window_load(&g->column, &object, 1);
    if (st != VT_OK) return st;
    vt__nearest_add(&g->near, object, g->column.columns[0]);
    g->work->medoids[g->work->k++] = object;
    g->is_taken[object] = 1;
    return VT_OK;
}

/* Greedy: each medoid is the one that lowers the loss the most. Ends early when none does: only duplicates are left. */
static vt_status build(vt__cluster_work *work) {
    growth g;
    vt_status st = growth_init(&g, work);
    while (st == VT_OK && work->k < g.wanted) {
        vt__centre best;
        st = vt__best_centre(work, work->k ? g.near.m.d1 : NULL, g.is_taken, -1, &best);
        if (st != VT_OK || best.object < 0) break;
        if (work->k && !vt__sum_less(vt__distance_is_whole(work->distance), best.sum, (vt__sum){0})) break;
        st = grow(&g, best.object);
    }
    growth_free(&g);
    if (work->params->method == VT__CLUSTER_INIT_ONLY) work->n_iter = 1;
    return st;
}

/* A sample of the objects that are not medoids yet. */
typedef struct sample {
    int64_t size;     /* objects drawn each time; fewer when fewer are left */
    int64_t *pool;    /* [n_pool] objects that are not medoids; the sample is at its beginning */
    int64_t n_pool;
    char *block, *columns; /* [size, size] distances among them, by rows and by columns */
    char *limits;     /* [size] their distances to the nearest medoid */
    vt__sum *weights; /* [size] */
    double *terms;    /* [size] of one sum */
} sample;

static vt_status sample_init(sample *s, const vt__cluster_work *work) {
    size_t size = vt__distance_size(work->distance);
    int64_t wanted = 10 + (int64_t)ceil(sqrt((double)work->n));
    *s = (sample){.size = wanted < work->n ? wanted : work->n, .n_pool = work->n};
    s->pool = vt__calloc2(work->ctx, work->n, 1, sizeof *s->pool);
    s->block = vt__calloc2(work->ctx, s->size, s->size, size);
    s->columns = vt__calloc2(work->ctx, s->size, s->size, size);
    s->limits = vt__calloc2(work->ctx, s->size, 1, size);
    s->weights = vt__calloc2(work->ctx, s->size, 1, sizeof *s->weights);
    s->terms = vt__calloc2(work->ctx, s->size, 1, sizeof *s->terms);
    if (!s->pool || !s->block || !s->columns || !s->limits || !s->weights || !s->terms) return vt__fail_nomem("cluster", (size_t)work->n * sizeof *s->pool);
    for (int64_t i = 0; i < work->n; i++) s->pool[i] = i;
    return VT_OK;
}

static void sample_free(sample *s, vt_context *ctx) {
    vt__free(ctx, s->pool);
    vt__free(ctx, s->block);
    vt__free(ctx, s->columns);
    vt__free(ctx, s->limits);
    vt__free(ctx, s->weights);
    vt__free(ctx, s->terms);
}

static vt_status draw_sample(sample *s, growth *g, int64_t n) {
    const vt__cluster_work *work = g->work;
    size_t size = vt__distance_size(work->distance);
    vt__draw_select(&g->work->draws, s->pool, s->n_pool, n);
    for (int64_t i = 0; i < n; i++) {
        if (work->k) memcpy(s->limits + (size_t)i * size, (const char *)g->near.m.d1 + (size_t)s->pool[i] * size, size);
        if (work->weights) s->weights[i] = ((const vt__sum *)work->weights)[s->pool[i]];
    }
    vt_status st = vt__distance_gather(work->distance, s->pool, n, s->pool, n, s->block);
    for (int64_t r = 0; r < n && st == VT_OK; r++)
        for (int64_t c = 0; c < n; c++) memcpy(s->columns + (size_t)(c * n + r) * size, s->block + (size_t)(r * n + c) * size, size);
    return st;
}

/* Eight sums side by side, joined in pairs, long lists in halves: NumPy's order. Candidates that have only each other differ by the rounding of their sums
 * alone, and so the first of them wins where it does in values computed there. */
static double pairwise(const double *x, int64_t n) {
    enum { LANES = 8, LONG = 128 };
    double lanes[LANES] = {0}, sum = 0;
    int64_t i = 0;
    if (n > LONG) {
        int64_t half = n / 2 / LANES * LANES;
        return pairwise(x, half) + pairwise(x + half, n - half);
    }
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) lanes[l] += x[i + l];
    sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
    for (; i < n; i++) sum += x[i];
    return sum;
}

/* What candidate c of n would leave over: the sum of min(D(o, c), limits[o]). Integers, which do not round, are summed by the kernel. */
static vt__sum left_over(const sample *s, const growth *g, int64_t c, int64_t n) {
    const vt__cluster_work *work = g->work;
    const char *d = s->columns + (size_t)(c * n) * vt__distance_size(work->distance);
    const int is_double = g->near.type == VT__DISTANCE_F64;
    vt__sum sum;
    if (vt__distance_is_whole(work->distance)) {
        g->near.vtk->medoid_total[g->near.type](&sum, d, work->k ? s->limits : NULL, work->weights ? s->weights : NULL, n);
        return sum;
    }
    for (int64_t o = 0; o < n; o++) {
        double v = is_double ? ((const double *)(const void *)d)[o] : (double)((const float *)(const void *)d)[o];
        double limit = is_double ? ((const double *)(const void *)s->limits)[o] : (double)((const float *)(const void *)s->limits)[o];
        if (work->k && limit < v) v = limit;
        s->terms[o] = work->weights ? s->weights[o].real * v : v;
    }
    sum.real = pairwise(s->terms, n);
    return sum;
}

/* BUILD on a fresh sample for each medoid: O(n k) altogether. */
static vt_status lab(vt__cluster_work *work) {
    growth g;
    sample s = {0};
    vt_status st = growth_init(&g, work);
    if (st == VT_OK) st = sample_init(&s, work);
    while (st == VT_OK && work->k < g.wanted) {
        int64_t n = s.size < s.n_pool ? s.size : s.n_pool, best = 0;
        vt__sum best_sum = {0};
        st = vt__watch_poll(work->watch, (double)work->k / (double)g.wanted, "initial medoids");
        if (st == VT_OK) st = draw_sample(&s, &g, n);
        for (int64_t c = 0; c < n && st == VT_OK; c++) {
            vt__sum sum = left_over(&s, &g, c, n);
            if (c && !vt__sum_less(vt__distance_is_whole(work->distance), sum, best_sum)) continue;
            best = c;
            best_sum = sum;
        }
        if (st == VT_OK) st = grow(&g, s.pool[best]);
        s.pool[best] = s.pool[--s.n_pool];
    }
    sample_free(&s, work->ctx);
    growth_free(&g);
    return st;
}

static vt_status draw_random(vt__cluster_work *work) {
    int64_t *pool = vt__calloc2(work->ctx, work->n, 1, sizeof *pool);
    if (!pool) return vt__fail_nomem("cluster", (size_t)work->n * sizeof *pool);
    for (int64_t i = 0; i < work->n; i++) pool[i] = i;
    vt__draw_select(&work->draws, pool, work->n, work->k);
    memcpy(work->medoids, pool, (size_t)work->k * sizeof *pool);
    vt__free(work->ctx, pool);
    return VT_OK;
}

static vt_status take_given(vt__cluster_work *work) {
    unsigned char *is_taken = vt__calloc2(work->ctx, work->n, 1, sizeof *is_taken);
    vt_status st = is_taken ? VT_OK : vt__fail_nomem("cluster", (size_t)work->n);
    for (int64_t i = 0; i < work->k && st == VT_OK; i++) {
        int64_t m = work->params->medoids[i];
        if (m < 0 || m >= work->n) st = vt__fail(VT_ERR_INVALID, "cluster: medoid %lld of %lld objects", (long long)m, (long long)work->n);
        else if (is_taken[m]) st = vt__fail(VT_ERR_INVALID, "cluster: medoid %lld is given twice", (long long)m);
        else is_taken[m] = 1;
        work->medoids[i] = m;
    }
    vt__free(work->ctx, is_taken);
    return st;
}

vt_status vt__init_medoids(vt__cluster_work *work) {
    switch (work->params->init) {
    case VT__INIT_GIVEN: return take_given(work);
    case VT__INIT_LAB: return lab(work);
    case VT__INIT_RANDOM: return draw_random(work);
    case VT__INIT_BUILD: return build(work);
    default:
        for (int64_t i = 0; i < work->k; i++) work->medoids[i] = i;
        return VT_OK;
    }
}
