#include "sample/schedule.h"

#include <math.h>
#include <stdatomic.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

#define PI 3.14159265358979323846264338327950288
/* Offset of the cosine schedules: the data keeps a little noise. */
#define COSINE_OFFSET 0.008

struct vt_schedule {
    atomic_int refs;
    vt_context *ctx; /* retained */
    struct vt__schedule_params p;
    double *table; /* discrete: [n] log alpha; RESSHIFT: roots of eta */
};

int vt__schedule_is_discrete(const vt_schedule *s) {
    return s->p.kind <= VT__SCHEDULE_TABLE || s->p.kind == VT__SCHEDULE_RESSHIFT;
}

const struct vt__schedule_params *vt__schedule_params_of(const vt_schedule *s) { return &s->p; }

static double cosine(double u) { return cos((u + COSINE_OFFSET) / (1 + COSINE_OFFSET) * PI / 2); }

/* beta of index i. */
static double beta_at(const struct vt__schedule_params *p, int64_t i) {
    const double n = (double)p->n, share = p->n > 1 ? (double)i / (n - 1) : 0;
    if (p->kind == VT__SCHEDULE_LINEAR) return p->first + share * (p->last - p->first);
    if (p->kind == VT__SCHEDULE_SCALED_LINEAR) {
        const double root = sqrt(p->first) + share * (sqrt(p->last) - sqrt(p->first));
        return root * root;
    }
    const double now = cosine((double)i / n), next = cosine((double)(i + 1) / n);
    return fmin(1 - next * next / (now * now), 0.999);
}

static double half_log_snr(double log_alpha) { return log_alpha - 0.5 * log(-expm1(2 * log_alpha)); }

static vt_status fill_log_alpha(vt_schedule *s) {
    double sum = 0;
    for (int64_t i = 0; i < s->p.n; i++) {
        if (s->p.kind == VT__SCHEDULE_TABLE) {
            if (!(s->p.table[i] > 0 && s->p.table[i] <= 1) || (i > 0 && !(s->p.table[i] < s->p.table[i - 1])))
                return vt__fail(VT_ERR_INVALID, "schedule: value %lld of the table is %g, need values in (0, 1] that fall", (long long)i, s->p.table[i]);
            s->table[i] = 0.5 * log(s->p.table[i]);
            continue;
        }
        const double beta = beta_at(&s->p, i);
        if (!(beta > 0 && beta < 1)) return vt__fail(VT_ERR_INVALID, "schedule: beta %lld is %g, need 0 < beta < 1", (long long)i, beta);
        sum += 0.5 * log1p(-beta);
        s->table[i] = sum;
    }
    while (s->p.n > 1 && half_log_snr(s->table[s->p.n - 1]) < s->p.log_snr_min) s->p.n--;
    return VT_OK;
}

/* Yue et al. 2023: roots of eta grow geometrically, on a bent time. */
static void fill_shift(vt_schedule *s) {
    const struct vt__schedule_params *p = &s->p;
    const double least = fmin(p->first / p->kappa, p->first), span = (double)(p->n - 1);
    for (int64_t i = 0; i < p->n; i++) {
        const double bent = p->n > 1 ? pow((double)i / span, p->power) : 1;
        s->table[i] = least * exp(log(p->last / least) * bent);
    }
}

vt_status vt__schedule_create(vt_context *ctx, const struct vt__schedule_params *params, vt_schedule **out) {
    vt_status st = VT_OK;
    vt_schedule *s = *out = vt__calloc(ctx, sizeof *s);
    if (!s) return vt__fail_nomem("schedule", sizeof *s);
    atomic_init(&s->refs, 1);
    s->ctx = vt__context_retain(ctx);
    s->p = *params;
    if (vt__schedule_is_discrete(s)) {
        s->table = vt__calloc2(ctx, params->n, 1, sizeof *s->table);
        if (!s->table) st = vt__fail_nomem("schedule", (size_t)params->n * sizeof *s->table);
        else if (params->kind == VT__SCHEDULE_RESSHIFT) fill_shift(s);
        else st = fill_log_alpha(s);
    }
    s->p.table = NULL;
    if (st == VT_OK) return VT_OK;
    vt__schedule_release(s);
    *out = NULL;
    return st;
}

vt_schedule *vt__schedule_retain(vt_schedule *s) {
    if (s) atomic_fetch_add(&s->refs, 1);
    return s;
}

void vt__schedule_release(vt_schedule *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vt_context *ctx = s->ctx;
    vt__free(ctx, s->table);
    vt__free(ctx, s);
    vt__context_release(ctx);
}

