/* Where k-means begins. k-means++ draws rows with a chance that grows with their squared distance to the centroids that there are; like the field's
 * libraries we draw 2 + ln k of them each time and keep the one that leaves the smallest sum. Sources: Arthur and Vassilvitskii 2007, sections 2.2
 * and 7 (the greedy variant). Mini-batches seed on a sample, as each centroid would otherwise cost a pass over all rows. */
#include <math.h>

#include "kmeans/kmeans_internal.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/sort.h"

enum { PANELS_A_CHUNK = 64, CHUNK = PANELS_A_CHUNK * VTK_PANEL, SAMPLE_BATCHES = 3 };

typedef struct seeding {
    vt__kmeans *km;
    int32_t *rows; /* [n] those that are seeded on; NULL: all */
    int64_t n, n_panels, n_chunks, n_trials;
    void *own_panels; /* of the rows, where they are not all */
    const void *panels;
    int64_t *trials;  /* [n_trials] rows by their places */
    void *candidates; /* [n_trials, dim] of the rows' type, centred */
    void *distances;  /* [n_trials, n_panels * VTK_PANEL] squared, to the candidates */
    double *nearest;  /* [n] squared distance to the centroids so far, times the weight */
    double *sums;     /* [n_trials, n_chunks] of `nearest` once the candidate is a centroid */
    double *potentials; /* [n_chunks] of `nearest` as it is */
    int64_t taken;      /* the trial that is taken */
    int is_first;
} seeding;

static int64_t row_of(const seeding *s, int64_t place) { return s->rows ? s->rows[place] : place; }

static double distance_at(const seeding *s, int64_t trial, int64_t place) {
    int64_t at = trial * s->n_panels * VTK_PANEL + place;
    return s->km->points->rows.dtype == VT_DTYPE_F32 ? (double)((const float *)s->distances)[at] : ((const double *)s->distances)[at];
}

/* What place i would count with a candidate as a further centroid. */
static double left(const seeding *s, int64_t trial, int64_t i) {
    double d = distance_at(s, trial, i) * vt__points_weight(s->km->points, row_of(s, i));
    return s->is_first || d < s->nearest[i] ? d : s->nearest[i];
}

static void judge_chunk(void *user, int64_t chunk) {
    const seeding *s = user;
    const vt__points *p = s->km->points;
    const int64_t first = chunk * PANELS_A_CHUNK, end = (chunk + 1) * CHUNK < s->n ? (chunk + 1) * CHUNK : s->n;
    const size_t size = vt__points_size(p);
    vtk_distance d = {(char *)s->distances + (size_t)(first * VTK_PANEL) * size, s->n_panels * VTK_PANEL,
                      (const char *)s->panels + (size_t)(first * p->rows.dim * VTK_PANEL) * size,
                      s->n_panels - first < PANELS_A_CHUNK ? s->n_panels - first : PANELS_A_CHUNK, s->candidates, s->n_trials, p->rows.dim};
    (size == 4 ? vtk_get()->distance_f32 : vtk_get()->distance_f64)[VTK_L2_SQUARED](&d);
    for (int64_t t = 0; t < s->n_trials; t++) {
        double sum = 0;
        for (int64_t i = first * VTK_PANEL; i < end; i++) sum += left(s, t, i);
        s->sums[t * s->n_chunks + chunk] = sum;
    }
}

static void take_chunk(void *user, int64_t chunk) {
    const seeding *s = user;
    const int64_t end = (chunk + 1) * CHUNK < s->n ? (chunk + 1) * CHUNK : s->n;
    double sum = 0;
    for (int64_t i = chunk * CHUNK; i < end; i++) sum += s->nearest[i] = left(s, s->taken, i);
    s->potentials[chunk] = sum;
}

/* Weights count as numbers of equal rows. */
static void weigh(seeding *s) {
    for (int64_t i = 0; i < s->n; i++) {
        s->nearest[i] = vt__points_weight(s->km->points, row_of(s, i));
        s->potentials[i / CHUNK] += s->nearest[i];
    }
}

