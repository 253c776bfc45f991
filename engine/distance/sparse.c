/* Distances of sparse rows. Some rows are spread out side by side in a dense table, and every other row is walked once for all of them: what
 * two rows share is summed in float64, what they do not share is known from the norms:
 *     L2 squared = |a|^2 + |b|^2 - 2 a.b        L1 = |a| + |b| - 2 (sum of the smaller magnitudes where signs agree)
 * Products of floats are exact in float64 and both rows' sums run over their columns in ascending order: equal rows give exactly 0, and a
 * distance is the same number both ways. What cancellation costs stays below the rounding of float32 values. */
#include "distance/sparse.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "vtk.h"

static const vt__sparse *sparse_of(const vt_distance *distance) { return (const vt__sparse *)(const void *)distance; }

static void destroy(vt_distance *distance) {
    vt__sparse *d = (vt__sparse *)(void *)distance;
    vt__free(distance->ctx, d->offsets);
    vt__free(distance->ctx, d->columns);
    vt__free(distance->ctx, d->values);
    vt__free(distance->ctx, d->norms);
}

static float finish(const vt__sparse *d, double a, double b, double shared) {
    double v;
    if (d->metric == VT__METRIC_COSINE) {
        if (a == 0.0 || b == 0.0) return a == b ? 0.0f : 1.0f;
        return (float)fmax(0.0, 1.0 - shared / sqrt(a * b));
    }
    v = fmax(0.0, a + b - 2.0 * shared);
    return (float)(d->metric == VT__METRIC_L2 ? sqrt(v) : v);
}

/* Writes a row into lane `lane` of a table, or takes it out again. */
static void spread(const vt__sparse *d, float *dense, int64_t object, int64_t lane, int put) {
    for (int64_t i = d->offsets[object]; i < d->offsets[object + 1]; i++) dense[(int64_t)d->columns[i] * VTK_SPARSE + lane] = put ? d->values[i] : 0.0f;
}

static void sums_with(const vt__sparse *d, const float *dense, int64_t object, double *sums) {
    int64_t first = d->offsets[object];
    d->sum(sums, dense, d->columns + first, d->values + first, d->offsets[object + 1] - first);
}

static int64_t table_size(const vt__sparse *d) { return d->dim * VTK_SPARSE; }

/* Scratch of a window: how many objects are spread out and which, then a table for every VTK_SPARSE of them. */
static size_t list_size(int64_t n) { return (size_t)(n + 8) / 8 * 64; }

static size_t load_scratch(const vt_distance *distance, int64_t n) {
    int64_t n_tables = (n + VTK_SPARSE - 1) / VTK_SPARSE;
    return list_size(n) + (size_t)(n_tables * table_size(sparse_of(distance))) * sizeof(float);
}

static float *table_of(const vt__load *load, int64_t i) {
    return (float *)(void *)((char *)load->scratch + list_size(load->capacity)) + i / VTK_SPARSE * table_size(sparse_of(load->distance));
}

static void prepare(const vt__load *load) {
    const vt__sparse *d = sparse_of(load->distance);
    int64_t *list = load->scratch;
    for (int64_t i = 0; i < list[0]; i++) spread(d, table_of(load, i), list[1 + i], i % VTK_SPARSE, 0);
    for (int64_t i = 0; i < load->n; i++) spread(d, table_of(load, i), load->objects[i], i % VTK_SPARSE, 1);
    list[0] = load->n;
    memcpy(list + 1, load->objects, (size_t)load->n * sizeof *list);
}

static void load(const vt__load *load, int64_t first, int64_t last) {
    const vt__sparse *d = sparse_of(load->distance);
    double sums[VTK_SPARSE];
    for (int64_t i = 0; i < load->n; i += VTK_SPARSE)
        for (int64_t o = first; o < last; o++) {
            sums_with(d, table_of(load, i), o, sums);
            for (int64_t c = 0; c < VTK_SPARSE && i + c < load->n; c++)
                ((float *)load->out)[(i + c) * load->ld + o] = finish(d, d->norms[o], d->norms[load->objects[i + c]], sums[c]);
        }
}

