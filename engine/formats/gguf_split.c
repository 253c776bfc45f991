/* Models in several files: what the files say about each other is checked, then their tensors become one list. */
#include <stdio.h>

#include "core/error.h"
#include "core/memory.h"
#include "formats/gguf_internal.h"

enum { MAX_PARTS = 65535, SUFFIX = sizeof "-00001-of-00003.gguf" - 1 };

/* A missing key leaves *out. */
static vt_status get_or(const vt__gguf *g, const char *key, int64_t min, int64_t max, int64_t *out) {
    vt_status st = vt__gguf_get_int(g, key, min, max, out);
    return st == VT_ERR_NOT_FOUND ? VT_OK : st;
}

vt_status vt__gguf_split_read(const vt__gguf *g, vt__gguf_split *out) {
    *out = (vt__gguf_split){.number = 0, .count = 1, .n_tensors = -1};
    vt_status st = get_or(g, "split.count", 0, MAX_PARTS, &out->count);
    if (st != VT_OK || out->count <= 1) return st;
    st = vt__gguf_get_int(g, "split.no", 0, out->count - 1, &out->number);
    if (st == VT_OK) st = get_or(g, "split.tensors.count", 0, INT64_MAX, &out->n_tensors);
    return st == VT_ERR_NOT_FOUND ? vt__fail(VT_ERR_FORMAT, "%s: key 'split.no' is missing, which a part of %lld files needs", vt__gguf_name(g),
                                             (long long)out->count)
                                  : st;
}

/* The other files must say the same about the set, each its own number. */
static vt_status check_part(const vt__gguf *first, const vt__gguf_split *want, const vt__gguf *part, int64_t number) {
    vt__gguf_split s;
    vt_status st = vt__gguf_split_read(part, &s);
    if (st != VT_OK) return st;
    if (s.count != want->count)
        return vt__fail(VT_ERR_FORMAT, "%s: part of %lld files (key 'split.count'), but '%s' of %lld", vt__gguf_name(part), (long long)s.count,
                        vt__gguf_name(first), (long long)want->count);
    if (s.number != number)
        return vt__fail(VT_ERR_FORMAT, "%s: its key 'split.no' is %lld, where %lld is needed", vt__gguf_name(part), (long long)s.number, (long long)number);
    if (s.n_tensors >= 0 && want->n_tensors >= 0 && s.n_tensors != want->n_tensors)
        return vt__fail(VT_ERR_FORMAT, "%s: key 'split.tensors.count' is %lld, '%s' says %lld", vt__gguf_name(part), (long long)s.n_tensors,
                        vt__gguf_name(first), (long long)want->n_tensors);
    return VT_OK;
}

/* The tensors of g's parts behind its own, names with them; g is the first file, with its parts all open. */
static vt_status join(vt__gguf *g, const vt__gguf_split *split) {
    vt__gguf_names names = {.n = g->tensor_names.n};
    for (int64_t i = 0; i < g->n_parts; i++) names.n += g->parts[i]->tensor_names.n; /* each lies in a file: no overflow */
    if (split->n_tensors >= 0 && names.n != split->n_tensors)
        return vt__fail(VT_ERR_FORMAT, "%s: key 'split.tensors.count' is %lld, the %lld files have %lld tensors", g->name, (long long)split->n_tensors,
                        (long long)split->count, (long long)names.n);
    names.name = vt__calloc2(g->ctx, names.n, 1, sizeof *names.name);
    vt__gguf_tensor *tensors = vt__calloc2(g->ctx, names.n, 1, sizeof *tensors);
    vt_status st = names.name && tensors ? VT_OK : vt__fail_nomem("gguf", 0);
    for (int64_t i = -1, at = 0; i < g->n_parts && st == VT_OK; i++) {
        const vt__gguf *part = i < 0 ? g : g->parts[i];
        for (int64_t t = 0; t < part->tensor_names.n; t++, at++) {
            names.name[at] = part->tensor_names.name[t];
            tensors[at] = part->tensors[t];
        }
    }
    if (st == VT_OK) st = vt__gguf_names_seal(g, &names, "tensor"); /* also copies the names */
    if (st != VT_OK) {
        vt__gguf_names_free(g->ctx, &names);
        vt__free(g->ctx, tensors);
        return st;
    }
    for (int64_t at = 0; at < names.n; at++) tensors[at].name = names.name[at].data;
    vt__gguf_names_free(g->ctx, &g->tensor_names);
    vt__free(g->ctx, g->tensors);
    g->tensor_names = names;
    g->tensors = tensors;
    return VT_OK;
}

