/* Keys and the table grow in memory, since their counts stand before them; tensor data goes to the file as it comes. */
#include "formats/gguf_write.h"

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "formats/gguf_internal.h"
#include "quant/block.h"

enum { VERSION = 3, DEFAULT_ALIGNMENT = 32, MAX_ALIGNMENT = 1 << 20 };

struct vt__gguf_writer {
    vt_context *ctx;
    vt__replacement file;
    size_t alignment;
    vt__bytes keys, table;
    int64_t n_keys, n_tensors;
    uint64_t *sizes; /* [n_tensors], of their data */
    int64_t cap_sizes;
    uint64_t offset;   /* where the next announced tensor begins, relative to the blob */
    int has_header;    /* written; no more keys and tensors */
    int64_t current;   /* tensor whose bytes are coming */
    uint64_t written;  /* of it */
};

vt_status vt__gguf_writer_create(vt_context *ctx, const char *path, size_t alignment, vt__gguf_writer **out) {
    *out = NULL;
    if (alignment == 0) alignment = DEFAULT_ALIGNMENT;
    if ((alignment & (alignment - 1)) != 0 || alignment > MAX_ALIGNMENT)
        return vt__fail(VT_ERR_INVALID, "gguf: alignment %zu, a power of two of at most %d is needed", alignment, MAX_ALIGNMENT);
    vt__gguf_writer *w = vt__calloc(ctx, sizeof *w);
    if (!w) return vt__fail_nomem("gguf", sizeof *w);
    w->ctx = vt__context_retain(ctx);
    w->alignment = alignment;
    vt__bytes_init(&w->keys, ctx);
    vt__bytes_init(&w->table, ctx);
    vt_status st = vt__replacement_begin(&w->file, ctx, path);
    if (st == VT_OK && alignment != DEFAULT_ALIGNMENT) st = vt__gguf_put_int(w, "general.alignment", VT__GGUF_U32, (int64_t)alignment);
    if (st != VT_OK) {
        vt__gguf_writer_release(w);
        return st;
    }
    *out = w;
    return VT_OK;
}

void vt__gguf_writer_release(vt__gguf_writer *w) {
    if (!w) return;
    vt_context *ctx = w->ctx;
    vt__replacement_drop(&w->file);
    vt__bytes_free(&w->keys);
    vt__bytes_free(&w->table);
    vt__free(ctx, w->sizes);
    vt__free(ctx, w);
    vt__context_release(ctx);
}

static void append_uint(vt__bytes *b, uint64_t v, size_t size) {
    for (size_t i = 0; i < size; i++, v >>= 8) vt__bytes_append_byte(b, (char)(unsigned char)v);
}

static void append_str(vt__bytes *b, const char *data, size_t len) {
    append_uint(b, len, 8);
    vt__bytes_append(b, data, len);
}

static vt_status status_of(const vt__bytes *b) { return b->failed ? vt__fail_nomem("gguf", 0) : VT_OK; }

/* Name and type of the next key. */
static vt_status begin_key(vt__gguf_writer *w, const char *key, int32_t type) {
    if (w->has_header) return vt__fail(VT_ERR_STATE, "gguf: key '%s' comes after tensor data", key);
    append_str(&w->keys, key, strlen(key));
    append_uint(&w->keys, (uint64_t)type, 4);
    w->n_keys++;
    return VT_OK;
}

/* Whether an integer survives in so many bytes. */
static int holds(int32_t type, int64_t value) {
    size_t size = vt__gguf_type_size(type);
    int bits = (int)size * 8;
    switch (type) {
    case VT__GGUF_BOOL: return value == 0 || value == 1;
    case VT__GGUF_U8: case VT__GGUF_U16: case VT__GGUF_U32: return value >= 0 && value >> bits == 0;
    case VT__GGUF_I8: case VT__GGUF_I16: case VT__GGUF_I32: return value >= -(INT64_C(1) << (bits - 1)) && value < INT64_C(1) << (bits - 1);
    case VT__GGUF_U64: return value >= 0;
    default: return type == VT__GGUF_I64;
    }
}

