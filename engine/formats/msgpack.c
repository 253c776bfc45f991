#include "formats/msgpack.h"

#include <string.h>

#include "core/error.h"

/* Types 0xc0 to 0xdf: kind, bytes that hold the value or the length (or count), and for extensions of fixed size their payload. */
static const struct {
    signed char kind; /* -1: never used by the format */
    unsigned char width, payload;
} types[32] = {
    {VT__MSGPACK_NIL, 0, 0},   {-1, 0, 0},                {VT__MSGPACK_BOOL, 0, 0},  {VT__MSGPACK_BOOL, 0, 0},  {VT__MSGPACK_BIN, 1, 0},   {VT__MSGPACK_BIN, 2, 0},
    {VT__MSGPACK_BIN, 4, 0},   {VT__MSGPACK_EXT, 1, 0},   {VT__MSGPACK_EXT, 2, 0},   {VT__MSGPACK_EXT, 4, 0},   {VT__MSGPACK_FLOAT, 4, 0}, {VT__MSGPACK_FLOAT, 8, 0},
    {VT__MSGPACK_UINT, 1, 0},  {VT__MSGPACK_UINT, 2, 0},  {VT__MSGPACK_UINT, 4, 0},  {VT__MSGPACK_UINT, 8, 0},  {VT__MSGPACK_INT, 1, 0},   {VT__MSGPACK_INT, 2, 0},
    {VT__MSGPACK_INT, 4, 0},   {VT__MSGPACK_INT, 8, 0},   {VT__MSGPACK_EXT, 0, 1},   {VT__MSGPACK_EXT, 0, 2},   {VT__MSGPACK_EXT, 0, 4},   {VT__MSGPACK_EXT, 0, 8},
    {VT__MSGPACK_EXT, 0, 16},  {VT__MSGPACK_STR, 1, 0},   {VT__MSGPACK_STR, 2, 0},   {VT__MSGPACK_STR, 4, 0},   {VT__MSGPACK_ARRAY, 2, 0}, {VT__MSGPACK_ARRAY, 4, 0},
    {VT__MSGPACK_MAP, 2, 0},   {VT__MSGPACK_MAP, 4, 0},
};

static vt_status fail_cut(size_t need, size_t left) {
    return vt__fail(VT_ERR_FORMAT, "msgpack: a value of %zu bytes where %zu are left", need, left);
}

/* Integers of every width become INT, or UINT where INT cannot hold them. */
static void set_number(vt__msgpack_item *item, uint64_t bits, int width) {
    if (item->kind == VT__MSGPACK_FLOAT) {
        if (width == 4) {
            uint32_t low = (uint32_t)bits;
            float f;
            memcpy(&f, &low, sizeof f);
            item->f = (double)f;
        } else {
            memcpy(&item->f, &bits, sizeof item->f);
        }
    } else if (item->kind == VT__MSGPACK_INT) {
        int shift = 64 - 8 * width;
        item->i = (int64_t)(bits << shift) >> shift; /* sign extension */
    } else {
        item->u = bits;
        if (bits > INT64_MAX) return;
        item->kind = VT__MSGPACK_INT;
        item->i = (int64_t)bits;
    }
}

/* Kinds with a length: what follows the head must be there, or be able to be there. */
static vt_status set_extent(const unsigned char **at, const unsigned char *end, const unsigned char *p, uint64_t n, vt__msgpack_item *item) {
    size_t left = (size_t)(end - p);
    if (item->kind == VT__MSGPACK_ARRAY || item->kind == VT__MSGPACK_MAP) {
        if (n > (item->kind == VT__MSGPACK_MAP ? left / 2 : left))
            return vt__fail(VT_ERR_FORMAT, "msgpack: a %s of %llu items where %zu bytes are left", item->kind == VT__MSGPACK_MAP ? "map" : "array",
                            (unsigned long long)n, left);
        item->u = n;
        *at = p;
        return VT_OK;
    }
    size_t extra = item->kind == VT__MSGPACK_EXT;
    if (n + extra > left) return fail_cut((size_t)n + extra, left);
    if (extra) item->i = (signed char)*p;
    item->data = p + extra;
    item->size = (size_t)n;
    *at = p + extra + n;
    return VT_OK;
}

