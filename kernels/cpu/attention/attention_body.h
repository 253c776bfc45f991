/* Flash attention, one body for all instruction sets. The file that includes this gives it vectors V of LANES floats:
 *
 *     v_load v_store v_load_n v_store_n (n lanes, nothing behind them is touched) v_set1 v_zero v_add v_sub v_mul v_div v_fma v_max v_tanh
 *     v_halves v_halves_n (of float16) v_bytes v_bytes_n (of int8) v_sum16 (lanes of 16 / LANES vectors) v_max_lanes v_exp2
 *     v_keep(v, other, first, last): lanes first..last-1 of v, the rest of other
 *
 * and MANY, the most rows that are worked on at once. A score is one chain of multiply-adds along the head, a value one along the keys of a
 * group, sums of weights have 16 lanes whatever LANES is: every body computes the same bits, for every number of rows at once.
 *
 * Keys lie 16 tokens side by side, so scores need no sums across lanes; rows are broadcast. Nothing that a query does not see enters its
 * sums, not even multiplied by 0: keys that only some rows of a group of rows see are added row by row. */
#include "cpu/attention/attention.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cpu/quant/quant.h"

enum {
    PER_BLOCK = VTK_KV_BLOCK / LANES, /* vectors for 16 tokens */
    BLOCKS = VTK_KEYS / VTK_KV_BLOCK, /* a group */
    PART = VTK_BLOCK,                 /* of Q8_0 */
    PART_KEYS = VTK_Q8_0_SIZE * VTK_KV_BLOCK,
    MOST = 12, /* rows */
    FEW = 4,
    LINE = 64
};
#define LOG2_E 1.4426950408889634

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

/* Few rows wait for memory, where a cache's blocks are too short for the hardware to see them coming. */
VTK_INLINE void prefetch(const unsigned char *p) { __builtin_prefetch(p); }

/* ---- scores ---- */

VTK_INLINE V key_vector(const unsigned char *k, int64_t at, int type) {
    if (type == VTK_KV_F32) return v_load((const float *)(const void *)(k + 4 * at));
    return type == VTK_KV_F16 ? v_halves(k + 2 * at) : v_bytes(k + at);
}

/* Scores of n rows with the keys of `wide` blocks of 16, into w. */
VTK_INLINE void score_tile(const vtk_attention *p, const float *q, const unsigned char *const *key, float *w, int n, int wide, int type) {
    V acc[MOST][BLOCKS * PER_BLOCK];
    int64_t step = type == VTK_KV_Q8_0 ? PART : p->dim;
    int n_vectors = wide * PER_BLOCK;

    for (int r = 0; r < n; r++) {
        for (int c = 0; c < n_vectors; c++) acc[r][c] = v_zero();
    }
    for (int64_t d0 = 0; d0 < p->dim; d0 += step) {
        V scale[BLOCKS * PER_BLOCK];
        int64_t at = type == VTK_KV_Q8_0 ? d0 / PART * PART_KEYS : 0;
        if (type == VTK_KV_Q8_0) {
            for (int c = 0; c < n_vectors; c++) scale[c] = v_halves(key[c / PER_BLOCK] + at + c % PER_BLOCK * LANES * 2);
            at += 2 * VTK_KV_BLOCK;
        }
        for (int64_t d = 0; d < step; d++) {
            const float *row = q + (d0 + d) * n;
            V k[BLOCKS * PER_BLOCK], x[MOST];
            if (n <= FEW) { /* which of the two stays in registers */
                int64_t byte = type == VTK_KV_Q8_0 ? at + d * VTK_KV_BLOCK : (at + d * VTK_KV_BLOCK) * (type == VTK_KV_F16 ? 2 : 4);
                if (byte % LINE < VTK_KV_BLOCK) { /* the values come next: they are as many bytes */
                    for (int b = 0; b < wide; b++) prefetch(key[b] + (p->v_offset - p->k_offset) + byte);
                }
                for (int r = 0; r < n; r++) x[r] = v_set1(row[r]);
                for (int c = 0; c < n_vectors; c++) {
                    k[c] = key_vector(key[c / PER_BLOCK], at + d * VTK_KV_BLOCK + c % PER_BLOCK * LANES, type);
                    if (type == VTK_KV_Q8_0) k[c] = v_mul(k[c], scale[c]); /* exact: 8 bits by 11 */
                    for (int r = 0; r < n; r++) acc[r][c] = v_fma(x[r], k[c], acc[r][c]);
                }
                continue;
            }
            for (int c = 0; c < n_vectors; c++) {
                k[c] = key_vector(key[c / PER_BLOCK], at + d * VTK_KV_BLOCK + c % PER_BLOCK * LANES, type);
                if (type == VTK_KV_Q8_0) k[c] = v_mul(k[c], scale[c]);
            }
            for (int r = 0; r < n; r++) {
                x[r] = v_set1(row[r]);
                for (int c = 0; c < n_vectors; c++) acc[r][c] = v_fma(x[r], k[c], acc[r][c]);
            }
        }
    }
    for (int r = 0; r < n; r++) {
        for (int c = 0; c < n_vectors; c++) v_store(w + r * VTK_KEYS + c * LANES, acc[r][c]);
    }
}

