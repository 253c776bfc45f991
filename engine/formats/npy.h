/* NumPy's .npy files, versions 1 to 3: one array with a header. The header is read without allocating; the elements are handed out in C order,
 * maybe as floats. Not here: writing, .npz, arrays of objects or of records. */
#ifndef VENTURI_FORMATS_NPY_H
#define VENTURI_FORMATS_NPY_H

#include "venturi/types.h"

enum { VT__NPY_DIMS = 8, VT__NPY_SAME = -1 /* as dtype: the file's own */ };

typedef struct vt__npy {
    int32_t dtype; /* VT_DTYPE_* */
    int32_t n_dims;
    int32_t fortran_order;       /* 1: the first index runs fastest */
    int64_t shape[VT__NPY_DIMS]; /* unused ones are 1 */
    int64_t count;               /* product of the shape; 1 for a scalar */
    uint64_t offset, size;       /* bytes of the elements, all of them there */
} vt__npy;

/* Errors: FORMAT, UNSUPPORTED (version, element type, big-endian, more than 8 dimensions), LIMIT (the shape's product overflows). */
vt_status vt__npy_parse(const unsigned char *data, size_t size, vt__npy *out);

/* The elements of a parsed file in C order; dtype: VT__NPY_SAME, VT_DTYPE_F32 or VT_DTYPE_F64. Errors: DTYPE (a complex or half number as
 * float), NOMEM. */
vt_status vt__npy_read(vt_context *ctx, const unsigned char *data, const vt__npy *npy, int32_t dtype, vt_buffer **out);

#endif
