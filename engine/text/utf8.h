/* Which bytes are UTF-8 (Unicode table 3-7: no surrogates, no overlong forms, nothing above U+10FFFF). */
#ifndef VENTURI_TEXT_UTF8_H
#define VENTURI_TEXT_UTF8_H

#include "venturi/types.h"

enum { VT__UTF8_VALID, VT__UTF8_INVALID, VT__UTF8_PARTIAL };

/* Looks at the bytes at p, left >= 1 of them. VALID: *out_len is the length of the code point. INVALID: of the bytes that one U+FFFD
 * replaces (the longest beginning of a code point, or one byte). PARTIAL: all `left` bytes are the beginning of a code point. */
int vt__utf8_step(const char *p, size_t left, size_t *out_len);

/* Length of the longest valid beginning of a text. */
size_t vt__utf8_valid(const char *text, size_t len);

#endif
