/* The planner: pieces of memory with lifetimes into one block. A pure function of its arguments; it knows nothing of tensors. */
#ifndef VENTURI_PLAN_ARENA_H
#define VENTURI_PLAN_ARENA_H

#include "venturi/types.h"

/* A piece that lives from one step to another, both included. */
struct vt__span {
    int64_t first, last;
    size_t size;
};

/* Which piece is placed first: by their number, or the largest (of equals the lower number). */
enum vt__span_order { VT__SPANS_BY_NUMBER, VT__SPANS_BY_SIZE };

/* Each piece at the lowest gap that it fits in among those placed before it that live at a time with it. offsets [n]; *size: where the last one ends.
 * Errors:  NOMEM, LIMIT (more than a size_t can say). */
vt_status vt__arena_place(vt_context *ctx, const struct vt__span *spans, int64_t n, enum vt__span_order order, size_t *offsets, size_t *size);
/* The order that needs less; the lower bound beside it: the most bytes that live at a step. */
vt_status vt__arena_plan(vt_context *ctx, const struct vt__span *spans, int64_t n, size_t *offsets, size_t *size, size_t *least);

/* vt__arena_place for the first two orders, vt__arena_plan for the third; the bound for all. */
vt_status vt__arena_solve(vt_context *ctx, const struct vt__span *spans, int64_t n, int32_t order, size_t *offsets, size_t *size, size_t *least);

#endif
