/* Writes small GGUF files into memory, valid or not: nothing is checked. */
#ifndef VENTURI_GGUF_BUILD_H
#define VENTURI_GGUF_BUILD_H

#include <stdint.h>
#include <string.h>

#include "formats/gguf.h"

typedef struct gguf_build {
    unsigned char data[1 << 15];
    size_t len;
} gguf_build;

static inline void gguf_bytes(gguf_build *b, const void *p, size_t n) {
    if (n > sizeof b->data - b->len) return;
    memcpy(b->data + b->len, p, n);
    b->len += n;
}
static inline void gguf_uint(gguf_build *b, uint64_t v, int size) {
    for (int i = 0; i < size; i++, v >>= 8) gguf_bytes(b, &(unsigned char){(unsigned char)v}, 1);
}
static inline void gguf_u32(gguf_build *b, uint32_t v) { gguf_uint(b, v, 4); }
static inline void gguf_u64(gguf_build *b, uint64_t v) { gguf_uint(b, v, 8); }
static inline void gguf_f32(gguf_build *b, float f) {
    uint32_t v;
    memcpy(&v, &f, sizeof v);
    gguf_u32(b, v);
}
static inline void gguf_str(gguf_build *b, const char *s) {
    gguf_u64(b, strlen(s));
    gguf_bytes(b, s, strlen(s));
}

static inline void gguf_begin(gguf_build *b, uint32_t version, int64_t n_tensors, int64_t n_keys) {
    b->len = 0;
    gguf_bytes(b, "GGUF", 4);
    gguf_u32(b, version);
    gguf_u64(b, (uint64_t)n_tensors);
    gguf_u64(b, (uint64_t)n_keys);
}
/* Name and type; the value follows. */
static inline void gguf_key(gguf_build *b, const char *name, int32_t type) {
    gguf_str(b, name);
    gguf_u32(b, (uint32_t)type);
}
static inline void gguf_key_str(gguf_build *b, const char *name, const char *value) {
    gguf_key(b, name, VT__GGUF_STRING);
    gguf_str(b, value);
}
static inline void gguf_key_u32(gguf_build *b, const char *name, uint32_t value) {
    gguf_key(b, name, VT__GGUF_U32);
    gguf_u32(b, value);
}
/* The elements follow. */
static inline void gguf_array(gguf_build *b, const char *name, int32_t type, uint64_t count) {
    gguf_key(b, name, VT__GGUF_ARRAY);
    gguf_u32(b, (uint32_t)type);
    gguf_u64(b, count);
}
static inline void gguf_tensor(gguf_build *b, const char *name, uint32_t type, int64_t ne0, int64_t ne1, uint64_t offset) {
    gguf_str(b, name);
    gguf_u32(b, 2);
    gguf_u64(b, (uint64_t)ne0);
    gguf_u64(b, (uint64_t)ne1);
    gguf_u32(b, type);
    gguf_u64(b, offset);
}
/* Padding and `size` zero bytes of tensor data. */
static inline void gguf_blob(gguf_build *b, size_t alignment, size_t size) {
    while (b->len % alignment != 0) gguf_bytes(b, "", 1);
    for (size_t i = 0; i < size; i++) gguf_bytes(b, "", 1);
}

#endif
