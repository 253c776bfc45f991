#include "encode/source.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "quant/block.h"

enum { MOST_ROWS = 1 << 24, NAME = 160 };

const char *vt__source_name(const vt__source *s) { return s->tensors ? vt__safetensors_name(s->tensors) : vt__gguf_name(s->gguf); }

/* The name of one of the alternatives in "a|b", with the layer in it; returns what follows it, NULL at the end. */
static const char *next_name(const vt__source *s, const char *names, int32_t layer, char out[NAME]) {
    size_t len = strcspn(names, "|"), at = (size_t)snprintf(out, NAME, "%s", s->tensors ? s->prefix : "");
    for (size_t i = 0; i < len && at + 12 < NAME; i++) {
        if (names[i] == '%') {
            at += (size_t)snprintf(out + at, NAME - at, "%d", layer);
            i++;
        } else {
            out[at++] = names[i];
        }
    }
    out[at] = 0;
    return names[len] ? names + len + 1 : NULL;
}

/* Tensors of at most two dimensions, both formats alike. */
static int find(const vt__source *s, const char *name, vt__rows *out) {
    if (s->tensors) {
        const vt__safetensor *t = vt__safetensors_find(s->tensors, name);
        if (!t || t->n_dims < 1 || t->n_dims > 2) return 0;
        *out = (vt__rows){.name = t->name, .data = t->data, .n = t->n_dims == 2 ? t->shape[0] : 1, .dim = t->shape[t->n_dims - 1], .dtype = t->dtype};
        return 1;
    }
    const vt__gguf_tensor *t = vt__gguf_tensor_find(s->gguf, name);
    if (!t || t->ne[2] != 1 || t->ne[3] != 1) return 0;
    *out = (vt__rows){.name = t->name, .data = t->data, .n = t->ne[1], .dim = t->ne[0], .dtype = t->dtype};
    return 1;
}

vt_status vt__source_rows(const vt__source *s, const char *hf, const char *gg, int32_t layer, int64_t n, int64_t dim, vt__rows *out) {
    char name[NAME], first[NAME] = "";
    const char *names = s->tensors ? hf : gg;
    int found = 0;
    for (; names && !found; found = find(s, name, out)) {
        names = next_name(s, names, layer, name);
        if (!first[0]) memcpy(first, name, sizeof first);
    }
    if (!found) return vt__fail(VT_ERR_FORMAT, "%s: tensor %s is missing", vt__source_name(s), first[0] ? first : "(of no name in this format)");
    if (out->dim != dim || out->n < 1 || out->n > MOST_ROWS || (n && out->n != n))
        return vt__fail(VT_ERR_FORMAT, "%s: tensor %s is [%lld, %lld], need [%lld, %lld]", vt__source_name(s), out->name, (long long)out->n,
                        (long long)out->dim, (long long)n, (long long)dim);
    const vt__block_type *type = vt__block_type_of(out->dtype);
    if (!type || type->kernel < 0)
        return vt__fail(VT_ERR_UNSUPPORTED, "%s: tensor %s has type %s, which is not read as numbers here", vt__source_name(s), out->name, type ? type->name : "?");
    vt_status st = vt__block_bytes(out->dtype, dim, 1, &out->stride);
    return st == VT_OK ? st : vt__fail_within(VT_ERR_FORMAT, out->name);
}

vt_status vt__rows_read(const vt__rows *rows, int64_t first, int64_t count, float *out) {
    vt_status st = VT_OK;
    for (int64_t i = 0; i < count && st == VT_OK; i++)
        st = vt__block_decode(rows->dtype, rows->data + (size_t)(first + i) * rows->stride, rows->stride, out + i * rows->dim, rows->dim);
    return st;
}
