/* Growing bytes with the primitives of the GGUF format. */
#ifndef VENTURI_TEST_CRAFT_BYTES_H
#define VENTURI_TEST_CRAFT_BYTES_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct craft_out {
    unsigned char *data;
    size_t len, cap;
} craft_out;

static inline void craft_put(craft_out *o, const void *data, size_t n) {
    if (o->len + n > o->cap) {
        o->cap = 2 * (o->len + n);
        o->data = realloc(o->data, o->cap);
        assert_non_null(o->data);
    }
    if (n) memcpy(o->data + o->len, data, n);
    o->len += n;
}

static inline void craft_u32(craft_out *o, uint32_t v) { craft_put(o, &v, 4); }
static inline void craft_u64(craft_out *o, uint64_t v) { craft_put(o, &v, 8); }
static inline void craft_str(craft_out *o, const char *s, size_t n) {
    craft_u64(o, n);
    craft_put(o, s, n);
}

#endif
