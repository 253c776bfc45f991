/* Lua values from and to MessagePack; see lua_msgpack.h.
 *
 * msgpack-c's unpacker nests 32 deep and takes 24 bytes of malloc a value, which no allocator hook sees. So it is given small pieces: a value
 * that is deeper or holds more than PIECE values is taken apart here, container by container, until msgpack-c gets a piece that it can hold. */
#include "lua_msgpack.h"

#include <lauxlib.h>
#include <limits.h>
#include <msgpack.h>
#include <stdint.h>
#include <string.h>

#include "box.h"
#include "capability.h"
#include "utf8_text.h"
#include "venturi/format.h"

enum { MAX_DEPTH = 64, UNPACKER_DEPTH = 32, PIECE = 16384 };

typedef const unsigned char byte;

/* ---- marks ---- */

static void push_mark(lua_State *L, const char *name) {
    if (!luaL_newmetatable(L, name)) return;
    lua_pushboolean(L, 0); /* scripts cannot reach the metatable that all such tables share */
    lua_setfield(L, -2, "__metatable");
}

void vt__msgpack_push_array_mark(lua_State *L) { push_mark(L, "vt.array"); }
void vt__msgpack_push_map_mark(lua_State *L) { push_mark(L, "vt.map"); }
void vt__msgpack_push_null(lua_State *L) { lua_pushlightuserdata(L, NULL); }

static int is_null(lua_State *L, int index) { return lua_islightuserdata(L, index) && lua_touserdata(L, index) == NULL; }

