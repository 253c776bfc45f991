/* The medoid kernels of one type, included once a type by medoid_types.h, which defines before:
 *   T, S, T_MAX   type of distances and of sums; the largest distance
 *   NAME(x)       x with the suffix of type and instruction set
 *   LIST          lists the places i < n with d[i] < d2[i], ascending, plus `base`; may write up to 16 places behind the last; fetches as much from `ahead`
 *   LIST_TOUCHED  the same, and those with slot1[i] == slot or slot2[i] == slot
 * No include guard: that is the point. Letters as in the paper: d is an object's distance to the candidate, d1 and d2 those to its two nearest medoids. */
#include <string.h>

#define SMALLER(a, b) ((a) < (b) ? (a) : (b))
#define LARGER(a, b) ((a) > (b) ? (a) : (b))

/* slot2 of everybody is "none" until a second medoid comes. */
void NAME(vtk_medoid_start)(const vtk_medoids *m, const void *column, int64_t first, int64_t last) {
    const T *d = column;
    T *d1 = m->d1, *d2 = m->d2;
    for (int64_t o = first; o < last; o++) {
        d1[o] = d[o];
        d2[o] = 0;
        m->slot1[o] = 0;
        m->slot2[o] = VTK_NO_SLOT;
    }
}

/* A medoid belongs to itself, whatever else is at distance 0. */
static void NAME(take_own)(const vtk_medoids *m, int32_t slot, int64_t own, T d, int32_t slot1, T d1) {
    if (slot1 != slot) {
        m->slot2[own] = slot1;
        ((T *)m->d2)[own] = d1;
    }
    m->slot1[own] = slot;
    ((T *)m->d1)[own] = d;
}

static void NAME(add_second)(const vtk_medoids *m, const T *d, int64_t first, int64_t last) {
    T *d1 = m->d1, *d2 = m->d2;
    for (int64_t o = first; o < last; o++) {
        int nearer = d[o] < d1[o];
        d2[o] = nearer ? d1[o] : d[o];
        d1[o] = nearer ? d[o] : d1[o];
        m->slot1[o] = nearer;
        m->slot2[o] = !nearer;
    }
}

void NAME(vtk_medoid_add)(const vtk_medoids *m, int32_t slot, int64_t own, const void *column, int64_t first, int64_t last) {
    const T *d = column;
    T *d1 = m->d1, *d2 = m->d2;
    const int has_own = own >= first && own < last;
    int32_t own_slot1 = has_own ? m->slot1[own] : 0;
    T own_d1 = has_own ? d1[own] : 0;

    if (slot == 1) NAME(add_second)(m, d, first, last);
    for (int64_t o = first; o < last && slot > 1; o++) {
        if (!(d[o] < d2[o])) continue;
        int nearer = d[o] < d1[o];
        d2[o] = nearer ? d1[o] : d[o];
        m->slot2[o] = nearer ? m->slot1[o] : slot;
        d1[o] = nearer ? d[o] : d1[o];
        m->slot1[o] = nearer ? slot : m->slot1[o];
    }
    if (has_own) NAME(take_own)(m, slot, own, d[own], own_slot1, own_d1);
}

void NAME(vtk_medoid_removal)(void *sums, const vtk_medoids *m, int64_t first, int64_t last) {
    const T *d1 = m->d1, *d2 = m->d2;
    const S *w = m->weights;
    S *r = sums;
    for (int64_t i = 0; i < m->k; i++) r[i] = 0;
    if (w)
        for (int64_t o = first; o < last; o++) r[m->slot1[o]] += w[o] * ((S)d2[o] - (S)d1[o]);
    else
        for (int64_t o = first; o < last; o++) r[m->slot1[o]] += (S)d2[o] - (S)d1[o];
}

/* Object o is summed in lane o % 16. */
static inline __attribute__((always_inline)) S NAME(total)(const T *d, const T *limits, const S *w, int64_t n) {
    S lanes[16] = {0};
    int64_t o = 0;
    for (; o + 16 <= n; o += 16)
        for (int l = 0; l < 16; l++) {
            S v = limits ? SMALLER((S)d[o + l] - (S)limits[o + l], 0) : (S)d[o + l];
            lanes[l] += w ? w[o + l] * v : v;
        }
    for (int l = 0; o + l < n; l++) {
        S v = limits ? SMALLER((S)d[o + l] - (S)limits[o + l], 0) : (S)d[o + l];
        lanes[l] += w ? w[o + l] * v : v;
    }
    for (int half = 8; half > 0; half /= 2)
        for (int l = 0; l < half; l++) lanes[l] += lanes[l + half];
    return lanes[0];
}

