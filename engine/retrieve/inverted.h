/* Exact search over the postings of an image: sums of products of query and passage weights, and the k best of them. Knows terms and
 * weights only; where they come from (bm25.h, a host's encoder) is the caller's business. */
#ifndef VENTURI_RETRIEVE_INVERTED_H
#define VENTURI_RETRIEVE_INVERTED_H

#include "retrieve/image.h"

typedef struct vt__query_term {
    int64_t term; /* number in the image; -1: no passage has it (it counts for the coverage) */
    double weight;
} vt__query_term;

typedef struct vt__search_params {
    int64_t k;
    double min_score, min_coverage;
} vt__search_params;

typedef struct vt__found {
    int64_t id;
    double score, coverage;
} vt__found;

typedef struct vt__found_list {
    vt__found *items; /* block of vt__alloc, also when n is 0 */
    int64_t n;
} vt__found_list;

/* The at most k best passages, best first, ties by the lower id. Sums run in the order of term numbers whatever the order of the query, which
 * is sorted in place. Scratch is this call's own: calls may run side by side. Errors: NOMEM; *out is empty then. */
vt_status vt__inverted_search(const vt__image *image, vt__query_term *query, int64_t n_query, const vt__search_params *params, vt__found_list *out);

#endif
