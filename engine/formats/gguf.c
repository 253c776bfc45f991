/* Life of a GGUF file's handle, and the getters. */
#include "formats/gguf.h"

#include <math.h>
#include <stdio.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "formats/gguf_internal.h"

enum { NAME_SHOWN = 200 }; /* bytes of a path in messages, which have 512 */

/* The end of a path says more than its beginning. */
static vt_status keep_name(vt__gguf *g, const char *name) {
    size_t len = strlen(name), skip = len > NAME_SHOWN ? len - NAME_SHOWN : 0;
    while (skip > 0 && ((unsigned char)name[skip] & 0xC0u) == 0x80u) skip++;
    const char *dots = skip > 0 ? "..." : "";
    size_t room = strlen(dots) + len - skip + 1;
    g->name = vt__alloc(g->ctx, room);
    if (!g->name) return vt__fail_nomem("gguf", room);
    memcpy(g->name, dots, strlen(dots));
    memcpy(g->name + strlen(dots), name + skip, len - skip + 1);
    return VT_OK;
}

static vt_status create(vt_context *ctx, const char *name, vt__gguf **out) {
    vt__gguf *g = *out = vt__calloc(ctx, sizeof *g);
    if (!g) return vt__fail_nomem("gguf", sizeof *g);
    atomic_init(&g->refs, 1);
    g->ctx = vt__context_retain(ctx);
    return keep_name(g, name);
}

static vt_status finish(vt__gguf *g, vt_status st, vt__gguf **out) {
    if (st == VT_OK) st = vt__gguf_read(g);
    if (st != VT_OK) {
        vt__gguf_release(g);
        g = NULL;
    }
    *out = g;
    return st;
}

vt_status vt__gguf_open_part(vt_context *ctx, const char *path, vt__gguf **out) {
    vt__gguf *g;
    vt_status st = create(ctx, path, &g);
    if (st == VT_OK) st = vt__map_file(ctx, path, &g->map);
    if (st == VT_OK) {
        g->data = g->map.data;
        g->size = g->map.size;
    }
    return finish(g, st, out);
}

vt_status vt__gguf_parse_part(vt_context *ctx, const char *name, const void *data, size_t size, vt__gguf **out) {
    vt__gguf *g;
    vt_status st = create(ctx, name, &g);
    if (st == VT_OK) {
        g->data = data;
        g->size = size;
    }
    return finish(g, st, out);
}

vt_status vt__gguf_open(vt_context *ctx, const char *path, vt__gguf **out) {
    vt__gguf_split split = {0, 1, 0};
    vt__gguf *g;
    vt_status st = vt__gguf_open_part(ctx, path, &g);
    if (st == VT_OK) st = vt__gguf_split_read(g, &split);
    if (st == VT_OK && split.count > 1) st = vt__gguf_open_set(&g, path, &split);
    if (st != VT_OK) vt__gguf_release(g);
    *out = st == VT_OK ? g : NULL;
    return st;
}

vt_status vt__gguf_parse(vt_context *ctx, const char *name, const void *data, size_t size, vt__gguf **out) {
    int64_t parts = 1;
    vt_status st = vt__gguf_parse_part(ctx, name, data, size, out);
    if (st == VT_OK) st = vt__gguf_get_int(*out, "split.count", 0, INT32_MAX, &parts);
    if (st == VT_ERR_NOT_FOUND) st = VT_OK; /* the key is for parts alone */
    if (st == VT_OK && parts > 1)
        st = vt__fail(VT_ERR_UNSUPPORTED, "%s: one part of a model in %lld files (key 'split.count'); open it by its path", name, (long long)parts);
    if (st == VT_OK) return VT_OK;
    vt__gguf_release(*out);
    *out = NULL;
    return st;
}

vt__gguf *vt__gguf_retain(vt__gguf *g) {
    if (g) atomic_fetch_add(&g->refs, 1);
    return g;
}

void vt__gguf_release(vt__gguf *g) {
    if (!g || atomic_fetch_sub(&g->refs, 1) != 1) return;
    vt_context *ctx = g->ctx;
    vt__gguf_names_free(ctx, &g->keys);
    vt__gguf_names_free(ctx, &g->tensor_names);
    vt__free(ctx, g->values);
    vt__free(ctx, g->tensors);
    for (int64_t i = 0; i < g->n_parts; i++) vt__gguf_release(g->parts[i]);
    vt__free(ctx, g->parts);
    vt__free(ctx, g->name);
    vt__unmap_file(ctx, &g->map);
    vt__free(ctx, g);
    vt__context_release(ctx);
}

void vt__gguf_forget(const vt__gguf *g, const void *data, size_t size) {
    uintptr_t at = (uintptr_t)data, begin = (uintptr_t)g->map.data;
    if (!data) vt__mapping_forget(g->ctx, &g->map, 0, g->map.size);
    else if (begin && at >= begin && at - begin < g->map.size) vt__mapping_forget(g->ctx, &g->map, at - begin, size);
    for (int64_t i = 0; i < g->n_parts; i++) vt__gguf_forget(g->parts[i], data, size);
}

const char *vt__gguf_name(const vt__gguf *g) { return g->name; }

int64_t vt__gguf_tensor_count(const vt__gguf *g) { return g->tensor_names.n; }

const vt__gguf_tensor *vt__gguf_tensor_at(const vt__gguf *g, int64_t i) { return i >= 0 && i < g->tensor_names.n ? &g->tensors[i] : NULL; }

