/* A full matrix, borrowed or owned. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "distance/matrix.h"

typedef struct matrix {
    vt_distance base;
    const void *data;
    int64_t stride;
    void *owned; /* data, where the handle has it from vt__distance_take_matrix */
} matrix;

static const char *at(const matrix *m, int64_t i, int64_t j) {
    return (const char *)m->data + (size_t)(i * m->stride + j) * vt__distance_type_size(m->base.type);
}

static void destroy(vt_distance *distance) {
    matrix *m = (matrix *)(void *)distance;
    vt__free(distance->ctx, m->owned);
}

static const void *row(const vt_distance *distance, int64_t i) { return at((const matrix *)(const void *)distance, i, 0); }

/* Objects o..o+n_o-1 of the columns: LINE rows at a time, so that columns that are neighbours find each other's lines still near, and each column
 * is written by whole lines. Every row is on another page, which no machine foresees: the lines of rows AHEAD are asked for meanwhile (10,000 rows
 * of float32, 64 neighbours: 4 us a column instead of 12; columns far apart: 30 instead of 57, which is the memory's speed). */
enum { LINE = 16, AHEAD = 32 };
static inline __attribute__((always_inline)) void load_lines(const vt__load *load, int64_t o, int64_t n_o, size_t size) {
    const matrix *m = (const matrix *)(const void *)load->distance;
    int64_t ahead = o + AHEAD + LINE <= m->base.n ? AHEAD : 0;
    for (int64_t i = 0; i < load->n; i++) {
        const char *from = at(m, o, load->objects[i]);
        char *to = (char *)load->out + (size_t)(i * load->ld + o) * size;
        for (int64_t r = 0; r < n_o; r++) {
            __builtin_prefetch(from + (size_t)((r + ahead) * m->stride) * size);
            memcpy(to + (size_t)r * size, from + (size_t)(r * m->stride) * size, size);
        }
    }
}

static void load(const vt__load *load, int64_t first, int64_t last) {
    const matrix *m = (const matrix *)(const void *)load->distance;
    size_t size = vt__distance_type_size(m->base.type);

    if (load->by_rows || m->base.is_symmetric) {
        for (int64_t i = 0; i < load->n; i++)
            memcpy((char *)load->out + (size_t)(i * load->ld + first) * size, at(m, load->objects[i], first), (size_t)(last - first) * size);
        return;
    }
    for (int64_t o = first; o < last; o += LINE) {
        int64_t n_o = last - o < LINE ? last - o : LINE;
        if (size == 4) load_lines(load, o, n_o, 4);
        else load_lines(load, o, n_o, 8);
    }
}

/* Few columns of a symmetric matrix are few rows, which stay near while many objects are looked up in them. */
static inline __attribute__((always_inline)) void look_up(const matrix *m, const vt__block *b, size_t size) {
    for (int64_t c = 0; c < b->n_columns; c++) {
        const char *from = at(m, b->columns[c], 0);
        char *to = (char *)b->out + (size_t)c * size;
        for (int64_t r = 0; r < b->n_rows; r++, to += (size_t)b->ld * size) memcpy(to, from + (size_t)b->rows[r] * size, size);
    }
}

static void block(const vt_distance *distance, const vt__block *b) {
    const matrix *m = (const matrix *)(const void *)distance;
    size_t size = vt__distance_type_size(distance->type);

    if (distance->is_symmetric && b->rows && b->columns) {
        if (size == 4) look_up(m, b, 4);
        else look_up(m, b, 8);
        return;
    }
    for (int64_t r = 0; r < b->n_rows; r++) {
        const char *from = at(m, vt__object(b->rows, b->first_row, r), 0);
        char *to = (char *)b->out + (size_t)(r * b->ld) * size;
        if (!b->columns) memcpy(to, from + (size_t)b->first_column * size, (size_t)b->n_columns * size);
        else if (size == 4)
            for (int64_t c = 0; c < b->n_columns; c++) memcpy(to + 4 * c, from + 4 * b->columns[c], 4);
        else
            for (int64_t c = 0; c < b->n_columns; c++) memcpy(to + 8 * c, from + 8 * b->columns[c], 8);
    }
}

static const vt__distance_kind kind = {.destroy = destroy, .row = row, .load = load, .block = block};

static vt_status make(vt_context *ctx, const void *data, void *owned, int32_t dtype, int64_t n, int64_t stride, int is_symmetric, vt_distance **out) {
    int type = vt__distance_type_of(dtype);
    matrix *m = NULL;
    vt_status st;

    *out = NULL;
    if (type < 0) {
        vt__free(ctx, owned);
        return vt__fail(VT_ERR_DTYPE, "distance: a matrix of type %d, need float32, float64, int32 or int64", dtype);
    }
    m = vt__distance_new(ctx, &kind, sizeof *m, n, type);
    if (!m) {
        vt__free(ctx, owned);
        return VT_ERR_NOMEM;
    }
    m->data = data;
    m->stride = stride;
    m->owned = owned;
    st = vt__matrix_examine(&(vt__survey){.ctx = ctx, .data = data, .type = type, .n = n, .stride = stride, .vouched = is_symmetric}, &m->base);
    if (st == VT_OK) *out = &m->base;
    else vt__distance_release(&m->base);
    return st;
}

vt_status vt__distance_from_matrix(vt_context *ctx, const void *data, int32_t dtype, int64_t n, int64_t stride, int is_symmetric, vt_distance **out) {
    return make(ctx, data, NULL, dtype, n, stride, is_symmetric, out);
}

vt_status vt__distance_take_matrix(vt_context *ctx, void *data, int32_t dtype, int64_t n, int is_symmetric, vt_distance **out) {
    return make(ctx, data, data, dtype, n, n, is_symmetric, out);
}
