/* Runners of operations by tensors of indices. Repeated indices are taken in row-major order of the index tensor, by one thread for each place that they may
 * share. */
#include <complex.h>
#include <string.h>

#include "core/cancel.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/pool.h"
#include "cpu/quant/half.h"
#include "device/block.h"
#include "device/device.h"
#include "tensor/tensor.h"

enum { GRAIN = 32768 }; /* elements a chunk */

/* All elements of an index tensor as places in [0, extent): NOMEM, or INVALID naming the first that lies outside. */
static vt_status read_indices(const struct vt__run *run, const struct vt__view *v, int64_t extent, int64_t **out) {
    int64_t n = vt__view_count(v), *index = vt__scratch_take2(run->ctx, n, 1, sizeof *index);
    *out = NULL;
    if (!index) return vt__fail_nomem(run->op->name, (size_t)n * sizeof *index);
    for (int64_t at = 0; at < n; at += VT__BLOCK) {
        int64_t len = n - at < VT__BLOCK ? n - at : VT__BLOCK;
        const void *from = vt__block_load(v, at, len, VT_DTYPE_I64, index + at);
        if (from != index + at) memcpy(index + at, from, (size_t)len * sizeof *index);
    }
    for (int64_t i = 0; i < n; i++) {
        int64_t k = index[i];
        if (k < -extent || k >= extent) {
            vt__scratch_give(run->ctx, index);
            return vt__fail(VT_ERR_INVALID, "%s: index %lld of an extent of %lld", run->op->name, (long long)k, (long long)extent);
        }
        if (k < 0) index[i] = k + extent;
    }
    *out = index;
    return VT_OK;
}

static void copy_element(char *to, const char *from, size_t size) {
    switch (size) {
    case 1: *to = *from; break;
    case 2: memcpy(to, from, 2); break;
    case 4: memcpy(to, from, 4); break;
    case 8: memcpy(to, from, 8); break;
    default: memcpy(to, from, 16); break;
    }
}

#define ADD(T) \
    do { \
        T a, b; \
        memcpy(&a, to, sizeof a); \
        memcpy(&b, from, sizeof b); \
        a = (T)(a + b); \
        memcpy(to, &a, sizeof a); \
    } while (0)

static void add_element(char *to, const char *from, int32_t dtype) {
    switch (dtype) {
    case VT_DTYPE_F32: ADD(float); break;
    case VT_DTYPE_F64: ADD(double); break;
    case VT_DTYPE_C64: ADD(float _Complex); break;
    case VT_DTYPE_C128: ADD(double _Complex); break;
    case VT_DTYPE_I64: ADD(uint64_t); break;
    case VT_DTYPE_I32: ADD(uint32_t); break;
    case VT_DTYPE_BOOL: *to = (char)(*to | *from); break;
    case VT_DTYPE_F16: vtk_store_u16(to, vtk_float_to_half(vtk_half_to_float(vtk_load_u16(to)) + vtk_half_to_float(vtk_load_u16(from)))); break;
    case VT_DTYPE_BF16: vtk_store_u16(to, vtk_float_to_bf16(vtk_bf16_to_float(vtk_load_u16(to)) + vtk_bf16_to_float(vtk_load_u16(from)))); break;
    default: ADD(uint8_t); break;
    }
}

/* x as [outer, extent, inner], dense. */
struct lines {
    char *to;
    const char *from;
    const int64_t *index;
    int64_t outer, extent, inner, n_index, rows_a_chunk;
    int32_t dtype;
    size_t size;
};

static struct lines make_lines(const struct vt__view *x, int64_t dim, int64_t n_index) {
    struct lines l = {.outer = 1, .extent = x->shape[dim], .inner = 1, .n_index = n_index, .dtype = x->dtype, .size = vt__dtype_size(x->dtype)};
    for (int32_t d = 0; d < x->ndim; d++) {
        if (d < dim) l.outer *= x->shape[d];
        else if (d > dim) l.inner *= x->shape[d];
    }
    return l;
}

static void select_rows(void *user, int64_t chunk) {
    const struct lines *l = user;
    int64_t n = l->outer * l->n_index, first = chunk * l->rows_a_chunk, last = first + l->rows_a_chunk < n ? first + l->rows_a_chunk : n;
    size_t bytes = (size_t)l->inner * l->size;
    for (int64_t r = first; r < last; r++) {
        const char *from = l->from + ((size_t)(r / l->n_index) * (size_t)l->extent + (size_t)l->index[r % l->n_index]) * bytes;
        if (l->inner == 1) copy_element(l->to + (size_t)r * bytes, from, l->size);
        else memcpy(l->to + (size_t)r * bytes, from, bytes);
    }
}

