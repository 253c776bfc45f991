/* What a GGUF file holds, of venturi_experimental.h: check and forward. */
#define VT_EXPERIMENTAL
#include "core/error.h"
#include "core/options.h"
#include "formats/gguf.h"
#include "venturi_experimental.h"

vt_status vt_gguf_open(vt_context *ctx, const char *path, vt_gguf **out) {
    if (out) *out = NULL;
    if (!ctx || !path || !out) return vt__fail(VT_ERR_INVALID, "gguf: context, path or out is NULL");
    return vt__gguf_open(ctx, path, out);
}

void vt_gguf_release(vt_gguf *gguf) { vt__gguf_release(gguf); }

int64_t vt_gguf_key_count(const vt_gguf *gguf) { return gguf ? vt__gguf_key_count(gguf) : 0; }

const char *vt_gguf_key(const vt_gguf *gguf, int64_t i) {
    return i >= 0 && i < vt_gguf_key_count(gguf) ? vt__gguf_key_at(gguf, i) : NULL;
}

vt_status vt_gguf_value_text(const vt_gguf *gguf, int64_t i, vt_buffer **out) {
    if (out) *out = NULL;
    if (!out || !vt_gguf_key(gguf, i)) return vt__fail(VT_ERR_INVALID, "gguf: key %lld of %lld", (long long)i, (long long)vt_gguf_key_count(gguf));
    return vt__gguf_value_text(gguf, i, out);
}

int64_t vt_gguf_tensor_count(const vt_gguf *gguf) { return gguf ? vt__gguf_tensor_count(gguf) : 0; }

vt_status vt_gguf_get_tensor(const vt_gguf *gguf, int64_t i, vt_gguf_tensor *out) {
    enum { FIRST_SIZE = 64 };
    int64_t n = vt_gguf_tensor_count(gguf);
    if (!out || i < 0 || i >= n) return vt__fail(VT_ERR_INVALID, "gguf: tensor %lld of %lld", (long long)i, (long long)n);
    const vt__gguf_tensor *t = vt__gguf_tensor_at(gguf, i);
    vt_gguf_tensor mine = {.struct_size = out->struct_size, .dtype = t->dtype, .name = t->name, .n_dims = t->n_dims,
                           .ne = {t->ne[0], t->ne[1], t->ne[2], t->ne[3]}, .size = t->size};
    return vt__result_write("gguf tensor", out, &mine, sizeof mine, FIRST_SIZE);
}
