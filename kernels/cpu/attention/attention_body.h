/* Flash attention, one body for all instruction sets. The file that includes this gives it vectors V of LANES floats:
 *
 *     v_load v_store v_load_n v_store_n (n lanes, nothing behind them is touched) v_set1 v_zero v_add v_sub v_mul v_div v_fma v_max v_tanh
 *     v_halves v_halves_n (of float16) v_bytes v_bytes_n (of int8) v_sum16 (lanes of 16 / LANES vectors) v_max_lanes v_exp2
 *     v_keep(v, other, first, last): lanes first..last-1 of v, the rest of other
 *
 * and MANY, the most rows that are worked on at once. Here: who sees what, and how parts are merged; attention_part.h computes a part. Every
 * body computes the same bits, for every number of rows at once.
 *
 * Nothing that a query does not see enters its sums, not even multiplied by 0: keys that only some rows of a group of rows see are added row by
 * row. */
#include "cpu/attention/attention_part.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* A tile: rows row0..row0+n_rows-1 of p, at most VTK_QUERIES. */
typedef struct tile {
    const vtk_attention *p;
    int64_t row0, n_rows;
    float *q;       /* queries, scaled: n rows that are worked on together as [dim][n] */
    float *o;       /* [n_rows, dim] values merged so far */
    float *max;     /* [n_rows] largest score so far */
    float *sum;     /* [n_rows] of the weights */
    float *acc;     /* [MOST, dim] a part's values */
    float *w;       /* [MOST, VTK_KEYS] its scores, then weights */
} tile;

/* Rows that are worked on together when n are left. */
VTK_INLINE int together(int64_t n) { return n >= MANY ? MANY : n >= 6 ? 6 : n >= 4 ? 4 : (int)n; }

/* ---- parts ---- */

/* What row i of a tile sees of a group, in its numbers: nothing if last <= first. */
VTK_INLINE void seen(const tile *t, int64_t row, int64_t group, int64_t *first, int64_t *last) {
    int64_t from = group * VTK_KEYS;
    vtk_attention_span(t->p, t->row0 + row, first, last);
    *first = *first > from ? *first - from : 0;
    *last = *last < from + VTK_KEYS ? *last - from : VTK_KEYS;
}

/* The parts of n rows from row i of the tile on: values in t->acc, largest scores and sums of weights in max and sum. Bit r of the result: row r
 * has one. */
VTK_INLINE unsigned make_parts(const tile *t, int64_t i, int64_t group, float *max, float *sum, int n, int type) {
    const vtk_attention *p = t->p;
    int64_t first[MOST], last[MOST], from = VTK_KEYS, to = 0, all_from = 0, all_to = VTK_KEYS;
    unsigned made = 0;

    for (int r = 0; r < n; r++) {
        seen(t, i + r, group, &first[r], &last[r]);
        if (all_from < first[r]) all_from = first[r];
        if (all_to > last[r]) all_to = last[r];
        if (last[r] <= first[r]) continue;
        made |= 1u << r;
        if (from > first[r]) from = first[r];
        if (to < last[r]) to = last[r];
    }
    if (!made) return 0;
    scores(p, t->q + i * p->dim, group, from / VTK_KV_BLOCK, (to + VTK_KV_BLOCK - 1) / VTK_KV_BLOCK, t->w, n, type);
    for (int r = 0; r < n; r++) {
        if (made >> r & 1u) sum[r] = weights(t->w + r * VTK_KEYS, first[r], last[r], p->softcap, &max[r]);
    }
    memset(t->acc, 0, (size_t)(n * p->dim) * sizeof *t->acc);
    if (all_from >= all_to) all_from = all_to = VTK_KEYS; /* nothing that all of them see */
    int alike = all_from == from && all_to == to;
    for (int r = 0; r < n && !alike; r++)
        values(p, group, first[r], last[r] < all_from ? last[r] : all_from, t->w + r * VTK_KEYS, t->acc + r * p->dim, 1, type);
    values(p, group, all_from, all_to, t->w, t->acc, n, type);
    for (int r = 0; r < n && !alike; r++) values(p, group, all_to, last[r], t->w + r * VTK_KEYS, t->acc + r * p->dim, 1, type);
    return made;
}

