/* What has been put, added and removed since the last commit, and the sources as they will be. */
#ifndef VENTURI_RETRIEVE_CHANGES_H
#define VENTURI_RETRIEVE_CHANGES_H

#include "core/buffer.h"
#include "core/hash.h"
#include "retrieve/image.h"

/* One a name ever seen since the last commit; its number is that of its name in the map. */
typedef struct vt__source {
    uint64_t fingerprint;
    int64_t old;   /* source of the image whose passages stay; -1: none do */
    int64_t epoch; /* raised by put and remove: new passages of an earlier epoch do not count */
    int64_t place; /* in `live`; -1: removed */
} vt__source;

typedef struct vt__new_passage {
    int64_t source, epoch;
    int64_t n_words;
    int64_t first, n; /* its terms */
    vt__image_text title, text; /* in `strings` */
} vt__new_passage;

typedef struct vt__new_posting {
    int64_t term; /* entry in `terms` */
    uint32_t count;
    double weight; /* GIVEN only */
} vt__new_posting;

typedef struct vt__changes {
    vt_context *ctx;
    int dirty; /* something is to be committed */
    vt__map names;
    vt__source *sources; /* [names.count] */
    int64_t cap_sources;
    int64_t *live; /* [n_live] numbers of sources that exist */
    int64_t n_live, cap_live;
    vt__new_passage *passages;
    int64_t n_passages, cap_passages;
    vt__new_posting *postings;
    int64_t n_postings, cap_postings;
    vt__map terms;     /* value: last posting of the term, maybe a stale one */
    vt__bytes strings; /* titles and texts */
} vt__changes;

typedef struct vt__given_term {
    const char *term;
    size_t len;
    double weight;
} vt__given_term;

typedef struct vt__passage_params {
    const char *title;
    size_t title_len;
    const char *text;
    size_t text_len;
    const vt__given_term *terms; /* GIVEN; else the words of the text and maybe the title are taken */
    int64_t n_terms;
    int given, index_title;
} vt__passage_params;

/* No changes to the sources of the image (NULL: none). Errors: NOMEM; changes_free is due in any case. */
vt_status vt__changes_init(vt__changes *c, vt_context *ctx, const vt__image *image);
void vt__changes_free(vt__changes *c);

vt_status vt__changes_put(vt__changes *c, const char *name, uint64_t fingerprint);
vt_status vt__changes_remove(vt__changes *c, const char *name);
vt_status vt__changes_add(vt__changes *c, const char *source, const vt__passage_params *p);
/* Number of a source that exists, or -1. */
int64_t vt__changes_find(const vt__changes *c, const char *name);

#endif
