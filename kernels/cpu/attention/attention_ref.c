/* Group by group as the interface says, every sum in double, keys in increasing order; parts are rounded to float when they are stored. */
#include "cpu/attention/attention.h"

#include <math.h>

#include "cpu/quant/half.h"
#include "cpu/quant/quant.h"

enum { Q8_PART = 32, Q8_KEYS = (2 + Q8_PART) * VTK_KV_BLOCK };

/* ---- the cache ---- */

void vtk_kv_put_f32_ref(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim) {
    float *k = keys;
    for (int64_t j = 0; j < dim; j++) k[j * VTK_KV_BLOCK + slot] = key[j];
    memcpy((float *)values + slot * dim, value, (size_t)dim * sizeof *value);
}

void vtk_kv_put_f16_ref(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim) {
    uint16_t *k = keys, *v = (uint16_t *)values + slot * dim;
    for (int64_t j = 0; j < dim; j++) k[j * VTK_KV_BLOCK + slot] = vtk_float_to_half(key[j]);
    for (int64_t j = 0; j < dim; j++) v[j] = vtk_float_to_half(value[j]);
}

void vtk_kv_put_q8_0_ref(void *keys, void *values, int64_t slot, const float *key, const float *value, int64_t dim) {
    unsigned char block[VTK_Q8_0_SIZE];
    for (int64_t part = 0; part < dim / Q8_PART; part++) {
        unsigned char *k = (unsigned char *)keys + part * Q8_KEYS;
        vtk_encode_q8_0_ref(block, key + part * Q8_PART, Q8_PART);
        memcpy(k + 2 * slot, block, 2);
        for (int64_t j = 0; j < Q8_PART; j++) k[2 * VTK_KV_BLOCK + j * VTK_KV_BLOCK + slot] = block[2 + j];
    }
    vtk_encode_q8_0_ref((unsigned char *)values + slot * (dim / Q8_PART * VTK_Q8_0_SIZE), value, dim);
}

static double cached_key(const vtk_attention *p, int64_t t, int64_t j) {
    const unsigned char *k = p->blocks[t / VTK_KV_BLOCK] + p->k_offset;
    size_t slot = (size_t)(t % VTK_KV_BLOCK), at = (size_t)j * VTK_KV_BLOCK + slot;
    if (p->type == VTK_KV_F32) return (double)vtk_load_f32(k + 4 * at);
    if (p->type == VTK_KV_F16) return (double)vtk_half_to_float(vtk_load_u16(k + 2 * at));
    k += (size_t)(j / Q8_PART) * Q8_KEYS;
    double q = (double)(int8_t)k[2 * VTK_KV_BLOCK + (size_t)(j % Q8_PART) * VTK_KV_BLOCK + slot];
    return q * (double)vtk_half_to_float(vtk_load_u16(k + 2 * slot));
}

static double cached_value(const vtk_attention *p, int64_t t, int64_t j) {
    const unsigned char *v = p->blocks[t / VTK_KV_BLOCK] + p->v_offset;
    size_t at = (size_t)(t % VTK_KV_BLOCK * p->dim + j);
    if (p->type == VTK_KV_F32) return (double)vtk_load_f32(v + 4 * at);
    if (p->type == VTK_KV_F16) return (double)vtk_half_to_float(vtk_load_u16(v + 2 * at));
    v += at / Q8_PART * VTK_Q8_0_SIZE;
    return (double)(int8_t)v[2 + at % Q8_PART] * (double)vtk_half_to_float(vtk_load_u16(v));
}

/* ---- parts ---- */

static double score(const vtk_attention *p, const float *q, int64_t t) {
    double dot = 0.0;
    for (int64_t j = 0; j < p->dim; j++) dot += (double)q[j] * cached_key(p, t, j);
    dot *= (double)p->scale;
    if (p->softcap > 0) dot = (double)p->softcap * tanh(dot / (double)p->softcap);
    return dot * 1.4426950408889634; /* weights are powers of 2 */
}

