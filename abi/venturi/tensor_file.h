/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Tensors in files: NumPy's .npy (one array) and safetensors (many by name). Files are mapped: what is read stays in the file where its type and place
 * allow it, is read-only, and keeps the mapping alive; a file that somebody shortens meanwhile takes the process down, as with every mapping. Files are
 * replaced whole: a crash leaves the old one or the new one. */
#ifndef VENTURI_TENSOR_FILE_H
#define VENTURI_TENSOR_FILE_H

#include "venturi/types.h"

/**
 * The array of an .npy file, versions 1 to 3; i16 and u16 become i32.
 *
 * Errors:  NOT_FOUND, IO, FORMAT, UNSUPPORTED (big-endian, records, other types), LIMIT, NOMEM.
 */
VT_API VT_MUST_USE vt_status vt_tensor_open_npy(vt_context *ctx, const char *path, vt_tensor **out);
/** Errors:  DTYPE (bf16, which NumPy lacks), IO, NOT_FOUND (no such folder), NOMEM. */
VT_API VT_MUST_USE vt_status vt_tensor_save_npy(vt_tensor *tensor, const char *path);

/* An open safetensors file: immutable, shared by any threads; tensors taken from it outlive the handle. */
typedef struct vt_tensor_file vt_tensor_file;

/** Errors:  NOT_FOUND, IO, FORMAT, LIMIT, UNSUPPORTED (element type, more than 8 dimensions), NOMEM. */
VT_API VT_MUST_USE vt_status vt_tensor_file_open(vt_context *ctx, const char *path, vt_tensor_file **out);
VT_API vt_tensor_file *vt_tensor_file_retain(vt_tensor_file *file);
VT_API void vt_tensor_file_release(vt_tensor_file *file);
/** Number of tensors; 0 for NULL. */
VT_API int64_t vt_tensor_file_count(const vt_tensor_file *file);
/** Name of tensor i, borrowed; NULL if there is none. In the order of the file's header. */
VT_API const char *vt_tensor_file_name(const vt_tensor_file *file, int64_t i);
/** The tensor with this name. Errors:  NOT_FOUND, UNSUPPORTED, NOMEM. */
VT_API VT_MUST_USE vt_status vt_tensor_file_get(vt_tensor_file *file, const char *name, vt_tensor **out);
/** Replaces path by n tensors. Errors:  INVALID (a name that is empty, over 1,024 bytes, given twice, "__metadata__", has control characters or is no UTF-8),
 * DTYPE (complex), IO, NOT_FOUND, NOMEM. */
VT_API VT_MUST_USE vt_status vt_tensors_save(vt_context *ctx, const char *path, const char *const *names, vt_tensor *const *tensors, int64_t n);

#endif
