/* Sums of rows by cluster: rows are put in the order of their clusters and cut into pieces of a fixed length. A piece is summed on its own, its row
 * sums stay in registers, and pieces are added in order: nothing in a sum depends on the number of threads, and no thread needs sums of its own for
 * all clusters. */
#include "kmeans/means.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"

enum { PIECE = 1024, PANELS_A_CHUNK = 32 };

static int is_f32(const vt__means *m) { return m->points->rows.dtype == VT_DTYPE_F32; }

vt_status vt__means_init(vt__means *m, const vt__points *points, int64_t k, int64_t capacity) {
    const int64_t dim = points->rows.dim, n_groups = (k + VTK_CENTRES - 1) / VTK_CENTRES;
    vt_context *ctx = points->ctx;
    size_t row;
    *m = (vt__means){.points = points, .k = k, .n_groups = n_groups, .capacity = capacity};
    if (vt__mul_size(dim, VTK_CENTRES, &row)) return vt__fail(VT_ERR_NOMEM, "kmeans: out of memory for centroids of %lld elements", (long long)dim);
    m->centres = vt__calloc2(ctx, k, dim, sizeof *m->centres);
    m->sums = vt__calloc2(ctx, k, dim, sizeof *m->sums);
    m->mass = vt__calloc2(ctx, k, 1, sizeof *m->mass);
    m->counts = vt__calloc2(ctx, k, 1, sizeof *m->counts);
    m->packed = vt__alloc64_2(ctx, n_groups, (int64_t)row, vt__points_size(points));
    m->norms = vt__calloc2(ctx, n_groups, VTK_CENTRES, vt__points_size(points));
    m->list = vt__calloc2(ctx, capacity, 1, sizeof *m->list);
    m->ends = vt__calloc2(ctx, k, 1, sizeof *m->ends);
    m->pieces = vt__calloc2(ctx, capacity / PIECE + k, 1, sizeof *m->pieces);
    m->partial = vt__calloc2(ctx, capacity / PIECE + k, dim, sizeof *m->partial);
    if (m->centres && m->sums && m->mass && m->counts && m->packed && m->norms && m->list && m->ends && m->pieces && m->partial) return VT_OK;
    return vt__fail(VT_ERR_NOMEM, "kmeans: out of memory for %lld centroids of %lld elements", (long long)k, (long long)dim);
}

void vt__means_free(vt__means *m) {
    vt_context *ctx = m->points->ctx;
    vt__free(ctx, m->centres);
    vt__free(ctx, m->sums);
    vt__free(ctx, m->mass);
    vt__free(ctx, m->counts);
    vt__free(ctx, m->packed);
    vt__free(ctx, m->norms);
    vt__free(ctx, m->list);
    vt__free(ctx, m->ends);
    vt__free(ctx, m->pieces);
    vt__free(ctx, m->partial);
}

/* Half the squared length is that of the rounded centre, so that a score is a function of the numbers that the kernel sees. */
#define PACK_CENTRE(T)                                                                                                                                 \
    do {                                                                                                                                               \
        double norm = 0;                                                                                                                               \
        for (int64_t d = 0; d < dim; d++) {                                                                                                            \
            T x = c < m->k ? (T)m->centres[c * dim + d] : 0;                                                                                           \
            ((T *)m->packed)[(c / VTK_CENTRES * dim + d) * VTK_CENTRES + c % VTK_CENTRES] = x;                                                         \
            norm += (double)x * (double)x;                                                                                                             \
        }                                                                                                                                              \
        ((T *)m->norms)[c] = c < m->k ? (T)(norm / 2) : (T)INFINITY;                                                                                   \
    } while (0)

void vt__means_pack(vt__means *m) {
    const int64_t dim = m->points->rows.dim;
    for (int64_t c = 0; c < m->n_groups * VTK_CENTRES; c++) {
        if (is_f32(m)) PACK_CENTRE(float);
        else PACK_CENTRE(double);
    }
}

typedef struct assignment {
    vtk_nearest kernel;
    int64_t n_panels;
    int is_f32;
} assignment;

static void assign_chunk(void *user, int64_t chunk) {
    const assignment *a = user;
    int64_t first = chunk * PANELS_A_CHUNK, last = first + PANELS_A_CHUNK < a->n_panels ? first + PANELS_A_CHUNK : a->n_panels;
    (a->is_f32 ? vtk_get()->nearest_f32 : vtk_get()->nearest_f64)(&a->kernel, first, last);
}

void vt__means_assign(const vt__means *m, const void *panels, int64_t n_panels, int32_t *labels, void *scores) {
    assignment a = {{labels, scores, panels, m->packed, m->norms, m->n_groups, m->points->rows.dim}, n_panels, is_f32(m)};
    vt__parallel(m->points->ctx, (n_panels + PANELS_A_CHUNK - 1) / PANELS_A_CHUNK, assign_chunk, &a);
}

