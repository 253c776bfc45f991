#include "kmeans/points.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"

/* Sums over rows are taken in so many parts, whatever the threads. */
enum { MAX_PARTS = 64, ROWS_A_PART = 1024 };

/* One pass over the rows, part by part. */
typedef struct survey {
    vt__points *points;
    int64_t n_parts;
    double *sums;    /* [n_parts, dim] of the columns, then of the squares of centred ones */
    double *largest; /* [n_parts] squared length of a centred row */
} survey;

#define ADD_ROW(T)                                                                                                                                     \
    do {                                                                                                                                               \
        const T *x = (const T *)r->data + i * r->stride;                                                                                               \
        for (int64_t d = 0; d < r->dim; d++) sums[d] += (double)x[d];                                                                                  \
    } while (0)

static void add_columns(void *user, int64_t part) {
    const survey *s = user;
    const vt__rows_view *r = &s->points->rows;
    double *sums = s->sums + part * r->dim;
    int64_t first, last;
    vt__chunk_range(r->n, VTK_PANEL, s->n_parts, part, &first, &last);
    for (int64_t i = first; i < last; i++) {
        if (r->dtype == VT_DTYPE_F32) ADD_ROW(float);
        else ADD_ROW(double);
    }
}

/* Row first + lane becomes lane `lane` of the panel; rows from last on become zeros. list: rows by their numbers, NULL: the numbers themselves. */
#define PACK_PANEL(T)                                                                                                                                  \
    do {                                                                                                                                               \
        for (int64_t lane = 0; lane < VTK_PANEL; lane++) {                                                                                             \
            int64_t i = p * VTK_PANEL + lane;                                                                                                          \
            const T *x = (const T *)r->data + (i < n ? list ? list[i] : i : 0) * r->stride;                                                            \
            for (int64_t d = 0; d < r->dim; d++) ((T *)panels)[(p * r->dim + d) * VTK_PANEL + lane] = i < n ? (T)((double)x[d] - points->shift[d]) : 0; \
        }                                                                                                                                              \
    } while (0)

static void pack(const vt__points *points, const int32_t *list, int64_t n, int64_t p, void *panels) {
    const vt__rows_view *r = &points->rows;
    if (r->dtype == VT_DTYPE_F32) PACK_PANEL(float);
    else PACK_PANEL(double);
}

void vt__points_pack(const vt__points *points, const int32_t *list, int64_t n, void *panels) {
    for (int64_t p = 0; p < vt__panels_of(n); p++) pack(points, list, n, p, panels);
}

#define ADD_SQUARES(T)                                                                                                                                 \
    do {                                                                                                                                               \
        const T *panel = (const T *)points->panels + p * points->rows.dim * VTK_PANEL;                                                                 \
        for (int64_t d = 0; d < points->rows.dim; d++) {                                                                                               \
            for (int64_t lane = 0; lane < VTK_PANEL; lane++) {                                                                                         \
                double square = (double)panel[d * VTK_PANEL + lane] * (double)panel[d * VTK_PANEL + lane];                                             \
                lengths[lane] += square;                                                                                                               \
                sums[d] += square;                                                                                                                     \
            }                                                                                                                                          \
        }                                                                                                                                              \
    } while (0)

static void add_squares(const vt__points *points, int64_t p, double *sums, double *lengths) {
    if (points->rows.dtype == VT_DTYPE_F32) ADD_SQUARES(float);
    else ADD_SQUARES(double);
}

static void centre_rows(void *user, int64_t part) {
    const survey *s = user;
    const int64_t dim = s->points->rows.dim;
    double *sums = s->sums + part * dim, largest = 0;
    int64_t first, last;
    vt__chunk_range(s->points->n_panels, 1, s->n_parts, part, &first, &last);
    memset(sums, 0, (size_t)dim * sizeof *sums);
    for (int64_t p = first; p < last; p++) {
        double lengths[VTK_PANEL] = {0};
        pack(s->points, NULL, s->points->rows.n, p, s->points->panels);
        add_squares(s->points, p, sums, lengths);
        for (int lane = 0; lane < VTK_PANEL; lane++) largest = lengths[lane] > largest ? lengths[lane] : largest;
    }
    s->largest[part] = largest;
}

