/* Copyright (c) 2026 The Venturi authors. MIT licence.
 *
 * Search: an index of passages by weighted terms, kept in one file. BM25 is one way of making the weights; encoders that make their own
 * hand them in. Results are exact: the k best of all passages, ties by the lower passage id. The file format carries a version and will
 * be replaced by segments; these calls stay. */
#ifndef VENTURI_RETRIEVE_H
#define VENTURI_RETRIEVE_H

#include "venturi/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    VT_INDEX_CREATE = 1,        /* make it when the file does not exist */
    VT_INDEX_READ_ONLY = 2,     /* add, remove and commit are refused */
    VT_INDEX_NO_LENGTH_NORM = 4 /* BM25 with b = 0 */
};

enum {
    VT_WEIGHTING_BM25 = 0, /* terms are the words of the text; Robertson and Zaragoza 2009, section 3 */
    VT_WEIGHTING_GIVEN = 1 /* every passage and query brings its terms and weights */
};

typedef struct vt_index_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_INDEX_* */
    int32_t weighting;    /* VT_WEIGHTING_*; of a new index; an existing one must agree: VT_ERR_CONFLICT */
    int32_t reserved;     /* must be 0 */
    double k1;            /* BM25 term saturation; 0: 1.2, or what the file has; at most 100; an existing index must agree */
    double b;             /* BM25 length normalisation in (0, 1]; 0: 0.75, or what the file has; an existing index must agree */
} vt_index_options;

/** Opens an index file; path NULL: in memory only. A file that VT_INDEX_CREATE asks for is made by the first commit. The file is mapped:
 *  replacing it is fine, writing into it from outside is not. Errors: VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_IO, VT_ERR_FORMAT (damaged or foreign file),
 *  VT_ERR_UNSUPPORTED (format version), VT_ERR_CONFLICT, VT_ERR_NOMEM.
 *  Threads: searches may run together while nobody changes the index. */
VT_API VT_MUST_USE vt_status vt_index_open(vt_context *ctx, const char *path, const vt_index_options *opt, vt_index **out);
VT_API vt_index *vt_index_retain(vt_index *index);
VT_API void vt_index_release(vt_index *index);

typedef struct vt_term {
    const char *term; /* term_len bytes, any content */
    size_t term_len;
    double weight; /* > 0, at most 3.4e38 */
} vt_term;

typedef struct vt_passage {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* VT_PASSAGE_* */
    const char *title;    /* stored; title_len bytes */
    size_t title_len;
    const char *text; /* stored, and indexed under VT_WEIGHTING_BM25 */
    size_t text_len;
    const vt_term *terms; /* [n_terms], VT_WEIGHTING_GIVEN only; a term may not come twice */
    int64_t n_terms;
} vt_passage;

enum { VT_PASSAGE_INDEX_TITLE = 1 }; /* BM25: the words of the title count as well */

/* A source is where passages come from: a file, say. Changes are seen by searches after the next commit. */

/** Starts a source afresh: its passages go, its fingerprint (a content hash of the caller's choice) is noted. name: NUL-terminated, not empty.
 *  Errors: VT_ERR_INVALID, VT_ERR_STATE (read only), VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_index_put_source(vt_index *index, const char *name, uint64_t fingerprint);
/** Takes a source and its passages out. Errors: VT_ERR_NOT_FOUND, VT_ERR_STATE, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_index_remove_source(vt_index *index, const char *name);
/** Adds a passage to a source that was put before. Errors: VT_ERR_INVALID, VT_ERR_NOT_FOUND, VT_ERR_STATE, VT_ERR_LIMIT, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_index_add(vt_index *index, const char *source, const vt_passage *passage);
/** Fingerprint of a source, changes not yet committed included. Errors: VT_ERR_NOT_FOUND. */
VT_API VT_MUST_USE vt_status vt_index_fingerprint(const vt_index *index, const char *name, uint64_t *out);
/** Sources, changes not yet committed included; name i of [0, count), borrowed until the next change, NULL out of range. */
VT_API int64_t vt_index_source_count(const vt_index *index);
VT_API const char *vt_index_source_name(const vt_index *index, int64_t i);
/** Passages that searches see. */
VT_API int64_t vt_index_count(const vt_index *index);

