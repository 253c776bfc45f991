/* The same objects in every form that a distance can be made of, for tests that walk over all kinds. Coordinates are small whole numbers, so that
 * city-block distances are exact in every type; D is that distance, plus noise of one direction where it is to be asymmetric. */
#ifndef VENTURI_CLUSTER_CASES_H
#define VENTURI_CLUSTER_CASES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "venturi.h"

enum { CASE_DIM = 12, CASE_BYTES = 5 };

typedef struct objects {
    int64_t n, stride;
    int symmetric;
    double *d; /* [n, n]: D */
    double *f64, *triangle_f64, *rows64;
    float *f32, *strided, *triangle_f32, *rows32, *values;
    int32_t *i32, *triangle_i32, *columns;
    int64_t *i64, *triangle_i64, *offsets;
    uint8_t *bits;
} objects;

enum kind {
    MATRIX_F32, MATRIX_F64, MATRIX_I32, MATRIX_I64, MATRIX_STRIDED, CALLBACK, CALLBACK_SAFE, CALLBACK_STORED, /* these know asymmetric distances */
    MATRIX_VOUCHED, TRIANGLE_F32, TRIANGLE_F64, TRIANGLE_I32, TRIANGLE_I64, CALLBACK_SYMMETRIC, ROWS_L1, ROWS64_L1, ROWS_STORED, CSR_L1, CSR_STORED,
    /* and these are another distance */
    ROWS_L2, ROWS64_L2, ROWS_SQUARED, ROWS_COSINE, BITS_HAMMING, BITS_JACCARD, CSR_L2, CSR_SQUARED, CSR_COSINE,
    N_KINDS, N_ASYMMETRIC = MATRIX_VOUCHED, N_EXACT = ROWS_L2
};

static inline uint64_t case_word(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
static inline int64_t case_below(uint64_t *state, int64_t n) { return (int64_t)(case_word(state) % (uint64_t)n); }

/* k different objects of n. */
static inline void case_choose(uint64_t *state, int64_t n, int64_t k, int64_t *out) {
    for (int64_t i = 0; i < k; i++) {
        int64_t j = 0;
        out[i] = case_below(state, n);
        while (j < i && out[j] != out[i]) j++;
        if (j < i) i--;
    }
}

static inline void *case_block(int64_t n, size_t size) {
    void *p = calloc((size_t)(n > 0 ? n : 1), size);
    if (!p) abort();
    return p;
}

static inline void objects_allocate(objects *o) {
    const int64_t n = o->n, half = n * (n - 1) / 2;
    o->d = case_block(n * n, sizeof *o->d);
    o->f64 = case_block(n * n, sizeof *o->f64);
    o->f32 = case_block(n * n, sizeof *o->f32);
    o->i32 = case_block(n * n, sizeof *o->i32);
    o->i64 = case_block(n * n, sizeof *o->i64);
    o->strided = case_block(n * o->stride, sizeof *o->strided);
    o->triangle_f32 = case_block(half, sizeof *o->triangle_f32);
    o->triangle_f64 = case_block(half, sizeof *o->triangle_f64);
    o->triangle_i32 = case_block(half, sizeof *o->triangle_i32);
    o->triangle_i64 = case_block(half, sizeof *o->triangle_i64);
    o->rows32 = case_block(n * CASE_DIM, sizeof *o->rows32);
    o->rows64 = case_block(n * CASE_DIM, sizeof *o->rows64);
    o->values = case_block(n * CASE_DIM, sizeof *o->values);
    o->columns = case_block(n * CASE_DIM, sizeof *o->columns);
    o->offsets = case_block(n + 1, sizeof *o->offsets);
    o->bits = case_block(n * CASE_BYTES, 1);
}

static inline void objects_free(objects *o) {
    void *blocks[] = {o->d, o->f64, o->f32, o->i32, o->i64, o->strided, o->triangle_f32, o->triangle_f64, o->triangle_i32, o->triangle_i64, o->rows32,
                      o->rows64, o->values, o->columns, o->offsets, o->bits};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) free(blocks[i]);
}

