/* The byte-level alphabet: each byte is written as a printable code point, so that vocabularies are text. */
#ifndef VENTURI_TEXT_BPE_ALPHABET_H
#define VENTURI_TEXT_BPE_ALPHABET_H

#include "venturi/types.h"

/* Bytes 33-126, 161-172 and 174-255 stand for themselves, the other 68 in order for U+0100 and on. */
typedef struct vt__alphabet {
    uint16_t code_of[256];
    int16_t byte_of[256 + 68]; /* by code point; -1: not in the alphabet */
} vt__alphabet;

void vt__alphabet_init(vt__alphabet *a);
/* UTF-8 of a byte's code point; 1 or 2 bytes. */
size_t vt__alphabet_write(const vt__alphabet *a, unsigned char byte, char out[2]);
/* The byte that the text at p begins with, and the length of its code point; -1: it begins with none (length 1). left >= 1. */
int vt__alphabet_read(const vt__alphabet *a, const char *p, size_t left, size_t *out_len);

#endif
