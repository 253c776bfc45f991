/* Principal axes by subspace iteration: a block of vectors is multiplied by the covariance of the rows again and again, made orthonormal, and
 * turned to the axes inside the space that it spans (Rayleigh-Ritz). Of dense rows with few elements the covariance is formed once; of others
 * C v = X' (X v), where rows of X are centred, sparse ones only in effect. Sums over rows are taken in chunks whose number depends on n alone. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "core/rng.h"
#include "distance/panels.h"
#include "distance/sparse.h"
#include "distance/subspace.h"

/* EXTRA vectors beside those asked for: an axis comes nearer by the ratio of its variance to that of the first vector left out. */
enum { EXTRA = 8, ROWS_A_CHUNK = 256, MAX_CHUNKS = 16, SEED = 20240229 };
/* Forming the covariance costs as much as this many elements of a row for each vector; rounds on it are cheap, and many are allowed. */
enum { FORMED_ELEMENTS = 16, FORMED_ROUNDS = 5000, ROUNDS = 150 };
static const double CLOSE_ENOUGH = 1e-10; /* of C v - variance * v, relative to the largest variance */
static const double CONSTANT = 1e-28;     /* variance relative to the mean square that is rounding only */

typedef struct projection {
    vt_context *ctx;
    const vt__panels *dense;
    const vt__sparse *sparse; /* the other is NULL */
    int64_t n, dim, n_chunks;
    int n_axes, b;   /* vectors that are worked on */
    double scale;    /* largest magnitude of all elements: rows are divided by it, so that no square overflows */
    double variance; /* total, times n */
    double *mean;    /* [dim] */
    double *axes;    /* [dim, b] */
    double *image;   /* [dim, b] C times axes */
    double *formed;  /* [dim, dim] C, lower triangle; NULL: not formed */
    double *partial; /* [n_chunks, dim, b], or with C formed [n_chunks, dim, dim] */
    double *sums;    /* [n_chunks, b] of X v, sparse rows only */
    double *rows;    /* [n_chunks, dim] */
    double shift[VT__SUBSPACE_MAX]; /* mean times axes, sparse rows only */
    double *out;     /* [n, n_axes] */
} projection;

/* Row i: the number of its elements, their values, and their columns (NULL: all in order). Dense rows come centred. */
static int64_t take_row(const projection *p, int64_t i, double *values, const int32_t **columns) {
    if (p->dense) {
        const vt__panels *d = p->dense;
        int64_t at = i / VTK_PANEL * d->depth * VTK_PANEL + i % VTK_PANEL;
        *columns = NULL;
        for (int64_t k = 0; k < p->dim; k++, at += VTK_PANEL)
            values[k] = (d->size == 4 ? (double)((const float *)d->data)[at] : ((const double *)d->data)[at]) / p->scale - p->mean[k];
        return p->dim;
    }
    const vt__sparse *s = p->sparse;
    int64_t first = s->offsets[i], n = s->offsets[i + 1] - first;
    double length = s->metric == VT__METRIC_COSINE && s->norms[i] > 0.0 ? sqrt(s->norms[i]) : 1.0;
    *columns = s->columns + first;
    for (int64_t k = 0; k < n; k++) values[k] = (double)s->values[first + k] / length / p->scale;
    return n;
}

/* y = row times axes. */
static void row_times_axes(const projection *p, const double *values, const int32_t *columns, int64_t n, double *y) {
    for (int j = 0; j < p->b; j++) y[j] = p->sparse ? -p->shift[j] : 0.0;
    for (int64_t k = 0; k < n; k++) {
        const double *axis = p->axes + (columns ? columns[k] : k) * p->b;
        for (int j = 0; j < p->b; j++) y[j] += values[k] * axis[j];
    }
}

static void multiply_chunk(void *user, int64_t chunk) {
    const projection *p = user;
    double *partial = p->partial + chunk * p->dim * p->b, *sums = p->sums + chunk * p->b, *values = p->rows + chunk * p->dim, y[VT__SUBSPACE_MAX];
    int64_t first, last;

    vt__chunk_range(p->n, 1, p->n_chunks, chunk, &first, &last);
    memset(partial, 0, (size_t)(p->dim * p->b) * sizeof *partial);
    memset(sums, 0, (size_t)p->b * sizeof *sums);
    for (int64_t i = first; i < last; i++) {
        const int32_t *columns;
        int64_t n = take_row(p, i, values, &columns);
        row_times_axes(p, values, columns, n, y);
        for (int j = 0; j < p->b; j++) sums[j] += y[j];
        for (int64_t k = 0; k < n; k++) {
            double *to = partial + (columns ? columns[k] : k) * p->b;
            for (int j = 0; j < p->b; j++) to[j] += values[k] * y[j];
        }
    }
}

