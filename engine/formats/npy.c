#include "formats/npy.h"

#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"
#include "vtk.h"

/* ---- header: a Python dictionary of three entries in text ---- */

typedef struct cursor {
    const char *at, *end;
} cursor;

static vt_status malformed(const cursor *c, const char *what) {
    int n = c->end - c->at < 20 ? (int)(c->end - c->at) : 20;
    return vt__fail(VT_ERR_FORMAT, "npy: header: need %s, got '%.*s'", what, n, c->at);
}

static void skip_space(cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\n' || *c->at == '\t')) c->at++;
}

/* Takes the character off if it is the next one that is not space. */
static int take(cursor *c, char wanted) {
    skip_space(c);
    if (c->at == c->end || *c->at != wanted) return 0;
    c->at++;
    return 1;
}

static int take_word(cursor *c, const char *word) {
    size_t n = strlen(word);
    skip_space(c);
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) return 0;
    c->at += n;
    return 1;
}

/* A string in either kind of quotes, without escapes: those of the keys and of plain types have none. */
static int take_string(cursor *c, const char **text, size_t *len) {
    skip_space(c);
    if (c->at == c->end || (*c->at != '\'' && *c->at != '"')) return 0;
    const char *close = memchr(c->at + 1, *c->at, (size_t)(c->end - c->at - 1));
    if (!close) return 0;
    *text = c->at + 1;
    *len = (size_t)(close - *text);
    c->at = close + 1;
    return 1;
}

/* A number without sign. Python 2 wrote an L behind it. */
static vt_status take_extent(cursor *c, int64_t *out) {
    skip_space(c);
    if (c->at == c->end || *c->at < '0' || *c->at > '9') return malformed(c, "an extent");
    for (*out = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++)
        if (__builtin_mul_overflow(*out, 10, out) || __builtin_add_overflow(*out, *c->at - '0', out))
            return vt__fail(VT_ERR_LIMIT, "npy: an extent over 2^63");
    (void)take(c, 'L');
    return VT_OK;
}

static const struct { const char *code; int32_t dtype; int size; } kinds[] = {
    {"f4", VT_DTYPE_F32, 4}, {"f8", VT_DTYPE_F64, 8},  {"f2", VT_DTYPE_F16, 2},  {"i1", VT_DTYPE_I8, 1},  {"i2", VT_DTYPE_I16, 2},  {"i4", VT_DTYPE_I32, 4},
    {"i8", VT_DTYPE_I64, 8}, {"u1", VT_DTYPE_U8, 1},   {"u2", VT_DTYPE_U16, 2},  {"b1", VT_DTYPE_BOOL, 1}, {"c8", VT_DTYPE_C64, 8}, {"c16", VT_DTYPE_C128, 16},
};

static int size_of(int32_t dtype) {
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].dtype == dtype) return kinds[i].size;
    return 0;
}

/* "<f4": byte order, then the kind. '|' is for single bytes, which have no order. */
static vt_status read_type(cursor *c, vt__npy *out) {
    const char *text;
    size_t len;
    if (take(c, '[')) return vt__fail(VT_ERR_UNSUPPORTED, "npy: an array of records; arrays of plain numbers can be read");
    if (!take_string(c, &text, &len)) return malformed(c, "the element type");
    for (size_t i = 0; len > 1 && i < sizeof kinds / sizeof *kinds; i++) {
        if (len - 1 != strlen(kinds[i].code) || memcmp(text + 1, kinds[i].code, len - 1) != 0) continue;
        if (!strchr("<=|>", *text) || !*text) break;
        if (*text == '>' && kinds[i].size > 1) return vt__fail(VT_ERR_UNSUPPORTED, "npy: elements are big-endian ('%.*s')", (int)len, text);
        out->dtype = kinds[i].dtype;
        return VT_OK;
    }
    return vt__fail(VT_ERR_UNSUPPORTED, "npy: elements of type '%.*s'; f2 f4 f8 i1 i2 i4 i8 u1 u2 b1 c8 c16 can be read", len > 40 ? 40 : (int)len, text);
}

