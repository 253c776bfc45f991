/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Distances between n objects: a matrix or packed triangle that the caller has, rows of numbers or bits with a metric, or a function.
 * D(i, j) is the dissimilarity of object i to centre j; it need be neither symmetric nor a metric, and for clustering D(i, i) is 0 whatever a
 * matrix says. Integer distances are summed as integers, float ones in float64. Nothing n x n is kept unless VT_DISTANCE_STORE asks for it. What
 * groups objects is in venturi/cluster.h. */
#ifndef VENTURI_DISTANCE_H
#define VENTURI_DISTANCE_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Of rows. Travels as int32_t. */
enum {
    VT_METRIC_L2 = 0,         /* Euclidean; VT_DTYPE_F32 or _F64 rows, distances of the same type, like the next three */
    VT_METRIC_L2_SQUARED = 1, /* its square */
    VT_METRIC_L1 = 2,         /* sum of absolute differences: city block */
    VT_METRIC_COSINE = 3,     /* 1 - cosine of the angle; a row of zeros is at 1 from every row but another such row, which is at 0 */
    VT_METRIC_HAMMING = 4,    /* rows of bits (VT_DTYPE_U8, eight a byte): number of bits that differ, VT_DTYPE_I32 */
    VT_METRIC_JACCARD = 5     /* rows of bits: 1 - |a and b| / |a or b|, VT_DTYPE_F32; two rows without a bit are at 0 */
};

enum {
    VT_DISTANCE_SYMMETRIC = 1,  /* a matrix: the caller vouches for D(i, j) == D(j, i), which saves the comparison; callback: only one of the two is asked for */
    VT_DISTANCE_STORE = 2,      /* rows, callback: all n x n distances are computed once and kept, against memory_limit */
    VT_DISTANCE_THREAD_SAFE = 4 /* callback: may be called from several threads of the context at once */
};

/* Objects are at most this many. */
#define VT_DISTANCE_MAX_OBJECTS 2147483646

/**
 * View of a full matrix: element (i, j) is data[i * stride + j].
 *
 * data    [n, n] VT_DTYPE_F32, F64, I32 or I64, aligned to its elements; borrowed: it must stay alive and unchanged until the last release of
 *         the handle and of every clustering made with it.
 * stride  elements from row to row, at least n; 0: n.
 * flags   VT_DISTANCE_SYMMETRIC. Without it the matrix is compared with its transpose once: on a symmetric one columns are read as rows.
 * Plus infinity means "cannot be reached": searches make the number of objects without a reachable centre as small as they can, then the sum of the rest.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE (n < 1), VT_ERR_DTYPE, VT_ERR_NUMERIC (NaN or minus infinity: names row and column; or values so large that
 *          a sum over n objects overflows), VT_ERR_NOMEM.
 * Threads: the handle is immutable and shareable.
 */
VT_API VT_MUST_USE vt_status vt_distance_from_matrix(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t stride, uint32_t flags, vt_distance **out);

/** View of a symmetric matrix as its strict lower triangle, row after row: element (i, j), i > j, is data[i (i - 1) / 2 + j]; the diagonal is 0.
 *  data: [n (n - 1) / 2], else as above; flags must be 0. Errors: as above. */
VT_API VT_MUST_USE vt_status vt_distance_from_triangle(vt_context *ctx, const void *data, int32_t dtype, int64_t n, uint32_t flags, vt_distance **out);

/**
 * Rows with a metric. The rows are copied, in the order that the kernels read.
 *
 * data    [n, dim]: VT_DTYPE_F32 or F64; for VT_METRIC_HAMMING and _JACCARD VT_DTYPE_U8, dim bytes a row, bits that are not used zero.
 * stride  elements from row to row, at least dim; 0: dim.
 * flags   VT_DISTANCE_STORE.
 * Each distance is a function of its two rows alone and is the same both ways; instruction sets may differ in the last bits.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE (n < 1, dim < 1), VT_ERR_DTYPE, VT_ERR_NUMERIC (NaN or an infinity: names the row; or rows so far apart
 *          that a distance overflows), VT_ERR_NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_distance_from_rows(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric,
                                                   uint32_t flags, vt_distance **out);

/**
 * Sparse rows (CSR) with a metric, VT_METRIC_L2, _L2_SQUARED, _L1 or _COSINE; distances are VT_DTYPE_F32.
 *
 * offsets  [n + 1] ascending, offsets[0] = 0: row i has the elements offsets[i]..offsets[i + 1] - 1.
 * columns  [offsets[n]] in [0, dim), strictly ascending within a row.
 * values   [offsets[n]] float32, finite. All three are copied.
 * flags    VT_DISTANCE_STORE.
 * Errors:  as vt_distance_from_rows; VT_ERR_INVALID for offsets or columns out of order.
 */
