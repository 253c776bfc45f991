/* Copies past the caches; before it an instruction set's file says how a line of 64 bytes is copied to a multiple of 64 (v_copy_line). Everything static. */
#ifndef VENTURI_KERNELS_MAP_STREAM_H
#define VENTURI_KERNELS_MAP_STREAM_H

#include <stdint.h>
#include <string.h>

static void stream(void *out, const void *in, size_t bytes) {
    char *to = out;
    const char *from = in;
    size_t at = (0 - (uintptr_t)to) & 63;
    if (at > bytes) at = bytes;
    if (at) memcpy(to, from, at);
    for (; at + 64 <= bytes; at += 64) v_copy_line(to + at, from + at);
    if (at < bytes) memcpy(to + at, from + at, bytes - at);
}

static void fence(void) { _mm_sfence(); }

#endif
