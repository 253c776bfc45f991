#include "device/block.h"

#include <string.h>

#include "device/device.h"
#include "vtk.h"
#include "vtk_map.h"

int32_t vt__compute_type(int32_t dtype) {
    switch (vt__dtype_kind(dtype)) {
    case VT__KIND_COMPLEX: return VT_DTYPE_C128;
    case VT__KIND_FLOAT: return dtype == VT_DTYPE_F64 ? VT_DTYPE_F64 : VT_DTYPE_F32;
    default: return VT_DTYPE_I64;
    }
}

struct vt__view vt__view_broadcast(const struct vt__view *v, const struct vt__view *like) {
    struct vt__view r = *v;
    int32_t extra = like->ndim - v->ndim;
    r.ndim = like->ndim;
    for (int32_t i = 0; i < like->ndim; i++) {
        r.shape[i] = like->shape[i];
        r.strides[i] = i < extra || v->shape[i - extra] != like->shape[i] ? 0 : v->strides[i - extra];
    }
    return r;
}

/* The kernels' number of a type. */
static int type_of(int32_t dtype) {
    switch (dtype) {
    case VT_DTYPE_BOOL: return VTK_T_BOOL;
    case VT_DTYPE_U8: return VTK_T_U8;
    case VT_DTYPE_I8: return VTK_T_I8;
    case VT_DTYPE_I32: return VTK_T_I32;
    case VT_DTYPE_I64: return VTK_T_I64;
    case VT_DTYPE_F16: return VTK_T_F16;
    case VT_DTYPE_BF16: return VTK_T_BF16;
    case VT_DTYPE_F32: return VTK_T_F32;
    case VT_DTYPE_F64: return VTK_T_F64;
    case VT_DTYPE_C64: return VTK_T_C64;
    default: return VTK_T_C128;
    }
}

int vt__size_class(int32_t dtype) { return __builtin_ctzll((unsigned long long)vt__dtype_size(dtype)); }

void vt__convert(int32_t to, void *out, int32_t from, const void *in, int64_t n) {
    const struct vtk_map *map = vtk_get()->map;
    size_t out_size = vt__dtype_size(to), in_size = vt__dtype_size(from);
    if (to == from) {
        memcpy(out, in, (size_t)n * out_size);
        return;
    }
    if (map->convert[type_of(from)][type_of(to)]) {
        map->convert[type_of(from)][type_of(to)](out, in, n);
        return;
    }
    _Alignas(64) float middle[VT__BLOCK]; /* halves go by way of f32 */
    for (int64_t at = 0; at < n; at += VT__BLOCK) {
        int64_t m = n - at < VT__BLOCK ? n - at : VT__BLOCK;
        map->convert[type_of(from)][VTK_T_F32](middle, (const char *)in + (size_t)at * in_size, m);
        map->convert[VTK_T_F32][type_of(to)]((char *)out + (size_t)at * out_size, middle, m);
    }
}

/* Moves elements first to first+n-1 between the view and a dense row of its own type. */
static void move(const struct vt__view *v, int64_t first, int64_t n, char *row, int to_view) {
    const struct vtk_map *map = vtk_get()->map;
    int64_t at[VT__MAX_DIMS] = {0}, offset = 0, rest = first;
    size_t size = vt__dtype_size(v->dtype);
    int32_t last = v->ndim - 1, class = vt__size_class(v->dtype);
    for (int32_t d = last; d >= 0; d--) {
        at[d] = rest % v->shape[d];
        rest /= v->shape[d];
        offset += at[d] * v->strides[d];
    }
    int64_t step = last < 0 ? 0 : v->strides[last];
    while (n > 0) {
        int64_t take = last < 0 ? 1 : v->shape[last] - at[last], d = last - 1;
        char *p = (char *)v->data + offset * (int64_t)size;
        if (take > n) take = n;
        if (step == 1) memcpy(to_view ? p : row, to_view ? row : p, (size_t)take * size);
        else if (to_view) map->scatter[class](p, step, row, take);
        else map->gather[class](row, p, step, take);
        row += (size_t)take * size;
        n -= take;
        if (n <= 0) break;
        offset -= at[last] * v->strides[last];
        at[last] = 0;
        for (; d >= 0; d--) {
            offset += v->strides[d];
            if (++at[d] < v->shape[d]) break;
            offset -= at[d] * v->strides[d];
            at[d] = 0;
        }
    }
}

const void *vt__block_load(const struct vt__view *v, int64_t first, int64_t n, int32_t type, void *buffer) {
    size_t size = vt__dtype_size(v->dtype), width = vt__dtype_size(type);
    if (vt__view_is_dense(v)) {
        const char *p = (const char *)v->data + (size_t)first * size;
        if (v->dtype == type) return p;
        vt__convert(type, buffer, v->dtype, p, n);
        return buffer;
    }
    if (v->dtype == type) {
        move(v, first, n, buffer, 0);
        return buffer;
    }
    _Alignas(64) char raw[VT__BLOCK * VT__WIDEST];
    for (int64_t at = 0; at < n; at += VT__BLOCK) {
        int64_t m = n - at < VT__BLOCK ? n - at : VT__BLOCK;
        move(v, first + at, m, raw, 0);
        vt__convert(type, (char *)buffer + (size_t)at * width, v->dtype, raw, m);
    }
    return buffer;
}

void vt__block_store(const struct vt__view *v, int64_t first, int64_t n, int32_t type, const void *values) {
    size_t size = vt__dtype_size(v->dtype), width = vt__dtype_size(type);
    if (vt__view_is_dense(v)) {
        vt__convert(v->dtype, (char *)v->data + (size_t)first * size, type, values, n);
        return;
    }
    _Alignas(64) char raw[VT__BLOCK * VT__WIDEST];
    for (int64_t at = 0; at < n; at += VT__BLOCK) {
        int64_t m = n - at < VT__BLOCK ? n - at : VT__BLOCK;
        vt__convert(v->dtype, raw, type, (const char *)values + (size_t)at * width, m);
        move(v, first + at, m, raw, 1);
    }
}
