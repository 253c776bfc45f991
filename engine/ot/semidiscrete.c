#include "ot/semidiscrete.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "ot/source.h"

enum { LANES = 32, MOST_NUMBERS = 1 << 28, MOST_SAMPLES = 1 << 24, CHUNK = 2048, MOST_CHUNKS = 64 };

struct vt_ot {
    atomic_int refs;
    vt_context *ctx;
    int64_t n, dim;
    double *target; /* [n, dim] owned, as the next three */
    double *share;  /* [n] sum 1 */
    double *height; /* [n] mean 0 */
};

static void centre(double *h, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += h[i];
    for (int64_t i = 0; i < n; i++) h[i] -= sum / (double)n;
}

static vt_status check_numbers(const double *targets, int64_t n, int64_t dim, const double *masses) {
    for (int64_t i = 0; i < n * dim; i++)
        if (!(fabs(targets[i]) <= 1e100)) return vt__fail(VT_ERR_INVALID, "ot: coordinate %g of target %lld", targets[i], (long long)(i / dim));
    for (int64_t i = 0; masses && i < n; i++)
        if (!(masses[i] >= 1e-100 && masses[i] <= 1e100)) return vt__fail(VT_ERR_INVALID, "ot: mass %g of target %lld, need a number above 0", masses[i], (long long)i);
    return VT_OK;
}

vt_status vt__ot_create(vt_context *ctx, const double *targets, int64_t n, int64_t dim, const double *masses, vt_ot **out) {
    size_t size;
    *out = NULL;
    if (n < 1 || n > INT32_MAX || dim < 1) return vt__fail(VT_ERR_SHAPE, "ot: %lld targets of %lld dimensions", (long long)n, (long long)dim);
    if (vt__mul_size(n, dim, &size) || size > MOST_NUMBERS)
        return vt__fail(VT_ERR_LIMIT, "ot: %lld targets of %lld dimensions, at most %d numbers", (long long)n, (long long)dim, MOST_NUMBERS);
    vt_status st = check_numbers(targets, n, dim, masses);
    if (st != VT_OK) return st;
    vt_ot *ot = vt__calloc(ctx, sizeof *ot);
    if (!ot) return vt__fail_nomem("ot", sizeof *ot);
    atomic_init(&ot->refs, 1);
    ot->ctx = vt__context_retain(ctx);
    ot->n = n;
    ot->dim = dim;
    ot->target = vt__calloc2(ctx, n, dim, sizeof *ot->target);
    ot->share = vt__calloc2(ctx, n, 1, sizeof *ot->share);
    ot->height = vt__calloc2(ctx, n, 1, sizeof *ot->height);
    if (!ot->target || !ot->share || !ot->height) {
        vt__ot_release(ot);
        return vt__fail_nomem("ot", size * sizeof(double));
    }
    memcpy(ot->target, targets, size * sizeof *targets);
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += ot->share[i] = masses ? masses[i] : 1;
    for (int64_t i = 0; i < n; i++) {
        ot->share[i] /= sum;
        for (int64_t d = 0; d < dim; d++) ot->height[i] -= 0.5 * targets[i * dim + d] * targets[i * dim + d];
    }
    centre(ot->height, n);
    *out = ot;
    return VT_OK;
}

vt_ot *vt__ot_retain(vt_ot *ot) {
    if (ot) atomic_fetch_add(&ot->refs, 1);
    return ot;
}

void vt__ot_release(vt_ot *ot) {
    if (!ot || atomic_fetch_sub(&ot->refs, 1) != 1) return;
    vt_context *ctx = ot->ctx;
    vt__free(ctx, ot->target);
    vt__free(ctx, ot->share);
    vt__free(ctx, ot->height);
    vt__free(ctx, ot);
    vt__context_release(ctx);
}

int64_t vt__ot_count(const vt_ot *ot) { return ot->n; }
int64_t vt__ot_dim(const vt_ot *ot) { return ot->dim; }
const double *vt__ot_targets(const vt_ot *ot) { return ot->target; }
const double *vt__ot_heights(const vt_ot *ot) { return ot->height; }

