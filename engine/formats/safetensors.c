/* The format's own rules, all checked: a header of at most 100 MB that begins with '{' and names each tensor once; bytes of tensors that follow each
 * other without overlap or hole from the header's end to the end of the file. */
#include "formats/safetensors.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/context.h"
#include "core/error.h"
#include "core/hash.h"
#include "core/io.h"
#include "core/memory.h"
#include "core/sort.h"
#include "formats/json.h"
#include "formats/msgpack.h"

enum { MAX_HEADER = 100000000, MAX_NAME = 1024, NAME_SHOWN = 200, KEY_SHOWN = 80 };

struct vt__safetensors {
    atomic_int refs;
    vt_context *ctx;
    vt__mapping map;           /* of vt__safetensors_open */
    const unsigned char *data; /* the file's bytes */
    size_t size;
    char name[NAME_SHOWN + 4];
    vt__map names; /* entry i is tensor i; keeps the names */
    vt__safetensor *tensors;
};

/* One tensor's entry while the header is read. */
typedef struct entry {
    vt__safetensor t;
    uint64_t begin, end; /* data_offsets */
    int has_dtype, has_shape, has_offsets;
} entry;

typedef struct reader {
    vt__safetensors *s;
    const unsigned char *at, *end; /* MessagePack of the header: sound, since it is ours */
    size_t blob;                   /* bytes behind the header */
    char key[KEY_SHOWN + 1];       /* tensor at hand, for messages */
} reader;

static vt__msgpack_item next(reader *r) {
    vt__msgpack_item item = {0};
    (void)vt__msgpack_read(&r->at, r->end, &item);
    return item;
}

/* ---- one tensor ---- */

static vt_status bad(const reader *r, const char *what) { return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': %s", r->s->name, r->key, what); }

static const struct type { const char *name; int32_t dtype; size_t size; } types[] = {
    {"F32", VT_DTYPE_F32, 4}, {"F16", VT_DTYPE_F16, 2}, {"BF16", VT_DTYPE_BF16, 2}, {"F64", VT_DTYPE_F64, 8}, {"I64", VT_DTYPE_I64, 8},
    {"I32", VT_DTYPE_I32, 4}, {"I16", VT_DTYPE_I16, 2}, {"I8", VT_DTYPE_I8, 1}, {"U8", VT_DTYPE_U8, 1}, {"U16", VT_DTYPE_U16, 2},
    {"BOOL", VT_DTYPE_BOOL, 1},
};

static size_t element_size(int32_t dtype) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].dtype == dtype) return types[i].size;
    return 0;
}

static vt_status read_dtype(reader *r, entry *e) {
    vt__msgpack_item item = next(r);
    if (item.kind != VT__MSGPACK_STR) return bad(r, "its dtype is no string");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (vt__msgpack_is(&item, types[i].name)) {
            e->t.dtype = types[i].dtype;
            e->has_dtype = 1;
            return VT_OK;
        }
    return vt__fail(VT_ERR_UNSUPPORTED, "%s: tensor '%s': element type '%.*s' is not known here", r->s->name, r->key,
                    (int)(item.size < 16 ? item.size : 16), (const char *)item.data);
}

static vt_status read_shape(reader *r, entry *e) {
    vt__msgpack_item list = next(r);
    if (list.kind != VT__MSGPACK_ARRAY) return bad(r, "its shape is no list");
    if (list.u > VT__SAFETENSOR_DIMS)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: tensor '%s': %llu dimensions, at most %d are read", r->s->name, r->key, (unsigned long long)list.u,
                        (int)VT__SAFETENSOR_DIMS);
    e->t.n_dims = (int32_t)list.u;
    for (int32_t i = 0; i < e->t.n_dims; i++) {
        vt__msgpack_item n = next(r);
        if (n.kind != VT__MSGPACK_INT || n.i < 0) return bad(r, "an extent is no integer of 0 or more");
        e->t.shape[i] = n.i;
    }
    e->has_shape = 1;
    return VT_OK;
}

static vt_status read_offsets(reader *r, entry *e) {
    vt__msgpack_item list = next(r);
    if (list.kind != VT__MSGPACK_ARRAY || list.u != 2) return bad(r, "data_offsets is no pair");
    vt__msgpack_item begin = next(r), end = next(r);
    if (begin.kind != VT__MSGPACK_INT || end.kind != VT__MSGPACK_INT || begin.i < 0 || end.i < begin.i)
        return bad(r, "data_offsets are not two integers 0 <= begin <= end");
    e->begin = (uint64_t)begin.i;
    e->end = (uint64_t)end.i;
    e->has_offsets = 1;
    return VT_OK;
}

