#include "formats/json.h"

#include <jansson.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/buffer.h"
#include "core/error.h"
#include "formats/msgpack.h"

/* ---- text to MessagePack ---- */

/* Depth of the brackets outside strings; the rest of the grammar is jansson's to judge. */
static vt_status check_depth(const char *text, size_t len) {
    int depth = 0, in_string = 0;
    long long line = 1;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        line += c == '\n';
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '[' || c == '{') {
            if (++depth > VT__MSGPACK_DEPTH) return vt__fail(VT_ERR_LIMIT, "json: line %lld is nested deeper than %d brackets", line, (int)VT__MSGPACK_DEPTH);
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return VT_OK;
}

static int append(void *user, const char *data, size_t size) {
    vt__bytes_append(user, data, size); /* a failure is kept in the bytes, and looked at in the end */
    return 0;
}

static void pack_text(msgpack_packer *pk, const char *text, size_t len) {
    (void)msgpack_pack_str(pk, len);
    (void)msgpack_pack_str_body(pk, text, len);
}

static void pack_json(msgpack_packer *pk, json_t *v) {
    const char *key;
    json_t *item;
    size_t i;

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        (void)msgpack_pack_map(pk, json_object_size(v));
        json_object_foreach(v, key, item) {
            pack_text(pk, key, strlen(key));
            pack_json(pk, item);
        }
        break;
    case JSON_ARRAY:
        (void)msgpack_pack_array(pk, json_array_size(v));
        json_array_foreach(v, i, item) pack_json(pk, item);
        break;
    case JSON_STRING: pack_text(pk, json_string_value(v), json_string_length(v)); break;
    case JSON_INTEGER: (void)msgpack_pack_int64(pk, json_integer_value(v)); break;
    case JSON_REAL: (void)msgpack_pack_double(pk, json_real_value(v)); break;
    case JSON_TRUE: (void)msgpack_pack_true(pk); break;
    case JSON_FALSE: (void)msgpack_pack_false(pk); break;
    default: (void)msgpack_pack_nil(pk); break;
    }
}

vt_status vt__json_to_msgpack(vt_context *ctx, const char *text, size_t len, vt_buffer **out) {
    json_error_t error;
    vt__bytes bytes;
    msgpack_packer pk;

    *out = NULL;
    vt_status st = check_depth(text, len);
    if (st != VT_OK) return st;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    if (!root) {
        if (json_error_code(&error) == json_error_out_of_memory) return vt__fail_nomem("json", len);
        return vt__fail(VT_ERR_FORMAT, "json: line %d, column %d: %s", error.line, error.column, error.text);
    }
    vt__bytes_init(&bytes, ctx);
    msgpack_packer_init(&pk, &bytes, append);
    pack_json(&pk, root);
    json_decref(root);
    return vt__bytes_finish(&bytes, "json", out);
}

/* ---- MessagePack to text ---- */

typedef struct writer {
    vt__bytes bytes;
    const unsigned char *at, *end; /* input */
    int indent, level;
} writer;

static void add(writer *w, const char *text) { vt__bytes_append(&w->bytes, text, strlen(text)); }

static void new_line(writer *w) {
    if (!w->indent) return;
    vt__bytes_append_byte(&w->bytes, '\n');
    for (int i = 0; i < w->level * w->indent; i++) vt__bytes_append_byte(&w->bytes, ' ');
}

static vt_status add_string(writer *w, const unsigned char *text, size_t len) {
    static const char *const named[32] = {[8] = "\\b", [9] = "\\t", [10] = "\\n", [12] = "\\f", [13] = "\\r"};
    vt__bytes_append_byte(&w->bytes, '"');
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t cp;
        utf8proc_ssize_t n = utf8proc_iterate(text + i, (utf8proc_ssize_t)(len - i), &cp);
        char hex[8];
        if (n <= 0) return vt__fail(VT_ERR_UNSUPPORTED, "json: a string is not UTF-8 at its byte %zu", i);
        if (cp == '"' || cp == '\\') {
            vt__bytes_append_byte(&w->bytes, '\\');
            vt__bytes_append_byte(&w->bytes, (char)cp);
        } else if (cp < 0x20) {
            (void)snprintf(hex, sizeof hex, "\\u%04x", (unsigned)cp);
            add(w, named[cp] ? named[cp] : hex);
        } else {
            vt__bytes_append(&w->bytes, text + i, (size_t)n);
        }
        i += (size_t)n;
    }
    vt__bytes_append_byte(&w->bytes, '"');
    return VT_OK;
}

