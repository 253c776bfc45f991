/* What the files of this room share: the handle's struct, and the few things that each kind of distance can do. */
#ifndef VENTURI_DISTANCE_INTERNAL_H
#define VENTURI_DISTANCE_INTERNAL_H

#include <stdatomic.h>

#include "distance/distance.h"
#include "distance/window.h"

/* The first failure inside parallel work, where no message can be set: the caller's thread turns it into one afterwards. */
typedef struct vt__fault {
    atomic_int claimed; /* somebody writes it */
    atomic_int status;  /* VT_OK, or what stopped the work */
    int64_t row, column;
    double value; /* where the status is NUMERIC */
} vt__fault;

/* Whole columns: out[i * ld + o] = D(o, objects[i]), or D(objects[i], o) where by_rows is set. */
typedef struct vt__load {
    const vt_distance *distance;
    const int64_t *objects;
    int64_t n, capacity; /* of the window */
    int by_rows;
    void *scratch; /* what kind->prepare makes of the objects; zero before the first time */
    void *out;
    int64_t ld; /* at least n objects rounded up to a multiple of VT__LOAD_GRAIN */
    vt__fault *fault;
} vt__load;

/* Ranges of objects that kinds load begin at multiples of this; padding behind the last object may be written. */
enum { VT__LOAD_GRAIN = 64 };

/* A block: out[r * ld + c] = D(rows[r], columns[c]); NULL: the objects from first_row or first_column on, in order. */
typedef struct vt__block {
    const int64_t *rows, *columns;
    int64_t first_row, n_rows, first_column, n_columns;
    const void *foreign; /* rows of the caller's instead of objects: first_row .. of them */
    int64_t foreign_stride;
    void *scratch; /* kind->block_scratch bytes; NULL where that is 0 */
    void *out;
    int64_t ld;
    vt__fault *fault;
} vt__block;

/* Blocks that kinds are asked for have at most this many rows and columns. */
enum { VT__BLOCK = 64 };

/* Every entry gives infinities, and what an object is from itself, as they are. Scratch belongs to the caller, so that many threads may use one distance at once. */
typedef struct vt__distance_kind {
    void (*destroy)(vt_distance *distance); /* frees what the kind's struct owns; NULL: nothing */
    /* D(i, 0..n-1) where it lies in memory, or NULL; the entry may be NULL too: never. */
    const void *(*row)(const vt_distance *distance, int64_t i);
    size_t (*load_scratch)(const vt_distance *distance, int64_t n); /* NULL: none is needed, nor prepare */
    void (*prepare)(const vt__load *load);
    void (*load)(const vt__load *load, int64_t first, int64_t last); /* objects first..last-1 */
    size_t (*block_scratch)(const vt_distance *distance);            /* NULL: none */
    int is_scratch_zero; /* block_scratch is to be zero before the first block, and each block leaves it so */
    void (*block)(const vt_distance *distance, const vt__block *block);
} vt__distance_kind;

/* Each kind's struct begins with this. */
struct vt_distance {
    atomic_int refs;
    vt_context *ctx;
    const vt__distance_kind *kind;
    int64_t n;
    int type;         /* VT__DISTANCE_* */
    int is_symmetric; /* D(i, j) == D(j, i) for all */
    int is_serial;    /* only the calling thread may ask */
    int has_diagonal; /* some D(i, i) is not 0 */
    double bound, far;
    vt_distance *source; /* the rows that a stored matrix was made of; may be NULL */
};

/* A zeroed struct of `size` bytes that begins with a vt_distance, with one reference; NULL: out of memory, and the message is set. */
void *vt__distance_new(vt_context *ctx, const vt__distance_kind *kind, size_t size, int64_t n, int type);
/* Sets bound and, where there are infinities, far; NUMERIC where sums of n distances overflow. bound: of all finite |D(i, j)|. */
vt_status vt__distance_limit(vt_distance *distance, double bound, int has_infinity);

/* Object number i of a list, or of the objects from `first` on. */
static inline int64_t vt__object(const int64_t *list, int64_t first, int64_t i) { return list ? list[i] : first + i; }

/* Plus infinity becomes distance->far. */
void vt__distance_replace_infinity(const vt_distance *distance, void *values, int64_t n);

/* All n x n distances, parallel; of symmetric ones each pair is computed once. */
vt_status vt__distance_compute_all(const vt_distance *distance, void *out);
/* The same distances as a matrix that keeps `from` as its source. Takes `from`, also on failure. */
vt_status vt__distance_store(vt_distance *from, vt_distance **out);

/* OK, or the failure that parallel work met, with its message. */
vt_status vt__fault_report(vt__fault *fault);

/* Size of the elements of a dense type of distance, and the dense type of a VT_DTYPE_*, or -1. */
size_t vt__distance_type_size(int type);
int vt__distance_type_of(int32_t dtype);

#endif
