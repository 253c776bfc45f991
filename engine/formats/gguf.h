/* GGUF reader (versions 2 and 3, little-endian): metadata and tensor views into a mapped file. Every count, length and offset is checked
 * against the bytes that are there before anything is allocated or handed out. Not here: what keys mean (llm, text). */
#ifndef VENTURI_FORMATS_GGUF_H
#define VENTURI_FORMATS_GGUF_H

#include "venturi/types.h"

typedef struct vt__gguf vt__gguf; /* immutable after open; reference counted, atomic */

enum { /* value types of the format */
    VT__GGUF_U8, VT__GGUF_I8, VT__GGUF_U16, VT__GGUF_I16, VT__GGUF_U32, VT__GGUF_I32, VT__GGUF_F32, VT__GGUF_BOOL,
    VT__GGUF_STRING, VT__GGUF_ARRAY, VT__GGUF_U64, VT__GGUF_I64, VT__GGUF_F64
};

typedef struct vt__gguf_str {
    const char *data; /* into the file: not NUL-terminated */
    size_t len;
} vt__gguf_str;

typedef struct vt__gguf_array {
    int32_t type;     /* of the elements */
    int64_t count;
    const unsigned char *data; /* packed little-endian elements, unaligned; strings are length-prefixed: use vt__gguf_next_string */
    const unsigned char *end;
} vt__gguf_array;

typedef struct vt__gguf_tensor {
    const char *name;  /* NUL-terminated, owned by the gguf */
    int32_t dtype;     /* VT_DTYPE_*, known to quant */
    int32_t n_dims;    /* 1..4 */
    int64_t ne[4];     /* ne[0] fastest; unused ones are 1 */
    const void *data;  /* into the file, within it */
    size_t size;
} vt__gguf_tensor;

/* Maps the file; of a model in several files (NAME-00001-of-00003.gguf) any of them, and the others that lie beside it: one set of tensors in
 * the order of the files, and the keys of the first. Errors: NOT_FOUND (a file of the set too), IO, FORMAT, UNSUPPORTED (version, big-endian,
 * tensor type), NOMEM. */
vt_status vt__gguf_open(vt_context *ctx, const char *path, vt__gguf **out);
/* Reads bytes that the caller keeps until the release; name is for messages. UNSUPPORTED for a part of a set. */
vt_status vt__gguf_parse(vt_context *ctx, const char *name, const void *data, size_t size, vt__gguf **out);
/* The same for each of n >= 2 parts of a set, in order; names: "set.gguf (part 1)" and so on. */
vt_status vt__gguf_parse_parts(vt_context *ctx, const char *name, const void *const *data, const size_t *sizes, int64_t n, vt__gguf **out);
vt__gguf *vt__gguf_retain(vt__gguf *g);
void vt__gguf_release(vt__gguf *g);
const char *vt__gguf_name(const vt__gguf *g); /* path or name, for messages */

/* Bytes of a tensor, or of everything where data is NULL, that are not needed for now: see vt__mapping_forget. Nothing happens to bytes that the caller
 * keeps. */
void vt__gguf_forget(const vt__gguf *g, const void *data, size_t size);

int64_t vt__gguf_tensor_count(const vt__gguf *g);
const vt__gguf_tensor *vt__gguf_tensor_at(const vt__gguf *g, int64_t i);
const vt__gguf_tensor *vt__gguf_tensor_find(const vt__gguf *g, const char *name); /* NULL when absent */

int64_t vt__gguf_key_count(const vt__gguf *g);
const char *vt__gguf_key_at(const vt__gguf *g, int64_t i); /* NUL-terminated */
/* Value i as text, for people; long arrays as their length and first items. */
vt_status vt__gguf_value_text(const vt__gguf *g, int64_t i, vt_buffer **out);

/* Value of a key. Errors: NOT_FOUND (absent), FORMAT (another type, or out of the range asked for), with file and key in the message. */
vt_status vt__gguf_get_int(const vt__gguf *g, const char *key, int64_t min, int64_t max, int64_t *out); /* any integer type */
vt_status vt__gguf_get_float(const vt__gguf *g, const char *key, double *out);                          /* F32 or F64, finite */
vt_status vt__gguf_get_bool(const vt__gguf *g, const char *key, int *out);
vt_status vt__gguf_get_str(const vt__gguf *g, const char *key, vt__gguf_str *out);
vt_status vt__gguf_get_array(const vt__gguf *g, const char *key, int32_t type, vt__gguf_array *out);
int vt__gguf_has(const vt__gguf *g, const char *key);

/* Takes the next string off an array of strings; the reader has checked that all lengths lie within. 0 at the end. */
int vt__gguf_next_string(vt__gguf_array *array, vt__gguf_str *out);

#endif