/* The shortest of 15 to 17 digits that reads back the same; with a point or an exponent, so that it stays a float. */
static vt_status add_float(writer *w, double v) {
    char text[40], plain[40];
    size_t n = 0;
    int is_float = 0;

    if (!isfinite(v)) return vt__fail(VT_ERR_UNSUPPORTED, "json: %s has no JSON form", isnan(v) ? "NaN" : "infinity");
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    /* The locale of the host may write another decimal point, of one byte or more. */
    for (const char *p = text; *p; p++) {
        int ordinary = (*p >= '0' && *p <= '9') || *p == '-' || *p == '+' || *p == 'e';
        if (!ordinary && n > 0 && plain[n - 1] == '.') continue;
        plain[n++] = ordinary ? *p : '.';
        is_float |= !ordinary || *p == 'e';
    }
    vt__bytes_append(&w->bytes, plain, n);
    if (!is_float) add(w, ".0");
    return VT_OK;
}

static vt_status write_value(writer *w);

static vt_status write_container(writer *w, uint64_t count, int is_map) {
    vt_status st = VT_OK;
    add(w, is_map ? "{" : "[");
    w->level++;
    for (uint64_t i = 0; i < count && st == VT_OK; i++) {
        if (i > 0) add(w, ",");
        new_line(w);
        if (is_map) {
            vt__msgpack_item key;
            st = vt__msgpack_read(&w->at, w->end, &key);
            if (st == VT_OK && key.kind != VT__MSGPACK_STR) st = vt__fail(VT_ERR_UNSUPPORTED, "json: a map key is no string");
            if (st == VT_OK) st = add_string(w, key.data, key.size);
            if (st == VT_OK) add(w, w->indent ? ": " : ":");
        }
        if (st == VT_OK) st = write_value(w);
    }
    w->level--;
    if (count > 0) new_line(w);
    add(w, is_map ? "}" : "]");
    return st;
}

static vt_status write_value(writer *w) {
    vt__msgpack_item item;
    char number[24];
    vt_status st = vt__msgpack_read(&w->at, w->end, &item);
    if (st != VT_OK) return st;
    switch (item.kind) {
    case VT__MSGPACK_NIL: add(w, "null"); break;
    case VT__MSGPACK_BOOL: add(w, item.i ? "true" : "false"); break;
    case VT__MSGPACK_INT:
        (void)snprintf(number, sizeof number, "%lld", (long long)item.i);
        add(w, number);
        break;
    case VT__MSGPACK_UINT:
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)item.u);
        add(w, number);
        break;
    case VT__MSGPACK_FLOAT: return add_float(w, item.f);
    case VT__MSGPACK_STR: return add_string(w, item.data, item.size);
    case VT__MSGPACK_ARRAY: return write_container(w, item.u, 0);
    case VT__MSGPACK_MAP: return write_container(w, item.u, 1);
    case VT__MSGPACK_BIN: return vt__fail(VT_ERR_UNSUPPORTED, "json: a binary string of %zu bytes has no JSON form", item.size);
    default: return vt__fail(VT_ERR_UNSUPPORTED, "json: extension type %lld has no JSON form", (long long)item.i);
    }
    return VT_OK;
}

vt_status vt__json_from_msgpack(vt_context *ctx, const void *data, size_t size, int indent, vt_buffer **out) {
    *out = NULL;
    vt_status st = vt__msgpack_check(data, size);
    if (st != VT_OK) return st;
    writer w = {.at = data, .end = (const unsigned char *)data + size, .indent = indent};
    vt__bytes_init(&w.bytes, ctx);
    st = write_value(&w);
    if (st != VT_OK) {
        vt__bytes_free(&w.bytes);
        return st;
    }
    return vt__bytes_finish(&w.bytes, "json", out);
}
