#include "kv/profile_fit.h"

#include <math.h>
#include <string.h>

#include "codec/table.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "cpu/quant/half.h"
#include "kv/plane.h"
#include "vtk.h"

/* A symbol that never came counts as an eighth of one that did. */
enum { COUNT = 8, SYMBOLS = 256, BESIDE_BITS = 64, MOST = 127, PAPER_MOST = 15 };
/* Values that a uniform step may leave to be written as they are. */
#define SHARE_BESIDE 5e-4

/* One way of coding a group, tried on all samples. */
struct trial {
    int32_t mode, most;
    float *base, *step;       /* [width] */
    uint64_t *counts, *aside; /* [width, SYMBOLS] each: of symbols; of anchors, or in the first row of scales */
    double bits;              /* in all */
    double log_scale;         /* TOKEN: sum over tokens of the step's logarithm */
};

struct plane_fit {
    const vt__kv_fit *fit;
    const vt__kv_sample *samples;
    int64_t n_samples, n_tokens, most_tokens; /* in all, of the longest */
    vt_kv_profile *p;
    vt_status *status; /* [planes] */
    double *bits;      /* [planes, levels] */
};

/* Of one plane that is being fitted. */
struct work {
    const struct plane_fit *f;
    int64_t plane, width;
    float *x;            /* [n_tokens, width] of one group, sample after sample */
    struct trial *best;  /* [n_groups] */
    struct trial trial;
    double *mean, *rms, *deviation; /* [width]: of values; root mean squares of differences from anchors, and from the mean */
    float *largest;      /* [n_tokens] for quantiles */
    void *scratch;
    vt__bytes beside;    /* emptied again and again */
    unsigned char *block;
};

static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* Tokens of a sample that count. */
static int64_t tokens_of(const struct plane_fit *f, int64_t sample) { return max_of(0, f->samples[sample].n_tokens - f->fit->n_kept); }

/* ---- memory ---- */

static vt_status make_trial(vt_context *ctx, struct trial *t, int64_t width) {
    t->base = vt__calloc2(ctx, 2, width, sizeof *t->base);
    t->counts = vt__calloc2(ctx, 2 * width, SYMBOLS, sizeof *t->counts);
    if (!t->base || !t->counts) return vt__fail_nomem("kv profile", 0);
    t->step = t->base + width;
    t->aside = t->counts + width * SYMBOLS;
    return VT_OK;
}

static void free_trial(vt_context *ctx, struct trial *t) {
    vt__free(ctx, t->base);
    vt__free(ctx, t->counts);
}

static vt_status make_work(struct work *w) {
    const struct plane_fit *f = w->f;
    vt_context *ctx = f->p->ctx;
    vt__kv_group group = {.mode = VT__KV_DELTA};
    vt__kv_plane plane = {.groups = &group};
    vt__kv_coding c = {VT__KV_RANS, w->width, 0, 1, f->p->group_tokens, &plane};
    size_t scratch = vt__plane_scratch(&c, f->most_tokens);
    w->x = vt__alloc64_2(ctx, f->n_tokens, w->width, sizeof *w->x);
    w->best = vt__calloc2(ctx, f->p->n_groups, 1, sizeof *w->best);
    w->mean = vt__calloc2(ctx, 3, w->width, sizeof *w->mean);
    w->largest = vt__calloc2(ctx, f->n_tokens, 1, sizeof *w->largest);
    w->scratch = scratch == SIZE_MAX ? NULL : vt__alloc64(ctx, scratch);
    vt__bytes_init(&w->beside, ctx);
    if (!w->x || !w->best || !w->mean || !w->largest || !w->scratch) return vt__fail_nomem("kv profile", scratch);
    w->rms = w->mean + w->width;
    w->deviation = w->rms + w->width;
    vt_status st = make_trial(ctx, &w->trial, w->width);
    for (int32_t g = 0; g < f->p->n_groups && st == VT_OK; g++) st = make_trial(ctx, &w->best[g], w->width);
    return st;
}

