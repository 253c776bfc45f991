#include "tensor/dlpack.h"

#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "tensor/record.h"

enum { DL_CPU = 1, DL_MAJOR = 1, DL_READ_ONLY = 1 };

static const struct {
    int32_t dtype;
    uint8_t code, bits; /* code: 0 signed, 1 unsigned, 2 float, 4 bfloat, 5 complex, 6 bool */
} types[] = {{VT_DTYPE_F32, 2, 32}, {VT_DTYPE_F64, 2, 64}, {VT_DTYPE_F16, 2, 16}, {VT_DTYPE_BF16, 4, 16}, {VT_DTYPE_I64, 0, 64}, {VT_DTYPE_I32, 0, 32},
    {VT_DTYPE_I8, 0, 8}, {VT_DTYPE_U8, 1, 8}, {VT_DTYPE_BOOL, 6, 8}, {VT_DTYPE_C64, 5, 64}, {VT_DTYPE_C128, 5, 128}};

/* What an exported array keeps. */
struct lent {
    struct vt__dl_managed legacy;
    struct vt__dl_versioned versioned;
    vt_tensor *tensor;
    int64_t shape[VT__MAX_DIMS], strides[VT__MAX_DIMS];
};

static void drop_lent(struct lent *lent) {
    vt_tensor *t = lent->tensor;
    vt_context *ctx = vt__context_retain(t->ctx);
    vt__free(ctx, lent);
    vt__tensor_release(t);
    vt__context_release(ctx);
}

static void delete_legacy(struct vt__dl_managed *self) { drop_lent(self->manager); }
static void delete_versioned(struct vt__dl_versioned *self) { drop_lent(self->manager); }

vt_status vt__dlpack_export(vt_tensor *t, struct vt__dl_managed **legacy, struct vt__dl_versioned **versioned) {
    struct vt__dl_tensor dl = {.device = {DL_CPU, 0}, .ndim = t->ndim, .dtype = {.lanes = 1}};
    if (t->requires_grad) return vt__fail(VT_ERR_STATE, "dlpack: the tensor requires a gradient; detach it first");
    vt_status st = vt__recorder_check_read("dlpack", t);
    if (st != VT_OK) return st;
    if (!t->storage->backend->host_readable) return vt__fail(VT_ERR_DEVICE, "dlpack: the memory of %s is not this process's", t->storage->backend->name);
    if (legacy && t->storage->read_only) return vt__fail(VT_ERR_STATE, "dlpack: the tensor is read-only, which only the versioned struct can say");
    struct lent *lent = vt__calloc(t->ctx, sizeof *lent);
    if (!lent) return vt__fail_nomem("dlpack", sizeof *lent);
    lent->tensor = vt__tensor_retain(t);
    memcpy(lent->shape, t->shape, sizeof lent->shape);
    memcpy(lent->strides, t->strides, sizeof lent->strides);
    dl.data = vt__tensor_to_view(t).data;
    dl.shape = lent->shape;
    dl.strides = lent->strides;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].dtype == t->dtype) dl.dtype.code = types[i].code, dl.dtype.bits = types[i].bits;
    if (legacy) {
        lent->legacy = (struct vt__dl_managed){dl, lent, delete_legacy};
        *legacy = &lent->legacy;
    } else {
        lent->versioned = (struct vt__dl_versioned){{DL_MAJOR, 0}, lent, delete_versioned, t->storage->read_only ? DL_READ_ONLY : 0, dl};
        *versioned = &lent->versioned;
    }
    return VT_OK;
}

static void end_legacy(void *user) {
    struct vt__dl_managed *m = user;
    if (m->deleter) m->deleter(m);
}

static void end_versioned(void *user) {
    struct vt__dl_versioned *m = user;
    if (m->deleter) m->deleter(m);
}

static vt_status describe(const struct vt__dl_tensor *dl, struct vt__desc *desc, int64_t *strides) {
    *desc = (struct vt__desc){.dtype = -1, .ndim = dl->ndim};
    if (dl->device.type != DL_CPU) return vt__fail(VT_ERR_DEVICE, "dlpack: an array on a device of type %d; only the CPU's (1) can be taken", dl->device.type);
    if (dl->ndim < 0 || dl->ndim > VT__MAX_DIMS) return vt__fail(VT_ERR_SHAPE, "dlpack: %d dimensions, 0 to %d are possible", dl->ndim, VT__MAX_DIMS);
    if (dl->ndim && !dl->shape) return vt__fail(VT_ERR_INVALID, "dlpack: no extents");
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].code == dl->dtype.code && types[i].bits == dl->dtype.bits && dl->dtype.lanes == 1) desc->dtype = types[i].dtype;
    if (desc->dtype < 0)
        return vt__fail(VT_ERR_DTYPE, "dlpack: elements of code %d, %d bits, %d lanes", dl->dtype.code, dl->dtype.bits, dl->dtype.lanes);
    for (int32_t i = 0; i < dl->ndim; i++) desc->shape[i] = dl->shape[i];
    vt_status st = vt__desc_check("dlpack", desc, NULL);
    if (st != VT_OK) return st;
    vt__strides_dense(desc, strides);
    for (int32_t i = 0; dl->strides && i < dl->ndim; i++) strides[i] = dl->strides[i];
    return VT_OK;
}

vt_status vt__dlpack_import(vt_context *ctx, struct vt__dl_managed *legacy, struct vt__dl_versioned *versioned, vt_tensor **out) {
    const struct vt__dl_tensor *dl = legacy ? &legacy->tensor : &versioned->tensor;
    struct vt__desc desc, flat;
    int64_t strides[VT__MAX_DIMS], first, last;
    vt_tensor *base = NULL;

    *out = NULL;
    if (versioned && versioned->version.major != DL_MAJOR) return vt__fail(VT_ERR_UNSUPPORTED, "dlpack: version %u, need 1", versioned->version.major);
    vt_status st = describe(dl, &desc, strides);
    if (st == VT_OK) st = vt__strides_reach(&desc, strides, &first, &last);
    if (st != VT_OK) return st;
    if (last >= first && !dl->data) return vt__fail(VT_ERR_INVALID, "dlpack: no data");

    /* All elements that the strides reach, as one vector; the array is a view of it. */
    int64_t n = last - first + 1;
    size_t width = vt__dtype_size(desc.dtype);
    char *begin = n ? (char *)dl->data + dl->byte_offset + first * (int64_t)width : (char *)dl->data;
    flat = (struct vt__desc){.dtype = desc.dtype, .ndim = 1, .shape = {n}};
    st = vt__tensor_borrow(ctx, &vt__backend_cpu, begin, (size_t)n * width, &flat, NULL, versioned && (versioned->flags & DL_READ_ONLY), NULL, NULL, &base);
    if (st == VT_OK) st = vt__tensor_view(base, &desc, strides, -first, out);
    if (st == VT_OK) {
        base->storage->release = legacy ? end_legacy : end_versioned;
        base->storage->user = legacy ? (void *)legacy : (void *)versioned;
    }
    vt__tensor_release(base);
    return st;
}
