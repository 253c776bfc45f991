/* MessagePack, read value by value without memory of its own. Writing is msgpack-c's; Lua values are lua/lua_msgpack.c's. */
#ifndef VENTURI_FORMATS_MSGPACK_H
#define VENTURI_FORMATS_MSGPACK_H

#include "venturi/types.h"

enum { VT__MSGPACK_DEPTH = 64 }; /* containers inside each other, at most */

enum {
    VT__MSGPACK_NIL,
    VT__MSGPACK_BOOL,  /* i: 0 or 1 */
    VT__MSGPACK_INT,   /* i */
    VT__MSGPACK_UINT,  /* u, over INT64_MAX; smaller ones are INT */
    VT__MSGPACK_FLOAT, /* f */
    VT__MSGPACK_STR,   /* data, size */
    VT__MSGPACK_BIN,   /* data, size */
    VT__MSGPACK_EXT,   /* data, size without the type byte; i: the type */
    VT__MSGPACK_ARRAY, /* u: items that follow */
    VT__MSGPACK_MAP    /* u: pairs that follow */
};

typedef struct vt__msgpack_item {
    int kind;
    int64_t i;
    uint64_t u;
    double f;
    const unsigned char *data; /* borrowed from the input */
    size_t size;
} vt__msgpack_item;

/* Reads the item at *at, of which the bytes before end can be read, and moves *at behind it; a container's items are read by further calls.
 * FORMAT when the item is cut, unknown, or a container of more items than bytes are left; *at is then where it begins. */
vt_status vt__msgpack_read(const unsigned char **at, const unsigned char *end, vt__msgpack_item *out);

/* For values that are known to be sound, such as what vt__json_to_msgpack made. skip: moves *at behind the whole value there. find: the value of a
 * key of the map at `map`, NULL where that is no map or has no such key. */
void vt__msgpack_skip(const unsigned char **at, const unsigned char *end);
const unsigned char *vt__msgpack_find(const unsigned char *map, const unsigned char *end, const char *key);
/* Whether the item is this string. */
int vt__msgpack_is(const vt__msgpack_item *item, const char *text);

/* One whole value and nothing behind it, depth at most 64. Errors: FORMAT, LIMIT. */
vt_status vt__msgpack_check(const void *data, size_t size);

#endif
