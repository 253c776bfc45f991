#include "text/utf8.h"

#include <string.h>

/* Length of a code point from its first byte, and the range of the second byte, which is where all exceptions are. 0: never first. */
static int shape(unsigned char first, unsigned char *lo, unsigned char *hi) {
    *lo = 0x80;
    *hi = 0xBF;
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    if (first < 0xE0) return 2;
    if (first == 0xE0) *lo = 0xA0; /* shorter would do */
    if (first == 0xED) *hi = 0x9F; /* surrogates */
    if (first < 0xF0) return 3;
    if (first == 0xF0) *lo = 0x90;
    if (first == 0xF4) *hi = 0x8F; /* above U+10FFFF */
    return 4;
}

int vt__utf8_step(const char *p, size_t left, size_t *out_len) {
    const unsigned char *s = (const unsigned char *)p;
    unsigned char lo, hi;
    size_t need = (size_t)shape(s[0], &lo, &hi), n = 1;

    while (n < need && n < left && s[n] >= lo && s[n] <= hi) {
        n++;
        lo = 0x80;
        hi = 0xBF;
    }
    *out_len = n;
    if (n == need) return VT__UTF8_VALID;
    return n == left && need > 0 ? VT__UTF8_PARTIAL : VT__UTF8_INVALID;
}

size_t vt__utf8_valid(const char *text, size_t len) {
    size_t i = 0, n;
    while (i < len) {
        uint64_t eight;
        if (len - i >= sizeof eight) { /* most text is ASCII for long stretches */
            memcpy(&eight, text + i, sizeof eight);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                i += sizeof eight;
                continue;
            }
        }
        if (vt__utf8_step(text + i, len - i, &n) != VT__UTF8_VALID) break;
        i += n;
    }
    return i;
}