static inline void objects_rows(objects *o, uint64_t *state, int64_t range) {
    int64_t n_values = 0;
    for (int64_t i = 0; i < o->n; i++) {
        for (int64_t c = 0; c < CASE_DIM; c++) {
            const int64_t v = case_below(state, 3) ? 0 : case_below(state, range); /* many zeros, as sparse rows have */
            o->rows32[i * CASE_DIM + c] = (float)v;
            o->rows64[i * CASE_DIM + c] = (double)v;
            if (!v) continue;
            o->columns[n_values] = (int32_t)c;
            o->values[n_values++] = (float)v;
        }
        o->offsets[i + 1] = n_values;
        for (int64_t b = 0; b < CASE_BYTES; b++) o->bits[i * CASE_BYTES + b] = (uint8_t)case_word(state);
    }
}

static inline void objects_put(objects *o, int64_t i, int64_t j, double d) {
    const int64_t at = i * o->n + j;
    o->d[at] = o->f64[at] = d;
    o->f32[at] = o->strided[i * o->stride + j] = (float)d;
    o->i32[at] = (int32_t)d;
    o->i64[at] = (int64_t)d;
    if (i <= j) return;
    const int64_t below = i * (i - 1) / 2 + j;
    o->triangle_f32[below] = (float)d;
    o->triangle_f64[below] = d;
    o->triangle_i32[below] = (int32_t)d;
    o->triangle_i64[below] = (int64_t)d;
}

/* range: coordinates are below it; small ones make many ties and duplicates. */
static inline objects objects_make(uint64_t seed, int64_t n, int64_t range, int symmetric) {
    objects o = {.n = n, .stride = n + 3, .symmetric = symmetric};
    uint64_t state = seed;
    objects_allocate(&o);
    objects_rows(&o, &state, range);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n; j++) {
            double d = 0;
            for (int64_t c = 0; c < CASE_DIM; c++) {
                const double x = o.rows64[i * CASE_DIM + c] - o.rows64[j * CASE_DIM + c];
                d += x < 0 ? -x : x;
            }
            objects_put(&o, i, j, symmetric || i == j ? d : d + (double)case_below(&state, range));
        }
    return o;
}

static inline vt_status objects_ask(void *user, int64_t i, int64_t j, double *out) {
    const objects *o = user;
    *out = o->d[i * o->n + j];
    return VT_OK;
}

static inline const char *kind_label(int kind) {
    static const char *const names[N_KINDS] = {
        "matrix f32", "matrix f64", "matrix i32", "matrix i64", "matrix strided", "callback", "callback safe", "callback stored", "matrix vouched",
        "triangle f32", "triangle f64", "triangle i32", "triangle i64", "callback symmetric", "rows l1", "rows64 l1", "rows stored", "csr l1", "csr stored",
        "rows l2", "rows64 l2", "rows squared", "rows cosine", "bits hamming", "bits jaccard", "csr l2", "csr squared", "csr cosine"};
    return names[kind];
}

