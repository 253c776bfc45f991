/* The queue of schemas, and what a schema is: a reference, one of several values, a combination, or values of one or more types. */
#include "grammar/schema.h"

#include <stdio.h>

#include "core/context.h"
#include "core/error.h"
#include "formats/json.h"
#include "grammar/schema_internal.h"

/* ---- keywords ---- */

static const char *const names[VT__N_KEYS] = {
    "$ref", "const", "enum", "anyOf", "oneOf", "allOf", "type", "properties", "required", "additionalProperties", "items", "prefixItems",
    "minItems", "maxItems", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"};

const char *vt__key_name(int key) { return names[key]; }

/* They say nothing about a value. */
static int is_annotation(vt__msgpack_item name) {
    static const char *const known[] = {"$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "example", "examples",
                                        "deprecated", "readOnly", "writeOnly"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (name.size == strlen(known[i]) && memcmp(name.data, known[i], name.size) == 0) return 1;
    return 0;
}

vt_status vt__schema_keys(vt__value schema, vt__keys *out) {
    vt__value at;
    vt__msgpack_item item = vt__value_item(schema, &at);
    *out = (vt__keys){{{NULL, NULL}}};
    if (item.kind != VT__MSGPACK_MAP) return vt__fail(VT_ERR_FORMAT, "schema: a schema must be an object, true or false");
    for (uint64_t i = 0; i < item.u; i++, at = vt__value_after(at)) {
        vt__msgpack_item name = vt__value_item(at, &at);
        int key = 0;
        while (key < VT__N_KEYS && !(name.size == strlen(names[key]) && memcmp(name.data, names[key], name.size) == 0)) key++;
        if (key < VT__N_KEYS) out->of[key] = at;
        else if (!is_annotation(name))
            return vt__fail(VT_ERR_UNSUPPORTED, "schema: keyword '%.*s' is not supported", name.size < 80 ? (int)name.size : 80, (const char *)name.data);
    }
    return VT_OK;
}

static int has_any(const vt__keys *k, int from, int to) {
    for (int i = from; i <= to; i++)
        if (k->of[i].at) return 1;
    return 0;
}

/* UNSUPPORTED when anything but key `a` and key `b` constrains. */
static vt_status stands_alone(const vt__keys *k, int a, int b) {
    for (int i = 0; i < VT__N_KEYS; i++)
        if (i != a && i != b && k->of[i].at) return vt__fail(VT_ERR_UNSUPPORTED, "schema: '%s' beside '%s' is not supported", names[i], names[a]);
    return VT_OK;
}

/* ---- references ---- */

/* One step of a JSON pointer: ~1 is '/', ~0 is '~'. Percent signs are not looked into: a key with one is not found. */
static vt__value step_into(vt__value v, const char *part, size_t len) {
    char key[256];
    size_t n = 0;
    vt__value at;
    vt__msgpack_item item = vt__value_item(v, &at);
    if (len >= sizeof key) return (vt__value){NULL, v.end};
    for (size_t i = 0; i < len; i++) {
        int escaped = part[i] == '~' && i + 1 < len && (part[i + 1] == '0' || part[i + 1] == '1');
        key[n++] = !escaped ? part[i] : part[++i] == '0' ? '~' : '/';
    }
    if (item.kind != VT__MSGPACK_ARRAY) return vt__value_get(v, key, n);
    uint64_t index = 0;
    for (size_t i = 0; i < n && n < 9; i++) index = key[i] >= '0' && key[i] <= '9' ? index * 10 + (uint64_t)(key[i] - '0') : item.u;
    if (n == 0 || n >= 9 || index >= item.u) return (vt__value){NULL, v.end};
    while (index-- > 0) at = vt__value_after(at);
    return at;
}

static vt_status find_reference(const vt__schema *s, vt__value ref, vt__value *out) {
    vt__msgpack_item item = vt__value_item(ref, NULL);
    const char *p = (const char *)item.data;
    if (item.kind != VT__MSGPACK_STR) return vt__fail(VT_ERR_FORMAT, "schema: '$ref' must be a string");
    int shown = item.size < 80 ? (int)item.size : 80;
    if (item.size == 0 || p[0] != '#' || (item.size > 1 && p[1] != '/'))
        return vt__fail(VT_ERR_UNSUPPORTED, "schema: '$ref' to '%.*s': only '#' and '#/...' are supported", shown, p);
    vt__value v = s->root;
    for (size_t at = 1; at < item.size && v.at;) {
        size_t end = at + 1;
        while (end < item.size && p[end] != '/') end++;
        v = step_into(v, p + at + 1, end - at - 1);
        at = end;
    }
    if (!v.at) return vt__fail(VT_ERR_NOT_FOUND, "schema: '$ref' to '%.*s': there is no such part", shown, p);
    *out = v;
    return VT_OK;
}

vt_status vt__schema_resolve(const vt__schema *s, vt__value *schema) {
    enum { MOST = 64 }; /* references from one to the next */
    for (int i = 0; i < MOST; i++) {
        vt__keys k;
        if (vt__value_item(*schema, NULL).kind == VT__MSGPACK_BOOL) return VT_OK;
        vt_status st = vt__schema_keys(*schema, &k);
        if (st != VT_OK || !k.of[VT__KEY_REF].at) return st;
        st = stands_alone(&k, VT__KEY_REF, VT__KEY_REF);
        if (st == VT_OK) st = find_reference(s, k.of[VT__KEY_REF], schema);
        if (st != VT_OK) return st;
    }
    return vt__fail(VT_ERR_FORMAT, "schema: '$ref' leads in a circle, or over more than %d others", MOST);
}

/* ---- writing ---- */

void vt__schema_text(vt__bytes *out, const char *text) { vt__bytes_append(out, text, strlen(text)); }

void vt__schema_number(vt__bytes *out, int64_t n) {
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)n);
    vt__schema_text(out, text);
}

