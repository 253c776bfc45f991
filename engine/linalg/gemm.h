/* Products of matrices: C = alpha A B + beta C, for float32, float64 and bfloat16, of any shape and any strides, spread over the threads of the context.
 * Both factors are packed in pieces that fit the caches (pack.h) and multiplied by the kernels of kernels/cpu/gemm.
 *
 * An element of C is a function of its row of A, its column of B and k alone. k is cut every VT__GEMM_K (F64: half of it) elements, always in the same places; each
 * piece is one chain of fused multiply-adds in ascending order (bfloat16: of pairs, see kernels/vtk_gemm.h), and alpha times the piece is added to C, piece
 * after piece. So the numbers depend neither on the number of threads nor on strides, neighbours or batches. The products of skinny matrices are the same.
 *
 * Not here: transposing C, products that keep one packed factor for many calls (engine/encode/dense.h does that). */
#ifndef VENTURI_LINALG_GEMM_H
#define VENTURI_LINALG_GEMM_H

#include "venturi/types.h"

enum { VT__GEMM_K = 512 };

/* Element (i, j) is data[i * row + j * column], in elements: a transposed matrix is one with these two exchanged. Any strides are good, 0 and negative ones
 * too; a stride of 1 in either direction is fast. */
typedef struct vt__gemm_factor {
    const void *data;
    int64_t row, column;
} vt__gemm_factor;

typedef struct vt__gemm_problem {
    int32_t dtype;     /* of A and B: VT_DTYPE_F32, F64 or BF16 */
    int32_t out_dtype; /* of C: the same, or F32 of BF16 factors. Sums of BF16 factors are float32 in any case, and are rounded once */
    int64_t m, n, k;
    vt__gemm_factor a; /* [m, k] */
    vt__gemm_factor b; /* [k, n] */
    void *c;           /* [m, n], overlaps neither A nor B */
    int64_t ld_c;      /* elements from row to row, at least n */
    double alpha, beta; /* rounded to float32 unless dtype is F64. beta 0: what C holds is not read; alpha or k 0: A and B are not */
} vt__gemm_problem;

/* Errors: INVALID (negative sizes, ld_c < n), UNSUPPORTED (types), NOMEM; then C is as it was. Memory: pieces of A and B, at most some MiB; none at all if a size is 0.
 * Called from a chunk of vt__parallel it works on that thread alone. */
vt_status vt__gemm(vt_context *ctx, const vt__gemm_problem *p);

/* n_batch products of one shape: product i has its A at p->a.data + a_at[i] elements, and so on; NULL: all have the same (not C). Elements are the same bits as by
 * vt__gemm. No two of C may overlap. */
vt_status vt__gemm_batch(vt_context *ctx, const vt__gemm_problem *p, int64_t n_batch, const int64_t *a_at, const int64_t *b_at, const int64_t *c_at);

#endif
