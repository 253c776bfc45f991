/* The CPU backend: runners of tensor/ops.def over plain memory. A runner cuts work into chunks that depend on extents only, so that results are
 * the same bits for any number of threads. */
#ifndef VENTURI_DEVICE_DEVICE_H
#define VENTURI_DEVICE_DEVICE_H

#include <string.h>

#include "tensor/backend.h"
#include "tensor/dtype.h"

#define VT_OP(id, in, attrs, outs, flags, keep, infer, run, grad, doc) vt_status vt__cpu_##run(const struct vt__run *run);
#define VT_OP_VIEW(...)
#define VT_OP_COMPOSED(...)
#include "tensor/ops.def"
#undef VT_OP
#undef VT_OP_VIEW
#undef VT_OP_COMPOSED

/* The runner of run->op over memory of this process. */
vt_status vt__cpu_run(const struct vt__run *run);

/* Bytes of an output from which on it is written past the caches (vtk_map.stream): more than a core's share of the last one, whoever reads it finds little
 * of it there, and lines that are written as a whole need not be read before. */
enum { VT__STREAM = 32 << 20 };
/* Is the first output as large as that, and no input, whose lines are in the cache when they are written? */
int vt__streams(const struct vt__run *run);

/* Runs an operation that has no attributes, or fill with value, between views. */
vt_status vt__cpu_call(vt_context *ctx, int32_t op, const struct vt__view *out, const struct vt__view *in, int32_t n_in, double value);

/* CMPLX, which is not there for every compiler. */
static inline double _Complex vt__complex(double re, double im) {
    const double parts[2] = {re, im};
    double _Complex z;
    memcpy(&z, parts, sizeof z);
    return z;
}

#endif
