/* Public calls of venturi/tensor_file.h: check and forward. A vt_tensor_file is an open safetensors file. */
#include "venturi/tensor_file.h"

#include "core/error.h"
#include "formats/tensor_file.h"

static vt__safetensors *inside(const vt_tensor_file *file) { return (vt__safetensors *)(uintptr_t)file; }
static vt_tensor_file *outside(vt__safetensors *file) { return (vt_tensor_file *)(void *)file; }

vt_status vt_tensor_open_npy(vt_context *ctx, const char *path, vt_tensor **out) {
    if (out) *out = NULL;
    if (!ctx || !path || !out) return vt__fail(VT_ERR_INVALID, "npy: ctx, path or out is NULL");
    return vt__tensor_open_npy(ctx, path, out);
}

vt_status vt_tensor_save_npy(vt_tensor *tensor, const char *path) {
    if (!tensor || !path) return vt__fail(VT_ERR_INVALID, "npy: tensor or path is NULL");
    return vt__tensor_save_npy(tensor, path);
}

vt_status vt_tensor_file_open(vt_context *ctx, const char *path, vt_tensor_file **out) {
    vt__safetensors *file = NULL;
    if (out) *out = NULL;
    if (!ctx || !path || !out) return vt__fail(VT_ERR_INVALID, "safetensors: ctx, path or out is NULL");
    vt_status st = vt__safetensors_open(ctx, path, &file);
    *out = outside(file);
    return st;
}

vt_tensor_file *vt_tensor_file_retain(vt_tensor_file *file) { return file ? outside(vt__safetensors_retain(inside(file))) : NULL; }
void vt_tensor_file_release(vt_tensor_file *file) { vt__safetensors_release(inside(file)); }
int64_t vt_tensor_file_count(const vt_tensor_file *file) { return file ? vt__safetensors_count(inside(file)) : 0; }

const char *vt_tensor_file_name(const vt_tensor_file *file, int64_t i) {
    if (!file || i < 0 || i >= vt__safetensors_count(inside(file))) return NULL;
    return vt__safetensors_at(inside(file), i)->name;
}

vt_status vt_tensor_file_get(vt_tensor_file *file, const char *name, vt_tensor **out) {
    if (out) *out = NULL;
    if (!file || !name || !out) return vt__fail(VT_ERR_INVALID, "safetensors: file, name or out is NULL");
    const vt__safetensor *entry = vt__safetensors_find(inside(file), name);
    if (!entry) return vt__fail(VT_ERR_NOT_FOUND, "%s: no tensor '%.80s'", vt__safetensors_name(inside(file)), name);
    return vt__tensor_of_file(vt__safetensors_context(inside(file)), inside(file), entry, out);
}

vt_status vt_tensors_save(vt_context *ctx, const char *path, const char *const *names, vt_tensor *const *tensors, int64_t n) {
    if (!ctx || !path || n < 0 || (n && (!names || !tensors))) return vt__fail(VT_ERR_INVALID, "safetensors: ctx, path, names or tensors is NULL");
    for (int64_t i = 0; i < n; i++)
        if (!names[i] || !tensors[i]) return vt__fail(VT_ERR_INVALID, "safetensors: name or tensor %lld is NULL", (long long)i);
    return vt__tensors_save(ctx, path, names, tensors, n);
}
