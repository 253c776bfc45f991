/* Bytes of an index file: as they are, and with checksums made right so that what lies behind them is reached. An image that is taken must
 * serve searches and a commit, and what the commit makes must be taken in turn. */
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "core/memory.h"
#include "retrieve/build.h"
#include "retrieve/hits.h"

static void need(int holds) {
    if (!holds) abort();
}

static void search(const vt__image *im) {
    enum { N = 16 };
    vt__query_term query[N];
    const vt__search_params params = {.k = 5};
    vt__found_list found;
    int64_t n;
    vt_hits *hits;
    for (n = 0; n < N && n < im->meta->n_terms; n++) {
        const vt__image_text *t = &im->terms[n].term;
        query[n] = (vt__query_term){vt__image_find(im, im->strings + t->at, (size_t)t->len), 1.0};
        need(query[n].term == n);
    }
    if (vt__inverted_search(im, query, n, &params, &found) != VT_OK) return;
    if (vt__hits_create(im, &found, &hits) == VT_OK) {
        need(vt__hits_count(hits) == found.n);
        vt__hits_release(hits);
    }
    vt__free(im->ctx, found.items);
}

/* A new source, and the first of the old ones put afresh. */
static void commit(const vt__image *im) {
    const vt__index_params params = {im->meta->weighting, im->meta->k1, im->meta->b};
    vt__passage_params p = {.text = "fuzz words", .text_len = 10, .given = im->meta->weighting == VT__WEIGHTING_GIVEN};
    vt__changes c;
    vt__image next, again;
    vt_status st = vt__changes_init(&c, im->ctx, im);
    if (st == VT_OK && c.n_live > 0) st = vt__changes_put(&c, vt__map_key(&c.names, c.live[0], NULL), 1);
    if (st == VT_OK) st = vt__changes_put(&c, "fuzz", 1);
    if (st == VT_OK) st = vt__changes_add(&c, "fuzz", &p);
    if (st == VT_OK) st = vt__image_build(im->ctx, im, &c, &params, &next);
    vt__changes_free(&c);
    if (st != VT_OK) return;
    void *copy = vt__alloc(im->ctx, next.size);
    if (copy) {
        memcpy(copy, next.data, next.size);
        need(vt__image_take(im->ctx, copy, next.size, &again) == VT_OK);
        vt__image_close(&again);
    }
    vt__image_close(&next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    vt_context *ctx;
    vt__image im;
    if (vt__context_create(&(vt__context_params){.n_threads = 1, .memory_limit = 1u << 28}, &ctx) != VT_OK) return 0;
    for (int sign = 0; sign < 2; sign++) {
        unsigned char *copy = vt__alloc(ctx, size);
        if (!copy) break;
        if (size) memcpy(copy, data, size);
        if (sign) vt__image_sign(copy, size);
        if (vt__image_take(ctx, copy, size, &im) != VT_OK) continue;
        search(&im);
        commit(&im);
        vt__image_close(&im);
    }
    vt__context_release(ctx);
    return 0;
}
