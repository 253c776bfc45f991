#include "sample/candidates.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "sample/select.h"
#include "vtk.h"

_Static_assert(sizeof(vt__candidate) == 8, "vt_sampler_filter hands out pairs of 4 bytes");

enum { SECTION = 1024 }; /* candidates looked at at once */

/* ---- order and heaps ---- */

static int better(vt__candidate a, vt__candidate b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); }

/* Restores the heap below i. sign 1: best on top; -1: worst on top. */
static void sift(vt__candidate *h, int64_t n, int64_t i, int sign) {
    vt__candidate x = h[i];
    for (int64_t c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && (sign > 0 ? better(h[c + 1], h[c]) : better(h[c], h[c + 1]))) c++;
        if (sign > 0 ? !better(h[c], x) : !better(x, h[c])) break;
        h[i] = h[c];
    }
    h[i] = x;
}

static void make_heap(vt__candidate *h, int64_t n, int sign) {
    for (int64_t i = n / 2 - 1; i >= 0; i--) sift(h, n, i, sign);
}

/* Moves the top behind the heap, which becomes one shorter. */
static void pop(vt__candidate *h, int64_t n, int sign) {
    vt__candidate top = h[0];
    h[0] = h[n - 1];
    h[n - 1] = top;
    sift(h, n - 1, 0, sign);
}

/* A heap with the worst on top, emptied from the back, leaves the best first. */
static void sort_worst_heap(vt__candidate *h, int64_t n) {
    for (; n > 1; n--) pop(h, n, -1);
}

/* ---- rows ---- */

static vt_status fail_barred(int64_t n, const char *why) {
    return vt__fail(VT_ERR_NUMERIC, "sampler: all %lld tokens are barred (%s)", (long long)n, why);
}

vt_status vt__row_best(const float *row, int64_t n, int32_t *out_id) {
    int64_t best = vtk_get()->row_best(row, n);
    for (int64_t i = 0; best < 0; i++)
        if (!(row[i] <= FLT_MAX)) return vt__fail(VT_ERR_NUMERIC, "sampler: logit %lld is %f", (long long)i, (double)row[i]);
    if (row[best] < -FLT_MAX) return fail_barred(n, "minus infinity");
    *out_id = (int32_t)best;
    return VT_OK;
}

/* Almost every logit is worse than the worst of the k best so far, and is passed over by the kernel that compares a vector of them at once. */
int64_t vt__row_top(const float *row, int64_t n, int64_t k, vt__candidate *out) {
    const vtk_table *t = vtk_get();
    int32_t at[SECTION];
    int64_t kept = 0;
    for (int64_t from = 0; from < n; from += SECTION) {
        int64_t found = t->row_select(at, row + from, n - from < SECTION ? n - from : SECTION, kept == k ? out[0].logit : -FLT_MAX);
        for (int64_t i = 0; i < found; i++) {
            vt__candidate c = {(int32_t)from + at[i], row[from + at[i]]};
            if (kept < k) {
                out[kept++] = c;
                if (kept == k) make_heap(out, k, -1);
            } else if (c.logit > out[0].logit) { /* an equal one has the higher id */
                out[0] = c;
                sift(out, k, 0, -1);
            }
        }
    }
    if (kept < k) make_heap(out, kept, -1);
    sort_worst_heap(out, kept);
    return kept;
}

void vt__candidates_free(vt__candidates *c) {
    vt__free(c->ctx, c->own);
    vt__free(c->ctx, c->set);
}

vt_status vt__candidates_load(vt__candidates *c, const float *row, int64_t n) {
    int32_t best;
    void *set = c->set;
    vt_status st = vt__row_best(row, n, &best);
    if (st != VT_OK) return st;
    if (vt__reserve(c->ctx, &set, &c->cap, n, sizeof *c->set)) return vt__fail_nomem("sampler", (size_t)n * sizeof *c->set);
    c->set = set;
    c->row = row;
    c->n = n;
    c->sorted = 0;
    return VT_OK;
}

vt_status vt__candidates_own(vt__candidates *c) {
    if (!c->row || c->row == c->own) return VT_OK;
    void *own = c->own;
    if (vt__reserve(c->ctx, &own, &c->own_cap, c->n, sizeof *c->own)) return vt__fail_nomem("sampler", (size_t)c->n * sizeof *c->own);
    c->own = own;
    memcpy(c->own, c->row, (size_t)c->n * sizeof *c->own);
    c->row = c->own;
    return VT_OK;
}

