#include "grammar/value.h"

vt__msgpack_item vt__value_item(vt__value v, vt__value *content) {
    vt__msgpack_item item = {.kind = VT__MSGPACK_NIL};
    const unsigned char *at = v.at;
    if (!at || vt__msgpack_read(&at, v.end, &item) != VT_OK) item.kind = VT__MSGPACK_EXT; /* never: the bytes are checked, and JSON has none */
    if (content) *content = (vt__value){at, v.end};
    return item;
}

vt__value vt__value_after(vt__value v) {
    for (uint64_t left = 1; left > 0; left--) {
        vt__msgpack_item item = vt__value_item(v, &v);
        if (item.kind == VT__MSGPACK_ARRAY) left += item.u;
        if (item.kind == VT__MSGPACK_MAP) left += 2 * item.u;
    }
    return v;
}

vt__value vt__value_get(vt__value map, const char *key, size_t len) {
    vt__value at;
    vt__msgpack_item item = vt__value_item(map, &at);
    for (uint64_t i = 0; item.kind == VT__MSGPACK_MAP && i < item.u; i++) {
        vt__msgpack_item name = vt__value_item(at, &at);
        if (name.size == len && memcmp(name.data, key, len) == 0) return at;
        at = vt__value_after(at);
    }
    return (vt__value){NULL, map.end};
}

int vt__value_is_text(vt__value v, const char *text) {
    vt__msgpack_item item = vt__value_item(v, NULL);
    return item.kind == VT__MSGPACK_STR && item.size == strlen(text) && memcmp(item.data, text, item.size) == 0;
}

static int number_of(vt__msgpack_item item, double *out) {
    *out = item.kind == VT__MSGPACK_INT ? (double)item.i : item.kind == VT__MSGPACK_UINT ? (double)item.u : item.f;
    return item.kind == VT__MSGPACK_INT || item.kind == VT__MSGPACK_UINT || item.kind == VT__MSGPACK_FLOAT;
}

int vt__value_equal(vt__value a, vt__value b) {
    double x, y;
    int a_is = number_of(vt__value_item(a, NULL), &x), b_is = number_of(vt__value_item(b, NULL), &y);
    if (a_is || b_is) return a_is && b_is && !(x < y) && !(x > y);
    ptrdiff_t n = vt__value_after(a).at - a.at;
    return vt__value_after(b).at - b.at == n && memcmp(a.at, b.at, (size_t)n) == 0;
}
