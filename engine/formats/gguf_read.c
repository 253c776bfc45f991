/* The parser. Invariant: a count or length from the file is compared with the bytes left before it is used for anything. */
#include <utf8proc.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "formats/gguf_internal.h"
#include "quant/block.h"

enum {
    MIN_KEY = 8 + 1 + 4 + 1,             /* name of one byte, type, value of one byte */
    MIN_TENSOR = 8 + 1 + 4 + 8 + 4 + 8,  /* name of one byte, dimensions, type, offset */
    MAX_NAME = 65535,                    /* the format's own limit */
    DEFAULT_ALIGNMENT = 32
};

typedef struct cursor {
    vt__gguf *g;
    size_t pos;
    const char *kind; /* what is being read: "header", "key", "tensor" */
    int64_t index;    /* its number */
} cursor;

size_t vt__gguf_type_size(int32_t type) {
    static const unsigned char size[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type >= 0 && type <= VT__GGUF_F64 ? size[type] : 0;
}

const char *vt__gguf_type_name(int32_t type) {
    static const char *const name[] = {"u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "string", "array", "u64", "i64", "f64"};
    return type >= 0 && type <= VT__GGUF_F64 ? name[type] : "?";
}

static size_t left(const cursor *c) { return c->g->size - c->pos; }

static vt_status too_short(const cursor *c, const char *what, uint64_t need) {
    return vt__fail(VT_ERR_FORMAT, "%s: %s %lld: %s needs %llu bytes at byte %zu, the file has %zu left", c->g->name, c->kind,
                    (long long)c->index, what, (unsigned long long)need, c->pos, left(c));
}

static vt_status take(cursor *c, size_t size, const char *what, uint64_t *out) {
    *out = 0;
    if (left(c) < size) return too_short(c, what, size);
    *out = vt__gguf_load(c->g->data + c->pos, size);
    c->pos += size;
    return VT_OK;
}

static vt_status take_string(cursor *c, const char *what, vt__gguf_str *out) {
    uint64_t len;
    vt_status st = take(c, 8, what, &len);
    if (st != VT_OK) return st;
    if (len > left(c)) return too_short(c, what, len);
    *out = (vt__gguf_str){.data = (const char *)c->g->data + c->pos, .len = (size_t)len};
    c->pos += (size_t)len;
    return VT_OK;
}

/* Names go into messages and C strings: text without control characters, NUL among them. */
static vt_status take_name(cursor *c, vt__gguf_str *out) {
    vt_status st = take_string(c, "its name", out);
    if (st != VT_OK) return st;
    if (out->len < 1 || out->len > MAX_NAME)
        return vt__fail(VT_ERR_FORMAT, "%s: %s %lld: name of %zu bytes, 1 to %d are allowed", c->g->name, c->kind, (long long)c->index, out->len,
                        MAX_NAME);
    for (size_t i = 0; i < out->len;) {
        utf8proc_int32_t cp;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)out->data + i, (utf8proc_ssize_t)(out->len - i), &cp);
        if (n < 1 || cp < 0x20 || cp == 0x7F)
            return vt__fail(VT_ERR_FORMAT, "%s: %s %lld: byte 0x%02x at place %zu of its name; only UTF-8 text is allowed", c->g->name, c->kind,
                            (long long)c->index, (unsigned)(unsigned char)out->data[i], i);
        i += (size_t)n;
    }
    return VT_OK;
}

static vt_status check_bools(const cursor *c, const unsigned char *p, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        if (p[i] > 1)
            return vt__fail(VT_ERR_FORMAT, "%s: %s %lld: bool of value %u, 0 and 1 are allowed", c->g->name, c->kind, (long long)c->index,
                            (unsigned)p[i]);
    }
    return VT_OK;
}