static void free_work(struct work *w) {
    vt_context *ctx = w->f->p->ctx;
    for (int32_t g = 0; w->best && g < w->f->p->n_groups; g++) free_trial(ctx, &w->best[g]);
    free_trial(ctx, &w->trial);
    vt__free(ctx, w->x);
    vt__free(ctx, w->best);
    vt__free(ctx, w->mean);
    vt__free(ctx, w->largest);
    vt__free(ctx, w->scratch);
    vt__bytes_free(&w->beside);
}

/* ---- what values are like ---- */

static void load_group(struct work *w, int32_t g) {
    const struct plane_fit *f = w->f;
    int64_t n = f->p->n_channels, at = 0;
    for (int64_t s = 0; s < f->n_samples; s++) {
        const uint16_t *rows = f->samples[s].rows + (w->plane * f->samples[s].n_tokens + f->fit->n_kept) * n + g * w->width;
        for (int64_t t = 0; t < tokens_of(f, s); t++, at++) vtk_get()->decode[VTK_F16](w->x + at * w->width, rows + t * n, w->width);
    }
}

static void measure_group(struct work *w) {
    const struct plane_fit *f = w->f;
    int64_t n_deltas = 0, at = 0;
    memset(w->mean, 0, 3 * (size_t)w->width * sizeof *w->mean);
    for (int64_t s = 0; s < f->n_samples; at += tokens_of(f, s++))
        for (int64_t t = 0; t < tokens_of(f, s); t++) {
            const float *x = w->x + (at + t) * w->width, *anchor = w->x + (at + t / f->p->group_tokens * f->p->group_tokens) * w->width;
            n_deltas += x != anchor;
            for (int64_t c = 0; c < w->width; c++) {
                double d = (double)x[c] - (double)anchor[c];
                w->mean[c] += (double)x[c] / (double)f->n_tokens;
                w->rms[c] += d * d;
                w->deviation[c] += (double)x[c] * (double)x[c] / (double)f->n_tokens;
            }
        }
    for (int64_t c = 0; c < w->width; c++) {
        w->rms[c] = sqrt(w->rms[c] / (double)max_of(1, n_deltas));
        w->deviation[c] = sqrt(fmax(0, w->deviation[c] - w->mean[c] * w->mean[c]));
    }
}

/* At one step, a channel takes bits by the logarithm of what it deviates: differences that are no smaller than the values cannot pay, and are not tried. */
static int may_differences_pay(const struct work *w) {
    double gain = 0;
    for (int64_t c = 0; c < w->width; c++) gain += log(w->deviation[c] + 1e-30) - log(w->rms[c] + 1e-30);
    return gain > 0;
}

/* ---- trials ---- */

static double entropy(const uint64_t *counts) {
    double total = 0, sum = 0;
    for (int i = 0; i < SYMBOLS; i++) {
        double n = (double)counts[i];
        total += n;
        if (n > 0) sum -= n * log2(n);
    }
    return total > 0 ? sum + total * log2(total) : 0;
}

static void count_sample(struct work *w, const vt__kv_coding *c, const float *x, int64_t n_tokens) {
    struct trial *t = &w->trial;
    const uint8_t *symbols, *codes;
    vt__kv_count count = {0};
    w->beside.len = 0;
    vt__plane_quantise(c, x, n_tokens, w->scratch, &w->beside, &count, &symbols, &codes);
    t->bits += (double)count.beside * BESIDE_BITS;
    for (int64_t i = 0; i < n_tokens; i++) {
        int anchor = t->mode == VT__KV_DELTA && i % c->group_tokens == 0;
        uint64_t *counts = anchor ? t->aside : t->counts;
        for (int64_t k = 0; k < w->width; k++) counts[k * SYMBOLS + symbols[i * w->width + k]]++;
        if (anchor) t->bits += 16;
        if (t->mode != VT__KV_TOKEN) continue;
        float scale = vt__kv_scale(codes[i]);
        t->aside[codes[i]]++;
        t->log_scale += log((double)scale);
    }
}

