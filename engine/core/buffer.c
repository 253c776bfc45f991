#include "core/buffer.h"

#include <stdatomic.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

struct vt_buffer {
    atomic_int refs;
    vt_context *ctx;
    char *data; /* owned block; data[size] is NUL */
    size_t size;
};

vt_status vt__buffer_take(vt_context *ctx, void *block, size_t size, vt_buffer **out) {
    vt_buffer *b = *out = vt__calloc(ctx, sizeof *b);
    if (!b) {
        vt__free(ctx, block);
        return vt__fail_nomem("buffer", sizeof *b);
    }
    atomic_init(&b->refs, 1);
    b->ctx = vt__context_retain(ctx);
    b->data = block;
    b->size = size;
    b->data[size] = '\0';
    return VT_OK;
}

vt_status vt__buffer_copy(vt_context *ctx, const void *data, size_t size, vt_buffer **out) {
    *out = NULL;
    char *block = size < SIZE_MAX ? vt__alloc(ctx, size + 1) : NULL;
    if (!block) return vt__fail_nomem("buffer", size);
    if (size > 0) memcpy(block, data, size);
    return vt__buffer_take(ctx, block, size, out);
}

vt_buffer *vt__buffer_retain(vt_buffer *buffer) {
    if (buffer) atomic_fetch_add(&buffer->refs, 1);
    return buffer;
}

void vt__buffer_release(vt_buffer *buffer) {
    if (!buffer || atomic_fetch_sub(&buffer->refs, 1) != 1) return;
    vt_context *ctx = buffer->ctx;
    vt__free(ctx, buffer->data);
    vt__free(ctx, buffer);
    vt__context_release(ctx);
}

const void *vt__buffer_data(const vt_buffer *buffer) { return buffer ? buffer->data : NULL; }
size_t vt__buffer_size(const vt_buffer *buffer) { return buffer ? buffer->size : 0; }

void vt__bytes_init(vt__bytes *b, vt_context *ctx) { *b = (vt__bytes){.ctx = ctx}; }

void vt__bytes_append(vt__bytes *b, const void *data, size_t size) {
    int64_t need;
    if (b->failed || size == 0) return;
    /* One byte more than needed, for the NUL of vt__bytes_finish. */
    if (size > INT64_MAX - 1 || __builtin_add_overflow(b->len, (int64_t)size + 1, &need) || vt__reserve(b->ctx, (void **)&b->data, &b->cap, need, 1)) {
        b->failed = 1;
        return;
    }
    memcpy(b->data + b->len, data, size);
    b->len += (int64_t)size;
}

void vt__bytes_append_byte(vt__bytes *b, char c) { vt__bytes_append(b, &c, 1); }

void vt__bytes_free(vt__bytes *b) {
    vt__free(b->ctx, b->data);
    vt__bytes_init(b, b->ctx);
}

vt_status vt__bytes_finish(vt__bytes *b, const char *what, vt_buffer **out) {
    vt_status st;
    *out = NULL;
    if (b->failed) {
        st = vt__fail_nomem(what, (size_t)b->len);
        vt__bytes_free(b);
        return st;
    }
    if (!b->data) return vt__buffer_copy(b->ctx, "", 0, out);
    st = vt__buffer_take(b->ctx, b->data, (size_t)b->len, out);
    vt__bytes_init(b, b->ctx);
    return st;
}
