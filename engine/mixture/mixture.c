#include "mixture/mixture.h"

#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "mixture/mixture_internal.h"

enum { MOST_CLASSES = 1 << 20, MOST_NUMBERS = 1 << 26 };
static const double LARGEST = 1e60, SMALLEST = 1e-60; /* squares and their ratios stay far from the ends of a double */

static vt_status check_numbers(const vt__mixture_params *p) {
    for (int64_t k = 0; k < p->n_modes; k++) {
        if (!(p->weights[k] >= SMALLEST && p->weights[k] <= LARGEST))
            return vt__fail(VT_ERR_INVALID, "mixture: weight %g of mode %lld, need a number above 0", p->weights[k], (long long)k);
        if (p->classes && (p->classes[k] < 0 || p->classes[k] >= MOST_CLASSES))
            return vt__fail(VT_ERR_INVALID, "mixture: class %d of mode %lld, need 0 to %d", p->classes[k], (long long)k, MOST_CLASSES - 1);
    }
    for (int64_t i = 0; i < p->n_modes * p->dim; i++) {
        if (!(fabs(p->means[i]) <= LARGEST)) return vt__fail(VT_ERR_INVALID, "mixture: mean %g of mode %lld", p->means[i], (long long)(i / p->dim));
        if (!(p->stds[i] >= SMALLEST && p->stds[i] <= LARGEST))
            return vt__fail(VT_ERR_INVALID, "mixture: standard deviation %g of mode %lld, need a number above 0", p->stds[i], (long long)(i / p->dim));
    }
    return VT_OK;
}

static void fill(vt_mixture *m, const vt__mixture_params *p) {
    double sum = 0;
    for (int64_t k = 0; k < m->n_modes; k++) sum += p->weights[k];
    for (int64_t k = 0; k < m->n_modes; k++) {
        m->weight[k] = p->weights[k] / sum;
        m->log_weight[k] = log(m->weight[k]);
        m->label[k] = p->classes ? p->classes[k] : -1;
        if (m->label[k] >= m->n_classes) m->n_classes = m->label[k] + 1;
    }
    for (int64_t i = 0; i < m->n_modes * m->dim; i++) {
        m->mean[i] = p->means[i];
        m->std[i] = p->stds[i];
        m->var[i] = p->stds[i] * p->stds[i];
    }
}

vt_status vt__mixture_create(vt_context *ctx, const vt__mixture_params *p, vt_mixture **out) {
    *out = NULL;
    size_t size;
    if (p->dim < 1 || p->n_modes < 1) return vt__fail(VT_ERR_SHAPE, "mixture: %lld modes of %lld dimensions, need 1 or more", (long long)p->n_modes, (long long)p->dim);
    if (vt__mul_size(p->n_modes, p->dim, &size) || size > MOST_NUMBERS)
        return vt__fail(VT_ERR_LIMIT, "mixture: %lld modes of %lld dimensions, at most %d numbers", (long long)p->n_modes, (long long)p->dim, MOST_NUMBERS);
    vt_status st = check_numbers(p);
    if (st != VT_OK) return st;
    vt_mixture *m = vt__calloc(ctx, sizeof *m);
    if (!m) return vt__fail_nomem("mixture", sizeof *m);
    atomic_init(&m->refs, 1);
    m->ctx = vt__context_retain(ctx);
    m->dim = p->dim;
    m->n_modes = p->n_modes;
    const char *name = p->name ? p->name : "";
    const int64_t cells = p->n_modes * p->dim;
    m->name = vt__alloc(ctx, strlen(name) + 1);
    m->numbers = vt__calloc2(ctx, 3 * cells + 2 * p->n_modes, 1, sizeof *m->numbers);
    m->label = vt__calloc2(ctx, p->n_modes, 1, sizeof *m->label);
    if (!m->name || !m->numbers || !m->label) {
        vt__mixture_release(m);
        return vt__fail_nomem("mixture", size * sizeof(double));
    }
    memcpy(m->name, name, strlen(name) + 1);
    m->mean = m->numbers;
    m->std = m->mean + cells;
    m->var = m->std + cells;
    m->weight = m->var + cells;
    m->log_weight = m->weight + p->n_modes;
    fill(m, p);
    *out = m;
    return VT_OK;
}

vt_mixture *vt__mixture_retain(vt_mixture *m) {
    if (m) atomic_fetch_add(&m->refs, 1);
    return m;
}

void vt__mixture_release(vt_mixture *m) {
    if (!m || atomic_fetch_sub(&m->refs, 1) != 1) return;
    vt_context *ctx = m->ctx;
    vt__free(ctx, m->name);
    vt__free(ctx, m->numbers);
    vt__free(ctx, m->label);
    vt__free(ctx, m);
    vt__context_release(ctx);
}

vt_context *vt__mixture_context(const vt_mixture *m) { return m->ctx; }
const char *vt__mixture_name(const vt_mixture *m) { return m->name; }
int64_t vt__mixture_dim(const vt_mixture *m) { return m->dim; }
int64_t vt__mixture_modes(const vt_mixture *m) { return m->n_modes; }
int32_t vt__mixture_classes(const vt_mixture *m) { return m->n_classes; }
double vt__mixture_weight(const vt_mixture *m, int64_t mode) { return m->weight[mode]; }
const double *vt__mixture_means(const vt_mixture *m) { return m->mean; }
const double *vt__mixture_stds(const vt_mixture *m) { return m->std; }
int32_t vt__mixture_class_of(const vt_mixture *m, int64_t mode) { return m->label[mode]; }

vt_status vt__mixture_check_class(const vt_mixture *m, int32_t label) {
    if (label == -1) return VT_OK;
    for (int64_t k = 0; k < m->n_modes; k++)
        if (m->label[k] == label && label >= 0) return VT_OK;
    return vt__fail(VT_ERR_INVALID, "mixture: no mode is of class %d", label);
}

/* A draw is a function of seed and row: the mode by the row's uniform number, the place by its normal ones. */
vt_status vt__mixture_draw(const vt_mixture *m, uint64_t seed, int64_t first, int64_t n, int32_t label, double *out, int32_t *modes) {
    vt_status st = vt__mixture_check_class(m, label);
    if (st != VT_OK) return st;
    double all = 0;
    int32_t last = 0; /* the last mode of the class: rounding must not lead past it */
    for (int64_t k = 0; k < m->n_modes; k++) {
        if (label != -1 && m->label[k] != label) continue;
        all += m->weight[k];
        last = (int32_t)k;
    }
    for (int64_t i = 0; i < n; i++) {
        double u, sum = 0, *row = out + i * m->dim;
        int32_t pick = last;
        vt__random_uniform(seed, 0, (uint64_t)(first + i), &u, 1);
        for (int32_t k = 0; k < last && pick == last; k++) {
            if (label != -1 && m->label[k] != label) continue;
            sum += m->weight[k];
            if (u * all < sum) pick = k;
        }
        vt__random_normal(seed, 1, (uint64_t)(first + i) * (uint64_t)m->dim, row, m->dim);
        const double *mean = m->mean + pick * m->dim, *std = m->std + pick * m->dim;
        for (int64_t d = 0; d < m->dim; d++) row[d] = mean[d] + std[d] * row[d];
        if (modes) modes[i] = pick;
    }
    return VT_OK;
}