void vt__schema_literal(vt__bytes *out, const char *text, size_t len) {
    vt__bytes_append_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        char escape[8];
        if (text[i] == '"' || text[i] == '\\') vt__bytes_append_byte(out, '\\');
        snprintf(escape, sizeof escape, "\\x%02X", (unsigned char)text[i]);
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) vt__schema_text(out, escape);
        else vt__bytes_append_byte(out, text[i]);
    }
    vt__bytes_append_byte(out, '"');
}

vt_status vt__schema_json(vt__schema *s, vt__bytes *out, vt__value v) {
    vt_buffer *text;
    vt_status st = vt__json_from_msgpack(s->ctx, v.at, (size_t)(vt__value_after(v).at - v.at), 0, &text);
    if (st != VT_OK) return st;
    vt__schema_literal(out, vt__buffer_data(text), vt__buffer_size(text));
    vt__buffer_release(text);
    return VT_OK;
}

vt_status vt__schema_rule(vt__schema *s, vt__bytes *out, vt__value schema) {
    int64_t offset = schema.at - s->root.at, i = vt__map_add(&s->rules, &offset, sizeof offset, 0);
    if (i < 0) return vt__fail_nomem("schema", 0);
    vt__schema_text(out, "r");
    vt__schema_number(out, i);
    return VT_OK;
}

void vt__schema_repeat(vt__bytes *out, int64_t least, int64_t most) {
    vt__schema_text(out, "{");
    vt__schema_number(out, least);
    vt__schema_text(out, ",");
    if (most >= 0) vt__schema_number(out, most);
    vt__schema_text(out, "}");
}

vt_status vt__schema_count(vt__value v, const char *what, int64_t dflt, int64_t *out) {
    *out = dflt;
    if (!v.at) return VT_OK;
    vt__msgpack_item item = vt__value_item(v, NULL);
    if (item.kind == VT__MSGPACK_FLOAT && item.f >= 0 && item.f <= 1e15 && (double)(int64_t)item.f >= item.f) {
        item.kind = VT__MSGPACK_INT;
        item.i = (int64_t)item.f;
    }
    if (item.kind != VT__MSGPACK_INT || item.i < 0) return vt__fail(VT_ERR_FORMAT, "schema: '%s' must be an integer >= 0", what);
    *out = item.i;
    return VT_OK;
}

/* ---- schemas ---- */

enum { TYPE_OBJECT, TYPE_ARRAY, TYPE_STRING, TYPE_INTEGER, TYPE_NUMBER, TYPE_BOOLEAN, TYPE_NULL, N_TYPES };
static const char *const types[N_TYPES] = {"object", "array", "string", "integer", "number", "boolean", "null"};

static vt_status type_of(vt__value v, int *out) {
    for (int i = 0; i < N_TYPES; i++)
        if (vt__value_is_text(v, types[i])) {
            *out = i;
            return VT_OK;
        }
    return vt__fail(VT_ERR_FORMAT, "schema: 'type' must be object, array, string, integer, number, boolean, null, or a list of these");
}

