/* Elements of a strided array of any type as a short dense row of the type that is computed in, and back. */
#ifndef VENTURI_DEVICE_BLOCK_H
#define VENTURI_DEVICE_BLOCK_H

#include "tensor/backend.h"

enum {
    VT__BLOCK = 1024, /* elements: a few of them stay in the first cache */
    VT__WIDEST = 16   /* bytes of an element at most */
};

/* Types that arithmetic is done in: f32 (for f16 and bf16 too), f64, i64 (for all integers and bools), c128 (for c64 too). */
int32_t vt__compute_type(int32_t dtype);
/* Logarithm to base 2 of the size of an element. */
int vt__size_class(int32_t dtype);

/* n elements of one type as another; never complex to real. The rules are those of vtk_map.convert; f16 and bf16 go to others than f32 by way of f32,
 * rounded twice. */
void vt__convert(int32_t to, void *out, int32_t from, const void *in, int64_t n);

/* Elements first to first+n-1 in row-major order over `shape` (v's own strides, of v->ndim dims) as elements of `type`. Answers buffer, filled, or a place
 * in v's own memory where that is the same. buffer [n] of the type. */
const void *vt__block_load(const struct vt__view *v, int64_t first, int64_t n, int32_t type, void *buffer);
/* Writes them to a view. */
void vt__block_store(const struct vt__view *v, int64_t first, int64_t n, int32_t type, const void *values);
/* v with the extents of `like`: strides of 0 where it is repeated. */
struct vt__view vt__view_broadcast(const struct vt__view *v, const struct vt__view *like);

#endif