/* Room for the other files of a set. */
static vt_status make_room(vt__gguf *g, int64_t count) {
    g->parts = vt__calloc2(g->ctx, count - 1, 1, sizeof *g->parts);
    if (!g->parts) return vt__fail_nomem("gguf", (size_t)count * sizeof *g->parts);
    g->n_parts = count - 1;
    return VT_OK;
}

/* ---- files ---- */

static void write_digits(char *to, int64_t v) {
    for (int i = 4; i >= 0; i--, v /= 10) to[i] = (char)('0' + v % 10);
}

/* Writes the name of file `number` over the end of path, which has that of another one. */
static void name_part(char *path, const vt__gguf_split *split, int64_t number) {
    char *end = path + strlen(path) - SUFFIX;
    memcpy(end, "-00000-of-00000.gguf", SUFFIX);
    write_digits(end + 1, number + 1);
    write_digits(end + 10, split->count);
}

static vt_status open_others(vt__gguf *g, char *path, const vt__gguf_split *split) {
    vt_status st = make_room(g, split->count);
    for (int64_t i = 1; i < split->count && st == VT_OK; i++) {
        name_part(path, split, i);
        st = vt__gguf_open_part(g->ctx, path, &g->parts[i - 1]);
        if (st == VT_OK) st = check_part(g, split, g->parts[i - 1], i);
    }
    return st == VT_OK ? join(g, split) : st;
}

vt_status vt__gguf_open_set(vt__gguf **g, const char *path, const vt__gguf_split *split) {
    size_t len = strlen(path);
    vt__gguf *first = NULL;
    char *other = vt__alloc((*g)->ctx, len + SUFFIX + 1);
    if (!other) return vt__fail_nomem("gguf", len + SUFFIX + 1);
    memcpy(other, path, len + 1);
    if (len >= SUFFIX) name_part(other, split, split->number);
    if (len < SUFFIX || strcmp(other, path) != 0) {
        vt__free((*g)->ctx, other);
        return vt__fail(VT_ERR_FORMAT, "%s: part %lld of a model in %lld files, whose name must end in -%05d-of-%05d.gguf", vt__gguf_name(*g),
                        (long long)split->number + 1, (long long)split->count, (int)split->number + 1, (int)split->count);
    }
    vt_status st = VT_OK;
    if (split->number > 0) { /* the keys are in the first file */
        name_part(other, split, 0);
        st = vt__gguf_open_part((*g)->ctx, other, &first);
        if (st == VT_OK) st = check_part(*g, split, first, 0);
        if (st == VT_OK) {
            vt__gguf_release(*g);
            *g = vt__gguf_retain(first);
        }
        vt__gguf_release(first);
    }
    if (st == VT_OK) st = open_others(*g, other, split);
    vt__free((*g)->ctx, other);
    return st;
}

/* ---- bytes ---- */

vt_status vt__gguf_parse_parts(vt_context *ctx, const char *name, const void *const *data, const size_t *sizes, int64_t n, vt__gguf **out) {
    char label[256];
    vt__gguf_split split = {0};
    vt__gguf *g = NULL;

    *out = NULL;
    (void)snprintf(label, sizeof label, "%.200s (part 1)", name);
    vt_status st = vt__gguf_parse_part(ctx, label, data[0], sizes[0], &g);
    if (st == VT_OK) st = vt__gguf_split_read(g, &split);
    if (st == VT_OK && (split.count != n || split.number != 0))
        st = vt__fail(VT_ERR_FORMAT, "%s: part %lld of %lld, part 1 of %lld is needed", label, (long long)split.number + 1, (long long)split.count, (long long)n);
    if (st == VT_OK) st = make_room(g, n);
    for (int64_t i = 1; i < n && st == VT_OK; i++) {
        (void)snprintf(label, sizeof label, "%.200s (part %lld)", name, (long long)i + 1);
        st = vt__gguf_parse_part(ctx, label, data[i], sizes[i], &g->parts[i - 1]);
        if (st == VT_OK) st = check_part(g, &split, g->parts[i - 1], i);
    }
    if (st == VT_OK) st = join(g, &split);
    if (st == VT_OK) *out = g;
    else vt__gguf_release(g);
    return st;
}
