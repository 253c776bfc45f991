/* UTF-8 by the table of well-formed sequences (Unicode 15, table 3-7); see utf8_text.h. */
#include "utf8_text.h"

size_t vt__utf8_step(const char *s, size_t left) {
    const unsigned char *p = (const unsigned char *)s;
    unsigned char low = 0x80, high = 0xBF; /* bounds of the second byte */
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xC2 ? 0 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : p[0] < 0xF5 ? 4 : 0;
    if (n < 2) return n;
    if (n > left) return 0;
    if (p[0] == 0xE0) low = 0xA0;
    if (p[0] == 0xED) high = 0x9F;
    if (p[0] == 0xF0) low = 0x90;
    if (p[0] == 0xF4) high = 0x8F;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0u) != 0x80u) return 0;
    return n;
}

int vt__utf8_valid(const char *s, size_t len) {
    for (size_t i = 0, n; i < len; i += n) {
        n = vt__utf8_step(s + i, len - i);
        if (n == 0) return 0;
    }
    return 1;
}