static vt_status place(reader *r, entry *e) {
    size_t size = element_size(e->t.dtype);
    int over = 0;
    if (!e->has_dtype || !e->has_shape || !e->has_offsets) return bad(r, "dtype, shape or data_offsets is missing");
    for (int32_t i = 0; i < e->t.n_dims; i++) over |= __builtin_mul_overflow(size, (size_t)e->t.shape[i], &size);
    if (over || size != e->end - e->begin)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': its shape needs %s%zu bytes, data_offsets give %llu", r->s->name, r->key, over ? "more than " : "",
                        over ? SIZE_MAX : size, (unsigned long long)(e->end - e->begin));
    if (e->end > r->blob)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': bytes %llu to %llu, the file has %zu behind its header", r->s->name, r->key,
                        (unsigned long long)e->begin, (unsigned long long)e->end, r->blob);
    e->t.size = size;
    e->t.data = r->s->data + (r->s->size - r->blob) + e->begin;
    return VT_OK;
}

static vt_status read_entry(reader *r, entry *e) {
    vt__msgpack_item map = next(r);
    vt_status st = VT_OK;
    if (map.kind != VT__MSGPACK_MAP) return bad(r, "its entry is no object");
    for (uint64_t i = 0; i < map.u && st == VT_OK; i++) {
        vt__msgpack_item key = next(r);
        if (vt__msgpack_is(&key, "dtype")) st = read_dtype(r, e);
        else if (vt__msgpack_is(&key, "shape")) st = read_shape(r, e);
        else if (vt__msgpack_is(&key, "data_offsets")) st = read_offsets(r, e);
        else st = bad(r, "its entry has a key that is none of dtype, shape, data_offsets");
    }
    return st == VT_OK ? place(r, e) : st;
}

/* ---- the header ---- */

/* Names go into messages and C strings: no control characters, NUL among them. */
static vt_status keep_key(reader *r, const vt__msgpack_item *key, int64_t number) {
    for (size_t i = 0; i < key->size; i++)
        if (key->data[i] < 0x20 || key->data[i] == 0x7f)
            return vt__fail(VT_ERR_FORMAT, "%s: tensor %lld: byte 0x%02x at place %zu of its name", r->s->name, (long long)number,
                            (unsigned)key->data[i], i);
    if (key->size < 1 || key->size > MAX_NAME)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor %lld: name of %zu bytes, 1 to %d are allowed", r->s->name, (long long)number, key->size,
                        (int)MAX_NAME);
    (void)snprintf(r->key, sizeof r->key, "%.*s", (int)(key->size < KEY_SHOWN ? key->size : KEY_SHOWN), (const char *)key->data);
    return vt__map_add(&r->s->names, key->data, key->size, number) < 0 ? vt__fail_nomem("safetensors", key->size) : VT_OK;
}

static vt_status read_tensors(reader *r) {
    vt__safetensors *s = r->s;
    vt__msgpack_item map = next(r);
    vt_status st = VT_OK;
    if (map.kind != VT__MSGPACK_MAP) return vt__fail(VT_ERR_FORMAT, "%s: the header is no JSON object", s->name);
    s->tensors = vt__calloc2(s->ctx, (int64_t)map.u, 1, sizeof *s->tensors);
    if (!s->tensors) return vt__fail_nomem("safetensors", (size_t)map.u * sizeof *s->tensors);
    for (uint64_t i = 0; i < map.u && st == VT_OK; i++) {
        vt__msgpack_item key = next(r);
        int64_t number = s->names.count;
        if (vt__msgpack_is(&key, "__metadata__")) {
            vt__msgpack_skip(&r->at, r->end); /* strings for people */
            continue;
        }
        entry e = {.t = {.shape = {1, 1, 1, 1, 1, 1, 1, 1}}};
        st = keep_key(r, &key, number);
        if (st == VT_OK) st = read_entry(r, &e);
        if (st == VT_OK) s->tensors[number] = e.t;
    }
    for (int64_t i = 0; i < s->names.count; i++) { /* only now do the names stay where they are */
        size_t len;
        s->tensors[i].name = vt__map_key(&s->names, i, &len);
    }
    return st;
}

static int lies_before(const void *user, int64_t a, int64_t b) {
    const vt__safetensor *t = user;
    uintptr_t x = (uintptr_t)t[a].data, y = (uintptr_t)t[b].data;
    return x < y || (x == y && t[a].size < t[b].size);
}

static vt_status check_order(const vt__safetensors *s, const int64_t *order, size_t blob) {
    const unsigned char *at = s->data + (s->size - blob);
    const char *before = "the header";
    for (int64_t i = 0; i < s->names.count; i++) {
        const vt__safetensor *t = &s->tensors[order[i]];
        if (t->data < at) return vt__fail(VT_ERR_FORMAT, "%s: tensors '%s' and '%s' overlap in the file", s->name, before, t->name);
        if (t->data > at)
            return vt__fail(VT_ERR_FORMAT, "%s: %zu bytes between '%s' and '%s' belong to no tensor", s->name, (size_t)(t->data - at), before, t->name);
        at += t->size;
        before = t->name;
    }
    size_t left = (size_t)(s->data + s->size - at);
    return left == 0 ? VT_OK : vt__fail(VT_ERR_FORMAT, "%s: %zu bytes behind '%s' belong to no tensor", s->name, left, before);
}

