#include "formats/json.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/memory.h"
#include "formats/msgpack.h"

/* ---- text to MessagePack ---- */

/* jansson's buffer for the token at hand grows by malloc, and it does not look whether that failed: characters go missing, or a check of its
 * own aborts the process. So it gets the text as the second item of an array whose first is a string longer than any token: that makes the
 * buffer large enough once, and its length afterwards tells whether it worked. A number so long that it could not be checked is refused. */
enum { LONGEST_NUMBER = 1000, SPARE = 64, MOST_TEXT = 1 << 30 };

typedef struct feed {
    struct {
        const char *data; /* NULL: so many 'x' */
        size_t size;
    } parts[5];
    int part;
    size_t at;
} feed;

static size_t pull(void *out, size_t room, void *user) {
    feed *f = user;
    size_t done = 0;
    while (done < room && f->part < 5) {
        size_t rest = f->parts[f->part].size - f->at, n = rest < room - done ? rest : room - done;
        if (!f->parts[f->part].data)
            memset((char *)out + done, 'x', n);
        else if (n > 0)
            memcpy((char *)out + done, f->parts[f->part].data + f->at, n);
        done += n;
        f->at += n;
        if (f->at == f->parts[f->part].size) f->part++, f->at = 0;
    }
    return done;
}

/* About what jansson takes of malloc for the value that a byte of text begins: its node, its share of the array or table around it. */
static size_t node_size(char c) { return c == '{' ? 320 : c == '[' ? 128 : c == ',' || c == ':' ? 64 : 0; }

/* Depth of the brackets outside strings, the longest token, and the bytes that jansson will need, about; the rest of the grammar is its to judge. */
static vt_status scan(const char *text, size_t len, size_t *longest, size_t *need) {
    int depth = 0, in_string = 0;
    long long line = 1;
    size_t token = 0;
    *longest = LONGEST_NUMBER;
    *need = 2 * len;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        line += c == '\n';
        if (c == '\0') return vt__fail(VT_ERR_FORMAT, "json: line %lld holds a NUL byte", line);
        *need += in_string ? 0 : node_size(c);
        token = in_string || !strchr("[]{}:,\" \t\r\n", c) ? token + 1 : 0;
        if (token > *longest) *longest = token;
        if (!in_string && token > LONGEST_NUMBER)
            return vt__fail(VT_ERR_LIMIT, "json: line %lld has a number or word of more than %d characters", line, (int)LONGEST_NUMBER);
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0, token = 0;
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

/* jansson's words, but where it speaks of the bracket that we put behind the text. end: where that is. */
static const char *complaint(const json_error_t *error, size_t end) {
    if (json_error_code(error) == json_error_end_of_input_expected) return "something follows the value";
    if (error->position > 0 && (size_t)error->position > end) return "the text ends where a value is wanted or open";
    return error->text;
}

/* The value in *out (json_decref). */
static vt_status parse(const char *text, size_t len, size_t longest, json_t **out) {
    json_error_t error;
    vt_status st = VT_OK;
    size_t pad = 2 * longest + SPARE; /* twice: the scan counts an escape as one character */
    feed f = {.parts = {{"[\"", 2}, {NULL, pad}, {"\",\n", 3}, {text, len}, {"]", 1}}};

    errno = 0;
    json_t *root = json_load_callback(pull, &f, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root) {
        /* Our first line has no error, so what fails there, or nowhere, is memory; behind it malloc's errno tells. */
        if (errno == ENOMEM || error.line <= 1 || json_error_code(&error) == json_error_out_of_memory) return vt__fail_nomem("json", len);
        return vt__fail(VT_ERR_FORMAT, "json: line %d, column %d: %s", error.line - 1, error.column, complaint(&error, pad + 5 + len));
    }
    if (json_string_length(json_array_get(root, 0)) != pad) {
        st = vt__fail_nomem("json", pad);
    } else if (json_array_size(root) != 2) {
        st = vt__fail(VT_ERR_FORMAT, "json: %zu values, need one", json_array_size(root) - 1);
    } else {
        *out = json_incref(json_array_get(root, 1));
    }
    json_decref(root);
    return st;
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
    switch (json_typeof(v)) {
    case JSON_OBJECT:
        (void)msgpack_pack_map(pk, json_object_size(v));
        for (void *at = json_object_iter(v); at; at = json_object_iter_next(v, at)) {
            const char *key = json_object_iter_key(at);
            pack_text(pk, key, strlen(key));
            pack_json(pk, json_object_iter_value(at));
        }
        break;
    case JSON_ARRAY:
        (void)msgpack_pack_array(pk, json_array_size(v));
        for (size_t i = 0; i < json_array_size(v); i++) pack_json(pk, json_array_get(v, i));
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
    json_t *root = NULL;
    vt__bytes bytes;
    msgpack_packer pk;
    size_t longest, need;

    *out = NULL;
    if (len > MOST_TEXT) return vt__fail(VT_ERR_LIMIT, "json: a text of %zu bytes, at most %zu are read", len, (size_t)MOST_TEXT);
    vt_status st = scan(text, len, &longest, &need);
    if (st != VT_OK) return st;
    /* jansson's allocator is global, so it takes malloc. This block, which nobody touches, stands for it in the context's account and limit. */
    void *reserve = vt__alloc(ctx, need);
    if (!reserve) return vt__fail_nomem("json", need);
    st = parse(text, len, longest, &root);
    if (st == VT_OK) {
        vt__bytes_init(&bytes, ctx);
        msgpack_packer_init(&pk, &bytes, append);
        pack_json(&pk, root);
        json_decref(root);
        st = vt__bytes_finish(&bytes, "json", out);
    }
    vt__free(ctx, reserve);
    return st;
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