static void set_shift(projection *p) {
    memset(p->shift, 0, sizeof p->shift);
    for (int64_t k = 0; k < p->dim && p->sparse; k++)
        for (int j = 0; j < p->b; j++) p->shift[j] += p->mean[k] * p->axes[k * p->b + j];
}

static void form_chunk(void *user, int64_t chunk) {
    const projection *p = user;
    double *partial = p->partial + chunk * p->dim * p->dim, *values = p->rows + chunk * p->dim;
    const int32_t *columns;
    int64_t first, last;

    vt__chunk_range(p->n, 1, p->n_chunks, chunk, &first, &last);
    for (int64_t i = first; i < last; i++) {
        (void)take_row(p, i, values, &columns);
        for (int64_t k = 0; k < p->dim; k++)
            for (int64_t l = 0; l <= k; l++) partial[k * p->dim + l] += values[k] * values[l];
    }
}

static void form(projection *p) {
    vt__parallel(p->ctx, p->n_chunks, form_chunk, p);
    for (int64_t c = 0; c < p->n_chunks; c++)
        for (int64_t i = 0; i < p->dim * p->dim; i++) p->formed[i] += p->partial[c * p->dim * p->dim + i];
}

static void multiply_formed(projection *p) {
    memset(p->image, 0, (size_t)(p->dim * p->b) * sizeof *p->image);
    for (int64_t k = 0; k < p->dim; k++)
        for (int64_t l = 0; l < p->dim; l++) {
            double c = p->formed[k > l ? k * p->dim + l : l * p->dim + k];
            for (int j = 0; j < p->b; j++) p->image[k * p->b + j] += c * p->axes[l * p->b + j];
        }
}

/* image = C axes. */
static void multiply(projection *p) {
    if (p->formed) {
        multiply_formed(p);
        return;
    }
    set_shift(p);
    vt__parallel(p->ctx, p->n_chunks, multiply_chunk, p);
    memset(p->image, 0, (size_t)(p->dim * p->b) * sizeof *p->image);
    for (int64_t c = 0; c < p->n_chunks; c++)
        for (int64_t i = 0; i < p->dim * p->b; i++) {
            double centre = p->sparse ? p->mean[i / p->b] * p->sums[c * p->b + i % p->b] : 0.0;
            p->image[i] += p->partial[c * p->dim * p->b + i] - centre;
        }
}

/* Whether the axes asked for are good: C v is v times its variance. */
static int is_close(const projection *p, const double *values) {
    for (int j = 0; j < p->n_axes; j++) {
        double sum = 0.0;
        for (int64_t k = 0; k < p->dim; k++) {
            double miss = p->image[k * p->b + j] - values[j] * p->axes[k * p->b + j];
            sum += miss * miss;
        }
        if (sqrt(sum) > CLOSE_ENOUGH * values[0]) return 0;
    }
    return 1;
}

/* Largest magnitude, mean, and the variance of all elements together; rounding of rows that are all the same counts as none. */
static void measure(projection *p) {
    double *values = p->rows, largest = 0.0, squares = 0.0;
    const int32_t *columns;

    p->scale = 1.0;
    for (int64_t i = 0; i < p->n; i++) {
        int64_t n = take_row(p, i, values, &columns);
        for (int64_t k = 0; k < n; k++) largest = fmax(largest, fabs(values[k]));
    }
    p->scale = largest > 0.0 ? largest : 1.0;
    for (int64_t i = 0; i < p->n; i++) {
        int64_t n = take_row(p, i, values, &columns);
        for (int64_t k = 0; k < n; k++) {
            p->image[columns ? columns[k] : k] += values[k];
            squares += values[k] * values[k];
        }
    }
    for (int64_t k = 0; k < p->dim; k++) p->mean[k] = p->image[k] / (double)p->n;
    for (int64_t i = 0; i < p->n; i++) {
        int64_t n = take_row(p, i, values, &columns);
        for (int64_t k = 0; k < n; k++) {
            double v = values[k] - (columns ? p->mean[columns[k]] : 0.0), without = columns ? p->mean[columns[k]] : 0.0;
            p->variance += v * v - without * without;
        }
    }
    for (int64_t k = 0; k < p->dim && p->sparse; k++) p->variance += (double)p->n * p->mean[k] * p->mean[k];
    if (p->variance <= CONSTANT * squares) p->variance = 0.0;
}

