/* Tensors from and to NumPy's .npy files. */
#include <stdio.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "formats/npy.h"
#include "formats/tensor_bytes.h"
#include "formats/tensor_file.h"

/* A mapping that tensors keep alive. */
struct mapped {
    vt_context *ctx;
    vt__mapping map;
};

static void unmap(void *user) {
    struct mapped *m = user;
    vt_context *ctx = m->ctx;
    vt__unmap_file(ctx, &m->map);
    vt__free(ctx, m);
    vt__context_release(ctx);
}

/* The file's extents; Fortran order: of the transpose, whose rows lie as the file has them. */
static struct vt__desc describe(const vt__npy *npy) {
    struct vt__desc d = {.dtype = npy->dtype, .ndim = npy->n_dims};
    for (int32_t i = 0; i < d.ndim; i++) d.shape[i] = npy->shape[npy->fortran_order ? d.ndim - 1 - i : i];
    return d;
}

/* All dims the other way round, without a copy. */
static vt_status reverse_dims(vt_tensor **t) {
    struct vt__desc desc = vt__tensor_desc(*t);
    int64_t strides[VT__MAX_DIMS];
    vt_tensor *view = NULL;
    for (int32_t i = 0; i < desc.ndim; i++) {
        desc.shape[i] = (*t)->shape[desc.ndim - 1 - i];
        strides[i] = (*t)->strides[desc.ndim - 1 - i];
    }
    vt_status st = vt__tensor_view(*t, &desc, strides, (*t)->offset, &view);
    vt__tensor_release(*t);
    *t = view;
    return st;
}

vt_status vt__tensor_open_npy(vt_context *ctx, const char *path, vt_tensor **out) {
    vt__npy npy;
    *out = NULL;
    struct mapped *m = vt__calloc(ctx, sizeof *m);
    if (!m) return vt__fail_nomem("npy", sizeof *m);
    m->ctx = vt__context_retain(ctx);
    vt_status st = vt__map_file(ctx, path, &m->map);
    if (st == VT_OK) st = vt__npy_parse(m->map.data, m->map.size, &npy);
    if (st == VT_OK) {
        struct vt__desc desc = describe(&npy);
        st = vt__tensor_of_bytes(ctx, m->map.data + npy.offset, npy.size, &desc, unmap, m, out);
        m = NULL;
    }
    if (m) unmap(m);
    if (st == VT_OK && npy.fortran_order) st = reverse_dims(out);
    return st;
}

static const char *type_code(int32_t dtype) {
    switch (dtype) {
    case VT_DTYPE_F32: return "<f4";
    case VT_DTYPE_F64: return "<f8";
    case VT_DTYPE_F16: return "<f2";
    case VT_DTYPE_I64: return "<i8";
    case VT_DTYPE_I32: return "<i4";
    case VT_DTYPE_I8: return "|i1";
    case VT_DTYPE_U8: return "|u1";
    case VT_DTYPE_BOOL: return "|b1";
    case VT_DTYPE_C64: return "<c8";
    case VT_DTYPE_C128: return "<c16";
    default: return NULL;
    }
}

enum { HEADER = 320, ALIGNMENT = 64, PREFIX = 10 };

/* Version 1.0, padded with spaces to a multiple of 64 bytes. */
static size_t make_header(const vt_tensor *t, char *text) {
    int n = snprintf(text + PREFIX, HEADER - PREFIX, "{'descr': '%s', 'fortran_order': False, 'shape': (", type_code(t->dtype));
    for (int32_t i = 0; i < t->ndim; i++) n += snprintf(text + PREFIX + n, (size_t)(HEADER - PREFIX - n), t->ndim == 1 ? "%lld," : i ? ", %lld" : "%lld", (long long)t->shape[i]);
    n += snprintf(text + PREFIX + n, (size_t)(HEADER - PREFIX - n), "), }");
    size_t len = ((size_t)(PREFIX + n) + 1 + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    memset(text + PREFIX + n, ' ', len - (size_t)(PREFIX + n) - 1);
    text[len - 1] = '\n';
    memcpy(text, "\x93NUMPY\x01\x00", 8);
    text[8] = (char)((len - PREFIX) & 255);
    text[9] = (char)((len - PREFIX) >> 8);
    return len;
}

vt_status vt__tensor_save_npy(vt_tensor *t, const char *path) {
    vt__replacement file = {0};
    char header[HEADER + ALIGNMENT];
    if (!type_code(t->dtype)) return vt__fail(VT_ERR_DTYPE, "npy: NumPy has no type %s; cast first", vt__dtype_name(t->dtype));
    size_t len = make_header(t, header);
    vt_status st = vt__replacement_begin(&file, t->ctx, path);
    if (st == VT_OK) st = vt__replacement_write(&file, header, len);
    if (st == VT_OK) st = vt__tensor_write_bytes(&file, t);
    if (st == VT_OK) st = vt__replacement_commit(&file);
    vt__replacement_drop(&file);
    return st;
}
