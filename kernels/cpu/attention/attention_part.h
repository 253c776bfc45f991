/* A part of flash attention: the scores of a few rows with one group of keys, the weights made of them, and the sum of the values. attention_body.h
 * includes this; the vectors V, the functions v_ and MANY are described there, and it knows which rows see which keys.
 *
 * Keys lie 16 tokens side by side, so scores need no sums across lanes; rows are broadcast. A score is one chain of multiply-adds along the
 * head, a value one along the keys of a group, sums of weights have 16 lanes whatever LANES is. */
#ifndef VENTURI_KERNELS_ATTENTION_PART_H
#define VENTURI_KERNELS_ATTENTION_PART_H

#include "cpu/attention/attention.h"

#include <float.h>
#include <math.h>

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

#endif