/* Value of a table at a real index; beyond the ends its end segments go on. */
static double between(const double *table, int64_t n, double t, double *slope) {
    if (n == 1) {
        *slope = 0;
        return table[0];
    }
    double at = floor(t);
    if (at < 0) at = 0;
    if (at > (double)(n - 2)) at = (double)(n - 2);
    const int64_t i = (int64_t)at;
    *slope = table[i + 1] - table[i];
    return table[i] + (t - at) * *slope;
}

/* log alpha of kinds that keep the variance, and its slope in t. */
static double log_alpha_at(const vt_schedule *s, double t, double *slope) {
    if (s->p.kind == VT__SCHEDULE_VP) {
        const double b0 = s->p.first, b1 = s->p.last;
        *slope = -0.5 * (b0 + t * (b1 - b0));
        return -t * t * (b1 - b0) / 4 - t * b0 / 2;
    }
    if (s->p.kind == VT__SCHEDULE_VP_COSINE) {
        const double scale = PI / 2 / (1 + COSINE_OFFSET), at = (t + COSINE_OFFSET) * scale;
        *slope = -scale * tan(at);
        return log(cos(at) / cos(COSINE_OFFSET * scale));
    }
    return between(s->table, s->p.n, t, slope);
}

struct vt__level vt__schedule_data(const vt_schedule *s) {
    struct vt__level l = {.t = 0, .alpha = 1, .sigma = 0, .lambda = (double)INFINITY, .share = 0};
    if (vt__schedule_is_discrete(s)) l.t = -1;
    if (s->p.kind == VT__SCHEDULE_FLOW && !s->p.from_noise) l.t = 1;
    l.time = l.t;
    return l;
}

static double time_of(const vt_schedule *s, const struct vt__level *l) {
    switch (s->p.time_form) {
    case VT__TIME_UNIT: return vt__schedule_unit(s, l->t);
    case VT__TIME_INDEX: return (double)s->p.n * vt__schedule_unit(s, l->t) - 1;
    case VT__TIME_LOG_SIGMA: return 0.25 * log(l->sigma / l->alpha);
    default: return l->t;
    }
}

/* Alpha and sigma of noise time n in [0, 1] of rectified flow. */
static void flow_level(const vt_schedule *s, double noise, struct vt__level *out) {
    const double shift = s->p.shift;
    out->sigma = shift * noise / (1 + (shift - 1) * noise);
    out->alpha = (1 - noise) / (1 + (shift - 1) * noise);
    out->lambda = log(out->alpha / out->sigma);
}

static vt_status bad_time(double t) { return vt__fail(VT_ERR_INVALID, "schedule: time %g is none of the schedule's", t); }

vt_status vt__schedule_level(const vt_schedule *s, double t, struct vt__level *out) {
    double slope;
    const int is_discrete = vt__schedule_is_discrete(s);
    *out = (struct vt__level){.t = t};
    if (!isfinite(t)) return bad_time(t);
    if (is_discrete && (t < -1 || t > (double)s->p.n)) return bad_time(t);
    if (is_discrete && t == -1) {
        *out = vt__schedule_data(s);
    } else if (s->p.kind == VT__SCHEDULE_VE) {
        if (t < 0) return bad_time(t);
        out->alpha = 1, out->sigma = t, out->lambda = -log(t);
    } else if (s->p.kind == VT__SCHEDULE_FLOW) {
        if (t < 0 || t > 1) return bad_time(t);
        flow_level(s, s->p.from_noise ? t : 1 - t, out);
    } else if (s->p.kind == VT__SCHEDULE_RESSHIFT) {
        const double root = between(s->table, s->p.n, t, &slope);
        out->share = root * root, out->alpha = 1 - out->share, out->sigma = s->p.kappa * root;
        out->lambda = log(out->alpha / out->sigma);
    } else {
        if (!is_discrete && (t < 0 || t > 1)) return bad_time(t);
        const double log_alpha = fmin(log_alpha_at(s, t, &slope), 0);
        out->alpha = exp(log_alpha), out->sigma = sqrt(-expm1(2 * log_alpha));
        out->lambda = out->sigma > 0 ? log_alpha - log(out->sigma) : (double)INFINITY;
    }
    out->time = time_of(s, out);
    return VT_OK;
}

/* The index at which a falling table has a value; the end segments go on. */
static double index_of(const double *table, int64_t n, double value) {
    int64_t low = 0, high = n - 1;
    if (n == 1) return 0;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (table[middle] >= value) low = middle;
        else high = middle;
    }
    return (double)low + (value - table[low]) / (table[low + 1] - table[low]);
}

