#include "sample/grid.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* Work on one grid. */
struct making {
    const vt_schedule *s;
    const struct vt__grid_params *p;
    struct vt__grid *g;
    double start, end; /* times */
};

static vt_status level_at(const struct making *m, int64_t i, double t) { return vt__schedule_level(m->s, t, &m->g->level[i]); }

static vt_status level_of(const struct making *m, int64_t i, double lambda) {
    double t;
    struct vt__level *l = &m->g->level[i];
    vt_status st = vt__schedule_find(m->s, lambda, &t);
    if (st == VT_OK && isinf(lambda) && lambda > 0) *l = vt__schedule_data(m->s);
    else if (st == VT_OK) st = vt__schedule_level(m->s, t, l);
    if (st == VT_OK && m->p->is_rounded) l->time = nearbyint(l->time);
    return st;
}

static double lambda_at(const struct making *m, double t) {
    struct vt__level l;
    return vt__schedule_level(m->s, t, &l) == VT_OK ? l.lambda : (double)NAN;
}

static double mix(double a, double b, double share) { return a + share * (b - a); }

/* sigma / alpha of an end that the caller did not name. */
static double ratio_or(const struct making *m, double given, double t) { return given > 0 ? given : exp(-lambda_at(m, t)); }

static vt_status by_power(const struct making *m) {
    const double e = m->p->power, a = pow(vt__schedule_unit(m->s, m->start), 1 / e), b = pow(vt__schedule_unit(m->s, m->end), 1 / e);
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i <= m->p->n; i++)
        st = level_at(m, i, i == m->p->n ? m->end : i == 0 ? m->start : vt__schedule_from_unit(m->s, pow(mix(a, b, (double)i / (double)m->p->n), e)));
    return st;
}

static vt_status uniform(const struct making *m) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i <= m->p->n; i++) st = level_at(m, i, i == m->p->n ? m->end : mix(m->start, m->end, (double)i / (double)m->p->n));
    return st;
}

/* n_outer steps evenly in lambda, and order[k] levels evenly within each. */
static vt_status by_log_snr(const struct making *m, const int32_t *order, int64_t n_outer) {
    const double a = lambda_at(m, m->start), b = lambda_at(m, m->end);
    vt_status st = level_at(m, 0, m->start);
    int64_t at = 0;
    for (int64_t k = 0; st == VT_OK && k < n_outer; k++) {
        const int32_t inner = order ? order[k] : 1;
        for (int32_t j = 1; st == VT_OK && j <= inner; j++)
            st = level_of(m, ++at, mix(a, b, ((double)k + (double)j / inner) / (double)n_outer));
    }
    return st == VT_OK ? level_at(m, at, m->end) : st;
}

static vt_status by_ratio(const struct making *m, double from, double to, int64_t last, double e) {
    const double a = pow(from, 1 / e), b = pow(to, 1 / e);
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i <= last; i++) st = level_of(m, i, -e * log(last > 0 ? mix(a, b, (double)i / (double)last) : a));
    return st;
}

static vt_status by_exponent(const struct making *m, double from, double to, int64_t last) {
    vt_status st = VT_OK;
    for (int64_t i = 0; st == VT_OK && i <= last; i++) st = level_of(m, i, -mix(log(from), log(to), last > 0 ? (double)i / (double)last : 0));
    return st;
}

/* Index i of an integer spacing of n steps over T indices. */
static double index_at(const struct vt__grid_params *p, int64_t T, int64_t i) {
    const double n = (double)p->n, most = (double)(T - 1);
    switch (p->spacing) {
    case VT__SPACING_LINSPACE: return nearbyint(most * (double)(p->n - i) / n);
    case VT__SPACING_LINSPACE_N: return p->n > 1 ? most * (double)(p->n - 1 - i) / (n - 1) : 0;
    case VT__SPACING_LEADING: return (double)((p->n - i) * (T / (p->n + 1))) + p->offset;
    case VT__SPACING_LEADING_N: return (double)((p->n - 1 - i) * (T / p->n)) + p->offset;
    default: return nearbyint((double)T - (double)i * (double)T / n) - 1;
    }
}

/* A real index of the classes whose sigma / alpha is linear between two. */
static vt_status level_between(const struct making *m, int64_t i, double t) {
    const double low = floor(t), high = ceil(t);
    if (low == high) return level_at(m, i, t);
    const double a = exp(-lambda_at(m, low)), b = exp(-lambda_at(m, high));
    vt_status st = level_of(m, i, -log(mix(a, b, t - low)));
    m->g->level[i].time = t;
    return st;
}

static vt_status by_index(const struct making *m) {
    const int64_t T = vt__schedule_params_of(m->s)->n;
    vt_status st = VT_OK;
    if (!vt__schedule_is_discrete(m->s)) return vt__fail(VT_ERR_INVALID, "grid: spacings of indices need a discrete schedule");
    for (int64_t i = 0; st == VT_OK && i < m->p->n; i++) {
        const double t = index_at(m->p, T, i);
        st = m->p->spacing == VT__SPACING_LINSPACE_N ? level_between(m, i, t) : level_at(m, i, t);
    }
    return st;
}

