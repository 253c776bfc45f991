/* Bytes of files as tensors and back: what the formats share. */
#ifndef VENTURI_FORMATS_TENSOR_BYTES_H
#define VENTURI_FORMATS_TENSOR_BYTES_H

#include "core/io.h"
#include "tensor/tensor.h"

/* Row-major elements of desc at data: in place, read-only, where tensors have the type and the bytes are aligned; else copied (i16 and u16 to i32).
 * release(user) when the bytes are no longer needed, also on failure. */
vt_status vt__tensor_of_bytes(vt_context *ctx, const unsigned char *data, size_t size, const struct vt__desc *desc, void (*release)(void *user), void *user,
                              vt_tensor **out);
/* The tensor's elements in row-major order. */
vt_status vt__tensor_write_bytes(vt__replacement *file, vt_tensor *t);

#endif