/* Scores of n rows with blocks b0..b1-1 of a group of keys; the rest of w is undefined. */
VTK_INLINE void scores(const vtk_attention *p, const float *q, int64_t group, int64_t b0, int64_t b1, float *w, int n, int type) {
    const unsigned char *key[BLOCKS];
    const int wide = n > 6 ? 2 : n > 3 ? 4 / PER_BLOCK / PER_BLOCK : 8 / PER_BLOCK / PER_BLOCK; /* 2, 4 or 8 vectors of 16; 2 or 4 of 8 */

    for (int64_t b = b0 / wide * wide; b < b1; b += wide) {
        for (int64_t i = 0; i < wide; i++) { /* blocks that are not seen repeat one that is */
            int64_t at = b + i < b0 ? b0 : b + i < b1 ? b + i : b1 - 1;
            key[i] = p->blocks[group * BLOCKS + at] + p->k_offset;
        }
        score_tile(p, q, key, w + b * VTK_KV_BLOCK, n, wide, type);
    }
}

/* ---- weights ---- */

VTK_INLINE V capped(V s, int caps, V cap) { return caps ? v_mul(cap, v_tanh(s)) : s; }

/* Scores first..last-1 of w become weights, powers of 2; returns their sum, and the largest score in max. */
VTK_INLINE float weights(float *w, int64_t first, int64_t last, float softcap, float *max) {
    const V low = v_set1(-INFINITY), cap = v_set1((float)((double)softcap * LOG2_E));
    const int caps = softcap > 0;
    V high = low, sum[PER_BLOCK];
    int64_t v0 = first / VTK_KV_BLOCK * VTK_KV_BLOCK, v1 = (last + VTK_KV_BLOCK - 1) / VTK_KV_BLOCK * VTK_KV_BLOCK;

    for (int64_t i = v0; i < v1; i += LANES) {
        V s = capped(v_load(w + i), caps, cap);
        if (i < first || i + LANES > last) s = v_keep(s, low, first - i, last - i);
        if (caps) v_store(w + i, s);
        high = v_max(s, high); /* this order of arguments lets no NaN in */
    }
    *max = v_max_lanes(high);
    V base = v_set1(*max < -FLT_MAX ? -FLT_MAX : *max); /* a finite one: scores of -infinity weigh 0 */
    for (int c = 0; c < PER_BLOCK; c++) sum[c] = v_zero();
    for (int64_t i = v0; i < v1; i += VTK_KV_BLOCK) {
        for (int c = 0; c < PER_BLOCK; c++) {
            int64_t at = i + c * LANES;
            V e = v_exp2(v_sub(v_load(w + at), base));
            v_store(w + at, e);
            if (at < first || at + LANES > last) e = v_keep(e, v_zero(), first - at, last - at);
            sum[c] = v_add(sum[c], e);
        }
    }
    return v_sum16(sum);
}