/* Runs w->trial, of which mode, most, base and step are set. */
static void run_trial(struct work *w) {
    const struct plane_fit *f = w->f;
    struct trial *t = &w->trial;
    vt__kv_group group = {.mode = t->mode, .most = t->most};
    vt__kv_plane plane = {&group, t->base, t->step};
    vt__kv_coding c = {VT__KV_RANS, w->width, 0, 1, f->p->group_tokens, &plane};
    int64_t at = 0;
    memset(t->counts, 0, 2 * (size_t)w->width * SYMBOLS * sizeof *t->counts);
    t->bits = t->log_scale = 0;
    for (int64_t s = 0; s < f->n_samples; at += tokens_of(f, s++)) count_sample(w, &c, w->x + at * w->width, tokens_of(f, s));
    for (int64_t k = 0; k < 2 * w->width; k++) t->bits += entropy(t->counts + k * SYMBOLS);
}

static void keep_better(struct work *w, int32_t g, int first) {
    struct trial spare = w->best[g];
    if (!first && !(w->trial.bits < spare.bits)) return;
    w->best[g] = w->trial;
    w->trial = spare;
}

/* The least bound that all but few values are within, in steps. */
static int32_t find_most(struct work *w, int32_t mode) {
    const struct plane_fit *f = w->f;
    int64_t counts[MOST + 2] = {0}, allowed = (int64_t)(SHARE_BESIDE * (double)(f->n_tokens * w->width)), at = 0, above = 0;
    for (int64_t s = 0; s < f->n_samples; at += tokens_of(f, s++))
        for (int64_t t = 0; t < tokens_of(f, s); t++) {
            const float *x = w->x + (at + t) * w->width, *anchor = w->x + (at + t / f->p->group_tokens * f->p->group_tokens) * w->width;
            for (int64_t c = 0; c < w->width; c++) {
                float q = fabsf(x[c] - (mode == VT__KV_DELTA ? anchor[c] : w->trial.base[c])) / w->trial.step[c] + 0.5f;
                counts[q < (float)(MOST + 1) ? (int64_t)q : MOST + 1]++;
            }
        }
    int32_t most = MOST + 1;
    while (most > 1 && above + counts[most] <= allowed) above += counts[most--];
    return most > MOST ? MOST : most;
}

static float factor_of(const struct plane_fit *f, int64_t plane) {
    int64_t layer = plane / 2, third = 3 * layer / f->p->identity.n_layers;
    return f->fit->depth[third] * (plane % 2 ? f->fit->values : f->fit->keys);
}

static void try_token(struct work *w, float steps, int with_mean) {
    struct trial *t = &w->trial;
    t->mode = VT__KV_TOKEN;
    t->most = (int32_t)nearbyintf(steps < 1 ? 1 : steps > (float)MOST ? (float)MOST : steps);
    for (int64_t c = 0; c < w->width; c++) {
        t->base[c] = with_mean ? (float)w->mean[c] : 0;
        t->step[c] = 1;
    }
    run_trial(w);
}

static void try_uniform(struct work *w, int32_t mode, double step) {
    struct trial *t = &w->trial;
    t->mode = mode;
    for (int64_t c = 0; c < w->width; c++) {
        t->base[c] = mode == VT__KV_DIRECT ? (float)w->mean[c] : 0;
        t->step[c] = (float)(step > 1e-20 ? step : 1e-20);
    }
    t->most = find_most(w, mode);
    run_trial(w);
}

/* The paper's: steps of b root mean squares; 15 of them, or more where b is below 1/2. */
static void try_paper(struct work *w, double b) {
    struct trial *t = &w->trial;
    double most = ceil(7.5 / b);
    t->mode = VT__KV_DELTA;
    t->most = most < PAPER_MOST ? PAPER_MOST : most > MOST ? MOST : (int32_t)most;
    for (int64_t c = 0; c < w->width; c++) {
        t->base[c] = 0;
        t->step[c] = (float)(b * (w->rms[c] > 1e-20 ? w->rms[c] : 1e-20));
    }
    run_trial(w);
}