/* The same with sizes that the compiler knows. */
VTK_INLINE unsigned make_parts_of(const tile *t, int64_t i, int64_t group, float *max, float *sum, int n, int type) {
    if (n == MANY) return make_parts(t, i, group, max, sum, MANY, type);
    if (n == 6) return make_parts(t, i, group, max, sum, 6, type);
    if (n == 4) return make_parts(t, i, group, max, sum, 4, type);
    if (n == 3) return make_parts(t, i, group, max, sum, 3, type);
    return n == 2 ? make_parts(t, i, group, max, sum, 2, type) : make_parts(t, i, group, max, sum, 1, type);
}

static unsigned make_parts_any(const tile *t, int64_t i, int64_t group, float *max, float *sum, int n) {
    if (t->p->type == VTK_KV_F16) return make_parts_of(t, i, group, max, sum, n, VTK_KV_F16);
    if (t->p->type == VTK_KV_Q8_0) return make_parts_of(t, i, group, max, sum, n, VTK_KV_Q8_0);
    return make_parts_of(t, i, group, max, sum, n, VTK_KV_F32);
}

/* ---- merging ---- */

/* Merges the parts of the n rows from row i on, those whose bits are set, into what the tile has: values [n, dim] at acc. max: room for MOST. */
static void merge(const tile *t, int64_t i, unsigned made, const float *acc, const float *max, const float *sum, int n) {
    float high[16], old[16], part[16];
    int64_t dim = t->p->dim;

    for (int c = 0; c < n; c += LANES) {
        V before = v_load_n(t->max + i + c, n - c), now = v_load_n(max + c, n - c), most = v_max(before, now), base = v_max(most, v_set1(-FLT_MAX));
        v_store(high + c, most);
        v_store(old + c, v_exp2(v_sub(before, base)));
        v_store(part + c, v_exp2(v_sub(now, base)));
    }
    for (int r = 0; r < n; r++) {
        if (!(made >> r & 1u)) continue;
        const V a = v_set1(old[r]), b = v_set1(part[r]);
        float *o = t->o + (i + r) * dim;
        int64_t j = 0;
        for (; j + LANES <= dim; j += LANES) v_store(o + j, v_fma(v_load(acc + r * dim + j), b, v_mul(v_load(o + j), a)));
        if (j < dim) v_store_n(o + j, v_fma(v_load_n(acc + r * dim + j, dim - j), b, v_mul(v_load_n(o + j, dim - j), a)), dim - j);
        t->max[i + r] = high[r];
        t->sum[i + r] = t->sum[i + r] * old[r] + sum[r] * part[r];
    }
}

static void clear(const tile *t) {
    memset(t->o, 0, (size_t)(t->n_rows * t->p->dim) * sizeof *t->o);
    for (int64_t r = 0; r < t->n_rows; r++) {
        t->max[r] = -INFINITY;
        t->sum[r] = 0.0f;
    }
}

/* Into p->out; o may lie there. */
static void finish(const tile *t) {
    int64_t dim = t->p->dim;
    for (int64_t r = 0; r < t->n_rows; r++) {
        int64_t row = t->row0 + r, j = 0;
        float *out = t->p->out + row / t->p->n_shared * t->p->ld + row % t->p->n_shared * dim;
        const float *o = t->o + r * dim;
        const V sum = v_set1(t->sum[r] == 0.0f ? 1.0f : t->sum[r]);
        for (; j + LANES <= dim; j += LANES) v_store(out + j, v_div(v_load(o + j), sum));
        if (j < dim) v_store_n(out + j, v_div(v_load_n(o + j, dim - j), sum), dim - j);
    }
}

/* ---- tiles ---- */