/* A place with a chance of its part in the potential; evenly drawn if that is 0: then no further row differs from the centroids. */
static int64_t draw_place(seeding *s) {
    double total = 0;
    for (int64_t c = 0; c < s->n_chunks; c++) total += s->potentials[c];
    if (!(total > 0)) return vt__draw_below(&s->km->draws, s->n);
    double target = vt__draw_unit(&s->km->draws) * total;
    int64_t chunk = 0, place = s->n - 1;
    while (chunk + 1 < s->n_chunks && target >= s->potentials[chunk]) target -= s->potentials[chunk++];
    for (int64_t i = chunk * CHUNK; i < s->n; i++) {
        if (target < s->nearest[i]) return i;
        target -= s->nearest[i];
    }
    while (s->nearest[place] <= 0) place--; /* rounding: the target was the end itself */
    return place;
}

static void set_candidate(seeding *s, int64_t t) {
    const vt__points *p = s->km->points;
    const int64_t dim = p->rows.dim, row = row_of(s, s->trials[t]);
    for (int64_t d = 0; d < dim; d++) {
        if (p->rows.dtype == VT_DTYPE_F32) ((float *)s->candidates)[t * dim + d] = (float)vt__points_at(p, row, d);
        else ((double *)s->candidates)[t * dim + d] = vt__points_at(p, row, d);
    }
}

/* Judges the rows in trials as the next centroid and takes the best of them, the first of several. */
static void take_best(seeding *s) {
    int64_t best = 0;
    double best_sum = (double)INFINITY;
    for (int64_t t = 0; t < s->n_trials; t++) set_candidate(s, t);
    vt__parallel(s->km->points->ctx, s->n_chunks, judge_chunk, s);
    for (int64_t t = 0; t < s->n_trials; t++) {
        double sum = 0;
        for (int64_t c = 0; c < s->n_chunks; c++) sum += s->sums[t * s->n_chunks + c];
        if (sum < best_sum) best = t, best_sum = sum;
    }
    s->taken = best;
    vt__parallel(s->km->points->ctx, s->n_chunks, take_chunk, s);
    s->is_first = 0;
}

static vt_status plus_plus(seeding *s) {
    vt__kmeans *km = s->km;
    const int64_t dim = km->points->rows.dim, n_trials = s->n_trials;
    weigh(s);
    for (int64_t c = 0; c < km->params->k; c++) {
        vt_status st = vt__watch_poll(km->watch, -1, "seeding");
        if (st != VT_OK) return st;
        s->n_trials = c ? n_trials : 1;
        for (int64_t t = 0; t < s->n_trials; t++) s->trials[t] = draw_place(s);
        take_best(s);
        for (int64_t d = 0; d < dim; d++) km->means.centres[c * dim + d] = vt__points_at(km->points, row_of(s, s->trials[s->taken]), d);
    }
    return VT_OK;
}

/* A sample of the rows, in ascending order so that they are read as they lie. */
static int before(const void *user, int64_t a, int64_t b) {
    (void)user;
    return a < b;
}

static vt_status draw_sample(seeding *s) {
    vt__kmeans *km = s->km;
    const vt__points *p = km->points;
    int64_t *all = vt__calloc2(p->ctx, p->rows.n, 1, sizeof *all);
    size_t row = (size_t)(p->rows.dim * VTK_PANEL);
    s->rows = vt__calloc2(p->ctx, s->n, 1, sizeof *s->rows);
    s->own_panels = vt__alloc64_2(p->ctx, s->n_panels, (int64_t)row, vt__points_size(p));
    s->panels = s->own_panels;
    vt_status st = all && s->rows && s->own_panels ? VT_OK : vt__fail_nomem("kmeans: seeding", (size_t)p->rows.n * sizeof *all);
    for (int64_t i = 0; st == VT_OK && i < p->rows.n; i++) all[i] = i;
    if (st == VT_OK) {
        vt__draw_select(&km->draws, all, p->rows.n, s->n);
        if (vt__sort(p->ctx, all, s->n, before, NULL)) st = vt__fail_nomem("kmeans: seeding", (size_t)s->n * sizeof *all);
    }
    for (int64_t i = 0; st == VT_OK && i < s->n; i++) s->rows[i] = (int32_t)all[i];
    if (st == VT_OK) vt__points_pack(p, s->rows, s->n, s->own_panels);
    vt__free(p->ctx, all);
    return st;
}