/* The part of keys t0..t1-1, of one group, for one row. */
static void make_part(const vtk_attention *p, int64_t row, int64_t t0, int64_t t1, float *part) {
    const float *q = p->q + row / p->n_shared * p->ld + row % p->n_shared * p->dim;
    double w[VTK_KEYS], max = -(double)INFINITY, sum = 0.0;

    for (int64_t t = t0; t < t1; t++) {
        w[t - t0] = score(p, q, t);
        if (w[t - t0] > max) max = w[t - t0];
    }
    max = (double)(float)max; /* what is stored */
    double base = isinf(max) && max < 0 ? 0.0 : max;
    for (int64_t t = t0; t < t1; t++) {
        w[t - t0] = exp2(w[t - t0] - base);
        sum += w[t - t0];
    }
    for (int64_t j = 0; j < p->dim; j++) {
        double value = 0.0;
        for (int64_t t = t0; t < t1; t++) value += w[t - t0] * cached_value(p, t, j);
        part[j] = (float)value;
    }
    part[p->dim] = (float)max;
    part[p->dim + 1] = (float)sum;
}

static int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

/* 0 when the row sees nothing of the group. */
static int seen(const vtk_attention *p, int64_t row, int64_t group, int64_t *t0, int64_t *t1) {
    int64_t first, last;
    vtk_attention_span(p, row, &first, &last);
    *t0 = max_of(first, group * VTK_KEYS);
    *t1 = min_of(last, (group + 1) * VTK_KEYS);
    return *t0 < *t1;
}

void vtk_attention_parts_ref(const vtk_attention *p, int64_t first, int64_t last, float *parts) {
    int64_t n_rows = p->n_pos * p->n_shared, t0, t1;
    for (int64_t g = first; g < last; g++) {
        for (int64_t r = 0; r < n_rows; r++) {
            if (seen(p, r, g, &t0, &t1)) make_part(p, r, t0, t1, parts + (size_t)((g - first) * n_rows + r) * VTK_PART_SIZE(p->dim));
        }
    }
}

/* out: [dim] the sum so far, with its largest score and its sum of weights in max and sum. */
static void merge_part(const vtk_attention *p, const float *part, float *out, double *max, double *sum) {
    double part_max = (double)part[p->dim], high = part_max > *max ? part_max : *max, base = isinf(high) && high < 0 ? 0.0 : high;
    double a = exp2(*max - base), b = exp2(part_max - base);
    for (int64_t j = 0; j < p->dim; j++) out[j] = (float)((double)out[j] * a + (double)part[j] * b);
    *sum = *sum * a + (double)part[p->dim + 1] * b;
    *max = high;
}

static float *out_of(const vtk_attention *p, int64_t row) { return p->out + row / p->n_shared * p->ld + row % p->n_shared * p->dim; }

static void finish(const vtk_attention *p, float *out, double sum) {
    for (int64_t j = 0; j < p->dim; j++) out[j] = sum == 0.0 ? 0.0f : (float)((double)out[j] / sum);
}

void vtk_attention_merge_ref(const vtk_attention *p, const float *parts, int64_t first, int64_t last) {
    int64_t n_rows = p->n_pos * p->n_shared, t0, t1;
    for (int64_t r = 0; r < n_rows; r++) {
        float *out = out_of(p, r);
        double max = -(double)INFINITY, sum = 0.0;
        memset(out, 0, (size_t)p->dim * sizeof *out);
        for (int64_t g = first; g < last; g++) {
            if (seen(p, r, g, &t0, &t1)) merge_part(p, parts + (size_t)((g - first) * n_rows + r) * VTK_PART_SIZE(p->dim), out, &max, &sum);
        }
        finish(p, out, sum);
    }
}

void vtk_attention_ref(const vtk_attention *p) {
    float *part = p->scratch;
    int64_t t0, t1, first, last;
    for (int64_t r = 0; r < p->n_pos * p->n_shared; r++) {
        float *out = out_of(p, r);
        double max = -(double)INFINITY, sum = 0.0;
        memset(out, 0, (size_t)p->dim * sizeof *out);
        vtk_attention_span(p, r, &first, &last);
        for (int64_t g = first / VTK_KEYS; g * VTK_KEYS < last; g++) {
            if (!seen(p, r, g, &t0, &t1)) continue;
            make_part(p, r, t0, t1, part);
            merge_part(p, part, out, &max, &sum);
        }
        finish(p, out, sum);
    }
}