static vt_status take_elements(cursor *c, int32_t type, uint64_t count, vt__gguf_array *out) {
    size_t size = vt__gguf_type_size(type), least = size ? size : 8; /* a string is at least its length */
    vt_status st = VT_OK;

    if (count > left(c) / least)
        return vt__fail(VT_ERR_FORMAT, "%s: %s %lld: %llu elements of type %s at byte %zu, the file has %zu bytes left", c->g->name, c->kind,
                        (long long)c->index, (unsigned long long)count, vt__gguf_type_name(type), c->pos, left(c));
    *out = (vt__gguf_array){.type = type, .count = (int64_t)count, .data = c->g->data + c->pos};
    if (type == VT__GGUF_STRING) {
        vt__gguf_str s;
        for (uint64_t i = 0; i < count && st == VT_OK; i++) st = take_string(c, "a string", &s);
    } else {
        if (type == VT__GGUF_BOOL) st = check_bools(c, out->data, out->count);
        c->pos += (size_t)count * size;
    }
    out->end = c->g->data + c->pos;
    return st;
}

static vt_status take_type(cursor *c, const char *what, int32_t *out) {
    uint64_t type;
    *out = 0;
    vt_status st = take(c, 4, what, &type);
    if (st != VT_OK) return st;
    if (type > VT__GGUF_F64)
        return vt__fail(VT_ERR_FORMAT, "%s: %s %lld: %s is %llu, 0 to %d are allowed", c->g->name, c->kind, (long long)c->index, what,
                        (unsigned long long)type, VT__GGUF_F64);
    *out = (int32_t)type;
    return VT_OK;
}

static vt_status take_value(cursor *c, vt__gguf_value *v) {
    int32_t element;
    uint64_t count = 1;
    vt_status st = take_type(c, "value type", &v->type);
    if (st != VT_OK) return st;
    element = v->type;
    if (v->type == VT__GGUF_ARRAY) {
        if ((st = take_type(c, "element type", &element)) != VT_OK || (st = take(c, 8, "an array's length", &count)) != VT_OK) return st;
        if (element == VT__GGUF_ARRAY)
            return vt__fail(VT_ERR_FORMAT, "%s: key %lld: an array of arrays, which the format's writers do not make", c->g->name,
                            (long long)c->index);
    }
    return take_elements(c, element, count, &v->array);
}

static vt_status read_keys(cursor *c, vt__gguf_names *keys) {
    vt__gguf *g = c->g;
    vt_status st = VT_OK;

    c->kind = "key";
    keys->name = vt__calloc2(g->ctx, keys->n, 1, sizeof *keys->name);
    g->values = vt__calloc2(g->ctx, keys->n, 1, sizeof *g->values);
    if (!keys->name || !g->values) return vt__fail_nomem("gguf", 0);
    for (c->index = 0; c->index < keys->n; c->index++) {
        if ((st = take_name(c, &keys->name[c->index])) != VT_OK || (st = take_value(c, &g->values[c->index])) != VT_OK) return st;
    }
    return vt__gguf_names_seal(g, keys, "key");
}

/* Rows are quantised each on its own, so ne[0] must be whole blocks. */
static vt_status tensor_size(const cursor *c, vt__gguf_tensor *t, const char *name) {
    const vt__block_type *type = t->dtype < VT_DTYPE_U8 ? vt__block_type_of(t->dtype) : NULL; /* from U8 on the numbers are ours, not the format's */
    size_t size;
    if (!type) return vt__fail(VT_ERR_UNSUPPORTED, "%s: tensor '%s': type %d is not known here", c->g->name, name, t->dtype);
    if (t->ne[0] % type->elems != 0)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': rows of %lld elements, %s needs a multiple of %lld", c->g->name, name, (long long)t->ne[0],
                        type->name, (long long)type->elems);
    int over = __builtin_mul_overflow((size_t)(t->ne[0] / type->elems), type->size, &size);
    for (int i = 1; i < 4; i++) over |= __builtin_mul_overflow(size, (size_t)t->ne[i], &size);
    if (over || size > c->g->size)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': %lld x %lld x %lld x %lld of type %s do not fit into a file of %zu bytes", c->g->name, name,
                        (long long)t->ne[0], (long long)t->ne[1], (long long)t->ne[2], (long long)t->ne[3], type->name, c->g->size);
    t->size = size;
    return VT_OK;
}

