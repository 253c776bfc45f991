/* PAMMEDSIL and PAMSIL: every pair of a candidate and a slot by itself. Slow, and simple enough to be what the fast methods are measured against.
 * Sources: van der Laan, Pollard and Bryan, J. Stat. Comput. Simul. 73, 2003; Lenssen and Schubert, Inf. Syst. 120, 2024. */
#include <math.h>

#include "cluster/msc.h"
#include "cluster/partition.h"
#include "core/error.h"
#include "core/memory.h"

/* ---- PAMMEDSIL ---- */

/* Loss of an object whose medoid in the slot has given way to a candidate at distance d. */
static double loss_after(const vtk_near3 *v, int32_t slot, double d) {
    double d1 = v->slot1 == slot ? v->d2 : v->d1;
    double d2 = v->slot1 == slot || v->slot2 == slot ? v->d3 : v->d2;
    if (d < d1) return vt__msc_ratio(d, d1);
    return vt__msc_ratio(d1, d < d2 ? d : d2);
}

static void judge_pairs(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    enum { TILE = 256 };
    (void)next;
    const vt__msc_state *s = user;
    const size_t size = vt__distance_size(s->distance);
    double *changes = s->scratch + lane * s->scratch_len, d[TILE];
    /* Differences are added, the candidate's own first, as the published program has it: what ties must tie there too. */
    for (int32_t slot = 0; slot < s->m.k; slot++) changes[slot] = -s->objects[j].r12;
    for (int64_t first = 0; first < s->m.n; first += TILE) {
        const int64_t n = s->m.n - first < TILE ? s->m.n - first : TILE;
        vt__msc_read(s, (const char *)column + (size_t)first * size, n, d);
        for (int32_t slot = 0; slot < s->m.k; slot++)
            for (int64_t i = 0; i < n; i++) changes[slot] += first + i == j ? 0 : loss_after(&s->objects[first + i], slot, d[i]) - s->objects[first + i].r12;
    }
    out->slot = 0;
    for (int32_t slot = 1; slot < s->m.k; slot++)
        if (changes[slot] < changes[out->slot]) out->slot = slot;
    out->change.real = changes[out->slot];
}

vt_status vt__pammedsil(vt__cluster_work *work) { return vt__msc_improve(work, vt__search_best, judge_pairs); }

/* ---- PAMSIL ---- */

/* What one judgement writes to. */
typedef struct trial {
    vt__partition parts;
    int32_t *labels;  /* [n] */
    int64_t *medoids; /* [k] */
    double *samples;  /* [n] */
    void *scratch;    /* [n] distances */
} trial;

typedef struct pamsil {
    vt_context *ctx;
    const int64_t *medoids; /* [k] of the work */
    int64_t n, k;
    int type;
    size_t size;
    char *matrix; /* [n, n]: all distances */
    trial trials[VT__SEARCH_LANES];
    double loss; /* minus the sum of silhouettes */
} pamsil;

static void free_trials(pamsil *p) {
    for (int i = 0; i < VT__SEARCH_LANES; i++) {
        trial *t = &p->trials[i];
        vt__partition_free(&t->parts, p->ctx);
        vt__free(p->ctx, t->labels);
        vt__free(p->ctx, t->medoids);
        vt__free(p->ctx, t->samples);
        vt__free(p->ctx, t->scratch);
    }
    vt__free(p->ctx, p->matrix);
}

static vt_status make_trials(pamsil *p) {
    vt_status st = VT_OK;
    for (int i = 0; i < VT__SEARCH_LANES && st == VT_OK; i++) {
        trial *t = &p->trials[i];
        st = vt__partition_init(&t->parts, p->ctx, p->n, p->k);
        t->labels = vt__calloc2(p->ctx, p->n, 1, sizeof *t->labels);
        t->medoids = vt__calloc2(p->ctx, p->k, 1, sizeof *t->medoids);
        t->samples = vt__calloc2(p->ctx, p->n, 1, sizeof *t->samples);
        t->scratch = vt__alloc64_2(p->ctx, p->n, 1, p->size);
        if (st == VT_OK && !(t->labels && t->medoids && t->samples && t->scratch)) st = vt__fail_nomem("cluster", (size_t)p->n * sizeof *t->samples);
    }
    if (st != VT_OK) return st;
    p->matrix = vt__alloc64_2(p->ctx, p->n, p->n, p->size);
    return p->matrix ? VT_OK : vt__fail_nomem("cluster: PAMSIL keeps all distances", (size_t)p->n * (size_t)p->n * p->size);
}

