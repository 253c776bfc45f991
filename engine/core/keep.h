/* Objects that a context keeps for later calls: plans of transforms, say. Few, bounded in number and bytes, the one unused for longest goes first. */
#ifndef VENTURI_CORE_KEEP_H
#define VENTURI_CORE_KEEP_H

#include "venturi/types.h"

/* The first member of what is kept, a block of core/memory.h. Whoever makes one fills in the first four; the rest is this file's. */
struct vt__kept {
    const void *owner; /* whose it is: an address that nobody else has */
    int64_t key[2];    /* which of the owner's */
    void (*free)(vt_context *ctx, struct vt__kept *kept);
    int32_t is_pinned; /* stays to the context's end */
    struct vt__kept *next;
    size_t size;   /* of the block */
    uint64_t used; /* when it was last found */
    int32_t refs, is_listed;
};

/* NULL: not there. What was found stays until vt__keep_give. */
struct vt__kept *vt__keep_find(vt_context *ctx, const void *owner, int64_t a, int64_t b);
/* Takes an object that nobody has yet; answers the one to be used: another thread's, if that was faster. To be given back like one that was found. */
struct vt__kept *vt__keep_put(vt_context *ctx, struct vt__kept *kept);
void vt__keep_give(vt_context *ctx, struct vt__kept *kept); /* NULL is fine */
/* Frees all that nobody uses; 0: nothing was. */
int vt__keep_drop(vt_context *ctx);
/* The end: frees the pinned ones as well. */
void vt__keep_end(vt_context *ctx);

/* Where a context has them. */
typedef struct vt__keep vt__keep;
vt__keep *vt__context_keep(vt_context *ctx);

#endif