vt_status vt__ot_set_heights(vt_ot *ot, const double *heights) {
    for (int64_t i = 0; i < ot->n; i++)
        if (!(fabs(heights[i]) <= 1e200)) return vt__fail(VT_ERR_INVALID, "ot: height %g of target %lld", heights[i], (long long)i);
    memcpy(ot->height, heights, (size_t)ot->n * sizeof *heights);
    centre(ot->height, ot->n);
    return VT_OK;
}

/* ---- which target ---- */

/* Values of target j for LANES rows, x [dim, LANES]: lanes are rows, so that no sum crosses them. */
static void values_of(const vt_ot *ot, const double *height, const double *x, int64_t j, double value[LANES]) {
    const double *y = ot->target + j * ot->dim;
    for (int l = 0; l < LANES; l++) value[l] = height[j] + x[l] * y[0];
    for (int64_t d = 1; d < ot->dim; d++)
        for (int l = 0; l < LANES; l++) value[l] += x[d * LANES + l] * y[d];
}

/* The best target of up to LANES rows. First the block of targets that has the largest value, which is little work a target, then its first one. */
static void best_of(const vt_ot *ot, const double *height, const double *rows, int64_t n, double *x, int32_t *out) {
    enum { BLOCK = 32 };
    double value[LANES], best[LANES], most[LANES];
    int64_t block[LANES] = {0};
    for (int64_t d = 0; d < ot->dim; d++)
        for (int l = 0; l < LANES; l++) x[d * LANES + l] = rows[(l < n ? l : n - 1) * ot->dim + d];
    for (int l = 0; l < LANES; l++) best[l] = -INFINITY;
    for (int64_t first = 0; first < ot->n; first += BLOCK) {
        const int64_t last = first + BLOCK < ot->n ? first + BLOCK : ot->n;
        memcpy(most, best, sizeof most);
        for (int64_t j = first; j < last; j++) {
            values_of(ot, height, x, j, value);
            for (int l = 0; l < LANES; l++) most[l] = value[l] > most[l] ? value[l] : most[l];
        }
        for (int l = 0; l < LANES; l++)
            if (most[l] > best[l]) best[l] = most[l], block[l] = first;
    }
    for (int64_t l = 0; l < n; l++) {
        int64_t j = block[l];
        for (; j < ot->n; j++) {
            double v = height[j] + rows[l * ot->dim] * ot->target[j * ot->dim];
            for (int64_t d = 1; d < ot->dim; d++) v += rows[l * ot->dim + d] * ot->target[j * ot->dim + d];
            if (v == best[l]) break;
        }
        out[l] = (int32_t)(j < ot->n ? j : block[l]);
    }
}

static double value_of(const vt_ot *ot, const double *x, int64_t j) {
    double v = ot->height[j] + x[0] * ot->target[j * ot->dim];
    for (int64_t d = 1; d < ot->dim; d++) v += x[d] * ot->target[j * ot->dim + d];
    return v;
}

/* The k best of one row, kept in order while they come. */
static void top_of(const vt_ot *ot, const double *x, int32_t k, double *value, int32_t *out) {
    int32_t n = 0;
    for (int64_t j = 0; j < ot->n; j++) {
        double v = value_of(ot, x, j);
        if (n == k && !(v > value[k - 1])) continue;
        int32_t at = n < k ? n++ : k - 1;
        for (; at > 0 && v > value[at - 1]; at--) {
            value[at] = value[at - 1];
            out[at] = out[at - 1];
        }
        value[at] = v;
        out[at] = (int32_t)j;
    }
}

typedef struct job {
    const vt_ot *ot;
    const double *height, *x;
    int64_t n, n_chunks;
    int32_t k, *out;
    double *room;  /* [n_chunks, stride] */
    int64_t stride;
} job;

static int64_t chunks_of(int64_t n) { return n / CHUNK < MOST_CHUNKS ? n / CHUNK + 1 : MOST_CHUNKS; }

static void map_chunk(void *user, int64_t chunk) {
    const job *j = user;
    int64_t first, last;
    vt__chunk_range(j->n, LANES, j->n_chunks, chunk, &first, &last);
    for (int64_t i = first; j->k > 1 && i < last; i++) top_of(j->ot, j->x + i * j->ot->dim, j->k, j->room + chunk * j->stride, j->out + i * j->k);
    for (int64_t i = first; j->k == 1 && i < last; i += LANES)
        best_of(j->ot, j->height, j->x + i * j->ot->dim, last - i < LANES ? last - i : LANES, j->room + chunk * j->stride, j->out + i);
}

