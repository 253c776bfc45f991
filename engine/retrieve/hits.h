/* Result of a search: immutable, its own copies of everything. */
#ifndef VENTURI_RETRIEVE_HITS_H
#define VENTURI_RETRIEVE_HITS_H

#include "retrieve/inverted.h"

typedef struct vt__hit {
    int64_t id;
    double score, coverage;
    const char *source; /* NUL-terminated, as title and text are */
    const char *title;
    size_t title_len;
    const char *text;
    size_t text_len;
} vt__hit;

/* Copies what the image says about the found passages. Errors: NOMEM. */
vt_status vt__hits_create(const vt__image *image, const vt__found_list *found, vt_hits **out);
vt_hits *vt__hits_retain(vt_hits *hits);
void vt__hits_release(vt_hits *hits);
int64_t vt__hits_count(const vt_hits *hits);
const vt__hit *vt__hits_get(const vt_hits *hits, int64_t i); /* i in [0, count) */

#endif
