#include "encode/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "formats/json.h"

enum { MOST_BYTES = 1 << 26 };

vt_status vt__config_path(vt_context *ctx, const char *folder, const char *file, char **out) {
    size_t size = strlen(folder) + strlen(file) + 2;
    *out = vt__alloc(ctx, size);
    if (!*out) return vt__fail_nomem("encoder", size);
    (void)snprintf(*out, size, "%s/%s", folder, file);
    return VT_OK;
}

void vt__config_path_free(vt_context *ctx, char *path) { vt__free(ctx, path); }

vt_status vt__config_open(vt_context *ctx, const char *folder, const char *file, vt__config *out) {
    char *path, *data;
    size_t size;
    *out = (vt__config){.name = file};
    vt_status st = vt__config_path(ctx, folder, file, &path);
    if (st != VT_OK) return st;
    st = vt__read_file(ctx, path, MOST_BYTES, &data, &size);
    vt__config_path_free(ctx, path);
    if (st != VT_OK) return st;
    st = vt__json_to_msgpack(ctx, data, size, &out->packed);
    vt__free(ctx, data);
    if (st != VT_OK) return st == VT_ERR_LIMIT ? st : vt__fail_within(st, file);
    out->data = vt__buffer_data(out->packed);
    out->end = out->data + vt__buffer_size(out->packed);
    return VT_OK;
}

void vt__config_free(vt__config *c) { vt__buffer_release(c->packed); }

int vt__config_find(const vt__config *c, const char *key, vt__msgpack_item *out) {
    const unsigned char *at = vt__msgpack_find(c->data, c->end, key);
    return at && vt__msgpack_read(&at, c->end, out) == VT_OK && out->kind != VT__MSGPACK_NIL;
}

vt_status vt__config_int(const vt__config *c, const char *key, int64_t min, int64_t max, int64_t *out) {
    vt__msgpack_item item;
    if (!vt__config_find(c, key, &item)) return vt__fail(VT_ERR_FORMAT, "%s: key '%s' is missing", c->name, key);
    if (item.kind != VT__MSGPACK_INT) return vt__fail(VT_ERR_FORMAT, "%s: key '%s' is no integer", c->name, key);
    if (item.i < min || item.i > max)
        return vt__fail(VT_ERR_FORMAT, "%s: key '%s' is %lld, %lld to %lld are allowed", c->name, key, (long long)item.i, (long long)min, (long long)max);
    *out = item.i;
    return VT_OK;
}

vt_status vt__config_float(const vt__config *c, const char *key, double *out) {
    vt__msgpack_item item;
    if (!vt__config_find(c, key, &item)) return VT_OK;
    double x = item.kind == VT__MSGPACK_FLOAT ? item.f : (double)item.i;
    if ((item.kind != VT__MSGPACK_FLOAT && item.kind != VT__MSGPACK_INT) || !(x >= 0) || isinf(x))
        return vt__fail(VT_ERR_FORMAT, "%s: key '%s' is no number of 0 or more", c->name, key);
    *out = x;
    return VT_OK;
}

vt_status vt__config_unknown(const vt__config *c, const char *key, const vt__msgpack_item *value) {
    int is_text = value->kind == VT__MSGPACK_STR;
    return vt__fail(VT_ERR_UNSUPPORTED, "%s: %s %s%.*s%s: not supported", c->name, key, is_text ? "\"" : "", is_text ? (int)(value->size < 40 ? value->size : 40) : 3,
                    is_text ? (const char *)value->data : "set", is_text ? "\"" : "");
}