static vt_status read_typed(const unsigned char **at, const unsigned char *end, vt__msgpack_item *item) {
    const unsigned char *p = *at;
    unsigned char code = *p++;
    size_t width = types[code - 0xC0].width, left = (size_t)(end - p);
    uint64_t value = 0;

    if (types[code - 0xC0].kind < 0) return vt__fail(VT_ERR_FORMAT, "msgpack: byte 0x%02x begins no value", code);
    if (width > left) return fail_cut(width, left);
    item->kind = types[code - 0xC0].kind;
    for (size_t i = 0; i < width; i++) value = value << 8 | p[i];
    p += width;
    switch (item->kind) {
    case VT__MSGPACK_NIL:
    case VT__MSGPACK_BOOL:
        item->i = code == 0xC3;
        *at = p;
        return VT_OK;
    case VT__MSGPACK_INT:
    case VT__MSGPACK_UINT:
    case VT__MSGPACK_FLOAT:
        set_number(item, value, (int)width);
        *at = p;
        return VT_OK;
    default: return set_extent(at, end, p, width ? value : types[code - 0xC0].payload, item);
    }
}

vt_status vt__msgpack_read(const unsigned char **at, const unsigned char *end, vt__msgpack_item *out) {
    memset(out, 0, sizeof *out);
    if (*at == end) return vt__fail(VT_ERR_FORMAT, "msgpack: the bytes end where a value begins");
    unsigned char code = **at;
    if (code >= 0xC0 && code < 0xE0) return read_typed(at, end, out);
    if (code < 0x80 || code >= 0xE0) {
        out->kind = VT__MSGPACK_INT;
        out->i = (signed char)code;
        ++*at;
        return VT_OK;
    }
    out->kind = code < 0x90 ? VT__MSGPACK_MAP : code < 0xA0 ? VT__MSGPACK_ARRAY : VT__MSGPACK_STR;
    return set_extent(at, end, *at + 1, code & (out->kind == VT__MSGPACK_STR ? 0x1Fu : 0x0Fu), out);
}

/* A container's items may claim the same bytes as those of the container around it: only the walk shows whether all are there. It ends at
 * the latest with the bytes. */
vt_status vt__msgpack_check(const void *data, size_t size) {
    const unsigned char *at = data, *end = at + size;
    uint64_t open[VT__MSGPACK_DEPTH]; /* items to come at each level */
    int depth = 0;

    do {
        vt__msgpack_item item;
        const unsigned char *begin = at;
        vt_status st = vt__msgpack_read(&at, end, &item);
        if (st != VT_OK) return st;
        if (depth > 0) open[depth - 1]--;
        if (item.kind == VT__MSGPACK_ARRAY || item.kind == VT__MSGPACK_MAP) {
            if (depth == VT__MSGPACK_DEPTH)
                return vt__fail(VT_ERR_LIMIT, "msgpack: byte %zu is nested deeper than %d containers", (size_t)(begin - (const unsigned char *)data), (int)VT__MSGPACK_DEPTH);
            open[depth++] = item.kind == VT__MSGPACK_MAP ? 2 * item.u : item.u;
        }
        while (depth > 0 && open[depth - 1] == 0) depth--;
    } while (depth > 0);
    if (at != end) return vt__fail(VT_ERR_FORMAT, "msgpack: %zu bytes behind the value", (size_t)(end - at));
    return VT_OK;
}

/* ---- sound values ---- */

void vt__msgpack_skip(const unsigned char **at, const unsigned char *end) {
    vt__msgpack_item item;
    for (uint64_t left = 1; left > 0 && vt__msgpack_read(at, end, &item) == VT_OK; left--) {
        if (item.kind == VT__MSGPACK_ARRAY) left += item.u;
        if (item.kind == VT__MSGPACK_MAP) left += 2 * item.u;
    }
}

int vt__msgpack_is(const vt__msgpack_item *item, const char *text) {
    return item->kind == VT__MSGPACK_STR && item->size == strlen(text) && memcmp(item->data, text, item->size) == 0;
}

const unsigned char *vt__msgpack_find(const unsigned char *map, const unsigned char *end, const char *key) {
    vt__msgpack_item item;
    if (!map || vt__msgpack_read(&map, end, &item) != VT_OK || item.kind != VT__MSGPACK_MAP) return NULL;
    for (uint64_t pairs = item.u; pairs > 0; pairs--) {
        if (vt__msgpack_read(&map, end, &item) != VT_OK) return NULL;
        if (vt__msgpack_is(&item, key)) return map;
        vt__msgpack_skip(&map, end);
    }
    return NULL;
}