static vt_status read_shape(cursor *c, vt__npy *out) {
    if (!take(c, '(')) return malformed(c, "'('");
    while (!take(c, ')')) {
        if (out->n_dims == VT__NPY_DIMS) return vt__fail(VT_ERR_UNSUPPORTED, "npy: more than %d dimensions", (int)VT__NPY_DIMS);
        vt_status st = take_extent(c, &out->shape[out->n_dims]);
        if (st != VT_OK) return st;
        out->n_dims++;
        if (take(c, ',')) continue;
        if (!take(c, ')')) return malformed(c, "',' or ')'");
        break;
    }
    return VT_OK;
}

static vt_status read_flag(cursor *c, vt__npy *out) {
    if (take_word(c, "True")) out->fortran_order = 1;
    else if (!take_word(c, "False")) return malformed(c, "True or False");
    return VT_OK;
}

static vt_status read_header(cursor *c, vt__npy *out) {
    static const struct { const char *key; vt_status (*read)(cursor *c, vt__npy *out); } entries[] = {
        {"descr", read_type}, {"fortran_order", read_flag}, {"shape", read_shape}};
    enum { N_ENTRIES = sizeof entries / sizeof *entries };
    int seen[N_ENTRIES] = {0}, n_seen = 0;

    if (!take(c, '{')) return malformed(c, "'{'");
    while (!take(c, '}')) {
        const char *key;
        size_t len, i = 0;
        if (!take_string(c, &key, &len)) return malformed(c, "a key");
        while (i < N_ENTRIES && (strlen(entries[i].key) != len || memcmp(entries[i].key, key, len) != 0)) i++;
        if (i == N_ENTRIES || seen[i]) return vt__fail(VT_ERR_FORMAT, "npy: header: key '%.*s' is not known, or comes twice", len > 40 ? 40 : (int)len, key);
        if (!take(c, ':')) return malformed(c, "':'");
        vt_status st = entries[i].read(c, out);
        if (st != VT_OK) return st;
        n_seen += !seen[i];
        seen[i] = 1;
        if (take(c, ',')) continue;
        if (!take(c, '}')) return malformed(c, "',' or '}'");
        break;
    }
    skip_space(c);
    if (c->at != c->end) return malformed(c, "nothing after '}'");
    return n_seen == N_ENTRIES ? VT_OK : vt__fail(VT_ERR_FORMAT, "npy: header: descr, fortran_order or shape is missing");
}

/* Magic, version, length of the text (2 bytes in version 1, then 4), the text. */
static vt_status find_header(const unsigned char *data, size_t size, cursor *c) {
    enum { MAGIC = 6, FIRST = 8 };
    if (size < FIRST + 2 || memcmp(data, "\x93NUMPY", MAGIC) != 0) return vt__fail(VT_ERR_FORMAT, "npy: not an .npy file (%zu bytes)", size);
    int major = data[MAGIC], width = major == 1 ? 2 : 4;
    if (major < 1 || major > 3 || data[MAGIC + 1] != 0)
        return vt__fail(VT_ERR_UNSUPPORTED, "npy: version %d.%d, need 1.0 to 3.0", major, data[MAGIC + 1]);
    if (size < (size_t)(FIRST + width)) return vt__fail(VT_ERR_FORMAT, "npy: ends after %zu bytes, in the header", size);
    size_t len = (size_t)data[FIRST] | (size_t)data[FIRST + 1] << 8;
    if (width == 4) len |= (size_t)data[FIRST + 2] << 16 | (size_t)data[FIRST + 3] << 24;
    if (len > size - (size_t)(FIRST + width)) return vt__fail(VT_ERR_FORMAT, "npy: a header of %zu bytes in a file of %zu", len, size);
    c->at = (const char *)data + FIRST + width;
    c->end = c->at + len;
    return VT_OK;
}

vt_status vt__npy_parse(const unsigned char *data, size_t size, vt__npy *out) {
    vt__npy npy = {.shape = {1, 1, 1, 1, 1, 1, 1, 1}, .count = 1};
    cursor c;
    size_t bytes;

    vt_status st = find_header(data, size, &c);
    if (st != VT_OK) return st;
    npy.offset = (uint64_t)((const unsigned char *)c.end - data);
    st = read_header(&c, &npy);
    if (st != VT_OK) return st;
    /* An extent of 0 makes the array empty however large the others are. */
    for (int i = 0; i < npy.n_dims; i++)
        if (npy.shape[i] == 0) npy.count = 0;
    for (int i = 0; i < npy.n_dims && npy.count > 0; i++)
        if (__builtin_mul_overflow(npy.count, npy.shape[i], &npy.count)) return vt__fail(VT_ERR_LIMIT, "npy: the product of the shape is over 2^63");
    if (vt__mul_size(npy.count, size_of(npy.dtype), &bytes)) return vt__fail(VT_ERR_LIMIT, "npy: %lld elements", (long long)npy.count);
    if (bytes > size - npy.offset)
        return vt__fail(VT_ERR_FORMAT, "npy: %lld elements need %zu bytes, %zu are there", (long long)npy.count, bytes, size - (size_t)npy.offset);
    npy.size = bytes;
    *out = npy;
    return VT_OK;
}

