/* What a mixture says of rows at their levels. With V = alpha^2 s^2 + sigma^2 and D = x - alpha mu of each mode:
 *   l_k = log w_k - 1/2 sum (D^2 / V + log V)    r = softmax(l)    score = -sum r D / V    x0 = sum r (mu + alpha s^2 D / V)    eps = -sigma score
 * which cancels nothing at small sigma. */
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "mixture/mixture_internal.h"

static const double LOG_TWO_PI = 1.8378770664093454835606594728112;

size_t vt__mixture_level_room(const vt_mixture *m) { return (size_t)(m->n_modes * (m->dim + 2)); }

void vt__mixture_level_place(const vt_mixture *m, double *room, vt__mixture_level *level) {
    *level = (vt__mixture_level){.alpha = NAN, .sigma = NAN, .inv_var = room};
    level->half_det = room + m->n_modes * m->dim;
    level->share = level->half_det + m->n_modes;
}

void vt__mixture_level_set(const vt_mixture *m, vt__mixture_level *level, double alpha, double sigma) {
    if (level->alpha == alpha && level->sigma == sigma) return;
    level->alpha = alpha;
    level->sigma = sigma;
    for (int64_t k = 0; k < m->n_modes; k++) {
        double sum = 0;
        for (int64_t d = 0; d < m->dim; d++) {
            double v = alpha * alpha * m->var[k * m->dim + d] + sigma * sigma;
            level->inv_var[k * m->dim + d] = 1 / v;
            sum += log(v);
        }
        level->half_det[k] = 0.5 * sum;
    }
}

double vt__mixture_row(const vt_mixture *m, vt__mixture_level *level, const double *x, int32_t label, double *score, double *x0) {
    const double alpha = level->alpha;
    double most = -INFINITY, sum = 0, prior = 0;
    for (int64_t k = 0; k < m->n_modes; k++) {
        if (label != -1 && m->label[k] != label) {
            level->share[k] = -INFINITY;
            continue;
        }
        double q = 0;
        for (int64_t i = k * m->dim, d = 0; d < m->dim; d++, i++) q += (x[d] - alpha * m->mean[i]) * (x[d] - alpha * m->mean[i]) * level->inv_var[i];
        prior += m->weight[k];
        level->share[k] = m->log_weight[k] - 0.5 * q - level->half_det[k];
        most = fmax(most, level->share[k]);
    }
    for (int64_t k = 0; k < m->n_modes; k++) sum += level->share[k] = exp(level->share[k] - most);
    for (int64_t d = 0; d < m->dim; d++) {
        double s = 0, clean = 0;
        for (int64_t k = 0, i = d; k < m->n_modes; k++, i += m->dim) {
            double r = level->share[k] / sum, slope = (x[d] - alpha * m->mean[i]) * level->inv_var[i];
            s -= r * slope;
            clean += r * (m->mean[i] + alpha * m->var[i] * slope);
        }
        if (score) score[d] = s;
        if (x0) x0[d] = clean;
    }
    return isfinite(most) && isfinite(sum) ? most + log(sum / prior) : (double)NAN;
}

vt_status vt__mixture_check_level(double alpha, double sigma) {
    int fine = alpha >= 0 && sigma >= 0 && alpha <= 1e60 && sigma <= 1e60 && (alpha >= 1e-60 || sigma >= 1e-60);
    return fine ? VT_OK : vt__fail(VT_ERR_INVALID, "mixture: level alpha %g, sigma %g", alpha, sigma);
}

/* ---- many rows, on threads ---- */

typedef struct job {
    const vt_mixture *m;
    const vt__mixture_rows *rows;
    int32_t kind;
    double *out;     /* [n, dim], or [n] with log_p */
    int log_p;
    int64_t n_chunks;
    double *scratch; /* [n_chunks, stride] */
    size_t stride;
    int64_t *bad;    /* [n_chunks] first row that is not finite, or -1 */
} job;

/* a x0 + b score is the prediction. */
static void weights_of(int32_t kind, double alpha, double sigma, double *a, double *b) {
    static const double of_x0[] = {0, 1, 0, 1, -1, 0}, of_score[] = {-1, 0, 0, 1, -1, 0};
    *a = kind == VT__MIXTURE_V ? -sigma : of_x0[kind];
    *b = kind == VT__MIXTURE_V ? -alpha * sigma : kind == VT__MIXTURE_SCORE ? 1 : of_score[kind] * sigma;
}

static void predict_row(const job *j, vt__mixture_level *level, const double *x, int32_t label, double *room, double *out) {
    const int64_t dim = j->m->dim;
    double a, b, *score = room, *x0 = room + dim;
    weights_of(j->kind, level->alpha, level->sigma, &a, &b);
    double p = vt__mixture_row(j->m, level, x, label, score, x0);
    for (int64_t d = 0; d < dim; d++) out[d] = isnan(p) ? (double)NAN : a * x0[d] + b * score[d];
}

