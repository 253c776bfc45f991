/* Recording: what a function does on this thread, as a program. */
#ifndef VENTURI_PLAN_CAPTURE_H
#define VENTURI_PLAN_CAPTURE_H

#include "plan/program.h"

enum { VT__MOST_RESULTS = 64 };

/* The work. in: stand-ins for the inputs, dense copies of their numbers; out [VT__MOST_RESULTS]: references that are taken over, also on failure; *n_out how many. */
typedef vt_status (*vt__capture_fn)(void *user, vt_tensor *const *in, int32_t n_in, vt_tensor **out, int32_t *n_out);

/* Runs fn once, as it would run anyway, into a program whose results hold what it computed. What fn made and somebody still holds afterwards is kept: a replay
 * writes to it again.
 * Errors:  STATE (inside of another capture; numbers looked at; a state that is made in here and updated), DEVICE (more than one), what fn fails with. */
vt_status vt__capture(vt_context *ctx, vt_tensor *const *inputs, int32_t n_inputs, vt__capture_fn fn, void *user, struct vt__program *out);

#endif