/* Scaled queries of all rows. The factor is rounded once, with the product: it does not bend all scores one way. */
static void pack(const tile *t) {
    const vtk_attention *p = t->p;
    double factor = p->softcap > 0 ? (double)p->scale / (double)p->softcap : (double)p->scale * LOG2_E;
    for (int64_t i = 0, n; i < t->n_rows; i += n) {
        n = together(t->n_rows - i);
        for (int64_t r = 0; r < n; r++) {
            int64_t row = t->row0 + i + r;
            const float *q = p->q + row / p->n_shared * p->ld + row % p->n_shared * p->dim;
            for (int64_t d = 0; d < p->dim; d++) t->q[i * p->dim + d * n + r] = (float)((double)q[d] * factor);
        }
    }
}

static tile tile_at(const vtk_attention *p, int64_t row0) {
    int64_t left = p->n_pos * p->n_shared - row0;
    tile t = {.p = p, .row0 = row0, .n_rows = left < VTK_QUERIES ? left : VTK_QUERIES};
    t.q = p->scratch;
    t.o = t.q + VTK_QUERIES * p->dim;
    t.acc = t.o + VTK_QUERIES * p->dim;
    t.w = t.acc + MOST * p->dim;
    t.max = t.w + MOST * VTK_KEYS;
    t.sum = t.max + VTK_QUERIES;
    return t;
}

/* Groups of keys that some row of the tile sees. */
static void groups(const tile *t, int64_t *first, int64_t *last) {
    int64_t begin, end, unused;
    vtk_attention_span(t->p, t->row0, &begin, &unused);
    vtk_attention_span(t->p, t->row0 + t->n_rows - 1, &unused, &end);
    *first = begin / VTK_KEYS;
    *last = end > 0 ? (end + VTK_KEYS - 1) / VTK_KEYS : 0;
}

static void attend(const vtk_attention *p) {
    int64_t first, last;
    float max[16], sum[16];
    for (int64_t row0 = 0; row0 < p->n_pos * p->n_shared; row0 += VTK_QUERIES) {
        tile t = tile_at(p, row0);
        pack(&t);
        clear(&t);
        groups(&t, &first, &last);
        for (int64_t group = first; group < last; group++) {
            for (int64_t i = 0, n; i < t.n_rows; i += n) {
                n = together(t.n_rows - i);
                unsigned made = make_parts_any(&t, i, group, max, sum, (int)n);
                if (made) merge(&t, i, made, t.acc, max, sum, (int)n);
            }
        }
        finish(&t);
    }
}

static void attend_parts(const vtk_attention *p, int64_t first, int64_t last, float *parts) {
    int64_t n_rows = p->n_pos * p->n_shared;
    size_t size = VTK_PART_SIZE(p->dim);
    float max[16], sum[16];
    for (int64_t row0 = 0; row0 < n_rows; row0 += VTK_QUERIES) {
        tile t = tile_at(p, row0);
        pack(&t);
        for (int64_t group = first; group < last; group++) {
            for (int64_t i = 0, n; i < t.n_rows; i += n) {
                n = together(t.n_rows - i);
                unsigned made = make_parts_any(&t, i, group, max, sum, (int)n);
                for (int r = 0; r < n; r++) {
                    float *part = parts + (size_t)((group - first) * n_rows + row0 + i + r) * size;
                    if (!(made >> r & 1u)) continue;
                    memcpy(part, t.acc + r * p->dim, (size_t)p->dim * sizeof *part);
                    part[p->dim] = max[r];
                    part[p->dim + 1] = sum[r];
                }
            }
        }
    }
}

static void attend_merge(const vtk_attention *p, const float *parts, int64_t first, int64_t last) {
    int64_t n_rows = p->n_pos * p->n_shared, begin, end;
    for (int64_t row = 0; row < n_rows; row++) {
        float max, sum;
        tile t = {.p = p, .row0 = row, .n_rows = 1, .max = &max, .sum = &sum, .o = p->out + row / p->n_shared * p->ld + row % p->n_shared * p->dim};
        clear(&t);
        for (int64_t group = first; group < last; group++) {
            const float *part = parts + (size_t)((group - first) * n_rows + row) * VTK_PART_SIZE(p->dim);
            seen(&t, 0, group, &begin, &end);
            if (begin < end) merge(&t, 0, 1, part, part + p->dim, part + p->dim + 1, 1);
        }
        finish(&t);
    }
}