static vt_status seed_plus_plus(vt__kmeans *km) {
    const vt__points *p = km->points;
    vt_context *ctx = p->ctx;
    seeding s = {.km = km, .n = p->rows.n, .panels = p->panels, .is_first = 1};
    const int64_t batch = km->params->batch_size > km->params->k ? km->params->batch_size : km->params->k;
    if (km->params->mini_batch && batch < s.n / SAMPLE_BATCHES) s.n = SAMPLE_BATCHES * batch;
    s.n_panels = vt__panels_of(s.n);
    s.n_chunks = (s.n_panels + PANELS_A_CHUNK - 1) / PANELS_A_CHUNK;
    s.n_trials = 2 + (int64_t)log((double)km->params->k);
    s.trials = vt__calloc2(ctx, s.n_trials, 1, sizeof *s.trials);
    s.candidates = vt__calloc2(ctx, s.n_trials, p->rows.dim, vt__points_size(p));
    s.distances = vt__alloc64_2(ctx, s.n_trials, s.n_panels * VTK_PANEL, vt__points_size(p));
    s.nearest = vt__calloc2(ctx, s.n, 1, sizeof *s.nearest);
    s.sums = vt__calloc2(ctx, s.n_trials, s.n_chunks, sizeof *s.sums);
    s.potentials = vt__calloc2(ctx, s.n_chunks, 1, sizeof *s.potentials);
    vt_status st = VT_OK;
    if (!s.trials || !s.candidates || !s.distances || !s.nearest || !s.sums || !s.potentials)
        st = vt__fail(VT_ERR_NOMEM, "kmeans: out of memory for seeding on %lld rows", (long long)s.n);
    if (st == VT_OK && s.n < p->rows.n) st = draw_sample(&s);
    if (st == VT_OK) st = plus_plus(&s);
    void *const blocks[] = {s.trials, s.candidates, s.distances, s.nearest, s.sums, s.potentials, s.rows, s.own_panels};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) vt__free(ctx, blocks[i]);
    return st;
}

/* k rows drawn evenly; rows of weight 0 only where there are not k others. */
static vt_status seed_random(vt__kmeans *km) {
    const vt__points *p = km->points;
    const int64_t n = p->rows.n, dim = p->rows.dim, k = km->params->k;
    int64_t end = 0, *places = vt__calloc2(p->ctx, n, 1, sizeof *places);
    if (!places) return vt__fail_nomem("kmeans: seeding", (size_t)n * sizeof *places);
    for (int64_t i = 0; i < n; i++) {
        if (vt__points_weight(p, i) > 0) places[end++] = i;
    }
    const int64_t n_positive = end;
    for (int64_t i = 0; i < n && end < k; i++) {
        if (vt__points_weight(p, i) <= 0) places[end++] = i;
    }
    vt__draw_select(&km->draws, places, n_positive, n_positive < k ? n_positive : k);
    for (int64_t c = 0; c < k; c++)
        for (int64_t d = 0; d < dim; d++) km->means.centres[c * dim + d] = vt__points_at(p, places[c], d);
    vt__free(p->ctx, places);
    return VT_OK;
}

static vt_status seed_given(vt__kmeans *km) {
    const int64_t dim = km->points->rows.dim;
    const int is_f32 = km->points->rows.dtype == VT_DTYPE_F32;
    for (int64_t i = 0; i < km->params->k * dim; i++) {
        double x = is_f32 ? (double)((const float *)km->params->centroids)[i] : ((const double *)km->params->centroids)[i];
        if (!isfinite(x)) return vt__fail(VT_ERR_NUMERIC, "kmeans: centroid %lld has %g in column %lld", (long long)(i / dim), x, (long long)(i % dim));
        km->means.centres[i] = x - km->points->shift[i % dim];
    }
    return VT_OK;
}

vt_status vt__kmeans_seed(vt__kmeans *km) {
    if (km->params->centroids) return seed_given(km);
    return km->params->random_init ? seed_random(km) : seed_plus_plus(km);
}
