/* Tensors in files: NumPy's .npy, one array, and safetensors, many by name. What is read stays in the mapped file where its type and place allow it
 * (row-major, aligned) and is copied else; i16 and u16 become i32. Tensors of a mapped file are read-only. */
#ifndef VENTURI_FORMATS_TENSOR_FILE_H
#define VENTURI_FORMATS_TENSOR_FILE_H

#include "formats/safetensors.h"
#include "tensor/tensor.h"

/* Errors: as vt__map_file, vt__npy_parse; NOMEM. */
vt_status vt__tensor_open_npy(vt_context *ctx, const char *path, vt_tensor **out);
/* Replaces path. bf16 has no NumPy type: DTYPE. Errors: IO, NOT_FOUND, NOMEM, DEVICE. */
vt_status vt__tensor_save_npy(vt_tensor *t, const char *path);

/* A tensor of an open safetensors file; UNSUPPORTED for types that tensors do not have. */
vt_status vt__tensor_of_file(vt_context *ctx, vt__safetensors *file, const vt__safetensor *entry, vt_tensor **out);
/* Replaces path by n tensors in the order given. INVALID: a name that is empty, over 1,024 bytes, given twice, "__metadata__", has control
 * characters or is no UTF-8; DTYPE: complex numbers. */
vt_status vt__tensors_save(vt_context *ctx, const char *path, const char *const *names, vt_tensor *const *tensors, int64_t n);

#endif