/* One bit a type. Without a type the keywords tell: a value of another type would satisfy them too, but nobody wants it. */
static vt_status find_types(const vt__keys *k, unsigned *out) {
    vt__value v = k->of[VT__KEY_TYPE], at;
    vt__msgpack_item item = vt__value_item(v, &at);
    vt_status st = VT_OK;
    int type = 0;
    *out = 0;
    if (!v.at) {
        if (has_any(k, VT__KEY_PROPERTIES, VT__KEY_ADDITIONAL)) *out |= 1u << TYPE_OBJECT;
        if (has_any(k, VT__KEY_ITEMS, VT__KEY_MAX_ITEMS)) *out |= 1u << TYPE_ARRAY;
        if (has_any(k, VT__KEY_MIN_LENGTH, VT__KEY_FORMAT)) *out |= 1u << TYPE_STRING;
        if (has_any(k, VT__KEY_MINIMUM, VT__KEY_EXCLUSIVE_MAXIMUM)) *out |= 1u << TYPE_NUMBER;
        return VT_OK;
    }
    if (item.kind != VT__MSGPACK_ARRAY) {
        st = type_of(v, &type);
        if (st == VT_OK) *out = 1u << type;
        return st;
    }
    for (uint64_t i = 0; i < item.u && st == VT_OK; i++, at = vt__value_after(at)) {
        st = type_of(at, &type);
        if (st == VT_OK) *out |= 1u << type;
    }
    if (st == VT_OK && !*out) return vt__fail(VT_ERR_FORMAT, "schema: 'type' is an empty list");
    return st;
}

static vt_status write_type(vt__schema *s, const vt__keys *k, int type) {
    switch (type) {
    case TYPE_OBJECT: return vt__schema_object(s, k, 1);
    case TYPE_ARRAY: return vt__schema_array(s, k);
    case TYPE_STRING: return vt__schema_string(s, k);
    case TYPE_INTEGER: return vt__schema_integer(s, k);
    case TYPE_NUMBER:
        if (has_any(k, VT__KEY_MINIMUM, VT__KEY_EXCLUSIVE_MAXIMUM))
            return vt__fail(VT_ERR_UNSUPPORTED, "schema: bounds such as 'minimum' are supported for type integer only");
        vt__schema_text(&s->out, "number");
        return VT_OK;
    case TYPE_BOOLEAN: vt__schema_text(&s->out, "boolean"); return VT_OK;
    default: vt__schema_text(&s->out, "null"); return VT_OK;
    }
}

static vt_status write_types(vt__schema *s, const vt__keys *k) {
    unsigned set;
    int n = 0;
    vt_status st = find_types(k, &set);
    if (st == VT_OK && !set) vt__schema_text(&s->out, "value");
    for (int type = 0; type < N_TYPES && st == VT_OK; type++) {
        if (!(set >> type & 1)) continue;
        if (n++ > 0) vt__schema_text(&s->out, " | ");
        st = write_type(s, k, type);
    }
    return st;
}

static int is_of_types(vt__value v, unsigned set) {
    vt__msgpack_item item = vt__value_item(v, NULL);
    static const unsigned numbers = 1u << TYPE_INTEGER | 1u << TYPE_NUMBER;
    switch (item.kind) {
    case VT__MSGPACK_NIL: return (set >> TYPE_NULL & 1) != 0;
    case VT__MSGPACK_BOOL: return (set >> TYPE_BOOLEAN & 1) != 0;
    case VT__MSGPACK_INT:
    case VT__MSGPACK_UINT: return (set & numbers) != 0;
    case VT__MSGPACK_FLOAT: return (set >> TYPE_NUMBER & 1) != 0;
    case VT__MSGPACK_STR: return (set >> TYPE_STRING & 1) != 0;
    case VT__MSGPACK_ARRAY: return (set >> TYPE_ARRAY & 1) != 0;
    default: return (set >> TYPE_OBJECT & 1) != 0;
    }
}