vt_status vt__gguf_put_int(vt__gguf_writer *w, const char *key, int32_t type, int64_t value) {
    if (!holds(type, value)) return vt__fail(VT_ERR_INVALID, "gguf: key '%s': %lld as %s", key, (long long)value, vt__gguf_type_name(type));
    vt_status st = begin_key(w, key, type);
    if (st == VT_OK) append_uint(&w->keys, (uint64_t)value, vt__gguf_type_size(type));
    return st == VT_OK ? status_of(&w->keys) : st;
}

vt_status vt__gguf_put_float(vt__gguf_writer *w, const char *key, int32_t type, double value) {
    float narrow = (float)value;
    uint64_t bits = 0;
    if (type != VT__GGUF_F32 && type != VT__GGUF_F64) return vt__fail(VT_ERR_INVALID, "gguf: key '%s': %g as %s", key, value, vt__gguf_type_name(type));
    if (type == VT__GGUF_F32) memcpy(&bits, &narrow, sizeof narrow); /* the low bytes: the machines that this runs on are little-endian */
    else memcpy(&bits, &value, sizeof value);
    vt_status st = begin_key(w, key, type);
    if (st == VT_OK) append_uint(&w->keys, bits, vt__gguf_type_size(type));
    return st == VT_OK ? status_of(&w->keys) : st;
}

vt_status vt__gguf_put_str(vt__gguf_writer *w, const char *key, const char *data, size_t len) {
    vt_status st = begin_key(w, key, VT__GGUF_STRING);
    if (st == VT_OK) append_str(&w->keys, data, len);
    return st == VT_OK ? status_of(&w->keys) : st;
}

static vt_status begin_array(vt__gguf_writer *w, const char *key, int32_t type, int64_t count) {
    vt_status st = begin_key(w, key, VT__GGUF_ARRAY);
    if (st != VT_OK) return st;
    append_uint(&w->keys, (uint64_t)type, 4);
    append_uint(&w->keys, (uint64_t)count, 8);
    return VT_OK;
}

vt_status vt__gguf_put_array(vt__gguf_writer *w, const char *key, int32_t type, const void *data, int64_t count) {
    size_t size = vt__gguf_type_size(type), bytes;
    if (size == 0 || count < 0 || __builtin_mul_overflow((size_t)count, size, &bytes))
        return vt__fail(VT_ERR_INVALID, "gguf: key '%s': array of %lld %s", key, (long long)count, vt__gguf_type_name(type));
    vt_status st = begin_array(w, key, type, count);
    if (st == VT_OK) vt__bytes_append(&w->keys, data, bytes);
    return st == VT_OK ? status_of(&w->keys) : st;
}

vt_status vt__gguf_put_strings(vt__gguf_writer *w, const char *key, const vt__gguf_str *list, int64_t count) {
    if (count < 0) return vt__fail(VT_ERR_INVALID, "gguf: key '%s': array of %lld strings", key, (long long)count);
    vt_status st = begin_array(w, key, VT__GGUF_STRING, count);
    for (int64_t i = 0; i < count && st == VT_OK; i++) append_str(&w->keys, list[i].data, list[i].len);
    return st == VT_OK ? status_of(&w->keys) : st;
}

vt_status vt__gguf_put_copy(vt__gguf_writer *w, const vt__gguf *from, int64_t i) {
    const vt__gguf_value *v = &from->values[i];
    const char *key = vt__gguf_key_at(from, i);
    vt_status st = v->type == VT__GGUF_ARRAY ? begin_array(w, key, v->array.type, v->array.count) : begin_key(w, key, v->type);
    if (st == VT_OK) vt__bytes_append(&w->keys, v->array.data, (size_t)(v->array.end - v->array.data));
    return st == VT_OK ? status_of(&w->keys) : st;
}

static uint64_t padding(const vt__gguf_writer *w, uint64_t size) { return (w->alignment - size % w->alignment) % w->alignment; }

static vt_status keep_size(vt__gguf_writer *w, uint64_t size) {
    if (vt__reserve(w->ctx, (void **)&w->sizes, &w->cap_sizes, w->n_tensors + 1, sizeof *w->sizes)) return vt__fail_nomem("gguf", 0);
    w->sizes[w->n_tensors++] = size;
    return VT_OK;
}