vt_status vt__candidates_changed(vt__candidates *c, const char *why) {
    int64_t n = c->n, kept = 0;
    if (c->row) return c->row[vtk_get()->row_best(c->row, n)] >= -FLT_MAX ? VT_OK : fail_barred(n, why);
    for (int64_t i = 0; i < n; i++)
        if (c->set[i].logit >= -FLT_MAX) c->set[kept++] = c->set[i];
    c->n = kept;
    c->sorted = 0;
    return kept > 0 ? VT_OK : fail_barred(n, why);
}

/* Appends the row's candidates with least <= logit < below to set[at..]; returns the new end. */
static int64_t gather(vt__candidates *c, int64_t at, float least, float below) {
    const vtk_table *t = vtk_get();
    int32_t pos[SECTION];
    for (int64_t from = 0; from < c->n; from += SECTION) {
        int64_t found = t->row_select(pos, c->row + from, c->n - from < SECTION ? c->n - from : SECTION, least);
        for (int64_t i = 0; i < found; i++) {
            float x = c->row[from + pos[i]];
            if (x < below) c->set[at++] = (vt__candidate){(int32_t)from + pos[i], x};
        }
    }
    return at;
}

static void become_set(vt__candidates *c, int64_t n, int sorted) {
    c->row = NULL;
    c->n = n;
    c->sorted = sorted;
}

static void to_set(vt__candidates *c) {
    if (c->row) become_set(c, gather(c, 0, -FLT_MAX, INFINITY), 0);
}

/* ---- measures ---- */

float vt__candidates_largest(const vt__candidates *c) {
    if (c->row) return c->row[vtk_get()->row_best(c->row, c->n)];
    float m = c->set[0].logit;
    for (int64_t i = 1; i < c->n && !c->sorted; i++)
        if (c->set[i].logit > m) m = c->set[i].logit;
    return m;
}

int64_t vt__candidates_count(const vt__candidates *c) {
    int64_t count = 0;
    if (!c->row) return c->n;
    for (int64_t i = 0; i < c->n; i++) count += c->row[i] >= -FLT_MAX;
    return count;
}

void vt__candidates_weights(const vt__candidates *c, float max, double sums[2]) {
    if (c->row) {
        vtk_get()->row_weights(sums, c->row, c->n, max);
        return;
    }
    sums[0] = sums[1] = 0;
    for (int64_t from = 0; from < c->n; from += SECTION) {
        float logits[SECTION];
        double part[2];
        int64_t n = c->n - from < SECTION ? c->n - from : SECTION;
        for (int64_t i = 0; i < n; i++) logits[i] = c->set[from + i].logit;
        vtk_get()->row_weights(part, logits, n, max);
        sums[0] += part[0];
        sums[1] += part[1];
    }
}

void vt__candidates_moments(const vt__candidates *c, double *mean, double *deviation) {
    double sum = 0, squares = 0, shift = (double)vt__candidates_largest(c);
    int64_t n = 0;
    for (int64_t i = 0; i < c->n; i++) {
        float x = c->row ? c->row[i] : c->set[i].logit;
        if (x < -FLT_MAX) continue;
        double d = (double)x - shift;
        sum += d;
        squares += d * d;
        n++;
    }
    double m = sum / (double)n, variance = squares / (double)n - m * m;
    *mean = m + shift;
    *deviation = variance > 0 ? sqrt(variance) : 0;
}

/* ---- narrowing ---- */

void vt__candidates_sort(vt__candidates *c) {
    to_set(c);
    if (c->sorted) return;
    make_heap(c->set, c->n, -1);
    sort_worst_heap(c->set, c->n);
    c->sorted = 1;
}

void vt__candidates_top(vt__candidates *c, int64_t k) {
    if (k >= c->n) return;
    if (c->row) {
        become_set(c, vt__row_top(c->row, c->n, k, c->set), 1);
        return;
    }
    if (!c->sorted) {
        vt__mass m = {.min_keep = k, .max = vt__candidates_largest(c), .is_sorted = 1};
        vt__select(c->set, c->n, &(vt__order){0, 0}, &m);
        become_set(c, k, m.is_sorted);
        vt__candidates_sort(c);
    }
    c->n = k;
}

void vt__candidates_above(vt__candidates *c, float least, int64_t min_keep) {
    int64_t kept = 0;
    if (c->row) {
        kept = gather(c, 0, least > -FLT_MAX ? least : -FLT_MAX, INFINITY);
        if (kept < min_keep) vt__candidates_top(c, min_keep);
        else become_set(c, kept, 0);
        return;
    }
    for (int64_t i = 0; i < c->n; i++) kept += c->set[i].logit >= least;
    if (kept < min_keep) {
        vt__candidates_top(c, min_keep);
        return;
    }
    kept = 0;
    for (int64_t i = 0; i < c->n; i++)
        if (c->set[i].logit >= least) c->set[kept++] = c->set[i]; /* keeps the order, sorted or not */
    c->n = kept;
}

