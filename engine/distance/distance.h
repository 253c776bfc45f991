/* The distance handle: where the dissimilarities of n objects come from. Searches ask for whole columns (window.h) or small blocks (gather). */
#ifndef VENTURI_DISTANCE_DISTANCE_H
#define VENTURI_DISTANCE_DISTANCE_H

#include "core/watch.h"
#include "venturi/types.h"

/* Types of distances, dense, as the kernels number them (VTK_DISTANCE_*). */
enum { VT__DISTANCE_F32, VT__DISTANCE_F64, VT__DISTANCE_I32, VT__DISTANCE_I64, VT__N_DISTANCE_TYPES };

/* Element i of distances of a type, as a number. */
static inline double vt__distance_value(int type, const void *values, int64_t i) {
    switch (type) {
    case VT__DISTANCE_F32: return (double)((const float *)values)[i];
    case VT__DISTANCE_F64: return ((const double *)values)[i];
    case VT__DISTANCE_I32: return (double)((const int32_t *)values)[i];
    default: return (double)((const int64_t *)values)[i];
    }
}

enum { VT__METRIC_L2, VT__METRIC_L2_SQUARED, VT__METRIC_L1, VT__METRIC_COSINE, VT__METRIC_HAMMING, VT__METRIC_JACCARD, VT__N_METRICS };

typedef vt_status (*vt__distance_fn)(void *user, int64_t i, int64_t j, double *out);

/* dtype: VT_DTYPE_*; is_symmetric: the caller vouches for it. Everything else is checked here. */
vt_status vt__distance_from_matrix(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t stride, int is_symmetric, vt_distance **out);
/* The same of a block of vt__alloc/_alloc64 that the handle takes, also on failure. */
vt_status vt__distance_take_matrix(vt_context *ctx, void *data, int32_t dtype, int64_t n, int is_symmetric, vt_distance **out);
vt_status vt__distance_from_triangle(vt_context *ctx, const void *data, int32_t dtype, int64_t n, vt_distance **out);
vt_status vt__distance_from_rows(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t dim, int64_t stride, int32_t metric, int store, vt_distance **out);
vt_status vt__distance_from_csr(vt_context *ctx, const int64_t *offsets, const int32_t *columns, const float *values, int64_t n, int64_t dim, int32_t metric,
                                int store, vt_distance **out);
vt_status vt__distance_from_callback(vt_context *ctx, int64_t n, vt__distance_fn fn, void *user, int is_symmetric, int is_thread_safe, int store, vt_distance **out);

/* Rows of dim elements, stride apart (at least dim; 0: dim): SHAPE unless n of them can lie in memory at 8 bytes an element. */
vt_status vt__check_extent(const char *what, int64_t n, int64_t dim, int64_t stride);

vt_distance *vt__distance_retain(vt_distance *distance);
void vt__distance_release(vt_distance *distance);

vt_context *vt__distance_context(const vt_distance *distance);
int64_t vt__distance_count(const vt_distance *distance);
int vt__distance_type(const vt_distance *distance);      /* VT__DISTANCE_* */
int32_t vt__distance_dtype(const vt_distance *distance); /* VT_DTYPE_* */
size_t vt__distance_size(const vt_distance *distance);   /* bytes of one distance */
int vt__distance_is_whole(const vt_distance *distance);  /* integers: sums are int64, else float64 */

/* An upper bound of every finite |D(i, j)|; 0 where it is not known (callback that is not stored). Infinity is not counted. */
double vt__distance_bound(const vt_distance *distance);
/* What windows and vt__distance_gather give for plus infinity: a finite number of the distance's type that no sum of finite distances reaches, so that
 * sums of differences stay numbers. A distance >= it is "cannot be reached". 0: there are no infinite distances. */
double vt__distance_far(const vt_distance *distance);

/* out[r * n_columns + c] = D(rows[r], columns[c]), of the distance's type, with 0 for an object and itself; NULL lists: all objects. Parallel inside. */
vt_status vt__distance_gather(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, void *out);
/* The same of every size, infinities and the diagonal as they are, polling. */
vt_status vt__distance_compute(const vt_distance *distance, const int64_t *rows, int64_t n_rows, const int64_t *columns, int64_t n_columns, vt__watch *watch, void *out);

/* Dense rows of a caller. */
typedef struct vt__rows_view {
    const void *data; /* [n, dim], rows stride elements apart */
    int32_t dtype;    /* VT_DTYPE_* */
    int64_t n, dim, stride;
} vt__rows_view;

/* Distances of new rows (same dim, dtype and metric as the distance's own) to some of its objects: out[r * n_columns + c], inside type.
 * UNSUPPORTED unless made of dense rows or bits. */
vt_status vt__distance_foreign(const vt_distance *distance, const vt__rows_view *rows, const int64_t *columns, int64_t n_columns, void *out);

/* Principal coordinates, see venturi/distance.h. */
vt_status vt__distance_project(const vt_distance *distance, int32_t n_axes, vt__watch *watch, double *out, double *out_share);

#endif
