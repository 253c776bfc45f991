/* The rows that k-means works on: checked, centred on their mean, and packed in the panels that kernels read. Centred, because the kernel's score
 * |c|^2 / 2 - x . c loses as many digits as the rows are far from the origin. */
#ifndef VENTURI_KMEANS_POINTS_H
#define VENTURI_KMEANS_POINTS_H

#include "cluster/nearest.h"
#include "vtk.h"

typedef struct vt__points {
    vt_context *ctx;
    vt__rows_view rows;    /* the caller's, as they are */
    const double *weights; /* [n], NULL: all 1 */
    double *shift;         /* [dim] mean of each column */
    double variance;       /* mean over the columns */
    int64_t n_panels;
    void *panels;          /* [n_panels, dim, VTK_PANEL] centred; zeros behind the last row */
} vt__points;

/* NUMERIC names a row with NaN or an infinity, and refuses rows so far apart that a sum of squared distances overflows. After a failure
 * vt__points_free is still fine. */
vt_status vt__points_init(vt__points *points, vt_context *ctx, const vt__rows_view *rows, const double *weights);
void vt__points_free(vt__points *points);

/* Packs the rows list[0..n); the last panel is filled up with zeros. */
void vt__points_pack(const vt__points *points, const int32_t *list, int64_t n, void *panels);
static inline size_t vt__points_size(const vt__points *points) { return points->rows.dtype == VT_DTYPE_F32 ? 4 : 8; }
static inline int64_t vt__panels_of(int64_t n) { return (n + VTK_PANEL - 1) / VTK_PANEL; }
/* Element d of the centred row i. */
static inline double vt__points_at(const vt__points *points, int64_t i, int64_t d) {
    const vt__rows_view *r = &points->rows;
    double x = r->dtype == VT_DTYPE_F32 ? (double)((const float *)r->data)[i * r->stride + d] : ((const double *)r->data)[i * r->stride + d];
    return x - points->shift[d];
}
static inline double vt__points_weight(const vt__points *points, int64_t i) { return points->weights ? points->weights[i] : 1; }

#endif