/* A column's sum is not finite. */
static vt_status refuse(vt__points *p) {
    const vt__rows_view *r = &p->rows;
    memset(p->shift, 0, (size_t)r->dim * sizeof *p->shift);
    for (int64_t i = 0; i < r->n; i++) {
        for (int64_t d = 0; d < r->dim; d++) {
            double x = vt__points_at(p, i, d);
            if (!isfinite(x)) return vt__fail(VT_ERR_NUMERIC, "kmeans: row %lld has %g in column %lld", (long long)i, x, (long long)d);
        }
    }
    return vt__fail(VT_ERR_NUMERIC, "kmeans: the sum of a column of %lld rows overflows", (long long)r->n);
}

static vt_status measure(survey *s) {
    vt__points *p = s->points;
    const vt__rows_view *r = &p->rows;
    double total = 0, largest = 0, limit = r->dtype == VT_DTYPE_F32 ? (double)FLT_MAX : DBL_MAX / (double)r->n;
    vt__parallel(p->ctx, s->n_parts, add_columns, s);
    for (int64_t d = 0; d < r->dim; d++) {
        for (int64_t i = 0; i < s->n_parts; i++) p->shift[d] += s->sums[i * r->dim + d];
        if (!isfinite(p->shift[d])) return refuse(p);
        p->shift[d] /= (double)r->n;
    }
    vt__parallel(p->ctx, s->n_parts, centre_rows, s);
    for (int64_t i = 0; i < s->n_parts; i++) {
        for (int64_t d = 0; d < r->dim; d++) total += s->sums[i * r->dim + d];
        if (s->largest[i] > largest) largest = s->largest[i];
    }
    p->variance = total / (double)r->n / (double)r->dim;
    /* Two rows of squared length L have at most 4 L between them; scores stay below that too. */
    if (!(4 * largest < limit)) return vt__fail(VT_ERR_NUMERIC, "kmeans: rows are so far apart that squared distances overflow (a length of %g from the mean)", sqrt(largest));
    return VT_OK;
}

vt_status vt__points_init(vt__points *points, vt_context *ctx, const vt__rows_view *rows, const double *weights) {
    const int64_t n_parts = rows->n / ROWS_A_PART < 1 ? 1 : rows->n / ROWS_A_PART > MAX_PARTS ? MAX_PARTS : rows->n / ROWS_A_PART;
    size_t row;
    *points = (vt__points){.ctx = ctx, .rows = *rows, .weights = weights, .n_panels = vt__panels_of(rows->n)};
    if (rows->dtype != VT_DTYPE_F32 && rows->dtype != VT_DTYPE_F64) return vt__fail(VT_ERR_DTYPE, "kmeans: rows of dtype %d, need float32 or float64", rows->dtype);
    survey s = {.points = points, .n_parts = n_parts, .sums = vt__calloc2(ctx, n_parts, rows->dim, sizeof *s.sums), .largest = vt__calloc2(ctx, n_parts, 1, sizeof *s.largest)};
    points->shift = vt__calloc2(ctx, rows->dim, 1, sizeof *points->shift);
    if (!vt__mul_size(rows->dim, VTK_PANEL, &row)) points->panels = vt__alloc64_2(ctx, points->n_panels, (int64_t)row, vt__points_size(points));
    vt_status st = VT_OK;
    if (!s.sums || !s.largest || !points->shift || !points->panels)
        st = vt__fail(VT_ERR_NOMEM, "kmeans: out of memory for %lld rows of %lld elements", (long long)rows->n, (long long)rows->dim);
    if (st == VT_OK) st = measure(&s);
    vt__free(ctx, s.sums);
    vt__free(ctx, s.largest);
    return st;
}

void vt__points_free(vt__points *points) {
    vt__free(points->ctx, points->panels);
    vt__free(points->ctx, points->shift);
}
