/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Interchange formats: JSON and MessagePack, translated into each other and checked, and NumPy's arrays, read. MessagePack is what
 * scripts are called with (venturi/script.h). Not here: model files, pictures (venturi/media.h). */
#ifndef VENTURI_FORMAT_H
#define VENTURI_FORMAT_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** JSON text (RFC 8259, UTF-8) as one MessagePack value; integers stay integers; key order is kept; duplicate keys and depth above 64
 *  are refused. Errors: VT_ERR_FORMAT (with line and column), VT_ERR_LIMIT (also: text over 1 GiB), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_json_to_msgpack(vt_context *ctx, const char *text, size_t len, vt_buffer **out);

enum { VT_JSON_INDENT = 1 }; /* two spaces a level and newlines; otherwise compact */

/** One MessagePack value as JSON text. Binary strings, extensions, NaN, infinities and keys that are no strings have no JSON form:
 *  VT_ERR_UNSUPPORTED. Errors: also VT_ERR_FORMAT, VT_ERR_INVALID (unknown flags), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_json_from_msgpack(vt_context *ctx, const void *data, size_t size, uint32_t flags, vt_buffer **out);

/** Walks one MessagePack value without allocating: counts are bounded by the bytes left, depth by 64, nothing may follow the value.
 *  Errors: VT_ERR_FORMAT, VT_ERR_LIMIT (depth). */
VT_API VT_MUST_USE vt_status vt_msgpack_check(const void *data, size_t size);

/* ---- NumPy's .npy, versions 1 to 3: one array ---- */

#define VT_NPY_DIMS 8
#define VT_NPY_SAME (-1) /* as dtype: the file's own */

typedef struct vt_npy {
    uint32_t struct_size;  /* set by the caller; only so many bytes are written */
    int32_t dtype;         /* VT_DTYPE_F32 F64 F16 I8 I16 I32 I64 U8 U16 BOOL C64 C128 */
    int32_t n_dims;        /* 0 for a scalar */
    int32_t fortran_order; /* 1: the first index runs fastest in the file */
    int64_t shape[VT_NPY_DIMS]; /* unused extents are 1 */
    int64_t count;         /* elements */
    uint64_t offset;       /* of the first element in the file, which may be unaligned */
    uint64_t size;         /* bytes of the elements; all of them are there */
} vt_npy;

/** Reads the header of a file's bytes and checks that its elements are there; what follows them is ignored, as NumPy does. Never allocates.
 *  Errors: VT_ERR_INVALID, VT_ERR_FORMAT, VT_ERR_LIMIT (product over 2^63), VT_ERR_UNSUPPORTED (version, big-endian, records, objects, text, more
 *  than 8 dimensions; the message names it). */
VT_API VT_MUST_USE vt_status vt_npy_parse(const void *data, size_t size, vt_npy *out);

/** The elements in C order (the last index runs fastest), whatever the file's order. dtype: VT_NPY_SAME, or VT_DTYPE_F32 or VT_DTYPE_F64 to have
 *  real numbers rounded to that. Errors: as vt_npy_parse; VT_ERR_DTYPE (another dtype; complex numbers as floats), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_npy_read(vt_context *ctx, const void *data, size_t size, int32_t dtype, vt_buffer **out);

#ifdef __cplusplus
}
#endif
#endif
