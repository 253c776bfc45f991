/* DLPack, the field's way of handing arrays from library to library without a copy: the published structs (versions up to 1.x) and their conversion. */
#ifndef VENTURI_TENSOR_DLPACK_H
#define VENTURI_TENSOR_DLPACK_H

#include "tensor/tensor.h"

/* As the standard lays them out. */
struct vt__dl_tensor {
    void *data;
    struct {
        int32_t type, id; /* type 1: CPU */
    } device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides; /* strides NULL: row-major; in elements */
    uint64_t byte_offset;
};
struct vt__dl_managed { /* DLManagedTensor, "legacy" */
    struct vt__dl_tensor tensor;
    void *manager;
    void (*deleter)(struct vt__dl_managed *self);
};
struct vt__dl_versioned { /* DLManagedTensorVersioned */
    struct {
        uint32_t major, minor;
    } version;
    void *manager;
    void (*deleter)(struct vt__dl_versioned *self);
    uint64_t flags; /* 1: read-only */
    struct vt__dl_tensor tensor;
};

/* Exactly one of the results is made; its deleter gives back what it holds. STATE: the tensor has a history, or is read-only and the legacy struct has no word
 * for it; DEVICE: its memory is not this process's. */
vt_status vt__dlpack_export(vt_tensor *t, struct vt__dl_managed **legacy, struct vt__dl_versioned **versioned);
/* Takes the array over on success: its deleter runs when the last view is gone. On failure it stays the caller's. */
vt_status vt__dlpack_import(vt_context *ctx, struct vt__dl_managed *legacy, struct vt__dl_versioned *versioned, vt_tensor **out);

#endif
