/* The one pass over a matrix: values that are no distances, the largest one, infinities, symmetry. Memory is read along the rows of tiles: each
 * tile below the diagonal together with its mirror image, so that every line is fetched once and whole. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "distance/matrix.h"
#include "vtk.h"

_Static_assert((int)VTK_DISTANCE_F32 == (int)VT__DISTANCE_F32 && (int)VTK_DISTANCE_F64 == (int)VT__DISTANCE_F64 &&
                   (int)VTK_DISTANCE_I32 == (int)VT__DISTANCE_I32 && (int)VTK_DISTANCE_I64 == (int)VT__DISTANCE_I64,
               "one numbering");

/* A row of a tile has 256 bytes: two tiles fit the nearest cache, and the second next is fetched meanwhile (10,000 x 10,000 float32 on one thread:
 * 9 GB/s without, 12 for the next one, 17 for the second next). RUN: elements of one piece of work where no mirror image is looked at. */
enum { TILE_ROW = 256, TILE_SIZE = TILE_ROW * TILE_ROW / 4, AHEAD = 2, RUN = 1 << 16 };

/* What one piece of the work has seen; put together at the end. */
typedef struct finding {
    double bound;      /* of the finite values */
    int has_infinity;  /* plus */
    int is_bad;        /* NaN or minus infinity */
    int is_asymmetric;
} finding;

typedef struct examination {
    const vt__survey *s;
    size_t size;  /* of an element */
    int64_t edge; /* elements of a row of a tile */
    int64_t n_chunks;
    finding *findings; /* [n_chunks] */
    uint64_t (*largest)(const vtk_survey *s);
    int (*is_mirrored)(const void *a, const void *b, int64_t edge, int64_t n_rows, int64_t n_columns);
} examination;

static int is_bad(double v) { return isnan(v) || v == (double)-INFINITY; }

/* The bits that `largest` gives, as a number. */
static double magnitude(const examination *e, uint64_t bits) {
    uint32_t low = (uint32_t)bits;
    float f32;
    double f64;
    switch (e->s->type) {
    case VT__DISTANCE_F32: memcpy(&f32, &low, sizeof f32); return (double)f32;
    case VT__DISTANCE_F64: memcpy(&f64, &bits, sizeof f64); return f64;
    default: return (double)bits;
    }
}

/* Elements [n_rows, n_columns], one by one where some are not finite. */
static void examine(const examination *e, finding *f, const vtk_survey *s) {
    double largest = magnitude(e, e->largest(s));
    if (isfinite(largest)) {
        f->bound = fmax(f->bound, largest);
        return;
    }
    for (int64_t r = 0; r < s->n_rows; r++)
        for (int64_t c = 0; c < s->n_columns; c++) {
            double v = vt__distance_value(e->s->type, s->x, r * s->stride + c);
            if (is_bad(v)) f->is_bad = 1;
            else if (v == (double)INFINITY) f->has_infinity = 1;
            else f->bound = fmax(f->bound, fabs(v));
        }
}

/* Zeros of both signs are equal, which their bits are not. */
static int is_mirrored(const examination *e, const void *a, const void *b, int64_t n_rows, int64_t n_columns) {
    if (e->is_mirrored(a, b, e->edge, n_rows, n_columns)) return 1;
    for (int64_t r = 0; r < n_rows; r++)
        for (int64_t c = 0; c < n_columns; c++) {
            const char *x = (const char *)a + (size_t)(r * e->edge + c) * e->size, *y = (const char *)b + (size_t)(c * e->edge + r) * e->size;
            if (memcmp(x, y, e->size) != 0 && (vt__distance_value(e->s->type, x, 0) != 0.0 || vt__distance_value(e->s->type, y, 0) != 0.0)) return 0;
        }
    return 1;
}

static const void *at(const examination *e, int64_t i, int64_t j) { return (const char *)e->s->data + (size_t)(i * e->s->stride + j) * e->size; }