static int has_mark(lua_State *L, int index, void (*push)(lua_State *)) {
    if (!lua_getmetatable(L, index)) return 0;
    push(L);
    int same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

/* ---- heads: what vt_msgpack_check has accepted is only read here ---- */

typedef struct head {
    uint64_t count;     /* items of an array, pairs of a map, else 0 */
    uint64_t size;      /* bytes of head and payload, items not included */
    int is_map, nested; /* nested: a container */
} head;

static uint64_t big_endian(byte *p, int n) {
    uint64_t v = 0;
    for (int i = 0; i < n; i++) v = v << 8 | p[i];
    return v;
}

static head read_head(byte *p) {
    /* Payload of the types 0xc0 to 0xdf: fixed bytes, and how many bytes of length (or count) come first. */
    static const unsigned char fixed[32] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 2, 3, 5, 9, 17, 0, 0, 0, 0, 0, 0, 0};
    static const unsigned char length[32] = {0, 0, 0, 0, 1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
    head h = {.size = 1};
    unsigned char c = p[0];
    if (c < 0x80 || c >= 0xE0) return h;
    if (c < 0xA0) {
        h.nested = 1;
        h.is_map = c < 0x90;
        h.count = c & 0x0Fu;
    } else if (c < 0xC0) {
        h.size += c & 0x1Fu;
    } else {
        int n = length[c - 0xC0];
        uint64_t value = big_endian(p + 1, n);
        h.size += (uint64_t)n + fixed[c - 0xC0];
        h.nested = c >= 0xDC;
        h.is_map = c >= 0xDE;
        if (h.nested)
            h.count = value;
        else
            h.size += value;
    }
    return h;
}

/* Byte behind the value at p, or NULL when it is too deep or too much for one piece; *left counts down. */
static byte *measure(byte *p, int levels, int *left) {
    head h = read_head(p);
    if (--*left < 0) return NULL;
    p += h.size;
    if (!h.nested) return p;
    if (levels == 0) return NULL;
    for (uint64_t i = h.is_map ? 2 * h.count : h.count; i > 0 && p; i--) p = measure(p, levels - 1, left);
    return p;
}

/* ---- unpacking ---- */

typedef struct unpacking {
    lua_State *L;
    const char *format; /* of messages */
    const vt__capability *cap;
    msgpack_unpacked *piece; /* in a userdata, whose __gc frees it when an error is raised */
} unpacking;

static int free_piece(lua_State *L) {
    msgpack_unpacked_destroy(lua_touserdata(L, 1));
    return 0;
}

/* Pushes the userdata. */
static unpacking begin_unpacking(lua_State *L, const char *format, const void *data, size_t size) {
    luaL_checkstack(L, 8, NULL);
    box_ok(L, vt_msgpack_check(data, size));
    unpacking u = {L, format, vt__capability_get(L), lua_newuserdatauv(L, sizeof(msgpack_unpacked), 0)};
    msgpack_unpacked_init(u.piece);
    if (luaL_newmetatable(L, "vt.unpacked")) {
        lua_pushcfunction(L, free_piece);
        lua_setfield(L, -2, "__gc");
        lua_pushboolean(L, 0);
        lua_setfield(L, -2, "__metatable");
    }
    lua_setmetatable(L, -2);
    return u;
}

static void check_key(const unpacking *u) {
    lua_State *L = u->L;
    if (lua_type(L, -1) != LUA_TSTRING && !lua_isinteger(L, -1))
        box_raise(L, VT_ERR_UNSUPPORTED, "%s: a map key is a %s; string and integer keys have a place in Lua", u->format, luaL_typename(L, -1));
}

static void push_new_table(lua_State *L, uint64_t n_items, int is_map) {
    int n = n_items < PIECE ? (int)n_items : PIECE; /* grows with what is really there */
    luaL_checkstack(L, 6, "msgpack");
    lua_createtable(L, is_map ? 0 : n, is_map ? n : 0);
    if (n == 0 && is_map) {
        vt__msgpack_push_map_mark(L);
        lua_setmetatable(L, -2);
    }
}

static void push_object(const unpacking *u, const msgpack_object *o) {
    lua_State *L = u->L;
    switch (o->type) {
    case MSGPACK_OBJECT_NIL: vt__msgpack_push_null(L); break;
    case MSGPACK_OBJECT_BOOLEAN: lua_pushboolean(L, o->via.boolean); break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        if (o->via.u64 > INT64_MAX) box_raise(L, VT_ERR_UNSUPPORTED, "%s: an integer over 9223372036854775807 has no place in Lua", u->format);
        lua_pushinteger(L, (lua_Integer)o->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER: lua_pushinteger(L, o->via.i64); break;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64: lua_pushnumber(L, o->via.f64); break;
    case MSGPACK_OBJECT_STR: lua_pushlstring(L, o->via.str.ptr, o->via.str.size); break;
    case MSGPACK_OBJECT_BIN: lua_pushlstring(L, o->via.bin.ptr, o->via.bin.size); break;
    case MSGPACK_OBJECT_ARRAY:
        push_new_table(L, o->via.array.size, 0);
        for (uint32_t i = 0; i < o->via.array.size; i++) {
            push_object(u, &o->via.array.ptr[i]);
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    case MSGPACK_OBJECT_MAP:
        push_new_table(L, o->via.map.size, 1);
        for (uint32_t i = 0; i < o->via.map.size; i++) {
            push_object(u, &o->via.map.ptr[i].key);
            check_key(u);
            push_object(u, &o->via.map.ptr[i].val);
            lua_rawset(L, -3);
        }
        break;
    default: box_raise(L, VT_ERR_UNSUPPORTED, "%s: extension type %d has no place in Lua", u->format, (int)o->via.ext.type); break;
    }
}

/* Pushes the value at p, returns the byte behind it. */
static byte *push_value(const unpacking *u, byte *p) {
    int left = PIECE;
    byte *end = measure(p, UNPACKER_DEPTH, &left);
    if (u->cap->charge) u->cap->charge(u->L, (uint64_t)(PIECE - left) + (end ? (uint64_t)(end - p) / 64 : 0));
    if (end) {
        size_t used = 0;
        msgpack_unpack_return got = msgpack_unpack_next(u->piece, (const char *)p, (size_t)(end - p), &used);
        /* What the check has accepted can fail for one reason only, whatever msgpack-c calls it. */
        if (got != MSGPACK_UNPACK_SUCCESS) box_raise(u->L, VT_ERR_NOMEM, "%s: out of memory", u->format);
        push_object(u, &u->piece->data);
        return end;
    }
    head h = read_head(p);
    p += h.size;
    push_new_table(u->L, h.count, h.is_map);
    for (uint64_t i = 1; i <= h.count; i++) {
        p = push_value(u, p);
        if (h.is_map) {
            check_key(u);
            p = push_value(u, p);
            lua_rawset(u->L, -3);
        } else {
            lua_rawseti(u->L, -2, (lua_Integer)i);
        }
    }
    return p;
}

void vt__msgpack_push(lua_State *L, const char *format, const void *data, size_t size) {
    unpacking u = begin_unpacking(L, format, data, size);
    push_value(&u, data);
    msgpack_unpacked_destroy(u.piece);
    lua_remove(L, -2);
}

int vt__msgpack_push_args(lua_State *L, const void *data, size_t size) {
    unpacking u = begin_unpacking(L, "msgpack", data, size);
    int box_index = lua_gettop(L);
    byte *p = data;
    head h = read_head(p);
    if (!h.nested || h.is_map) box_raise(L, VT_ERR_FORMAT, "msgpack: arguments must be one array");
    if (h.count >= INT_MAX || !lua_checkstack(L, (int)h.count + LUA_MINSTACK)) box_raise(L, VT_ERR_LIMIT, "msgpack: %I arguments are too many", (LUAI_UACINT)h.count);
    p += h.size;
    for (uint64_t i = 0; i < h.count; i++) {
        p = push_value(&u, p);
        if (!is_null(L, -1)) continue;
        lua_pop(L, 1);
        lua_pushnil(L);
    }
    msgpack_unpacked_destroy(u.piece);
    lua_remove(L, box_index);
    return (int)h.count;
}

/* ---- packing ---- */

/* Growing bytes inside Lua's memory: a userdata whose user value is the block, so that nothing needs to be freed by hand. */
typedef struct packing {
    lua_State *L;
    const char *format; /* of messages */
    const vt__capability *cap;
    int index; /* of this userdata on the stack */
    char *data;
    size_t len, cap_bytes;
    msgpack_packer packer;
} packing;

/* Where in the value an error is; the strings are held by the stack. */
typedef struct trail {
    const struct trail *up;
    const char *key; /* NULL: an integer */
    lua_Integer i;
} trail;

static void push_trail(lua_State *L, const trail *t) {
    if (!t->up) {
        lua_pushstring(L, t->key);
        return;
    }
    push_trail(L, t->up);
    if (t->key)
        lua_pushfstring(L, "%s.%s", lua_tostring(L, -1), t->key);
    else
        lua_pushfstring(L, "%s[%I]", lua_tostring(L, -1), (LUAI_UACINT)t->i);
    lua_remove(L, -2);
}

static int refuse(packing *k, const trail *t, vt_status st, const char *what) {
    luaL_checkstack(k->L, MAX_DEPTH + 8, NULL);
    push_trail(k->L, t);
    return box_raise(k->L, st, "%s: %s %s", k->format, lua_tostring(k->L, -1), what);
}

static int append(void *user, const char *data, size_t size) {
    packing *k = user;
    if (size > k->cap_bytes - k->len) {
        size_t need = k->len + size, cap = k->cap_bytes + k->cap_bytes / 2 > need ? k->cap_bytes + k->cap_bytes / 2 : need;
        luaL_checkstack(k->L, 2, NULL);
        char *block = lua_newuserdatauv(k->L, cap, 0);
        memcpy(block, k->data, k->len);
        lua_setiuservalue(k->L, k->index, 1);
        k->data = block;
        k->cap_bytes = cap;
    }
    memcpy(k->data + k->len, data, size);
    k->len += size;
    return 0;
}

static packing *begin_packing(lua_State *L, const char *format) {
    enum { FIRST = 256 };
    luaL_checkstack(L, 4, NULL);
    packing *k = lua_newuserdatauv(L, sizeof *k, 1);
    *k = (packing){.L = L, .format = format, .cap = vt__capability_get(L), .index = lua_gettop(L), .cap_bytes = FIRST};
    k->data = lua_newuserdatauv(L, FIRST, 0);
    lua_setiuservalue(L, k->index, 1);
    msgpack_packer_init(&k->packer, k, append);
    return k;
}

static void pack_string(packing *k, int index) {
    size_t len;
    const char *s = lua_tolstring(k->L, index, &len);
    if (k->cap->charge) k->cap->charge(k->L, len / 16);
    if (vt__utf8_valid(s, len)) {
        (void)msgpack_pack_str(&k->packer, len);
        (void)msgpack_pack_str_body(&k->packer, s, len);
    } else {
        (void)msgpack_pack_bin(&k->packer, len);
        (void)msgpack_pack_bin_body(&k->packer, s, len);
    }
}

/* Items when the table is packed as an array; -1 - pairs when it is packed as a map. */
static lua_Integer count_items(packing *k, int index) {
    lua_State *L = k->L;
    lua_Integer n = (lua_Integer)lua_rawlen(L, index), pairs = 0;
    int is_list = !has_mark(L, index, vt__msgpack_push_map_mark);
    if (is_list && has_mark(L, index, vt__msgpack_push_array_mark)) return n;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (k->cap->charge && pairs % 64 == 0) k->cap->charge(L, 64);
        pairs++;
        if (!lua_isinteger(L, -2) || lua_tointeger(L, -2) < 1 || lua_tointeger(L, -2) > n) is_list = 0;
    }
    return is_list && pairs == n ? n : -1 - pairs;
}

static void pack_value(packing *k, int index, const trail *t, int level);

static void pack_table(packing *k, int index, const trail *t, int level) {
    lua_State *L = k->L;
    lua_Integer n = count_items(k, index);
    if (n >= 0) {
        (void)msgpack_pack_array(&k->packer, (size_t)n);
        for (lua_Integer i = 1; i <= n; i++) {
            lua_rawgeti(L, index, i);
            pack_value(k, lua_gettop(L), &(trail){t, NULL, i}, level);
            lua_pop(L, 1);
        }
        return;
    }
    (void)msgpack_pack_map(&k->packer, (size_t)(-1 - n));
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        trail here = {t, NULL, 0};
        int value = lua_gettop(L);
        if (lua_isinteger(L, -2)) {
            here.i = lua_tointeger(L, -2);
            (void)msgpack_pack_int64(&k->packer, here.i);
        } else if (lua_type(L, -2) == LUA_TSTRING) {
            here.key = lua_tostring(L, -2);
            pack_string(k, value - 1);
        } else {
            refuse(k, t, VT_ERR_UNSUPPORTED, lua_pushfstring(L, "has a key that is a %s", luaL_typename(L, -2)));
        }
        pack_value(k, value, &here, level);
    }
}

/* level: containers around the value. */
static void pack_value(packing *k, int index, const trail *t, int level) {
    lua_State *L = k->L;
    if (k->cap->charge) k->cap->charge(L, 1);
    switch (lua_type(L, index)) {
    case LUA_TNIL: (void)msgpack_pack_nil(&k->packer); return;
    case LUA_TBOOLEAN: (void)(lua_toboolean(L, index) ? msgpack_pack_true(&k->packer) : msgpack_pack_false(&k->packer)); return;
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            (void)msgpack_pack_int64(&k->packer, lua_tointeger(L, index));
        else
            (void)msgpack_pack_double(&k->packer, lua_tonumber(L, index));
        return;
    case LUA_TSTRING: pack_string(k, index); return;
    case LUA_TTABLE:
        if (level >= MAX_DEPTH) refuse(k, t, VT_ERR_LIMIT, "is nested deeper than 64 tables (a cycle?)");
        luaL_checkstack(L, 8, "msgpack");
        pack_table(k, index, t, level + 1);
        return;
    default:
        if (is_null(L, index))
            (void)msgpack_pack_nil(&k->packer);
        else
            refuse(k, t, VT_ERR_UNSUPPORTED, lua_pushfstring(L, "is a %s, which has no %s form", luaL_typename(L, index), k->format));
    }
}

const void *vt__msgpack_pack(lua_State *L, const char *format, int index, size_t *size) {
    index = lua_absindex(L, index);
    packing *k = begin_packing(L, format);
    pack_value(k, index, &(trail){NULL, "value", 0}, 0);
    *size = k->len;
    return k->data;
}

const void *vt__msgpack_pack_values(lua_State *L, int first, int n, size_t *size) {
    const trail result = {NULL, "result", 0};
    packing *k = begin_packing(L, "msgpack");
    (void)msgpack_pack_array(&k->packer, (size_t)n);
    for (int i = 0; i < n; i++) pack_value(k, first + i, &(trail){&result, NULL, i + 1}, 1);
    *size = k->len;
    return k->data;
}