static vt_status find_shift(const vt_schedule *s, double lambda, double *t) {
    /* alpha / sigma = (1 - r^2) / (kappa r) = e^lambda for the root r of eta; roots grow, so their negatives fall. */
    const double q = s->p.kappa * exp(lambda), root = 2 / (q + sqrt(q * q + 4));
    int64_t low = 0, high = s->p.n - 1;
    if (s->p.n == 1) return *t = 0, VT_OK;
    while (high - low > 1) {
        const int64_t middle = low + (high - low) / 2;
        if (s->table[middle] <= root) low = middle;
        else high = middle;
    }
    *t = (double)low + (root - s->table[low]) / (s->table[low + 1] - s->table[low]);
    return VT_OK;
}

vt_status vt__schedule_find(const vt_schedule *s, double lambda, double *t) {
    if (isnan(lambda)) return vt__fail(VT_ERR_INVALID, "schedule: log(alpha / sigma) is NaN");
    if (isinf(lambda) && lambda > 0) return *t = vt__schedule_data(s).t, VT_OK;
    const double log_alpha = lambda > 0 ? -0.5 * log1p(exp(-2 * lambda)) : lambda - 0.5 * log1p(exp(2 * lambda)); /* of kinds that keep the variance */
    switch (s->p.kind) {
    case VT__SCHEDULE_VE: return *t = exp(-lambda), VT_OK;
    case VT__SCHEDULE_RESSHIFT: return find_shift(s, lambda, t);
    case VT__SCHEDULE_FLOW: {
        const double ratio = exp(-lambda) / s->p.shift, noise = ratio > 1 ? 1 / (1 + 1 / ratio) : ratio / (1 + ratio);
        return *t = s->p.from_noise ? noise : 1 - noise, VT_OK;
    }
    case VT__SCHEDULE_VP: {
        const double b0 = s->p.first, span = s->p.last - b0, q = -4 * span * log_alpha;
        return *t = q / ((sqrt(b0 * b0 + q) + b0) * span), VT_OK;
    }
    case VT__SCHEDULE_VP_COSINE: {
        const double scale = PI / 2 / (1 + COSINE_OFFSET);
        return *t = acos(exp(log_alpha) * cos(COSINE_OFFSET * scale)) / scale - COSINE_OFFSET, VT_OK;
    }
    default: return *t = index_of(s->table, s->p.n, log_alpha), VT_OK;
    }
}

vt_status vt__schedule_slope(const vt_schedule *s, double t, double *out) {
    double slope;
    struct vt__level l;
    vt_status st = vt__schedule_level(s, t, &l);
    if (st != VT_OK) return st;
    switch (s->p.kind) {
    case VT__SCHEDULE_VE: return *out = 0, VT_OK;
    case VT__SCHEDULE_RESSHIFT: {
        const double root = between(s->table, s->p.n, t, &slope);
        return *out = -2 * root * slope / l.alpha, VT_OK;
    }
    case VT__SCHEDULE_FLOW: {
        /* alpha = (1 - n) / (1 + (shift - 1) n) in noise time n. */
        const double n = s->p.from_noise ? t : 1 - t, d = -1 / (1 - n) - (s->p.shift - 1) / (1 + (s->p.shift - 1) * n);
        return *out = s->p.from_noise ? d : -d, VT_OK;
    }
    default: (void)log_alpha_at(s, t, &slope); return *out = slope, VT_OK;
    }
}

void vt__schedule_ends(const vt_schedule *s, double *noisy, double *clean) {
    if (vt__schedule_is_discrete(s)) *noisy = (double)(s->p.n - 1), *clean = 0;
    else if (s->p.kind == VT__SCHEDULE_VE) *noisy = s->p.last, *clean = s->p.first;
    else if (s->p.kind == VT__SCHEDULE_FLOW) *noisy = s->p.from_noise ? 1 : 0, *clean = s->p.from_noise ? 0 : 1;
    else *noisy = 1, *clean = 1e-3;
}

double vt__schedule_unit(const vt_schedule *s, double t) {
    if (vt__schedule_is_discrete(s)) return (t + 1) / (double)s->p.n;
    if (s->p.kind == VT__SCHEDULE_FLOW && !s->p.from_noise) return 1 - t;
    return t;
}

double vt__schedule_from_unit(const vt_schedule *s, double u) {
    if (vt__schedule_is_discrete(s)) return u * (double)s->p.n - 1;
    if (s->p.kind == VT__SCHEDULE_FLOW && !s->p.from_noise) return 1 - u;
    return u;
}