/* ---- elements ---- */

/* Element `at` of the file as a number. Bytes of a file have no alignment. */
static double number_at(const unsigned char *data, int32_t dtype, int64_t at) {
    union { float f32; double f64; int16_t i16; uint16_t u16; int32_t i32; int64_t i64; } v;
    const unsigned char *p = data + (size_t)at * (size_t)size_of(dtype);
    switch (dtype) {
    case VT_DTYPE_F32: memcpy(&v.f32, p, 4); return (double)v.f32;
    case VT_DTYPE_F64: memcpy(&v.f64, p, 8); return v.f64;
    case VT_DTYPE_F16: vtk_get()->decode[VTK_F16](&v.f32, p, 1); return (double)v.f32;
    case VT_DTYPE_I8: return p[0] < 128 ? p[0] : p[0] - 256;
    case VT_DTYPE_I16: memcpy(&v.i16, p, 2); return v.i16;
    case VT_DTYPE_U16: memcpy(&v.u16, p, 2); return v.u16;
    case VT_DTYPE_I32: memcpy(&v.i32, p, 4); return v.i32;
    case VT_DTYPE_I64: memcpy(&v.i64, p, 8); return (double)v.i64;
    case VT_DTYPE_BOOL: return p[0] != 0;
    default: return p[0];
    }
}

static void put(unsigned char *to, int32_t dtype, const unsigned char *data, int32_t from, int64_t at) {
    double number = number_at(data, from, at);
    float single = (float)number;
    if (dtype == VT_DTYPE_F32) memcpy(to, &single, sizeof single);
    else memcpy(to, &number, sizeof number);
}

/* Walks the array in C order; `at` follows as the element's number in the file. */
typedef struct walk {
    int64_t index[VT__NPY_DIMS], step[VT__NPY_DIMS], at;
} walk;

static void begin_walk(walk *w, const vt__npy *npy) {
    int64_t step = 1;
    *w = (walk){.at = 0};
    for (int i = 0; i < npy->n_dims; i++) {
        int d = npy->fortran_order ? i : npy->n_dims - 1 - i;
        w->step[d] = step;
        step *= npy->shape[d];
    }
}

static void advance(walk *w, const vt__npy *npy) {
    for (int d = npy->n_dims - 1; d >= 0; d--) {
        w->at += w->step[d];
        if (++w->index[d] < npy->shape[d]) return;
        w->at -= w->index[d] * w->step[d];
        w->index[d] = 0;
    }
}

vt_status vt__npy_read(vt_context *ctx, const unsigned char *data, const vt__npy *npy, int32_t dtype, vt_buffer **out) {
    const unsigned char *elements = data + npy->offset;
    int as_is = dtype == VT__NPY_SAME || dtype == npy->dtype;
    size_t size = (size_t)size_of(as_is ? npy->dtype : dtype), bytes;
    walk w;

    if (npy->count == 0 || (as_is && (!npy->fortran_order || npy->n_dims < 2))) return vt__buffer_copy(ctx, elements, (size_t)npy->size, out);
    if (!as_is && (npy->dtype == VT_DTYPE_C64 || npy->dtype == VT_DTYPE_C128))
        return vt__fail(VT_ERR_DTYPE, "npy: complex numbers cannot be read as floats (dtype %d)", npy->dtype);
    unsigned char *block = vt__mul_size(npy->count, (int64_t)size, &bytes) ? NULL : vt__alloc(ctx, bytes + 1);
    if (!block) return vt__fail_nomem("npy", 0);
    begin_walk(&w, npy);
    for (unsigned char *to = block; to < block + bytes; to += size, advance(&w, npy)) {
        if (as_is) memcpy(to, elements + (size_t)w.at * size, size);
        else put(to, dtype, elements, npy->dtype, w.at);
    }
    return vt__buffer_take(ctx, block, bytes, out);
}
