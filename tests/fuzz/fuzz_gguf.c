/* Any bytes as a GGUF file: an error of two kinds, or a file of which every key and tensor can be read. */
#include <stdlib.h>
#include <string.h>

#include "core/buffer.h"
#include "core/context.h"
#include "formats/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int truth) {
    if (!truth) abort();
}

static void read_key(const vt__gguf *g, int64_t i) {
    const char *key = vt__gguf_key_at(g, i);
    vt_buffer *text;
    vt__gguf_str s;
    vt__gguf_array a;
    int64_t n, count = 0;
    double x;
    int flag;

    check(vt__gguf_has(g, key));
    check(vt__gguf_value_text(g, i, &text) == VT_OK);
    check(strlen(vt__buffer_data(text)) <= vt__buffer_size(text));
    vt__buffer_release(text);
    check(vt__gguf_get_int(g, key, -100, 100, &n) != VT_OK || (n >= -100 && n <= 100));
    check(vt__gguf_get_float(g, key, &x) != VT_OK || x - x == 0);
    check(vt__gguf_get_bool(g, key, &flag) != VT_OK || flag == 0 || flag == 1);
    check(vt__gguf_get_str(g, key, &s) != VT_OK || s.len == 0 || memchr(s.data, s.data[s.len - 1], s.len));
    if (vt__gguf_get_array(g, key, VT__GGUF_STRING, &a) == VT_OK) {
        n = a.count;
        while (vt__gguf_next_string(&a, &s)) count++;
        check(count == n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx;
    vt__gguf *g;
    if (vt__context_create(&(vt__context_params){.memory_limit = 1 << 28}, &ctx) != VT_OK) return 0;
    vt_status st = vt__gguf_parse(ctx, "fuzz.gguf", data, size, &g);
    check(st == VT_OK || st == VT_ERR_FORMAT || st == VT_ERR_UNSUPPORTED);
    for (int64_t i = 0; st == VT_OK && i < vt__gguf_key_count(g); i++) read_key(g, i);
    for (int64_t i = 0; st == VT_OK && i < vt__gguf_tensor_count(g); i++) {
        const vt__gguf_tensor *t = vt__gguf_tensor_at(g, i);
        const uint8_t *p = t->data;
        check(vt__gguf_tensor_find(g, t->name) == t);
        check(p >= data && t->size > 0 && t->size <= size && p + t->size <= data + size);
    }
    vt__gguf_release(g);
    vt__context_release(ctx);
    return 0;
}
