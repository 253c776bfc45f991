#include "linalg/gemm_few.h"

#include <string.h>

#include "core/context.h"
#include "core/pool.h"
#include "linalg/gemm_pack.h"
#include "vtk.h"
#include "vtk_flash.h"

enum {
    FEW_ROWS = 4,
    COLUMNS = 128,           /* a chunk: their sums fit the registers, a piece of k of them a second-level cache */
    CHUNK_PRODUCTS = 1 << 16 /* products that are worth handing a chunk over */
};

typedef struct few {
    const vt__gemm_problem *p;
    const vt__gemm_kind *kind;
    int64_t n_chunks;
} few;

int vt__gemm_is_few(const vt__gemm_problem *p) {
    return (p->dtype == VT_DTYPE_F32 || p->dtype == VT_DTYPE_F64) && p->m <= FEW_ROWS && p->k > 0 && p->b.column == 1 && p->alpha == 1 && p->beta == 0;
}

/* k elements of row i of A from k0 on, in one piece. */
static const void *row_of_a(const few *f, int64_t i, int64_t k0, int64_t k, double *room) {
    const vt__gemm_problem *p = f->p;
    if (p->a.column != 1) {
        vt__gemm_pack_rows(f->kind, room, &p->a, i, k0, 1, k);
        return room;
    }
    return (const unsigned char *)p->a.data + (i * p->a.row + k0) * (int64_t)f->kind->size;
}

static void add(int32_t dtype, void *to, const void *x, int64_t n) {
    for (int64_t j = 0; j < n; j++) {
        if (dtype == VT_DTYPE_F64) ((double *)to)[j] += ((const double *)x)[j];
        else ((float *)to)[j] += ((const float *)x)[j];
    }
}

/* Each piece of k is a chain that begins at 0, as in a tile; then it is added to what is there. */
static void do_columns(void *user, int64_t chunk) {
    const few *f = user;
    const vt__gemm_problem *p = f->p;
    const struct vtk_flash_type *t = p->dtype == VT_DTYPE_F64 ? vtk_get()->flash->f64 : vtk_get()->flash->f32;
    int64_t column = chunk * COLUMNS, n = p->n - column < COLUMNS ? p->n - column : COLUMNS, size = (int64_t)f->kind->size;
    double sums[COLUMNS], row[VT__GEMM_K];
    for (int64_t k0 = 0; k0 < p->k; k0 += f->kind->piece) {
        int64_t k = p->k - k0 < f->kind->piece ? p->k - k0 : f->kind->piece;
        const unsigned char *b = (const unsigned char *)p->b.data + (k0 * p->b.row + column) * size;
        for (int64_t i = 0; i < p->m; i++) {
            unsigned char *c = (unsigned char *)p->c + (i * p->ld_c + column) * size;
            void *to = k0 == 0 ? (void *)c : (void *)sums;
            memset(to, 0, (size_t)(n * size));
            t->sum_rows(to, row_of_a(f, i, k0, k, row), b, p->b.row, k, n);
            if (k0 > 0) add(p->dtype, c, sums, n);
        }
    }
}

void vt__gemm_few(vt_context *ctx, const vt__gemm_problem *p) {
    few f = {p, vt__gemm_kind_of(p->dtype), (p->n + COLUMNS - 1) / COLUMNS};
    if (p->n * p->m > CHUNK_PRODUCTS / p->k && vt__context_threads(ctx) > 1) {
        vt__parallel(ctx, f.n_chunks, do_columns, &f);
        return;
    }
    for (int64_t i = 0; i < f.n_chunks; i++) do_columns(&f, i);
}
