/* What the files of a graph know of each other: graph.c makes one, run.c runs it, report.c describes it. */
#ifndef VENTURI_PLAN_GRAPH_INTERNAL_H
#define VENTURI_PLAN_GRAPH_INTERNAL_H

#include <stdatomic.h>

#include "plan/graph.h"
#include "plan/layout.h"

/* An attribute that is a variable's value. */
struct vt__patch {
    struct vt__attr *attr;
    const struct vt__op_def *op; /* whose attribute it is */
    int32_t variable, is_float;
};

struct vt_graph {
    atomic_int refs, busy;
    struct vt__program p;
    struct vt__layout layout;
    struct vt__storage *arena;
    struct vt__unit *units;
    int64_t n_units;
    char *is_local;            /* [values] */
    struct vt__storage *rooms; /* n_rooms of room_size bytes, for groups: one a thread */
    atomic_int *room_taken;    /* [n_rooms] */
    size_t n_rooms, room_size;
    struct vt__view *views; /* [operands], with addresses */
    struct vt__run *runs;   /* [steps], over the views */
    /* Operands that see value v: uses[first_use[v]] to before uses[first_use[v + 1]]. */
    int64_t *first_use, *uses;
    struct vt__storage **copies; /* [inputs]: where one that cannot be read in place is copied to; NULL until it is needed */
    vt_tensor **results;
    struct vt__patch *patches;
    int64_t n_patches, cap_patches;
    int32_t has_results;
    struct vt__graph_cost cost;
};

/* All steps of a unit of several. */
vt_status vt__group_run(vt_graph *g, const struct vt__unit *unit);
/* Gives the operands of a value their addresses. */
void vt__graph_bind(vt_graph *g, int64_t value, void *data);
/* Storage and handles of the results, made anew where somebody holds those of the last run. */
vt_status vt__graph_prepare_results(vt_graph *g);

#endif
