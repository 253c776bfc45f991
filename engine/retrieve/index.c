#include "retrieve/index.h"

#include <stdatomic.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"
#include "retrieve/bm25.h"
#include "retrieve/hits.h"
#include "text/words.h"

static const double DEFAULT_K1 = 1.2, DEFAULT_B = 0.75;

struct vt_index {
    atomic_int refs;
    vt_context *ctx;
    char *path; /* NULL: in memory only */
    int read_only;
    vt__index_params params;
    vt__image image;
    vt__changes changes;
    int on_disk;       /* the file existed when last looked at */
    uint64_t known;    /* digest of the file that this handle last read or wrote; 0: none */
    uint64_t attempt;  /* digest of the image that a failed commit may have left there; 0: none */
};

/* ---- lifecycle ---- */

static vt_status agree(const vt_index *ix, const vt__index_open_params *p) {
    const vt__image_meta *m = ix->image.meta;
    if (p->weighting != m->weighting)
        return vt__fail(VT_ERR_CONFLICT, "index: %s has weighting %d, %d was asked for", ix->path, m->weighting, p->weighting);
    if ((p->k1 > 0 && !(p->k1 == m->k1)) || (p->b > 0 && !(p->b == m->b)) || (p->no_length_norm && m->b > 0))
        return vt__fail(VT_ERR_CONFLICT, "index: %s was made with k1=%g b=%g", ix->path, m->k1, m->b);
    return VT_OK;
}

static vt_status open_image(vt_index *ix, const vt__index_open_params *p) {
    vt_status st = ix->path ? vt__image_open(ix->ctx, ix->path, &ix->image) : VT_ERR_NOT_FOUND;
    if (st == VT_OK) {
        ix->params = (vt__index_params){ix->image.meta->weighting, ix->image.meta->k1, ix->image.meta->b};
        ix->on_disk = 1;
        ix->known = ix->image.digest;
        return agree(ix, p);
    }
    if (st != VT_ERR_NOT_FOUND || (ix->path && !p->create)) return st;
    ix->params = (vt__index_params){p->weighting, p->k1 > 0 ? p->k1 : DEFAULT_K1, p->no_length_norm ? 0 : p->b > 0 ? p->b : DEFAULT_B};
    vt__changes none = {.ctx = ix->ctx, .names.ctx = ix->ctx};
    return vt__image_build(ix->ctx, NULL, &none, &ix->params, &ix->image);
}

vt_status vt__index_open(vt_context *ctx, const char *path, const vt__index_open_params *params, vt_index **out) {
    vt_status st = VT_OK;
    *out = NULL;
    vt_index *ix = vt__calloc(ctx, sizeof *ix);
    if (!ix) return vt__fail_nomem("index", sizeof *ix);
    atomic_init(&ix->refs, 1);
    ix->ctx = vt__context_retain(ctx);
    ix->image.ctx = ctx;
    ix->changes.ctx = ix->changes.names.ctx = ix->changes.terms.ctx = ix->changes.strings.ctx = ctx;
    ix->read_only = params->read_only;
    if (path) {
        ix->path = vt__alloc(ctx, strlen(path) + 1);
        if (ix->path) memcpy(ix->path, path, strlen(path) + 1);
        else st = vt__fail_nomem("index", strlen(path) + 1);
    }
    if (st == VT_OK) st = open_image(ix, params);
    if (st == VT_OK) st = vt__changes_init(&ix->changes, ctx, &ix->image);
    if (st != VT_OK) {
        vt__index_release(ix);
        return st;
    }
    ix->changes.dirty = path && !ix->on_disk; /* a commit makes the file even when nothing was added */
    *out = ix;
    return VT_OK;
}

vt_index *vt__index_retain(vt_index *index) {
    if (index) atomic_fetch_add(&index->refs, 1);
    return index;
}

void vt__index_release(vt_index *index) {
    if (!index || atomic_fetch_sub(&index->refs, 1) != 1) return;
    vt_context *ctx = index->ctx;
    vt__changes_free(&index->changes);
    vt__image_close(&index->image);
    vt__free(ctx, index->path);
    vt__free(ctx, index);
    vt__context_release(ctx);
}

/* ---- changing ---- */

static vt_status writable(const vt_index *ix) {
    return ix->read_only ? vt__fail(VT_ERR_STATE, "index: %s is open for reading only", ix->path ? ix->path : "it") : VT_OK;
}

vt_status vt__index_put_source(vt_index *index, const char *name, uint64_t fingerprint) {
    vt_status st = writable(index);
    return st == VT_OK ? vt__changes_put(&index->changes, name, fingerprint) : st;
}

vt_status vt__index_remove_source(vt_index *index, const char *name) {
    vt_status st = writable(index);
    return st == VT_OK ? vt__changes_remove(&index->changes, name) : st;
}

vt_status vt__index_add(vt_index *index, const char *source, const vt__passage_params *passage) {
    vt_status st = writable(index);
    return st == VT_OK ? vt__changes_add(&index->changes, source, passage) : st;
}

vt_status vt__index_fingerprint(const vt_index *index, const char *name, uint64_t *out) {
    int64_t i = vt__changes_find(&index->changes, name);
    if (i < 0) return vt__fail(VT_ERR_NOT_FOUND, "index: no source '%s'", name);
    *out = index->changes.sources[i].fingerprint;
    return VT_OK;
}

int64_t vt__index_source_count(const vt_index *index) { return index->changes.n_live; }

const char *vt__index_source_name(const vt_index *index, int64_t i) {
    if (i < 0 || i >= index->changes.n_live) return NULL;
    return vt__map_key(&index->changes.names, index->changes.live[i], NULL);
}

int64_t vt__index_count(const vt_index *index) { return index->image.meta->n_passages; }
int32_t vt__index_weighting(const vt_index *index) { return index->params.weighting; }

