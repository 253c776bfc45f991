/* The solver's inside, shared by its files: solver.c (life, requests), solver_run.c (segments of programs over blocks of rows). */
#ifndef VENTURI_SAMPLE_SOLVER_INTERNAL_H
#define VENTURI_SAMPLE_SOLVER_INTERNAL_H

#include <stdatomic.h>

#include "sample/solver.h"

/* Rows that have their levels and role in common. */
struct vt__row_class {
    struct vt__level *level; /* [n_levels]; the shared grid's, or its own */
    int32_t is_own;
    int32_t role;
    struct vt__program program; /* of the present step */
};

enum { VT__SPARES = 8 };

/* Of kinds that choose their steps. */
struct vt__attempt {
    double lambda_end, h, unit_end;
};

struct vt_solver {
    atomic_int refs;
    vt_context *ctx; /* retained */
    vt_schedule *schedule; /* retained */
    const struct vt__solver_kind *kind;
    struct vt__solver_params params;
    char *steps; /* owned: params' text and table */
    void *table;
    struct vt__grid grid;
    int32_t dtype;
    uint64_t seed;

    /* The batch; nothing of it before begin. */
    struct vt__desc desc;
    int64_t n_rows, row_size;
    uint64_t *seeds;
    int64_t *route;          /* [n_rows]; NULL: none */
    int32_t *class_of;       /* [n_rows] */
    struct vt__row_class *classes;
    int64_t n_classes;
    vt_tensor *slot[VT__SLOTS];   /* owned; NULL: no program mentions it */
    vt_tensor *spare[VT__SPARES]; /* written to while what they replace is still needed */
    int32_t n_spares;
    vt_tensor *noise;        /* the caller's draws; NULL: the rows' own */
    int64_t n_drawn;
    vt_tensor *mask, *known; /* of inpainting; NULL: none */
    double *facts;           /* [4][n_rows]: time, alpha, sigma, lambda of the request */

    struct vt__attempt attempt;
    vt__solver_hook_fn hook; /* NULL: nobody looks */
    void (*hook_inner)(void);
    void *hook_user;

    int64_t step, since, n_evaluated;
    int32_t at; /* operation of the present step that waits: an evaluation */
    int32_t n_draws_of_step;
};

vt_status vt__solver_compile(vt_solver *s);
/* Runs operations from s->at up to the next evaluation or the end of the step. answers [n]: predictions, NULL where none were asked for. */
vt_status vt__solver_run_segment(vt_solver *s, vt_tensor *const *answers, int32_t n);

/* Gives up the batch. */
void vt__solver_forget(vt_solver *s);
/* adaptive.c. The last level is where it ends; decide: after an attempt, *is_end: that was the last. */
vt_status vt__adaptive_begin(vt_solver *s);
vt_status vt__adaptive_decide(vt_solver *s, int *is_end);
/* Tells the hook. */
vt_status vt__solver_tell(vt_solver *s, int32_t point, vt_tensor *tensor);

#endif
