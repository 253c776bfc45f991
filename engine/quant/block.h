/* Element and block types: sizes of rows, and rows of blocks to floats and back. The arithmetic is in kernels/cpu/quant. */
#ifndef VENTURI_QUANT_BLOCK_H
#define VENTURI_QUANT_BLOCK_H

#include "venturi/types.h"

typedef struct vt__block_type {
    const char *name; /* "Q4_1" */
    int32_t dtype;    /* VT_DTYPE_* */
    int64_t elems;    /* of a block; 1 for plain types */
    size_t size;      /* bytes of a block */
    int32_t kernel;   /* VTK_*, or -1: known, but no kernel yet */
} vt__block_type;

/* NULL for a dtype that is not known. */
const vt__block_type *vt__block_type_of(int32_t dtype);

/* Bytes of rows * cols elements, cols whole blocks. Errors: DTYPE, SHAPE (negative, part of a block, overflow). */
vt_status vt__block_bytes(int32_t dtype, int64_t cols, int64_t rows, size_t *out);

/* One row. Errors: DTYPE, UNSUPPORTED, SHAPE. */
vt_status vt__block_decode(int32_t dtype, const void *data, size_t size, float *out, int64_t n);
vt_status vt__block_encode(int32_t dtype, const float *x, int64_t n, void *out, size_t size);

#endif
