/* Where the weights of an encoder come from: a safetensors file or a GGUF file, by the one or the other's names of tensors. Everything is checked
 * against the shape that the encoder needs, and copied as floats or read row by row. */
#ifndef VENTURI_ENCODE_SOURCE_H
#define VENTURI_ENCODE_SOURCE_H

#include "formats/gguf.h"
#include "formats/safetensors.h"

typedef struct vt__source {
    vt_context *ctx;        /* borrowed */
    vt__safetensors *tensors; /* one of the two */
    vt__gguf *gguf;
    const char *prefix;     /* of the names in safetensors: "" or "bert." */
} vt__source;

/* Rows of a tensor in the file. */
typedef struct vt__rows {
    const char *name; /* borrowed from the file */
    const unsigned char *data;
    int64_t n, dim;
    size_t stride;
    int32_t dtype;
} vt__rows;

const char *vt__source_name(const vt__source *s); /* of the file, for messages */
/* The tensor [n, dim], n == 0: any number of rows from 1 to most. hf and gg: names of the two formats, "%d" stands for `layer`; several hf names,
 * "a|b", are tried in order. Errors: FORMAT (missing, or of another shape), UNSUPPORTED (element type). */
vt_status vt__source_rows(const vt__source *s, const char *hf, const char *gg, int32_t layer, int64_t n, int64_t dim, vt__rows *out);
/* Rows as floats: out [count, dim]. */
vt_status vt__rows_read(const vt__rows *rows, int64_t first, int64_t count, float *out);

#endif
