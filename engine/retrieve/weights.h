/* The postings of an image turned round: for each passage its terms and their weights, as sparse rows. */
#ifndef VENTURI_RETRIEVE_WEIGHTS_H
#define VENTURI_RETRIEVE_WEIGHTS_H

#include "retrieve/image.h"

typedef struct vt__sparse_rows {
    int64_t n, dim;      /* passages, terms */
    vt_buffer *offsets;  /* [n + 1] int64 */
    vt_buffer *columns;  /* int32, strictly ascending within a row */
    vt_buffer *values;   /* float32, > 0 */
} vt__sparse_rows;

/* TF-IDF from the counts under BM25, (1 + ln tf) vt__bm25_idf; the given weights otherwise. Errors: LIMIT, NUMERIC, NOMEM; *out is untouched then. */
vt_status vt__weights(const vt__image *image, vt__sparse_rows *out);

#endif
