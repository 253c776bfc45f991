/* What the runners of attention share: who sees what, where rows and panels come from, and how work is cut. Inputs q [B, H, M, D], k [B, HK, N, D], v [B, HK, N, DV]
 * may have any strides and any floating types; everything is computed in float32, or in float64 where the result is float64.
 *
 * Query i of M sees key j of N iff i + N - M - left <= j <= i + N - M + right: the last query is aligned with the last key. */
#ifndef VENTURI_DEVICE_ATTENTION_H
#define VENTURI_DEVICE_ATTENTION_H

#include "linalg/gemm_pack.h"
#include "tensor/backend.h"
#include "vtk.h"
#include "vtk_flash.h"

/* Queries and keys of a tile. Multiples of every panel. A tile of scores and the panels beside it fill half of a second-level cache. */
enum { VT__ATTN_QUERIES = 128, VT__ATTN_KEYS = 128 };

/* Queries of all heads that share a head of keys, and these keys: the unit of which nothing is shared with others. */
struct vt__attn_pair {
    int64_t batch, kv_head;
    int64_t query, m, key, n; /* first query and key in the arrays, how many; not 0 where sequences are packed */
    int64_t first_task, first_pack; /* how many those before it have */
    size_t packed;            /* where its panels begin, bytes */
};

struct vt__attn {
    const struct vt__run *run;
    const vt__gemm_kind *kind;
    const struct vtk_flash_type *fn;
    void (*gemm)(const vtk_gemm *p, int64_t row0, int64_t row1, int64_t panel0, int64_t panel1);
    struct vt__view q, k, v, bias, slopes, blocks; /* the last three with the extents that broadcasting gives; data NULL: absent */
    int32_t compute;
    int64_t n_heads, group; /* heads of queries; of them a head of keys */
    int64_t d, dv;
    double scale, softcap, keep; /* keep: 1 - dropout */
    int64_t left, right;
    int64_t block[2]; /* queries and keys of a block of the mask */
    uint64_t seed;
    struct vt__attn_pair *pairs;
    int64_t n_pairs;
};

/* Inputs of a call: where they are in run->in; -1: the operation has no such input. */
struct vt__attn_inputs {
    int32_t bias, slopes, blocks, cu_q, cu_k;
};

/* Reads inputs and attributes (those of `attention`), makes the pairs. INVALID for bounds of sequences that are none. */
vt_status vt__attn_open(struct vt__attn *a, const struct vt__run *run, const struct vt__attn_inputs *at, int32_t dtype);
void vt__attn_close(struct vt__attn *a);

/* Columns of a tile that its rows see: in a tile of queries the keys, transposed the other way round. row0 and n_rows, column0 and n are counted in the pair.
 * first, last [n_rows] relative to column0. 0: every row sees all. */
int vt__attn_seen(const struct vt__attn *a, const struct vt__attn_pair *pair, int transposed, int64_t row0, int64_t n_rows, int64_t column0, int64_t n,
                  int64_t *first, int64_t *last);
/* Columns that any of the rows sees. */
void vt__attn_span(const struct vt__attn *a, const struct vt__attn_pair *pair, int transposed, int64_t row0, int64_t n_rows, int64_t *first, int64_t *last);
/* The next columns from *at on, at most `most` and below end, that the mask of blocks lets row0 see: how many, 0 at the end. */
int64_t vt__attn_next(const struct vt__attn *a, const struct vt__attn_pair *pair, int64_t head, int transposed, int64_t row0, int64_t *at, int64_t end, int64_t most);
/* Tiles of rows, none across two blocks of the mask: how many, and which rows one has. */
int64_t vt__attn_tiles(const struct vt__attn *a, int transposed, int64_t n_rows, int64_t most);
void vt__attn_tile(const struct vt__attn *a, int transposed, int64_t n_rows, int64_t most, int64_t tile, int64_t *row0, int64_t *n);

/* n rows of x [.., .., rows, width] from `row` on, dense in the type that is computed in: in place or in scratch [n, width]. */
const void *vt__attn_rows(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row, int64_t n, void *scratch, int64_t *ld);
/* Rows of x are used where they lie. */
int vt__attn_is_in_place(const struct vt__attn *a, const struct vt__view *x);
/* The other way: where rows that are made go, x itself or scratch [n, width]; store then brings them into x, if they are not there. */
void *vt__attn_target(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row, void *scratch, int64_t *ld);
void vt__attn_store(const struct vt__attn *a, const struct vt__view *x, int64_t batch, int64_t head, int64_t row, int64_t n, const void *rows);
/* Panels of the second factor of a product: of x [n, width] (by_rows: its transpose), rows ld apart. `rows`: those of the array of panels that these are among
 * (n, unless a pair is packed as a whole); not read by_rows, where panels follow each other. */
void vt__attn_pack(const struct vt__attn *a, void *panels, const void *x, int64_t ld, int64_t n, int64_t width, int by_rows, int64_t rows);

/* What the rows of a tile see of its columns; first NULL: everything. Both ends only move forward from row to row. */
struct vt__attn_range {
    const int64_t *first, *last;
};
/* s [m, n] = x [m, k] panels [k, n], made of rows; columns that are not seen may keep what was there. */
void vt__attn_scores(const struct vt__attn *a, void *s, int64_t ld_s, const void *x, int64_t ld_x, const void *panels, int64_t m, int64_t n, int64_t k, struct vt__attn_range seen);
/* out [m, n] (+)= alpha w [m, k] panels [k, n]: w is 0 where nothing is seen. add: to what is there. rows: of the array of panels. */
void vt__attn_multiply(const struct vt__attn *a, void *out, int64_t ld_out, const void *w, int64_t ld_w, const void *panels, int64_t rows, int64_t m, int64_t n, int64_t k,
                       double alpha, int add, struct vt__attn_range seen);

/* Scores are more than products: vt__attn_adjust is needed. */
int vt__attn_adjusts(const struct vt__attn *a);
/* A tile of products into scores. bias: scratch of the tile's size. bend: see vtk_flash.h. */
void vt__attn_adjust(const struct vt__attn *a, const struct vt__attn_pair *pair, int64_t head, int transposed, int64_t row0, int64_t n_rows, int64_t column0, int64_t n,
                     void *s, int64_t ld, void *bias, void *bend);
/* Factors of dropout for a tile, 0 or 1/keep: a function of seed, batch, head, query and key. */
void vt__attn_drop(const struct vt__attn *a, const struct vt__attn_pair *pair, int64_t head, int transposed, int64_t row0, int64_t n_rows, int64_t column0, int64_t n,
                   void *z, int64_t ld);
/* What `factor` of vtk_flash.h is. */
double vt__attn_factor(const struct vt__attn *a);

/* Cuts a block of scratch: call vt__attn_room for each piece, offsets are multiples of 64 bytes. */
struct vt__attn_room {
    size_t size;
    int too_large;
};
size_t vt__attn_room(struct vt__attn_room *room, int64_t n, int64_t m, size_t elem);

#endif
