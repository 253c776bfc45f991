/* Pieces of matrices as the kernels of kernels/cpu/gemm read them: rows that lie close together, and panels. */
#ifndef VENTURI_LINALG_GEMM_PACK_H
#define VENTURI_LINALG_GEMM_PACK_H

#include "linalg/gemm.h"

/* What differs between types. */
typedef struct vt__gemm_kind {
    size_t size;     /* bytes of an element */
    int64_t panel;   /* columns of B side by side */
    int64_t piece;   /* of k */
    int64_t aligned; /* rows and panels have whole steps of so many elements of k */
} vt__gemm_kind;

/* NULL: not known here. */
const vt__gemm_kind *vt__gemm_kind_of(int32_t dtype);

/* k rounded up to whole steps: elements from row to row of packed A; a panel has panel times as many. */
int64_t vt__gemm_padded(const vt__gemm_kind *kind, int64_t k);

/* m rows of k elements from element (i, j) on; out: [m, padded k]. */
void vt__gemm_pack_rows(const vt__gemm_kind *kind, void *out, const vt__gemm_factor *a, int64_t i, int64_t j, int64_t m, int64_t k);
/* One panel: k rows of n <= panel columns from element (i, j) on, zeros for the columns that are not there. */
void vt__gemm_pack_panel(const vt__gemm_kind *kind, void *out, const vt__gemm_factor *b, int64_t i, int64_t j, int64_t k, int64_t n);

#endif
