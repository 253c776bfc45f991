/* The index file: what it is made of, how it is checked, laid out and sealed. A commit writes a whole new image, so an image never changes
 * once sealed. Not here: what the numbers mean (inverted.h, bm25.h), when images are written (index.h).
 *
 *   head | table of sections | checksum of both | sections, each at a multiple of 8
 *
 * All numbers little-endian; only magic and version are promised to stay in their places when the version changes. */
#ifndef VENTURI_RETRIEVE_IMAGE_H
#define VENTURI_RETRIEVE_IMAGE_H

#include "core/io.h"
#include "venturi/types.h"

enum { VT__IMAGE_VERSION = 1, VT__MAX_PASSAGES = INT32_MAX };

enum { VT__WEIGHTING_BM25 = 0, VT__WEIGHTING_GIVEN = 1 }; /* the public numbers */

enum {
    VT__SECTION_META,     /* vt__image_meta [1] */
    VT__SECTION_SOURCES,  /* vt__image_source [n_sources] */
    VT__SECTION_PASSAGES, /* vt__image_passage [n_passages] */
    VT__SECTION_TERMS,    /* vt__image_term [n_terms], strictly ascending by bytes */
    VT__SECTION_IDS,      /* uint32_t [n_postings]: passages of each term, strictly ascending */
    VT__SECTION_WEIGHTS,  /* double [n_postings], > 0 and finite */
    VT__SECTION_COUNTS,   /* uint32_t [n_postings] occurrences, from which a later commit makes new weights; empty under GIVEN */
    VT__SECTION_STRINGS,  /* bytes */
    VT__N_SECTIONS
};

typedef struct vt__image_meta {
    int32_t weighting; /* VT__WEIGHTING_* */
    uint32_t reserved;
    double k1, b; /* b 0: no length normalisation */
    int64_t n_sources, n_passages, n_terms, n_postings;
} vt__image_meta;

/* A stretch of the strings. */
typedef struct vt__image_text {
    int64_t at, len;
} vt__image_text;

typedef struct vt__image_source {
    vt__image_text name; /* without NUL, not empty */
    uint64_t fingerprint;
} vt__image_source;

typedef struct vt__image_passage {
    int64_t source;
    int64_t n_words; /* indexed occurrences; 0 under GIVEN */
    vt__image_text title, text;
} vt__image_passage;

typedef struct vt__image_term {
    vt__image_text term;
    int64_t first, n; /* its postings, n >= 1; terms in order leave no gap */
} vt__image_term;

/* An image at hand: pointers into `data`, which is a mapping or a block. */
typedef struct vt__image {
    vt_context *ctx;
    vt__mapping map; /* data NULL: not mapped */
    void *block;     /* NULL: mapped */
    const unsigned char *data;
    size_t size;
    uint64_t digest; /* checksum over head and table, hence over everything; never 0 */
    const vt__image_meta *meta;
    const vt__image_source *sources;
    const vt__image_passage *passages;
    const vt__image_term *terms;
    const uint32_t *ids;
    const double *weights;
    const uint32_t *counts;
    const char *strings;
} vt__image;

/* What a new image will hold, and where: pointers to fill in before sealing. */
typedef struct vt__image_plan {
    vt__image_meta meta;
    int64_t strings_size;
    unsigned char *block; /* of vt__calloc */
    size_t size;
    vt__image_source *sources;
    vt__image_passage *passages;
    vt__image_term *terms;
    uint32_t *ids;
    double *weights;
    uint32_t *counts;
    char *strings;
} vt__image_plan;

/* Allocates the block for plan->meta's counts and strings_size and sets the pointers. Errors: NOMEM. */
vt_status vt__image_lay_out(vt_context *ctx, vt__image_plan *plan);
/* Writes all checksums of an image into it. What does not lie inside is left alone. */
void vt__image_sign(unsigned char *data, size_t size);
/* Writes counts and checksums; the image takes the block. */
void vt__image_seal(vt_context *ctx, vt__image_plan *plan, vt__image *out);

/* Maps and checks a file: afterwards no number in it leads outside. Nobody may write into the file while it is mapped; commits never do.
 * Errors: NOT_FOUND, IO, FORMAT, UNSUPPORTED (version), NOMEM. */
vt_status vt__image_open(vt_context *ctx, const char *path, vt__image *out);
/* The same for bytes at hand; takes the block (vt__alloc), also on failure. */
vt_status vt__image_take(vt_context *ctx, void *block, size_t size, vt__image *out);
void vt__image_close(vt__image *image);

/* Digest of the image in a file; 0 when there is no file or it does not begin as an image does. Errors: IO. */
vt_status vt__image_file_digest(vt_context *ctx, const char *path, int *out_exists, uint64_t *out_digest);

/* The order of terms: by bytes, a prefix before what it begins. < 0, 0 or > 0. */
int vt__compare_terms(const char *a, size_t a_len, const char *b, size_t b_len);
/* Number of a term, or -1. */
int64_t vt__image_find(const vt__image *image, const char *term, size_t len);

#endif