void NAME(vtk_medoid_total)(void *sum, const void *d, const void *limits, const void *weights, int64_t n) {
    S *s = sum;
    if (weights) *s = limits ? NAME(total)(d, limits, weights, n) : NAME(total)(d, NULL, weights, n);
    else *s = limits ? NAME(total)(d, limits, NULL, n) : NAME(total)(d, NULL, NULL, n);
}

/* Object o moves to the candidate or, if its own medoid goes, would move there instead of to its second: the paper's two branches in one expression,
 * the first difference 0 where d >= d1. hits: objects, or with `objects` places in that list and in distances. */
static inline __attribute__((always_inline)) void NAME(gains)(S *p, S *acc, const vtk_medoids *m, int weighted, const T *distances, const int32_t *objects,
                                                               const int32_t *hits, int64_t n) {
    const T *near = m->d1, *second = m->d2;
    const S *weights = m->weights;
    for (int64_t h = 0; h < n; h++) {
        int32_t o = objects ? objects[hits[h]] : hits[h];
        T d = distances[hits[h]], d1 = near[o], lower = SMALLER(d, d1), upper = LARGER(d, d1);
        S shared = (S)lower - (S)d1, own = (S)upper - (S)second[o];
        *acc += weighted ? weights[o] * shared : shared;
        p[m->slot1[o]] += weighted ? weights[o] * own : own;
    }
}

/* A swap that changes nothing, such as one of two objects that have only each other, is taken or not by the rounding of its sums, and so by the order of
 * additions. The paper's is in place. */
static inline __attribute__((always_inline)) void NAME(begin)(S *p, const vtk_medoids *m, const S *r) {
    const int removal_last = m->removal_last;
    for (int32_t i = 0; i < m->k; i++) p[i] = removal_last ? 0 : r[i];
}

static inline __attribute__((always_inline)) void NAME(end)(S *change, int32_t *slot, S *p, S acc, const vtk_medoids *m, const S *r) {
    int32_t best = 0;
    for (int32_t i = 0; m->removal_last && i < m->k; i++) p[i] += r[i];
    for (int32_t i = 1; i < m->k; i++)
        if (p[i] < p[best]) best = i;
    *slot = best;
    *change = p[best] + acc;
}

void NAME(vtk_medoid_judge)(void *change, int32_t *slot, void *scratch, const vtk_medoids *m, const void *removal, const void *column,
                             const void *next) {
    const T *d = column, *d2 = m->d2;
    S acc = 0;
    int32_t hits[TILE + 16];

    NAME(begin)(scratch, m, removal);
    for (int64_t o = 0; o < m->n; o += TILE) {
        int64_t n = LIST(hits, d + o, d2 + o, (int32_t)o, m->n - o < TILE ? m->n - o : TILE, ahead_of(d, next, o, m->n, sizeof *d));
        if (m->weights) NAME(gains)(scratch, &acc, m, 1, d, NULL, hits, n);
        else NAME(gains)(scratch, &acc, m, 0, d, NULL, hits, n);
    }
    NAME(end)(change, slot, scratch, acc, m, removal);
}

int64_t NAME(vtk_medoid_reach)(int32_t *objects, void *distances, const void *limits, int64_t n, const void *column, const void *next) {
    const T *d = column, *limit = limits;
    T *found = distances;
    int64_t n_found = 0;
    for (int64_t o = 0; o < n; o += TILE)
        n_found += LIST(objects + n_found, d + o, limit + o, (int32_t)o, n - o < TILE ? n - o : TILE, ahead_of(d, next, o, n, sizeof *d));
    for (int64_t i = 0; i < n_found; i++) found[i] = d[objects[i]];
    return n_found;
}

/* Those of a list that are nearer than their second medoid; branches would be guessed wrong half of the time. */
static inline __attribute__((always_inline)) int64_t NAME(nearer)(int32_t *hits, const T *second, const int32_t *objects, const T *distances, int64_t n) {
    int64_t n_hits = 0;
    for (int64_t i = 0; i < n; i++) {
        hits[n_hits] = (int32_t)i;
        n_hits += distances[i] < second[objects[i]];
    }
    return n_hits;
}

void NAME(vtk_medoid_judge_reach)(void *change, int32_t *slot, void *scratch, const vtk_medoids *m, const void *removal, const int32_t *objects,
                                   const void *distances, int64_t n) {
    const T *d = distances;
    S acc = 0;
    int32_t hits[TILE];

    NAME(begin)(scratch, m, removal);
    for (int64_t i = 0; i < n; i += TILE) {
        int64_t n_hits = NAME(nearer)(hits, m->d2, objects + i, d + i, n - i < TILE ? n - i : TILE);
        if (m->weights) NAME(gains)(scratch, &acc, m, 1, d + i, objects + i, hits, n_hits);
        else NAME(gains)(scratch, &acc, m, 0, d + i, objects + i, hits, n_hits);
    }
    NAME(end)(change, slot, scratch, acc, m, removal);
}