vt_status vt__ot_map(const vt_ot *ot, const double *x, int64_t n, int32_t k, int32_t *out) {
    for (int64_t i = 0; i < n * ot->dim; i++)
        if (!(fabs(x[i]) <= 1e100)) return vt__fail(VT_ERR_NUMERIC, "ot: row %lld is not finite", (long long)(i / ot->dim));
    job j = {.ot = ot, .height = ot->height, .x = x, .n = n, .k = k, .out = out, .n_chunks = chunks_of(n), .stride = k > 1 ? k : ot->dim * LANES};
    j.room = vt__scratch_take2(ot->ctx, j.n_chunks, j.stride, sizeof *j.room);
    if (!j.room) return vt__fail_nomem("ot", (size_t)(j.n_chunks * j.stride) * sizeof *j.room);
    if (n) vt__parallel(ot->ctx, j.n_chunks, map_chunk, &j);
    vt__scratch_give(ot->ctx, j.room);
    return VT_OK;
}

/* ---- solving ---- */

typedef struct search {
    vt_ot *ot;
    const vt__ot_params *p;
    vt__watch watch;
    double *height, *mean, *first, *second, *error; /* [n] each: where it is, its average of late, Adam's moments, masses less shares */
    double *x;     /* [n_samples, dim] */
    double *room;  /* [MOST_CHUNKS, dim * LANES] */
    int32_t *cell; /* [n_samples] */
    int64_t n_samples;
    uint64_t drawn;
    int64_t n_mean; /* iterations in the average */
    int64_t n_empty;
} search;

typedef struct draw {
    const search *s;
    int64_t n_chunks;
} draw;

static void draw_chunk(void *user, int64_t chunk) {
    const draw *w = user;
    const search *s = w->s;
    int64_t first, last;
    vt__chunk_range(s->n_samples, LANES, w->n_chunks, chunk, &first, &last);
    vt__ot_source(s->p->uniform, s->p->seed, s->drawn + (uint64_t)first, last - first, s->ot->dim, s->x + first * s->ot->dim);
}

/* Masses of the cells at these heights, by the next points of the source; answers the error's length. */
static double measure(search *s, const double *height) {
    const int64_t n = s->ot->n, n_chunks = chunks_of(s->n_samples);
    draw w = {s, n_chunks};
    job j = {.ot = s->ot, .height = height, .x = s->x, .n = s->n_samples, .k = 1, .out = s->cell, .n_chunks = n_chunks, .room = s->room,
             .stride = s->ot->dim * LANES};
    vt__parallel(s->ot->ctx, n_chunks, draw_chunk, &w);
    vt__parallel(s->ot->ctx, n_chunks, map_chunk, &j);
    s->drawn += (uint64_t)s->n_samples;
    memset(s->error, 0, (size_t)n * sizeof *s->error);
    for (int64_t i = 0; i < s->n_samples; i++) s->error[s->cell[i]] += 1;
    double sum = 0;
    s->n_empty = 0;
    for (int64_t i = 0; i < n; i++) {
        s->n_empty += s->error[i] == 0;
        s->error[i] = s->error[i] / (double)s->n_samples - s->ot->share[i];
        sum += s->error[i] * s->error[i];
    }
    return sqrt(sum);
}

static double spread_of(const vt_ot *ot) {
    double sum = 0;
    for (int64_t d = 0; d < ot->dim; d++) {
        double mean = 0;
        for (int64_t j = 0; j < ot->n; j++) mean += ot->target[j * ot->dim + d] / (double)ot->n;
        for (int64_t j = 0; j < ot->n; j++) sum += (ot->target[j * ot->dim + d] - mean) * (ot->target[j * ot->dim + d] - mean);
    }
    sum = sqrt(sum / (double)(ot->n * ot->dim));
    return sum > 0 ? sum : 1;
}

