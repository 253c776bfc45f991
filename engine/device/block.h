/* Elements of a strided array of any type as a short dense row of the type that is computed in, and back. */
#ifndef VENTURI_DEVICE_BLOCK_H
#define VENTURI_DEVICE_BLOCK_H

#include "tensor/backend.h"

enum { VT__BLOCK = 1024 }; /* elements: a few of them stay in the first cache */

/* Types that arithmetic is done in: f32 (for f16 and bf16 too), f64, i64 (for all integers and bools), c128 (for c64 too). */
int32_t vt__compute_type(int32_t dtype);

/* Elements first to first+n-1 in row-major order over `shape` (v's own strides, of v->ndim dims) as type compute. Answers buffer, filled, or a place in
 * v's own memory where that is the same. buffer [n] of the type. */
const void *vt__block_load(const struct vt__view *v, int64_t first, int64_t n, int32_t compute, void *buffer);
/* Writes them to a view: values are rounded (floats), cut to their low bits (integers), compared with 0 (bools). */
void vt__block_store(const struct vt__view *v, int64_t first, int64_t n, int32_t compute, const void *values);
/* v with the extents of `like`: strides of 0 where it is repeated. */
struct vt__view vt__view_broadcast(const struct vt__view *v, const struct vt__view *like);

#endif