vt_status vt__cpu_index_select(const struct vt__run *run) {
    const struct vt__view *x = &run->in[0];
    int64_t dim = vt__dim_index(run->attrs->a[0].i[0], x->ndim), *index;
    struct lines l = make_lines(x, dim, run->in[1].shape[0]);
    vt_status st = read_indices(run, &run->in[1], l.extent, &index);
    if (st != VT_OK) return st;
    l.to = run->out[0].data, l.from = x->data, l.index = index;
    l.rows_a_chunk = l.inner >= GRAIN ? 1 : GRAIN / (l.inner ? l.inner : 1);
    if (vt__view_count(&run->out[0])) vt__parallel(run->ctx, (l.outer * l.n_index + l.rows_a_chunk - 1) / l.rows_a_chunk, select_rows, &l);
    vt__scratch_give(run->ctx, index);
    return VT_OK;
}

/* Columns first to last of all rows: a chunk has places of its own. */
static void add_columns(void *user, int64_t chunk) {
    const struct lines *l = user;
    int64_t first = chunk * l->rows_a_chunk, last = first + l->rows_a_chunk < l->inner ? first + l->rows_a_chunk : l->inner;
    for (int64_t o = 0; o < l->outer; o++)
        for (int64_t i = 0; i < l->n_index; i++) {
            char *to = l->to + ((size_t)(o * l->extent + l->index[i]) * (size_t)l->inner) * l->size;
            const char *from = l->from + ((size_t)(o * l->n_index + i) * (size_t)l->inner) * l->size;
            if (l->dtype == VT_DTYPE_F32) {
                float *y = (float *)(void *)to;
                const float *x = (const float *)(const void *)from;
                for (int64_t c = first; c < last; c++) y[c] += x[c];
            } else {
                for (int64_t c = first; c < last; c++) add_element(to + (size_t)c * l->size, from + (size_t)c * l->size, l->dtype);
            }
        }
}

vt_status vt__cpu_index_add(const struct vt__run *run) {
    const struct vt__view *out = &run->out[0];
    int64_t dim = vt__dim_index(run->attrs->a[0].i[0], out->ndim), *index;
    struct lines l = make_lines(out, dim, run->in[1].shape[0]);
    if (run->in[2].dtype != out->dtype) return vt__fail(VT_ERR_UNSUPPORTED, "%s: x and source of different integer types", run->op->name);
    vt_status st = read_indices(run, &run->in[1], l.extent, &index);
    if (st != VT_OK) return st;
    st = vt__cpu_call(run->ctx, VT__OP_copy, out, &run->in[0], 1, 0);
    l.to = out->data, l.from = run->in[2].data, l.index = index;
    l.rows_a_chunk = 16; /* elements of a row: a cache line or more */
    if (st == VT_OK && vt__view_count(&run->in[2])) vt__parallel(run->ctx, (l.inner + l.rows_a_chunk - 1) / l.rows_a_chunk, add_columns, &l);
    vt__scratch_give(run->ctx, index);
    return st;
}

/* A walk over the index tensor's rows (its last dim): where a row starts in x, whatever the strides. */
struct rows {
    const struct vt__run *run;
    const int64_t *index;
    struct vt__view x;      /* gathered from, or scattered to */
    const char *source;     /* scattered from, dense */
    unsigned char *mask;    /* scatter_last */
    int64_t dim, n, row;    /* index elements a row */
};

/* Element offset in x of what element j of index row r names. */
static int64_t place_of(const struct rows *w, int64_t base, int64_t r, int64_t j) {
    int32_t last = w->x.ndim - 1;
    int64_t at = base + w->index[r * w->row + j] * w->x.strides[w->dim];
    return w->dim == last ? at : at + j * w->x.strides[last];
}

static int64_t base_of(const struct rows *w, int64_t r) {
    const struct vt__view *index = &w->run->in[1];
    int64_t at = 0;
    for (int32_t d = index->ndim - 2; d >= 0; d--) {
        if (d != w->dim) at += r % index->shape[d] * w->x.strides[d];
        r /= index->shape[d];
    }
    return at;
}

static void gather_row(void *user, int64_t r) {
    const struct rows *w = user;
    size_t size = vt__dtype_size(w->x.dtype);
    char *to = (char *)w->run->out[0].data + (size_t)(r * w->row) * size;
    int64_t base = base_of(w, r);
    for (int64_t j = 0; j < w->row; j++) copy_element(to + (size_t)j * size, (const char *)w->x.data + place_of(w, base, r, j) * (int64_t)size, size);
}