vt_status vt__gguf_put_tensor(vt__gguf_writer *w, const char *name, int32_t dtype, int32_t n_dims, const int64_t ne[4]) {
    int64_t rows = 1;
    size_t size = 0;
    uint64_t end;

    if (w->has_header) return vt__fail(VT_ERR_STATE, "gguf: tensor '%s' is announced after tensor data", name);
    if (n_dims < 1 || n_dims > 4) return vt__fail(VT_ERR_INVALID, "gguf: tensor '%s': %d dimensions, 1 to 4 are allowed", name, n_dims);
    if (dtype < 0 || dtype >= VT_DTYPE_U8) return vt__fail(VT_ERR_DTYPE, "gguf: tensor '%s': dtype %d has no number in GGUF", name, dtype);
    for (int32_t i = 0; i < n_dims; i++) {
        if (ne[i] < 1) return vt__fail(VT_ERR_INVALID, "gguf: tensor '%s': dimension %d is %lld", name, i, (long long)ne[i]);
        if (i > 0 && __builtin_mul_overflow(rows, ne[i], &rows)) return vt__fail(VT_ERR_INVALID, "gguf: tensor '%s' is too large", name);
    }
    vt_status st = vt__block_bytes(dtype, ne[0], rows, &size);
    if (st == VT_OK && (__builtin_add_overflow(w->offset, (uint64_t)size, &end) || __builtin_add_overflow(end, padding(w, end), &end)))
        st = vt__fail(VT_ERR_INVALID, "gguf: tensor '%s' is too large", name);
    if (st == VT_OK) st = keep_size(w, size);
    if (st != VT_OK) return st;
    append_str(&w->table, name, strlen(name));
    append_uint(&w->table, (uint64_t)n_dims, 4);
    for (int32_t i = 0; i < n_dims; i++) append_uint(&w->table, (uint64_t)ne[i], 8);
    append_uint(&w->table, (uint64_t)dtype, 4);
    append_uint(&w->table, w->offset, 8);
    w->offset = end;
    return status_of(&w->table);
}

static vt_status write_zeros(vt__gguf_writer *w, uint64_t size) {
    static const unsigned char zeros[256];
    vt_status st = VT_OK;
    for (; size > 0 && st == VT_OK; size -= size < sizeof zeros ? size : sizeof zeros)
        st = vt__replacement_write(&w->file, zeros, size < sizeof zeros ? (size_t)size : sizeof zeros);
    return st;
}

static vt_status write_header(vt__gguf_writer *w) {
    vt__bytes head;
    if (w->has_header) return VT_OK;
    w->has_header = 1;
    vt__bytes_init(&head, w->ctx);
    vt__bytes_append(&head, "GGUF", 4);
    append_uint(&head, VERSION, 4);
    append_uint(&head, (uint64_t)w->n_tensors, 8);
    append_uint(&head, (uint64_t)w->n_keys, 8);
    vt_status st = head.failed || w->keys.failed || w->table.failed ? vt__fail_nomem("gguf", 0) : VT_OK;
    uint64_t size = (uint64_t)head.len + (uint64_t)w->keys.len + (uint64_t)w->table.len;
    if (st == VT_OK) st = vt__replacement_write(&w->file, head.data, (size_t)head.len);
    if (st == VT_OK) st = vt__replacement_write(&w->file, w->keys.data, (size_t)w->keys.len);
    if (st == VT_OK) st = vt__replacement_write(&w->file, w->table.data, (size_t)w->table.len);
    if (st == VT_OK) st = write_zeros(w, padding(w, size));
    vt__bytes_free(&head);
    return st;
}

vt_status vt__gguf_write_data(vt__gguf_writer *w, const void *data, size_t size) {
    vt_status st = write_header(w);
    if (st != VT_OK) return st;
    if (w->current == w->n_tensors || size > w->sizes[w->current] - w->written)
        return vt__fail(VT_ERR_INVALID, "gguf: %zu bytes more than the tensors announced have", size);
    st = vt__replacement_write(&w->file, data, size);
    w->written += size;
    if (st != VT_OK || w->written < w->sizes[w->current]) return st;
    uint64_t end = w->written;
    w->current++;
    w->written = 0;
    return write_zeros(w, padding(w, end));
}

vt_status vt__gguf_writer_finish(vt__gguf_writer *w) {
    vt_status st = write_header(w);
    if (st == VT_OK && w->current < w->n_tensors)
        st = vt__fail(VT_ERR_STATE, "gguf: %lld of %lld tensors are written", (long long)w->current, (long long)w->n_tensors);
    return st == VT_OK ? vt__replacement_commit(&w->file) : st;
}