/* ---- values ---- */

VTK_INLINE V value_vector(const unsigned char *v, int64_t j, int64_t n_lanes, int whole, int type) {
    if (type == VTK_KV_F32) return whole ? v_load((const float *)(const void *)(v + 4 * j)) : v_load_n((const float *)(const void *)(v + 4 * j), n_lanes);
    if (type == VTK_KV_F16) return whole ? v_halves(v + 2 * j) : v_halves_n(v + 2 * j, n_lanes);
    const unsigned char *part = v + j / PART * VTK_Q8_0_SIZE;
    return v_mul(v_bytes(part + 2 + j % PART), v_half1(part));
}

/* Adds keys first..last-1 of a group, elements j.. of their values, to acc of n rows: `wide` vectors, or part of one. */
VTK_INLINE void value_tile(const vtk_attention *p, int64_t group, int64_t first, int64_t last, const float *w, float *acc, int64_t j,
                           int64_t n_lanes, int whole, int n, int wide, int type) {
    V sum[MOST][8];
    size_t row_size = vtk_kv_size(type, p->dim) / VTK_KV_BLOCK;

    for (int r = 0; r < n; r++) {
        for (int c = 0; c < wide; c++) sum[r][c] = whole ? v_load(acc + r * p->dim + j + c * LANES) : v_load_n(acc + r * p->dim + j, n_lanes);
    }
    for (int64_t t = first; t < last;) {
        const unsigned char *v = p->blocks[group * BLOCKS + t / VTK_KV_BLOCK] + p->v_offset + (size_t)(t % VTK_KV_BLOCK) * row_size;
        const unsigned char *next = NULL; /* keys of the next group */
        int64_t end = (t / VTK_KV_BLOCK + 1) * VTK_KV_BLOCK;
        if (n <= FEW && j == 0 && (group + 1) * VTK_KEYS + t < p->n_keys)
            next = p->blocks[(group + 1) * BLOCKS + t / VTK_KV_BLOCK] + p->k_offset + (size_t)(t % VTK_KV_BLOCK) * row_size;
        if (end > last) end = last;
        for (; t < end; t++, v += row_size) {
            V x[8];
            if (next) {
                for (size_t b = 0; b < row_size; b += LINE) prefetch(next + b);
                next += row_size;
            }
            for (int c = 0; c < wide; c++) x[c] = value_vector(v, j + c * LANES, n_lanes, whole, type);
            for (int r = 0; r < n; r++) {
                V weight = v_set1(w[r * VTK_KEYS + t]);
                for (int c = 0; c < wide; c++) sum[r][c] = v_fma(weight, x[c], sum[r][c]);
            }
        }
    }
    for (int r = 0; r < n; r++) {
        for (int c = 0; c < wide; c++) {
            if (whole) v_store(acc + r * p->dim + j + c * LANES, sum[r][c]);
            else v_store_n(acc + r * p->dim + j, sum[r][c], n_lanes);
        }
    }
}

VTK_INLINE void values(const vtk_attention *p, int64_t group, int64_t first, int64_t last, const float *w, float *acc, int n, int type) {
    const int wide = n > 6 ? 2 : n > 3 ? (MANY > 6 ? 4 : 2) : 4;
    int64_t j = 0;

    if (first >= last) return;
    for (; j + LANES * wide <= p->dim; j += LANES * wide) value_tile(p, group, first, last, w, acc, j, LANES, 1, n, wide, type);
    for (; j + LANES <= p->dim; j += LANES) value_tile(p, group, first, last, w, acc, j, LANES, 1, n, 1, type);
    if (j < p->dim) value_tile(p, group, first, last, w, acc, j, p->dim - j, 0, n, 1, type);
}

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
