/* The probability flow, solved as exactly as doubles allow. In the angle a = atan2(sigma, alpha) and the state z = x / |(alpha, sigma)| every schedule is
 * the same equation, dz/da = v = cos(a) eps - sin(a) x0, without a singular end: pure noise is a = pi / 2, clean data a = 0.
 * The integrator is that of Gragg, Bulirsch and Stoer: the midpoint rule with 2, 4, ... 12 parts a step, extrapolated to infinitely many; steps as long
 * as the last two columns of the extrapolation agree. */
#include <math.h>
#include <string.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "mixture/mixture_internal.h"

enum { COLUMNS = 6, MOST_STEPS = 200000 };
static const double RELATIVE = 1e-14, ABSOLUTE = 1e-15;

typedef struct walk {
    const vt_mixture *m;
    int32_t label;
    double guidance;
    vt__mixture_level level;
    double *score, *x0, *plain;    /* [dim] each */
    double *z, *slope, *now, *before, *next; /* [dim] each */
    double *column;                /* [COLUMNS, dim]: the last diagonal of the extrapolation */
} walk;

static int velocity_of(walk *w, const double *z, int32_t label, double *out) {
    double p = vt__mixture_row(w->m, &w->level, z, label, w->score, w->x0);
    for (int64_t d = 0; d < w->m->dim; d++) out[d] = -w->level.alpha * w->level.sigma * w->score[d] - w->level.sigma * w->x0[d];
    return !isnan(p);
}

static int velocity(walk *w, double angle, const double *z, double *out) {
    vt__mixture_level_set(w->m, &w->level, cos(angle), sin(angle));
    if (!velocity_of(w, z, w->label, out)) return 0;
    if (w->label == -1 || w->guidance == 1) return 1;
    if (!velocity_of(w, z, -1, w->plain)) return 0;
    for (int64_t d = 0; d < w->m->dim; d++) out[d] = w->plain[d] + w->guidance * (out[d] - w->plain[d]);
    return 1;
}

/* The modified midpoint rule over h in n parts from (angle, z), whose slope is known, to `now`. */
static int midpoint(walk *w, double angle, double h, int n) {
    const int64_t dim = w->m->dim;
    const double part = h / n;
    memcpy(w->before, w->z, (size_t)dim * sizeof(double));
    for (int64_t d = 0; d < dim; d++) w->now[d] = w->z[d] + part * w->slope[d];
    for (int i = 1; i < n; i++) {
        if (!velocity(w, angle + i * part, w->now, w->next)) return 0;
        for (int64_t d = 0; d < dim; d++) {
            double ahead = w->before[d] + 2 * part * w->next[d];
            w->before[d] = w->now[d];
            w->now[d] = ahead;
        }
    }
    if (!velocity(w, angle + h, w->now, w->next)) return 0;
    for (int64_t d = 0; d < dim; d++) w->now[d] = 0.5 * (w->now[d] + w->before[d] + part * w->next[d]);
    return 1;
}

/* One step of h; the result is column 0 of the diagonal. Answers the error in units of the tolerance, or infinity. */
static double try_step(walk *w, double angle, double h) {
    const int64_t dim = w->m->dim;
    double worst = 0;
    if (!velocity(w, angle, w->z, w->slope)) return INFINITY;
    for (int j = 0; j < COLUMNS; j++) {
        const double n = 2.0 * (j + 1);
        if (!midpoint(w, angle, h, 2 * (j + 1))) return INFINITY;
        for (int64_t d = 0; d < dim; d++) { /* Neville: column[i] is the extrapolation of rows i to j */
            double t = w->now[d], change = 0;
            for (int i = j - 1; i >= 0; i--) {
                double ratio = n / (2.0 * (i + 1)), old = w->column[i * dim + d];
                w->column[(i + 1) * dim + d] = t;
                change = (t - old) / (ratio * ratio - 1);
                t += change;
            }
            w->column[d] = t;
            if (j == COLUMNS - 1) worst = fmax(worst, fabs(change) / (ABSOLUTE + RELATIVE * fabs(t)));
            if (!isfinite(t)) return INFINITY;
        }
    }
    return worst;
}

/* From one angle to the other; 0 when it does not get on. */
static int walk_row(walk *w, double from, double to) {
    const size_t row = (size_t)w->m->dim * sizeof(double);
    double h = (to - from) / 8;
    for (int i = 0; i < MOST_STEPS && from != to; i++) {
        if (fabs(h) >= fabs(to - from)) h = to - from;
        double error = try_step(w, from, h);
        if (error <= 1) {
            from = h == to - from ? to : from + h;
            memcpy(w->z, w->column, row);
        } else if (fabs(h) < 1e-12) {
            return 0;
        }
        double factor = error > 0 ? 0.9 * pow(error, -1.0 / (2 * COLUMNS - 1)) : 4;
        h *= fmin(4, fmax(0.2, factor));
    }
    return from == to;
}