static void guided_row(const job *j, vt__mixture_level *level, int64_t i, double *room) {
    const int64_t dim = j->m->dim;
    const double *x = j->rows->x + i * dim, g = j->rows->guidance;
    const int32_t label = j->rows->classes ? j->rows->classes[i] : -1;
    double *out = j->out + i * dim, *plain = room + 2 * dim;
    predict_row(j, level, x, label, room, out);
    if (label == -1 || g == 1) return;
    predict_row(j, level, x, -1, room, plain);
    for (int64_t d = 0; d < dim; d++) out[d] = plain[d] + g * (out[d] - plain[d]);
}

static void run_chunk(void *user, int64_t chunk) {
    const job *j = user;
    const vt__mixture_rows *r = j->rows;
    int64_t first, last;
    vt__mixture_level level;
    double *room = j->scratch + (size_t)chunk * j->stride;
    vt__chunk_range(r->n, 1, j->n_chunks, chunk, &first, &last);
    vt__mixture_level_place(j->m, room, &level);
    room += vt__mixture_level_room(j->m);
    for (int64_t i = first; i < last; i++) {
        vt__mixture_level_set(j->m, &level, r->alpha[r->one_level ? 0 : i], r->sigma[r->one_level ? 0 : i]);
        int64_t n_out = j->log_p ? 1 : j->m->dim;
        if (j->log_p) j->out[i] = vt__mixture_row(j->m, &level, r->x + i * j->m->dim, r->classes ? r->classes[i] : -1, NULL, NULL) - 0.5 * (double)j->m->dim * LOG_TWO_PI;
        else guided_row(j, &level, i, room);
        for (int64_t d = 0; d < n_out && j->bad[chunk] < 0; d++)
            if (!isfinite(j->out[i * n_out + d])) j->bad[chunk] = i;
    }
}

static vt_status check_rows(const vt_mixture *m, const vt__mixture_rows *r) {
    vt_status st = VT_OK;
    for (int64_t i = 0; i < (r->one_level ? 1 : r->n) && st == VT_OK; i++) st = vt__mixture_check_level(r->alpha[i], r->sigma[i]);
    int32_t known = -1;
    for (int64_t i = 0; r->classes && i < r->n && st == VT_OK; i++) {
        if (r->classes[i] == known) continue;
        st = vt__mixture_check_class(m, r->classes[i]);
        known = r->classes[i];
    }
    if (st == VT_OK && !isfinite(r->guidance)) st = vt__fail(VT_ERR_INVALID, "mixture: guidance %g", r->guidance);
    return st;
}

static vt_status run(job *j) {
    enum { GRAIN = 1 << 14 }; /* numbers of modes that are worth a chunk */
    vt_status st = check_rows(j->m, j->rows);
    if (st != VT_OK || j->rows->n == 0) return st;
    const int64_t cells = j->m->n_modes * j->m->dim, many = (j->rows->n - 1) / (1 + GRAIN / cells) + 1;
    j->n_chunks = many < 64 ? many : 64;
    j->stride = vt__mixture_level_room(j->m) + 3 * (size_t)j->m->dim;
    j->scratch = vt__scratch_take2(j->m->ctx, j->n_chunks, (int64_t)j->stride + 1, sizeof(double));
    if (!j->scratch) return vt__fail_nomem("mixture", (size_t)j->n_chunks * j->stride * sizeof(double));
    j->bad = (int64_t *)(void *)(j->scratch + (size_t)j->n_chunks * j->stride);
    for (int64_t c = 0; c < j->n_chunks; c++) j->bad[c] = -1;
    vt__parallel(j->m->ctx, j->n_chunks, run_chunk, j);
    for (int64_t c = 0; c < j->n_chunks && st == VT_OK; c++)
        if (j->bad[c] >= 0) st = vt__fail(VT_ERR_NUMERIC, "mixture: row %lld is not finite, or too far from every mode", (long long)j->bad[c]);
    vt__scratch_give(j->m->ctx, j->scratch);
    return st;
}

vt_status vt__mixture_predict(const vt_mixture *m, const vt__mixture_rows *rows, int32_t kind, double *out) {
    job j = {.m = m, .rows = rows, .kind = kind, .out = out};
    return run(&j);
}

vt_status vt__mixture_predict_f32(const vt_mixture *m, const vt__mixture_rows *rows, const float *x, int32_t kind, float *out) {
    const int64_t count = rows->n * m->dim;
    double *wide = vt__scratch_take2(m->ctx, rows->n + 1, 2 * m->dim, sizeof *wide);
    if (!wide) return vt__fail_nomem("mixture", (size_t)count * 2 * sizeof *wide);
    vt__mixture_rows r = *rows;
    r.x = wide;
    for (int64_t i = 0; i < count; i++) wide[i] = (double)x[i];
    vt_status st = vt__mixture_predict(m, &r, kind, wide + count);
    for (int64_t i = 0; i < count && st == VT_OK; i++) out[i] = (float)wide[count + i];
    vt__scratch_give(m->ctx, wide);
    return st;
}

vt_status vt__mixture_log_density(const vt_mixture *m, const vt__mixture_rows *rows, double *out) {
    job j = {.m = m, .rows = rows, .out = out, .log_p = 1};
    return run(&j);
}
