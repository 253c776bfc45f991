/* Elementwise steps that follow one another, done together block by block: what one makes of a block the next reads while it is in the first caches, by the
 * runners that would do the steps alone, so that the bits are the same. Values that live within such a group only need a block for each thread. */
#ifndef VENTURI_PLAN_FUSE_H
#define VENTURI_PLAN_FUSE_H

#include "plan/program.h"

/* An operand over the group's extents. */
struct vt__group_operand {
    int64_t strides[VT__MAX_DIMS]; /* 0 where it is repeated */
    int64_t local;                 /* offset in a thread's room, bytes; -1: it lies where its view says */
};

struct vt__group {
    int64_t shape[VT__MAX_DIMS]; /* as few dimensions as all operands allow */
    int32_t ndim, axis;          /* a block: some places of axis, with all that is behind it */
    int64_t length, n_blocks;    /* length: places of a block */
    int64_t blocks_a_row;        /* blocks along axis */
    struct vt__group_operand *operands; /* of all its steps in turn, owned */
    size_t room;
};

/* Steps that are done at a time: alone, or as a group. */
struct vt__unit {
    int64_t first, n_steps;
    struct vt__group group; /* n_steps > 1 */
};

/* The program in units, in its order. is_local [values]: those that need no memory of their own. */
vt_status vt__fuse(const struct vt__program *p, struct vt__unit **out, int64_t *n_out, char *is_local);
void vt__units_free(vt_context *ctx, struct vt__unit *units, int64_t n);

#endif
