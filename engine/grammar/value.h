/* JSON values of a schema, as MessagePack that is read in place: a value is a pointer to its first byte. The bytes have been checked. */
#ifndef VENTURI_GRAMMAR_VALUE_H
#define VENTURI_GRAMMAR_VALUE_H

#include <stddef.h>
#include <string.h>

#include "formats/msgpack.h"

typedef struct vt__value {
    const unsigned char *at; /* NULL: there is none */
    const unsigned char *end; /* of the whole document */
} vt__value;

/* The item, and where the value's content begins (its items, for a container). */
vt__msgpack_item vt__value_item(vt__value v, vt__value *content);
vt__value vt__value_after(vt__value v); /* behind it */
/* The value of a key of a map, none if there is no such key or no map. */
vt__value vt__value_get(vt__value map, const char *key, size_t len);
int vt__value_is_text(vt__value v, const char *text);
/* Equal as JSON Schema has it: 1 is 1.0. Containers only when they are written alike. */
int vt__value_equal(vt__value a, vt__value b);

#endif