static size_t block_scratch(const vt_distance *distance) { return (size_t)table_size(sparse_of(distance)) * sizeof(float); }

static void block(const vt_distance *distance, const vt__block *b) {
    const vt__sparse *d = sparse_of(distance);
    double sums[VTK_SPARSE];
    for (int64_t c0 = 0; c0 < b->n_columns; c0 += VTK_SPARSE) {
        int64_t n = b->n_columns - c0 < VTK_SPARSE ? b->n_columns - c0 : VTK_SPARSE;
        for (int64_t c = 0; c < n; c++) spread(d, b->scratch, vt__object(b->columns, b->first_column, c0 + c), c, 1);
        for (int64_t r = 0; r < b->n_rows; r++) {
            int64_t o = vt__object(b->rows, b->first_row, r);
            sums_with(d, b->scratch, o, sums);
            for (int64_t c = 0; c < n; c++)
                ((float *)b->out)[r * b->ld + c0 + c] = finish(d, d->norms[o], d->norms[vt__object(b->columns, b->first_column, c0 + c)], sums[c]);
        }
        for (int64_t c = 0; c < n; c++) spread(d, b->scratch, vt__object(b->columns, b->first_column, c0 + c), c, 0);
    }
}

static const vt__distance_kind kind = {.destroy = destroy, .load_scratch = load_scratch, .prepare = prepare, .load = load,
                                       .block_scratch = block_scratch, .is_scratch_zero = 1, .block = block};

const vt__sparse *vt__sparse_of(const vt_distance *distance) { return distance->kind == &kind ? sparse_of(distance) : NULL; }

/* Offsets first: nothing behind them is read before they are known to ascend. */
static vt_status check_offsets(const int64_t *offsets, const int32_t *columns, const float *values, int64_t n) {
    if (offsets[0] != 0) return vt__fail(VT_ERR_INVALID, "distance: offsets begin with %lld, need 0", (long long)offsets[0]);
    for (int64_t i = 0; i < n; i++)
        if (offsets[i + 1] < offsets[i])
            return vt__fail(VT_ERR_INVALID, "distance: row %lld ends at %lld, before its begin at %lld", (long long)i, (long long)offsets[i + 1], (long long)offsets[i]);
    if (offsets[n] > 0 && (!columns || !values)) return vt__fail(VT_ERR_INVALID, "distance: %lld elements at NULL", (long long)offsets[n]);
    return VT_OK;
}

static vt_status check_row(const int64_t *offsets, const int32_t *columns, const float *values, int64_t row, int64_t dim) {
    int64_t before = -1;
    for (int64_t i = offsets[row]; i < offsets[row + 1]; i++) {
        if (columns[i] <= before || columns[i] >= dim)
            return vt__fail(VT_ERR_INVALID, "distance: row %lld has column %d after %lld, need ascending ones below %lld", (long long)row, columns[i],
                            (long long)before, (long long)dim);
        if (!isfinite(values[i]))
            return vt__fail(VT_ERR_NUMERIC, "distance: row %lld has %g at column %d", (long long)row, (double)values[i], columns[i]);
        before = columns[i];
    }
    return VT_OK;
}

/* Copies what is not zero; the arrays have room for all. */
static vt_status copy_rows(vt__sparse *d, const int64_t *offsets, const int32_t *columns, const float *values) {
    int64_t at = 0;
    for (int64_t row = 0; row < d->base.n; row++) {
        double norm = 0.0;
        vt_status st = check_row(offsets, columns, values, row, d->dim);
        if (st != VT_OK) return st;
        for (int64_t i = offsets[row]; i < offsets[row + 1]; i++) {
            double v = (double)values[i];
            if (values[i] == 0.0f) continue;
            d->columns[at] = columns[i];
            d->values[at++] = values[i];
            norm += d->metric == VT__METRIC_L1 ? fabs(v) : v * v;
        }
        d->offsets[row + 1] = at;
        d->norms[row] = norm;
    }
    return VT_OK;
}

static int is_lower(const void *user, int64_t a, int64_t b) {
    (void)user;
    return a < b;
}