/* *out_offset is relative to the blob, whose place is known only after the last of them. */
static vt_status take_tensor(cursor *c, const char *name, vt__gguf_tensor *t, uint64_t *out_offset) {
    uint64_t n_dims, type;
    vt_status st = take(c, 4, "number of dimensions", &n_dims);
    if (st != VT_OK) return st;
    t->n_dims = (int32_t)n_dims; /* 1..4: the walk has seen it */
    for (int i = 0; i < 4; i++) {
        uint64_t ne = 1;
        if (i < t->n_dims && (st = take(c, 8, "a dimension", &ne)) != VT_OK) return st;
        if (ne < 1 || ne > INT64_MAX)
            return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': dimension %d is %lld, at least 1 is needed", c->g->name, name, i, (long long)ne);
        t->ne[i] = (int64_t)ne;
    }
    if ((st = take(c, 4, "tensor type", &type)) != VT_OK || (st = take(c, 8, "offset", out_offset)) != VT_OK) return st;
    t->dtype = type <= INT32_MAX ? (int32_t)type : INT32_MAX;
    return tensor_size(c, t, name);
}

static int lies_before(const void *user, int64_t a, int64_t b) {
    const vt__gguf_tensor *t = user;
    return (uintptr_t)t[a].data < (uintptr_t)t[b].data;
}

/* No writer shares bytes between tensors, so two in one place are damage or malice. */
static vt_status check_overlap(const vt__gguf *g) {
    int64_t n = g->tensor_names.n;
    int64_t *order = vt__calloc2(g->ctx, n, 1, sizeof *order);
    vt_status st = VT_OK;

    if (!order) return vt__fail_nomem("gguf", 0);
    for (int64_t i = 0; i < n; i++) order[i] = i;
    if (vt__sort(g->ctx, order, n, lies_before, g->tensors)) st = vt__fail_nomem("gguf", 0);
    for (int64_t i = 1; i < n && st == VT_OK; i++) {
        const vt__gguf_tensor *a = &g->tensors[order[i - 1]], *b = &g->tensors[order[i]];
        if ((const char *)a->data + a->size > (const char *)b->data)
            st = vt__fail(VT_ERR_FORMAT, "%s: tensors '%s' and '%s' overlap in the file", g->name, a->name, b->name);
    }
    vt__free(g->ctx, order);
    return st;
}

static vt_status place_tensors(cursor *c, const uint64_t *offset, size_t alignment) {
    vt__gguf *g = c->g;
    size_t blob = c->pos + (alignment - c->pos % alignment) % alignment;

    if (g->tensor_names.n > 0 && blob > g->size)
        return vt__fail(VT_ERR_FORMAT, "%s: tensor data begin at byte %zu, the file has %zu bytes", g->name, blob, g->size);
    for (int64_t i = 0; i < g->tensor_names.n; i++) {
        vt__gguf_tensor *t = &g->tensors[i];
        t->name = g->tensor_names.name[i].data;
        if (offset[i] % alignment != 0)
            return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': offset %llu is not a multiple of the alignment %zu", g->name, t->name,
                            (unsigned long long)offset[i], alignment);
        if (offset[i] > g->size - blob || t->size > g->size - blob - offset[i])
            return vt__fail(VT_ERR_FORMAT, "%s: tensor '%s': %zu bytes at offset %llu, the file has %zu bytes of tensor data", g->name, t->name,
                            t->size, (unsigned long long)offset[i], g->size - blob);
        t->data = g->data + blob + offset[i];
    }
    return check_overlap(g);
}

/* Names are needed for messages and still unterminated while the table is read: they are taken in a first walk over it. */
static vt_status walk_names(cursor *c, vt__gguf_names *names) {
    for (c->index = 0; c->index < names->n; c->index++) {
        uint64_t n_dims;
        vt_status st = take_name(c, &names->name[c->index]);
        if (st != VT_OK || (st = take(c, 4, "number of dimensions", &n_dims)) != VT_OK) return st;
        uint64_t rest = (n_dims <= 4 ? n_dims : 0) * 8 + 12;
        if (rest > left(c)) return too_short(c, "the rest of the entry", rest);
        c->pos += (size_t)rest;
        if (n_dims < 1 || n_dims > 4)
            return vt__fail(VT_ERR_FORMAT, "%s: tensor %lld: %llu dimensions, 1 to 4 are allowed", c->g->name, (long long)c->index,
                            (unsigned long long)n_dims);
    }
    return vt__gguf_names_seal(c->g, names, "tensor");
}