static void fit_group(struct work *w, int32_t level, int32_t g) {
    const vt__kv_fit *fit = w->f->fit;
    float factor = factor_of(w->f, w->plane), steps = fit->fineness[level - 1] / factor;
    load_group(w, g);
    measure_group(w);
    if (fit->mode == VT__KV_DELTA) {
        try_paper(w, (double)(PAPER_MOST / steps));
        keep_better(w, g, 1);
        return;
    }
    try_token(w, steps, 0);
    double step = exp(w->trial.log_scale / (double)w->f->n_tokens);
    keep_better(w, g, 1);
    if (fit->mode == VT__KV_AUTO) {
        try_token(w, steps, 1);
        keep_better(w, g, 0);
        if (may_differences_pay(w)) {
            try_uniform(w, VT__KV_DELTA, step);
            keep_better(w, g, 0);
        }
    }
    if (fit->mode == VT__KV_TOKEN) return;
    try_uniform(w, VT__KV_DIRECT, step);
    keep_better(w, g, fit->mode == VT__KV_DIRECT);
}

/* ---- tables ---- */

static void make_table(uint16_t *table, int64_t lines, const uint64_t *counts, int64_t n_symbols) {
    uint64_t smooth[SYMBOLS];
    uint32_t cum[SYMBOLS + 1];
    for (int64_t i = 0; i < n_symbols; i++) smooth[i] = counts[i] * COUNT + 1;
    vt__cum_from_counts(cum, smooth, n_symbols);
    vt__rans_table(table, lines, cum, n_symbols);
}

static void fill_group(vt__kv_plane *out, int32_t g, int64_t width, const struct trial *t) {
    enum { WIDE = VT__KV_WIDE_LINES * VTK_RANS_LINE };
    vt__kv_group *group = &out->groups[g];
    int64_t size = group->lines * VTK_RANS_LINE;
    memcpy(out->base + g * width, t->base, (size_t)width * sizeof *t->base);
    memcpy(out->step + g * width, t->step, (size_t)width * sizeof *t->step);
    for (int64_t c = 0; c < width; c++) {
        make_table(group->tables + c * size, group->lines, t->counts + c * SYMBOLS, 2 * t->most + 1);
        if (t->mode == VT__KV_DELTA) make_table(group->aside + c * WIDE, VT__KV_WIDE_LINES, t->aside + c * SYMBOLS, VT__KV_ANCHOR_SYMBOLS);
    }
    group->tables[width * size] = 1 << VTK_RANS_BITS;
    if (t->mode == VT__KV_TOKEN) make_table(group->aside, VT__KV_WIDE_LINES, t->aside, VT__KV_SCALES);
    if (t->mode != VT__KV_DIRECT) group->aside[(t->mode == VT__KV_TOKEN ? 1 : width) * WIDE] = 1 << VTK_RANS_BITS;
}

static vt_status fit_level(struct work *w, int32_t level) {
    vt_kv_profile *p = w->f->p;
    int32_t *modes = vt__calloc2(p->ctx, 2, p->n_groups, sizeof *modes), *mosts = modes + p->n_groups;
    if (!modes) return vt__fail_nomem("kv profile", 0);
    for (int32_t g = 0; g < p->n_groups; g++) {
        fit_group(w, level, g);
        modes[g] = w->best[g].mode;
        mosts[g] = w->best[g].most;
        w->f->bits[w->plane * VT__KV_MOST_LEVELS + level - 1] += w->best[g].bits;
    }
    vt_status st = vt__kv_plane_set(p, level, w->plane, modes, mosts);
    for (int32_t g = 0; g < p->n_groups && st == VT_OK; g++) fill_group(vt__kv_plane_of(p, level, w->plane), g, w->width, &w->best[g]);
    vt__free(p->ctx, modes);
    return st == VT_OK && w->beside.failed ? vt__fail_nomem("kv profile", 0) : st;
}

static void fit_plane(void *user, int64_t plane) {
    const struct plane_fit *f = user;
    struct work w = {.f = f, .plane = plane, .width = vt__kv_width(f->p)};
    vt_status st = make_work(&w);
    for (int32_t level = 1; level <= f->p->n_levels && st == VT_OK; level++) st = fit_level(&w, level);
    free_work(&w);
    f->status[plane] = st;
}

