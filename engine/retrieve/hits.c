#include "retrieve/hits.h"

#include <stdatomic.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/memory.h"

/* The strings are copies, not views of the image: hits would else keep a file mapped that a commit has replaced, for as long as a host's
 * garbage collector likes, and k passages are small. */
struct vt_hits {
    atomic_int refs;
    vt_context *ctx;
    int64_t n;
    vt__hit *items;
    char *strings;
};

/* Bytes for all strings with a NUL behind each; 1 on overflow (a made-up file may show the same gigabyte as every passage). */
static int strings_size(const vt__image *im, const vt__found_list *found, size_t *out) {
    size_t size = 0;
    for (int64_t i = 0; i < found->n; i++) {
        const vt__image_passage *p = &im->passages[found->items[i].id];
        int64_t lens[3] = {im->sources[p->source].name.len, p->title.len, p->text.len};
        for (int j = 0; j < 3; j++)
            if (__builtin_add_overflow(size, (size_t)lens[j] + 1, &size)) return 1;
    }
    *out = size;
    return 0;
}

static const char *copy(char **at, const vt__image *im, vt__image_text t) {
    char *to = *at;
    if (t.len > 0) memcpy(to, im->strings + t.at, (size_t)t.len);
    to[t.len] = '\0';
    *at += t.len + 1;
    return to;
}

vt_status vt__hits_create(const vt__image *image, const vt__found_list *found, vt_hits **out) {
    vt_context *ctx = image->ctx;
    size_t size = 0;
    *out = NULL;
    vt_hits *h = vt__calloc(ctx, sizeof *h);
    if (!h) return vt__fail_nomem("hits", sizeof *h);
    atomic_init(&h->refs, 1);
    h->ctx = vt__context_retain(ctx);
    h->n = found->n;
    h->items = vt__calloc2(ctx, found->n, 1, sizeof *h->items);
    h->strings = strings_size(image, found, &size) ? NULL : vt__alloc(ctx, size);
    if (!h->items || !h->strings) {
        vt__hits_release(h);
        return vt__fail_nomem("hits", size);
    }
    char *at = h->strings;
    for (int64_t i = 0; i < found->n; i++) {
        const vt__found *f = &found->items[i];
        const vt__image_passage *p = &image->passages[f->id];
        vt__hit *hit = &h->items[i];
        *hit = (vt__hit){.id = f->id, .score = f->score, .coverage = f->coverage};
        hit->source = copy(&at, image, image->sources[p->source].name);
        hit->title = copy(&at, image, p->title);
        hit->title_len = (size_t)p->title.len;
        hit->text = copy(&at, image, p->text);
        hit->text_len = (size_t)p->text.len;
    }
    *out = h;
    return VT_OK;
}

vt_hits *vt__hits_retain(vt_hits *hits) {
    if (hits) atomic_fetch_add(&hits->refs, 1);
    return hits;
}

void vt__hits_release(vt_hits *hits) {
    if (!hits || atomic_fetch_sub(&hits->refs, 1) != 1) return;
    vt_context *ctx = hits->ctx;
    vt__free(ctx, hits->items);
    vt__free(ctx, hits->strings);
    vt__free(ctx, hits);
    vt__context_release(ctx);
}

int64_t vt__hits_count(const vt_hits *hits) { return hits->n; }
const vt__hit *vt__hits_get(const vt_hits *hits, int64_t i) { return &hits->items[i]; }
