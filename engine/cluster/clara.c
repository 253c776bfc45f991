/* FasterCLARA: FasterPAM on samples, each of which holds the best medoids so far; what counts is the loss over all objects. Sources: Kaufman and
 * Rousseeuw 1990, chapter 3 (CLARA); Schubert and Rousseeuw 2021, section 4.3. */
#include <math.h>
#include <string.h>

#include "cluster/state.h"
#include "core/error.h"
#include "core/memory.h"

/* Smaller is better, unreached first. */
typedef struct total {
    double unreached; /* (weighted) objects without a reachable medoid */
    double loss;      /* of the others */
    int64_t integer_loss;
} total;

typedef struct clara {
    vt__cluster_work *work; /* holds the best medoids and their assignment */
    vt__cluster_work trial; /* all objects with the medoids of the sample at hand; where better, its arrays change places with those of work */
    vt__cluster_work sub;   /* the sample as a problem of its own */
    vt__cluster_params params;
    vt__watch quiet; /* of sub: cancels like the caller's and reports nothing, since passes over a sample say nothing about the whole */
    int64_t size;    /* objects of a sample */
    int64_t *pool;   /* [n] the sample, then the objects that were not drawn */
    unsigned char *is_kept; /* [n] while a sample is drawn */
    int64_t *sub_start;     /* [k] positions of given medoids in the first sample */
    void *sub_weights;      /* [size] or NULL */
    int has_best;
    total best;
} clara;

static double weight_of(const vt__cluster_work *w, int64_t i) {
    if (!w->weights) return 1;
    return vt__distance_is_whole(w->distance) ? (double)((const int64_t *)w->weights)[i] : ((const double *)w->weights)[i];
}

static total total_of(const vt__cluster_work *w) {
    total t = {0, w->loss, w->integer_loss};
    if (isfinite(w->loss)) return t;
    t.loss = 0;
    for (int64_t i = 0; i < w->n; i++) {
        if (isinf(w->nearest[i])) t.unreached += weight_of(w, i);
        else t.loss += weight_of(w, i) * w->nearest[i];
    }
    return t;
}

static int is_better(const vt__cluster_work *w, const total *a, const total *b) {
    if (a->unreached < b->unreached || a->unreached > b->unreached) return a->unreached < b->unreached;
    return vt__distance_is_whole(w->distance) && a->unreached <= 0 ? a->integer_loss < b->integer_loss : a->loss < b->loss;
}

/* The best medoids first, then objects drawn from the others in ascending order. */
static void draw_sample(clara *c) {
    const vt__cluster_work *w = c->work;
    int64_t kept = c->has_best ? w->k : 0, end = kept;
    memset(c->is_kept, 0, (size_t)w->n);
    for (int64_t s = 0; s < kept; s++) {
        c->pool[s] = w->medoids[s];
        c->is_kept[w->medoids[s]] = 1;
    }
    for (int64_t i = 0; i < w->n; i++) {
        if (!c->is_kept[i]) c->pool[end++] = i;
    }
    vt__draw_select(&c->work->draws, c->pool + kept, w->n - kept, c->size - kept);
}

static void gather_weights(clara *c) {
    const size_t size = 8; /* float64 and int64 alike */
    for (int64_t i = 0; c->sub_weights && i < c->size; i++)
        memcpy((char *)c->sub_weights + (size_t)i * size, (const char *)c->work->weights + (size_t)c->pool[i] * size, size);
}

/* A matrix of the sample alone, of the distance's own type. */
static vt_status sample_distance(clara *c, vt_distance **out) {
    const vt_distance *d = c->work->distance;
    size_t cells;
    *out = NULL;
    void *block = vt__mul_size(c->size, c->size, &cells) ? NULL : vt__alloc64_2(c->work->ctx, (int64_t)cells, 1, vt__distance_size(d));
    if (!block) return vt__fail(VT_ERR_NOMEM, "cluster: out of memory for the distances of a sample of %lld objects", (long long)c->size);
    vt_status st = vt__distance_compute(d, c->pool, c->size, c->pool, c->size, &c->quiet, block);
    if (st == VT_OK) return vt__distance_take_matrix(c->work->ctx, block, vt__distance_dtype(d), c->size, 0, out);
    vt__free(c->work->ctx, block);
    return st;
}

