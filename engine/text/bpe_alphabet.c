#include "text/bpe_alphabet.h"

#include <string.h>

void vt__alphabet_init(vt__alphabet *a) {
    int next = 256;
    memset(a->byte_of, -1, sizeof a->byte_of);
    for (int b = 0; b < 256; b++) {
        int itself = (b >= 33 && b <= 126) || (b >= 161 && b != 173);
        int code = itself ? b : next++;
        a->code_of[b] = (uint16_t)code;
        a->byte_of[code] = (int16_t)b;
    }
}

size_t vt__alphabet_write(const vt__alphabet *a, unsigned char byte, char out[2]) {
    unsigned code = a->code_of[byte];
    out[0] = (char)(code < 0x80 ? code : 0xC0u | code >> 6);
    out[1] = (char)(0x80u | (code & 0x3Fu));
    return code < 0x80 ? 1 : 2;
}

int vt__alphabet_read(const vt__alphabet *a, const char *p, size_t left, size_t *out_len) {
    unsigned first = (unsigned char)p[0], second = left > 1 ? (unsigned char)p[1] : 0, code = first;
    *out_len = 1;
    if (first >= 0xC2 && first < 0xE0 && (second & 0xC0u) == 0x80u) {
        code = (first & 0x1Fu) << 6 | (second & 0x3Fu);
        if (code < sizeof a->byte_of / sizeof a->byte_of[0] && a->byte_of[code] >= 0) *out_len = 2;
        else return -1;
    } else if (first >= 0x80) {
        return -1;
    }
    return a->byte_of[code];
}