static int32_t place_of(int32_t column, const int64_t *used, int64_t n) {
    int64_t low = 0;
    while (n > 1) {
        int64_t half = n / 2;
        if (used[low + half] <= column) low += half;
        n -= half;
    }
    return (int32_t)low;
}

/* Tables have room for every column, and hashed features may have 2^31 of them: where few are used, those are numbered anew. */
static vt_status narrow(vt__sparse *d) {
    enum { WIDE = 1 << 20, LEAST = 32 };
    int64_t n = d->offsets[d->base.n], width = 0;
    if (d->dim <= WIDE || d->dim <= n) return VT_OK;
    int64_t *used = vt__calloc2(d->base.ctx, n, 1, sizeof *used);
    vt_status st = used ? VT_OK : vt__fail_nomem("distance: sparse rows", (size_t)n * sizeof *used);
    for (int64_t i = 0; st == VT_OK && i < n; i++) used[i] = d->columns[i];
    if (st == VT_OK && vt__sort(d->base.ctx, used, n, is_lower, NULL)) st = vt__fail_nomem("distance: sparse rows", (size_t)n * sizeof *used);
    for (int64_t i = 0; st == VT_OK && i < n; i++)
        if (i == 0 || used[i] != used[width - 1]) used[width++] = used[i];
    for (int64_t i = 0; st == VT_OK && i < n; i++) d->columns[i] = place_of(d->columns[i], used, width);
    vt__free(d->base.ctx, used);
    d->dim = width > LEAST ? width : LEAST; /* at least what projections may ask for */
    return st;
}

/* By the triangle inequality no two rows are farther apart than both their norms together. */
static vt_status set_limit(vt__sparse *d) {
    const double rounding = 1.0 + 1e-6;
    int64_t longest = 0;
    double bound;

    for (int64_t i = 1; i < d->base.n; i++)
        if (d->norms[i] > d->norms[longest]) longest = i;
    bound = d->metric == VT__METRIC_COSINE ? 2.0 : (d->metric == VT__METRIC_L2_SQUARED ? 4.0 : 2.0) * d->norms[longest];
    if (d->metric == VT__METRIC_L2) bound = 2.0 * sqrt(d->norms[longest]);
    bound *= rounding;
    if (bound > (double)FLT_MAX)
        return vt__fail(VT_ERR_NUMERIC, "distance: row %lld is so long (%g) that distances overflow float32", (long long)longest,
                        d->metric == VT__METRIC_L1 ? d->norms[longest] : sqrt(d->norms[longest]));
    return vt__distance_limit(&d->base, bound, 0);
}

vt_status vt__distance_from_csr(vt_context *ctx, const int64_t *offsets, const int32_t *columns, const float *values, int64_t n, int64_t dim, int32_t metric,
                                int store, vt_distance **out) {
    vt__sparse *d = NULL;
    vt_status st = check_offsets(offsets, columns, values, n);

    *out = NULL;
    if (st != VT_OK) return st;
    d = vt__distance_new(ctx, &kind, sizeof *d, n, VT__DISTANCE_F32);
    if (!d) return VT_ERR_NOMEM;
    d->base.is_symmetric = 1;
    d->metric = metric;
    d->dim = dim;
    d->sum = metric == VT__METRIC_L1 ? vtk_get()->sparse_shared : vtk_get()->sparse_dot;
    d->offsets = vt__calloc2(ctx, n + 1, 1, sizeof *d->offsets);
    d->columns = vt__calloc2(ctx, offsets[n], 1, sizeof *d->columns);
    d->values = vt__calloc2(ctx, offsets[n], 1, sizeof *d->values);
    d->norms = vt__calloc2(ctx, n, 1, sizeof *d->norms);
    if (!d->offsets || !d->columns || !d->values || !d->norms) st = vt__fail_nomem("distance: sparse rows", 0);
    if (st == VT_OK) st = copy_rows(d, offsets, columns, values);
    if (st == VT_OK) st = narrow(d);
    if (st == VT_OK) st = set_limit(d);
    if (st != VT_OK) {
        vt__distance_release(&d->base);
        return st;
    }
    *out = &d->base;
    return store ? vt__distance_store(*out, out) : VT_OK;
}
