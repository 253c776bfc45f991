/* Mixtures from JSON, which may come from anybody: every list has the length that dim and the weights ask for before its numbers are read. */
#include <string.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/io.h"
#include "core/memory.h"
#include "formats/json.h"
#include "formats/msgpack.h"
#include "mixture/mixture.h"

enum { MOST_BYTES = 1 << 28, MOST_NAME = 255 };

typedef struct value {
    const unsigned char *at, *end; /* at NULL: missing */
} value;

static value field(value map, const char *key) { return (value){vt__msgpack_find(map.at, map.end, key), map.end}; }

/* Moves *list into an array and answers its length; -1 where there is none. */
static int64_t enter(value *list) {
    vt__msgpack_item item;
    if (!list->at || vt__msgpack_read(&list->at, list->end, &item) != VT_OK || item.kind != VT__MSGPACK_ARRAY || item.u > INT32_MAX) return -1;
    return (int64_t)item.u;
}

static int is_name(value model, const char *name) {
    vt__msgpack_item item;
    value v = field(model, "name");
    return v.at && vt__msgpack_read(&v.at, v.end, &item) == VT_OK && vt__msgpack_is(&item, name);
}

static vt_status read_numbers(value *list, const char *key, int64_t n, double *out) {
    if (enter(list) != n) return vt__fail(VT_ERR_FORMAT, "mixture: '%s' needs lists of %lld numbers", key, (long long)n);
    for (int64_t i = 0; i < n; i++) {
        vt__msgpack_item item;
        if (vt__msgpack_read(&list->at, list->end, &item) != VT_OK || (item.kind != VT__MSGPACK_FLOAT && item.kind != VT__MSGPACK_INT))
            return vt__fail(VT_ERR_FORMAT, "mixture: item %lld of '%s' is no number", (long long)i, key);
        out[i] = item.kind == VT__MSGPACK_FLOAT ? item.f : (double)item.i;
    }
    return VT_OK;
}

static vt_status read_matrix(value model, const char *key, int64_t n, int64_t dim, double *out) {
    value rows = field(model, key);
    vt_status st = enter(&rows) == n ? VT_OK : vt__fail(VT_ERR_FORMAT, "mixture: '%s' is no list of %lld rows", key, (long long)n);
    for (int64_t i = 0; i < n && st == VT_OK; i++) st = read_numbers(&rows, key, dim, out + i * dim);
    return st;
}

static vt_status read_classes(value list, int64_t n, int32_t *out) {
    if (enter(&list) != n) return vt__fail(VT_ERR_FORMAT, "mixture: 'classes' is no list of %lld integers", (long long)n);
    for (int64_t i = 0; i < n; i++) {
        vt__msgpack_item item;
        if (vt__msgpack_read(&list.at, list.end, &item) != VT_OK || item.kind != VT__MSGPACK_INT || item.i < 0 || item.i > INT32_MAX)
            return vt__fail(VT_ERR_FORMAT, "mixture: item %lld of 'classes' is no integer of 0 or more", (long long)i);
        out[i] = (int32_t)item.i;
    }
    return VT_OK;
}

static vt_status read_dim(value model, int64_t *dim) {
    vt__msgpack_item item;
    value v = field(model, "d");
    if (!v.at || vt__msgpack_read(&v.at, v.end, &item) != VT_OK || item.kind != VT__MSGPACK_INT || item.i < 1 || item.i > INT32_MAX)
        return vt__fail(VT_ERR_FORMAT, "mixture: 'd' is no number of dimensions");
    *dim = item.i;
    return VT_OK;
}

static vt_status read_name(value model, char name[MOST_NAME + 1]) {
    vt__msgpack_item item;
    value v = field(model, "name");
    name[0] = 0;
    if (!v.at) return VT_OK;
    if (vt__msgpack_read(&v.at, v.end, &item) != VT_OK || item.kind != VT__MSGPACK_STR || item.size > MOST_NAME || memchr(item.data, 0, item.size))
        return vt__fail(VT_ERR_FORMAT, "mixture: 'name' is no text of at most %d bytes", MOST_NAME);
    memcpy(name, item.data, item.size);
    name[item.size] = 0;
    return VT_OK;
}