static inline T NAME(limit)(T d2, int shift) {
    const S size = d2 < 0 ? -(S)d2 : (S)d2, limit = (S)d2 + size / (S)(1 << shift);
    return limit < (S)T_MAX ? (T)limit : T_MAX;
}

void NAME(vtk_medoid_limit)(void *limits, const vtk_medoids *m, int shift) {
    const T *d2 = m->d2;
    T *limit = limits;
    for (int64_t o = 0; o < m->n; o++) limit[o] = NAME(limit)(d2[o], shift);
}

int64_t NAME(vtk_medoid_widen)(const vtk_widening *to, void *limits, const vtk_medoids *m, int shift, const int32_t *objects, int64_t n_objects) {
    const T *d2 = m->d2;
    T *limit = limits;
    int64_t n = 0;
    for (int64_t i = 0; i < n_objects; i++) {
        const int32_t o = objects[i];
        if (!(d2[o] > limit[o])) continue;
        to->objects[n] = o;
        ((T *)to->from)[n] = limit[o];
        ((T *)to->to)[n++] = limit[o] = NAME(limit)(d2[o], shift);
    }
    return n;
}

int64_t NAME(vtk_medoid_widened)(int32_t *found, const vtk_widening *w, const void *const *columns, int64_t n, int64_t j) {
    const T *from = w->from, *to = w->to;
    int64_t n_found = 0;
    for (int64_t i = 0; i < n; i++) {
        T d = ((const T *)columns[i])[j];
        found[n_found] = (int32_t)i;
        n_found += d >= from[i] && d < to[i];
    }
    return n_found;
}

/* One slot and one candidate by themselves, as PAM has it. */
void NAME(vtk_medoid_pair)(void *change, const vtk_medoids *m, int32_t slot, const void *column) {
    const T *d = column, *d1 = m->d1, *d2 = m->d2;
    const S *w = m->weights;
    S sum = 0;
    for (int64_t o = 0; o < m->n; o++) {
        S stay = m->slot1[o] == slot ? (S)d2[o] : (S)d1[o], move = (S)d[o];
        S v = (move < stay ? move : stay) - (S)d1[o];
        sum += w ? w[o] * v : v;
    }
    *(S *)change = sum;
}

int64_t NAME(vtk_medoid_swap)(const vtk_medoids *m, int32_t slot, int64_t own, const void *column, int64_t first, int64_t last, int32_t *lost) {
    const T *d = column;
    T *d1 = m->d1, *d2 = m->d2;
    int32_t hits[TILE + 16];
    int64_t n_lost = 0;

    for (int64_t base = first; base < last; base += TILE) {
        int64_t n = LIST_TOUCHED(hits, d + base, d2 + base, m->slot1 + base, m->slot2 + base, slot, (int32_t)base, last - base < TILE ? last - base : TILE,
                                 d + base);
        for (int64_t h = 0; h < n; h++) {
            int32_t o = hits[h];
            if (o == own) continue;
            if (m->slot1[o] == slot) {
                if (d[o] < d2[o]) {
                    d1[o] = d[o];
                    continue;
                }
                d1[o] = d2[o];
                m->slot1[o] = m->slot2[o];
                lost[n_lost++] = o;
            } else if (d[o] < d1[o]) {
                d2[o] = d1[o];
                m->slot2[o] = m->slot1[o];
                d1[o] = d[o];
                m->slot1[o] = slot;
            } else if (d[o] < d2[o]) {
                d2[o] = d[o];
                m->slot2[o] = slot;
            } else {
                lost[n_lost++] = o;
            }
        }
    }
    if (own >= first && own < last) NAME(take_own)(m, slot, own, d[own], m->slot1[own], d1[own]);
    return n_lost;
}

void NAME(vtk_medoid_rescan)(const vtk_medoids *m, int32_t slot, const void *column, const int32_t *objects, int64_t n_objects, const void *const *columns,
                             int64_t row, int64_t first) {
    const T *d = column;
    for (int64_t i = 0; i < n_objects; i++) {
        int32_t o = objects[i], nearest = m->slot1[o], found = slot;
        int64_t place = row ? (first + i) * row : o;
        T best = d[o];
        for (int32_t s = 0; s < m->k; s++) {
            T other = ((const T *)columns[s])[place];
            if (__builtin_expect(other < best, 0) && s != nearest && s != slot) { /* a branch: in a chain of selections each waits for the one before */
                best = other;
                found = s;
            }
        }
        m->slot2[o] = found;
        ((T *)m->d2)[o] = best;
    }
}

#undef SMALLER
#undef LARGER
#undef T
#undef T_MAX
#undef S
#undef NAME
#undef LIST
#undef LIST_TOUCHED