static vt_status check_layout(const vt__safetensors *s, size_t blob) {
    int64_t n = s->names.count;
    vt_status st = VT_OK;
    int64_t *order = vt__calloc2(s->ctx, n, 1, sizeof *order);
    if (!order) return vt__fail_nomem("safetensors", 0);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    if (vt__sort(s->ctx, order, n, lies_before, s->tensors)) st = vt__fail_nomem("safetensors", 0);
    if (st == VT_OK) st = check_order(s, order, blob);
    vt__free(s->ctx, order);
    return st;
}

static vt_status read_file(vt__safetensors *s) {
    uint64_t header = 0;
    vt_buffer *packed;
    if (s->size < 8) return vt__fail(VT_ERR_FORMAT, "%s: %zu bytes, the length of a safetensors header alone has 8", s->name, s->size);
    for (int i = 7; i >= 0; i--) header = header << 8 | s->data[i];
    if (header > s->size - 8)
        return vt__fail(VT_ERR_FORMAT, "%s: a header of %llu bytes, the file has %zu left", s->name, (unsigned long long)header, s->size - 8);
    if (header > MAX_HEADER) return vt__fail(VT_ERR_LIMIT, "%s: a header of %llu bytes, at most %d are read", s->name, (unsigned long long)header, (int)MAX_HEADER);
    if (header < 1 || s->data[8] != '{') return vt__fail(VT_ERR_FORMAT, "%s: not a safetensors file: its header does not begin with '{'", s->name);
    vt_status st = vt__json_to_msgpack(s->ctx, (const char *)s->data + 8, (size_t)header, &packed);
    if (st != VT_OK) return vt__fail_within(st, s->name);
    const unsigned char *at = vt__buffer_data(packed);
    reader r = {.s = s, .at = at, .end = at + vt__buffer_size(packed), .blob = s->size - 8 - (size_t)header};
    st = read_tensors(&r);
    vt__buffer_release(packed);
    return st == VT_OK ? check_layout(s, r.blob) : st;
}

/* ---- the handle ---- */

/* The end of a path says more than its beginning. */
static vt__safetensors *create(vt_context *ctx, const char *name) {
    vt__safetensors *s = vt__calloc(ctx, sizeof *s);
    if (!s) return NULL;
    size_t len = strlen(name), drop = len > NAME_SHOWN ? len - NAME_SHOWN : 0;
    while (((unsigned char)name[drop] & 0xC0u) == 0x80u) drop++;
    atomic_init(&s->refs, 1);
    s->ctx = vt__context_retain(ctx);
    (void)snprintf(s->name, sizeof s->name, "%s%s", drop ? "..." : "", name + drop);
    vt__map_init(&s->names, ctx);
    return s;
}

static vt_status finish(vt__safetensors *s, vt_status st, vt__safetensors **out) {
    if (st == VT_OK) st = read_file(s);
    if (st == VT_OK) *out = s;
    else vt__safetensors_release(s);
    return st;
}

vt_status vt__safetensors_open(vt_context *ctx, const char *path, vt__safetensors **out) {
    vt__safetensors *s = create(ctx, path);
    *out = NULL;
    if (!s) return vt__fail_nomem("safetensors", sizeof *s);
    vt_status st = vt__map_file(ctx, path, &s->map);
    s->data = s->map.data;
    s->size = s->map.size;
    return finish(s, st, out);
}

vt_status vt__safetensors_parse(vt_context *ctx, const char *name, const void *data, size_t size, vt__safetensors **out) {
    vt__safetensors *s = create(ctx, name);
    *out = NULL;
    if (!s) return vt__fail_nomem("safetensors", sizeof *s);
    s->data = data;
    s->size = size;
    return finish(s, VT_OK, out);
}

vt__safetensors *vt__safetensors_retain(vt__safetensors *s) {
    if (s) atomic_fetch_add(&s->refs, 1);
    return s;
}

void vt__safetensors_release(vt__safetensors *s) {
    if (!s || atomic_fetch_sub(&s->refs, 1) != 1) return;
    vt_context *ctx = s->ctx;
    vt__map_free(&s->names);
    vt__free(ctx, s->tensors);
    vt__unmap_file(ctx, &s->map);
    vt__free(ctx, s);
    vt__context_release(ctx);
}

vt_context *vt__safetensors_context(const vt__safetensors *s) { return s->ctx; }
const char *vt__safetensors_name(const vt__safetensors *s) { return s->name; }
int64_t vt__safetensors_count(const vt__safetensors *s) { return s->names.count; }
const vt__safetensor *vt__safetensors_at(const vt__safetensors *s, int64_t i) { return i >= 0 && i < s->names.count ? &s->tensors[i] : NULL; }

const vt__safetensor *vt__safetensors_find(const vt__safetensors *s, const char *name) {
    return vt__safetensors_at(s, vt__map_find(&s->names, name, strlen(name)));
}
