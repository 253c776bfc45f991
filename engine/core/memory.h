/* All memory of the engine: the context's allocator behind a small header that keeps each block's size and alignment.
 * No other room calls malloc. Mapped files are core/io.h's. */
#ifndef VENTURI_CORE_MEMORY_H
#define VENTURI_CORE_MEMORY_H

#include <stdatomic.h>

#include "venturi/types.h"

/* Every failing call returns NULL and leaves the message to the caller (vt__fail_nomem). Sizes of 0 are asked for as 1 byte. */
void *vt__alloc(vt_context *ctx, size_t bytes);   /* contents undefined; aligned for any scalar (16 bytes) */
void *vt__calloc(vt_context *ctx, size_t bytes);  /* zeroed */
void *vt__alloc64(vt_context *ctx, size_t bytes); /* aligned to 64 bytes, for kernels; cannot be grown */
/* n * m elements, zeroed; NULL too when a count is negative or a product overflows. */
void *vt__calloc2(vt_context *ctx, int64_t n, int64_t m, size_t elem);
void *vt__alloc64_2(vt_context *ctx, int64_t n, int64_t m, size_t elem);
/* New size for a block of vt__alloc/vt__calloc/vt__calloc2 (NULL: a new one); on failure the old block is still valid. */
void *vt__realloc(vt_context *ctx, void *ptr, size_t bytes);
/* Bytes asked of the allocator for a block of any of the calls above, and how many of them are the caller's. */
size_t vt__alloc_size(const void *ptr);
size_t vt__alloc_room(const void *ptr);
/* Frees a block of any of the calls above; NULL is fine. */
void vt__free(vt_context *ctx, void *ptr);

/* Scratch of calls that follow one another, for whose pages the system would be asked again and again: a context keeps a few blocks, up to a size, from
 * the calls that give them back to the next that take some; what is done over and over soon asks for no new ones. Aligned to 64 bytes, contents undefined. Any
 * threads. Kept memory is not counted in vt__context_memory, and is gone before a limit is hit. */
void *vt__scratch_take(vt_context *ctx, size_t bytes);
void *vt__scratch_take2(vt_context *ctx, int64_t n, int64_t m, size_t elem); /* n * m elements; NULL too on overflow */
void *vt__scratch_zero2(vt_context *ctx, int64_t n, int64_t m, size_t elem); /* zeroed */
void vt__scratch_give(vt_context *ctx, void *scratch); /* NULL is fine */
int vt__scratch_drop(vt_context *ctx);                 /* frees what is kept; 0: nothing was */
enum { VT__SCRATCHES = 8 };
typedef struct vt__kept_block {
    _Atomic(void *) block[VT__SCRATCHES];
    atomic_size_t size; /* of all blocks as they are accounted for */
} vt__kept_block;
/* The most bytes of scratch that this thread has had at a time since it was last asked. */
size_t vt__scratch_peak(void);

/* n * m into *out; 1 on overflow or a negative factor. The one place where sizes are multiplied before memory is asked for. */
int vt__mul_size(int64_t n, int64_t m, size_t *out);

/* Bytes that a block of the calls above takes in all. */
size_t vt__block_size(void *ptr);

/* Makes room for `need` elements in a growing array: *cap and *ptr change only on success. Grows by half. 0 on success, 1 on failure. */
int vt__reserve(vt_context *ctx, void **ptr, int64_t *cap, int64_t need, size_t elem);

#endif