/** Makes all changes durable in one step: a crash at any point leaves the file as it was or as it shall be. Errors: VT_ERR_IO, VT_ERR_STATE,
 *  VT_ERR_CONFLICT (the file was replaced or removed by somebody else since it was opened), VT_ERR_NOMEM; on failure the changes are still
 *  pending and a later commit tries again. No lock is taken: writers that may commit in the same instant must be kept apart by the host. */
VT_API VT_MUST_USE vt_status vt_index_commit(vt_index *index);

typedef struct vt_search_options {
    uint32_t struct_size; /* set by VT_STRUCT_INIT */
    uint32_t flags;       /* reserved, must be 0 */
    int64_t k;            /* passages wanted; 0: 10 */
    double min_score;     /* only passages that score at least this */
    double min_coverage;  /* only passages that cover at least this share of the query */
} vt_search_options;

/** The k best passages for a text, best first. VT_WEIGHTING_BM25 only (else VT_ERR_STATE). Errors: VT_ERR_INVALID, VT_ERR_NOMEM. */
VT_API VT_MUST_USE vt_status vt_index_search(const vt_index *index, const char *query, size_t len, const vt_search_options *opt, vt_hits **out);
/** The same for weighted terms: score = sum of weight(query) * weight(passage). */
VT_API VT_MUST_USE vt_status vt_index_search_terms(const vt_index *index, const vt_term *terms, int64_t n, const vt_search_options *opt, vt_hits **out);

/* The passages as sparse rows (CSR), such as vt_distance_from_csr takes. */
typedef struct vt_index_rows {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    uint32_t reserved;
    int64_t n;            /* passages */
    int64_t dim;          /* terms, a column each */
    vt_buffer *offsets;   /* [n + 1] int64; the caller releases all three */
    vt_buffer *columns;   /* [offsets[n]] int32, strictly ascending within a row */
    vt_buffer *values;    /* [offsets[n]] float32, > 0 */
} vt_index_rows;

/** Weights of the terms of each passage that searches see. VT_WEIGHTING_BM25: (1 + ln tf) ln(1 + (n - df + 0.5) / (df + 0.5)), tf occurrences in
 *  the passage, df of the n passages have the term. VT_WEIGHTING_GIVEN: the given weights. Errors: VT_ERR_INVALID, VT_ERR_LIMIT (more than 2^31 - 1
 *  terms), VT_ERR_NUMERIC (a weight that is no float32 > 0), VT_ERR_NOMEM; *out is untouched then. */
VT_API VT_MUST_USE vt_status vt_index_weights(const vt_index *index, vt_index_rows *out);

/* ---- hits: immutable, shareable; keep their strings whatever happens to the index ---- */

typedef struct vt_hit {
    uint32_t struct_size; /* set by the caller; only so many bytes are written */
    uint32_t reserved;
    int64_t id;       /* passage, from 0; good until the next commit */
    double score;     /* larger is better */
    double coverage;  /* share in [0, 1] of the query's weight (rare words weigh more, unknown words most) that the passage contains */
    const char *source; /* borrowed from the hits, NUL-terminated, like the rest */
    const char *title;
    size_t title_len;
    const char *text;
    size_t text_len;
} vt_hit;

/** Passages found; 0 for NULL. A result is immutable and shareable. */
VT_API int64_t vt_hits_count(const vt_hits *hits);
/** Fills hit i of [0, count). Errors: VT_ERR_INVALID. */
VT_API VT_MUST_USE vt_status vt_hits_get(const vt_hits *hits, int64_t i, vt_hit *out);
VT_API vt_hits *vt_hits_retain(vt_hits *hits);
VT_API void vt_hits_release(vt_hits *hits);

#ifdef __cplusplus
}
#endif
#endif
