/* The seam between tensors and devices. A backend owns memory and runs operations on it; nobody else looks behind an address, so that memory may
 * lie where this process cannot read it. */
#ifndef VENTURI_TENSOR_BACKEND_H
#define VENTURI_TENSOR_BACKEND_H

#include "tensor/op.h"
#include "venturi/types.h"

/* An array as a runner sees it: data is the address of element [0, ..., 0] on the device. */
struct vt__view {
    void *data;
    int32_t dtype, ndim;
    int64_t shape[VT__MAX_DIMS], strides[VT__MAX_DIMS]; /* elements; strides may be 0 (broadcast) or negative */
};

int64_t vt__extents_count(const int64_t *shape, int32_t ndim);
int vt__extents_are_dense(const int64_t *shape, const int64_t *strides, int32_t ndim); /* row-major without gaps */
static inline int64_t vt__view_count(const struct vt__view *v) { return vt__extents_count(v->shape, v->ndim); }
static inline int vt__view_is_dense(const struct vt__view *v) { return vt__extents_are_dense(v->shape, v->strides, v->ndim); }

/* One operation to run. Shapes and types have been inferred and checked, outputs have memory (dense unless the caller gave a view to write to); an
 * optional input that is absent has data NULL and dtype -1. Outputs do not overlap inputs, except that an elementwise output may be one of its inputs. */
struct vt__run {
    vt_context *ctx;
    const struct vt__op_def *op;
    const struct vt__attrs *attrs;
    const struct vt__view *in, *out;
    int32_t n_in, n_out;
};
typedef vt_status (*vt__run_fn)(const struct vt__run *run);

struct vt__backend {
    const char *name;
    int32_t host_readable; /* addresses may be read and written by this process */
    /* Memory aligned to 64 bytes, contents undefined; sizes of 0 are fine. */
    vt_status (*alloc)(vt_context *ctx, size_t size, void **out);
    void (*free)(vt_context *ctx, void *data);
    /* Between the host and the device, or within the device. */
    vt_status (*read)(vt_context *ctx, void *host, const void *data, size_t size);
    vt_status (*write)(vt_context *ctx, void *data, const void *host, size_t size);
    /* Runs run->op, or says UNSUPPORTED. */
    vt__run_fn run;
};

/* NULL: no such device. 0 is the CPU. */
const struct vt__backend *vt__backend_get(int32_t device);
int32_t vt__backend_device(const struct vt__backend *backend);

extern const struct vt__backend vt__backend_cpu, vt__backend_opaque;

#endif