typedef struct job {
    const vt_mixture *m;
    const vt__mixture_rows *rows;
    double alpha, sigma;
    const vt_cancel *cancel;
    double *out, *scratch;
    size_t stride;
    int64_t n_chunks, *bad;
} job;

static void place(walk *w, double *room) {
    double **arrays[] = {&w->score, &w->x0, &w->plain, &w->z, &w->slope, &w->now, &w->before, &w->next, &w->column};
    vt__mixture_level_place(w->m, room, &w->level);
    room += vt__mixture_level_room(w->m);
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; i++, room += w->m->dim) *arrays[i] = room;
}

static void run_chunk(void *user, int64_t chunk) {
    job *j = user;
    const vt__mixture_rows *r = j->rows;
    const int64_t dim = j->m->dim;
    int64_t first, last;
    walk w = {.m = j->m, .guidance = r->guidance};
    place(&w, j->scratch + (size_t)chunk * j->stride);
    vt__chunk_range(r->n, 1, j->n_chunks, chunk, &first, &last);
    for (int64_t i = first; i < last && !vt__cancel_is_raised(j->cancel); i++) {
        const int64_t at = r->one_level ? 0 : i;
        double size = hypot(r->alpha[at], r->sigma[at]), end = hypot(j->alpha, j->sigma);
        w.label = r->classes ? r->classes[i] : -1;
        for (int64_t d = 0; d < dim; d++) w.z[d] = r->x[i * dim + d] / size;
        if (!walk_row(&w, atan2(r->sigma[at], r->alpha[at]), atan2(j->sigma, j->alpha)) && j->bad[chunk] < 0) j->bad[chunk] = i;
        for (int64_t d = 0; d < dim; d++) j->out[i * dim + d] = w.z[d] * end;
    }
}

static vt_status check(const job *j) {
    const vt__mixture_rows *r = j->rows;
    vt_status st = vt__mixture_check_level(j->alpha, j->sigma);
    for (int64_t i = 0; i < (r->one_level ? 1 : r->n) && st == VT_OK; i++) st = vt__mixture_check_level(r->alpha[i], r->sigma[i]);
    for (int64_t i = 0; r->classes && i < r->n && st == VT_OK; i++) st = vt__mixture_check_class(j->m, r->classes[i]);
    if (st == VT_OK && !isfinite(r->guidance)) st = vt__fail(VT_ERR_INVALID, "mixture: guidance %g", r->guidance);
    for (int64_t i = 0; i < r->n * j->m->dim && st == VT_OK; i++)
        if (!isfinite(r->x[i])) st = vt__fail(VT_ERR_NUMERIC, "mixture: row %lld is not finite", (long long)(i / j->m->dim));
    return st;
}

vt_status vt__mixture_flow(const vt_mixture *m, const vt__mixture_rows *rows, double alpha, double sigma, const vt_cancel *cancel, double *out) {
    job j = {.m = m, .rows = rows, .alpha = alpha, .sigma = sigma, .cancel = cancel, .out = out};
    vt_status st = check(&j);
    if (st != VT_OK || rows->n == 0) return st;
    j.n_chunks = rows->n < 64 ? rows->n : 64;
    j.stride = vt__mixture_level_room(m) + (size_t)(8 + COLUMNS) * (size_t)m->dim;
    j.scratch = vt__scratch_take2(m->ctx, j.n_chunks, (int64_t)j.stride + 1, sizeof(double));
    if (!j.scratch) return vt__fail_nomem("mixture", (size_t)j.n_chunks * j.stride * sizeof(double));
    j.bad = (int64_t *)(void *)(j.scratch + (size_t)j.n_chunks * j.stride);
    for (int64_t c = 0; c < j.n_chunks; c++) j.bad[c] = -1;
    vt__parallel(m->ctx, j.n_chunks, run_chunk, &j);
    st = vt__cancel_poll(cancel, "mixture");
    for (int64_t c = 0; c < j.n_chunks && st == VT_OK; c++)
        if (j.bad[c] >= 0) st = vt__fail(VT_ERR_NUMERIC, "mixture: the flow of row %lld does not get on", (long long)j.bad[c]);
    vt__scratch_give(m->ctx, j.scratch);
    return st;
}
