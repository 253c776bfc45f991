/* GGUF writer, version 3: keys and the table of tensors first, then the tensors' bytes in that order, streamed into a new file that takes the
 * old one's place at the end. One writer, one thread. */
#ifndef VENTURI_FORMATS_GGUF_WRITE_H
#define VENTURI_FORMATS_GGUF_WRITE_H

#include "formats/gguf.h"

typedef struct vt__gguf_writer vt__gguf_writer;

/* A file of that alignment (a power of two; 0: the format's own, 32; another becomes the key general.alignment). Errors: INVALID, IO, NOT_FOUND
 * (no such folder), NOMEM. */
vt_status vt__gguf_writer_create(vt_context *ctx, const char *path, size_t alignment, vt__gguf_writer **out);
/* Leaves what was at the path as it was, unless finished. */
void vt__gguf_writer_release(vt__gguf_writer *w);

/* Keys, before the first tensor's data. A key given twice is for the reader to refuse. Errors: INVALID (a type that does not fit), NOMEM; memory
 * that runs out may be reported by the next call that writes. */
vt_status vt__gguf_put_int(vt__gguf_writer *w, const char *key, int32_t type, int64_t value); /* any integer type that can hold it; BOOL: 0 or 1 */
vt_status vt__gguf_put_float(vt__gguf_writer *w, const char *key, int32_t type, double value); /* F32 or F64 */
vt_status vt__gguf_put_str(vt__gguf_writer *w, const char *key, const char *data, size_t len);
/* count packed little-endian elements of a plain type. */
vt_status vt__gguf_put_array(vt__gguf_writer *w, const char *key, int32_t type, const void *data, int64_t count);
vt_status vt__gguf_put_strings(vt__gguf_writer *w, const char *key, const vt__gguf_str *list, int64_t count);
/* Key i of another file as it is there, whatever its type. */
vt_status vt__gguf_put_copy(vt__gguf_writer *w, const vt__gguf *from, int64_t i);

/* Announces the next tensor; all of them before the first one's data. Errors: INVALID (extents), DTYPE, SHAPE (rows that are not whole blocks). */
vt_status vt__gguf_put_tensor(vt__gguf_writer *w, const char *name, int32_t dtype, int32_t n_dims, const int64_t ne[4]);
/* The next bytes of the tensors, in any pieces that end where a tensor ends. Errors: INVALID (more than announced), IO, NOMEM. */
vt_status vt__gguf_write_data(vt__gguf_writer *w, const void *data, size_t size);
/* Puts the file in place. Errors: STATE (bytes are missing), IO, NOMEM. */
vt_status vt__gguf_writer_finish(vt__gguf_writer *w);

#endif