static vt_status read_tensors(cursor *c, size_t alignment) {
    vt__gguf *g = c->g;
    vt__gguf_names *names = &g->tensor_names;
    size_t start = c->pos;
    vt_status st = VT_OK;

    c->kind = "tensor";
    names->name = vt__calloc2(g->ctx, names->n, 1, sizeof *names->name);
    g->tensors = vt__calloc2(g->ctx, names->n, 1, sizeof *g->tensors);
    uint64_t *offset = vt__calloc2(g->ctx, names->n, 1, sizeof *offset);
    if (!names->name || !g->tensors || !offset) st = vt__fail_nomem("gguf", 0);
    if (st == VT_OK) st = walk_names(c, names);
    c->pos = start;
    for (c->index = 0; c->index < names->n && st == VT_OK; c->index++) {
        c->pos += 8 + names->name[c->index].len;
        st = take_tensor(c, names->name[c->index].data, &g->tensors[c->index], &offset[c->index]);
    }
    if (st == VT_OK) st = place_tensors(c, offset, alignment);
    vt__free(g->ctx, offset);
    return st;
}

static vt_status read_header(cursor *c) {
    vt__gguf *g = c->g;
    uint64_t magic, version, n_tensors, n_keys;
    vt_status st;

    c->kind = "header";
    if ((st = take(c, 4, "the magic", &magic)) != VT_OK) return st;
    if (memcmp(g->data, "GGUF", 4) != 0)
        return vt__fail(VT_ERR_FORMAT, "%s: not a GGUF file: begins with bytes %02x %02x %02x %02x, not 'GGUF'", g->name, (unsigned)g->data[0],
                        (unsigned)g->data[1], (unsigned)g->data[2], (unsigned)g->data[3]);
    if ((st = take(c, 4, "the version", &version)) != VT_OK) return st;
    if (version != 0 && (version & 0xFFFF) == 0)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: a big-endian GGUF file; only little-endian ones are read", g->name);
    if (version == 1) return vt__fail(VT_ERR_UNSUPPORTED, "%s: GGUF version 1, which nobody writes any more; 2 and 3 are read", g->name);
    if (version != 2 && version != 3)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: GGUF version %llu; 2 and 3 are read", g->name, (unsigned long long)version);
    if ((st = take(c, 8, "the number of tensors", &n_tensors)) != VT_OK || (st = take(c, 8, "the number of keys", &n_keys)) != VT_OK) return st;
    if (n_keys > left(c) / MIN_KEY)
        return vt__fail(VT_ERR_FORMAT, "%s: header announces %llu keys, the file has %zu bytes left", g->name, (unsigned long long)n_keys, left(c));
    if (n_tensors > left(c) / MIN_TENSOR)
        return vt__fail(VT_ERR_FORMAT, "%s: header announces %llu tensors, the file has %zu bytes left", g->name, (unsigned long long)n_tensors,
                        left(c));
    g->keys.n = (int64_t)n_keys;
    g->tensor_names.n = (int64_t)n_tensors;
    return VT_OK;
}

/* Keys that say how the file itself is to be read. */
static vt_status read_layout(const vt__gguf *g, size_t *out_alignment) {
    int64_t alignment = DEFAULT_ALIGNMENT;
    vt_status st = vt__gguf_get_int(g, "general.alignment", 1, INT64_C(1) << 30, &alignment);
    if (st != VT_OK && st != VT_ERR_NOT_FOUND) return st;
    if ((alignment & (alignment - 1)) != 0)
        return vt__fail(VT_ERR_FORMAT, "%s: key 'general.alignment' is %lld, a power of two is needed", g->name, (long long)alignment);
    *out_alignment = (size_t)alignment;
    return VT_OK;
}

vt_status vt__gguf_read(vt__gguf *g) {
    cursor c = {.g = g};
    size_t alignment = 0;
    vt_status st = read_header(&c);
    if (st == VT_OK) st = read_keys(&c, &g->keys);
    if (st == VT_OK) st = read_layout(g, &alignment);
    if (st == VT_OK) st = read_tensors(&c, alignment);
    return st;
}