/* Of distances in either type; int64 ones are compared as such. */
static int is_nearer(const pamsil *p, const char *row, int64_t a, int64_t b) {
    switch (p->type) {
    case VT__DISTANCE_F32: return ((const float *)(const void *)row)[a] < ((const float *)(const void *)row)[b];
    case VT__DISTANCE_F64: return ((const double *)(const void *)row)[a] < ((const double *)(const void *)row)[b];
    case VT__DISTANCE_I32: return ((const int32_t *)(const void *)row)[a] < ((const int32_t *)(const void *)row)[b];
    default: return ((const int64_t *)(const void *)row)[a] < ((const int64_t *)(const void *)row)[b];
    }
}

/* Minus the sum of the silhouettes that the trial's medoids give. */
static double loss_of(const pamsil *p, trial *t) {
    double sum = 0;
    for (int64_t o = 0; o < p->n; o++) {
        const char *row = p->matrix + (size_t)(o * p->n) * p->size;
        int32_t nearest = 0;
        for (int32_t i = 1; i < p->k && t->medoids[nearest] != o; i++)
            if (t->medoids[i] == o || is_nearer(p, row, t->medoids[i], t->medoids[nearest])) nearest = i;
        t->labels[o] = nearest;
    }
    vt__partition_fill(&t->parts, t->labels, p->k);
    for (int64_t i = 0; i < p->n; i++) {
        const int64_t o = t->parts.members[i];
        const char *row = p->matrix + (size_t)(o * p->n) * p->size;
        t->samples[o] = vt__silhouette_sample(&t->parts, i, p->type, row, row, (double)INFINITY, t->scratch);
    }
    for (int64_t o = 0; o < p->n; o++) sum += t->samples[o];
    return -sum;
}

static void judge_partitions(void *user, int64_t lane, int64_t j, const void *column, const void *next, vt__move *out) {
    (void)next;
    pamsil *p = user;
    trial *t = &p->trials[lane];
    (void)column;
    for (int32_t slot = 0; slot < p->k; slot++) {
        for (int64_t i = 0; i < p->k; i++) t->medoids[i] = i == slot ? j : p->medoids[i];
        double change = loss_of(p, t) - p->loss;
        if (slot == 0 || change < out->change.real) *out = (vt__move){slot, {.real = change}};
    }
}

static vt_status take(void *user, const vt__move *move, int64_t j, const void *column) {
    pamsil *p = user;
    (void)move;
    (void)j;
    (void)column;
    for (int64_t i = 0; i < p->k; i++) p->trials[0].medoids[i] = p->medoids[i];
    p->loss = loss_of(p, &p->trials[0]);
    return VT_OK;
}

static vt__sum loss_now(void *user) { return (vt__sum){.real = ((const pamsil *)user)->loss}; }

vt_status vt__pamsil(vt__cluster_work *work) {
    pamsil p = {.ctx = work->ctx, .medoids = work->medoids, .n = work->n, .k = work->k, .type = vt__distance_type(work->distance),
                .size = vt__distance_size(work->distance)};
    vt__search search = {.ctx = work->ctx, .distance = work->distance, .watch = work->watch, .n = work->n, .k = work->k, .medoids = work->medoids,
                         .max_iter = work->params->max_iter, .slot_first = 1, .user = &p, .judge = judge_partitions, .take = take, .loss = loss_now};
    if (p.k < 2) return vt__fail(VT_ERR_SHAPE, "cluster: silhouettes need 2 medoids or more, there is %lld", (long long)p.k);
    vt_status st = make_trials(&p);
    if (st == VT_OK) st = vt__distance_compute(work->distance, NULL, p.n, NULL, p.n, work->watch, p.matrix);
    if (st == VT_OK) {
        (void)take(&p, NULL, 0, NULL);
        st = vt__search_best(&search);
    }
    work->n_iter = search.n_iter;
    work->n_swap = search.n_swap;
    work->silhouette = -p.loss / (double)p.n;
    free_trials(&p);
    return st;
}