static vt_status given(const struct making *m) {
    vt_status st = VT_OK;
    if (m->p->n_values != m->p->n + 1) return vt__fail(VT_ERR_INVALID, "grid: %lld values for %lld steps", (long long)m->p->n_values, (long long)m->p->n);
    for (int64_t i = 0; st == VT_OK && i <= m->p->n; i++) {
        if (m->p->spacing == VT__SPACING_TIMES) st = level_at(m, i, m->p->values[i]);
        else if (m->p->spacing == VT__SPACING_LEVELS) m->g->level[i] = m->p->levels[i];
        else if (m->p->values[i] >= 0) st = level_of(m, i, -log(m->p->values[i]));
        else st = vt__fail(VT_ERR_INVALID, "grid: sigma / alpha %g, must not be negative", m->p->values[i]);
    }
    return st;
}

/* Level n, behind n levels of a spacing that has no last one of its own. */
static vt_status finish(const struct making *m) {
    if (m->p->final == VT__FINAL_LEAST) {
        double noisy, clean;
        vt__schedule_ends(m->s, &noisy, &clean);
        return level_at(m, m->p->n, clean);
    }
    m->g->level[m->p->n] = vt__schedule_data(m->s);
    return VT_OK;
}

static vt_status fill(const struct making *m, const int32_t *order, int64_t n_orders) {
    const struct vt__grid_params *p = m->p;
    vt_status st;
    switch (p->spacing) {
    case VT__SPACING_UNIFORM: return uniform(m);
    case VT__SPACING_POWER: return by_power(m);
    case VT__SPACING_LOG_SNR: return by_log_snr(m, order, order ? n_orders : p->n);
    case VT__SPACING_RATIO: return by_ratio(m, ratio_or(m, p->sigma_max, m->start), ratio_or(m, p->sigma_min, m->end), p->n, p->power);
    case VT__SPACING_KARRAS: st = by_ratio(m, ratio_or(m, p->sigma_max, m->start), ratio_or(m, p->sigma_min, m->end), p->n - 1, p->power); break;
    case VT__SPACING_EXPONENTIAL: st = by_exponent(m, ratio_or(m, p->sigma_max, m->start), ratio_or(m, p->sigma_min, m->end), p->n - 1); break;
    case VT__SPACING_TIMES:
    case VT__SPACING_SIGMAS:
    case VT__SPACING_LEVELS: return given(m);
    default: st = by_index(m);
    }
    return st == VT_OK ? finish(m) : st;
}

/* Noise falls, or rises all the way for inversion; the data itself only at an end. */
static vt_status check(const struct vt__grid *g) {
    const int rises = g->level[0].lambda > g->level[g->n_levels - 1].lambda;
    for (int64_t i = 0; i < g->n_levels; i++) {
        const struct vt__level *l = &g->level[i];
        if (!(l->alpha >= 0 && l->sigma >= 0 && isfinite(l->alpha) && isfinite(l->sigma)) || isnan(l->lambda))
            return vt__fail(VT_ERR_INVALID, "grid: level %lld has alpha %g, sigma %g", (long long)i, l->alpha, l->sigma);
        if (i + 1 < g->n_levels && l->sigma == 0) return vt__fail(VT_ERR_INVALID, "grid: level %lld of %lld has no noise; only the last one may", (long long)i, (long long)g->n_levels);
        if (i > 0 && !(rises ? l->lambda < l[-1].lambda : l->lambda > l[-1].lambda))
            return vt__fail(VT_ERR_INVALID, "grid: log(alpha / sigma) goes from %g to %g at level %lld; levels must differ and keep one direction", l[-1].lambda,
                            l->lambda, (long long)i);
    }
    return VT_OK;
}

static vt_status reserve(vt_context *ctx, int64_t n_levels, int64_t n_steps, struct vt__grid *g) {
    *g = (struct vt__grid){.n_levels = n_levels, .n_steps = n_steps};
    g->level = vt__calloc2(ctx, n_levels, 1, sizeof *g->level);
    g->first = vt__calloc2(ctx, n_steps + 1, 1, sizeof *g->first);
    if (g->level && g->first) return VT_OK;
    vt__grid_free(ctx, g);
    return vt__fail_nomem("grid", (size_t)n_levels * sizeof *g->level);
}

vt_status vt__grid_create(vt_context *ctx, const vt_schedule *s, const struct vt__grid_params *params, const int32_t *order, int64_t n_orders,
                          struct vt__grid *out) {
    const int64_t n_steps = order ? n_orders : params->n;
    struct making m = {s, params, out, params->start, params->end};
    double noisy, clean;
    vt_status st = reserve(ctx, params->n + 1, n_steps, out);
    if (st != VT_OK) return st;
    vt__schedule_ends(s, &noisy, &clean);
    if (isnan(m.start)) m.start = noisy;
    if (isnan(m.end)) m.end = clean;
    for (int64_t i = 0; i < n_steps; i++) out->first[i + 1] = out->first[i] + (order ? order[i] : 1);
    st = fill(&m, order, n_orders);
    if (st == VT_OK) st = check(out);
    if (st != VT_OK) vt__grid_free(ctx, out);
    return st;
}

void vt__grid_free(vt_context *ctx, struct vt__grid *grid) {
    vt__free(ctx, grid->level);
    vt__free(ctx, grid->first);
    *grid = (struct vt__grid){0};
}

vt_status vt__grid_copy(vt_context *ctx, const struct vt__grid *grid, struct vt__grid *out) {
    vt_status st = reserve(ctx, grid->n_levels, grid->n_steps, out);
    if (st != VT_OK) return st;
    memcpy(out->level, grid->level, (size_t)grid->n_levels * sizeof *grid->level);
    memcpy(out->first, grid->first, (size_t)(grid->n_steps + 1) * sizeof *grid->first);
    return VT_OK;
}
