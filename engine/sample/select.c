/* A histogram of weights over the leading digit in which candidates differ says which bins are taken whole and in which one there is enough; that one
 * is looked at again, by its next digit. Nine passes at most, and each bin is a fraction of the one before. */
#include "sample/select.h"

#include <math.h>
#include <string.h>

#include "vtk.h"

enum {
    SECTION = 1024, /* candidates whose weights are computed at once */
    FEW = 128,      /* are put in order */
    DIGIT_BITS = 10,
    N_BINS = 1 << DIGIT_BITS
};

int vt__mass_wants_more(const vt__mass *m) { return m->kept < m->min_keep || m->sum < m->enough; }

/* ---- order ---- */

/* Keys ascend in the order wanted. A float's bits ascend with it once the negative ones are turned over; adding 0 makes one zero of both. */
static uint64_t key_of(const vt__order *o, vt__candidate c) {
    uint64_t key;
    uint32_t bits;
    if (o->by_distance) {
        double distance = fabs((double)c.logit - o->centre);
        memcpy(&key, &distance, sizeof key);
        return key;
    }
    float logit = c.logit + 0.0f;
    memcpy(&bits, &logit, sizeof bits);
    return bits >> 31 ? bits : bits ^ 0x7fffffffU;
}

static int before(const vt__order *o, vt__candidate a, vt__candidate b) {
    uint64_t x = key_of(o, a), y = key_of(o, b);
    return x < y || (x == y && a.id < b.id);
}

static void sort_few(vt__candidate *h, int64_t n, const vt__order *o) {
    for (int64_t i = 1; i < n; i++) {
        vt__candidate x = h[i];
        int64_t j = i;
        for (; j > 0 && before(o, x, h[j - 1]); j--) h[j] = h[j - 1];
        h[j] = x;
    }
}

/* exp(logit - max) of n <= SECTION candidates. */
static void weigh(float *w, const vt__candidate *h, int64_t n, float max) {
    float logits[SECTION];
    for (int64_t i = 0; i < n; i++) logits[i] = h[i].logit;
    vtk_get()->row_exp(w, logits, n, max);
}

void vt__take_sorted(const vt__candidate *h, int64_t n, vt__mass *m) {
    float w[FEW];
    for (int64_t from = 0; from < n && vt__mass_wants_more(m); from += FEW) {
        int64_t end = n - from < FEW ? n - from : FEW;
        weigh(w, h + from, end, m->max);
        for (int64_t i = 0; i < end && vt__mass_wants_more(m); i++, m->kept++) m->sum += (double)w[i];
    }
}

/* ---- digits ---- */

/* Where the digit stands: in the key, or in the id where all keys are equal. */
typedef struct digit {
    const vt__order *order;
    int of_id, shift;
} digit;

static unsigned digit_of(const digit *d, vt__candidate c) {
    uint64_t x = d->of_id ? (uint64_t)(uint32_t)c.id : key_of(d->order, c);
    return (unsigned)(x >> d->shift) & (N_BINS - 1);
}

/* The digit that begins with the first bit in which n >= 2 candidates differ. */
static digit leading_digit(const vt__candidate *h, int64_t n, const vt__order *o) {
    uint64_t first = key_of(o, h[0]), keys = 0, ids = 0;
    for (int64_t i = 1; i < n; i++) {
        keys |= key_of(o, h[i]) ^ first;
        ids |= (uint64_t)(uint32_t)(h[i].id ^ h[0].id);
    }
    int top = 63 - __builtin_clzll((keys ? keys : ids) | 1);
    return (digit){o, keys == 0, top < DIGIT_BITS ? 0 : top - DIGIT_BITS + 1};
}

typedef struct histogram {
    double sum[N_BINS];
    int64_t count[N_BINS];
} histogram;

static void count_all(histogram *g, const vt__candidate *h, int64_t n, const digit *d, float max) {
    float w[SECTION];
    memset(g, 0, sizeof *g);
    for (int64_t from = 0; from < n; from += SECTION) {
        int64_t end = n - from < SECTION ? n - from : SECTION;
        weigh(w, h + from, end, max);
        for (int64_t i = 0; i < end; i++) {
            unsigned bin = digit_of(d, h[from + i]);
            g->sum[bin] += (double)w[i];
            g->count[bin]++;
        }
    }
}

/* Moves the candidates of some bins to the front; returns how many. */
static int64_t bring(vt__candidate *h, int64_t n, const digit *d, unsigned first, unsigned end) {
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++) {
        vt__candidate c = h[i];
        unsigned bin = digit_of(d, c);
        if (bin < first || bin >= end) continue;
        h[i] = h[found];
        h[found++] = c;
    }
    return found;
}

void vt__select(vt__candidate *h, int64_t n, const vt__order *o, vt__mass *m) {
    histogram g;
    while (n > FEW && vt__mass_wants_more(m)) {
        unsigned bin = 0;
        digit d = leading_digit(h, n, o);
        count_all(&g, h, n, &d, m->max);
        for (; bin < N_BINS && (m->kept + g.count[bin] < m->min_keep || m->sum + g.sum[bin] < m->enough); bin++) {
            m->kept += g.count[bin];
            m->sum += g.sum[bin];
        }
        if (bin > 0) m->is_sorted = 0;
        int64_t whole = bin > 0 ? bring(h, n, &d, 0, bin) : 0;
        if (bin == N_BINS) return;
        h += whole;
        n = bring(h, n - whole, &d, bin, bin + 1);
    }
    if (!vt__mass_wants_more(m)) return;
    sort_few(h, n, o);
    vt__take_sorted(h, n, m);
}
