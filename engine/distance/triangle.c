/* A symmetric matrix as its strict lower triangle, packed row after row. */
#include <string.h>

#include "core/error.h"
#include "distance/matrix.h"

typedef struct triangle {
    vt_distance base;
    const void *data;
} triangle;

/* Where row i begins: i elements, those left of the diagonal. */
static int64_t row_start(int64_t i) { return i * (i - 1) / 2; }

/* Columns of some objects, objects first..last-1 of them: the part left of the diagonal lies in memory side by side, below it one element a row.
 * Rows are walked for all columns together, so that neighbours share lines. */
static inline __attribute__((always_inline)) void load_sized(const vt__load *load, int64_t first, int64_t last, size_t size) {
    const char *data = ((const triangle *)(const void *)load->distance)->data;
    for (int64_t i = 0; i < load->n; i++) {
        int64_t object = load->objects[i], end = object < last ? object : last;
        char *to = (char *)load->out + (size_t)(i * load->ld) * size;
        if (first < end) memcpy(to + (size_t)first * size, data + (size_t)(row_start(object) + first) * size, (size_t)(end - first) * size);
        if (first <= object && object < last) memset(to + (size_t)object * size, 0, size);
    }
    for (int64_t o = first; o < last; o++) {
        const char *row = data + (size_t)row_start(o) * size;
        for (int64_t i = 0; i < load->n; i++) {
            int64_t object = load->objects[i];
            if (object < o) memcpy((char *)load->out + (size_t)(i * load->ld + o) * size, row + (size_t)object * size, size);
        }
    }
}

static void load(const vt__load *load, int64_t first, int64_t last) {
    if (vt__distance_size(load->distance) == 4) load_sized(load, first, last, 4);
    else load_sized(load, first, last, 8);
}

static inline __attribute__((always_inline)) void block_sized(const vt_distance *distance, const vt__block *b, size_t size) {
    const char *data = ((const triangle *)(const void *)distance)->data;
    for (int64_t r = 0; r < b->n_rows; r++) {
        int64_t i = vt__object(b->rows, b->first_row, r);
        char *to = (char *)b->out + (size_t)(r * b->ld) * size;
        for (int64_t c = 0; c < b->n_columns; c++) {
            int64_t j = vt__object(b->columns, b->first_column, c), high = i > j ? i : j;
            if (i == j) memset(to + (size_t)c * size, 0, size);
            else memcpy(to + (size_t)c * size, data + (size_t)(row_start(high) + (i > j ? j : i)) * size, size);
        }
    }
}

static void block(const vt_distance *distance, const vt__block *b) {
    if (vt__distance_size(distance) == 4) block_sized(distance, b, 4);
    else block_sized(distance, b, 8);
}

static const int64_t NOTHING = 0;

static const vt__distance_kind kind = {.load = load, .block = block};

vt_status vt__distance_from_triangle(vt_context *ctx, const void *data, int32_t dtype, int64_t n, vt_distance **out) {
    int type = vt__distance_type_of(dtype);
    triangle *t;
    vt_status st;

    *out = NULL;
    if (type < 0) return vt__fail(VT_ERR_DTYPE, "distance: a triangle of type %d, need float32, float64, int32 or int64", dtype);
    t = vt__distance_new(ctx, &kind, sizeof *t, n, type);
    if (!t) return VT_ERR_NOMEM;
    data = data ? data : &NOTHING; /* one object has no distances */
    t->data = data;
    st = vt__matrix_examine(&(vt__survey){.ctx = ctx, .data = data, .type = type, .n = n}, &t->base);
    if (st == VT_OK) *out = &t->base;
    else vt__distance_release(&t->base);
    return st;
}
