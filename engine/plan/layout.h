/* Where the temporaries of a program lie. An elementwise result takes the place of an input that dies with the step. */
#ifndef VENTURI_PLAN_LAYOUT_H
#define VENTURI_PLAN_LAYOUT_H

#include "plan/arena.h"
#include "plan/fuse.h"
#include "plan/program.h"

enum { VT__ARENA_ALIGN = 64 };

struct vt__layout {
    struct vt__span *spans; /* [values], owned: from the first unit that sees a temporary to the last; size 0 where it needs no place */
    size_t *offsets;        /* [values], owned */
    size_t size, least;
};

/* is_local [values]: those that need no place. */
vt_status vt__layout_plan(const struct vt__program *p, const struct vt__unit *units, int64_t n_units, const char *is_local, struct vt__layout *out);
void vt__layout_free(vt_context *ctx, struct vt__layout *l);

#endif