static inline vt_status open_rows(vt_context *ctx, const objects *o, int kind, vt_distance **out) {
    const int64_t n = o->n;
    switch (kind) {
    case ROWS_L1: return vt_distance_from_rows(ctx, o->rows32, VT_DTYPE_F32, n, CASE_DIM, 0, VT_METRIC_L1, 0, out);
    case ROWS64_L1: return vt_distance_from_rows(ctx, o->rows64, VT_DTYPE_F64, n, CASE_DIM, 0, VT_METRIC_L1, 0, out);
    case ROWS_STORED: return vt_distance_from_rows(ctx, o->rows32, VT_DTYPE_F32, n, CASE_DIM, 0, VT_METRIC_L1, VT_DISTANCE_STORE, out);
    case ROWS_L2: return vt_distance_from_rows(ctx, o->rows32, VT_DTYPE_F32, n, CASE_DIM, 0, VT_METRIC_L2, 0, out);
    case ROWS64_L2: return vt_distance_from_rows(ctx, o->rows64, VT_DTYPE_F64, n, CASE_DIM, 0, VT_METRIC_L2, 0, out);
    case ROWS_SQUARED: return vt_distance_from_rows(ctx, o->rows32, VT_DTYPE_F32, n, CASE_DIM, 0, VT_METRIC_L2_SQUARED, 0, out);
    case ROWS_COSINE: return vt_distance_from_rows(ctx, o->rows32, VT_DTYPE_F32, n, CASE_DIM, 0, VT_METRIC_COSINE, 0, out);
    case BITS_HAMMING: return vt_distance_from_rows(ctx, o->bits, VT_DTYPE_U8, n, CASE_BYTES, 0, VT_METRIC_HAMMING, 0, out);
    case BITS_JACCARD: return vt_distance_from_rows(ctx, o->bits, VT_DTYPE_U8, n, CASE_BYTES, 0, VT_METRIC_JACCARD, 0, out);
    case CSR_L1: return vt_distance_from_csr(ctx, o->offsets, o->columns, o->values, n, CASE_DIM, VT_METRIC_L1, 0, out);
    case CSR_STORED: return vt_distance_from_csr(ctx, o->offsets, o->columns, o->values, n, CASE_DIM, VT_METRIC_L1, VT_DISTANCE_STORE, out);
    case CSR_L2: return vt_distance_from_csr(ctx, o->offsets, o->columns, o->values, n, CASE_DIM, VT_METRIC_L2, 0, out);
    case CSR_SQUARED: return vt_distance_from_csr(ctx, o->offsets, o->columns, o->values, n, CASE_DIM, VT_METRIC_L2_SQUARED, 0, out);
    default: return vt_distance_from_csr(ctx, o->offsets, o->columns, o->values, n, CASE_DIM, VT_METRIC_COSINE, 0, out);
    }
}

/* The objects must live as long as the distance. Triangles, rows and symmetric callbacks need symmetric ones. */
static inline vt_status open_kind(vt_context *ctx, objects *o, int kind, vt_distance **out) {
    const int64_t n = o->n;
    switch (kind) {
    case MATRIX_F32: return vt_distance_from_matrix(ctx, o->f32, VT_DTYPE_F32, n, 0, 0, out);
    case MATRIX_F64: return vt_distance_from_matrix(ctx, o->f64, VT_DTYPE_F64, n, 0, 0, out);
    case MATRIX_I32: return vt_distance_from_matrix(ctx, o->i32, VT_DTYPE_I32, n, 0, 0, out);
    case MATRIX_I64: return vt_distance_from_matrix(ctx, o->i64, VT_DTYPE_I64, n, 0, 0, out);
    case MATRIX_STRIDED: return vt_distance_from_matrix(ctx, o->strided, VT_DTYPE_F32, n, o->stride, 0, out);
    case MATRIX_VOUCHED: return vt_distance_from_matrix(ctx, o->f32, VT_DTYPE_F32, n, 0, VT_DISTANCE_SYMMETRIC, out);
    case TRIANGLE_F32: return vt_distance_from_triangle(ctx, o->triangle_f32, VT_DTYPE_F32, n, 0, out);
    case TRIANGLE_F64: return vt_distance_from_triangle(ctx, o->triangle_f64, VT_DTYPE_F64, n, 0, out);
    case TRIANGLE_I32: return vt_distance_from_triangle(ctx, o->triangle_i32, VT_DTYPE_I32, n, 0, out);
    case TRIANGLE_I64: return vt_distance_from_triangle(ctx, o->triangle_i64, VT_DTYPE_I64, n, 0, out);
    case CALLBACK: return vt_distance_from_callback(ctx, n, objects_ask, o, 0, out);
    case CALLBACK_SAFE: return vt_distance_from_callback(ctx, n, objects_ask, o, VT_DISTANCE_THREAD_SAFE, out);
    case CALLBACK_STORED: return vt_distance_from_callback(ctx, n, objects_ask, o, VT_DISTANCE_STORE | VT_DISTANCE_THREAD_SAFE, out);
    case CALLBACK_SYMMETRIC: return vt_distance_from_callback(ctx, n, objects_ask, o, VT_DISTANCE_SYMMETRIC, out);
    default: return open_rows(ctx, o, kind, out);
    }
}

static inline int kind_is_integer(int kind) {
    return kind == MATRIX_I32 || kind == MATRIX_I64 || kind == TRIANGLE_I32 || kind == TRIANGLE_I64 || kind == BITS_HAMMING;
}

#endif
