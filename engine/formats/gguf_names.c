/* Sorted names of keys and tensors: duplicates are found, and look-ups are a binary search. */
#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "formats/gguf_internal.h"

static int name_before(const void *user, int64_t a, int64_t b) {
    const vt__gguf_str *name = user;
    return strcmp(name[a].data, name[b].data) < 0;
}

void vt__gguf_names_free(vt_context *ctx, vt__gguf_names *names) {
    vt__free(ctx, names->name);
    vt__free(ctx, names->order);
    vt__free(ctx, names->pool);
}

vt_status vt__gguf_names_seal(const vt__gguf *g, vt__gguf_names *names, const char *kind) {
    size_t bytes = 0;
    for (int64_t i = 0; i < names->n; i++) bytes += names->name[i].len + 1; /* all of them lie in the file: no overflow */
    names->pool = vt__alloc(g->ctx, bytes);
    names->order = vt__calloc2(g->ctx, names->n, 1, sizeof *names->order);
    if (!names->pool || !names->order) return vt__fail_nomem("gguf", bytes);

    char *p = names->pool;
    for (int64_t i = 0; i < names->n; i++) {
        vt__gguf_str *s = &names->name[i];
        memcpy(p, s->data, s->len);
        p[s->len] = '\0';
        s->data = p;
        p += s->len + 1;
        names->order[i] = i;
    }
    if (vt__sort(g->ctx, names->order, names->n, name_before, names->name)) return vt__fail_nomem("gguf", 0);
    for (int64_t i = 1; i < names->n; i++) {
        int64_t a = names->order[i - 1], b = names->order[i];
        if (!name_before(names->name, a, b))
            return vt__fail(VT_ERR_FORMAT, "%s: %s '%s' is there twice, as number %lld and number %lld", g->name, kind, names->name[a].data,
                            (long long)(a < b ? a : b), (long long)(a < b ? b : a));
    }
    return VT_OK;
}

int64_t vt__gguf_names_find(const vt__gguf_names *names, const char *name) {
    int64_t lo = 0, hi = names->n;
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        int c = strcmp(names->name[names->order[mid]].data, name);
        if (c == 0) return names->order[mid];
        if (c < 0) lo = mid + 1;
        else hi = mid;
    }
    return -1;
}