static void scatter_row(void *user, int64_t r) {
    const struct rows *w = user;
    size_t size = vt__dtype_size(w->x.dtype);
    const char *from = w->source + (size_t)(r * w->row) * size;
    int64_t base = base_of(w, r);
    for (int64_t j = 0; j < w->row; j++) {
        char *to = (char *)w->x.data + place_of(w, base, r, j) * (int64_t)size;
        if (w->run->op->id == VT__OP_scatter_add) add_element(to, from + (size_t)j * size, w->x.dtype);
        else copy_element(to, from + (size_t)j * size, size);
    }
}

/* 0-dimensional tensors are walked as vectors of one element. */
static vt_status start_rows(const struct vt__run *run, const struct vt__view *x, struct rows *w, int64_t **index) {
    w->run = run;
    w->x = *x;
    w->dim = vt__dim_index(run->attrs->a[0].i[0], x->ndim);
    vt_status st = read_indices(run, &run->in[1], x->shape[w->dim], index);
    w->index = *index;
    w->row = run->in[1].shape[x->ndim - 1];
    w->n = w->row ? vt__view_count(&run->in[1]) / w->row : 0;
    return st;
}

vt_status vt__cpu_gather(const struct vt__run *run) {
    struct rows w = {0};
    int64_t *index;
    vt_status st = start_rows(run, &run->in[0], &w, &index);
    if (st == VT_OK && w.n) vt__parallel(run->ctx, w.n, gather_row, &w);
    vt__scratch_give(run->ctx, index);
    return st;
}

vt_status vt__cpu_scatter(const struct vt__run *run) {
    struct rows w = {0};
    int64_t *index;
    if (run->in[2].dtype != run->out[0].dtype) return vt__fail(VT_ERR_UNSUPPORTED, "%s: x and source of different integer types", run->op->name);
    vt_status st = start_rows(run, &run->out[0], &w, &index);
    if (st == VT_OK) st = vt__cpu_call(run->ctx, VT__OP_copy, run->out, run->in, 1, 0);
    w.source = run->in[2].data;
    /* Along the last dim rows have places of their own; along others they may share them. */
    if (st == VT_OK && w.dim == w.x.ndim - 1 && w.n) vt__parallel(run->ctx, w.n, scatter_row, &w);
    else for (int64_t r = 0; st == VT_OK && r < w.n && !vt__cancel_is_left(); r++) scatter_row(&w, r);
    vt__scratch_give(run->ctx, index);
    return st;
}

/* Backwards over the index: the first that names a place is the last that writes it. */
vt_status vt__cpu_scatter_last(const struct vt__run *run) {
    struct rows w = {0};
    struct vt__desc dense = {.ndim = run->in[0].ndim};
    int64_t *index, count = vt__view_count(&run->in[0]);
    vt_status st = start_rows(run, &run->in[0], &w, &index);
    memcpy(dense.shape, run->in[0].shape, sizeof dense.shape);
    vt__strides_dense(&dense, w.x.strides);
    w.mask = vt__scratch_zero2(run->ctx, count, 1, 1);
    if (st == VT_OK && !w.mask) st = vt__fail_nomem(run->op->name, (size_t)count);
    for (int64_t r = w.n - 1; st == VT_OK && r >= 0; r--) {
        int64_t base = base_of(&w, r);
        for (int64_t j = w.row - 1; j >= 0; j--) {
            unsigned char *taken = &w.mask[place_of(&w, base, r, j)];
            int64_t one = !*taken;
            vt__block_store(&run->out[0], r * w.row + j, 1, VT_DTYPE_I64, &one);
            *taken = 1;
        }
    }
    vt__scratch_give(run->ctx, w.mask);
    vt__scratch_give(run->ctx, index);
    return st;
}

vt_status vt__cpu_one_hot(const struct vt__run *run) {
    int64_t classes = run->attrs->a[0].i[0], *index, n = vt__view_count(&run->in[0]);
    const int64_t one = 1;
    vt_status st = read_indices(run, &run->in[0], classes, &index);
    if (st == VT_OK) st = vt__cpu_call(run->ctx, VT__OP_fill, run->out, run->out, 1, 0);
    for (int64_t i = 0; st == VT_OK && i < n; i++) vt__block_store(&run->out[0], i * classes + index[i], 1, VT_DTYPE_I64, &one);
    vt__scratch_give(run->ctx, index);
    return st;
}
