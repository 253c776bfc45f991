#include "kv/file.h"

#include <string.h>

#include "core/error.h"
#include "core/hash.h"
#include "kv/plane.h"

enum { ENTRY = 16, SUMMED = VT__KV_FILE_HEAD - 8 };

static uint64_t word(const unsigned char *p, size_t size) {
    uint64_t v = 0;
    memcpy(&v, p, size); /* little-endian machines, as in codec/rans.c */
    return v;
}

static int64_t chunks_of(int64_t n_tokens, int64_t chunk_tokens) { return (n_tokens + chunk_tokens - 1) / chunk_tokens; }

/* ---- reading ---- */

static int sizes_fit(const vt__kv_file *f, uint64_t n_chunks, size_t size) {
    const vt__kv_identity *d = &f->identity;
    if (d->n_layers < 1 || d->n_layers > 4096 || d->n_kv_heads < 1 || d->head_dim < 1 || d->head_dim > 1 << 20 || d->n_kv_heads > (1 << 20) / d->head_dim) return 0;
    if (f->coder >= VT__KV_N_CODERS || f->chunk_tokens < VT__KV_CHUNK_STEP || f->chunk_tokens > VT__KV_MOST_CHUNK || f->chunk_tokens % VT__KV_CHUNK_STEP) return 0;
    if (vt__kv_is_lossy(f->coder) != (f->level != 0)) return 0;
    if (f->n_tokens < 1 || (uint64_t)f->n_tokens > (size - VT__KV_FILE_HEAD) / sizeof(int32_t)) return 0;
    return n_chunks == (uint64_t)chunks_of(f->n_tokens, f->chunk_tokens);
}

/* Chunks fill the rest, each of a size that its planes' sizes fit into. */
static int chunks_fit(const vt__kv_file *f) {
    const unsigned char *at = f->chunks;
    for (int64_t i = 0; i < f->n_chunks; i++) {
        uint64_t size = word(f->directory + i * ENTRY, 8);
        if (size > (size_t)(f->end - at) || size < 2 * (uint64_t)f->identity.n_layers * 4 || size % 2) return 0;
        at += size;
    }
    return at == f->end;
}

vt_status vt__kv_file_parse(const void *data, size_t size, vt__kv_file *out) {
    const unsigned char *p = data;
    if (size < VT__KV_FILE_HEAD || memcmp(p, "VTKV", 4) != 0) return vt__fail(VT_ERR_FORMAT, "kv: %zu bytes are no coded cache", size);
    if (word(p + 4, 2) != VT__KV_FILE_VERSION) return vt__fail(VT_ERR_UNSUPPORTED, "kv: version %d of coded caches", (int)word(p + 4, 2));
    if (word(p + SUMMED, 8) != vt__hash(p, SUMMED)) return vt__fail(VT_ERR_FORMAT, "kv: the head is damaged");
    vt__kv_file f = {.coder = p[6], .level = p[7], .profile = word(p + 8, 8), .n_tokens = (int64_t)word(p + 48, 8), .chunk_tokens = (int64_t)word(p + 56, 4),
                     .dtype = (int32_t)word(p + 44, 4)};
    f.identity = (vt__kv_identity){word(p + 16, 8), word(p + 24, 8), (int32_t)word(p + 32, 4), (int32_t)word(p + 36, 4), (int64_t)word(p + 40, 4)};
    if (!sizes_fit(&f, word(p + 60, 4), size) || word(p + 64, 8) != size)
        return vt__fail(VT_ERR_FORMAT, "kv: the head has sizes that no coded cache of %zu bytes has", size);
    f.n_chunks = chunks_of(f.n_tokens, f.chunk_tokens);
    size_t ids = (size_t)f.n_tokens * sizeof(int32_t), front = ids + (size_t)f.n_chunks * ENTRY;
    if (front > size - VT__KV_FILE_HEAD) return vt__fail(VT_ERR_FORMAT, "kv: the coded cache is cut");
    f.ids = p + VT__KV_FILE_HEAD;
    f.directory = f.ids + ids;
    f.chunks = f.ids + front;
    f.end = p + size;
    if (word(p + 72, 8) != vt__hash(f.ids, front)) return vt__fail(VT_ERR_FORMAT, "kv: ids or directory are damaged");
    if (!chunks_fit(&f)) return vt__fail(VT_ERR_FORMAT, "kv: the chunks do not fill the file");
    *out = f;
    return VT_OK;
}

int32_t vt__kv_file_id(const vt__kv_file *f, int64_t i) {
    int32_t id;
    memcpy(&id, f->ids + i * 4, sizeof id);
    return id;
}

