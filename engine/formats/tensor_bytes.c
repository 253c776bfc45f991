#include "formats/tensor_bytes.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "tensor/record.h"

/* 16-bit integers become i32 in blocks. */
static vt_status widen(vt_tensor *t, const unsigned char *data, int32_t dtype) {
    int64_t n = vt__tensor_count(t);
    int32_t *wide = vt__alloc64_2(t->ctx, n, 1, sizeof *wide);
    if (!wide) return vt__fail_nomem("tensor", (size_t)n * sizeof *wide);
    for (int64_t i = 0; i < n; i++) {
        int32_t v = data[2 * i] | data[2 * i + 1] << 8;
        wide[i] = dtype == VT_DTYPE_I16 && v > INT16_MAX ? v - 65536 : v;
    }
    vt_status st = vt__tensor_write(t, wide, (size_t)n * sizeof *wide);
    vt__free(t->ctx, wide);
    return st;
}

vt_status vt__tensor_of_bytes(vt_context *ctx, const unsigned char *data, size_t size, const struct vt__desc *desc, void (*release)(void *user), void *user,
                              vt_tensor **out) {
    struct vt__desc d = *desc;
    int narrow = d.dtype == VT_DTYPE_I16 || d.dtype == VT_DTYPE_U16;
    size_t width = vt__dtype_size(d.dtype), align = d.dtype == VT_DTYPE_C64 ? 4 : width == 16 ? 8 : width;
    vt_status st;

    *out = NULL;
    if (narrow) d.dtype = VT_DTYPE_I32;
    if (!narrow && width && size && (uintptr_t)data % align == 0) {
        st = vt__tensor_borrow(ctx, &vt__backend_cpu, (void *)(uintptr_t)data, size, &d, NULL, 1, release, user, out);
        if (st != VT_OK) release(user);
        return st;
    }
    st = narrow || width ? vt__tensor_create(ctx, &vt__backend_cpu, &d, out) : vt__fail(VT_ERR_UNSUPPORTED, "tensor: elements of type %d", d.dtype);
    if (st == VT_OK) st = narrow ? widen(*out, data, desc->dtype) : vt__tensor_write(*out, data, size);
    release(user);
    if (st != VT_OK) vt__tensor_release(*out), *out = NULL;
    return st;
}

vt_status vt__tensor_write_bytes(vt__replacement *file, vt_tensor *t) {
    size_t size = (size_t)vt__tensor_count(t) * vt__dtype_size(t->dtype);
    vt_status st = vt__recorder_check_read("save", t);
    if (st != VT_OK) return st;
    if (t->storage->backend->host_readable && vt__tensor_is_dense(t)) return vt__replacement_write(file, vt__tensor_to_view(t).data, size);
    void *bytes = vt__alloc(t->ctx, size);
    st = bytes ? vt__tensor_read(t, bytes, size) : vt__fail_nomem("tensor", size);
    if (st == VT_OK) st = vt__replacement_write(file, bytes, size);
    vt__free(t->ctx, bytes);
    return st;
}
