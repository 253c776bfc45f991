/* Metadata values as text for people: one line, valid UTF-8, long things cut. */
#include <stdio.h>
#include <utf8proc.h>

#include "core/buffer.h"
#include "formats/gguf_internal.h"

enum { ITEMS_SHOWN = 8, ITEM_BYTES = 64 };

static void append_text(vt__bytes *b, const char *text) { vt__bytes_append(b, text, strlen(text)); }

/* What is not UTF-8 comes out as U+FFFD. */
static void append_utf8(vt__bytes *b, const char *data, size_t len) {
    for (size_t i = 0; i < len;) {
        utf8proc_int32_t cp;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)data + i, (utf8proc_ssize_t)(len - i), &cp);
        if (n < 1) append_text(b, "\xEF\xBF\xBD");
        else vt__bytes_append(b, data + i, (size_t)n);
        i += n < 1 ? 1 : (size_t)n;
    }
}

/* A string as an item of a list: quoted, at most ITEM_BYTES of it. */
static void append_item(vt__bytes *b, const vt__gguf_str *s) {
    size_t len = s->len;
    if (len > ITEM_BYTES) {
        len = ITEM_BYTES;
        while (len > 0 && ((unsigned char)s->data[len] & 0xC0u) == 0x80u) len--;
    }
    append_text(b, "\"");
    append_utf8(b, s->data, len);
    append_text(b, len < s->len ? "...\"" : "\"");
}

static void append_scalar(vt__bytes *b, const vt__gguf_value *v) {
    char text[48];
    int64_t n = 0;
    double x = 0;
    if (v->type == VT__GGUF_BOOL) {
        append_text(b, v->array.data[0] ? "true" : "false");
        return;
    }
    if (vt__gguf_value_float(v, &x)) {
        (void)snprintf(text, sizeof text, "%.*g", v->type == VT__GGUF_F32 ? 7 : 15, x);
        for (char *p = text; *p; p++) /* the host's locale may write a comma */
            if (*p == ',') *p = '.';
    } else if (v->type == VT__GGUF_U64) {
        (void)snprintf(text, sizeof text, "%llu", (unsigned long long)vt__gguf_load(v->array.data, 8));
    } else {
        (void)vt__gguf_value_int(v, &n);
        (void)snprintf(text, sizeof text, "%lld", (long long)n);
    }
    append_text(b, text);
}

static void append_array(vt__bytes *b, vt__gguf_array a) {
    char text[64];
    vt__gguf_str s;
    size_t size = vt__gguf_type_size(a.type);

    (void)snprintf(text, sizeof text, "%lld x %s: [", (long long)a.count, vt__gguf_type_name(a.type));
    append_text(b, text);
    for (int64_t i = 0; i < a.count && i < ITEMS_SHOWN; i++) {
        if (i > 0) append_text(b, ", ");
        if (a.type == VT__GGUF_STRING) {
            if (vt__gguf_next_string(&a, &s)) append_item(b, &s);
        } else {
            append_scalar(b, &(vt__gguf_value){.type = a.type, .array = a});
            a.data += size;
        }
    }
    append_text(b, a.count > ITEMS_SHOWN ? ", ...]" : "]");
}

vt_status vt__gguf_value_text(const vt__gguf *g, int64_t i, vt_buffer **out) {
    const vt__gguf_value *v = &g->values[i];
    vt__bytes b;
    vt__gguf_str s;
    vt__gguf_array one = v->array;

    vt__bytes_init(&b, g->ctx);
    if (v->type == VT__GGUF_ARRAY) append_array(&b, v->array);
    else if (v->type != VT__GGUF_STRING) append_scalar(&b, v);
    else if (vt__gguf_next_string(&one, &s)) append_utf8(&b, s.data, s.len);
    return vt__bytes_finish(&b, "gguf", out);
}