vt_status vt__index_weights(const vt_index *index, vt__sparse_rows *out) { return vt__weights(&index->image, out); }

/* ---- committing ---- */

/* The file must hold what this handle last read or wrote, or what an earlier attempt of it may have written. Anything that another writer
 * committed has another digest and is found; what it commits between this look and our rename is not: there is no lock. */
static vt_status check_unchanged(vt_index *ix) {
    int exists;
    uint64_t digest;
    vt_status st = vt__image_file_digest(ix->ctx, ix->path, &exists, &digest);
    if (st != VT_OK) return st;
    if (exists && digest && (digest == ix->known || digest == ix->attempt)) {
        ix->known = digest; /* the attempt had got as far as its rename */
        ix->on_disk = 1;
        return VT_OK;
    }
    if (!exists && !ix->on_disk) return VT_OK;
    return vt__fail(VT_ERR_CONFLICT, "index: %s was %s by somebody else since it was opened", ix->path, exists ? "replaced" : "removed");
}

/* The new image is in memory; the mapping of the file frees that. It is only an economy: searches do as well without. */
static void prefer_mapping(vt_index *ix) {
    vt__image mapped;
    if (vt__image_open(ix->ctx, ix->path, &mapped) != VT_OK) return;
    if (mapped.digest != ix->image.digest) {
        vt__image_close(&mapped);
        return;
    }
    vt__image_close(&ix->image);
    ix->image = mapped;
}

/* Build beside the old state, write, then swap: no step after the rename can fail, and none before it changes this handle. */
vt_status vt__index_commit(vt_index *index) {
    vt__image next = {.ctx = index->ctx};
    vt__changes rest = {.ctx = index->ctx};
    vt_status st = writable(index);
    if (st != VT_OK || !index->changes.dirty) return st;
    st = vt__image_build(index->ctx, &index->image, &index->changes, &index->params, &next);
    if (st != VT_OK) return st;
    /* All that can fail for want of memory comes before the file is touched. */
    st = vt__changes_init(&rest, index->ctx, &next);
    if (st == VT_OK && index->path) st = check_unchanged(index);
    if (st == VT_OK && index->path) {
        index->attempt = next.digest;
        st = vt__replace_file(index->ctx, index->path, next.data, next.size);
    }
    if (st != VT_OK) {
        vt__changes_free(&rest);
        vt__image_close(&next);
        return st;
    }
    vt__changes_free(&index->changes);
    vt__image_close(&index->image);
    index->changes = rest;
    index->image = next;
    index->known = next.digest;
    index->attempt = 0;
    index->on_disk = index->path != NULL;
    if (index->path) prefer_mapping(index);
    return VT_OK;
}

/* ---- searching: the index is only read, so that searches may run together ---- */

static vt_status run(const vt_index *ix, vt__query_term *query, int64_t n, const vt__search_params *params, vt_hits **out) {
    vt__found_list found;
    vt_status st = vt__inverted_search(&ix->image, query, n, params, &found);
    if (st == VT_OK) st = vt__hits_create(&ix->image, &found, out);
    vt__free(ix->ctx, found.items);
    return st;
}

/* Words of the query with the number of times each is there. */
static int count_query_word(void *user, const char *word, size_t len) {
    vt__map *words = user;
    int64_t i = vt__map_add(words, word, len, 0);
    if (i < 0) return 1;
    words->entries[i].value++;
    return 0;
}

vt_status vt__index_search(const vt_index *index, const char *query, size_t len, const vt__search_params *params, vt_hits **out) {
    vt_context *ctx = index->ctx;
    const vt__image *im = &index->image;
    vt__map words;
    vt_status st;

    *out = NULL;
    if (index->params.weighting != VT__WEIGHTING_BM25) return vt__fail(VT_ERR_STATE, "search: this index takes weighted terms, not text");
    vt__map_init(&words, ctx);
    int failed = vt__words_each(query, len, count_query_word, &words);
    vt__query_term *terms = failed ? NULL : vt__calloc2(ctx, words.count, 1, sizeof *terms);
    for (int64_t i = 0; terms && i < words.count; i++) {
        size_t n;
        const char *word = vt__map_key(&words, i, &n);
        int64_t t = vt__image_find(im, word, n);
        terms[i].term = t;
        terms[i].weight = (double)words.entries[i].value * vt__bm25_idf(im->meta->n_passages, t < 0 ? 0 : im->terms[t].n);
    }
    st = terms ? run(index, terms, words.count, params, out) : vt__fail_nomem("search", len);
    vt__free(ctx, terms);
    vt__map_free(&words);
    return st;
}

vt_status vt__index_search_terms(const vt_index *index, const vt__given_term *terms, int64_t n, const vt__search_params *params, vt_hits **out) {
    vt_context *ctx = index->ctx;
    vt__map seen;
    vt_status st = VT_OK;

    *out = NULL;
    vt__map_init(&seen, ctx);
    vt__query_term *query = vt__calloc2(ctx, n, 1, sizeof *query);
    if (!query) st = vt__fail_nomem("search", 0);
    for (int64_t i = 0; st == VT_OK && i < n; i++) {
        int64_t at = vt__map_add(&seen, terms[i].term, terms[i].len, 0);
        if (at < 0) st = vt__fail_nomem("search", 0);
        else if (at < i) st = vt__fail(VT_ERR_INVALID, "search: term %lld comes twice", (long long)i);
        else query[i] = (vt__query_term){vt__image_find(&index->image, terms[i].term, terms[i].len), terms[i].weight};
    }
    if (st == VT_OK) st = run(index, query, n, params, out);
    vt__free(ctx, query);
    vt__map_free(&seen);
    return st;
}