static void adam(search *s, int64_t step, double rate) {
    const double b1 = 0.9, b2 = 0.999, c1 = 1 - pow(b1, (double)step), c2 = 1 - pow(b2, (double)step);
    for (int64_t i = 0; i < s->ot->n; i++) {
        s->first[i] = b1 * s->first[i] + (1 - b1) * s->error[i];
        s->second[i] = b2 * s->second[i] + (1 - b2) * s->error[i] * s->error[i];
        s->height[i] -= rate * (s->first[i] / c1) / (sqrt(s->second[i] / c2) + 1e-12);
    }
    centre(s->height, s->ot->n);
    s->n_mean++;
    for (int64_t i = 0; i < s->ot->n; i++) s->mean[i] += (s->height[i] - s->mean[i]) / (double)s->n_mean;
}

/* Rounds of `patience` iterations, each with 0.8 of the rate of the one before. What is measured at a round's end, and kept if it is the best, is the average
 * over it: the heights themselves move about by the rate. A round without a smaller error doubles the points, as often as
 * allowed; the fourth such round in a row is the last, once the rate has come down to a hundredth. */
static vt_status run(search *s, vt__ot_report *report) {
    const vt__ot_params *p = s->p;
    const int64_t n = s->ot->n;
    double spread = spread_of(s->ot), rate = p->rate * spread, least = INFINITY;
    int32_t misses = 0, doublings = 0;
    for (int64_t i = 1; i <= p->max_iter && !report->converged && (misses < 4 || rate > 0.01 * p->rate * spread); i++) {
        vt_status st = vt__watch_poll(&s->watch, (double)i / (double)p->max_iter, "solving for heights");
        if (st != VT_OK) return st;
        (void)measure(s, s->height);
        adam(s, i, rate);
        report->n_iter = i;
        if (s->n_mean < p->patience && i < p->max_iter) continue;
        double error = measure(s, s->mean);
        if (error < least) {
            least = report->error = error;
            report->n_empty = s->n_empty;
            memcpy(s->ot->height, s->mean, (size_t)n * sizeof *s->mean);
            report->converged = error < p->tolerance && s->n_empty == 0;
            misses = 0;
        } else {
            misses++;
            if (doublings++ < p->n_doublings) s->n_samples *= 2;
        }
        rate *= 0.8;
        s->n_mean = 0;
        memcpy(s->height, s->mean, (size_t)n * sizeof *s->mean);
    }
    report->n_samples = s->n_samples;
    return VT_OK;
}

vt_status vt__ot_solve(vt_ot *ot, const vt__ot_params *p, vt__ot_report *report) {
    search s = {.ot = ot, .p = p, .watch = p->watch, .n_samples = p->n_samples};
    const int64_t n = ot->n, most = p->n_samples << p->n_doublings;
    *report = (vt__ot_report){.error = INFINITY};
    if (p->n_samples < 1 || p->n_doublings < 0 || p->n_doublings > 20 || most > MOST_SAMPLES || most * ot->dim > (int64_t)MOST_NUMBERS)
        return vt__fail(VT_ERR_LIMIT, "ot: %lld points doubled %d times, at most %d", (long long)p->n_samples, p->n_doublings, MOST_SAMPLES);
    double *room = vt__calloc2(ot->ctx, n, 6, sizeof *room);
    s.x = vt__scratch_take2(ot->ctx, most, ot->dim, sizeof *s.x);
    s.room = vt__scratch_take2(ot->ctx, MOST_CHUNKS * (int64_t)LANES, ot->dim, sizeof *s.room);
    s.cell = vt__scratch_take2(ot->ctx, most, 1, sizeof *s.cell);
    vt_status st = VT_OK;
    if (!room || !s.x || !s.room || !s.cell) {
        st = vt__fail_nomem("ot", (size_t)most * (size_t)ot->dim * sizeof *s.x);
    } else {
        double *before = room + 5 * n;
        s.height = room, s.mean = room + n, s.first = room + 2 * n, s.second = room + 3 * n, s.error = room + 4 * n;
        memcpy(s.height, ot->height, (size_t)n * sizeof *s.height);
        memcpy(before, ot->height, (size_t)n * sizeof *before);
        st = run(&s, report);
        if (st != VT_OK) memcpy(ot->height, before, (size_t)n * sizeof *before);
    }
    vt__scratch_give(ot->ctx, s.x);
    vt__scratch_give(ot->ctx, s.room);
    vt__scratch_give(ot->ctx, s.cell);
    vt__free(ot->ctx, room);
    return st;
}