const vt__gguf_tensor *vt__gguf_tensor_find(const vt__gguf *g, const char *name) {
    return vt__gguf_tensor_at(g, vt__gguf_names_find(&g->tensor_names, name));
}

int64_t vt__gguf_key_count(const vt__gguf *g) { return g->keys.n; }
const char *vt__gguf_key_at(const vt__gguf *g, int64_t i) { return i >= 0 && i < g->keys.n ? g->keys.name[i].data : NULL; }
int vt__gguf_has(const vt__gguf *g, const char *key) { return vt__gguf_names_find(&g->keys, key) >= 0; }

/* NULL, with the message set, when the key is missing. */
static const vt__gguf_value *find(const vt__gguf *g, const char *key) {
    int64_t i = vt__gguf_names_find(&g->keys, key);
    if (i >= 0) return &g->values[i];
    (void)vt__fail(VT_ERR_NOT_FOUND, "%s: key '%s' is missing", g->name, key);
    return NULL;
}

static vt_status wrong_type(const vt__gguf *g, const char *key, const vt__gguf_value *v, const char *want) {
    int is_array = v->type == VT__GGUF_ARRAY;
    return vt__fail(VT_ERR_FORMAT, "%s: key '%s' is of type %s%s, needed is %s", g->name, key, is_array ? "array of " : "",
                    vt__gguf_type_name(is_array ? v->array.type : v->type), want);
}

int vt__gguf_value_int(const vt__gguf_value *v, int64_t *out) {
    uint64_t bits = vt__gguf_load(v->array.data, vt__gguf_type_size(v->type));
    switch (v->type) {
    case VT__GGUF_U8: case VT__GGUF_U16: case VT__GGUF_U32: *out = (int64_t)bits; return 1;
    case VT__GGUF_I8: *out = (int8_t)bits; return 1;
    case VT__GGUF_I16: *out = (int16_t)bits; return 1;
    case VT__GGUF_I32: *out = (int32_t)bits; return 1;
    case VT__GGUF_I64: *out = (int64_t)bits; return 1;
    case VT__GGUF_U64: *out = bits > INT64_MAX ? INT64_MAX : (int64_t)bits; return 1;
    default: return 0;
    }
}

int vt__gguf_value_float(const vt__gguf_value *v, double *out) {
    uint64_t bits = vt__gguf_load(v->array.data, vt__gguf_type_size(v->type));
    uint32_t low = (uint32_t)bits;
    float f;
    if (v->type == VT__GGUF_F64) {
        memcpy(out, &bits, sizeof *out);
        return 1;
    }
    if (v->type != VT__GGUF_F32) return 0;
    memcpy(&f, &low, sizeof f);
    *out = (double)f;
    return 1;
}

vt_status vt__gguf_get_int(const vt__gguf *g, const char *key, int64_t min, int64_t max, int64_t *out) {
    const vt__gguf_value *v = find(g, key);
    int64_t n;
    if (!v) return VT_ERR_NOT_FOUND;
    if (!vt__gguf_value_int(v, &n)) return wrong_type(g, key, v, "an integer");
    if (n < min || n > max)
        return vt__fail(VT_ERR_FORMAT, "%s: key '%s' is %lld, %lld to %lld are allowed", g->name, key, (long long)n, (long long)min, (long long)max);
    *out = n;
    return VT_OK;
}

vt_status vt__gguf_get_float(const vt__gguf *g, const char *key, double *out) {
    const vt__gguf_value *v = find(g, key);
    double x;
    if (!v) return VT_ERR_NOT_FOUND;
    if (!vt__gguf_value_float(v, &x)) return wrong_type(g, key, v, "f32 or f64");
    if (!isfinite(x)) return vt__fail(VT_ERR_FORMAT, "%s: key '%s' is %s, a finite number is needed", g->name, key, isnan(x) ? "NaN" : "infinite");
    *out = x;
    return VT_OK;
}

vt_status vt__gguf_get_bool(const vt__gguf *g, const char *key, int *out) {
    const vt__gguf_value *v = find(g, key);
    if (!v) return VT_ERR_NOT_FOUND;
    if (v->type != VT__GGUF_BOOL) return wrong_type(g, key, v, "bool");
    *out = v->array.data[0];
    return VT_OK;
}

vt_status vt__gguf_get_str(const vt__gguf *g, const char *key, vt__gguf_str *out) {
    const vt__gguf_value *v = find(g, key);
    if (!v) return VT_ERR_NOT_FOUND;
    if (v->type != VT__GGUF_STRING) return wrong_type(g, key, v, "string");
    vt__gguf_array one = v->array;
    (void)vt__gguf_next_string(&one, out);
    return VT_OK;
}

vt_status vt__gguf_get_array(const vt__gguf *g, const char *key, int32_t type, vt__gguf_array *out) {
    const vt__gguf_value *v = find(g, key);
    if (!v) return VT_ERR_NOT_FOUND;
    if (v->type != VT__GGUF_ARRAY || v->array.type != type) {
        char want[32];
        (void)snprintf(want, sizeof want, "array of %s", vt__gguf_type_name(type));
        return wrong_type(g, key, v, want);
    }
    *out = v->array;
    return VT_OK;
}

int vt__gguf_next_string(vt__gguf_array *array, vt__gguf_str *out) {
    if (array->type != VT__GGUF_STRING || array->data >= array->end) return 0;
    out->len = (size_t)vt__gguf_load(array->data, 8);
    out->data = (const char *)array->data + 8;
    array->data += 8 + out->len;
    return 1;
}
