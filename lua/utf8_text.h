/* Is this text UTF-8? What Lua's own utf8 library does not tell C. */
#ifndef VENTURI_LUA_UTF8_TEXT_H
#define VENTURI_LUA_UTF8_TEXT_H

#include <stddef.h>

/* Bytes of the code point at s, of which `left` > 0 bytes can be read; 0 when it is not well formed (overlong, surrogate, over U+10FFFF, cut). */
size_t vt__utf8_step(const char *s, size_t left);
int vt__utf8_valid(const char *s, size_t len);

#endif