/* FasterPAM on the sample; its medoids become those of the trial. */
static vt_status search_sample(clara *c, int is_first) {
    vt__cluster_work *sub = &c->sub, *w = c->work;
    vt_distance *distance = NULL;
    vt_status st = sample_distance(c, &distance);
    if (st != VT_OK) return st;
    gather_weights(c);
    c->params.init = w->params->init != VT__INIT_GIVEN ? w->params->init : is_first ? VT__INIT_GIVEN : VT__INIT_LAB;
    sub->distance = distance;
    sub->k = c->params.k;
    sub->n_iter = sub->n_swap = 0;
    sub->draws = w->draws;
    st = vt__init_medoids(sub);
    if (st == VT_OK) st = vt__fasterpam(sub);
    w->draws = sub->draws;
    c->trial.k = sub->k;
    for (int64_t s = 0; st == VT_OK && s < sub->k; s++) c->trial.medoids[s] = c->pool[sub->medoids[s]];
    vt__distance_release(distance);
    return st;
}

/* The assigned trial becomes the best where it is better. */
static void keep_if_better(clara *c) {
    vt__cluster_work *w = c->work, old = *w;
    total t = total_of(&c->trial);
    if (c->has_best && !is_better(w, &t, &c->best)) return;
    c->has_best = 1;
    c->best = t;
    w->medoids = c->trial.medoids, w->labels = c->trial.labels, w->nearest = c->trial.nearest, w->second = c->trial.second;
    w->k = c->trial.k, w->loss = c->trial.loss, w->integer_loss = c->trial.integer_loss;
    w->n_iter = c->sub.n_iter, w->n_swap = c->sub.n_swap;
    c->trial.medoids = old.medoids, c->trial.labels = old.labels, c->trial.nearest = old.nearest, c->trial.second = old.second;
}

static int allocate_work(vt__cluster_work *w) {
    w->medoids = vt__calloc2(w->ctx, w->k, 1, sizeof *w->medoids);
    w->labels = vt__calloc2(w->ctx, w->n, 1, sizeof *w->labels);
    w->nearest = vt__calloc2(w->ctx, w->n, 1, sizeof *w->nearest);
    w->second = vt__calloc2(w->ctx, w->n, 1, sizeof *w->second);
    return w->medoids && w->labels && w->nearest && w->second;
}

static void free_work(vt__cluster_work *w) {
    vt__free(w->ctx, w->medoids);
    vt__free(w->ctx, w->labels);
    vt__free(w->ctx, w->nearest);
    vt__free(w->ctx, w->second);
}

static vt_status init_clara(clara *c) {
    vt__cluster_work *w = c->work;
    c->params = *w->params;
    c->params.medoids = NULL;
    c->params.weights = NULL; /* sub.weights count */
    c->quiet = (vt__watch){.what = w->watch->what, .cancel = w->watch->cancel};
    c->size = w->params->sample_size < w->n ? w->params->sample_size : w->n;
    c->trial = (vt__cluster_work){.ctx = w->ctx, .distance = w->distance, .n = w->n, .params = w->params, .watch = &c->quiet, .weights = w->weights, .k = w->k};
    c->sub = (vt__cluster_work){.ctx = w->ctx, .n = c->size, .params = &c->params, .watch = &c->quiet, .k = w->k, .is_sample = 1};
    c->pool = vt__calloc2(w->ctx, w->n, 1, sizeof *c->pool);
    c->is_kept = vt__calloc2(w->ctx, w->n, 1, 1);
    c->sub_start = vt__calloc2(w->ctx, w->k, 1, sizeof *c->sub_start);
    if (w->weights) c->sub.weights = c->sub_weights = vt__calloc2(w->ctx, c->size, 1, 8);
    if (!c->pool || !c->is_kept || !c->sub_start || (w->weights && !c->sub_weights) || !allocate_work(&c->trial) || !allocate_work(&c->sub))
        return vt__fail_nomem("cluster", (size_t)w->n * 29);
    for (int64_t s = 0; s < w->k; s++) c->sub_start[s] = s;
    c->params.medoids = c->sub_start;
    if (w->params->init != VT__INIT_GIVEN) return VT_OK;
    vt_status st = vt__init_medoids(w); /* given medoids are the best so far: every sample has them until better ones are found */
    if (st == VT_OK) st = vt__assign(w);
    c->best = total_of(w);
    c->has_best = 1;
    return st;
}

vt_status vt__fasterclara(vt__cluster_work *work) {
    clara c = {.work = work};
    vt_status st = init_clara(&c);
    for (int64_t i = 0; st == VT_OK && i < work->params->n_samples; i++) {
        st = vt__watch_poll(work->watch, (double)i / (double)work->params->n_samples, "samples");
        if (st != VT_OK) break;
        draw_sample(&c);
        st = search_sample(&c, i == 0);
        if (st == VT_OK) st = vt__assign(&c.trial);
        if (st == VT_OK) keep_if_better(&c);
    }
    work->assigned = 1;
    free_work(&c.trial);
    free_work(&c.sub);
    vt__free(work->ctx, c.pool);
    vt__free(work->ctx, c.is_kept);
    vt__free(work->ctx, c.sub_start);
    vt__free(work->ctx, c.sub_weights);
    return st;
}
