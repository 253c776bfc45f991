/* oneOf: a value must satisfy exactly one member. A grammar can only offer all of them, so members must exclude each other in a way that can be seen. */
#include "core/error.h"
#include "grammar/schema_internal.h"

enum { OBJECT = 1, ARRAY = 2, STRING = 4, NUMBER = 8, BOOLEAN = 16, NOTHING = 32, ANYTHING = 63 };

static int kind_of_value(vt__value v) {
    switch (vt__value_item(v, NULL).kind) {
    case VT__MSGPACK_NIL: return NOTHING;
    case VT__MSGPACK_BOOL: return BOOLEAN;
    case VT__MSGPACK_STR: return STRING;
    case VT__MSGPACK_ARRAY: return ARRAY;
    case VT__MSGPACK_MAP: return OBJECT;
    default: return NUMBER;
    }
}

static int kind_of_type(vt__value v) {
    static const struct {
        const char *name;
        int kind;
    } kinds[] = {{"object", OBJECT}, {"array", ARRAY}, {"string", STRING}, {"integer", NUMBER}, {"number", NUMBER}, {"boolean", BOOLEAN}, {"null", NOTHING}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (vt__value_is_text(v, kinds[i].name)) return kinds[i].kind;
    return ANYTHING;
}

static int kinds_of_type(vt__value v) {
    vt__value at;
    vt__msgpack_item item = vt__value_item(v, &at);
    int kinds = 0;
    if (item.kind != VT__MSGPACK_ARRAY) return v.at ? kind_of_type(v) : ANYTHING;
    for (uint64_t i = 0; i < item.u; i++, at = vt__value_after(at)) kinds |= kind_of_type(at);
    return kinds;
}

/* The values that a schema lists: n of them from *at on; 0: it lists none. */
static uint64_t listed(const vt__keys *k, vt__value *at) {
    if (k->of[VT__KEY_CONST].at) {
        *at = k->of[VT__KEY_CONST];
        return 1;
    }
    vt__msgpack_item item = vt__value_item(k->of[VT__KEY_ENUM], at);
    return item.kind == VT__MSGPACK_ARRAY ? item.u : 0;
}

static int share_no_value(const vt__keys *a, const vt__keys *b) {
    vt__value x, first;
    uint64_t n = listed(a, &x), m = listed(b, &first);
    if (n == 0 || m == 0 || n * m > 1 << 16) return 0;
    for (uint64_t i = 0; i < n; i++, x = vt__value_after(x)) {
        vt__value y = first;
        for (uint64_t j = 0; j < m; j++, y = vt__value_after(y))
            if (vt__value_equal(x, y)) return 0;
    }
    return 1;
}

static int kinds_of(const vt__keys *k) {
    vt__value at;
    uint64_t n = listed(k, &at);
    int kinds = 0;
    for (uint64_t i = 0; i < n; i++, at = vt__value_after(at)) kinds |= kind_of_value(at);
    return n ? kinds : kinds_of_type(k->of[VT__KEY_TYPE]);
}

static int requires(const vt__keys *k, vt__msgpack_item name) {
    vt__value at;
    vt__msgpack_item item = vt__value_item(k->of[VT__KEY_REQUIRED], &at);
    for (uint64_t i = 0; item.kind == VT__MSGPACK_ARRAY && i < item.u; i++) {
        vt__msgpack_item one = vt__value_item(at, &at);
        if (one.kind == VT__MSGPACK_STR && one.size == name.size && memcmp(one.data, name.data, name.size) == 0) return 1;
        if (one.kind != VT__MSGPACK_STR) return 0;
    }
    return 0;
}

/* Both require a property for which they list different values. */
static int have_tag(const vt__keys *a, const vt__keys *b) {
    vt__value at;
    vt__msgpack_item item = vt__value_item(a->of[VT__KEY_PROPERTIES], &at);
    for (uint64_t i = 0; item.kind == VT__MSGPACK_MAP && i < item.u && i < 256; i++, at = vt__value_after(at)) {
        vt__msgpack_item name = vt__value_item(at, &at);
        vt__value other = vt__value_get(b->of[VT__KEY_PROPERTIES], (const char *)name.data, name.size);
        vt__keys x, y;
        if (!other.at || vt__value_item(at, NULL).kind != VT__MSGPACK_MAP || vt__value_item(other, NULL).kind != VT__MSGPACK_MAP) continue;
        if (!requires(a, name) || !requires(b, name)) continue;
        if (vt__schema_keys(at, &x) == VT_OK && vt__schema_keys(other, &y) == VT_OK && share_no_value(&x, &y)) return 1;
    }
    return 0;
}

vt_status vt__schema_exclusive(vt__schema *s, vt__value list) {
    vt__keys parts[VT__SCHEMA_PARTS];
    vt__value at;
    vt__msgpack_item item = vt__value_item(list, &at);
    vt_status st = VT_OK;
    if (item.u > VT__SCHEMA_PARTS) return vt__fail(VT_ERR_LIMIT, "schema: 'oneOf' of more than %d", VT__SCHEMA_PARTS);
    for (uint64_t i = 0; i < item.u && st == VT_OK; i++, at = vt__value_after(at)) {
        vt__value v = at;
        st = vt__schema_resolve(s, &v);
        if (st == VT_OK) st = vt__schema_keys(v, &parts[i]);
        for (uint64_t j = 0; j < i && st == VT_OK; j++) {
            const vt__keys *a = &parts[i], *b = &parts[j];
            if ((kinds_of(a) & kinds_of(b)) && !share_no_value(a, b) && !have_tag(a, b))
                st = vt__fail(VT_ERR_UNSUPPORTED, "schema: 'oneOf' whose members %llu and %llu may overlap; 'anyOf' is supported", (unsigned long long)j,
                              (unsigned long long)i);
        }
    }
    return st;
}
