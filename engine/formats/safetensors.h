/* safetensors reader: named tensors of a mapped file. 8 bytes length of the header, the header in JSON, the bytes of the tensors. Every offset is
 * checked against the shape and the file before anything is handed out. Not here: what names mean (encode). */
#ifndef VENTURI_FORMATS_SAFETENSORS_H
#define VENTURI_FORMATS_SAFETENSORS_H

#include "venturi/types.h"

enum { VT__SAFETENSOR_DIMS = 8 };

typedef struct vt__safetensors vt__safetensors; /* immutable after open; reference counted, atomic */

typedef struct vt__safetensor {
    const char *name; /* NUL-terminated, owned by the file's handle */
    int32_t dtype;    /* VT_DTYPE_F32 F64 F16 BF16 I8 I16 I32 I64 U8 U16 BOOL */
    int32_t n_dims;
    int64_t shape[VT__SAFETENSOR_DIMS]; /* unused extents are 1 */
    const unsigned char *data;          /* into the file, within it; unaligned */
    size_t size;
} vt__safetensor;

/* Maps the file. Errors: NOT_FOUND, IO, FORMAT (header, shapes, offsets: overlap, holes, short data), LIMIT (header over 100 MB, depth), UNSUPPORTED
 * (element type, more than 8 dimensions), NOMEM. */
vt_status vt__safetensors_open(vt_context *ctx, const char *path, vt__safetensors **out);
/* Reads bytes that the caller keeps until the release; name is for messages. */
vt_status vt__safetensors_parse(vt_context *ctx, const char *name, const void *data, size_t size, vt__safetensors **out);
vt__safetensors *vt__safetensors_retain(vt__safetensors *s);
void vt__safetensors_release(vt__safetensors *s);

vt_context *vt__safetensors_context(const vt__safetensors *s);
const char *vt__safetensors_name(const vt__safetensors *s); /* end of the path or name, for messages */
int64_t vt__safetensors_count(const vt__safetensors *s);
const vt__safetensor *vt__safetensors_at(const vt__safetensors *s, int64_t i); /* in the header's order */
const vt__safetensor *vt__safetensors_find(const vt__safetensors *s, const char *name); /* NULL when absent */

#endif
