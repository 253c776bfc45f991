/* The index handle: an image that searches read, changes that wait for the next commit. */
#ifndef VENTURI_RETRIEVE_INDEX_H
#define VENTURI_RETRIEVE_INDEX_H

#include "retrieve/build.h"
#include "retrieve/inverted.h"
#include "retrieve/weights.h"

typedef struct vt__index_open_params {
    int create, read_only, no_length_norm;
    int32_t weighting; /* VT__WEIGHTING_* */
    double k1, b;      /* 0: default, or what the file has */
} vt__index_open_params;

vt_status vt__index_open(vt_context *ctx, const char *path, const vt__index_open_params *params, vt_index **out);
vt_index *vt__index_retain(vt_index *index);
void vt__index_release(vt_index *index);

vt_status vt__index_put_source(vt_index *index, const char *name, uint64_t fingerprint);
vt_status vt__index_remove_source(vt_index *index, const char *name);
vt_status vt__index_add(vt_index *index, const char *source, const vt__passage_params *passage);
vt_status vt__index_fingerprint(const vt_index *index, const char *name, uint64_t *out);
int64_t vt__index_source_count(const vt_index *index);
const char *vt__index_source_name(const vt_index *index, int64_t i);
int64_t vt__index_count(const vt_index *index);
int32_t vt__index_weighting(const vt_index *index);
vt_status vt__index_commit(vt_index *index);
vt_status vt__index_weights(const vt_index *index, vt__sparse_rows *out);

vt_status vt__index_search(const vt_index *index, const char *query, size_t len, const vt__search_params *params, vt_hits **out);
vt_status vt__index_search_terms(const vt_index *index, const vt__given_term *terms, int64_t n, const vt__search_params *params, vt_hits **out);

#endif