static vt_status find_axes(projection *p, vt__watch *watch, double *values) {
    int64_t n_rounds = p->formed ? FORMED_ROUNDS : ROUNDS;
    vt_status st = VT_OK;

    if (p->formed) form(p);
    vt__random_normal(SEED, 0, 0, p->axes, p->dim * p->b);
    for (int64_t round = 0; round < n_rounds; round++) {
        st = vt__watch_poll(watch, -1.0, "principal axes");
        if (st != VT_OK) return st;
        vt__subspace_orthonormalise(p->axes, p->dim, p->b);
        multiply(p);
        vt__subspace_turn(p->axes, p->image, p->dim, p->b, values);
        if (is_close(p, values)) return VT_OK;
        if (round + 1 < n_rounds) memcpy(p->axes, p->image, (size_t)(p->dim * p->b) * sizeof *p->axes);
    }
    return VT_OK;
}

/* The largest coefficient of each axis becomes positive. */
static void set_signs(projection *p) {
    for (int j = 0; j < p->n_axes; j++) {
        double largest = 0.0;
        for (int64_t k = 0; k < p->dim; k++)
            if (fabs(p->axes[k * p->b + j]) > fabs(largest)) largest = p->axes[k * p->b + j];
        for (int64_t k = 0; k < p->dim && largest < 0.0; k++) p->axes[k * p->b + j] *= -1.0;
    }
}

static void place_chunk(void *user, int64_t chunk) {
    const projection *p = user;
    double *values = p->rows + chunk * p->dim, y[VT__SUBSPACE_MAX];
    int64_t first, last;

    vt__chunk_range(p->n, 1, p->n_chunks, chunk, &first, &last);
    for (int64_t i = first; i < last; i++) {
        const int32_t *columns;
        int64_t n = take_row(p, i, values, &columns);
        row_times_axes(p, values, columns, n, y);
        for (int j = 0; j < p->n_axes; j++) p->out[i * p->n_axes + j] = y[j] * p->scale;
    }
}

static vt_status make_room(projection *p) {
    int is_formed = p->dense && p->dim <= FORMED_ELEMENTS * p->b;
    if (is_formed) p->formed = vt__calloc2(p->ctx, p->dim, p->dim, sizeof *p->formed);
    p->mean = vt__calloc2(p->ctx, p->dim, 1, sizeof *p->mean);
    p->axes = vt__calloc2(p->ctx, p->dim, p->b, sizeof *p->axes);
    p->image = vt__calloc2(p->ctx, p->dim, p->b, sizeof *p->image);
    p->partial = vt__calloc2(p->ctx, p->dim * (is_formed && p->dim > p->b ? p->dim : p->b), p->n_chunks, sizeof *p->partial);
    p->sums = vt__calloc2(p->ctx, p->n_chunks, p->b, sizeof *p->sums);
    p->rows = vt__calloc2(p->ctx, p->n_chunks, p->dim, sizeof *p->rows);
    return p->mean && p->axes && p->image && p->partial && p->sums && p->rows && (p->formed || !is_formed) ? VT_OK : vt__fail_nomem("distance: projection", 0);
}

static void free_room(projection *p) {
    void *const blocks[] = {p->mean, p->axes, p->image, p->partial, p->sums, p->rows, p->formed};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) vt__free(p->ctx, blocks[i]);
}

vt_status vt__distance_project(const vt_distance *distance, int32_t n_axes, vt__watch *watch, double *out, double *out_share) {
    const vt_distance *d = distance->source ? distance->source : distance;
    projection p = {.ctx = d->ctx, .dense = vt__panels_of(d), .sparse = vt__sparse_of(d), .n = d->n, .n_axes = n_axes, .out = out};
    double values[VT__SUBSPACE_MAX] = {0};
    vt_status st;

    if (!p.sparse && (!p.dense || p.dense->metric > VT__METRIC_COSINE))
        return vt__fail(VT_ERR_UNSUPPORTED, "distance: axes need distances made of rows of numbers");
    p.dim = p.dense ? p.dense->dim : p.sparse->dim;
    if (n_axes > p.dim) return vt__fail(VT_ERR_INVALID, "distance: %d axes of rows of %lld elements", n_axes, (long long)p.dim);
    p.b = p.dim < n_axes + EXTRA ? (int)p.dim : n_axes + EXTRA;
    p.n_chunks = (p.n + ROWS_A_CHUNK - 1) / ROWS_A_CHUNK;
    if (p.n_chunks > MAX_CHUNKS) p.n_chunks = MAX_CHUNKS;
    st = make_room(&p);
    if (st == VT_OK) measure(&p);
    if (st == VT_OK && p.variance > 0.0) st = find_axes(&p, watch, values);
    if (st == VT_OK) {
        set_signs(&p);
        set_shift(&p);
        vt__parallel(p.ctx, p.n_chunks, place_chunk, &p);
        for (int j = 0; j < n_axes && out_share; j++) out_share[j] = p.variance > 0.0 ? fmin(1.0, fmax(0.0, values[j] / p.variance)) : 0.0;
    }
    free_room(&p);
    return st;
}