/* const is an enum of one. */
static vt_status write_values(vt__schema *s, const vt__keys *k, int key) {
    unsigned set = ~0u;
    int64_t n = 0, written = 0;
    vt__value at = k->of[key];
    vt_status st = stands_alone(k, key, VT__KEY_TYPE);
    if (st == VT_OK && k->of[VT__KEY_TYPE].at) st = find_types(k, &set);
    if (st != VT_OK) return st;
    if (key == VT__KEY_ENUM) {
        vt__msgpack_item item = vt__value_item(at, &at);
        if (item.kind != VT__MSGPACK_ARRAY) return vt__fail(VT_ERR_FORMAT, "schema: 'enum' must be a list");
        n = item.u > INT32_MAX ? INT32_MAX : (int64_t)item.u;
    } else {
        n = 1;
    }
    for (int64_t i = 0; i < n && st == VT_OK; i++, at = vt__value_after(at)) {
        if (!is_of_types(at, set)) continue;
        if (written++ > 0) vt__schema_text(&s->out, " | ");
        st = vt__schema_json(s, &s->out, at);
    }
    if (st == VT_OK && written == 0) return vt__fail(VT_ERR_FORMAT, "schema: '%s' has no value of the type", names[key]);
    return st;
}

static vt_status write_any_of(vt__schema *s, const vt__keys *k, int key) {
    vt__value at;
    vt_status st = stands_alone(k, key, key);
    vt__msgpack_item item = vt__value_item(k->of[key], &at);
    if (st != VT_OK) return st;
    if (item.kind != VT__MSGPACK_ARRAY || item.u == 0) return vt__fail(VT_ERR_FORMAT, "schema: '%s' must be a list of schemas", names[key]);
    if (key == VT__KEY_ONE_OF) st = vt__schema_exclusive(s, k->of[key]);
    for (uint64_t i = 0; i < item.u && st == VT_OK; i++, at = vt__value_after(at)) {
        if (i > 0) vt__schema_text(&s->out, " | ");
        st = vt__schema_rule(s, &s->out, at);
    }
    return st;
}

/* Objects are joined; the schema's own keywords are the first part. */
static vt_status write_all_of(vt__schema *s, const vt__keys *k) {
    vt__keys parts[VT__SCHEMA_PARTS];
    int n = 0;
    vt__value at;
    vt__msgpack_item item = vt__value_item(k->of[VT__KEY_ALL_OF], &at);
    vt_status st = VT_OK;
    if (item.kind != VT__MSGPACK_ARRAY || item.u == 0) return vt__fail(VT_ERR_FORMAT, "schema: 'allOf' must be a list of schemas");
    if (item.u == 1 && stands_alone(k, VT__KEY_ALL_OF, VT__KEY_ALL_OF) == VT_OK) return vt__schema_rule(s, &s->out, at);
    if (item.u >= VT__SCHEMA_PARTS) return vt__fail(VT_ERR_LIMIT, "schema: 'allOf' of more than %d", VT__SCHEMA_PARTS - 1);
    parts[n] = *k;
    parts[n++].of[VT__KEY_ALL_OF].at = NULL;
    for (uint64_t i = 0; i < item.u && st == VT_OK; i++, at = vt__value_after(at)) {
        vt__value v = at;
        st = vt__schema_resolve(s, &v);
        if (st == VT_OK) st = vt__schema_keys(v, &parts[n++]);
    }
    for (int i = 0; i < n && st == VT_OK; i++)
        for (int key = 0; key < VT__N_KEYS && st == VT_OK; key++) {
            int known = key == VT__KEY_PROPERTIES || key == VT__KEY_REQUIRED || (key == VT__KEY_TYPE && vt__value_is_text(parts[i].of[key], "object"));
            if (parts[i].of[key].at && !known) st = vt__fail(VT_ERR_UNSUPPORTED, "schema: 'allOf' of schemas with '%s' is not supported", names[key]);
        }
    return st == VT_OK ? vt__schema_object(s, parts, n) : st;
}

static vt_status write_schema(vt__schema *s, vt__value schema) {
    vt__keys k;
    vt__value target = schema;
    vt__msgpack_item item = vt__value_item(schema, NULL);
    if (item.kind == VT__MSGPACK_BOOL) {
        if (!item.i) return vt__fail(VT_ERR_UNSUPPORTED, "schema: a schema of 'false' admits nothing");
        vt__schema_text(&s->out, "value");
        return VT_OK;
    }
    vt_status st = vt__schema_keys(schema, &k);
    if (st != VT_OK) return st;
    if (k.of[VT__KEY_REF].at) {
        st = vt__schema_resolve(s, &target);
        return st == VT_OK ? vt__schema_rule(s, &s->out, target) : st;
    }
    if (k.of[VT__KEY_CONST].at) return write_values(s, &k, VT__KEY_CONST);
    if (k.of[VT__KEY_ENUM].at) return write_values(s, &k, VT__KEY_ENUM);
    if (k.of[VT__KEY_ANY_OF].at) return write_any_of(s, &k, VT__KEY_ANY_OF);
    if (k.of[VT__KEY_ONE_OF].at) return write_any_of(s, &k, VT__KEY_ONE_OF);
    if (k.of[VT__KEY_ALL_OF].at) return write_all_of(s, &k);
    return write_types(s, &k);
}

