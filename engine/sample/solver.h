/* The step machine: owns the state of a batch, asks for predictions, runs the programs that kinds compile (program.h). Every row has its own levels and its own noise.
 * Not here: models; whoever has one supplies its predictions. */
#ifndef VENTURI_SAMPLE_SOLVER_H
#define VENTURI_SAMPLE_SOLVER_H

#include "sample/grid.h"
#include "sample/program.h"
#include "tensor/tensor.h"

/* Everything a solver is made from. Arrays and text are copied. */
struct vt__solver_setup {
    struct vt__solver_params params;
    struct vt__grid_params grid;
    int32_t dtype; /* of the state: VT_DTYPE_F32 or VT_DTYPE_F64 */
    uint64_t seed; /* of rows that are given none: seed + row */
};

/* What is asked for: predictions at x. Arrays are [n_rows], borrowed until the next call. */
struct vt__solver_request {
    vt_tensor *x;          /* borrowed; its numbers change with the next step */
    vt_tensor *extra;      /* what the model gets besides, or NULL */
    const double *time, *alpha, *sigma, *log_snr;
    int64_t step, n_steps; /* step from 0 */
    int64_t evaluation;    /* how many have been answered before */
    int32_t model, n_predictions;
};

vt_status vt__solver_create(vt_context *ctx, vt_schedule *schedule, const struct vt__solver_setup *setup, vt_solver **out);
vt_solver *vt__solver_retain(vt_solver *s);
void vt__solver_release(vt_solver *s);

const struct vt__grid *vt__solver_grid(const vt_solver *s);
/* Begins with x [rows, ...] at the first level: a copy is taken. seeds [rows]; NULL: from the setup's. */
vt_status vt__solver_begin(vt_solver *s, vt_tensor *x, const uint64_t *seeds);
/* The pending request; STATE before begin and after the last step. */
vt_status vt__solver_request(vt_solver *s, struct vt__solver_request *out);
/* Answers it: predictions [n] (with guidance the conditional one and the unconditional). On failure the solver is where it was. */
vt_status vt__solver_supply(vt_solver *s, vt_tensor *const *predictions, int32_t n);
int vt__solver_is_done(const vt_solver *s);
/* The state, borrowed; its numbers change with the next step. NULL before begin. */
vt_tensor *vt__solver_state(const vt_solver *s);
int64_t vt__solver_step(const vt_solver *s);
int64_t vt__solver_evaluations(const vt_solver *s);
/* Draws in the order of their use: noise [n, rows, ...] in place of the rows' own. NULL: the rows' own again. */
vt_status vt__solver_set_noise(vt_solver *s, vt_tensor *noise);
/* Another state of the same extents, a copy is taken. Predictions that came before are dropped from multistep methods unless they are to be kept. Only between steps. */
vt_status vt__solver_set_state(vt_solver *s, vt_tensor *x, int keep_history);
/* Tensor k (0 or 1) that kinds read besides the state: the degraded picture, the source. Held. */
vt_status vt__solver_set_extra(vt_solver *s, int32_t k, vt_tensor *t);

/* Somebody who looks, and may write to the tensor: where the model is asked, the guided prediction, predicted data after thresholds, the state before its update, the
 * state after a step. Anything but VT_OK ends the call with that status. */
enum { VT__HOOK_BEFORE_EVAL, VT__HOOK_AFTER_GUIDANCE, VT__HOOK_AFTER_DATA, VT__HOOK_BEFORE_UPDATE, VT__HOOK_AFTER_STEP };
struct vt__solver_event {
    int32_t point;
    int64_t step, evaluation;
    vt_tensor *tensor; /* borrowed for the call */
};
/* inner: a function of the caller's own type, handed through. */
typedef vt_status (*vt__solver_hook_fn)(void (*inner)(void), void *user, const struct vt__solver_event *event);
/* NULL: nobody. STATE while a batch is under way. */
vt_status vt__solver_set_hook(vt_solver *s, vt__solver_hook_fn hook, void (*inner)(void), void *user);
/* A picture whose parts are known: where mask is 1, the state after each step is known's at its level, with the row's own noise; between, in shares. Both of the state's
 * extents; held. NULL: none. Only between steps. */
vt_status vt__solver_set_mask(vt_solver *s, vt_tensor *mask, vt_tensor *known);
/* snapshot.c: a run as bytes, and back into a solver of the same options. After a failed restore it has not begun. */
vt_status vt__solver_save(const vt_solver *s, vt_buffer **out);
vt_status vt__solver_restore(vt_solver *s, const void *data, size_t size);
/* Roles and partners of rows [rows]: route[r] is the row that the routed terms of row r read. */
vt_status vt__solver_set_route(vt_solver *s, const int32_t *role, const int64_t *route);

#endif
