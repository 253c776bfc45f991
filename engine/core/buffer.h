/* Bytes handed out to hosts, and the growing byte string they are built in. */
#ifndef VENTURI_CORE_BUFFER_H
#define VENTURI_CORE_BUFFER_H

#include "venturi/types.h"

/* Copies size bytes into a new buffer. */
vt_status vt__buffer_copy(vt_context *ctx, const void *data, size_t size, vt_buffer **out);
/* Takes a block of vt__alloc that has at least size + 1 bytes, also on failure. */
vt_status vt__buffer_take(vt_context *ctx, void *block, size_t size, vt_buffer **out);
vt_buffer *vt__buffer_retain(vt_buffer *buffer);
void vt__buffer_release(vt_buffer *buffer);
const void *vt__buffer_data(const vt_buffer *buffer);
size_t vt__buffer_size(const vt_buffer *buffer);

/* Growing bytes. Appending never fails at once: `failed` is set and later appends do nothing, so that a writer checks one time at the end. */
typedef struct vt__bytes {
    vt_context *ctx;
    char *data; /* block of vt__alloc, owned */
    int64_t len, cap;
    int failed;
} vt__bytes;

void vt__bytes_init(vt__bytes *b, vt_context *ctx);
void vt__bytes_append(vt__bytes *b, const void *data, size_t size);
void vt__bytes_append_byte(vt__bytes *b, char c);
void vt__bytes_free(vt__bytes *b);
/* Turns the bytes into a buffer and leaves b empty, also on failure; NOMEM if an append had failed. */
vt_status vt__bytes_finish(vt__bytes *b, const char *what, vt_buffer **out);

#endif