VT_API VT_MUST_USE vt_status vt_distance_from_csr(vt_context *ctx, const int64_t *offsets, const int32_t *columns, const float *values, int64_t n,
                                                  int64_t dim, int32_t metric, uint32_t flags, vt_distance **out);

/* Writes D(i, j), i != j, to *out and answers VT_OK; any other status stops the work, which then returns it. Must not use the distance or clusterings made with it. */
typedef vt_status (*vt_distance_fn)(void *user, int64_t i, int64_t j, double *out);

/**
 * A function as distance; distances are VT_DTYPE_F64, D(i, i) is 0 and not asked for.
 *
 * flags   VT_DISTANCE_SYMMETRIC, _STORE, _THREAD_SAFE. Without the last it is called on the thread that makes the long call, one call at a time.
 * fn and user must stay good until the last release of the handle and of every clustering made with it; with VT_DISTANCE_STORE during this call only.
 * A value that is NaN, infinite or so large that a sum over n objects overflows fails the call that met it with VT_ERR_NUMERIC and the pair; with
 * VT_DISTANCE_STORE plus infinity is as in a matrix.
 * Errors:  VT_ERR_INVALID, VT_ERR_SHAPE, VT_ERR_NOMEM; with VT_DISTANCE_STORE also what fn answered.
 */
VT_API VT_MUST_USE vt_status vt_distance_from_callback(vt_context *ctx, int64_t n, vt_distance_fn fn, void *user, uint32_t flags, vt_distance **out);

VT_API vt_distance *vt_distance_retain(vt_distance *distance);
VT_API void vt_distance_release(vt_distance *distance);

/** Objects. */
VT_API int64_t vt_distance_count(const vt_distance *distance);
/** Type of the distances: VT_DTYPE_F32, F64, I32 or I64. */
VT_API int32_t vt_distance_dtype(const vt_distance *distance);

/**
 * Distances of some objects to some centres.
 *
 * rows, columns  [n_rows], [n_columns] object numbers in [0, n); NULL with a count of n: all, in order.
 * out            [n_rows, n_columns] of vt_distance_dtype, caller's memory; written in full on VT_OK, contents undefined otherwise.
 * cancel         may be NULL.
 * Errors:  VT_ERR_INVALID, VT_ERR_NUMERIC and others from a callback, VT_ERR_NOMEM, VT_ERR_CANCELLED.
 */
VT_API VT_MUST_USE vt_status vt_distance_compute(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns,
                                                 vt_cancel *cancel, void *out);

/**
 * Coordinates of rows (with VT_METRIC_COSINE of rows scaled to length 1) on their first principal axes, for maps: block power iteration, seeded by
 * its own constant; signs are chosen so that the largest coefficient of an axis is positive. Axes of nearly the same variance may come out mixed.
 *
 * n_axes     1 to 16, at most the rows' dim.
 * out        [n, n_axes] float64: coordinates, mean at the origin.
 * out_share  [n_axes] float64: each axis' share of the variance in [0, 1], descending; NULL: not wanted.
 * Needs a distance made of dense float rows or sparse rows: VT_ERR_UNSUPPORTED otherwise.
 * Errors:  VT_ERR_INVALID, VT_ERR_UNSUPPORTED, VT_ERR_NOMEM, VT_ERR_CANCELLED.
 */
VT_API VT_MUST_USE vt_status vt_distance_project(const vt_distance *distance, int32_t n_axes, vt_cancel *cancel, double *out, double *out_share);

#ifdef __cplusplus
}
#endif
#endif
