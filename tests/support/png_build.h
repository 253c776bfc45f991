/* Writes small PNG files into memory, valid or not: nothing is checked. Rows are stored, not compressed. */
#ifndef VENTURI_PNG_BUILD_H
#define VENTURI_PNG_BUILD_H

#include <stdint.h>
#include <string.h>

typedef struct png_build {
    unsigned char data[1 << 14];
    size_t len;
} png_build;

static inline void png_put(png_build *b, const void *p, size_t n) {
    if (n > sizeof b->data - b->len) return;
    memcpy(b->data + b->len, p, n);
    b->len += n;
}

static inline void png_u32(png_build *b, uint32_t v) {
    png_put(b, (unsigned char[]){(unsigned char)(v >> 24), (unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v}, 4);
}

/* CRC-32 of ISO 3309, as PNG has it. */
static inline uint32_t png_crc(const unsigned char *p, size_t n) {
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return crc ^ 0xffffffffu;
}

static inline void png_chunk(png_build *b, const char *type, const void *data, size_t n) {
    png_u32(b, (uint32_t)n);
    size_t from = b->len;
    png_put(b, type, 4);
    png_put(b, data, n);
    png_u32(b, png_crc(b->data + from, b->len - from));
}

static inline void png_begin(png_build *b, uint32_t width, uint32_t height, int depth, int colour, int interlace) {
    png_build head = {.len = 0};
    b->len = 0;
    png_put(b, "\x89PNG\r\n\x1a\n", 8);
    png_u32(&head, width);
    png_u32(&head, height);
    png_put(&head, (unsigned char[]){(unsigned char)depth, (unsigned char)colour, 0, 0, (unsigned char)interlace}, 5);
    png_chunk(b, "IHDR", head.data, head.len);
}

/* The rows with their filter bytes, at most 65535 bytes in all, as one IDAT chunk; then the end. */
static inline void png_finish(png_build *b, const void *rows, size_t n) {
    const unsigned char *p = rows;
    png_build z = {.len = 0};
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < n; i++) {
        low = (low + p[i]) % 65521;
        high = (high + low) % 65521;
    }
    png_put(&z, "\x78\x01\x01", 3);
    png_put(&z, (unsigned char[]){(unsigned char)n, (unsigned char)(n >> 8), (unsigned char)~n, (unsigned char)(~n >> 8)}, 4);
    png_put(&z, rows, n);
    png_u32(&z, high << 16 | low);
    png_chunk(b, "IDAT", z.data, z.len);
    png_chunk(b, "IEND", "", 0);
}

#endif