static vt_status read_model(vt_context *ctx, value model, vt_mixture **out) {
    char name[MOST_NAME + 1];
    vt__mixture_params p = {.name = name};
    value weights = field(model, "weights"), counted = weights, classes = field(model, "classes");
    double *numbers = NULL;
    int32_t *labels = NULL;
    vt_status st = read_name(model, name);
    if (st == VT_OK) st = read_dim(model, &p.dim);
    p.n_modes = enter(&counted);
    if (st == VT_OK && p.n_modes < 1) st = vt__fail(VT_ERR_FORMAT, "mixture: 'weights' is no list of numbers");
    /* Two numbers a mode and dimension take two bytes of the text or more: what asks for more memory than that is a lie. */
    if (st == VT_OK && p.dim > (model.end - model.at) / (2 * p.n_modes)) st = vt__fail(VT_ERR_FORMAT, "mixture: %lld dimensions, more than the text holds", (long long)p.dim);
    if (st != VT_OK) return st;
    numbers = vt__calloc2(ctx, p.n_modes, 2 * p.dim + 1, sizeof *numbers);
    labels = vt__calloc2(ctx, p.n_modes, 1, sizeof *labels);
    if (!numbers || !labels) st = vt__fail_nomem("mixture", 0);
    if (st == VT_OK) {
        double *means = numbers, *stds = means + p.n_modes * p.dim, *w = stds + p.n_modes * p.dim;
        st = read_numbers(&weights, "weights", p.n_modes, w);
        if (st == VT_OK) st = read_matrix(model, "means", p.n_modes, p.dim, means);
        if (st == VT_OK) st = read_matrix(model, "stds", p.n_modes, p.dim, stds);
        if (st == VT_OK && classes.at) st = read_classes(classes, p.n_modes, labels);
        p.weights = w, p.means = means, p.stds = stds, p.classes = classes.at ? labels : NULL;
    }
    if (st == VT_OK) st = vt__mixture_create(ctx, &p, out);
    if (st == VT_ERR_INVALID) st = VT_ERR_FORMAT; /* out of a file it is the file that is wrong */
    vt__free(ctx, numbers);
    vt__free(ctx, labels);
    return st;
}

static vt_status pick(value root, const char *name, value *model) {
    vt__msgpack_item item;
    value list = field(root, "models"), at = root;
    if (vt__msgpack_read(&at.at, at.end, &item) != VT_OK || item.kind != VT__MSGPACK_MAP) return vt__fail(VT_ERR_FORMAT, "mixture: no JSON object");
    int64_t n = enter(&list);
    if (n < 0) {
        *model = root;
        return !name || is_name(root, name) ? VT_OK : vt__fail(VT_ERR_NOT_FOUND, "mixture: the model is not \"%.40s\"", name);
    }
    for (int64_t i = 0; i < n; i++) {
        *model = list;
        if (!name || is_name(list, name)) return VT_OK;
        vt__msgpack_skip(&list.at, list.end);
    }
    return n ? vt__fail(VT_ERR_NOT_FOUND, "mixture: none of %lld models is \"%.40s\"", (long long)n, name) : vt__fail(VT_ERR_FORMAT, "mixture: no models");
}

vt_status vt__mixture_parse(vt_context *ctx, const char *text, size_t size, const char *name, vt_mixture **out) {
    vt_buffer *packed = NULL;
    value model;
    *out = NULL;
    vt_status st = vt__json_to_msgpack(ctx, text, size, &packed);
    if (st != VT_OK) return st;
    value root = {vt__buffer_data(packed), NULL};
    root.end = root.at + vt__buffer_size(packed);
    st = pick(root, name, &model);
    if (st == VT_OK) st = read_model(ctx, model, out);
    vt__buffer_release(packed);
    return st;
}

vt_status vt__mixture_open(vt_context *ctx, const char *path, const char *name, vt_mixture **out) {
    vt__mapping map;
    *out = NULL;
    vt_status st = vt__map_file(ctx, path, &map);
    if (st != VT_OK) return st;
    if (map.size > MOST_BYTES) st = vt__fail(VT_ERR_LIMIT, "%zu bytes, at most %d are read", map.size, (int)MOST_BYTES);
    if (st == VT_OK) st = vt__mixture_parse(ctx, (const char *)map.data, map.size, name, out);
    vt__unmap_file(ctx, &map);
    return st == VT_OK ? st : vt__fail_within(st, path);
}