/* Rules that schemas lean on. No NUL and no lone surrogates: parsers refuse them. */
static const char shared_rules[] =
    "value ::= object | array | string | number | boolean | null\n"
    "object ::= \"{\" ws (member (\",\" ws member)* ws)? \"}\"\n"
    "member ::= string \":\" ws value\n"
    "array ::= \"[\" ws (value (\",\" ws value)* ws)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= plain | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" code)\n"
    "plain ::= [^\"\\\\\\x00-\\x1F]\n"
    "code ::= [1-9a-cA-CeEfF] hex{3} | [dD] [0-7] hex{2} | \"0\" ([1-9a-fA-F] hex{2} | \"0\" ([1-9a-fA-F] hex | \"0\" [1-9a-fA-F]))\n"
    "hex ::= [0-9a-fA-F]\n"
    "integer ::= \"0\" | \"-\"? [1-9] [0-9]{0,15}\n"
    "number ::= (\"0\" | \"-\"? [1-9] [0-9]{0,15} | \"-\"? \"0\" \".\" [0-9]{1,16} | \"-\"? [1-9] [0-9]{0,15} \".\" [0-9]{1,16}) ([eE] [+-]? [0-9]{1,2})?\n"
    "boolean ::= \"true\" | \"false\"\n"
    "null ::= \"null\"\n"
    "ws ::= (\" \" | \"\\n\" [ \\t]{0,20})?\n";

static vt_status write_rules(vt__schema *s) {
    vt_status st = VT_OK;
    vt__schema_text(&s->out, "root ::= ");
    st = vt__schema_rule(s, &s->out, s->root);
    vt__schema_text(&s->out, "\n");
    for (s->rule = 0; s->rule < s->rules.count && st == VT_OK; s->rule++) {
        int64_t offset;
        size_t len;
        memcpy(&offset, vt__map_key(&s->rules, s->rule, &len), sizeof offset);
        vt__schema_text(&s->out, "r");
        vt__schema_number(&s->out, s->rule);
        vt__schema_text(&s->out, " ::= ");
        st = write_schema(s, (vt__value){s->root.at + offset, s->root.end});
        vt__schema_text(&s->out, "\n");
        if (s->later.len > 0) vt__bytes_append(&s->out, s->later.data, (size_t)s->later.len);
        s->later.len = 0;
        if (s->out.len > 1 << 20) return vt__fail(VT_ERR_LIMIT, "schema: its grammar has more than %d bytes", 1 << 20);
    }
    vt__schema_text(&s->out, shared_rules);
    return st;
}

vt_status vt__schema_to_gbnf(vt_context *ctx, const char *schema, size_t len, vt_buffer **out) {
    vt__schema s = {.ctx = ctx};
    vt_buffer *doc;
    *out = NULL;
    if (len > VT__SCHEMA_SIZE) return vt__fail(VT_ERR_LIMIT, "schema: text of %zu bytes, at most %d are taken", len, VT__SCHEMA_SIZE);
    vt_status st = vt__json_to_msgpack(ctx, schema, len, &doc);
    if (st != VT_OK) return st;
    s.root.at = vt__buffer_data(doc);
    s.root.end = s.root.at + vt__buffer_size(doc);
    vt__map_init(&s.rules, ctx);
    vt__bytes_init(&s.out, ctx);
    vt__bytes_init(&s.later, ctx);
    st = write_rules(&s);
    if (st == VT_OK && s.later.failed) st = vt__fail_nomem("schema", 0);
    if (st == VT_OK) st = vt__bytes_finish(&s.out, "schema", out);
    vt__bytes_free(&s.out);
    vt__bytes_free(&s.later);
    vt__map_free(&s.rules);
    vt__buffer_release(doc);
    return st;
}

vt_status vt__grammar_create_from_schema(vt_context *ctx, const char *schema, size_t len, vt_grammar **out) {
    vt_buffer *gbnf;
    *out = NULL;
    vt_status st = vt__schema_to_gbnf(ctx, schema, len, &gbnf);
    if (st != VT_OK) return st;
    st = vt__grammar_create(ctx, vt__buffer_data(gbnf), vt__buffer_size(gbnf), out);
    vt__buffer_release(gbnf);
    return st;
}