void vt__kv_file_next(const vt__kv_file *f, vt__kv_chunk *c) {
    int64_t first = c->first + c->n_tokens, left = f->n_tokens - first, i = first / f->chunk_tokens;
    c->data = c->data ? c->data + c->size : f->chunks;
    c->size = (size_t)word(f->directory + i * ENTRY, 8);
    c->hash = word(f->directory + i * ENTRY + 8, 8);
    c->first = first;
    c->n_tokens = left < f->chunk_tokens ? left : f->chunk_tokens;
}

vt_status vt__kv_chunk_open(const vt__kv_file *f, const vt__kv_chunk *c, const unsigned char **planes, size_t *sizes) {
    int64_t n_planes = 2 * (int64_t)f->identity.n_layers;
    const unsigned char *at = c->data + 4 * n_planes;
    if (c->hash != vt__hash(c->data, c->size)) return vt__fail(VT_ERR_FORMAT, "kv: the chunk of token %lld is damaged", (long long)c->first);
    for (int64_t i = 0; i < n_planes; i++) {
        planes[i] = at;
        sizes[i] = (size_t)word(c->data + 4 * i, 4);
        if (sizes[i] > (size_t)(c->data + c->size - at) || sizes[i] % 2) return vt__fail(VT_ERR_FORMAT, "kv: the planes do not fit the chunk of token %lld", (long long)c->first);
        at += sizes[i];
    }
    return at == c->data + c->size ? VT_OK : vt__fail(VT_ERR_FORMAT, "kv: the planes do not fill the chunk of token %lld", (long long)c->first);
}

/* ---- writing ---- */

static void put(vt__bytes *b, uint64_t v, size_t size) { vt__bytes_append(b, &v, size); }
static void set(vt__bytes *b, int64_t at, uint64_t v) {
    if (!b->failed) memcpy(b->data + at, &v, sizeof v);
}

static void put_head(vt__bytes *b, const vt__kv_file *f, int64_t n_chunks) {
    const vt__kv_identity *d = &f->identity;
    vt__bytes_append(b, "VTKV", 4);
    put(b, VT__KV_FILE_VERSION, 2);
    put(b, (uint64_t)f->coder, 1);
    put(b, (uint64_t)f->level, 1);
    put(b, f->profile, 8);
    put(b, d->model, 8);
    put(b, d->rope, 8);
    put(b, (uint64_t)d->n_layers, 4);
    put(b, (uint64_t)d->n_kv_heads, 4);
    put(b, (uint64_t)d->head_dim, 4);
    put(b, (uint64_t)f->dtype, 4);
    put(b, (uint64_t)f->n_tokens, 8);
    put(b, (uint64_t)f->chunk_tokens, 4);
    put(b, (uint64_t)n_chunks, 4);
    for (int i = 0; i < 3; i++) put(b, 0, 8); /* size and sums, when they are known */
}

static void put_chunk(vt__bytes *b, const vt__bytes *planes, int64_t n_planes) {
    for (int64_t i = 0; i < n_planes; i++) {
        put(b, (uint64_t)planes[i].len, 4);
        b->failed |= planes[i].failed;
    }
    for (int64_t i = 0; i < n_planes && !b->failed; i++) vt__bytes_append(b, planes[i].data, (size_t)planes[i].len);
}

vt_status vt__kv_file_write(vt_context *ctx, const vt__kv_file *f, const int32_t *ids, const vt__bytes *planes, vt_buffer **out) {
    int64_t n_planes = 2 * (int64_t)f->identity.n_layers, n_chunks = chunks_of(f->n_tokens, f->chunk_tokens);
    vt__bytes b;
    vt__bytes_init(&b, ctx);
    put_head(&b, f, n_chunks);
    vt__bytes_append(&b, ids, (size_t)f->n_tokens * sizeof *ids);
    int64_t directory = b.len, front;
    for (int64_t i = 0; i < 2 * n_chunks; i++) put(&b, 0, 8);
    front = b.len - VT__KV_FILE_HEAD;
    for (int64_t i = 0; i < n_chunks && !b.failed; i++) {
        int64_t begin = b.len;
        put_chunk(&b, planes + i * n_planes, n_planes);
        set(&b, directory + i * ENTRY, (uint64_t)(b.len - begin));
        set(&b, directory + i * ENTRY + 8, b.failed ? 0 : vt__hash(b.data + begin, (size_t)(b.len - begin)));
    }
    set(&b, 64, (uint64_t)b.len);
    if (!b.failed) {
        set(&b, 72, vt__hash(b.data + VT__KV_FILE_HEAD, (size_t)front));
        set(&b, SUMMED, vt__hash(b.data, SUMMED));
    }
    return vt__bytes_finish(&b, "kv", out);
}