/* Those of set[at..n) at `least` or above are brought to its front; returns their end. */
static int64_t part_near(vt__candidates *c, int64_t at, float least) {
    for (int64_t i = at; i < c->n; i++) {
        vt__candidate x = c->set[i];
        if (!(x.logit >= least)) continue;
        c->set[i] = c->set[at];
        c->set[at++] = x;
    }
    return at;
}

enum { NEAR = 8, N_BANDS = 3, BAND = 4 };

/* Those at `least` or above come before all others in the order, and nearly always suffice; then those in a band below it, and so on: most of the
 * vocabulary is not looked at again. */
static void take(vt__candidates *c, float least, const vt__order *order, vt__mass *m) {
    float below = INFINITY;
    int64_t at = 0;
    for (int band = 0; band <= N_BANDS && vt__mass_wants_more(m); band++) {
        float from = least - (float)(band * BAND);
        if (band == N_BANDS || !(from > -FLT_MAX)) from = -FLT_MAX;
        int64_t end = c->row ? gather(c, at, from, below) : part_near(c, at, from);
        vt__select(c->set + at, end - at, order, m);
        at = end;
        below = from;
    }
    become_set(c, m->kept, m->is_sorted);
}

void vt__candidates_mass(vt__candidates *c, double enough, int64_t min_keep, float max) {
    vt__mass m = {.enough = enough, .min_keep = min_keep, .max = max, .is_sorted = 1};
    if (c->row || !c->sorted) {
        take(c, max - (float)NEAR, &(vt__order){0, 0}, &m);
        return;
    }
    vt__take_sorted(c->set, c->n, &m);
    become_set(c, m.kept, 1);
}

/* What is farther below the centre than the best is above it, and NEAR at least, comes after all others. */
void vt__candidates_typical(vt__candidates *c, double centre, double enough, int64_t min_keep, float max) {
    vt__mass m = {.enough = nextafter(enough, HUGE_VAL), .min_keep = min_keep, .max = max}; /* more than `enough` */
    double least = fmax(centre - fmax((double)max - centre, NEAR), -(double)FLT_MAX);
    take(c, nextafterf((float)least, -INFINITY), &(vt__order){1, centre}, &m);
}

/* The candidates concerned stand in set[0..n_best) for a row, anywhere in a set. */
static vt__candidate worst_of(const vt__candidate *set, int64_t n, double least, float max, int64_t *count) {
    vt__candidate worst = {-1, INFINITY};
    *count = 0;
    for (int64_t i = 0; i < n; i++) {
        if (!((double)expf(set[i].logit - max) >= least)) continue;
        if (++*count == 1 || better(worst, set[i])) worst = set[i];
    }
    return worst;
}

void vt__candidates_drop_best(vt__candidates *c, double least, int64_t min_keep, float max) {
    double edge = least > 0 ? (double)max + log(least) - 1e-3 : -(double)FLT_MAX; /* a little too many: weights decide */
    int64_t n_set = c->row ? gather(c, 0, (float)edge, INFINITY) : c->n, count, kept = 0;
    vt__candidate worst = worst_of(c->set, n_set, least, max, &count);
    if (count < 2 || vt__candidates_count(c) - (count - 1) < min_keep) return;
    for (int64_t i = 0; i < n_set; i++) {
        vt__candidate x = c->set[i];
        int goes = x.id != worst.id && (double)expf(x.logit - max) >= least;
        if (c->row && goes) c->own[x.id] = -INFINITY;
        if (!c->row && !goes) c->set[kept++] = x;
    }
    if (!c->row) c->n = kept;
}

/* A tiny t may overflow to minus infinity or, at the top, to plus infinity; the largest is kept finite and decides. */
void vt__candidates_divide(vt__candidates *c, float t) {
    float max = vt__candidates_largest(c);
    float from = fabsf(max / t) <= FLT_MAX ? 0.0f : max;
    if (c->row) {
        vtk_get()->row_temper(c->own, c->n, from, t);
        return;
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < c->n; i++) {
        float x = (c->set[i].logit - from) / t;
        if (x >= -FLT_MAX) c->set[kept++] = (vt__candidate){c->set[i].id, x};
    }
    c->n = kept;
}