/* A band of tiles from the left edge to the diagonal, and the mirror image of each; the longest band first. */
static void examine_band(void *user, int64_t chunk) {
    _Alignas(64) char copies[2][TILE_SIZE];
    const examination *e = user;
    const vt__survey *s = e->s;
    finding f = {0};
    int64_t r = (e->n_chunks - 1 - chunk) * e->edge, n_rows = s->n - r < e->edge ? s->n - r : e->edge;

    for (int64_t c = 0; c <= r; c += e->edge) {
        int64_t n_columns = s->n - c < e->edge ? s->n - c : e->edge;
        int64_t next = c + AHEAD * e->edge;
        vtk_survey below = {.x = at(e, r, c), .n_rows = n_rows, .n_columns = n_columns, .stride = s->stride, .copy = copies[0], .edge = e->edge};
        vtk_survey above = {.x = at(e, c, r), .n_rows = n_columns, .n_columns = n_rows, .stride = s->stride, .copy = copies[1], .edge = e->edge};
        if (next < r) below.next = at(e, r, next), above.next = at(e, next, r);
        examine(e, &f, &below);
        if (c < r) examine(e, &f, &above);
        if (!f.is_asymmetric) f.is_asymmetric = !is_mirrored(e, copies[0], copies[c < r], n_rows, n_columns);
    }
    e->findings[chunk] = f;
}

/* A run of whole rows, or of a triangle's elements. */
static void examine_run(void *user, int64_t chunk) {
    const examination *e = user;
    const vt__survey *s = e->s;
    finding f = {0};
    int64_t first, last;

    vt__chunk_range(s->stride ? s->n : s->n * (s->n - 1) / 2, 1, e->n_chunks, chunk, &first, &last);
    examine(e, &f, s->stride ? &(vtk_survey){.x = at(e, first, 0), .n_rows = last - first, .n_columns = s->n, .stride = s->stride}
                             : &(vtk_survey){.x = (const char *)s->data + (size_t)first * e->size, .n_rows = 1, .n_columns = last - first});
    e->findings[chunk] = f;
}

/* The first bad value in the order of reading. */
static vt_status fail_bad(const examination *e) {
    const vt__survey *s = e->s;
    for (int64_t i = 0; i < s->n; i++)
        for (int64_t j = 0; j < (s->stride ? s->n : i); j++) {
            double v = vt__distance_value(e->s->type, s->data, (s->stride ? i * s->stride : i * (i - 1) / 2) + j);
            if (is_bad(v)) return vt__fail(VT_ERR_NUMERIC, "distance: %g at row %lld, column %lld", v, (long long)i, (long long)j);
        }
    return vt__fail(VT_ERR_NUMERIC, "distance: the matrix changed while it was read");
}

static int has_diagonal(const examination *e) {
    const vt__survey *s = e->s;
    for (int64_t i = 0; s->stride && i < s->n; i++)
        if (vt__distance_value(s->type, s->data, i * (s->stride + 1)) != 0.0) return 1;
    return 0;
}

static int64_t count_chunks(const vt__survey *s, int64_t edge) {
    double elements = s->stride ? (double)s->n * (double)s->n : (double)s->n * (double)s->n / 2;
    int64_t n_chunks = (int64_t)(elements / RUN) + 1;
    if (s->stride && !s->vouched) return (s->n + edge - 1) / edge;
    return n_chunks > s->n ? s->n : n_chunks > 1024 ? 1024 : n_chunks;
}

vt_status vt__matrix_examine(const vt__survey *s, vt_distance *distance) {
    const vtk_table *k = vtk_get();
    examination e = {.s = s, .size = vt__distance_type_size(s->type), .largest = k->largest[s->type]};
    finding all = {0};

    e.edge = TILE_ROW / (int64_t)e.size;
    e.is_mirrored = e.size == 4 ? k->is_mirrored_32 : k->is_mirrored_64;
    e.n_chunks = count_chunks(s, e.edge);
    e.findings = vt__calloc2(s->ctx, e.n_chunks, 1, sizeof *e.findings);
    if (!e.findings) return vt__fail_nomem("distance: matrix", (size_t)e.n_chunks * sizeof *e.findings);
    vt__parallel(s->ctx, e.n_chunks, s->stride && !s->vouched ? examine_band : examine_run, &e);
    for (int64_t i = 0; i < e.n_chunks; i++) {
        const finding *f = &e.findings[i];
        all.bound = fmax(all.bound, f->bound);
        all.has_infinity |= f->has_infinity;
        all.is_bad |= f->is_bad;
        all.is_asymmetric |= f->is_asymmetric;
    }
    vt__free(s->ctx, e.findings);
    if (all.is_bad) return fail_bad(&e);
    distance->is_symmetric = !all.is_asymmetric;
    distance->has_diagonal = has_diagonal(&e);
    return vt__distance_limit(distance, all.bound, all.has_infinity);
}