void vt__means_clear(vt__means *m) {
    memset(m->sums, 0, (size_t)(m->k * m->points->rows.dim) * sizeof *m->sums);
    memset(m->mass, 0, (size_t)m->k * sizeof *m->mass);
    memset(m->counts, 0, (size_t)m->k * sizeof *m->counts);
}

/* Rows go to the lists in two rounds: counted, then put. Between them ends[c] is where the list of c begins; at the end it is where it ends. */
static void begin_lists(vt__means *m) {
    int64_t begin = 0;
    for (int64_t c = 0; c < m->k; c++) {
        int64_t n = m->ends[c];
        m->ends[c] = begin;
        begin += n;
    }
}

static void cut_lists(vt__means *m) {
    m->n_pieces = 0;
    for (int64_t c = 0; c < m->k; c++) {
        int64_t begin = c ? m->ends[c - 1] : 0;
        for (; begin < m->ends[c]; begin += PIECE)
            m->pieces[m->n_pieces++] = (vt__piece){c, begin, m->ends[c] - begin < PIECE ? m->ends[c] - begin : PIECE};
    }
}

static void sum_piece(void *user, int64_t i) {
    const vt__means *m = user;
    const vt__points *p = m->points;
    double *sum = m->partial + i * p->rows.dim;
    vtk_row_sum s = {sum, p->rows.data, p->rows.stride, p->rows.dim, p->shift, p->weights, m->list + m->pieces[i].begin, m->pieces[i].n};
    memset(sum, 0, (size_t)p->rows.dim * sizeof *sum);
    (is_f32(m) ? vtk_get()->sum_rows_f32 : vtk_get()->sum_rows_f64)(&s);
}

static void sum_lists(vt__means *m) {
    const int64_t dim = m->points->rows.dim;
    cut_lists(m);
    vt__parallel(m->points->ctx, m->n_pieces, sum_piece, m);
    for (int64_t i = 0; i < m->n_pieces; i++) {
        double *to = m->sums + m->pieces[i].cluster * dim;
        for (int64_t d = 0; d < dim; d++) to[d] += m->partial[i * dim + d];
    }
}

void vt__means_add(vt__means *m, const int32_t *rows, const int32_t *labels, int64_t n) {
    memset(m->ends, 0, (size_t)m->k * sizeof *m->ends);
    for (int64_t i = 0; i < n; i++) {
        double weight = vt__points_weight(m->points, rows ? rows[i] : i);
        m->ends[labels[i]]++;
        m->mass[labels[i]] += weight;
        m->counts[labels[i]] += weight > 0;
    }
    begin_lists(m);
    for (int64_t i = 0; i < n; i++) m->list[m->ends[labels[i]]++] = rows ? rows[i] : (int32_t)i;
    sum_lists(m);
}

int64_t vt__means_move(vt__means *m, const int32_t *before, const int32_t *labels, int64_t n) {
    int64_t n_moved = 0;
    memset(m->ends, 0, (size_t)m->k * sizeof *m->ends);
    for (int64_t i = 0; i < n; i++) {
        if (before[i] == labels[i]) continue;
        n_moved++;
        m->ends[before[i]]++, m->counts[before[i]]--;
        m->ends[labels[i]]++, m->counts[labels[i]]++;
    }
    if (2 * n_moved > m->capacity) { /* as dear as all of them, and the lists have no room */
        vt__means_clear(m);
        vt__means_add(m, NULL, labels, n);
        return n_moved;
    }
    begin_lists(m);
    for (int64_t i = 0; i < n && n_moved; i++) {
        if (before[i] == labels[i]) continue;
        m->list[m->ends[before[i]]++] = ~(int32_t)i;
        m->list[m->ends[labels[i]]++] = (int32_t)i;
    }
    for (int64_t c = 0; c < m->k; c++) m->mass[c] = (double)m->counts[c];
    sum_lists(m);
    return n_moved;
}

double vt__means_distance(const vt__means *m, int64_t i, int64_t c) {
    const int64_t dim = m->points->rows.dim;
    double sum = 0;
    for (int64_t d = 0; d < dim; d++) {
        double x = vt__points_at(m->points, i, d) - m->centres[c * dim + d];
        sum += x * x;
    }
    return sum;
}

double vt__means_centre(vt__means *m) {
    const int64_t dim = m->points->rows.dim;
    double total = 0;
    for (int64_t c = 0; c < m->k; c++) {
        for (int64_t d = 0; d < dim && m->counts[c]; d++) {
            double mean = m->sums[c * dim + d] / m->mass[c], move = mean - m->centres[c * dim + d];
            m->centres[c * dim + d] = mean;
            total += move * move;
        }
    }
    return total;
}
