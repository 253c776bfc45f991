/* What the reader's files share: the parsed form of a GGUF file. */
#ifndef VENTURI_FORMATS_GGUF_INTERNAL_H
#define VENTURI_FORMATS_GGUF_INTERNAL_H

#include <stdatomic.h>
#include <string.h>

#include "core/io.h"
#include "formats/gguf.h"

/* One value, checked to lie within the file. */
typedef struct vt__gguf_value {
    int32_t type;
    vt__gguf_array array;      /* of VT__GGUF_ARRAY; otherwise one element of `type` */
} vt__gguf_value;

/* Names of keys or of tensors: unique, valid UTF-8 without control characters, NUL-terminated in one block. */
typedef struct vt__gguf_names {
    int64_t n;
    vt__gguf_str *name;
    int64_t *order; /* indices sorted by name, for the search */
    char *pool;
} vt__gguf_names;

struct vt__gguf {
    atomic_int refs;
    vt_context *ctx;
    char *name;         /* for messages: the last part of a long path */
    vt__mapping map;    /* empty when the bytes are the caller's */
    const unsigned char *data;
    size_t size;
    vt__gguf_names keys, tensor_names;
    vt__gguf_value *values;    /* [keys.n] */
    vt__gguf_tensor *tensors;  /* [tensor_names.n] */
    vt__gguf **parts;          /* [n_parts] the other files of a set, whose tensors are among `tensors`; NULL entries: not open yet */
    int64_t n_parts;
};

/* Reads g->data into the rest of g; on failure g is half built, for the release. */
vt_status vt__gguf_read(vt__gguf *g);

/* The parser of bytes, for parts of sets too. */
vt_status vt__gguf_parse_part(vt_context *ctx, const char *name, const void *data, size_t size, vt__gguf **out);
/* One mapped file, without its companions. */
vt_status vt__gguf_open_part(vt_context *ctx, const char *path, vt__gguf **out);

/* What a file says about the set that it belongs to; count 1: it is no part of a set. */
typedef struct vt__gguf_split {
    int64_t number, count, n_tensors;
} vt__gguf_split;
vt_status vt__gguf_split_read(const vt__gguf *g, vt__gguf_split *out);
/* Replaces *g, any file of a set, by the set: the first file with all the others. On failure *g is for the caller's release as before. */
vt_status vt__gguf_open_set(vt__gguf **g, const char *path, const vt__gguf_split *split);

/* Sorts and copies the names, whose data still points into the file; `kind` is "key" or "tensor". Errors: FORMAT (a name twice), NOMEM. */
vt_status vt__gguf_names_seal(const vt__gguf *g, vt__gguf_names *names, const char *kind);
void vt__gguf_names_free(vt_context *ctx, vt__gguf_names *names);
/* Index of a name, or -1. */
int64_t vt__gguf_names_find(const vt__gguf_names *names, const char *name);

/* The value of any integer type (u64 clamped into int64), of f32 or f64: 1; another type: 0. */
int vt__gguf_value_int(const vt__gguf_value *v, int64_t *out);
int vt__gguf_value_float(const vt__gguf_value *v, double *out);

/* Bytes of one element; 0 for strings, arrays and unknown types. */
size_t vt__gguf_type_size(int32_t type);
const char *vt__gguf_type_name(int32_t type); /* "u8"; "?" when unknown */

/* The format is little-endian and knows no alignment inside the metadata. */
static inline uint64_t vt__gguf_load(const unsigned char *p, size_t size) {
    uint64_t v = 0;
    for (size_t i = size; i > 0; i--) v = v << 8 | p[i - 1];
    return v;
}

#endif