/* ---- all of it ---- */

static vt_status check(const vt__kv_fit *fit, const vt__kv_sample *samples, int64_t n_samples) {
    int bad = fit->mode < VT__KV_AUTO || fit->mode >= VT__KV_N_MODES || fit->n_levels < 1 || fit->n_levels > VT__KV_MOST_LEVELS || fit->default_level < 1 ||
              fit->default_level > fit->n_levels || fit->n_kept < 0 || fit->n_kept > VT__KV_MOST_KEPT;
    for (int32_t i = 0; !bad && i < fit->n_levels; i++) bad = !(fit->fineness[i] >= 1 && fit->fineness[i] <= (float)MOST);
    const float factors[] = {fit->depth[0], fit->depth[1], fit->depth[2], fit->keys, fit->values};
    for (int i = 0; i < 5; i++) bad |= !(factors[i] >= 1 / 64.0f && factors[i] <= 64);
    if (bad) return vt__fail(VT_ERR_INVALID, "kv profile: mode %d, level %d of %d, or a fineness or factor that makes no sense", fit->mode, fit->default_level, fit->n_levels);
    for (int64_t i = 0; i < n_samples; i++)
        if (samples[i].n_tokens > fit->n_kept) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "kv profile: no texts longer than the %d tokens that are kept", fit->n_kept);
}

static vt_status run(struct plane_fit *f) {
    vt_kv_profile *p = f->p;
    int64_t n_planes = 2 * (int64_t)p->identity.n_layers;
    for (int64_t i = 0; i < f->n_samples; i++) {
        f->n_tokens += tokens_of(f, i);
        f->most_tokens = max_of(f->most_tokens, tokens_of(f, i));
    }
    f->status = vt__calloc2(p->ctx, n_planes, 1, sizeof *f->status);
    f->bits = vt__calloc2(p->ctx, n_planes, VT__KV_MOST_LEVELS, sizeof *f->bits);
    vt_status st = f->status && f->bits ? VT_OK : vt__fail_nomem("kv profile", 0);
    if (st == VT_OK) {
        vt__parallel(p->ctx, n_planes, fit_plane, f);
        for (int64_t i = 0; i < n_planes && st == VT_OK; i++) st = f->status[i];
        if (st != VT_OK) st = vt__fail(st, "kv profile: out of memory");
        for (int32_t level = 0; level < p->n_levels; level++) {
            double bits = 0;
            for (int64_t i = 0; i < n_planes; i++) bits += f->bits[i * VT__KV_MOST_LEVELS + level];
            p->bits[level] = (float)(bits / ((double)f->n_tokens * (double)n_planes * (double)p->n_channels));
        }
    }
    vt__free(p->ctx, f->status);
    vt__free(p->ctx, f->bits);
    return st;
}

vt_status vt__kv_profile_fit(vt_context *ctx, const vt__kv_identity *identity, const vt__kv_fit *fit, const vt__kv_sample *samples, int64_t n_samples,
                             vt_kv_profile **out) {
    struct plane_fit f = {.fit = fit, .samples = samples, .n_samples = n_samples};
    vt_buffer *bytes = NULL;
    *out = NULL;
    vt_status st = check(fit, samples, n_samples);
    if (st == VT_OK) st = vt__kv_profile_create(ctx, identity, fit->by_plane ? 1 : identity->n_kv_heads, fit->group_tokens, fit->n_levels, &f.p);
    if (st != VT_OK) return st;
    f.p->default_level = fit->default_level;
    f.p->n_kept = fit->n_kept;
    memcpy(f.p->fineness, fit->fineness, sizeof f.p->fineness);
    st = run(&f);
    if (st == VT_OK) st = vt__kv_profile_save(f.p, &bytes);
    if (st == VT_OK) memcpy(&f.p->id, (const char *)vt__buffer_data(bytes) + vt__buffer_size(bytes) - 8, 8);
    vt__buffer_release(bytes);
    if (st == VT_OK) *out = f.p;
    else vt__kv_profile_release(f.p);
    return st;
}
