/* Tensors from and to safetensors files. */
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/io.h"
#include "formats/json.h"
#include "formats/tensor_bytes.h"
#include "formats/tensor_file.h"

enum { MAX_NAME = 1024 }; /* bytes: the reader's bound */

static void let_go(void *user) { vt__safetensors_release(user); }

vt_status vt__tensor_of_file(vt_context *ctx, vt__safetensors *file, const vt__safetensor *entry, vt_tensor **out) {
    struct vt__desc desc = {.dtype = entry->dtype, .ndim = entry->n_dims};
    memcpy(desc.shape, entry->shape, sizeof desc.shape);
    return vt__tensor_of_bytes(ctx, entry->data, entry->size, &desc, let_go, vt__safetensors_retain(file), out);
}

static const char *type_name(int32_t dtype) {
    switch (dtype) {
    case VT_DTYPE_F32: return "F32";
    case VT_DTYPE_F64: return "F64";
    case VT_DTYPE_F16: return "F16";
    case VT_DTYPE_BF16: return "BF16";
    case VT_DTYPE_I64: return "I64";
    case VT_DTYPE_I32: return "I32";
    case VT_DTYPE_I8: return "I8";
    case VT_DTYPE_U8: return "U8";
    case VT_DTYPE_BOOL: return "BOOL";
    default: return NULL;
    }
}

static void append(vt__bytes *b, const char *text) { vt__bytes_append(b, text, strlen(text)); }

static void append_string(vt__bytes *b, const char *text) {
    vt__bytes_append_byte(b, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') vt__bytes_append_byte(b, '\\');
        vt__bytes_append_byte(b, *text);
    }
    vt__bytes_append_byte(b, '"');
}

static void append_entry(vt__bytes *b, const char *name, const vt_tensor *t, uint64_t at, uint64_t end) {
    char text[80];
    append_string(b, name);
    (void)snprintf(text, sizeof text, ":{\"dtype\":\"%s\",\"shape\":[", type_name(t->dtype));
    append(b, text);
    for (int32_t i = 0; i < t->ndim; i++) {
        (void)snprintf(text, sizeof text, i ? ",%lld" : "%lld", (long long)t->shape[i]);
        append(b, text);
    }
    (void)snprintf(text, sizeof text, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at, (unsigned long long)end);
    append(b, text);
}

static int is_name(const char *name) {
    if (!*name || strcmp(name, "__metadata__") == 0 || strlen(name) > MAX_NAME) return 0;
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f) return 0; /* our own reader would refuse it */
    return 1;
}

static vt_status check_names(vt_context *ctx, const char *const *names, vt_tensor *const *tensors, int64_t n) {
    vt__map seen;
    vt_status st = VT_OK;
    vt__map_init(&seen, ctx);
    for (int64_t i = 0; st == VT_OK && i < n; i++) {
        int64_t entry = vt__map_add(&seen, names[i], strlen(names[i]), i);
        if (!type_name(tensors[i]->dtype)) st = vt__fail(VT_ERR_DTYPE, "safetensors: '%.80s' is %s, which the format lacks", names[i], vt__dtype_name(tensors[i]->dtype));
        else if (!is_name(names[i])) st = vt__fail(VT_ERR_INVALID, "safetensors: '%.80s' is no name for a tensor", names[i]);
        else if (entry < 0) st = vt__fail_nomem("safetensors", strlen(names[i]));
        else if (entry != i) st = vt__fail(VT_ERR_INVALID, "safetensors: the name '%.80s' is given twice", names[i]);
    }
    vt__map_free(&seen);
    return st;
}

/* 8 bytes of length, the header, spaces up to a multiple of 64 so that the elements are aligned in a mapping. */
static vt_status make_header(vt_context *ctx, const char *const *names, vt_tensor *const *tensors, int64_t n, vt__bytes *b) {
    enum { LENGTH = 8, ALIGNMENT = 64 };
    vt_buffer *parsed = NULL;
    uint64_t at = 0;
    vt__bytes_append(b, "\0\0\0\0\0\0\0", LENGTH);
    append(b, "{");
    for (int64_t i = 0; i < n; i++) {
        uint64_t end = at + (uint64_t)vt__tensor_count(tensors[i]) * vt__dtype_size(tensors[i]->dtype);
        if (i) append(b, ",");
        append_entry(b, names[i], tensors[i], at, end);
        at = end;
    }
    append(b, "}");
    while (!b->failed && b->len % ALIGNMENT) vt__bytes_append_byte(b, ' ');
    if (b->failed) return vt__fail_nomem("safetensors", 0);
    for (int i = 0; i < LENGTH; i++) b->data[i] = (char)((uint64_t)(b->len - LENGTH) >> 8 * i & 255);
    /* A name that is no UTF-8 makes a header that nobody can read. */
    vt_status st = vt__json_to_msgpack(ctx, b->data + LENGTH, (size_t)b->len - LENGTH, &parsed);
    vt__buffer_release(parsed);
    return st == VT_ERR_FORMAT ? vt__fail(VT_ERR_INVALID, "safetensors: a name is not valid UTF-8") : st;
}

vt_status vt__tensors_save(vt_context *ctx, const char *path, const char *const *names, vt_tensor *const *tensors, int64_t n) {
    vt__replacement file = {0};
    vt__bytes header;
    vt_status st = check_names(ctx, names, tensors, n);
    if (st != VT_OK) return st;
    vt__bytes_init(&header, ctx);
    st = make_header(ctx, names, tensors, n, &header);
    if (st == VT_OK) st = vt__replacement_begin(&file, ctx, path);
    if (st == VT_OK) st = vt__replacement_write(&file, header.data, (size_t)header.len);
    for (int64_t i = 0; st == VT_OK && i < n; i++) st = vt__tensor_write_bytes(&file, tensors[i]);
    if (st == VT_OK) st = vt__replacement_commit(&file);
    vt__replacement_drop(&file);
    vt__bytes_free(&header);
    return st;
}
